//! `list_time_entries`

use bureau_companies::Company;
use bureau_kernel::list::List;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::to_value;

use crate::TIME;
use crate::entry::TimeEntry;
use crate::view::{SUMMED, SUMMED_BY, totals};
use bureau_projects::Project;

/// Which time entries to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListTimeEntries {
    /// Client
    company: Option<Id<Company>>,
    /// On an invoice or draft
    billed: Option<bool>,
    #[serde(flatten)]
    listing: Listing<TimeEntry>,
}

impl Listed for TimeEntry {
    const QUERY: Option<&'static str> = Some("Words of the note");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-worked_on";
}

impl Tool for ListTimeEntries {
    const SPEC: Spec = Spec::reads("list_time_entries", TIME.read)
        .title("List time entries")
        .about("List time worked; page.totals sums hours, amounts and cost of all matches.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which hours of Globex are not billed yet?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Globex Hours"}"#,
                    keep: &[("globex", "/data/id")],
                },
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Globex shop", "company": "{globex}"}"#,
                    keep: &[("shop", "/data/id")],
                },
                Step {
                    tool: "create_time_entry",
                    arguments: r#"{"project": "{shop}", "worked_on": "2026-01-05", "hours": "0:20", "hourly_rate": "120", "note": "Cart"}"#,
                    keep: &[("cart", "/data/id")],
                },
                Step {
                    tool: "create_time_entry",
                    arguments: r#"{"project": "{shop}", "worked_on": "2026-01-06", "hours": "2:40", "hourly_rate": "120"}"#,
                    keep: &[("later", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{globex}", "billable": true, "billed": false}"#,
            expect: &[
                ("/data/0/id", r#""{later}""#),
                ("/data/1/id", r#""{cart}""#),
                ("/page/totals/hours", r#""3""#),
                ("/page/totals/values/0/amount", r#""360.00""#),
            ],
        },
        Example {
            title: "Who worked on the shop in January?",
            before: &[],
            arguments: r#"{"project": "{shop}", "worked_after": "2026-01-01", "worked_before": "2026-01-31"}"#,
            expect: &[
                ("/page/totals/entries", "2"),
                ("/page/totals/hours", r#""3""#),
            ],
        },
    ];
    type Output = Vec<Row<TimeEntry>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<TimeEntry>>> {
        let projects = match self.company {
            Some(company) => Some(projects_for(cx, company).await?),
            None => None,
        };
        let is_unbilled = self.billed.map(|billed| !billed);
        let projects = projects.as_deref();
        let sums = self.listing.sums(
            cx,
            |list| narrowed(list, projects, is_unbilled),
            &SUMMED_BY,
            &SUMMED,
        );
        let sums = sums.await?;
        let totals = totals(cx, &sums).await?;
        cx.note_totals(to_value(totals).map_err(Error::internal)?);
        let rows = self
            .listing
            .rows(cx, |list| narrowed(list, projects, is_unbilled));
        rows.await
    }
}

/// The entries of these projects, or of all, that are on no invoice, or on one.
fn narrowed<'a>(
    list: List<'a, TimeEntry>,
    projects: Option<&[Id<Project>]>,
    is_unbilled: Option<bool>,
) -> List<'a, TimeEntry> {
    let list = list.is_empty("invoice", is_unbilled);
    match projects {
        Some(projects) => list.any_of("project", projects),
        None => list,
    }
}

/// The projects for a client.
///
/// # Errors
/// What the database says.
pub(crate) async fn projects_for(cx: &mut Cx, company: Id<Company>) -> Result<Vec<Id<Project>>> {
    let rows = sql("SELECT id")
        .from_live::<Project>(cx)
        .sql(" AND company = ")
        .value(company)
        .sql(" ORDER BY id")
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}
