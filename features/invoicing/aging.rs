//! What is open on a day: what every invoice that was issued by then still lacked, by payments and credit notes up to that day alone.
//!
//! Payments and credit notes count by their own days, whenever they were noted. What was written off counts from the moment at which
//! somebody did so, because nothing else says when. When an invoice is due is what was agreed on last.

use std::collections::{BTreeMap, HashMap};

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rates, Worth};
use bureau_kernel::record::past::Past;
use bureau_kernel::store::{Row, Sql, sql};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::time::{DayEdge, day_edge};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::invoice::{HomeRate, Invoice};
use crate::payment::{Allocation, Payment};
use crate::stats::worth;

/// Of which invoices.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenFilter {
    /// Those for this company.
    pub company: Option<Id<Company>>,
    /// Those in this currency.
    pub currency: Option<Currency>,
    /// Those that this member looks after.
    pub owner: Option<Id<Member>>,
}

/// An invoice of which something was open.
#[derive(Debug, Clone)]
pub struct OpenInvoice {
    /// The company that bought.
    pub company: Option<Id<Company>>,
    /// The person who bought.
    pub contact: Option<Id<Contact>>,
    /// The customer's name in the document.
    pub customer: Option<String>,
    /// Who looks after it.
    pub owner: Option<Id<Member>>,
    /// ISO 4217.
    pub currency: Currency,
    /// Until when it is to be paid.
    pub due: Option<NaiveDate>,
    /// What was open: with tax, always above zero.
    pub balance: Decimal,
    /// What its currency was worth when it was issued.
    pub worth: Worth,
}

impl OpenFilter {
    /// Appends which invoices they are.
    fn push(self, mut statement: Sql) -> Sql {
        if let Some(company) = self.company {
            statement = statement.sql(" AND company = ").value(company);
        }
        if let Some(currency) = self.currency {
            statement = statement.sql(" AND currency = ").value(currency);
        }
        if let Some(owner) = self.owner {
            statement = statement.sql(" AND owner = ").value(owner);
        }
        statement
    }
}

const COLUMNS: &str = "SELECT id, company, contact, customer, owner, currency, issue_date, due_date, home, gross_total, paid, credited, written_off";

/// What was open at the end of a day, the present one or one that has passed.
///
/// # Errors
/// [`Code::Validation`] naming `as_of` where more happened since than is looked through.
pub async fn open_on(
    cx: &mut Cx,
    day: NaiveDate,
    among: OpenFilter,
    rates: &mut Rates,
) -> Result<Vec<OpenInvoice>> {
    let statement = sql(COLUMNS)
        .from_live::<Invoice>(cx)
        .sql(" AND kind = 'invoice' AND status IN ('issued', 'partly_paid') AND issue_date <= ")
        .value(day);
    let rows = among.push(statement).rows(cx.tx()).await?;
    let mut standing = BTreeMap::new();
    for row in &rows {
        standing.insert(row.get("id")?, Standing::of(row)?);
    }
    if day < cx.today() {
        take_back(cx, day, among, &mut standing).await?;
    }
    let open = standing.into_values().filter_map(|one| one.open(rates));
    Ok(open.collect())
}

/// An invoice, and what was settled of it by the day.
struct Standing {
    invoice: OpenInvoiceRow,
    gross: i64,
    paid: i64,
    credited: i64,
    written_off: i64,
}

struct OpenInvoiceRow {
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    customer: Option<String>,
    owner: Option<Id<Member>>,
    currency: Currency,
    issued: NaiveDate,
    due: Option<NaiveDate>,
    home: Option<HomeRate>,
}

