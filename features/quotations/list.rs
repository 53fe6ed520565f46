//! `list_quotations`

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::QUOTATIONS;
use crate::quotation::{Quotation, QuotationStatus};
use crate::view::{QuotationRow, row};

/// Which quotations to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListQuotations {
    /// Part of number, title, customer, line
    query: Option<ShortText<500>>,
    status: Option<QuotationStatus>,
    /// Whether it has an invoice
    converted: Option<bool>,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    deal: Option<Id<Deal>>,
    sent_after: Option<When>,
    sent_before: Option<When>,
    /// Default newest first
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that quotations are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    ValidUntil,
    Total,
    Title,
    CreatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::ValidUntil => Order::new("valid_until", "sort_valid", Kind::Date),
            Self::Total => Order::new("total", "gross_total", Kind::Int),
            Self::Title => Order::new("title", "sort_title", Kind::Text),
            Self::CreatedAt => Order::CREATED,
        }
    }
}

impl Tool for ListQuotations {
    const SPEC: Spec = Spec::reads("list_quotations", QUOTATIONS.read)
        .title("List quotations")
        .about("List quotations by status, customer, deal and dates, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What have we drafted for Acme?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Lists"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_quotation",
                    arguments: r#"{"title": "Audit", "company": "{acme}", "lines": [{"description": "Audit", "unit_price": "500", "tax_rate": "20"}]}"#,
                    keep: &[("offer", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{acme}", "status": "draft"}"#,
            expect: &[
                ("/data/0/id", r#""{offer}""#),
                ("/data/0/gross_total", r#""600.00""#),
            ],
        },
        Example {
            title: "Which accepted quotations have we not invoiced yet?",
            before: &[],
            arguments: r#"{"company": "{acme}", "status": "accepted", "converted": false}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<QuotationRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<QuotationRow>> {
        let (after, before) = cx.dates(
            ("sent_after", self.sent_after.as_ref()),
            ("sent_before", self.sent_before.as_ref()),
        )?;
        let today = cx.today();
        let yesterday = today.pred_opt().unwrap_or(today);
        // Where one stands follows from its day, not from whether it was noted yet that it expired.
        let (status, first_valid, last_valid) = match self.status {
            Some(QuotationStatus::Sent) => (Some(QuotationStatus::Sent), Some(today), None),
            Some(QuotationStatus::Expired) => (None, None, Some(yesterday)),
            status => (status, None, None),
        };
        let newest = self.sort.is_none() && self.query.is_none();
        let page = cx
            .list::<Quotation>()
            .same("status", status)
            .same("company", self.company)
            .same("contact", self.contact)
            .same("deal", self.deal)
            .is_empty("converted_at", self.converted.map(|converted| !converted))
            .from("sent_on", after)
            .to("sent_on", before)
            .from("sort_valid", first_valid)
            .to("sort_valid", last_valid)
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::CreatedAt.order(),
                self.descending.or(newest.then_some(true)),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let rows = page.rows.into_iter().map(|saved| row(saved, today));
        let rows = rows.collect();
        Ok(cx.page(Page {
            rows,
            next: page.next,
        }))
    }
}
