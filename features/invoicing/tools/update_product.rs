//! `update_product`

use bureau_billing::{PRODUCTS, Product, check_sku, check_tax};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// What changes in a product.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateProduct {
    product: Id<Product>,
    clear: Option<Vec<ClearField<Product>>>,
    #[serde(flatten)]
    fields: Patch<Product>,
}

impl Tool for UpdateProduct {
    const SPEC: Spec = Spec::changes("update_product", PRODUCTS.update)
        .title("Update product")
        .about("Update a product; active: false takes it out of sale.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Support costs 95 an hour from now on",
            before: &[Step {
                tool: "create_product",
                arguments: r#"{"name": "Support", "unit": "hour", "unit_price": "90", "currency": "EUR", "tax_rate": "19"}"#,
                keep: &[("support", "/data/id")],
            }],
            arguments: r#"{"product": "{support}", "unit_price": "95"}"#,
            expect: &[("/data/unit_price", r#""95.00""#), ("/data/version", "2")],
        },
        Example {
            title: "We do not sell it any more",
            before: &[],
            arguments: r#"{"product": "{support}", "active": false}"#,
            expect: &[("/data/active", "false")],
        },
    ];
    type Output = View<Product>;

    async fn call(self, cx: &mut Cx) -> Result<View<Product>> {
        let mut edit = cx.edit(self.product).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        // Rate and category say the same thing: where one is given, the other that was there gives way.
        match (self.fields.has("tax_rate"), self.fields.has("tax_category")) {
            (true, false) => edit.tax_category = None,
            (false, true) => edit.tax_rate = None,
            _ => {}
        }
        let before = edit.before().record.clone();
        if edit.sku != before.sku {
            check_sku(cx, edit.sku.as_deref(), Some(self.product)).await?;
        }
        // A rate that the owner renamed since is in the way of no other change.
        if (edit.tax_rate, &edit.tax_category) != (before.tax_rate, &before.tax_category) {
            check_tax(cx, &edit).await?;
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
