//! Invoices in figures, summed up by the database.

use bureau_billing::{Buyer, of_buyers};
use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_kernel::figures::Tally;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates, Worth};
use bureau_kernel::store::{Row, Sql, sql};
use bureau_kernel::types::money::Currency;
use chrono::{Datelike as _, NaiveDate};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::invoice::{HomeRate, Invoice, InvoiceKind, InvoiceStatus};
use crate::view::DisplayStatus;

/// Invoices and credit notes in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceStats {
    /// The day of the figures. What is issued goes by the rate of the day of issue, drafts by that of this day.
    pub as_of: NaiveDate,
    /// The invoices by where they stand.
    pub by_status: Vec<StatusFigures>,
    /// The credit notes that are issued; their balance is still to be paid back.
    pub credit_notes: Figures,
    /// All that is issued.
    pub totals: Totals,
    /// The earliest due date of what is overdue.
    pub oldest_overdue: Option<NaiveDate>,
    /// The newest months in which something was issued, 24 at most.
    pub by_period: Vec<Period>,
    /// By what the customers are in order: net or balance.
    pub customers_by: &'static str,
    /// The ten customers with most net, or who owe most, as asked.
    pub by_customer: Vec<Customer>,
    /// How many customers there are in all.
    pub customers: i64,
    /// What the figures named `base_…` are in: all that a rate is known for.
    pub base_currency: Currency,
    /// The rates behind them, the newest first.
    pub rates: Vec<Rate>,
    /// Currencies of which no rate is known for some day: what they held then is not in those figures.
    pub without_rate: Vec<Currency>,
}

bureau_kernel::figures! {
    /// How many documents, and what they come to.
    pub struct Figures(count) of Value {
        /// Without tax.
        net: base_net,
        /// With tax.
        gross: base_gross,
        /// What is open.
        balance: base_balance,
    }
}

/// The invoices that stand alike.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusFigures {
    /// Where they stand.
    pub status: DisplayStatus,
    /// What they come to.
    #[serde(flatten)]
    pub figures: Figures,
}

bureau_kernel::figures! {
    /// What was issued, and what came of it.
    pub struct Totals() of Total {
        /// Without tax, credit notes subtracted.
        net: base_net,
        /// With tax, credit notes subtracted.
        gross: base_gross,
        /// What was paid, less what was paid back.
        paid: base_paid,
        /// What customers owe.
        outstanding: base_outstanding,
        /// What of it is overdue.
        overdue: base_overdue,
    }
}

/// What was issued in a month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Period {
    /// Such as 2026-11.
    pub month: String,
    /// What it comes to.
    #[serde(flatten)]
    pub figures: PeriodFigures,
}

bureau_kernel::figures! {
    /// What documents of a month come to.
    pub struct PeriodFigures() of Issued {
        /// Without tax, credit notes subtracted.
        net: base_net,
        /// With tax, credit notes subtracted.
        gross: base_gross,
        /// The credit notes, with tax.
        credited: base_credited,
    }
}

/// What was issued to a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer {
    /// The company, or the contact where there is none; nothing of one that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it bought.
    #[serde(flatten)]
    pub figures: CustomerFigures,
}

bureau_kernel::figures! {
    /// What documents for a customer come to.
    pub struct CustomerFigures() of Bought {
        /// Without tax, credit notes subtracted.
        net: base_net,
        /// What it owes.
        balance: base_balance,
    }
}

/// Of which documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvoiceFilter {
    /// Those issued on this day or later.
    pub after: Option<NaiveDate>,
    /// Those issued on this day or earlier.
    pub before: Option<NaiveDate>,
    /// Those for this company.
    pub company: Option<Id<Company>>,
    /// Those in this currency.
    pub currency: Option<Currency>,
    /// Whether the customers are shown who owe most, instead of those with most net.
    pub by_balance: bool,
}

impl InvoiceFilter {
    /// Appends of which invoices a statement is.
    fn conditions(self, statement: Sql, cx: &Cx) -> Sql {
        let mut statement = statement.from_live::<Invoice>(cx);
        if let Some(after) = self.after {
            statement = statement.sql(" AND issue_date >= ").value(after);
        }
        if let Some(before) = self.before {
            statement = statement.sql(" AND issue_date <= ").value(before);
        }
        if let Some(company) = self.company {
            statement = statement.sql(" AND company = ").value(company);
        }
        if let Some(currency) = self.currency {
            statement = statement.sql(" AND currency = ").value(currency);
        }
        statement
    }
}

