//! Products and expenses from tables.

use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads};
use bureau_kernel::prelude::*;
use bureau_kernel::schema::parse_at;
use bureau_kernel::types::text::folded;
use serde_json::{Value, json};

use crate::expense::Expense;
use crate::product::{Product, taxed};
use crate::tax::tax_rates;

impl Import for Product {
    const NAME: &'static str = "products";
    const TOOL: &'static str = "import_products";
    const SAME: &'static [(&'static str, &'static str)] = &[("sku", "sku")];
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Reads::Text,
            &["product", "product name", "item", "item name", "title"],
        ),
        Field::new(
            "sku",
            Reads::Text,
            &[
                "article number",
                "article no",
                "item number",
                "item code",
                "product code",
                "code",
            ],
        ),
        Field::new(
            "description",
            Reads::Text,
            &["product description", "details"],
        ),
        Field::new(
            "type",
            Reads::Text,
            &["kind", "product type", "goods or service"],
        ),
        Field::new("unit", Reads::Text, &["unit of measure", "uom"]),
        Field::new(
            "unit_price",
            Reads::Amount,
            &["price", "net price", "sales price", "list price"],
        ),
        Field::new("currency", Reads::Text, &["currency code"]),
        Field::new("tax_rate", Reads::Amount, &["vat rate", "vat", "tax"]),
        Field::new(
            "tax_category",
            Reads::Text,
            &["vat category", "tax code", "tax class"],
        ),
        Field::new(
            "billing_interval",
            Reads::Text,
            &["billing period", "interval", "recurring"],
        ),
        Field::new("active", Reads::Aside, &["is active", "sold", "for sale"]),
    ];

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
                let made = yes_or_no(draft, "active").and_then(|()| {
                    let product = record::<Self>(draft, cx)?;
                    if !draft.fields.contains_key("unit_price") {
                        let message = "unit_price is required.";
                        return Err(Error::invalid("unit_price", message));
                    }
                    taxed(&rates, &product)
                });
                note(draft, made);
            }
            Ok(())
        })
    }
}

impl Import for Expense {
    const NAME: &'static str = "expenses";
    const TOOL: &'static str = "import_expenses";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "description",
            Reads::Text,
            &["expense", "title", "purpose", "subject", "what for"],
        ),
        Field::new(
            "category",
            Reads::Text,
            &["expense category", "expense type", "type", "kind"],
        ),
        Field::new(
            "amount",
            Reads::Amount,
            &["total", "gross", "gross amount", "total amount", "sum"],
        ),
        Field::new("currency", Reads::Text, &["currency code"]),
        Field::new(
            "tax_amount",
            Reads::Amount,
            &["tax", "vat", "vat amount", "input tax"],
        ),
        Field::new(
            "spent_on",
            Reads::Day,
            &["date", "expense date", "day", "receipt date"],
        ),
        Field::new(
            "vendor",
            Reads::Text,
            &["merchant", "supplier", "payee", "paid to"],
        ),
        Field::new(
            "company",
            Reads::Record("company"),
            &["vendor company", "company name"],
        ),
        Field::new(
            "owner",
            Reads::Record("member"),
            &["employee", "spent by", "submitted by", "member"],
        ),
        Field::new(
            "method",
            Reads::Text,
            &["payment method", "paid with", "paid by"],
        ),
        Field::new(
            "reference",
            Reads::Text,
            &[
                "receipt",
                "receipt number",
                "receipt no",
                "invoice number",
                "document number",
            ],
        ),
        Field::new("status", Reads::Text, &["expense status", "state"]),
        Field::new(
            "billable",
            Reads::Aside,
            &["rebillable", "is billable", "chargeable"],
        ),
        Field::new("notes", Reads::Text, &["note", "comment", "comments"]),
    ];

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (today, member) = (cx.today(), cx.caller().member);
            for draft in drafts.iter_mut().filter(|draft| draft.wrong.is_none()) {
                let fields = &mut draft.fields;
                fields
                    .entry("spent_on")
                    .or_insert_with(|| json!(today.to_string()));
                fields.entry("owner").or_insert_with(|| json!(member));
                let made = yes_or_no(draft, "billable")
                    .and_then(|()| record::<Self>(draft, cx)?.check_day(today));
                note(draft, made);
            }
            Ok(())
        })
    }
}

/// The record that a draft's fields make.
fn record<R: Record>(draft: &Draft, cx: &Cx) -> Result<R> {
    let fields = Value::Object(draft.fields.clone());
    let given: Patch<R> = parse_at("", fields)?;
    given.record(cx.local_time())
}

/// Reads a cell that says yes or no.
fn yes_or_no(draft: &mut Draft, field: &'static str) -> Result<()> {
    let said = draft.aside.get(field).and_then(|texts| texts.last());
    let Some(said) = said else { return Ok(()) };
    let is_so = match folded(said).as_str() {
        "true" | "yes" | "y" | "1" | "x" => true,
        "false" | "no" | "n" | "0" => false,
        _ => {
            let message = format!("{field} is neither yes nor no.");
            return Err(Error::invalid(field, message));
        }
    };
    draft.fields.insert(field.to_owned(), is_so.into());
    Ok(())
}

/// Notes in a draft what is wrong with it.
fn note(draft: &mut Draft, made: Result<()>) {
    if let Err(error) = made {
        draft.wrong = Some(match error.hint_text() {
            Some(hint) => format!("{} {hint}", error.message()),
            None => error.message().to_owned(),
        });
    }
}
