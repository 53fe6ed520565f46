//! What a workspace's owner arranges before the first invoice: who sells, and by which taxes; and how it is shown.

use std::borrow::Cow;

use bureau_kernel::prelude::*;
use bureau_kernel::settings::Setting;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::text::{folded, nearest, quoted};
use futures::FutureExt as _;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::READ_INVOICES;
use crate::picture::keep;
use crate::seller::{Seller, seller};
use crate::tax::{Category, TaxRate, add_country, tax_rates};

/// Notes details of the seller, and empties others. Where its country is set and the workspace has no rate above zero yet,
/// the rates of that country are added and answered: they are a start, and the owner answers for them.
///
/// # Errors
/// [`Code::Validation`] naming the field.
pub async fn set_seller(
    cx: &mut Cx,
    given: &Patch<Seller>,
    clear: &[ClearField<Seller>],
) -> Result<(Saved<Seller>, Vec<Saved<TaxRate>>)> {
    let id = seller(cx).await?.id;
    let mut edit = cx.edit(id).await?;
    edit.clear_fields(clear);
    edit.apply(cx, given).await?;
    let saved = edit.save(cx).await?;
    if let Some(logo) = saved.logo.as_deref().filter(|_| given.has("logo")) {
        keep(cx, logo).await?;
    }
    let is_taxed = |rate: &Saved<TaxRate>| rate.category == Category::S;
    let added = if given.has("country") && !tax_rates(cx).await?.iter().any(is_taxed) {
        add_country(cx, saved.country.as_deref()).await?
    } else {
        Vec::new()
    };
    Ok((saved, added))
}

/// What is said about a tax rate; what is absent stays as it is.
#[derive(Debug, Clone)]
pub struct TaxRateChange {
    /// What it is or shall be called.
    pub name: ShortText<40>,
    /// Percent; of a rate that is new it has to be said.
    pub percent: Option<Amount>,
    /// Its category. Without one a rate above zero is S.
    pub category: Option<Category>,
    /// Why none is due.
    pub reason: Option<ShortText<200>>,
    /// The same as a code of the VATEX list.
    pub reason_code: Option<ShortText<30>>,
    /// Whether it is to count where nothing else is said, and no other one.
    pub is_default: bool,
}

/// Adds a tax rate, or changes the one of that name. Documents keep the rates that they have.
///
/// # Errors
/// [`Code::Validation`] naming what does not fit.
pub async fn set_tax_rate(cx: &mut Cx, change: TaxRateChange) -> Result<Saved<TaxRate>> {
    let all = tax_rates(cx).await?;
    let known = all
        .iter()
        .find(|rate| folded(&rate.name) == folded(&change.name));
    if change.is_default {
        for other in &all {
            if other.is_default && known.is_none_or(|known| known.id != other.id) {
                let mut edit = cx.edit(other.id).await?;
                edit.is_default = false;
                edit.save(cx).await?;
            }
        }
    }
    let was = known.map(|known| known.record.clone());
    let percent = change.percent.or(was.as_ref().map(|was| was.percent));
    let percent = percent.ok_or_else(|| {
        Error::invalid("percent", "A rate that is new needs its percent.")
            .hint("Such as 19, or 0 with a category.")
    })?;
    let untaxed = was.as_ref().filter(|was| was.category != Category::S);
    let category = match (change.category, percent.raw() != 0) {
        (Some(category), _) => category,
        (None, true) => Category::S,
        (None, false) => untaxed.map(|was| was.category).ok_or_else(|| {
            Error::invalid("category", "0% has several meanings.").hint(
                "Say the category: Z (zero rate), E (exempt), AE (reverse charge), K (intra-community), G (export) or O (not subject to it).",
            )
        })?,
    };
    let same = was.as_ref().filter(|was| was.category == category);
    let (reason, reason_code) = match change.reason {
        // A code says the same as the words beside it: with new words the old one goes.
        Some(reason) => (Some(reason), change.reason_code),
        None => (
            same.and_then(|was| was.reason.clone()),
            change
                .reason_code
                .or_else(|| same.and_then(|was| was.reason_code.clone())),
        ),
    };
    let rate = TaxRate {
        name: change.name,
        category,
        percent,
        reason,
        reason_code,
        is_default: change.is_default || was.as_ref().is_some_and(|was| was.is_default),
    };
    match known {
        None => {
            if all.len() >= MOST_RATES {
                let message = format!("A workspace has {MOST_RATES} tax rates at most.");
                return Err(Error::invalid("name", message));
            }
            cx.insert(rate, Attributes::new()).await
        }
        Some(known) => {
            let mut edit = cx.edit(known.id).await?;
            *edit = rate;
            edit.save(cx).await
        }
    }
}

/// As many as are read together.
const MOST_RATES: usize = 100;

/// Removes a tax rate, restorably. Documents keep the rates that they have.
///
/// # Errors
/// [`Code::NotFound`] where there is none of that name.
pub async fn remove_tax_rate(cx: &mut Cx, name: &str) -> Result<Saved<TaxRate>> {
    let all = tax_rates(cx).await?;
    match all.iter().find(|rate| folded(&rate.name) == folded(name)) {
        Some(rate) => cx.archive(rate.id).await,
        None => {
            let short: String = name.chars().take(40).collect();
            let error = Error::not_found("tax rate", quoted(&short));
            let names = all.iter().map(|rate| &*rate.name);
            Err(match nearest(&short, names) {
                Some(known) => error.hint(format!("Did you mean {known}?")),
                None => error.hint(format!(
                    "There are: {}.",
                    all.iter()
                        .map(|rate| quoted(&rate.name))
                        .collect::<Vec<_>>()
                        .join(", ")
                )),
            })
        }
    }
}

/// Who sells, with what is still missing before an invoice can be issued.
pub(crate) static SELLER: Setting = Setting {
    name: "seller",
    read: READ_INVOICES,
    show: |cx| show_seller(cx).boxed(),
};

async fn show_seller(cx: &mut Cx) -> Result<Value> {
    Ok(Value::Object(seller(cx).await?.shown()))
}

/// The taxes by which the workspace charges.
pub(crate) static TAXES: Setting = Setting {
    name: "taxes",
    read: READ_INVOICES,
    show: |cx| show_taxes(cx).boxed(),
};

async fn show_taxes(cx: &mut Cx) -> Result<Value> {
    let rates = tax_rates(cx).await?;
    let rates = rates.iter().map(|rate| {
        json!({
            "name": rate.name,
            "percent": rate.percent,
            "category": rate.category,
            "reason": rate.reason,
            "is_default": rate.is_default,
        })
    });
    Ok(rates.collect())
}

/// What a tool takes of the seller's details: all but the logo, whose bytes no model should carry.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct SellerDetails(Patch<Seller>);

impl SellerDetails {
    /// What was said.
    #[must_use]
    pub const fn patch(&self) -> &Patch<Seller> {
        &self.0
    }
}

impl JsonSchema for SellerDetails {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "SellerDetails".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Patch::<Seller>::json_schema(generator);
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(properties) = properties {
            properties.retain(|name, _| name != "logo" && name != "attributes");
        }
        schema
    }
}
