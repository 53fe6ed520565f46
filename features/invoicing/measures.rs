//! What invoicing can be asked for in figures.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_kernel::figures::Tally;
use bureau_kernel::measures::{
    Dimension, Evidence, Figure, Group, Measure, Period, Question, Rows, Source, Unit,
};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::Currency;
use chrono::NaiveDate;
use futures::FutureExt as _;
use rust_decimal::Decimal;

use crate::aging::{OpenFilter, open_on};
use crate::expense::Expense;
use crate::invoice::{HomeRate, Invoice, InvoiceKind};
use crate::payment::{Direction, Payment};
use crate::recurring_revenue::monthly;
use crate::stats::worth;

/// All of them.
pub(crate) const ALL: &[&Measure] = &[&EXPENSES, &ISSUED, &MRR, &OUTSTANDING, &PAID];

/// What was sold.
pub(crate) const ISSUED: Measure = Measure {
    id: "invoicing.issued",
    version: 1,
    unit: Unit::Money,
    basis: "Invoices issued in the period less credit notes, without tax, at the rate that each has kept",
    // The same as issue_date of all that is issued, and the one that has an index.
    period: Period::Day("sort_issued"),
    dimensions: CUSTOMERS,
    evidence: Some(
        Evidence::listed("list_invoices", ISSUED_STATUSES, "owner")
            .within("issued_after", "issued_before"),
    ),
    source: Source::Code(|cx, own, asked, rates| issued(cx, own, asked, rates).boxed()),
};

/// What recurs.
pub(crate) const MRR: Measure = Measure {
    id: "invoicing.mrr",
    basis: "Recurring invoices by what they come to in a month without tax, from their first to their last day, unless paused or ended",
    period: Period::Now,
    // Which plans go on is seen neither from their status nor from their days alone.
    evidence: None,
    source: Source::Code(|cx, own, asked, rates| mrr(cx, own, asked, rates).boxed()),
    ..ISSUED
};

/// What customers owe.
pub(crate) const OUTSTANDING: Measure = Measure {
    id: "invoicing.outstanding",
    basis: "What is open of invoices, with tax, at the rate that each has kept",
    period: Period::Now,
    evidence: Some(Evidence::listed(
        "list_invoices",
        &[("status", "open"), ("kind", "invoice")],
        "owner",
    )),
    source: Source::Code(|cx, own, asked, rates| outstanding(cx, own, asked, rates).boxed()),
    ..ISSUED
};

/// What came in.
pub(crate) const PAID: Measure = Measure {
    id: "invoicing.paid",
    basis: "Payments of the period less what was paid back or reversed in it, with tax, at the rate of each day",
    period: Period::Day("paid_on"),
    dimensions: &[CURRENCY, Dimension::word("method")],
    evidence: Some(
        Evidence::listed("list_payments", &[], "")
            .within("paid_after", "paid_before")
            .of_nobody(),
    ),
    source: Source::Code(|cx, own, asked, rates| paid(cx, own, asked, rates).boxed()),
    ..ISSUED
};

/// What was spent.
pub(crate) const EXPENSES: Measure = Measure {
    id: "invoicing.expenses",
    basis: "Expenses of the period that were not rejected, with tax, refunds subtracted, at the rate of each day",
    period: Period::Day("spent_on"),
    dimensions: &[
        Dimension::word("category").in_column("sort_category"),
        Dimension::word("vendor").not_listed(),
        Dimension::of::<Company>("company"),
        Dimension::of::<Member>("owner"),
        Dimension::word("status"),
        CURRENCY,
    ],
    evidence: Some(
        Evidence::listed(
            "list_expenses",
            &[
                ("status", "pending"),
                ("status", "approved"),
                ("status", "paid"),
            ],
            "owner",
        )
        .within("spent_after", "spent_before"),
    ),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status <> 'rejected'"),
        amount: Some("amount"),
        ..Rows::all::<Expense>("owner")
    }),
    ..ISSUED
};

const CURRENCY: Dimension = Dimension::word("currency");

const CUSTOMERS: &[Dimension] = &[
    Dimension::of::<Company>("company"),
    Dimension::of::<Member>("owner"),
    CURRENCY,
];

/// All but drafts.
const ISSUED_STATUSES: &[(&str, &str)] = &[
    ("status", "open"),
    ("status", "paid"),
    ("status", "written_off"),
    ("status", "credited"),
];

/// Groups of amounts by what they were asked for.
struct Groups(BTreeMap<Vec<Option<String>>, Tally<1>>);

impl Groups {
    fn new(asked: &Question) -> Self {
        let mut groups = BTreeMap::new();
        if asked.by.is_empty() {
            groups.insert(Vec::new(), Tally::default());
        }
        Self(groups)
    }

    fn of(&mut self, key: Vec<Option<String>>) -> &mut Tally<1> {
        self.0.entry(key).or_default()
    }

