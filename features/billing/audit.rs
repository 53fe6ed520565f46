//! What is looked for in every kind of document: gaps and doubles in its numbers, and records a part at a time.

use bureau_kernel::list::List;
use bureau_kernel::numbered::Numbered;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::series::{Series, all_series};
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity;
use chrono::NaiveDate;

/// What is said of a document that does not add up.
pub const WRONG_TOTALS: &str = "its totals are not what its lines come to";
/// Records that are read at once.
const PART: u32 = 500;

/// More than this are not named: it is broken enough.
const MOST: usize = 1_000;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings(Vec<Contradiction>);

impl Findings {
    /// Notes what is wrong with a record.
    pub fn say<E: Entity>(&mut self, record: Id<E>, what: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Contradiction {
                record: record.to_string(),
                what: what.into(),
            });
        }
    }

    /// All of it.
    #[must_use]
    pub fn into_vec(self) -> Vec<Contradiction> {
        self.0
    }
}

/// Looks through the numbers of a kind of record: whether one is missing in a series and period, whether they are in the order
/// of their days where they have to be, and whether two records have the same.
///
/// # Errors
/// What the database says.
pub async fn audit_numbers<R: Numbered>(cx: &mut Cx, found: &mut Findings) -> Result<()> {
    for series in all_series(cx).await? {
        let mut own = R::SERIES.iter();
        if let Some(numbering) = own.find(|own| own.numbers == &*series.numbers) {
            audit_series::<R>(cx, &series, numbering.in_order_of, found).await?;
        }
    }
    let rows = sql("SELECT number, MAX(id) AS id")
        .from_live::<R>(cx)
        .sql(" AND number IS NOT NULL GROUP BY number HAVING COUNT(*) > 1 ORDER BY number LIMIT 1000")
        .rows(cx.tx())
        .await?;
    for row in rows {
        let (number, id): (String, Id<R>) = (row.get("number")?, row.get("id")?);
        found.say(id, format!("{number}: another one has the same number"));
    }
    Ok(())
}

async fn audit_series<R: Numbered>(
    cx: &mut Cx,
    series: &Saved<Series>,
    in_order_of: Option<&'static str>,
    found: &mut Findings,
) -> Result<()> {
    let mut last: Option<(i64, i64, Option<NaiveDate>)> = None;
    loop {
        let (period, serial) = last.map_or((i64::MIN, 0), |(period, serial, _)| (period, serial));
        let mut statement = sql("SELECT period, serial, number, id");
        if let Some(day) = in_order_of {
            statement = statement.sql(", ").sql(day).sql(" AS day");
        }
        let rows = statement
            .from_live::<R>(cx)
            .sql(" AND serial IS NOT NULL AND series = ")
            .value(series.id)
            .sql(" AND (period, serial) > (")
            .value(period)
            .sql(", ")
            .value(serial)
            .sql(") ORDER BY period, serial LIMIT 5000")
            .rows(cx.tx())
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let (period, serial): (i64, i64) = (row.get("period")?, row.get("serial")?);
            let number: Option<String> = row.get("number")?;
            let number = number.unwrap_or_default();
            let id: Id<R> = row.get("id")?;
            let before = last.filter(|(of, ..)| *of == period);
            // Who never changed a series began with its first number.
            let begins = (series.version == 1).then(|| series.first.get());
            let expected = before.map(|(_, last, _)| last + 1).or(begins);
            if expected.is_some_and(|expected| expected != serial) {
                found.say(id, format!("{number}: a number before it is missing"));
            }
            let mut day: Option<NaiveDate> = None;
            if in_order_of.is_some() {
                day = row.get("day")?;
                if day.is_none() || day < before.and_then(|(_, _, day)| day) {
                    let what = format!("{number}: its day is before that of an earlier number");
                    found.say(id, what);
                }
            }
            last = Some((period, serial, day));
        }
    }
}

/// The live records of a kind, a part at a time.
#[derive(Debug)]
pub struct Pages {
    order: Order,
    cursor: Option<Cursor>,
    is_done: bool,
}

impl Pages {
    /// All of them, in this order.
    #[must_use]
    pub const fn of(order: Order) -> Self {
        Self {
            order,
            cursor: None,
            is_done: false,
        }
    }

    /// The next ones.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next<R: Record>(&mut self, cx: &mut Cx) -> Result<Option<Vec<Saved<R>>>> {
        self.next_among(cx, |all| all).await
    }

    /// The next ones of those that a list is narrowed to, each time to the same.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next_among<R: Record>(
        &mut self,
        cx: &mut Cx,
        narrow: impl for<'a> FnOnce(List<'a, R>) -> List<'a, R>,
    ) -> Result<Option<Vec<Saved<R>>>> {
        if self.is_done {
            return Ok(None);
        }
        let page = narrow(cx.list::<R>())
            .page(self.order, false, Limit::of(PART), self.cursor.as_ref())
            .await?;
        self.cursor = page
            .next
            .map(|next| bureau_kernel::types::schema::parse_at("cursor", next.into()))
            .transpose()?;
        self.is_done = self.cursor.is_none();
        Ok(Some(page.rows))
    }
}
