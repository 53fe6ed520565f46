//! Invoices in figures, summed up by the database.

use bureau_billing::{Buyer, of_buyers};
use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::store::{Row, Sql, sql};
use bureau_kernel::types::money::{Currency, Sum, shown};
use chrono::{Datelike as _, NaiveDate};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::invoice::{InvoiceKind, InvoiceStatus};
use crate::view::DisplayStatus;

/// Invoices and credit notes in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceStats {
    /// The day of the figures and of the rates.
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
    /// The ten customers with most.
    pub by_customer: Vec<Customer>,
    /// What the figures named `base_…` are in: all that a rate is known for.
    pub base_currency: Currency,
    /// The rates behind them.
    pub rates: Vec<Rate>,
    /// Currencies that no rate is known for.
    pub without_rate: Vec<Currency>,
}

/// How many documents, and what they come to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Figures {
    /// How many.
    pub count: i64,
    /// Per currency.
    pub values: Vec<Value>,
    /// Without tax.
    pub base_net: String,
    /// With tax.
    pub base_gross: String,
    /// What is open.
    pub base_balance: String,
}

/// What documents of one currency come to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Value {
    /// ISO 4217.
    pub currency: Currency,
    /// How many.
    pub count: i64,
    /// Without tax.
    pub net: String,
    /// With tax.
    pub gross: String,
    /// What is open.
    pub balance: String,
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

/// What was issued, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Totals {
    /// Per currency.
    pub values: Vec<Total>,
    /// Without tax, credit notes subtracted.
    pub base_net: String,
    /// With tax, credit notes subtracted.
    pub base_gross: String,
    /// What was paid, less what was paid back.
    pub base_paid: String,
    /// What customers owe.
    pub base_outstanding: String,
    /// What of it is overdue.
    pub base_overdue: String,
}

/// The same of one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Total {
    /// ISO 4217.
    pub currency: Currency,
    /// Without tax, credit notes subtracted.
    pub net: String,
    /// With tax, credit notes subtracted.
    pub gross: String,
    /// What was paid, less what was paid back.
    pub paid: String,
    /// What customers owe.
    pub outstanding: String,
    /// What of it is overdue.
    pub overdue: String,
}

/// What was issued in a month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Period {
    /// Such as 2026-11.
    pub month: String,
    /// Per currency.
    pub values: Vec<Issued>,
    /// Without tax, credit notes subtracted.
    pub base_net: String,
    /// With tax, credit notes subtracted.
    pub base_gross: String,
    /// The credit notes, with tax.
    pub base_credited: String,
}

/// The same of one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Issued {
    /// ISO 4217.
    pub currency: Currency,
    /// Without tax, credit notes subtracted.
    pub net: String,
    /// With tax, credit notes subtracted.
    pub gross: String,
    /// The credit notes, with tax.
    pub credited: String,
}

/// What was issued to a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer {
    /// The company, or the contact where there is none.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Per currency.
    pub values: Vec<Bought>,
    /// Without tax, credit notes subtracted.
    pub base_net: String,
    /// What it owes.
    pub base_balance: String,
}

/// The same of one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bought {
    /// ISO 4217.
    pub currency: Currency,
    /// Without tax, credit notes subtracted.
    pub net: String,
    /// What it owes.
    pub balance: String,
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
}

