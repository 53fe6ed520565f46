//! `get_recurring_invoice`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::plan_view::{PlanView, view};
use crate::recurring::RecurringInvoice;

/// Which plan to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetRecurringInvoice {
    recurring_invoice: Id<RecurringInvoice>,
}

impl Tool for GetRecurringInvoice {
    const SPEC: Spec = Spec::reads("get_recurring_invoice", READ_INVOICES)
        .title("Get recurring invoice")
        .about("Read a recurring invoice with its lines, products and taxes.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What exactly do we bill for the hosting?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Planned"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_recurring_invoice",
                arguments: r#"{"name": "Planned hosting", "company": "{acme}", "currency": "EUR", "starts_on": "2027-01-31", "lines": [{"description": "Hosting", "unit_price": "500", "tax_rate": "19"}]}"#,
                keep: &[("plan", "/data/id")],
            },
        ],
        arguments: r#"{"recurring_invoice": "{plan}"}"#,
        expect: &[
            ("/data/lines/0/unit_price", r#""500.00""#),
            ("/data/lines/0/tax_rate", r#""19""#),
        ],
    }];
    type Output = PlanView;

    async fn call(self, cx: &mut Cx) -> Result<PlanView> {
        let plan = cx.get(self.recurring_invoice).await;
        let plan = plan.map_err(|error| error.field("recurring_invoice"))?;
        view(cx, plan).await
    }
}
