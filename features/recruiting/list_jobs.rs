//! `list_jobs`

use bureau_kernel::prelude::*;

use crate::JOBS;
use crate::vacancy::Vacancy;

impl Listed for Vacancy {
    const QUERY: Option<&'static str> = Some("Part of title, department, location");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
}

impl Listable for Vacancy {
    const SPEC: Spec = Spec::reads("list_jobs", JOBS.read)
        .title("List jobs")
        .about("List jobs that are hired for, with their openings and candidates in number.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Which jobs are open in engineering?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Data Engineer", "department": "Engineering", "openings": 2}"#,
                keep: &[("data", "/data/id")],
            },
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Accountant", "department": "Finance"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"status": "open", "department": "engineering"}"#,
        expect: &[
            ("/data/0/id", r#""{data}""#),
            ("/data/0/open_openings", "2"),
            ("/data/0/in_progress", "0"),
        ],
    }];
}
