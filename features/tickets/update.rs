//! `update_ticket`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TICKETS;
use crate::case::Case;
use crate::shape::{Turn, shape};
use crate::status::TicketStatus;
use crate::ticket::Ticket;

/// What changes in a ticket.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateTicket {
    ticket: Id<Ticket>,
    clear: Option<Vec<ClearField<Ticket>>>,
    status: Option<TicketStatus>,
    /// With on_hold
    hold_reason: Option<ShortText<60>>,
    /// 1 to 5
    satisfaction: Option<BoundedInt<1, 5>>,
    satisfaction_comment: Option<LongText<2000>>,
    #[serde(flatten)]
    fields: Patch<Ticket>,
}

impl Tool for UpdateTicket {
    const SPEC: Spec = Spec::changes("update_ticket", TICKETS.update)
        .title("Update ticket")
        .core()
        .about("Assign, prioritize, hand over, put on hold, solve, reopen or rate a ticket.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We wait for the supplier of Globex's spare part",
            before: &[Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Globex needs a spare part", "priority": "high"}"#,
                keep: &[("part", "/data/id")],
            }],
            arguments: r#"{"ticket": "{part}", "status": "on_hold", "hold_reason": "waiting for supplier"}"#,
            expect: &[
                ("/data/status", r#""on_hold""#),
                ("/data/hold_reason", r#""Waiting for supplier""#),
            ],
        },
        Example {
            title: "It came and works, and they gave us five stars",
            before: &[],
            arguments: r#"{"ticket": "{part}", "status": "solved", "satisfaction": 5, "satisfaction_comment": "Quick!"}"#,
            expect: &[
                ("/data/status", r#""solved""#),
                ("/data/satisfaction", "5"),
                ("/data/next_breach", "null"),
            ],
        },
        Example {
            title: "It broke again: reopen it, and I look after it",
            before: &[],
            arguments: r#"{"ticket": "{part}", "status": "open", "assignee": "me"}"#,
            expect: &[("/data/status", r#""open""#), ("/data/reopened", "1")],
        },
    ];
    type Output = View<Ticket>;

    async fn call(self, cx: &mut Cx) -> Result<View<Ticket>> {
        let mut case = Case::of(cx, self.ticket).await?;
        let before = case.edit.before().record.clone();
        if let Some(into) = *before.merged_into
            && self.status.is_some_and(|status| !status.is_over())
        {
            let message = format!("{} was merged into {into}.", before.called());
            return Err(Error::conflict(message)
                .field("ticket")
                .hint("Change that one, or part the two again with undo_change."));
        }
        case.edit.clear_fields(&self.clear.unwrap_or_default());
        case.edit.apply(cx, &self.fields).await?;
        if self.satisfaction.is_some() {
            case.edit.satisfaction = Managed(self.satisfaction);
        }
        if self.satisfaction_comment.is_some() {
            case.edit.satisfaction_comment = Managed(self.satisfaction_comment);
        }
        shape(cx, &case.desk, &mut case.edit, Some(&before), &self.fields).await?;
        let now = cx.now();
        let turn = Turn {
            status: self.status,
            hold_reason: self.hold_reason,
        };
        turn.take(&mut case.edit, &case.desk, now)?;
        if before.status.is_over() && !case.edit.status.is_over() {
            // What was done did not hold on to whose it was; what is worked on again needs them.
            const NAMED: [&str; 4] = ["requester", "company", "assignee", "team"];
            cx.hold_again(&*case.edit, &NAMED).await?;
        }
        case.edit.note_handover(&before, now)?;
        let saved = case.save(cx).await?;
        cx.view(saved).await
    }
}
