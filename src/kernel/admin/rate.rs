//! Exchange rates that the owner notes: what one unit of a currency was worth in the workspace's own on a day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

use super::author::Author;
use super::log;
use super::workspace::workspace_by_slug;
use crate::error::{Error, Result};
use crate::store::log::Action;
use crate::store::{Scope, Store, Tx, sql};
use crate::types::money::Currency;
use crate::types::text::ShortText;

/// A rate as it is noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateInfo {
    /// ISO 4217.
    pub currency: String,
    /// The day from which it counts, until a later one is noted.
    pub day: NaiveDate,
    /// A decimal above zero: what one unit is worth in the workspace's currency.
    pub rate: String,
    /// Who said so.
    pub source: String,
}

/// Notes a rate; one of the same currency and day is replaced.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace;
/// [`Code::Validation`](crate::error::Code::Validation) naming what is wrong.
pub async fn set_rate(store: &Store, slug: &str, new: RateInfo) -> Result<()> {
    /// Digits after the point that central banks use, and more.
    const MOST_DIGITS: u32 = 12;
    let workspace = workspace_by_slug(store, slug).await?;
    let currency: Currency = new
        .currency
        .parse()
        .map_err(|error| Error::invalid("currency", format!("{:?} {error}.", new.currency)))?;
    if currency == workspace.currency {
        return Err(Error::invalid(
            "currency",
            "This is the workspace's own currency: it is always worth 1.",
        ));
    }
    let rate = Decimal::from_str_exact(new.rate.trim()).ok();
    let bound = Decimal::from(1_000_000_000_u64);
    let rate =
        rate.filter(|rate| *rate > Decimal::ZERO && *rate < bound && rate.scale() <= MOST_DIGITS);
    let rate = rate.ok_or_else(|| {
        Error::invalid("rate", "A rate is a decimal number above zero with up to 12 digits after the point, such as 0.9204.")
    })?;
    let source = ShortText::<100>::new(&new.source)
        .map_err(|error| Error::invalid("source", format!("source {error}.")))?;
    let set = async |tx: &mut Tx| {
        sql("INSERT INTO exchange_rate (workspace, currency, day, rate, source, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (workspace, currency, day)
             DO UPDATE SET rate = excluded.rate, source = excluded.source, created_at = excluded.created_at")
            .bind(workspace.id)
            .bind(currency)
            .bind(new.day)
            .bind(rate.normalize().to_string())
            .bind(String::from(source.clone()))
            .bind(tx.now())
            .run(tx)
            .await?;
        let content = json!({ "currency": currency, "day": new.day, "rate": rate.normalize().to_string(), "source": source });
        let author = Author::operator(tx)?;
        log(
            tx,
            &author,
            workspace.id,
            "exchange_rate",
            workspace.id.raw(),
            Action::Create,
            &content,
        )
    };
    store.change(Scope::System, set).await
}

/// The rates of a workspace, the newest of each currency first.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn list_rates(store: &Store, slug: &str) -> Result<Vec<RateInfo>> {
    let workspace = workspace_by_slug(store, slug).await?;
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT currency, day, rate, source FROM exchange_rate WHERE workspace = ")
        .value(workspace.id)
        .sql(" ORDER BY currency, day DESC")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    rows?
        .iter()
        .map(|row| {
            Ok(RateInfo {
                currency: row.get("currency")?,
                day: row.get("day")?,
                rate: row.get("rate")?,
                source: row.get("source")?,
            })
        })
        .collect()
}
