//! Products and services: what the workspace sells.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::store::{Kind, Value};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PRODUCTS;
use crate::tax::{TaxRate, Wanted, tax_meant, tax_rates};

bureau_kernel::record! {
    /// A product or a service.
    pub struct Product: "product", "prd", "product" {
        /// What it is called on a document.
        pub name: ShortText<200>
            => [label, search, sort_by("sort_name"), row, import("product, product name, item, item name, title")],
        /// The article number.
        pub sku: Option<ShortText<64>>
            => [search, key, row, import("article number, article no, item number, item code, product code, code")],
        /// More about it, which stands below its name on a document.
        pub description: Option<LongText<1000>> => [search, import("product description, details")],
        /// Whether it is goods or a service.
        pub r#type: ProductType => [filter, several, row, import("kind, product type, goods or service")],
        /// What one of it is, such as `hour` or `piece`.
        pub unit: Option<ShortText<30>> => [row, import("unit of measure, uom")],
        /// What one of it costs, without tax; up to four digits after the point.
        pub unit_price: Amount
            => [price, sort, order_as("price"), row, import("price, net price, sales price, list price")],
        /// The currency of the price.
        pub currency: Currency => [column_filter, row, import("currency code")],
        /// Percent.
        pub tax_rate: Option<Amount> = "Percent" => [no_money, row, import("vat rate, vat, tax")],
        /// The name of a tax rate of the workspace.
        pub tax_category: Option<ShortText<40>> => [row, import("vat category, tax code, tax class")],
        /// How often it is charged again.
        pub billing_interval: Option<BillingInterval> => [row, import("billing period, interval, recurring")],
        /// Whether it is sold.
        pub active: Active => [key, import("is active, sold, for sale")],
    }
}

/// Goods or a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProductType {
    /// Work that is done.
    #[default]
    Service,
    /// Things that are delivered.
    Goods,
}
bureau_kernel::text_column!(ProductType);

/// How often something is charged again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillingInterval {
    /// Each week.
    Week,
    /// Each month.
    #[default]
    Month,
    /// Each quarter.
    Quarter,
    /// Each year.
    Year,
}
bureau_kernel::text_column!(BillingInterval);

/// Whether a product is sold. A new one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Active(pub bool);

impl Column for Active {
    type Input = bool;
    const KIND: Kind = Kind::Bool;
    const REQUIRED: bool = false;
    fn from_input(
        input: bool,
        _: bureau_kernel::types::time::LocalTime,
    ) -> std::result::Result<Self, String> {
        Ok(Self(input))
    }
    fn empty() -> Self {
        Self(true)
    }
    fn to_value(&self) -> Value {
        Value::Bool(self.0)
    }
    fn from_value(value: Value) -> Option<Self> {
        bool::from_value(value).map(Self)
    }
}

impl Listed for Product {
    const QUERY: Option<&'static str> = Some("Part of name, sku, description");
    const SORT: &'static str = "Default name";
    const USUAL: &'static str = "name";
    const ORDERS: &'static [Order] = &[Order::CREATED];
}

impl Presented for Product {
    type Extra = Nothing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
    const ROW: &'static [&'static str] = &[];
}

impl Record for Product {
    const ACCESS: Access = PRODUCTS;

    const CALLED: Called = Called::by(
        &[CalledBy::Key("sku"), CalledBy::Column("sort_name")],
        "list_products",
    );

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if self.unit_price.raw() < 0 {
            return Err(Error::invalid(
                "unit_price",
                "unit_price cannot be below zero.",
            ));
        }
        let percent = self.tax_rate.map(Amount::decimal);
        if percent
            .is_some_and(|percent| percent.is_sign_negative() || percent > Decimal::ONE_HUNDRED)
        {
            let message = "tax_rate is a percentage from 0 to 100.";
            return Err(Error::invalid("tax_rate", message));
        }
        Ok(())
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let sku = self.sku.as_deref().map(folded);
        let mut derived = self.declared_orders();
        derived.push(("sku_key", sku.map_or(Value::Null(Kind::Text), Value::Text)));
        derived
    }
}

/// Refuses an article number that another product has.
///
/// # Errors
/// [`Code::Conflict`] naming that product.
pub async fn check_sku(cx: &mut Cx, sku: Option<&str>, own: Option<Id<Product>>) -> Result<()> {
    let Some(sku) = sku else { return Ok(()) };
    let workspace = cx.workspace().id;
    let folded = folded(sku);
    cx.tx()
        .serialize(&format!("sku {workspace} {folded}"))
        .await?;
    let taken = cx.with_index_key::<Product>("sku", &folded, 2).await?;
    match taken.into_iter().find(|id| Some(*id) != own) {
        Some(id) => {
            let existing = cx.names([id]).await?.of(id);
            let error = Error::conflict(format!("The product {id} has this sku."));
            Err(error
                .field("sku")
                .hint("Change that one with update_product, or give another sku.")
                .detail("existing", existing))
        }
        None => Ok(()),
    }
}

/// Refuses a tax that the workspace does not know, and a rate that is not that of the category.
///
/// # Errors
/// [`Code::Validation`] naming the field.
pub async fn check_tax(cx: &mut Cx, product: &Product) -> Result<()> {
    let rates = tax_rates(cx).await?;
    taxed(&rates, product)
}

/// The same by these rates.
pub(crate) fn taxed(rates: &[Saved<TaxRate>], product: &Product) -> Result<()> {
    if product.tax_rate.is_none() && product.tax_category.is_none() {
        // The workspace's default, as of the day on which it is sold.
        return Ok(());
    }
    let said = Wanted {
        rate: product.tax_rate,
        category: product.tax_category.as_deref(),
    };
    tax_meant(rates, &[said], &str::to_owned).map(drop)
}
