//! `list_applications`

use bureau_kernel::prelude::*;

use crate::application::Application;
use crate::{CANDIDATES, PLACE};

impl Listed for Application {
    const QUERY: Option<&'static str> = None;
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
}

impl Listable for Application {
    const SPEC: Spec = Spec::reads("list_applications", CANDIDATES.read)
        .covers(PLACE)
        .title("List applications")
        .about("List applications one by one: who applied, was hired or left, and when.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Which applications came from the fair?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Baker"}"#,
                keep: &[("baker", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Nanny Ogg", "job": "{baker}", "source": "Fair"}"#,
                keep: &[("nanny", "/data/applications/0/id")],
            },
        ],
        arguments: r#"{"job": "Baker", "source": "fair", "status": "in_progress"}"#,
        expect: &[
            ("/data/0/id", r#""{nanny}""#),
            ("/data/0/candidate/name", r#""Nanny Ogg""#),
            ("/data/0/stage/name", r#""Applied""#),
        ],
    }];
}
