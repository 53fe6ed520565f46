//! What time it is, and whether that can be.
//!
//! Each open database has its [`Clock`], the machine's unless a test gives it another: the one source of "now" for whatever is
//! decided about data. A machine's clock can be wrong by years, and what is issued by it stays wrong. So the database
//! remembers when somebody last lived in it: every process that opens it to write, and every server once an hour, notes the
//! time in the table `clock`. A clock that is a week ahead of that, or a day behind, is not believed until a person says that
//! it is right ([`accept`]): nothing is made final, scheduled work rests, and nothing is forgotten because of its age. Reading
//! and drafts go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::error::{Error, Result};
use crate::store::{Scope, Store, Tx, sql};
use crate::types::time::{Timestamp, now};

/// How far the clock may be ahead of the last sign of life, in days: longer than a firm is closed over any weekend.
const AHEAD_DAYS: i64 = 7;
/// How far it may be behind: more than any time zone that a machine was given by mistake.
const BEHIND_DAYS: i64 = 1;
/// How old the last sign of life has to be before a new one is noted, in hours.
const BEAT_H: i64 = 1;

/// Where "now" comes from. Clones of a clock that is set show the same.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// What it shows, in microseconds of the Unix epoch; the machine's clock where there is none.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn wall() -> Self {
        Self::default()
    }

    /// One that stands still at this moment until it is set: for tests.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self {
            set: Some(Arc::new(AtomicI64::new(moment.timestamp_micros()))),
        }
    }

    /// Now, to the microsecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let set = self.set.as_ref();
        set.and_then(|set| DateTime::<Utc>::from_timestamp_micros(set.load(Ordering::Relaxed)))
            .unwrap_or_else(now)
    }

    /// Sets it, forward or back. The machine's clock stays as it is.
    pub fn set(&self, moment: Timestamp) {
        if let Some(set) = &self.set {
            set.store(moment.timestamp_micros(), Ordering::Relaxed);
        }
    }

    /// Sets it on, or back, by so much.
    pub fn step(&self, by: chrono::Duration) {
        self.set(self.now() + by);
    }
}

/// What the clock says, beside the last sign of life in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Now, by the clock.
    pub now: Timestamp,
    /// When somebody last lived here; nothing in a database that nobody has written to.
    pub seen: Option<Timestamp>,
}

impl Reading {
    /// Whether the clock can be right.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.seen.is_none_or(|seen| {
            let ahead = self.now - seen;
            ahead <= Duration::days(AHEAD_DAYS) && ahead >= -Duration::days(BEHIND_DAYS)
        })
    }

    /// The time by which things grow old: the clock's if it can be right, else the last one that was.
    #[must_use]
    pub fn trusted(&self) -> Timestamp {
        match self.seen {
            Some(seen) if !self.is_trusted() => seen,
            _ => self.now,
        }
    }

    /// What is wrong with the clock, in a sentence.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let seen = self.seen.filter(|_| !self.is_trusted())?;
        let (days, side) = match (self.now - seen).num_days() {
            days @ 0.. => (days, "after"),
            days => (-days, "before"),
        };
        Some(format!(
            "The clock says {}, {days} days {side} the last sign of life in this database, {}.",
            shown(self.now),
            shown(seen)
        ))
    }

    /// # Errors
    /// [`Code::Conflict`](crate::error::Code::Conflict) saying what the clock says and how a person accepts it, when it cannot be right.
    pub fn check(&self) -> Result<()> {
        let Some(wrong) = self.wrong() else {
            return Ok(());
        };
        let error = Error::conflict(format!(
            "{wrong} By a clock that may be wrong nothing is made final; nothing was written."
        ));
        Err(error.hint(
            "A person sets the clock right or, if it is, says so beside the data: bureau clock accept. \
             Reading and drafts go on.",
        ))
    }
}

/// A moment as people read it here.
#[must_use]
pub fn shown(moment: Timestamp) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads the clock and the last sign of life.
///
/// # Errors
/// What the database says.
pub async fn read(tx: &mut Tx) -> Result<Reading> {
    let row = sql("SELECT seen_at FROM clock").row(tx).await?;
    Ok(Reading {
        now: tx.now(),
        seen: row.map(|row| row.get("seen_at")).transpose()?,
    })
}

