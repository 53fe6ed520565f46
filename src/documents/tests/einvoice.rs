//! E-invoices.
