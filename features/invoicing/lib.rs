//! Invoicing: invoices, credit notes, payments, expenses and what recurs, and the tools of products.
//!
//! Permissions: `read_`, `create_` and `update_` for `invoices`, `products` and `expenses`; `issue_invoices`,
//! `create_credit_notes`, `record_payments`; `delete_` for all three, which discarding a draft and undoing take. Recurring
//! invoices go by those of invoices. The seller's details, the number series and the taxes are the owner's business
//! (`manage_invoicing`) and are arranged with the command line. Products, and what else documents are made of, are the module of
//! billing. From what else invoices are made, modules above this one say ([`DraftSource`]).

// Money is never a float.
#![deny(clippy::float_arithmetic)]

mod aging;
mod audit;
mod credit;
mod document;
mod draft;
mod expense;
mod import;
mod invoice;
mod issue;
mod jobs;
mod measures;
mod payment;
mod plan;
mod plan_view;
mod recurring;
mod recurring_revenue;
mod settle;
mod source;
mod stats;
mod suggestions;
mod tax_report;
mod tools;
mod view;

use bureau_billing::Format;
use bureau_kernel::numbered::{NumberedKind, numbered};
use bureau_kernel::prelude::*;
use bureau_kernel::series;
use futures::FutureExt as _;

use tools::create_credit_note::CreateCreditNote;
use tools::create_expense::CreateExpense;
use tools::create_invoice::CreateInvoice;
use tools::create_product::CreateProduct;
use tools::create_recurring_invoice::CreateRecurringInvoice;
use tools::get_invoice::GetInvoice;
use tools::get_invoice_stats::GetInvoiceStats;
use tools::get_product::GetProduct;
use tools::get_recurring_invoice::GetRecurringInvoice;
use tools::get_tax_summary::GetTaxSummary;
use tools::issue_invoice::IssueInvoice;
use tools::list_invoices::ListInvoices;
use tools::list_payments::ListPayments;
use tools::list_products::ListProducts;
use tools::record_payment::RecordPayment;
use tools::update_expense::UpdateExpense;
use tools::update_invoice::UpdateInvoice;
use tools::update_product::UpdateProduct;
use tools::update_recurring_invoice::UpdateRecurringInvoice;

pub use aging::{OpenFilter, OpenInvoice, open_on};
pub use document::invoice_document;
pub use expense::{Expense, ExpenseStatus};
pub use invoice::{HomeRate, Invoice, InvoiceKind, InvoiceStatus};
pub use issue::issue;
pub use payment::{Allocation, Direction, Method, Payment};
pub use recurring::{Interval, PlanStatus, RecurringInvoice};
pub use recurring_revenue::{RecurringRevenue, recurring_revenue};
pub use settle::standing_lines;
pub use source::{DraftSource, MakeDraft};
pub use stats::{InvoiceFilter, InvoiceStats, invoice_stats};
pub use tax_report::{TaxReport, tax_report};
pub use view::{DisplayStatus, InvoiceView, view};

pub use bureau_billing::READ_INVOICES;
/// Add drafts and recurring invoices.
pub const CREATE_INVOICES: Permission = Permission::new("create_invoices");
/// Change drafts and recurring invoices.
pub const UPDATE_INVOICES: Permission = Permission::new("update_invoices");
/// Discard drafts, and undo adding one.
pub const DELETE_INVOICES: Permission = Permission::new("delete_invoices");
/// Issue drafts.
pub const ISSUE_INVOICES: Permission = Permission::new("issue_invoices");
/// Draft credit notes.
pub const CREATE_CREDIT_NOTES: Permission = Permission::new("create_credit_notes");
/// Record payments and reverse them.
pub const RECORD_PAYMENTS: Permission = Permission::new("record_payments");
/// The permissions for expenses.
pub const EXPENSES: Access = access!("expenses");

/// The module's table.
pub const MODULE: Module = Module {
    name: "invoicing",
    about: "Invoices, credit notes, payments, products, expenses and what recurs",
    instructions: "A product's SKU names it too. create_credit_note corrects what is issued.",
    tokens: 4_390,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        CreateCreditNote,
        CreateExpense,
        CreateInvoice,
        CreateProduct,
        CreateRecurringInvoice,
        Delete<Expense>,
        Get<Expense>,
        GetInvoice,
        GetInvoiceStats,
        GetProduct,
        GetRecurringInvoice,
        GetTaxSummary,
        IssueInvoice,
        Lists<Expense>,
        ListInvoices,
        ListPayments,
        ListProducts,
        Lists<RecurringInvoice>,
        RecordPayment,
        UpdateExpense,
        UpdateInvoice,
        UpdateProduct,
        UpdateRecurringInvoice,
    ],
    records: records![RecurringInvoice, Invoice, Payment, Expense],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &bureau_deals::MODULE,
        &bureau_billing::MODULE,
        &series::MODULE,
    ],
    numbered: table![NumberedKind: numbered::<Invoice>()],
    imports: imports![Expense],
    resources: RESOURCES,
    measures: measures::ALL,
    jobs: jobs::JOBS,
    provision: Some(|cx| series::provision::<Invoice>(cx).boxed()),
    checks: &[Check {
        name: "accounts",
        sound: "numbers, totals and payments add up in every workspace",
        run: |cx| audit::audit(cx).boxed(),
    }],
    suggests: suggestions::RULES,
    ..Module::EMPTY
};

/// A product; an invoice as data, and in each form of its document.
const RESOURCES: &[Resource] = &[
    Resource {
        uri: "bureau://invoices/{invoice}",
        name: "invoice",
        title: "Invoice",
        about: "An invoice or credit note with its lines, taxes and payments.",
        tool: "get_invoice",
        ..Resource::JSON
    },
    document(
        "bureau://invoices/{invoice}/pdf",
        "invoice_pdf",
        "Invoice as PDF",
        Format::Pdf,
        &[("document", "pdf")],
    ),
    document(
        "bureau://invoices/{invoice}/ubl",
        "invoice_ubl",
        "Invoice as UBL",
        Format::Ubl,
        &[("document", "ubl")],
    ),
    document(
        "bureau://invoices/{invoice}/cii",
        "invoice_cii",
        "Invoice as CII",
        Format::Cii,
        &[("document", "cii")],
    ),
    document(
        "bureau://invoices/{invoice}/facturx",
        "invoice_facturx",
        "Invoice as Factur-X",
        Format::Facturx,
        &[("document", "facturx")],
    ),
    Resource {
        uri: "bureau://expenses/{expense}",
        name: "expense",
        title: "Expense",
        about: "An expense with its receipt, tax and notes.",
        tool: "get_expense",
        ..Resource::JSON
    },
    Resource {
        uri: "bureau://products/{product}",
        name: "product",
        title: "Product",
        about: "A product or service with its price and tax.",
        tool: "get_product",
        ..Resource::JSON
    },
];

const fn document(
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    format: Format,
    arguments: &'static [(&'static str, &'static str)],
) -> Resource {
    Resource {
        uri,
        name,
        title,
        about: "The document of an issued invoice or credit note.",
        mime_type: format.mime_type(),
        tool: "get_invoice",
        arguments,
        contents: Contents::Document,
    }
}