/// More months are not shown.
const MONTHS: usize = 24;
/// More customers are not shown.
const CUSTOMERS: usize = 10;

/// Appends the sums of what is grouped.
fn sums(statement: Sql) -> Sql {
    let statement = statement
        .sql("COUNT(*) AS count, ")
        .sum("net_total")
        .sql(", ");
    let statement = statement.sum("gross_total").sql(", ").sum("paid");
    let statement = statement.sql(", ").sum("credited");
    statement.sql(", ").sum("written_off")
}

/// What the database sums up of documents of one kind, currency and day.
struct Summed {
    kind: InvoiceKind,
    currency: Currency,
    /// The day of issue.
    day: Option<NaiveDate>,
    count: i64,
    net: Decimal,
    gross: Decimal,
    paid: Decimal,
    balance: Decimal,
    /// The rate that they have kept.
    home: Option<HomeRate>,
}

impl Summed {
    fn of(row: &Row) -> Result<Self> {
        let (gross, paid) = (row.sum("gross_total")?, row.sum("paid")?);
        Ok(Self {
            kind: row.get("kind")?,
            currency: row.get("currency")?,
            day: row.get("issue_date")?,
            count: row.get("count")?,
            net: row.sum("net_total")?,
            gross,
            paid,
            balance: gross - paid - row.sum("credited")? - row.sum("written_off")?,
            home: row.get::<Json<Option<HomeRate>>>("home")?.0,
        })
    }

    /// What its currency is worth; of what is not issued on this day.
    fn worth(&self, rates: &mut Rates, today: NaiveDate) -> Worth {
        let day = self.day.unwrap_or(today);
        worth(rates, self.currency, day, self.home.as_ref())
    }

    /// Counts for an invoice, and against for a credit note.
    fn signed(&self, amount: Decimal) -> Decimal {
        match self.kind {
            InvoiceKind::Invoice => amount,
            InvoiceKind::CreditNote => -amount,
        }
    }

    /// What an invoice leaves to be paid; a credit note leaves nothing of that kind.
    fn owed(&self) -> Decimal {
        match self.kind {
            InvoiceKind::Invoice => self.balance,
            InvoiceKind::CreditNote => Decimal::ZERO,
        }
    }
}

/// What a document's currency is worth: by the rate that was kept when it was issued, else by that of its day.
pub(crate) fn worth(
    rates: &mut Rates,
    currency: Currency,
    day: NaiveDate,
    home: Option<&HomeRate>,
) -> Worth {
    let base = rates.base();
    let kept = home.filter(|home| home.currency == base);
    match kept.and_then(|home| Some((home, home.decimal()?))) {
        Some((home, rate)) => rates.kept(Rate {
            currency,
            rate,
            day: home.day,
            source: home.source.clone(),
        }),
        None => rates.worth(currency, day),
    }
}

/// The order in which statuses are shown.
const STATUSES: [DisplayStatus; 7] = [
    DisplayStatus::Draft,
    DisplayStatus::Issued,
    DisplayStatus::PartlyPaid,
    DisplayStatus::Overdue,
    DisplayStatus::Paid,
    DisplayStatus::WrittenOff,
    DisplayStatus::Credited,
];

