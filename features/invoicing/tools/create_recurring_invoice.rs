//! `create_recurring_invoice`

use bureau_billing::LineGiven;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CREATE_INVOICES;
use crate::plan::{check_missed, shape};
use crate::plan_view::{PlanView, view};
use crate::recurring::RecurringInvoice;

/// A new plan.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name", "lines"]))]
pub(crate) struct CreateRecurringInvoice {
    lines: Vec<LineGiven>,
    #[serde(flatten)]
    fields: Patch<RecurringInvoice>,
}

impl Tool for CreateRecurringInvoice {
    const SPEC: Spec = Spec::adds("create_recurring_invoice", CREATE_INVOICES)
        .title("Create recurring invoice")
        .about("Plan an invoice every n weeks, months or years; it is drafted when due.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Bill Acme 500 for hosting at the end of each month",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Monthly", "street": "1 Main St", "city": "Berlin", "country": "DE"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"name": "Acme hosting", "company": "{acme}", "currency": "EUR", "starts_on": "2027-01-31", "lines": [{"description": "Hosting", "unit_price": "500", "tax_rate": "19"}]}"#,
            expect: &[
                ("/data/status", r#""active""#),
                ("/data/interval", r#""month""#),
                ("/data/next_on", r#""2027-01-31""#),
                ("/data/gross_total", r#""595.00""#),
                ("/data/auto_issue", "false"),
            ],
        },
        Example {
            title: "And 1,200 for support every quarter of the next year",
            before: &[],
            arguments: r#"{"name": "Acme support", "company": "{acme}", "currency": "EUR", "every": 3, "starts_on": "2027-01-01", "ends_on": "2027-12-31", "lines": [{"description": "Support", "unit_price": "1200", "tax_rate": "19"}]}"#,
            expect: &[
                ("/data/monthly_net", r#""400.00""#),
                ("/data/ends_on", r#""2027-12-31""#),
            ],
        },
    ];
    type Output = PlanView;

    async fn call(self, cx: &mut Cx) -> Result<PlanView> {
        let mut plan = self.fields.record(cx.local_time())?;
        if !self.fields.has("starts_on") {
            plan.starts_on = cx.today();
        }
        check_missed(cx, &plan)?;
        shape(cx, &mut plan, Some(self.lines)).await?;
        let saved = cx.insert(plan, self.fields.attributes()?).await?;
        view(cx, saved).await
    }
}
