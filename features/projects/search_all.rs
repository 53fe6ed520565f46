//! `search_all`

use bureau_kernel::find::Match;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PROJECTS;

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchAll {
    query: ShortText<500>,
    /// contact, task, …
    types: Option<Vec<ShortText<40>>>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

impl Tool for SearchAll {
    const SPEC: Spec = Spec::reads("search_all", PROJECTS.read)
        .title("Search everything")
        .core()
        .about("Search records of all kinds at once, best match first.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Where did we have something about the lighthouse?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Lighthouse Keepers"}"#,
                    keep: &[("keepers", "/data/id")],
                },
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Harbour", "description": "New lamps for the old lighthouse at the pier."}"#,
                    keep: &[("harbour", "/data/id")],
                },
            ],
            arguments: r#"{"query": "lighthouse"}"#,
            expect: &[
                ("/data/0/id", r#""{keepers}""#),
                ("/data/0/type", r#""company""#),
                ("/data/1/id", r#""{harbour}""#),
                (
                    "/data/1/passage",
                    r#""New lamps for the old lighthouse at the pier.""#,
                ),
            ],
        },
        Example {
            title: "Only the projects",
            before: &[],
            arguments: r#"{"query": "lighthouse", "types": ["project"]}"#,
            expect: &[("/data/0/id", r#""{harbour}""#)],
        },
    ];
    type Output = Vec<Match>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Match>> {
        let kinds: Vec<String> = self
            .types
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let limit = self.limit.unwrap_or_default();
        let cursor = self.cursor.as_ref();
        let page = cx.find_any(&self.query, &kinds, limit, cursor).await?;
        Ok(cx.page(page))
    }
}
