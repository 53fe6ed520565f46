//! `create_product`

use bureau_billing::{PRODUCTS, Product, check_sku, check_tax};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// A new product.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name", "unit_price"]))]
pub(crate) struct CreateProduct {
    #[serde(flatten)]
    fields: Patch<Product>,
}

impl Tool for CreateProduct {
    const SPEC: Spec = Spec::adds("create_product", PRODUCTS.create)
        .title("Create product")
        .about("Add a product or service that documents can name in their lines.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We sell consulting at 120 euros an hour",
            before: &[],
            arguments: r#"{"name": "Consulting", "sku": "CON-1", "unit": "hour", "unit_price": "120", "currency": "EUR", "tax_rate": "19"}"#,
            expect: &[
                ("/data/type", r#""service""#),
                ("/data/unit_price", r#""120.00""#),
                ("/data/active", "true"),
            ],
        },
        Example {
            title: "A screw for 0.0125, exempt from tax",
            before: &[],
            arguments: r#"{"name": "Screw M3", "type": "goods", "unit": "piece", "unit_price": "0.0125", "currency": "EUR", "tax_category": "exempt"}"#,
            expect: &[
                ("/data/unit_price", r#""0.0125""#),
                ("/data/tax_category", r#""exempt""#),
            ],
        },
    ];
    type Output = View<Product>;

    async fn call(self, cx: &mut Cx) -> Result<View<Product>> {
        if !self.fields.has("unit_price") {
            return Err(Error::invalid("unit_price", "unit_price is required.")
                .hint("Say 0 for what is free."));
        }
        let product = self.fields.record(cx.local_time())?;
        check_sku(cx, product.sku.as_deref(), None).await?;
        check_tax(cx, &product).await?;
        let saved = cx.insert(product, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