impl Standing {
    fn of(row: &Row) -> Result<Self> {
        let amount = |name: &str| Ok::<_, Error>(row.get::<Amount>(name)?.raw());
        Ok(Self {
            invoice: OpenInvoiceRow {
                company: row.get("company")?,
                contact: row.get("contact")?,
                customer: row.get("customer")?,
                owner: row.get("owner")?,
                currency: row.get("currency")?,
                issued: row.get("issue_date")?,
                due: row.get("due_date")?,
                home: row.get::<Json<Option<HomeRate>>>("home")?.0,
            },
            gross: amount("gross_total")?,
            paid: amount("paid")?,
            credited: amount("credited")?,
            written_off: amount("written_off")?,
        })
    }

    /// What of it is open, if anything is.
    fn open(self, rates: &mut Rates) -> Option<OpenInvoice> {
        let balance = self.gross - self.paid - self.credited - self.written_off;
        if balance <= 0 {
            return None;
        }
        let Self { invoice, .. } = self;
        let worth = worth(
            rates,
            invoice.currency,
            invoice.issued,
            invoice.home.as_ref(),
        );
        Some(OpenInvoice {
            company: invoice.company,
            contact: invoice.contact,
            customer: invoice.customer,
            owner: invoice.owner,
            currency: invoice.currency,
            due: invoice.due,
            balance: Amount::from_raw(balance).decimal(),
            worth,
        })
    }
}

/// Takes back what was settled after a day: of the invoices that are open, and of those that are open no more.
async fn take_back(
    cx: &mut Cx,
    day: NaiveDate,
    among: OpenFilter,
    standing: &mut BTreeMap<i64, Standing>,
) -> Result<()> {
    /// Days and documents that are looked through.
    const MOST: i64 = 100_000;
    let too_many = || {
        let message = format!("More than {MOST} payments, credit notes or changes came since.");
        Error::invalid("as_of", message).hint("Name a later day.")
    };
    let paid_since = paid_since(cx, day, MOST).await?.ok_or_else(too_many)?;
    let notes = notes_of_touched(cx, day, &paid_since).await?;
    let lost = lost_on(cx, day, MOST).await?.ok_or_else(too_many)?;
    let touched = paid_since.keys().chain(notes.keys()).chain(lost.keys());
    let mut missing: Vec<Id<Invoice>> = touched
        .filter(|id| !standing.contains_key(*id))
        .map(|id| Id::from_raw(*id))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    for piece in missing.chunks(500) {
        let statement = sql(COLUMNS)
            .from_live::<Invoice>(cx)
            .sql(" AND kind = 'invoice' AND status <> 'draft' AND issue_date <= ")
            .value(day)
            .sql(" AND id IN ")
            .ids(piece);
        for row in &among.push(statement).rows(cx.tx()).await? {
            standing.insert(row.get("id")?, Standing::of(row)?);
        }
    }
    for (id, one) in standing {
        one.paid -= paid_since.get(id).copied().unwrap_or_default();
        if let Some(lost) = lost.get(id) {
            one.written_off = *lost;
        }
        if let Some(notes) = notes.get(id) {
            one.credited = set_off(one.gross - one.paid, notes, day, &paid_since);
        }
    }
    Ok(())
}

/// A credit note of an invoice.
struct Note {
    id: i64,
    issued: NaiveDate,
    gross: i64,
    paid: i64,
}

/// What the credit notes of a day set off against what was open of their invoice, oldest first: as settling does it.
fn set_off(mut open: i64, notes: &[Note], day: NaiveDate, paid_since: &HashMap<i64, i64>) -> i64 {
    let mut credited = 0;
    for note in notes.iter().filter(|note| note.issued <= day) {
        let paid_back = note.paid - paid_since.get(&note.id).copied().unwrap_or_default();
        let share = (note.gross - paid_back).min(open).max(0);
        open -= share;
        credited += share;
    }
    credited
}

