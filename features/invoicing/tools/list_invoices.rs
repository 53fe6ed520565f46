//! `list_invoices`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::invoice::{Invoice, InvoiceStatus};

/// Which invoices to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListInvoices {
    status: Option<Vec<StatusAsked>>,
    #[serde(flatten)]
    listing: Listing<Invoice>,
}

/// Where an invoice is to stand that is listed. One that is overdue is listed as such only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum StatusAsked {
    Open,
    Draft,
    Issued,
    PartlyPaid,
    Overdue,
    Paid,
    WrittenOff,
    Credited,
}

/// What is kept of an invoice that stands so, and the first and last day in its order by due dates.
type Part = (InvoiceStatus, Option<NaiveDate>, Option<NaiveDate>);

fn parts(asked: &[StatusAsked], today: NaiveDate) -> Vec<Part> {
    let has = |status| asked.contains(&status);
    let yesterday = today.pred_opt().unwrap_or(today);
    let mut parts = Vec::new();
    for (status, early) in [
        (InvoiceStatus::Issued, StatusAsked::Issued),
        (InvoiceStatus::PartlyPaid, StatusAsked::PartlyPaid),
    ] {
        let is_open = has(StatusAsked::Open);
        match (is_open || has(early), is_open || has(StatusAsked::Overdue)) {
            (true, true) => parts.push((status, None, None)),
            (true, false) => parts.push((status, Some(today), None)),
            (false, true) => parts.push((status, None, Some(yesterday))),
            (false, false) => {}
        }
    }
    for (status, settled) in [
        (InvoiceStatus::Draft, StatusAsked::Draft),
        (InvoiceStatus::Paid, StatusAsked::Paid),
        (InvoiceStatus::WrittenOff, StatusAsked::WrittenOff),
        (InvoiceStatus::Credited, StatusAsked::Credited),
    ] {
        if has(settled) {
            parts.push((status, None, None));
        }
    }
    parts
}

impl Listed for Invoice {
    const QUERY: Option<&'static str> = Some("Part of number, customer, line");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
    const ORDERS: &'static [Order] = &[
        Order::CREATED,
        Order::new("balance", "sort_balance", Kind::Int),
    ];
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
        Example {
            title: "Who owes us most?",
            before: &[],
            arguments: r#"{"status": "open", "kind": "invoice", "sort": "balance", "descending": true, "company": "{acme}"}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<Row<Invoice>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Invoice>>> {
        let today = cx.today();
        let asked = self.status.filter(|asked| !asked.is_empty());
        let parts = asked.map(|asked| parts(&asked, today));
        let rows = self
            .listing
            .rows(cx, |list| list.within("status", "sort_due", parts));
        rows.await
    }
}

#[cfg(test)]
mod tests {
    use super::{InvoiceStatus, StatusAsked, parts};

    #[test]
    fn several_statuses_are_asked_for_as_what_is_kept() {
        let today = "2026-11-20".parse().unwrap();
        let yesterday = "2026-11-19".parse().unwrap();
        let (issued, partly) = (InvoiceStatus::Issued, InvoiceStatus::PartlyPaid);
        for (asked, found) in [
            (
                vec![StatusAsked::Open],
                vec![(issued, None, None), (partly, None, None)],
            ),
            (
                vec![StatusAsked::Overdue, StatusAsked::Issued],
                vec![(issued, None, None), (partly, None, Some(yesterday))],
            ),
            (
                vec![StatusAsked::PartlyPaid, StatusAsked::Paid],
                vec![
                    (partly, Some(today), None),
                    (InvoiceStatus::Paid, None, None),
                ],
            ),
        ] {
            assert_eq!(parts(&asked, today), found, "{asked:?}");
        }
    }
}
