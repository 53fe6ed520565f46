//! Quotations: offers to customers, from the draft to the invoice.
//!
//! Permissions: `read_quotations`, `create_quotations`, `update_quotations`, `delete_quotations` (to discard a draft that was
//! never sent), `send_quotations`. Converting makes an invoice, so it goes by `create_invoices`. What happens to a quotation
//! changes nothing in the deal that it is for.

// Money is never a float.
#![deny(clippy::float_arithmetic)]

mod audit;
mod conversion;
mod convert;
mod create;
mod document;
mod draft;
mod get;
mod jobs;
mod list;
mod quotation;
mod send;
mod stats;
mod status;
mod suggestions;
mod update;
mod view;

use bureau_kernel::numbered::{NumberedKind, numbered};
use bureau_kernel::prelude::*;
use bureau_kernel::series;
use futures::FutureExt as _;

use conversion::{Conversion, Kept, SOURCE};
use convert::ConvertQuotation;
use create::CreateQuotation;
use get::GetQuotation;
use list::ListQuotations;
use send::SendQuotation;
use stats::GetQuotationStats;
use status::UpdateQuotationStatus;
use update::UpdateQuotation;

pub use quotation::{Quotation, QuotationStatus, Sent};

/// The permissions for quotations.
pub const QUOTATIONS: Access = access!("quotations");

/// Send drafts.
pub const SEND_QUOTATIONS: Permission = Permission::new("send_quotations");

/// The module's table.
pub const MODULE: Module = Module {
    name: "quotations",
    about: "Offers to customers, from the draft to the invoice",
    tokens: 1_320,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        ConvertQuotation,
        CreateQuotation,
        GetQuotation,
        GetQuotationStats,
        ListQuotations,
        SendQuotation,
        UpdateQuotation,
        UpdateQuotationStatus,
    ],
    records: records![Quotation],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &bureau_deals::MODULE,
        &bureau_billing::MODULE,
        &bureau_invoicing::MODULE,
        &series::MODULE,
    ],
    reacts: table![&'static dyn AnyReaction: reaction::<Conversion>(), reaction::<Kept>()],
    provides: &[&SOURCE],
    numbered: table![NumberedKind: numbered::<Quotation>()],
    jobs: jobs::JOBS,
    checks: &[Check {
        name: "quotations",
        sound: "their numbers and totals add up in every workspace",
        run: |cx| audit::audit(cx).boxed(),
    }],
    provision: Some(|cx| series::provision::<Quotation>(cx).boxed()),
    resources: &[
        Resource {
            uri: "bureau://quotations/{quotation}",
            name: "quotation",
            title: "Quotation",
            about: "A quotation with its lines, taxes and earlier versions.",
            tool: "get_quotation",
            ..Resource::JSON
        },
        Resource {
            uri: "bureau://quotations/{quotation}/pdf",
            name: "quotation_pdf",
            title: "Quotation as PDF",
            about: "The document of a quotation that was sent.",
            mime_type: "application/pdf",
            tool: "get_quotation",
            arguments: &[("document", "pdf")],
            contents: Contents::Document,
        },
    ],
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
