//! `get_sales_forecast`

use bureau_deals::{
    DEALS, DealStatus, ExpectedDeals, ExpectedFilter, PLACE, Pipeline, Values, expected_on,
};
use bureau_kernel::figures::Tally;
use bureau_kernel::measures::{Figure, Question};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::types::money::Currency;
use bureau_kernel::types::period::{DateRange, Grain};
use chrono::{Datelike as _, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::report::{Call, TOO_FEW, call, rate};

/// Of which months, as of which day, and of whose deals.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetSalesForecast {
    /// Default this and the next 3 months
    period: Option<DateRange>,
    /// Past day whose forecast to judge
    as_of: Option<When>,
    pipeline: Option<Id<Pipeline>>,
    owner: Option<Id<Member>>,
}

/// Open deals by the month in which they are expected to be closed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SalesForecast {
    measure: &'static str,
    basis: &'static str,
    /// The day at whose end the deals were open.
    as_of: NaiveDate,
    from: NaiveDate,
    to: NaiveDate,
    /// Each month that the period touches.
    months: Vec<Expected>,
    /// Expected before these months.
    before: Expected,
    /// Expected after them.
    after: Expected,
    /// Without an expected day.
    undated: Expected,
    /// All of them together.
    total: Values,
    /// Of the year up to that day.
    win_rate: WinRate,
    /// What the figures named `base_…` are in, at the rates of that day: all that a rate is known for.
    base_currency: Currency,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rates: Vec<Rate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without_rate: Vec<Currency>,
}

/// What was expected, and what came.
#[derive(Debug, Serialize, JsonSchema)]
struct Expected {
    /// Such as 2026-11.
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<String>,
    /// How many deals.
    n: i64,
    expected: Values,
    /// The call that lists them; none of a day that has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Call>,
    /// What became of them since; nothing of today's.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Outcome>,
    /// What was won in the month so far, expected or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    won: Option<Won>,
}

/// What became of deals.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Outcome {
    won: i64,
    /// Lost, or no deals after all.
    lost: i64,
    open: i64,
}

/// What was won in a month.
#[derive(Debug, Serialize, JsonSchema)]
struct Won {
    n: i64,
    /// In the workspace's currency, at the rate of each day.
    base_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Call>,
}

