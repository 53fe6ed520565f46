//! The tools, a file each.

pub(crate) mod create_credit_note;
pub(crate) mod create_expense;
pub(crate) mod create_invoice;
pub(crate) mod create_product;
pub(crate) mod create_recurring_invoice;
pub(crate) mod delete_expense;
pub(crate) mod get_expense;
pub(crate) mod get_invoice;
pub(crate) mod get_invoice_stats;
pub(crate) mod get_product;
pub(crate) mod get_recurring_invoice;
pub(crate) mod get_tax_summary;
pub(crate) mod issue_invoice;
pub(crate) mod list_expenses;
pub(crate) mod list_invoices;
pub(crate) mod list_payments;
pub(crate) mod list_products;
pub(crate) mod list_recurring_invoices;
pub(crate) mod record_payment;
pub(crate) mod update_expense;
pub(crate) mod update_invoice;
pub(crate) mod update_product;
pub(crate) mod update_recurring_invoice;