/// What was paid of invoices, and paid back of credit notes, after a day; below zero where more was taken back.
async fn paid_since(cx: &mut Cx, day: NaiveDate, most: i64) -> Result<Option<HashMap<i64, i64>>> {
    let rows = sql("SELECT allocations, reverses")
        .from_live::<Payment>(cx)
        .sql(" AND paid_on > ")
        .value(day)
        .sql(" LIMIT ")
        .value(most + 1)
        .rows(cx.tx())
        .await?;
    if i64::try_from(rows.len()).is_ok_and(|found| found > most) {
        return Ok(None);
    }
    let mut paid: HashMap<i64, i64> = HashMap::new();
    for row in rows {
        let parts: Json<Vec<Allocation>> = row.get("allocations")?;
        // A payment settles, whichever way it goes; one that reverses another unsettles.
        let is_reversal = row.get::<Option<i64>>("reverses")?.is_some();
        let sign = if is_reversal { -1 } else { 1 };
        for part in parts.0 {
            *paid.entry(part.invoice.raw()).or_default() += sign * part.amount.raw();
        }
    }
    Ok(Some(paid))
}

/// The issued credit notes, in the order of their numbers, of each invoice of which one was issued or paid back after a day, or that
/// itself was paid after it: what was set off against it may have been another amount then.
async fn notes_of_touched(
    cx: &mut Cx,
    day: NaiveDate,
    paid_since: &HashMap<i64, i64>,
) -> Result<HashMap<i64, Vec<Note>>> {
    let paid: Vec<Id<Invoice>> = paid_since.keys().map(|id| Id::from_raw(*id)).collect();
    let mut invoices: Vec<Id<Invoice>> = Vec::new();
    let later = sql("SELECT credits")
        .from_live::<Invoice>(cx)
        .sql(" AND kind = 'credit_note' AND status <> 'draft' AND sort_issued > ")
        .value(day);
    for row in later.rows(cx.tx()).await? {
        invoices.extend(row.get::<Option<Id<Invoice>>>("credits")?);
    }
    for piece in paid.chunks(500) {
        let touched = sql("SELECT credits")
            .from_live::<Invoice>(cx)
            .sql(" AND credits IS NOT NULL AND status <> 'draft' AND (id IN ")
            .ids(piece)
            .sql(" OR credits IN ")
            .ids(piece)
            .sql(")");
        for row in touched.rows(cx.tx()).await? {
            invoices.extend(row.get::<Option<Id<Invoice>>>("credits")?);
        }
    }
    invoices.sort_unstable();
    invoices.dedup();
    let mut notes: HashMap<i64, Vec<Note>> = HashMap::new();
    for piece in invoices.chunks(500) {
        let rows = sql("SELECT id, credits, issue_date, gross_total, paid")
            .from_live::<Invoice>(cx)
            .sql(" AND status <> 'draft' AND credits IN ")
            .ids(piece)
            .sql(" ORDER BY period, serial")
            .rows(cx.tx())
            .await?;
        for row in rows {
            let of = notes.entry(row.get("credits")?).or_default();
            of.push(Note {
                id: row.get("id")?,
                issued: row.get("issue_date")?,
                gross: row.get::<Amount>("gross_total")?.raw(),
                paid: row.get::<Amount>("paid")?.raw(),
            });
        }
    }
    Ok(notes)
}

/// What was written off of invoices at the end of a day, of those where that was another amount than it is now.
async fn lost_on(cx: &mut Cx, day: NaiveDate, most: i64) -> Result<Option<BTreeMap<i64, i64>>> {
    let next = day.succ_opt();
    let zone = cx.workspace().time_zone;
    let since = next.and_then(|next| day_edge(next, zone, DayEdge::Start));
    let since = since.ok_or_else(|| Error::internal("a day without a day after it"))?;
    let past = cx.past_of::<Invoice>(since, most, |statement, _| {
        statement.sql(" AND before LIKE '%\"written_off\"%'")
    });
    let Some(past) = past.await? else {
        return Ok(None);
    };
    let lost = past.into_iter().filter_map(|(id, Past { content, .. })| {
        let amount = content
            .get("written_off")?
            .as_str()?
            .parse::<Amount>()
            .ok()?;
        Some((id.raw(), amount.raw()))
    });
    Ok(Some(lost.collect()))
}
