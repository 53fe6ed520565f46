//! `list_invoices`

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use bureau_kernel::types::money::{Amount, Currency};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus, LAST_DAY};
use crate::view::{DisplayStatus, InvoiceRow, rows};

/// Which invoices to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListInvoices {
    /// Part of number, customer, line
    query: Option<ShortText<500>>,
    status: Option<DisplayStatus>,
    kind: Option<InvoiceKind>,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    deal: Option<Id<Deal>>,
    currency: Option<Currency>,
    issued_after: Option<When>,
    issued_before: Option<When>,
    due_before: Option<When>,
    min_total: Option<Amount>,
    /// Default newest first
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that invoices are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    IssueDate,
    DueDate,
    Total,
    Customer,
    CreatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::IssueDate => Order::new("issue_date", "sort_issued", Kind::Date),
            Self::DueDate => Order::new("due_date", "sort_due", Kind::Date),
            Self::Total => Order::new("total", "gross_total", Kind::Int),
            Self::Customer => Order::new("customer", "sort_customer", Kind::Text),
            Self::CreatedAt => Order::CREATED,
        }
    }
}

impl Tool for ListInvoices {
    const SPEC: Spec = Spec::reads("list_invoices", READ_INVOICES)
        .title("List invoices")
        .about("List invoices and credit notes by status, customer, dates and amount.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What are the drafts for Acme?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Listed"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "lines": [{"description": "Audit", "unit_price": "500", "tax_rate": "20"}]}"#,
                    keep: &[("draft", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{acme}", "status": "draft"}"#,
            expect: &[
                ("/data/0/id", r#""{draft}""#),
                ("/data/0/gross_total", r#""600.00""#),
            ],
        },
        Example {
            title: "What are my overdue invoices?",
            before: &[],
            arguments: r#"{"status": "overdue", "sort": "due_date"}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<InvoiceRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<InvoiceRow>> {
        let (after, before) = cx.dates(
            ("issued_after", self.issued_after.as_ref()),
            ("issued_before", self.issued_before.as_ref()),
        )?;
        let due = self.due_before.as_ref();
        let due = due.map(|when| cx.date("due_before", when)).transpose()?;
        let today = cx.today();
        let yesterday = today.pred_opt().unwrap_or(today);
        let overdue = self.status == Some(DisplayStatus::Overdue);
        let status = self.status.and_then(|status| match status {
            DisplayStatus::Draft => Some(InvoiceStatus::Draft),
            DisplayStatus::Issued => Some(InvoiceStatus::Issued),
            DisplayStatus::PartlyPaid => Some(InvoiceStatus::PartlyPaid),
            DisplayStatus::Paid => Some(InvoiceStatus::Paid),
            DisplayStatus::Credited => Some(InvoiceStatus::Credited),
            DisplayStatus::Overdue => None,
        });
        let last_due = match (due, overdue) {
            (Some(due), true) => Some(due.min(yesterday)),
            (due, false) => due,
            (None, true) => Some(yesterday),
        };
        // One that is overdue is listed as such only.
        let not_late = matches!(
            status,
            Some(InvoiceStatus::Issued | InvoiceStatus::PartlyPaid)
        );
        let newest = self.sort.is_none() && self.query.is_none();
        let page = cx
            .list::<Invoice>()
            .same("status", status)
            .same("kind", self.kind)
            .same("company", self.company)
            .same("contact", self.contact)
            .same("deal", self.deal)
            .equal("currency", self.currency)
            .from("sort_issued", after)
            .to("sort_issued", before.or(after.map(|_| LAST_DAY)))
            .from("sort_due", not_late.then_some(today))
            .to("sort_due", last_due)
            .from("gross_total", self.min_total)
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::CreatedAt.order(),
                self.descending.or(newest.then_some(true)),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let rows = rows(page.rows, today);
        Ok(cx.page(Page {
            rows,
            next: page.next,
        }))
    }
}
