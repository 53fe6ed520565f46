//! `list_projects`

use bureau_kernel::prelude::*;

use crate::PROJECTS;
use crate::project::Project;

impl Listed for Project {
    const QUERY: Option<&'static str> = Some("Part of name, number, tag");
    const SORT: &'static str = "Default due_on";
    const USUAL: &'static str = "due_on";
}

impl Listable for Project {
    const SPEC: Spec = Spec::reads("list_projects", PROJECTS.read)
        .title("List projects")
        .core()
        .about("List projects and how far they are, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which projects are we working on for Globex?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Globex Works"}"#,
                    keep: &[("globex", "/data/id")],
                },
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Data migration", "company": "{globex}", "due_on": "2027-03-31"}"#,
                    keep: &[("migration", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{globex}", "status": "active"}"#,
            expect: &[
                ("/data/0/id", r#""{migration}""#),
                ("/data/0/open_tasks", "0"),
            ],
        },
        Example {
            title: "What was that migration?",
            before: &[],
            arguments: r#"{"query": "migration"}"#,
            expect: &[("/data/0/name", r#""Data migration""#)],
        },
    ];
}