/// How often deals were won.
#[derive(Debug, Serialize, JsonSchema)]
struct WinRate {
    from: NaiveDate,
    to: NaiveDate,
    won: i64,
    /// Of so many that were won or lost.
    n: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

impl Tool for GetSalesForecast {
    const SPEC: Spec = Spec::reads("get_sales_forecast", DEALS.read)
        .covers(PLACE)
        .title("Get sales forecast")
        .about("Open deals by expected month, weighted, and the win rate; judges past forecasts.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What will the partners bring in the first quarter of 2031?",
        before: &[
            Step {
                tool: "create_pipeline",
                arguments: r#"{"name": "Forecasted", "stages": [{"name": "Talk", "probability": 25}]}"#,
                keep: &[("pipeline", "/data/id")],
            },
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Coming", "pipeline": "{pipeline}", "amount": "1000", "currency": "EUR", "expected_close": "2031-02-14"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"pipeline": "{pipeline}", "period": "Q1 2031"}"#,
        expect: &[
            ("/data/months/1/month", r#""2031-02""#),
            ("/data/months/1/expected/values/0/amount", r#""1000.00""#),
            ("/data/months/1/expected/base_weighted", r#""250.00""#),
            ("/data/months/1/evidence/tool", r#""list_deals""#),
            ("/data/total/count", "1"),
        ],
    }];
    type Output = SalesForecast;

    async fn call(self, cx: &mut Cx) -> Result<SalesForecast> {
        let today = cx.today();
        let as_of = match &self.as_of {
            Some(when) => cx.date("as_of", when)?,
            None => today,
        };
        if as_of > today {
            let message = "as_of is a day that has passed, whose forecast is judged.";
            return Err(Error::invalid("as_of", message)
                .hint("For the months to come say period, such as next 6 months."));
        }
        let (from, to) = self.months(cx, as_of).await?;
        let mut rates = cx.rates(None, today).await?;
        let among = ExpectedFilter {
            pipeline: self.pipeline,
            owner: self.owner,
        };
        let deals = expected_on(cx, as_of, among).await?;
        let is_past = as_of < today;
        let in_range = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
            move |deal: &&ExpectedDeals| {
                deal.close.is_some_and(|close| {
                    from.is_none_or(|from| from <= close) && to.is_none_or(|to| close <= to)
                })
            }
        };
        let mut months = Vec::new();
        let parts = Grain::Month.parts(from, to, 60).ok_or_else(|| {
            Error::invalid("period", "The period has more than 60 months.")
                .hint("Take a shorter one.")
        })?;
        for (name, first, last) in parts {
            let own = deals.iter().filter(in_range(Some(first), Some(last)));
            let mut month = Expected::of(own, as_of, is_past, &mut rates)?;
            month.month = Some(name);
            month.evidence = self.evidence(cx, (Some(first), Some(last)), is_past)?;
            if first <= today {
                month.won = Some(self.won(cx, (first, last), &mut rates).await?);
            }
            months.push(month);
        }
        let (eve, morrow) = (from.pred_opt(), to.succ_opt());
        let own = deals.iter().filter(in_range(None, eve));
        let mut before = Expected::of(own, as_of, is_past, &mut rates)?;
        before.evidence = self.evidence(cx, (None, eve), is_past)?;
        let own = deals.iter().filter(in_range(morrow, None));
        let mut after = Expected::of(own, as_of, is_past, &mut rates)?;
        after.evidence = self.evidence(cx, (morrow, None), is_past)?;
        let own = deals.iter().filter(|deal| deal.close.is_none());
        let undated = Expected::of(own, as_of, is_past, &mut rates)?;
        let total = Expected::of(deals.iter(), as_of, is_past, &mut rates)?;
        let win_rate = self.win_rate(cx, as_of, &mut rates).await?;
        Ok(SalesForecast {
            measure: "deals.open_weighted@1",
            basis: "Open deals by their amount, and weighted by their probability or that of their stage",
            as_of,
            from,
            to,
            months,
            before,
            after,
            undated,
            total: total.expected,
            win_rate,
            base_currency: rates.base(),
            rates: cx.rates_used(&rates),
            without_rate: rates.missing(),
        })
    }
}

impl GetSalesForecast {
    /// The first and the last day of the months.
    async fn months(&self, cx: &mut Cx, as_of: NaiveDate) -> Result<(NaiveDate, NaiveDate)> {
        let bounds = match &self.period {
            Some(period) => cx.period("period", period).await?,
            None => (None, None),
        };
        let first = as_of.with_day(1).unwrap_or(as_of);
        let from = bounds.0.unwrap_or(first);
        let last = from.max(first).checked_add_months(Months::new(4));
        let last = last.and_then(|next| next.with_day(1)?.pred_opt());
        Ok((from, bounds.1.or(last).unwrap_or(from)))
    }

    /// The call that lists the deals that are expected within some days now.
    fn evidence(
        &self,
        cx: &Cx,
        (from, to): (Option<NaiveDate>, Option<NaiveDate>),
        is_past: bool,
    ) -> Result<Option<Call>> {
        if is_past {
            return Ok(None);
        }
        let mut arguments = Map::new();
        arguments.insert("status".into(), "open".into());
        let pipeline = self.pipeline.map(|id| id.to_string());
        let owner = self.owner.map(|id| id.to_string());
        let (from, to) = (
            from.map(|day| day.to_string()),
            to.map(|day| day.to_string()),
        );
        for (name, value) in [
            ("pipeline", pipeline),
            ("owner", owner),
            ("close_after", from),
            ("close_before", to),
        ] {
            arguments.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        call(cx, "list_deals", arguments)
    }

    fn question(&self, from: NaiveDate, to: NaiveDate) -> Question {
        let pipeline = self.pipeline.map(|id| ("pipeline", id.to_string()));
        Question {
            from: Some(from),
            to: Some(to),
            owner: self.owner,
            filters: pipeline.into_iter().collect(),
            by: Vec::new(),
        }
    }

    async fn won(
        &self,
        cx: &mut Cx,
        (from, to): (NaiveDate, NaiveDate),
        rates: &mut Rates,
    ) -> Result<Won> {
        let question = self.question(from, to);
        let won = cx.figure("deals.won", &question, rates).await?.money()?;
        let measure = bureau_kernel::registry::Registry::of(cx)?.measure("deals.won")?;
        let evidence = match measure.evidence(&question, &[]) {
            Some((tool, arguments)) => call(cx, tool, arguments)?,
            None => None,
        };
        let [sum] = won.base();
        Ok(Won {
            n: won.count(),
            base_amount: bureau_kernel::types::money::shown(sum, rates.base()),
            evidence,
        })
    }

    /// How often deals were won in the year up to a day.
    async fn win_rate(&self, cx: &mut Cx, to: NaiveDate, rates: &mut Rates) -> Result<WinRate> {
        let year = to.checked_sub_months(Months::new(12));
        let from = year.and_then(|day| day.succ_opt()).unwrap_or(to);
        let question = self.question(from, to);
        let Figure::Share { part, whole } = cx.figure("deals.win_rate", &question, rates).await?
        else {
            return Err(Error::internal("a win rate is a share"));
        };
        let percent = rate(part, whole);
        Ok(WinRate {
            from,
            to,
            won: part,
            n: whole,
            why: percent.is_none().then_some(TOO_FEW),
            percent,
        })
    }
}

impl Expected {
    fn of<'a>(
        deals: impl Iterator<Item = &'a ExpectedDeals>,
        day: NaiveDate,
        is_past: bool,
        rates: &mut Rates,
    ) -> Result<Self> {
        let mut tally = Tally::default();
        let mut since = Outcome::default();
        for deal in deals {
            let worth = rates.worth(deal.currency, day);
            tally.add(worth, deal.count, [deal.amount, deal.weighted])?;
            match deal.now {
                DealStatus::Won => since.won += deal.count,
                DealStatus::Lost | DealStatus::Unqualified => since.lost += deal.count,
                DealStatus::Open => since.open += deal.count,
            }
        }
        Ok(Self {
            month: None,
            n: tally.count(),
            expected: Values::of(&tally, rates.base()),
            evidence: None,
            since: is_past.then_some(since),
            won: None,
        })
    }
}
