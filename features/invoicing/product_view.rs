//! Products as tools answer them: the price in its currency's digits, or more where it has more.

use bureau_billing::{BillingInterval, Product, ProductType, price};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// A product.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProductView {
    #[serde(flatten)]
    row: ProductRow,
    description: Option<LongText<1000>>,
    /// Whether it is sold.
    active: bool,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A product in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProductRow {
    id: Id<Product>,
    name: ShortText<200>,
    sku: Option<ShortText<64>>,
    r#type: ProductType,
    unit: Option<ShortText<30>>,
    /// Without tax.
    unit_price: String,
    currency: Currency,
    /// Percent.
    tax_rate: Option<Amount>,
    tax_category: Option<ShortText<40>>,
    billing_interval: Option<BillingInterval>,
}

impl From<Saved<Product>> for ProductView {
    fn from(mut saved: Saved<Product>) -> Self {
        Self {
            description: saved.record.description.take(),
            active: saved.active.0,
            attributes: std::mem::take(&mut saved.attributes),
            version: saved.version,
            created_at: saved.created_at,
            updated_at: saved.updated_at,
            row: ProductRow::from(saved),
        }
    }
}

impl From<Saved<Product>> for ProductRow {
    fn from(saved: Saved<Product>) -> Self {
        let product = saved.record;
        Self {
            id: saved.id,
            name: product.name,
            sku: product.sku,
            r#type: product.r#type,
            unit: product.unit,
            unit_price: price(product.unit_price, product.currency),
            currency: product.currency,
            tax_rate: product.tax_rate,
            tax_category: product.tax_category,
            billing_interval: product.billing_interval,
        }
    }
}
