//! `update_quotation_status`

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::{DayEdge, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::QUOTATIONS;
use crate::quotation::{Quotation, QuotationStatus};
use crate::view::{QuotationView, view};

/// What the customer said to a quotation.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateQuotationStatus {
    quotation: Id<Quotation>,
    status: Decision,
    /// The customer's words
    reason: Option<ShortText<500>>,
    /// Default now
    decided_on: Option<When>,
}

/// What a customer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Accepted,
    Declined,
}

impl Tool for UpdateQuotationStatus {
    const SPEC: Spec = Spec::changes("update_quotation_status", QUOTATIONS.update)
        .title("Update quotation status")
        .about("Note that the customer accepted or declined a quotation.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Acme said yes",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Decided"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_quotation",
                arguments: r#"{"title": "Roof", "company": "{acme}", "lines": [{"description": "Roof", "unit_price": "9000", "tax_rate": "19"}]}"#,
                keep: &[("offer", "/data/id")],
            },
            Step {
                tool: "send_quotation",
                arguments: r#"{"quotation": "{offer}", "confirm": true}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"quotation": "{offer}", "status": "accepted", "reason": "Start in spring"}"#,
        expect: &[
            ("/data/status", r#""accepted""#),
            ("/data/decision", r#""Start in spring""#),
        ],
    }];
    type Output = QuotationView;

    async fn call(self, cx: &mut Cx) -> Result<QuotationView> {
        let mut edit = cx.edit(self.quotation).await?;
        // A customer's late word counts where the seller notes it: an offer that expired is decided like one that holds.
        match *edit.status {
            QuotationStatus::Sent | QuotationStatus::Expired => {}
            QuotationStatus::Draft => {
                let message = format!("{} is a draft.", edit.called());
                return Err(Error::conflict(message)
                    .field("quotation")
                    .hint("Send it with send_quotation first."));
            }
            status @ (QuotationStatus::Accepted | QuotationStatus::Declined) => {
                let was = if status == QuotationStatus::Accepted {
                    "accepted"
                } else {
                    "declined"
                };
                let message = format!("{} was {was} already.", edit.called());
                return Err(Error::conflict(message).field("quotation").hint(
                    "Take that back with undo_change; list_changes has the change. \
                     A declined one gets a new version with update_quotation.",
                ));
            }
        }
        let decided_at = decided_at(cx, self.decided_on.as_ref(), &edit)?;
        edit.status = Managed(match self.status {
            Decision::Accepted => QuotationStatus::Accepted,
            Decision::Declined => QuotationStatus::Declined,
        });
        edit.decided_at = Managed(Some(decided_at));
        edit.decision = Managed(self.reason);
        let decided = edit.save(cx).await?;
        view(cx, decided).await
    }
}

/// When the customer decided: not before the quotation was sent, and not after today.
fn decided_at(cx: &mut Cx, when: Option<&When>, quotation: &Quotation) -> Result<Timestamp> {
    const FIELD: &str = "decided_on";
    let now = cx.now();
    let Some(when) = when else {
        return Ok(now);
    };
    let zone = cx.workspace().time_zone;
    let moment = cx.moment(FIELD, when, DayEdge::End)?;
    let day = moment.with_timezone(&zone).date_naive();
    if day > cx.today() {
        let message = format!("decided_on is {day}, which is still to come.");
        return Err(Error::invalid(FIELD, message));
    }
    if let Some(sent) = quotation.sent_on.filter(|sent| day < *sent) {
        let message = format!("decided_on is {day}, before it was sent on {sent}.");
        return Err(Error::invalid(FIELD, message));
    }
    Ok(moment.min(now))
}