/// Invoices and credit notes in figures, as of today. Amounts in other currencies are converted at the rate of the day of issue,
/// those of drafts at today's.
///
/// # Errors
/// What the database says.
pub async fn invoice_stats(cx: &mut Cx, among: InvoiceFilter) -> Result<InvoiceStats> {
    let as_of = cx.today();
    let mut rates = cx.rates(among.after, as_of).await?;
    let base = rates.base();
    // In the order of the index that has all of it: nothing is sorted, and no invoice is read.
    let statement = sums(sql(
        "SELECT status, kind, currency, sort_due, issue_date, home, ",
    ));
    let rows = among
        .conditions(statement, cx)
        .sql(" GROUP BY status, kind, currency, sort_due, issue_date, home")
        .rows(cx.tx())
        .await?;
    let mut statuses: Vec<Tally<3>> = vec![Tally::default(); STATUSES.len()];
    let mut notes: Tally<3> = Tally::default();
    let mut totals: Tally<5> = Tally::default();
    let mut months: BTreeMap<(i32, u32), Tally<3>> = BTreeMap::new();
    let mut oldest_overdue: Option<NaiveDate> = None;
    for row in rows {
        let summed = Summed::of(&row)?;
        let (worth, count) = (summed.worth(&mut rates, as_of), summed.count);
        // Of what is not open it is the end of time.
        let due: NaiveDate = row.get("sort_due")?;
        let status = stands(row.get("status")?, due < as_of);
        match summed.kind {
            InvoiceKind::Invoice => {
                let place = STATUSES.iter().position(|known| *known == status);
                if let Some(tally) = place.and_then(|place| statuses.get_mut(place)) {
                    let open = match status {
                        DisplayStatus::Draft => Decimal::ZERO,
                        _ => summed.balance,
                    };
                    tally.add(worth, count, [summed.net, summed.gross, open])?;
                }
            }
            InvoiceKind::CreditNote if status != DisplayStatus::Draft => {
                notes.add(worth, count, [summed.net, summed.gross, summed.balance])?;
            }
            InvoiceKind::CreditNote => {}
        }
        if status == DisplayStatus::Draft {
            continue;
        }
        let overdue = match status {
            DisplayStatus::Overdue => summed.balance,
            _ => Decimal::ZERO,
        };
        if status == DisplayStatus::Overdue {
            oldest_overdue = Some(oldest_overdue.map_or(due, |oldest| oldest.min(due)));
        }
        let (net, gross) = (summed.signed(summed.net), summed.signed(summed.gross));
        let paid = summed.signed(summed.paid);
        totals.add(worth, count, [net, gross, paid, summed.owed(), overdue])?;
        let credited = match summed.kind {
            InvoiceKind::Invoice => Decimal::ZERO,
            InvoiceKind::CreditNote => summed.gross,
        };
        if let Some(day) = summed.day {
            let month = months.entry((day.year(), day.month())).or_default();
            month.add(worth, count, [net, gross, credited])?;
        }
    }
    let by_customer = customers(cx, among, &mut rates, as_of).await?;
    let customers = how_many(cx, among).await?;
    let by_status = STATUSES.into_iter().zip(&statuses);
    let months = months.into_iter().rev().take(MONTHS);
    Ok(InvoiceStats {
        as_of,
        by_status: by_status
            .filter(|(_, tally)| tally.count() > 0)
            .map(|(status, tally)| StatusFigures {
                status,
                figures: Figures::of(tally, base),
            })
            .collect(),
        credit_notes: Figures::of(&notes, base),
        totals: Totals::of(&totals, base),
        oldest_overdue,
        by_period: months
            .map(|((year, month), tally)| Period {
                month: format!("{year:04}-{month:02}"),
                figures: PeriodFigures::of(&tally, base),
            })
            .collect(),
        customers_by: if among.by_balance { "balance" } else { "net" },
        by_customer,
        customers,
        base_currency: base,
        rates: cx.rates_used(&rates),
        without_rate: rates.missing(),
    })
}

fn stands(status: InvoiceStatus, is_late: bool) -> DisplayStatus {
    match status {
        InvoiceStatus::Draft => DisplayStatus::Draft,
        InvoiceStatus::Issued | InvoiceStatus::PartlyPaid if is_late => DisplayStatus::Overdue,
        InvoiceStatus::Issued => DisplayStatus::Issued,
        InvoiceStatus::PartlyPaid => DisplayStatus::PartlyPaid,
        InvoiceStatus::Paid => DisplayStatus::Paid,
        InvoiceStatus::WrittenOff => DisplayStatus::WrittenOff,
        InvoiceStatus::Credited => DisplayStatus::Credited,
    }
}

