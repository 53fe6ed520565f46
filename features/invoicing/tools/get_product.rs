//! `get_product`

use bureau_billing::{PRODUCTS, Product};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which product to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetProduct {
    product: Id<Product>,
}

impl Tool for GetProduct {
    const SPEC: Spec = Spec::reads("get_product", PRODUCTS.read)
        .title("Get product")
        .about("Read a product or service.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What is article LIC-7?",
        before: &[Step {
            tool: "create_product",
            arguments: r#"{"name": "Licence", "sku": "LIC-7", "unit_price": "49", "currency": "USD", "billing_interval": "month"}"#,
            keep: &[("licence", "/data/id")],
        }],
        arguments: r#"{"product": "lic-7"}"#,
        expect: &[
            ("/data/id", r#""{licence}""#),
            ("/data/unit_price", r#""49.00""#),
            ("/data/billing_interval", r#""month""#),
        ],
    }];
    type Output = View<Product>;

    async fn call(self, cx: &mut Cx) -> Result<View<Product>> {
        let product = cx.get(self.product).await?;
        cx.view(product).await
    }
}
