//! Documents in tables that are taken out: their lines as rows, and who sells and buys in columns of their own.

use bureau_kernel::record::{Figures, Parts};
use bureau_kernel::store::Target;
use bureau_kernel::types::id::Entity;
use bureau_kernel::types::money::Currency;
use serde_json::{Map, Value};

use crate::line::DocLine;
use crate::party::Party;
use crate::product::Product;
use crate::seller::Seller;
use crate::view::line_views;

/// The lines of a document as rows, each with these columns of the document.
#[must_use]
pub const fn lines_of(document: &'static [&'static str]) -> Parts {
    Parts {
        name: "lines",
        of: document,
        columns: &[
            "line",
            "product",
            "sku",
            "description",
            "quantity",
            "unit",
            "unit_price",
            "discount",
            "tax_rate",
            "tax_category",
            "net_total",
            "credits",
        ],
        figures: &[
            ("quantity", Figures::Other),
            ("unit_price", Figures::Money),
            ("discount", Figures::Other),
            ("tax_rate", Figures::Other),
            ("net_total", Figures::Money),
        ],
        references: &[("product", Target::Table(Product::TABLE))],
    }
}

/// The lines as rows with these columns.
#[must_use]
pub fn rows_of(lines: &[DocLine], currency: Currency) -> Vec<Map<String, Value>> {
    let views = line_views(lines.to_vec(), currency).into_iter();
    let rows = views.filter_map(|view| match serde_json::to_value(view) {
        Ok(Value::Object(row)) => Some(row),
        _ => None,
    });
    rows.collect()
}

/// Who sells and who buys, by the names `seller_…` and `buyer_…`, as a document that is issued has it.
#[must_use]
pub fn parties_of(seller: Option<&Seller>, buyer: Option<&Party>) -> Map<String, Value> {
    let mut columns = Map::new();
    let mut say = |name: &str, text: Option<&str>| {
        if let Some(text) = text {
            columns.insert(name.to_owned(), text.into());
        }
    };
    if let Some(buyer) = buyer {
        say("buyer_name", Some(&buyer.name));
        say("buyer_street", buyer.street.as_deref());
        say("buyer_postal_code", buyer.postal_code.as_deref());
        say("buyer_city", buyer.city.as_deref());
        say("buyer_country", buyer.country.as_deref());
        say("buyer_vat_id", buyer.vat_id.as_deref());
    }
    if let Some(seller) = seller {
        say("seller_name", seller.name.as_deref());
        say("seller_vat_id", seller.vat_id.as_deref());
    }
    columns
}
