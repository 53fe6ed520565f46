//! `list_products`

use bureau_billing::{PRODUCTS, Product, ProductType};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use bureau_kernel::types::money::Currency;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::product_view::ProductRow;

/// Which products to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListProducts {
    /// Part of name, sku, description
    query: Option<ShortText<500>>,
    r#type: Option<ProductType>,
    currency: Option<Currency>,
    /// Default true
    active: Option<bool>,
    /// Default name
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that products are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Name,
    Price,
    CreatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::Name => Order::new("name", "sort_name", Kind::Text),
            Self::Price => Order::new("price", "unit_price", Kind::Int),
            Self::CreatedAt => Order::CREATED,
        }
    }
}

impl Tool for ListProducts {
    const SPEC: Spec = Spec::reads("list_products", PRODUCTS.read)
        .title("List products")
        .about("List what is sold, or search it.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which goods do we sell, the dearest first?",
            before: &[
                Step {
                    tool: "create_product",
                    arguments: r#"{"name": "Anvil", "type": "goods", "unit_price": "300", "currency": "EUR"}"#,
                    keep: &[("anvil", "/data/id")],
                },
                Step {
                    tool: "create_product",
                    arguments: r#"{"name": "Bellows", "type": "goods", "unit_price": "80", "currency": "EUR"}"#,
                    keep: &[("bellows", "/data/id")],
                },
            ],
            arguments: r#"{"type": "goods", "currency": "EUR", "sort": "price", "descending": true}"#,
            expect: &[
                ("/data/0/id", r#""{anvil}""#),
                ("/data/0/unit_price", r#""300.00""#),
                ("/data/1/id", r#""{bellows}""#),
            ],
        },
        Example {
            title: "Do we have bellows?",
            before: &[],
            arguments: r#"{"query": "bellow"}"#,
            expect: &[("/data/0/id", r#""{bellows}""#)],
        },
    ];
    type Output = Vec<ProductRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ProductRow>> {
        let active = self.active.unwrap_or(true);
        let page = cx
            .list::<Product>()
            .same("type", self.r#type)
            .equal("currency", self.currency)
            .equal("active", Some(active))
            .term("active", Some(active.to_string()))
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::Name.order(),
                self.descending,
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let rows = page.rows.into_iter().map(ProductRow::from).collect();
        Ok(cx.page(Page {
            rows,
            next: page.next,
        }))
    }
}
