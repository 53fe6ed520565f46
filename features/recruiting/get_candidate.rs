//! `get_candidate`

use bureau_kernel::prelude::*;

use crate::candidate::Candidate;
use crate::{CANDIDATES, PLACE};

impl Gettable for Candidate {
    const SPEC: Spec = Spec::reads("get_candidate", CANDIDATES.read)
        .covers(PLACE)
        .title("Get candidate")
        .about("Get a candidate with CV, applications and every stage that they went through.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How did it go with Moist so far?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Postmaster"}"#,
                keep: &[("post", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Moist von Lipwig", "job": "{post}"}"#,
                keep: &[("moist", "/data/id")],
            },
            Step {
                tool: "update_application_status",
                arguments: r#"{"application": "Moist von Lipwig", "stage": "Interview", "note": "Charming"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"candidate": "{moist}"}"#,
        expect: &[
            ("/data/applications/0/stage/name", r#""Interview""#),
            ("/data/applications/0/moves/0/stage/name", r#""Applied""#),
            ("/data/applications/0/moves/1/stage/name", r#""Interview""#),
            ("/data/applications/0/moves/1/note", r#""Charming""#),
        ],
    }];
}