    fn answer(self) -> Vec<Group> {
        let groups = self.0.into_iter();
        let group = |(key, tally)| Group {
            key,
            figure: Figure::Money(tally),
        };
        groups.map(group).collect()
    }
}

async fn issued(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
    rates: &mut Rates,
) -> Result<Vec<Group>> {
    let rows = Rows::all::<Invoice>("owner");
    let by = own.by(asked)?;
    let mut statement = sql("SELECT ");
    for dimension in &by {
        statement = dimension.value(statement, rows.table).sql(", ");
    }
    statement = statement
        .sql("kind, currency, issue_date, home, COUNT(*) AS count, ")
        .sum("net_total");
    statement = rows
        .conditions(statement, cx, own, asked)?
        .sql(" AND status <> 'draft' GROUP BY kind, currency, issue_date, home");
    for dimension in &by {
        statement = statement.sql(", ").sql(dimension.name());
    }
    let mut groups = Groups::new(asked);
    for row in statement.rows(cx.tx()).await? {
        let key = by.iter().map(|dimension| dimension.key(&row));
        let net = row.sum("net_total")?;
        let net = match row.get("kind")? {
            InvoiceKind::Invoice => net,
            InvoiceKind::CreditNote => -net,
        };
        let (currency, day): (Currency, NaiveDate) = (row.get("currency")?, row.get("issue_date")?);
        let home: Json<Option<HomeRate>> = row.get("home")?;
        let worth = worth(rates, currency, day, home.as_ref());
        let tally = groups.of(key.collect::<Result<_>>()?);
        tally.add(worth, row.get("count")?, [net])?;
    }
    Ok(groups.answer())
}

async fn paid(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
    rates: &mut Rates,
) -> Result<Vec<Group>> {
    if asked.owner.is_some() {
        return Err(Error::internal("payments are nobody's"));
    }
    let rows = Rows::all::<Payment>("created_by");
    let by = own.by(asked)?;
    let mut statement = sql("SELECT ");
    for dimension in &by {
        statement = dimension.value(statement, rows.table).sql(", ");
    }
    statement = statement
        .sql("direction, payment.currency AS money, paid_on, COUNT(*) AS count, ")
        .sum("amount");
    statement = rows
        .conditions(statement, cx, own, asked)?
        .sql(" GROUP BY direction, payment.currency, paid_on");
    for dimension in &by {
        statement = statement.sql(", payment.").sql(dimension.name());
    }
    let mut groups = Groups::new(asked);
    for row in statement.rows(cx.tx()).await? {
        let key = by.iter().map(|dimension| dimension.key(&row));
        let amount: Decimal = row.sum("amount")?;
        let amount = match row.get("direction")? {
            Direction::In => amount,
            Direction::Out => -amount,
        };
        let worth = rates.worth(row.get("money")?, row.get("paid_on")?);
        let tally = groups.of(key.collect::<Result<_>>()?);
        tally.add(worth, row.get("count")?, [amount])?;
    }
    Ok(groups.answer())
}

async fn mrr(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
    rates: &mut Rates,
) -> Result<Vec<Group>> {
    let today = cx.today();
    let by = own.by(asked)?;
    let mut groups = Groups::new(asked);
    for plan in monthly(cx, today).await? {
        let value = |name: &str| match name {
            "company" => plan.company.map(|id| id.to_string()),
            "owner" => plan.owner.map(|id| id.to_string()),
            _ => Some(plan.currency.code().to_owned()),
        };
        let mut filters = asked.filters.iter();
        let is_asked = filters.all(|(name, asked)| value(name).as_ref() == Some(asked));
        if is_asked && (asked.owner.is_none() || asked.owner == plan.owner) {
            let key = by.iter().map(|dimension| value(dimension.name()));
            let worth = rates.worth(plan.currency, today);
            groups
                .of(key.collect())
                .add(worth, 1, [plan.monthly_net()])?;
        }
    }
    Ok(groups.answer())
}

async fn outstanding(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
    rates: &mut Rates,
) -> Result<Vec<Group>> {
    let mut among = OpenFilter {
        owner: asked.owner,
        ..OpenFilter::default()
    };
    for (name, value) in &asked.filters {
        match *name {
            "company" => among.company = Some(value.parse().map_err(Error::internal)?),
            "owner" => among.owner = Some(value.parse().map_err(Error::internal)?),
            "currency" => among.currency = Some(value.parse().map_err(Error::internal)?),
            _ => own.dimension(name).map(drop)?,
        }
    }
    let by = own.by(asked)?;
    let mut groups = Groups::new(asked);
    for one in open_on(cx, cx.today(), among, rates).await? {
        let key = by.iter().map(|dimension| match dimension.name() {
            "company" => one.company.map(|id| id.to_string()),
            "owner" => one.owner.map(|id| id.to_string()),
            _ => Some(one.currency.code().to_owned()),
        });
        groups.of(key.collect()).add(one.worth, 1, [one.balance])?;
    }
    Ok(groups.answer())
}
