//! `get_job`

use bureau_kernel::prelude::*;

use crate::JOBS;
use crate::vacancy::Vacancy;

impl Gettable for Vacancy {
    const SPEC: Spec = Spec::reads("get_job", JOBS.read)
        .title("Get job")
        .about("Get a job with its stages, how many stand in each, and its openings.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How far are we with the new support lead?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Support Lead"}"#,
                keep: &[("lead", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Sam Vimes", "job": "{lead}"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"job": "Support Lead"}"#,
        expect: &[
            ("/data/stages/0/name", r#""Applied""#),
            ("/data/stages/0/candidates", "1"),
            ("/data/stages/4/kind", r#""hired""#),
            ("/data/openings/0/status", r#""open""#),
        ],
    }];
}
