//! `get_support_metrics`

use bureau_kernel::prelude::*;
use bureau_kernel::types::period::DateRange;
use bureau_tickets::TICKETS;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::asking::{Scope, dimensions};
use crate::names::{Choice, all_chosen, also, choice};
use crate::report::Report;

/// Of which days, which figures, and taken apart by what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetSupportMetrics {
    /// Default last 30 days
    period: Option<DateRange>,
    /// Such as backlog, resolution, handovers
    measures: Option<Vec<ShortText<60>>>,
    /// Up to 2, as assignee, product, region
    group_by: Option<Vec<ShortText<60>>>,
    assignee: Option<Id<Member>>,
}

const MEASURES: &[(Choice, &str)] = &[
    (
        also("volume", &["opened", "new", "created", "tickets"]),
        "tickets.opened",
    ),
    (also("solved", &["closed", "resolved"]), "tickets.solved"),
    (also("backlog", &["open"]), "tickets.backlog"),
    (choice("unassigned"), "tickets.unassigned"),
    (choice("awaiting_reply"), "tickets.awaiting_reply"),
    (choice("overdue"), "tickets.overdue"),
    (
        also(
            "first_response",
            &["first_response_time", "first_reply_time"],
        ),
        "tickets.first_response_time",
    ),
    (
        also("next_response", &["next_response_time"]),
        "tickets.next_response_time",
    ),
    (
        also(
            "resolution",
            &[
                "resolution_time",
                "handle_time",
                "handling_time",
                "closing_time",
                "time_to_close",
                "time_to_resolve",
                "time_to_resolution",
            ],
        ),
        "tickets.resolution_time",
    ),
    (
        choice("first_response_compliance"),
        "tickets.first_response_compliance",
    ),
    (
        choice("resolution_compliance"),
        "tickets.resolution_compliance",
    ),
    (
        also("satisfaction", &["csat", "rating"]),
        "tickets.satisfaction",
    ),
    (
        also("handovers", &["handoffs", "reassignments", "transfers"]),
        "tickets.handovers",
    ),
];

const BY: &[Choice] = &[
    also("assignee", &["agent", "owner", "member", "user"]),
    choice("team"),
    also("priority", &["priorities", "urgency"]),
    also("category", &["categories", "type"]),
    choice("product"),
    choice("channel"),
    also("company", &["companies", "customer", "client", "account"]),
    also("region", &["state"]),
    also("country", &["countries"]),
    choice("week"),
    also("month", &["period", "monthly"]),
    also("quarter", &["quarterly"]),
    also("year", &["yearly"]),
];

impl Tool for GetSupportMetrics {
    const SPEC: Spec = Spec::reads("get_support_metrics", TICKETS.read)
        .title("Get support metrics")
        .about("Ticket volume, response and resolution times, SLA compliance, satisfaction.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How many tickets came in by which way in February 2024?",
            before: &[Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Screen flickers", "channel": "phone", "opened_at": "2024-02-05"}"#,
                keep: &[],
            }],
            arguments: r#"{"period": "February 2024", "measures": ["volume"], "group_by": "channel"}"#,
            expect: &[
                ("/data/figures/0/measure", r#""tickets.opened@1""#),
                ("/data/figures/0/n", "1"),
                ("/data/figures/0/groups/0/key/channel", r#""phone""#),
                (
                    "/data/figures/0/groups/0/evidence/tool",
                    r#""list_tickets""#,
                ),
            ],
        },
        Example {
            title: "What is the average handle time by product in Q2 2025?",
            before: &[],
            arguments: r#"{"period": "Q2 2025", "measures": ["handle time"], "group_by": ["product"]}"#,
            expect: &[
                ("/data/to", r#""2025-06-30""#),
                ("/data/figures/0/measure", r#""tickets.resolution_time@1""#),
                ("/data/figures/0/n", "0"),
            ],
        },
    ];
    type Output = Report;

    async fn call(self, cx: &mut Cx) -> Result<Report> {
        let by = dimensions(self.group_by.as_deref(), BY)?;
        let asked = self.measures.as_deref().filter(|asked| !asked.is_empty());
        let names: Vec<Choice> = MEASURES.iter().map(|(choice, _)| *choice).collect();
        let asked = asked.map(|asked| all_chosen("measures", asked, &names, MEASURES.len()));
        let asked = asked.transpose()?;
        let are_named = asked.is_some();
        let measures = MEASURES.iter().filter(|(choice, _)| {
            let asked = asked.as_ref();
            asked.is_none_or(|asked| asked.contains(&choice.name))
        });
        let measures = measures.map(|(_, id)| *id).collect();
        Scope {
            period: self.period.as_ref(),
            usual: "last 30 days",
            owner: self.assignee,
        }
        .report(cx, measures, are_named, by.unwrap_or_default())
        .await
    }
}
