//! Billing: what documents of money need, whichever they are: products, lines, totals, taxes, terms, the parties, the seller and
//! the printed page. It knows no document: what is offered, invoiced or charged is the business of the modules above it.
//!
//! It is no group for users. The tools of products stand in the group of invoicing; the seller and the taxes are arranged with
//! the command line or the group settings, and their permissions are those of invoices, on which they stand.

// Money is never a float.
#![deny(clippy::float_arithmetic)]

mod arrange;
mod audit;
mod compare;
mod discount;
mod document;
mod import;
mod line;
mod party;
mod picture;
mod product;
mod seller;
mod table;
mod tax;
mod terms;
mod totals;
mod unit;
mod view;

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

pub use bureau_documents::is_in_eu;

pub use arrange::{SellerDetails, TaxRateChange, remove_tax_rate, set_seller, set_tax_rate};
pub use audit::{Findings, Pages, WRONG_TOTALS, audit_numbers};
pub use compare::compare;
pub use discount::Discount;
pub use document::{Common, Format, Rendered, document, obstacle, printable, render};
pub use line::{DocLine, LineGiven, MOST_LINES, keep_origins, lines_given};
pub use party::{Buyer, Party, buyer, of_buyers};
pub use picture::{Picture, frozen};
pub use product::{Active, BillingInterval, Product, ProductType, check_sku, check_tax};
pub use seller::{MAX_LOGO, Seller, check_language, check_open, complete_seller, seller};
pub use table::{lines_of, parties_of, rows_of};
pub use tax::{Category, Tax, TaxRate, add_country, knows_country, tax_rates};
pub use terms::Terms;
pub use totals::{
    Share, Subtotal, TaxSummary, Totals, checked_digits, compute, compute_shares, line_net, nets,
    rounded,
};
pub use view::{LineView, line_views, price};

/// See the seller, the taxes and the number series, which invoices name.
pub const READ_INVOICES: Permission = Permission::new("read_invoices");
/// Arrange the seller, the number series and the taxes.
pub const MANAGE_INVOICING: Permission = Permission::new("manage_invoicing");
/// The permissions for products.
pub const PRODUCTS: Access = access!("products");

/// The module's table: records that others use, and no tools.
pub const MODULE: Module = Module {
    name: "billing",
    about: "What documents of money need",
    records: records![TaxRate, Seller, Picture, Product],
    uses: &[&bureau_companies::MODULE, &bureau_contacts::MODULE],
    imports: imports![Product],
    provides: &[&arrange::SELLER, &arrange::TAXES],
    provision: Some(|cx| provision(cx).boxed()),
    ..Module::EMPTY
};

/// Gives a new workspace its taxes and its seller.
async fn provision(cx: &mut Cx) -> Result<()> {
    tax::provision(cx).await?;
    seller::provision(cx).await
}
