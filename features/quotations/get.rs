//! `get_quotation`

use bureau_billing::{Format, Rendered, render};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::QUOTATIONS;
use crate::document::quotation_document;
use crate::quotation::{Quotation, QuotationStatus};
use crate::view::{EarlierView, QuotationView, view};

/// Which quotation to read, and in what form.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetQuotation {
    quotation: Id<Quotation>,
    /// Add it in this form
    document: Option<Form>,
}

/// The forms of its document.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    Pdf,
}

/// A quotation with what was offered before.
#[derive(Serialize, JsonSchema)]
pub(crate) struct QuotationDetails {
    #[serde(flatten)]
    quotation: QuotationView,
    /// The versions that were sent before, oldest first.
    earlier: Vec<EarlierView>,
    /// Where its document is read, once sent.
    resources: Vec<String>,
    document: Option<Rendered>,
}

impl Tool for GetQuotation {
    const SPEC: Spec = Spec::reads("get_quotation", QUOTATIONS.read)
        .title("Get quotation")
        .about("Read a quotation with lines, taxes, earlier versions, or its PDF.")
        .busy_with("document");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What did we offer Acme?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Reads"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_quotation",
                arguments: r#"{"title": "Support", "company": "{acme}", "lines": [{"description": "Support", "quantity": "2.5", "unit": "hour", "unit_price": "80", "tax_rate": "20"}]}"#,
                keep: &[("offer", "/data/id")],
            },
        ],
        arguments: r#"{"quotation": "{offer}"}"#,
        expect: &[
            ("/data/lines/0/net_total", r#""200.00""#),
            ("/data/gross_total", r#""240.00""#),
            ("/data/earlier", "null"),
        ],
    }];
    type Output = QuotationDetails;

    async fn call(self, cx: &mut Cx) -> Result<QuotationDetails> {
        let quotation = cx.get(self.quotation).await?;
        let is_sent = *quotation.status != QuotationStatus::Draft;
        let document = match self.document {
            None => None,
            Some(Form::Pdf) => Some(quotation_document(cx, &quotation).await?),
        };
        let resource = is_sent.then(|| Format::Pdf.uri("quotations", quotation.id));
        let earlier = quotation.earlier.0.0.clone();
        let quotation = view(cx, quotation).await?;
        let document = match document {
            None => None,
            Some(document) => Some(render(cx, document, Format::Pdf).await?),
        };
        Ok(QuotationDetails {
            quotation,
            earlier: earlier.into_iter().map(EarlierView::from).collect(),
            resources: resource.into_iter().collect(),
            document,
        })
    }
}