/// Reads the clock outside of any call.
///
/// # Errors
/// What the database says.
pub async fn reading(store: &Store) -> Result<Reading> {
    let mut tx = store.read(Scope::System).await?;
    let reading = read(&mut tx).await;
    tx.rollback().await;
    reading
}

/// Notes a sign of life, where the last one is older than an hour and the clock can be right. What the clock says.
///
/// # Errors
/// What the database says.
pub async fn beat(store: &Store) -> Result<Reading> {
    let reading = reading(store).await?;
    let is_due = reading
        .seen
        .is_none_or(|seen| reading.now - seen >= Duration::hours(BEAT_H));
    if store.is_read_only() || !is_due || !reading.is_trusted() {
        return Ok(reading);
    }
    let mut tx = store.write(Scope::System).await?;
    // Of two clocks that both can be right the later one counts.
    let noted = sql("INSERT INTO clock (id, seen_at) VALUES (1, ")
        .value(reading.now)
        .sql(
            ") ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
               WHERE clock.seen_at < excluded.seen_at",
        )
        .run(&mut tx)
        .await;
    tx.end(noted).await?;
    Ok(reading)
}

/// Takes a person's word that the clock is right. What it said before that.
///
/// # Errors
/// What the database says.
pub async fn accept(store: &Store) -> Result<Reading> {
    let mut tx = store.write(Scope::System).await?;
    let accepted = async {
        let reading = read(&mut tx).await?;
        sql("INSERT INTO clock (id, seen_at, accepted_at) VALUES (1, ")
            .value(reading.now)
            .sql(", ")
            .value(reading.now)
            .sql(
                ") ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at,
                   accepted_at = excluded.accepted_at",
            )
            .run(&mut tx)
            .await?;
        Ok(reading)
    }
    .await;
    tx.end(accepted).await
}

/// Rows of the change log that are dated later than the clock: made while it, or another machine's, was ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromTheFuture {
    /// How many there are.
    pub rows: i64,
    /// The latest moment among them.
    pub latest: Timestamp,
}

/// Looks for rows that are dated more than an hour after now; nothing where there is none.
///
/// # Errors
/// What the database says.
pub async fn rows_from_the_future(store: &Store) -> Result<Option<FromTheFuture>> {
    let mut tx = store.read(Scope::System).await?;
    let row = sql("SELECT COUNT(*) AS found, MAX(at) AS latest FROM change_log WHERE at > ")
        .value(tx.now() + Duration::hours(1))
        .row(&mut tx)
        .await;
    tx.rollback().await;
    let Some(row) = row? else { return Ok(None) };
    let latest: Option<Timestamp> = row.get("latest")?;
    Ok(match latest {
        Some(latest) => Some(FromTheFuture {
            rows: row.get("found")?,
            latest,
        }),
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_within_a_week_after_the_last_sign_of_life_and_a_day_before() {
        let seen: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (hours, trusted) in [
            (0, true),
            (7 * 24, true),
            (7 * 24 + 1, false),
            (3 * 365 * 24, false),
            (-24, true),
            (-25, false),
            (-50 * 365 * 24, false),
        ] {
            let reading = Reading {
                now: seen + Duration::hours(hours),
                seen: Some(seen),
            };
            assert_eq!(reading.is_trusted(), trusted, "{hours}");
            assert_eq!(reading.check().is_ok(), trusted, "{hours}");
            let trusted = if trusted { reading.now } else { seen };
            assert_eq!(reading.trusted(), trusted, "{hours}");
        }
        let fresh = Reading {
            now: seen,
            seen: None,
        };
        assert!(fresh.is_trusted());
    }

    #[test]
    fn a_clock_that_is_not_believed_is_named_with_both_times_and_the_way_out() {
        let reading = Reading {
            now: "2029-11-20T12:00:00Z".parse().unwrap(),
            seen: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        };
        let error = reading.check().unwrap_err().to_string();
        for said in [
            "2029-11-20T12:00:00Z",
            "1096 days after",
            "2026-11-20T12:00:00Z",
            "bureau clock accept",
        ] {
            assert!(error.contains(said), "{error}");
        }
    }
}
