//! Products from tables.

use bureau_kernel::import::{BoxFuture, Draft, Import};
use bureau_kernel::prelude::*;

use crate::product::{Product, taxed};
use crate::tax::tax_rates;

impl Import for Product {
    const NAME: &'static str = "products";
    const TOOL: &'static str = "import_products";
    const SAME: &'static [(&'static str, &'static str)] = &[("sku", "sku")];
    fn keep(&mut self, before: &Self) {
        // Rate and category say the same thing: the one that the row gives takes the place of the other.
        if self.tax_category != before.tax_category && self.tax_rate == before.tax_rate {
            self.tax_rate = None;
        } else if self.tax_rate != before.tax_rate && self.tax_category == before.tax_category {
            self.tax_category = None;
        }
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let rates = tax_rates(cx).await?;
            for draft in drafts.iter_mut().filter(|draft| draft.wrong.is_none()) {
                let made = draft.yes_or_no("active").and_then(|()| {
                    let product = draft.record::<Self>(cx.local_time())?;
                    if !draft.fields.contains_key("unit_price") {
                        let message = "unit_price is required.";
                        return Err(Error::invalid("unit_price", message));
                    }
                    taxed(&rates, &product)
                });
                draft.note(made);
            }
            Ok(())
        })
    }
}