impl InvoiceFilter {
    /// Appends the conditions.
    fn conditions(self, statement: Sql, cx: &Cx) -> Sql {
        let mut statement = statement
            .sql(" FROM invoice WHERE archived_at IS NULL AND workspace = ")
            .value(cx.workspace().id);
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

/// A sum of a column that overflows on no engine, in two parts; see [`Sum::from_parts`].
macro_rules! sum {
    ($column:literal) => {
        concat!(
            "CAST(COALESCE(SUM(",
            $column,
            " / 1000000000), 0) AS BIGINT) AS ",
            $column,
            "_billions, CAST(COALESCE(SUM(",
            $column,
            " % 1000000000), 0) AS BIGINT) AS ",
            $column,
            "_rest"
        )
    };
}

/// The sums of what is grouped.
const SUMS: &str = concat!(
    "COUNT(*) AS count, ",
    sum!("net_total"),
    ", ",
    sum!("gross_total"),
    ", ",
    sum!("paid"),
    ", ",
    sum!("credited")
);

/// What the database sums up of documents of one kind and currency.
struct Summed {
    kind: InvoiceKind,
    currency: Currency,
    count: i64,
    net: Decimal,
    gross: Decimal,
    paid: Decimal,
    balance: Decimal,
}

impl Summed {
    fn of(row: &Row) -> Result<Self> {
        let sum = |billions: &str, rest: &str| -> Result<Decimal> {
            let sum = Sum::from_parts(row.get(billions)?, row.get(rest)?);
            sum.decimal()
                .ok_or_else(|| Error::internal("a sum of amounts beyond all bounds"))
        };
        let gross = sum("gross_total_billions", "gross_total_rest")?;
        let paid = sum("paid_billions", "paid_rest")?;
        Ok(Self {
            kind: row.get("kind")?,
            currency: row.get("currency")?,
            count: row.get("count")?,
            net: sum("net_total_billions", "net_total_rest")?,
            gross,
            paid,
            balance: gross - paid - sum("credited_billions", "credited_rest")?,
        })
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

/// So many sums side by side, per currency.
#[derive(Debug, Clone)]
struct Tally<const N: usize> {
    currencies: BTreeMap<&'static str, (Currency, i64, [Decimal; N])>,
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self {
            currencies: BTreeMap::new(),
        }
    }
}

impl<const N: usize> Tally<N> {
    fn add(&mut self, currency: Currency, count: i64, amounts: [Decimal; N]) {
        let entry =
            self.currencies
                .entry(currency.code())
                .or_insert((currency, 0, [Decimal::ZERO; N]));
        entry.1 += count;
        for (sum, amount) in entry.2.iter_mut().zip(amounts) {
            *sum = sum.saturating_add(amount);
        }
    }

    fn count(&self) -> i64 {
        self.currencies.values().map(|(_, count, _)| count).sum()
    }

    /// The sums in the workspace's currency, as far as rates are known.
    fn base(&self, rates: &Rates) -> [Decimal; N] {
        let mut all = [Decimal::ZERO; N];
        for (currency, _, amounts) in self.currencies.values() {
            for (sum, amount) in all.iter_mut().zip(amounts) {
                let known = rates.in_base(*amount, *currency).unwrap_or_default();
                *sum = sum.saturating_add(known);
            }
        }
        all
    }

    fn base_shown(&self, rates: &Rates) -> [String; N] {
        self.base(rates).map(|sum| shown(sum, rates.base()))
    }

    fn values<V>(&self, value: impl Fn(Currency, i64, [String; N]) -> V) -> Vec<V> {
        let entries = self.currencies.values();
        entries
            .map(|(currency, count, amounts)| {
                value(
                    *currency,
                    *count,
                    amounts.map(|amount| shown(amount, *currency)),
                )
            })
            .collect()
    }
}

impl Tally<3> {
    fn figures(&self, rates: &Rates) -> Figures {
        let [base_net, base_gross, base_balance] = self.base_shown(rates);
        Figures {
            count: self.count(),
            values: self.values(|currency, count, [net, gross, balance]| Value {
                currency,
                count,
                net,
                gross,
                balance,
            }),
            base_net,
            base_gross,
            base_balance,
        }
    }
}

/// The order in which statuses are shown.
const STATUSES: [DisplayStatus; 6] = [
    DisplayStatus::Draft,
    DisplayStatus::Issued,
    DisplayStatus::PartlyPaid,
    DisplayStatus::Overdue,
    DisplayStatus::Paid,
    DisplayStatus::Credited,
];

/// Invoices and credit notes in figures, as of today. Amounts in other currencies are converted at today's rates.
///
/// # Errors
/// What the database says.
pub async fn invoice_stats(cx: &mut Cx, among: InvoiceFilter) -> Result<InvoiceStats> {
    let as_of = cx.today();
    let rates = cx.rates(as_of).await?;
    // In the order of the index that has all of it: nothing is sorted, and no invoice is read.
    let statement = sql("SELECT status, kind, currency, sort_due, issue_date, ").sql(SUMS);
    let rows = among
        .conditions(statement, cx)
        .sql(" GROUP BY status, kind, currency, sort_due, issue_date")
        .rows(cx.tx())
        .await?;
    let mut statuses: Vec<Tally<3>> = vec![Tally::default(); STATUSES.len()];
    let mut notes: Tally<3> = Tally::default();
    let mut totals: Tally<5> = Tally::default();
    let mut months: BTreeMap<(i32, u32), Tally<3>> = BTreeMap::new();
    let mut currencies: BTreeMap<&'static str, Currency> = BTreeMap::new();
    let mut oldest_overdue: Option<NaiveDate> = None;
    for row in rows {
        let summed = Summed::of(&row)?;
        let Summed {
            currency, count, ..
        } = summed;
        currencies.insert(currency.code(), currency);
        // Of what is not open it is the end of time.
        let due: NaiveDate = row.get("sort_due")?;
        let status = stands(row.get("status")?, due < as_of);
        let figures = [summed.net, summed.gross, summed.balance];
        match summed.kind {
            InvoiceKind::Invoice => {
                let place = STATUSES.iter().position(|known| *known == status);
                if let Some(tally) = place.and_then(|place| statuses.get_mut(place)) {
                    let open = match status {
                        DisplayStatus::Draft => Decimal::ZERO,
                        _ => summed.balance,
                    };
                    tally.add(currency, count, [summed.net, summed.gross, open]);
                }
            }
            InvoiceKind::CreditNote if status != DisplayStatus::Draft => {
                notes.add(currency, count, figures);
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
        totals.add(currency, count, [net, gross, paid, summed.owed(), overdue]);
        let credited = match summed.kind {
            InvoiceKind::Invoice => Decimal::ZERO,
            InvoiceKind::CreditNote => summed.gross,
        };
        if let Some(day) = row.get::<Option<NaiveDate>>("issue_date")? {
            let month = months.entry((day.year(), day.month())).or_default();
            month.add(currency, count, [net, gross, credited]);
        }
    }
    let by_customer = customers(cx, among, &rates, currencies.values().copied()).await?;
    let by_status = STATUSES.into_iter().zip(&statuses);
    let foreign = || {
        let all = currencies.values().copied();
        all.filter(|currency| *currency != rates.base())
    };
    Ok(InvoiceStats {
        as_of,
        by_status: by_status
            .filter(|(_, tally)| tally.count() > 0)
            .map(|(status, tally)| StatusFigures {
                status,
                figures: tally.figures(&rates),
            })
            .collect(),
        credit_notes: notes.figures(&rates),
        totals: shown_totals(&totals, &rates),
        oldest_overdue,
        by_period: months
            .into_iter()
            .rev()
            .take(MONTHS)
            .map(|((year, month), tally)| period(year, month, &tally, &rates))
            .collect(),
        by_customer,
        base_currency: rates.base(),
        rates: foreign()
            .filter_map(|currency| rates.rate(currency).cloned())
            .collect(),
        without_rate: foreign()
            .filter(|currency| rates.rate(*currency).is_none())
            .collect(),
    })
}

fn stands(status: InvoiceStatus, is_late: bool) -> DisplayStatus {
    match status {
        InvoiceStatus::Draft => DisplayStatus::Draft,
        InvoiceStatus::Issued | InvoiceStatus::PartlyPaid if is_late => DisplayStatus::Overdue,
        InvoiceStatus::Issued => DisplayStatus::Issued,
        InvoiceStatus::PartlyPaid => DisplayStatus::PartlyPaid,
        InvoiceStatus::Paid => DisplayStatus::Paid,
        InvoiceStatus::Credited => DisplayStatus::Credited,
    }
}

fn shown_totals(tally: &Tally<5>, rates: &Rates) -> Totals {
    let [
        base_net,
        base_gross,
        base_paid,
        base_outstanding,
        base_overdue,
    ] = tally.base_shown(rates);
    Totals {
        values: tally.values(
            |currency, _, [net, gross, paid, outstanding, overdue]| Total {
                currency,
                net,
                gross,
                paid,
                outstanding,
                overdue,
            },
        ),
        base_net,
        base_gross,
        base_paid,
        base_outstanding,
        base_overdue,
    }
}

fn period(year: i32, month: u32, tally: &Tally<3>, rates: &Rates) -> Period {
    let [base_net, base_gross, base_credited] = tally.base_shown(rates);
    Period {
        month: format!("{year:04}-{month:02}"),
        values: tally.values(|currency, _, [net, gross, credited]| Issued {
            currency,
            net,
            gross,
            credited,
        }),
        base_net,
        base_gross,
        base_credited,
    }
}

/// The buyers with most, as the database reckons it: more of them than are shown, because its arithmetic rounds.
async fn foremost(
    cx: &mut Cx,
    among: InvoiceFilter,
    rates: &Rates,
    currencies: impl Iterator<Item = Currency>,
) -> Result<Vec<Buyer>> {
    /// So many of them.
    const CANDIDATES: i64 = 50;
    let statement = sql(
        "SELECT company, CASE WHEN company IS NULL THEN contact END AS person,
         SUM(CAST(net_total AS DOUBLE PRECISION) * CASE kind WHEN 'credit_note' THEN -1 ELSE 1 END * ",
    );
    let statement = rates.weigh(statement, currencies).sql(") AS weight");
    let rows = among
        .conditions(statement, cx)
        .sql(
            " AND status <> 'draft' GROUP BY company, person
              ORDER BY weight DESC, CASE WHEN company IS NULL THEN 0 ELSE 1 END, company, person LIMIT ",
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
    rates: &Rates,
    currencies: impl Iterator<Item = Currency>,
) -> Result<Vec<Customer>> {
    let buyers = foremost(cx, among, rates, currencies).await?;
    let statement = sql(
        "SELECT company, CASE WHEN company IS NULL THEN contact END AS person, kind, currency, ",
    )
    .sql(SUMS);
    let statement = among
        .conditions(statement, cx)
        .sql(" AND status <> 'draft'");
    let rows = of_buyers(statement, &buyers)
        .sql(" GROUP BY company, person, kind, currency")
        .rows(cx.tx())
        .await?;
    let mut tallies: BTreeMap<(Option<i64>, Option<i64>), (Buyer, Tally<2>)> = BTreeMap::new();
    for row in rows {
        let summed = Summed::of(&row)?;
        let (company, contact): Buyer = (row.get("company")?, row.get("person")?);
        let key = (company.map(Id::raw), contact.map(Id::raw));
        let (_, tally) = tallies
            .entry(key)
            .or_insert_with(|| ((company, contact), Tally::default()));
        let amounts = [summed.signed(summed.net), summed.owed()];
        tally.add(summed.currency, summed.count, amounts);
    }
    let mut ranked: Vec<(Decimal, Buyer, Tally<2>)> = tallies
        .into_values()
        .map(|(buyer, tally)| {
            let [net, _] = tally.base(rates);
            (net, buyer, tally)
        })
        .collect();
    // Those with as much as each other stay in the order in which they were added.
    ranked.sort_by_key(|(net, ..)| std::cmp::Reverse(*net));
    ranked.truncate(CUSTOMERS);
    let companies = cx
        .names(ranked.iter().filter_map(|(_, (company, _), _)| *company))
        .await?;
    let contacts = cx
        .names(ranked.iter().filter_map(|(_, (_, contact), _)| *contact))
        .await?;
    let customer = |(_, (company, contact), tally): (Decimal, Buyer, Tally<2>)| {
        let (id, name) = match (company, contact) {
            (Some(company), _) => (company.to_string(), companies.of(company).name),
            (None, Some(contact)) => (contact.to_string(), contacts.of(contact).name),
            (None, None) => (String::new(), None),
        };
        let [base_net, base_balance] = tally.base_shown(rates);
        Customer {
            id,
            name,
            values: tally.values(|currency, _, [net, balance]| Bought {
                currency,
                net,
                balance,
            }),
            base_net,
            base_balance,
        }
    };
    Ok(ranked.into_iter().map(customer).collect())
}
