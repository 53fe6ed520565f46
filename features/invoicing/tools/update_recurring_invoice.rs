//! `update_recurring_invoice`

use bureau_billing::LineGiven;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UPDATE_INVOICES;
use crate::plan::{check_missed, check_still_there, shape};
use crate::plan_view::{PlanView, view};
use crate::recurring::{PlanStatus, RecurringInvoice};

/// What changes in a plan.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateRecurringInvoice {
    recurring_invoice: Id<RecurringInvoice>,
    clear: Option<Vec<ClearField<RecurringInvoice>>>,
    /// All lines anew
    lines: Option<Vec<LineGiven>>,
    #[serde(flatten)]
    fields: Patch<RecurringInvoice>,
}

impl Tool for UpdateRecurringInvoice {
    const SPEC: Spec = Spec::changes("update_recurring_invoice", UPDATE_INVOICES)
        .title("Update recurring invoice")
        .about("Pause, resume, end or change a recurring invoice, from its next day on.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Hosting for Acme costs 550 from now on",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Replanned"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_recurring_invoice",
                    arguments: r#"{"name": "Acme hosting", "company": "{acme}", "currency": "EUR", "starts_on": "2027-01-31", "lines": [{"description": "Hosting", "unit_price": "500", "tax_rate": "19"}]}"#,
                    keep: &[("plan", "/data/id")],
                },
            ],
            arguments: r#"{"recurring_invoice": "{plan}", "lines": [{"description": "Hosting", "unit_price": "550", "tax_rate": "19"}]}"#,
            expect: &[
                ("/data/net_total", r#""550.00""#),
                ("/data/next_on", r#""2027-01-31""#),
            ],
        },
        Example {
            title: "Pause it",
            before: &[],
            arguments: r#"{"recurring_invoice": "{plan}", "status": "paused"}"#,
            expect: &[("/data/status", r#""paused""#)],
        },
    ];
    type Output = PlanView;

    async fn call(self, cx: &mut Cx) -> Result<PlanView> {
        let mut edit = cx.edit(self.recurring_invoice).await.map_err(named)?;
        let before = edit.before().record.clone();
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        if edit.currency != before.currency && self.lines.is_none() {
            let message = "The prices of its lines are in another currency.";
            return Err(Error::invalid("currency", message).hint("Give the lines too."));
        }
        edit.go_on_from(&before, cx.today());
        let goes_on = edit.status == PlanStatus::Active && before.status != PlanStatus::Active;
        let next = edit.day(*edit.made);
        if let (true, Some(end)) = (goes_on, edit.ends_on)
            && next.is_none_or(|next| next > end)
        {
            let message = format!("Its last day is {end}: there is nothing left to make.");
            return Err(Error::invalid("status", message)
                .hint("Give a later ends_on with it, or empty ends_on with clear."));
        }
        if before.status == PlanStatus::Ended && edit.status != PlanStatus::Ended {
            check_still_there(cx, &edit).await?;
        }
        let rhythm = |plan: &RecurringInvoice| (plan.starts_on, plan.interval, plan.every);
        if rhythm(&edit) != rhythm(&before) {
            check_missed(cx, &edit)?;
        }
        let lines = self.lines;
        shape(cx, &mut edit, lines).await?;
        let saved = edit.save(cx).await?;
        view(cx, saved).await
    }
}

/// What is not there is named by the parameter.
fn named(error: Error) -> Error {
    match error.code() {
        Code::NotFound => error.field("recurring_invoice"),
        _ => error,
    }
}