/// The buyers with most, as the database reckons it: more of them than are shown, because its arithmetic rounds.
async fn foremost(cx: &mut Cx, among: InvoiceFilter, rates: &Rates) -> Result<Vec<Buyer>> {
    /// So many of them.
    const CANDIDATES: i64 = 50;
    let statement = sql(
        "SELECT company, CASE WHEN company IS NULL THEN contact END AS person,
         CASE WHEN company IS NULL AND contact IS NULL THEN customer END AS called, SUM(",
    );
    let statement = match among.by_balance {
        true => statement.sql(
            "CAST(gross_total - paid - credited - written_off AS DOUBLE PRECISION) * CASE kind WHEN 'credit_note' THEN 0 ELSE 1 END * ",
        ),
        false => statement.sql(
            "CAST(net_total AS DOUBLE PRECISION) * CASE kind WHEN 'credit_note' THEN -1 ELSE 1 END * ",
        ),
    };
    let statement = rates
        .weigh(cx, statement, "invoice", "issue_date")
        .sql(") AS weight");
    let rows = among
        .conditions(statement, cx)
        .sql(
            " AND status <> 'draft' GROUP BY company, person, called
              ORDER BY weight DESC, CASE WHEN company IS NULL THEN 0 ELSE 1 END, company, person, called LIMIT ",
        )
        .value(CANDIDATES)
        .rows(cx.tx())
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("company")?, row.get("person")?)))
        .collect()
}

/// The customers with most, in the workspace's currency.
async fn customers(
    cx: &mut Cx,
    among: InvoiceFilter,
    rates: &mut Rates,
    today: NaiveDate,
) -> Result<Vec<Customer>> {
    let buyers = foremost(cx, among, rates).await?;
    let statement = sums(sql(
        "SELECT company, CASE WHEN company IS NULL THEN contact END AS person,
         CASE WHEN company IS NULL AND contact IS NULL THEN customer END AS called, kind, currency, issue_date, home, ",
    ));
    let statement = among
        .conditions(statement, cx)
        .sql(" AND status <> 'draft'");
    let rows = of_buyers(statement, &buyers)
        .sql(" GROUP BY company, person, called, kind, currency, issue_date, home")
        .rows(cx.tx())
        .await?;
    // Who was erased is known by the name that stands in the documents.
    let mut tallies: BTreeMap<Ranked, (Buyer, Tally<2>)> = BTreeMap::new();
    for row in rows {
        let summed = Summed::of(&row)?;
        let (company, contact): Buyer = (row.get("company")?, row.get("person")?);
        let called: Option<String> = row.get("called")?;
        let key = (company.map(Id::raw), contact.map(Id::raw), called);
        let (_, tally) = tallies
            .entry(key)
            .or_insert_with(|| ((company, contact), Tally::default()));
        let amounts = [summed.signed(summed.net), summed.owed()];
        tally.add(summed.worth(rates, today), summed.count, amounts)?;
    }
    let mut ranked: Vec<(Decimal, Option<String>, Buyer, Tally<2>)> = tallies
        .into_iter()
        .map(|((.., called), (buyer, tally))| {
            let [net, balance] = tally.base();
            let by = if among.by_balance { balance } else { net };
            (by, called, buyer, tally)
        })
        .collect();
    // Those with as much as each other stay in the order in which they were added.
    ranked.sort_by_key(|(by, ..)| std::cmp::Reverse(*by));
    ranked.truncate(CUSTOMERS);
    let companies = cx
        .names(ranked.iter().filter_map(|(_, _, (company, _), _)| *company))
        .await?;
    let contacts = cx
        .names(ranked.iter().filter_map(|(_, _, (_, contact), _)| *contact))
        .await?;
    let customers = ranked.into_iter();
    let customers = customers.map(|(_, called, (company, contact), tally)| {
        let (id, name) = match (company, contact) {
            (Some(company), _) => (Some(company.to_string()), companies.of(company).name),
            (None, Some(contact)) => (Some(contact.to_string()), contacts.of(contact).name),
            (None, None) => (None, called),
        };
        Customer {
            id,
            name,
            figures: CustomerFigures::of(&tally, rates.base()),
        }
    });
    Ok(customers.collect())
}

/// A company, or a contact where there is none, or a name where there is neither.
type Ranked = (Option<i64>, Option<i64>, Option<String>);

/// How many customers there are.
async fn how_many(cx: &mut Cx, among: InvoiceFilter) -> Result<i64> {
    let statement = sql(
        "SELECT COUNT(*) AS count FROM (SELECT DISTINCT company, CASE WHEN company IS NULL THEN contact END AS person,
         CASE WHEN company IS NULL AND contact IS NULL THEN customer END AS called",
    );
    let rows = among
        .conditions(statement, cx)
        .sql(" AND status <> 'draft') AS customers")
        .rows(cx.tx())
        .await?;
    rows.first().map_or(Ok(0), |row| row.get("count"))
}
