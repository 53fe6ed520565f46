//! What a workspace's owner arranges before the first invoice: who sells, and by which taxes.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::text::{folded, nearest};

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
    /// Percent.
    pub percent: Amount,
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
    let untaxed = was.as_ref().filter(|was| was.category != Category::S);
    let category = match (change.category, change.percent.raw() > 0) {
        (Some(category), _) => category,
        (None, true) => Category::S,
        (None, false) => untaxed.map(|was| was.category).ok_or_else(|| {
            Error::invalid("category", "0% has several meanings.").hint(
                "Say --category Z (zero rate), E (exempt), AE (reverse charge), K (intra-community), G (export) or O (not subject to it).",
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
        percent: change.percent,
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
            let error = Error::not_found("tax rate", name);
            let names = all.iter().map(|rate| &*rate.name);
            Err(match nearest(name, names) {
                Some(known) => error.hint(format!("Did you mean {known}?")),
                None => error.hint("List them: bureau workspace tax list"),
            })
        }
    }
}
