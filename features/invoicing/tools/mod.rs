//! The tools, a file each.

pub(crate) mod create_credit_note;
pub(crate) mod create_invoice;
pub(crate) mod get_invoice;
pub(crate) mod get_invoice_stats;
pub(crate) mod issue_invoice;
pub(crate) mod list_invoices;
pub(crate) mod record_payment;
pub(crate) mod update_invoice;
