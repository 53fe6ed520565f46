//! `create_quotation`

use bureau_billing::{LineGiven, compare};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Amount;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::QUOTATIONS;
use crate::draft::shape;
use crate::quotation::Quotation;
use crate::view::{QuotationView, view};

/// A new draft.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["title", "lines"]))]
pub(crate) struct CreateQuotation {
    lines: Vec<LineGiven>,
    /// Your gross total, to compare
    total: Option<Amount>,
    #[serde(flatten)]
    fields: Patch<Quotation>,
}

impl Tool for CreateQuotation {
    const SPEC: Spec = Spec::adds("create_quotation", QUOTATIONS.create)
        .title("Create quotation")
        .about("Draft an offer to a company or contact from lines or products.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Offer Acme a website for 4,000 euros and a year of hosting, 5% off",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Offered"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"title": "New website", "company": "{acme}", "currency": "EUR", "lines": [{"description": "Website", "unit_price": "4000", "tax_rate": "19"}, {"description": "Hosting", "quantity": "12", "unit": "month", "unit_price": "19.95", "tax_rate": "19"}], "discount": "5%"}"#,
            expect: &[
                ("/data/status", r#""draft""#),
                ("/data/number", "null"),
                ("/data/revision", "1"),
                ("/data/lines/1/net_total", r#""239.40""#),
                ("/data/discount_total", r#""211.97""#),
                ("/data/net_total", r#""4027.43""#),
                ("/data/tax_total", r#""765.21""#),
                ("/data/gross_total", r#""4792.64""#),
            ],
        },
        Example {
            title: "An offer that holds until the end of next month",
            before: &[],
            arguments: r#"{"title": "Workshop", "company": "{acme}", "lines": [{"description": "Workshop", "unit_price": "1500", "tax_rate": "19"}], "valid_until": "2027-01-31", "total": "1785.00"}"#,
            expect: &[("/data/valid_until", r#""2027-01-31""#)],
        },
    ];
    type Output = QuotationView;

    async fn call(self, cx: &mut Cx) -> Result<QuotationView> {
        let mut quotation = self.fields.record(cx.local_time())?;
        shape(cx, &mut quotation, Some(self.lines)).await?;
        let attributes = self.fields.attributes()?;
        let saved = cx.insert(quotation, attributes).await?;
        compare(self.total, &saved.totals()?, &saved.lines, saved.currency)?;
        view(cx, saved).await
    }
}
