//! The lines of a document: as a caller gives them, and as they stand in it.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::quoted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discount::Discount;
use crate::product::Product;
use crate::tax::{Tax, Wanted, tax_meant, tax_rates};

/// A line as a caller gives it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct LineGiven {
    pub(crate) product: Option<Id<Product>>,
    pub(crate) description: Option<LongText<2000>>,
    /// Default 1
    pub(crate) quantity: Option<Amount>,
    pub(crate) unit: Option<ShortText<30>>,
    pub(crate) unit_price: Option<Amount>,
    /// 10% or 5.00
    pub(crate) discount: Option<Discount>,
    /// Percent
    pub(crate) tax_rate: Option<Amount>,
    /// Instead of a rate, such as exempt
    pub(crate) tax_category: Option<ShortText<40>>,
}

/// A line of a document. All that it says is its own: a product that changes later changes no document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DocLine {
    /// The product that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Id<Product>>,
    /// The product's article number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<ShortText<64>>,
    /// What it is, in its first line; more about it in the others.
    pub description: LongText<2000>,
    /// How many.
    pub quantity: Amount,
    /// What one of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<ShortText<30>>,
    /// What one of it costs, without tax.
    pub unit_price: Amount,
    /// The discount on the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// How it is taxed.
    pub tax: Tax,
    /// Price by quantity less the discount, rounded to the currency's digits.
    pub net: Amount,
    /// The line of the invoice that it takes back, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<u32>,
    /// What a line of a credit note has beside what it comes to by itself, because the parts of a line that were taken back
    /// before it were each rounded. A few of the currency's last digits, above or below zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Amount>,
    /// What it bills, as the module that made it calls that, such as some hours; none of a line that somebody wrote. What a module
    /// makes of it follows the line: it stands for as long as the line does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ShortText<60>>,
}

/// Lets lines that replace those of a draft keep what they bill: one that is called like one of those, with the same price where
/// there are several, is that line with other words or figures.
pub fn keep_origins(before: &[DocLine], lines: &mut [DocLine]) {
    let is_same_price = |line: &DocLine, old: &DocLine| line.unit_price == old.unit_price;
    let any_price = |_: &DocLine, _: &DocLine| true;
    let fits: [fn(&DocLine, &DocLine) -> bool; 2] = [is_same_price, any_price];
    for fits in fits {
        for old in before.iter().filter(|old| old.origin.is_some()) {
            if lines.iter().any(|line| line.origin == old.origin) {
                continue;
            }
            let is_it = |line: &&mut DocLine| {
                line.origin.is_none() && line.description == old.description && fits(line, old)
            };
            if let Some(line) = lines.iter_mut().find(is_it) {
                line.origin.clone_from(&old.origin);
            }
        }
    }
}

impl LineGiven {
    /// A line with these words, so much of a unit at this price, taxed at this rate or as usual.
    #[must_use]
    pub const fn of(
        description: LongText<2000>,
        quantity: Amount,
        unit: Option<ShortText<30>>,
        unit_price: Amount,
        tax_rate: Option<Amount>,
    ) -> Self {
        Self {
            product: None,
            description: Some(description),
            quantity: Some(quantity),
            unit,
            unit_price: Some(unit_price),
            discount: None,
            tax_rate,
            tax_category: None,
        }
    }

    /// The same, taxed by a category instead of a rate, where there is one.
    #[must_use]
    pub fn in_category(mut self, category: Option<ShortText<40>>) -> Self {
        self.tax_category = category;
        self
    }
}

/// The most lines that a document has.
pub const MOST_LINES: usize = 1_000;

/// The lines that a caller gives, with what their products and the workspace's taxes say.
///
/// # Errors
/// [`Code::Validation`] or [`Code::NotFound`] naming the line and its field.
pub async fn lines_given(
    cx: &mut Cx,
    given: Vec<LineGiven>,
    currency: Currency,
) -> Result<Vec<DocLine>> {
    if given.is_empty() || given.len() > MOST_LINES {
        let message = format!("A document has from 1 to {MOST_LINES} lines.");
        return Err(Error::invalid("lines", message));
    }
    let mut ids: Vec<Id<Product>> = given.iter().filter_map(|line| line.product).collect();
    ids.sort_unstable_by_key(|id| id.raw());
    ids.dedup();
    let products: HashMap<i64, Saved<Product>> = cx.find_all(&ids).await?.into_iter().collect();
    let rates = tax_rates(cx).await?;
    given
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let field = move |name: &str| format!("lines[{index}].{name}");
            let product = match line.product {
                Some(id) => Some(
                    products
                        .get(&id.raw())
                        .filter(|product| product.archived_at.is_none())
                        .ok_or_else(|| Error::not_found("product", id).field(field("product")))?,
                ),
                None => None,
            };
            doc_line(line, product, &rates, currency, &field)
        })
        .collect()
}

fn doc_line(
    line: LineGiven,
    product: Option<&Saved<Product>>,
    rates: &[Saved<crate::tax::TaxRate>],
    currency: Currency,
    field: &dyn Fn(&str) -> String,
) -> Result<DocLine> {
    if let Some(product) = product.filter(|product| !product.active.0) {
        let message = format!("{} is not sold any more.", quoted(&product.name));
        return Err(Error::conflict(message).field(field("product")).hint(
            "Choose another product, give description and unit_price without it, or set it active with update_product.",
        ));
    }
    let description = match (line.description, product) {
        (Some(description), _) => description,
        (None, Some(product)) => {
            let more = product.description.as_deref().unwrap_or_default();
            LongText::new(&format!("{}\n{more}", product.name)).map_err(Error::internal)?
        }
        (None, None) => {
            let message = "A line has a description or a product.";
            return Err(Error::invalid(field("description"), message));
        }
    };
    let unit_price = match (line.unit_price, product) {
        (Some(price), _) => price,
        (None, Some(product)) if product.currency == currency => product.unit_price,
        (None, Some(product)) => {
            let message = format!(
                "The product is priced in {}, and this document is in {currency}.",
                product.currency
            );
            return Err(Error::invalid(field("unit_price"), message)
                .hint("Give the unit_price in the document's currency."));
        }
        (None, None) => {
            let message = "A line without a product has a unit_price.";
            return Err(Error::invalid(field("unit_price"), message));
        }
    };
    if unit_price.raw() < 0 {
        return Err(
            Error::invalid(field("unit_price"), "unit_price cannot be below zero.")
                .hint("Give a discount, or a quantity below zero."),
        );
    }
    let quantity = line.quantity.unwrap_or(Amount::from_raw(10_000));
    if quantity.raw() == 0 {
        return Err(Error::invalid(
            field("quantity"),
            "quantity cannot be zero.",
        ));
    }
    let said = Wanted {
        rate: line.tax_rate,
        category: line.tax_category.as_deref(),
    };
    let usual = product.map_or(Wanted::default(), |product| Wanted {
        rate: product.tax_rate,
        category: product.tax_category.as_deref(),
    });
    Ok(DocLine {
        product: line.product,
        sku: product.and_then(|product| product.sku.clone()),
        description,
        quantity,
        unit: line
            .unit
            .or_else(|| product.and_then(|product| product.unit.clone())),
        unit_price,
        discount: line.discount,
        tax: tax_meant(rates, &[said, usual], field)?,
        // Computed with the document.
        net: Amount::from_raw(0),
        credits: None,
        rounding: None,
        origin: None,
    })
}
