//! `issue_invoice`

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::shown;
use bureau_kernel::types::text::quoted;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ISSUE_INVOICES;
use crate::invoice::Invoice;
use crate::issue::issue;
use crate::view::{InvoiceView, view};

/// Which draft to issue.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct IssueInvoice {
    /// A draft
    invoice: Id<Invoice>,
    /// Default today
    issue_date: Option<When>,
    /// What looks like a slip is meant
    anyway: Option<bool>,
}

impl Tool for IssueInvoice {
    const SPEC: Spec = Spec::sends("issue_invoice", ISSUE_INVOICES)
        .covers(&[Covers::update::<Invoice>()])
        .title("Issue invoice")
        .about("Issue a draft invoice or credit note: it gets its number and is final.")
        .irreversible("credit it with create_credit_note");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Issue the draft for Acme",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Issued", "street": "1 Main St", "city": "Berlin", "country": "DE"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_invoice",
                arguments: r#"{"company": "{acme}", "currency": "EUR", "terms": "net 14", "lines": [{"description": "Workshop", "unit_price": "1000", "tax_rate": "19"}]}"#,
                keep: &[("draft", "/data/id")],
            },
        ],
        arguments: r#"{"invoice": "{draft}", "confirm": true}"#,
        expect: &[
            ("/data/status", r#""issued""#),
            ("/data/balance_due", r#""1190.00""#),
            ("/data/buyer/name", r#""Acme Issued""#),
            ("/data/terms", r#""net 14""#),
        ],
    }];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let day = self.issue_date.as_ref();
        let day = day.map(|when| cx.date("issue_date", when)).transpose()?;
        let anyway = self.anyway.unwrap_or(false);
        let (issued, obstacles) = issue(cx, self.invoice, day, anyway).await?;
        let mut summary = described(&issued);
        for obstacle in &obstacles {
            summary = format!("{summary}; {obstacle}");
        }
        cx.set_summary(summary);
        Ok(view(cx, issued).await?.with(obstacles))
    }
}

/// What a person is asked about: which number it takes, to whom it goes, what it comes to.
fn described(issued: &Invoice) -> String {
    let customer = quoted(issued.customer.as_deref().unwrap_or_default());
    let gross = shown(issued.gross_total.decimal(), issued.currency);
    let due = issued
        .due_date
        .map_or(String::new(), |due| format!(", due {due}"));
    format!(
        "make {} final: {gross} {}, for {customer}{due}",
        issued.label(),
        issued.currency
    )
}
