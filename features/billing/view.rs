//! Lines and prices as tools answer them.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, shown};
use schemars::JsonSchema;
use serde::Serialize;

use crate::discount::Discount;
use crate::line::DocLine;
use crate::tax::Category;

/// A line as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LineView {
    /// Its number, from 1.
    line: usize,
    description: LongText<2000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<ShortText<64>>,
    quantity: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<ShortText<30>>,
    /// Without tax.
    unit_price: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<Discount>,
    /// Percent.
    tax_rate: Amount,
    tax_category: Category,
    net_total: String,
    /// The line of the invoice that it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    credits: Option<u32>,
}

/// The lines of a document as they are answered.
#[must_use]
pub fn line_views(lines: Vec<DocLine>, currency: Currency) -> Vec<LineView> {
    let view = |(index, line): (usize, DocLine)| LineView {
        line: index + 1,
        description: line.description,
        product: line.product.map(|id| id.to_string()),
        sku: line.sku,
        quantity: line.quantity,
        unit: line.unit,
        unit_price: price(line.unit_price, currency),
        discount: line.discount,
        tax_rate: line.tax.rate,
        tax_category: line.tax.category,
        net_total: shown(line.net.decimal(), currency),
        credits: line.credits,
    };
    lines.into_iter().enumerate().map(view).collect()
}

/// A price with the currency's digits, or more where it has more.
#[must_use]
pub fn price(amount: Amount, currency: Currency) -> String {
    if amount.rounded(currency) == amount {
        shown(amount.decimal(), currency)
    } else {
        amount.to_string()
    }
}
