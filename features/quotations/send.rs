//! `send_quotation`

use bureau_billing::{buyer, complete_seller, frozen};
use bureau_kernel::prelude::*;
use bureau_kernel::series::next_number;
use bureau_kernel::types::money::shown;
use bureau_kernel::types::text::quoted;
use chrono::Days;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::SEND_QUOTATIONS;
use crate::document::printable_quotation;
use crate::quotation::{QUOTATIONS, Quotation, QuotationStatus};
use crate::view::{QuotationView, view};

/// So many days a quotation holds that does not say otherwise.
const HOLDS_DAYS: u64 = 30;

/// Which draft to send.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SendQuotation {
    /// A draft
    quotation: Id<Quotation>,
}

impl Tool for SendQuotation {
    const SPEC: Spec = Spec::sends("send_quotation", SEND_QUOTATIONS)
        .covers(&[Covers::update::<Quotation>()])
        .title("Send quotation")
        .about("Mark a draft as sent: it gets number and PDF, and stays as it is.")
        .irreversible("make a new version with update_quotation");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Send Acme the offer",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Sent"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_quotation",
                arguments: r#"{"title": "Fence", "company": "{acme}", "lines": [{"description": "Fence", "quantity": "8.5", "unit": "m", "unit_price": "42", "tax_rate": "19"}], "valid_until": "2199-12-31"}"#,
                keep: &[("offer", "/data/id")],
            },
        ],
        arguments: r#"{"quotation": "{offer}", "confirm": true}"#,
        expect: &[
            ("/data/status", r#""sent""#),
            ("/data/valid_until", r#""2199-12-31""#),
            ("/data/buyer/name", r#""Acme Sent""#),
            ("/data/gross_total", r#""424.83""#),
        ],
    }];
    type Output = QuotationView;

    async fn call(self, cx: &mut Cx) -> Result<QuotationView> {
        cx.require_trusted_clock().await?;
        let mut edit = cx.edit(self.quotation).await?;
        if *edit.status != QuotationStatus::Draft {
            let message = format!("{} was sent already.", edit.called());
            return Err(Error::conflict(message)
                .field("quotation")
                .hint("Change it with update_quotation: that makes a new version to send."));
        }
        let today = cx.today();
        let usual = today.checked_add_days(Days::new(HOLDS_DAYS));
        let valid_until = edit.valid_until.or(usual).unwrap_or(today);
        if valid_until < today {
            let message = format!("valid_until is {valid_until}, which has passed.");
            return Err(Error::invalid("valid_until", message)
                .hint("Change it with update_quotation, or clear it for 30 days from today."));
        }
        let seller = complete_seller(cx).await?;
        let buyer = buyer(cx, edit.company, edit.contact).await?;
        if edit.number.is_none() {
            let number = next_number::<Quotation>(cx, &QUOTATIONS, today).await?;
            edit.number = Managed(Some(number.text));
            edit.series = Managed(Some(number.series));
            edit.period = Managed(Some(number.period));
            edit.serial = Managed(Some(number.serial));
        }
        edit.status = Managed(QuotationStatus::Sent);
        edit.sent_on = Managed(Some(today));
        edit.valid_until = Some(valid_until);
        edit.customer = Managed(ShortText::new(&buyer.name).ok());
        edit.seller = Managed(Json(Some(frozen(seller))));
        edit.buyer = Managed(Json(Some(buyer)));
        let sent = edit.save(cx).await?;
        printable_quotation(cx, &sent).await?;
        let gross = shown(sent.gross_total.decimal(), sent.currency);
        let customer = quoted(sent.customer.as_deref().unwrap_or_default());
        cx.set_summary(format!(
            "mark {} as sent: {gross} {}, to {customer}, valid until {valid_until}",
            sent.number.as_deref().unwrap_or_default(),
            sent.currency
        ));
        view(cx, sent).await
    }
}
