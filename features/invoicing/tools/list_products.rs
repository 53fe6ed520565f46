//! `list_products`

use bureau_billing::{PRODUCTS, Product};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which products to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListProducts {
    /// Default true
    active: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Product>,
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
    type Output = Vec<Row<Product>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Product>>> {
        let active = self.active.unwrap_or(true);
        let rows = self.listing.rows(cx, |list| {
            list.equal("active", Some(active))
                .term("active", Some(active.to_string()))
        });
        rows.await
    }
}
