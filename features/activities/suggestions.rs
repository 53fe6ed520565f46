//! What activities ask for, and where there are none.

use std::collections::HashMap;

use bureau_companies::{COMPANIES, Company};
use bureau_deals::{DEALS, Deal, Stage};
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Sql, sql};
use bureau_kernel::suggestion::{
    Finding, MOST, SuggestedCall, SuggestionRule, Wanted, days, days_since, impact_in,
    urgency_since,
};
use bureau_kernel::types::time::{DayEdge, Timestamp, day_edge};
use futures::FutureExt as _;
use serde_json::json;

use crate::ACTIVITIES;
use crate::activity::Activity;

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[
    SuggestionRule {
        name: "activities_due",
        about: "A planned activity is due today or was due before",
        reads: &[ACTIVITIES.read],
        find: |cx, wanted| due(cx, wanted).boxed(),
    },
    SuggestionRule {
        name: "silent_deals",
        about: "An open deal has nothing planned, and nothing was done on it for longer than its stage allows, or \
            for twice the median time that deals have stood in that stage",
        reads: &[DEALS.read, ACTIVITIES.read],
        find: |cx, wanted| silent_deals(cx, wanted).boxed(),
    },
    SuggestionRule {
        name: "silent_customers",
        about: "Nobody has called, written to or met a customer for 90 days, and nothing is planned",
        reads: &[COMPANIES.read, ACTIVITIES.read],
        find: |cx, wanted| silent_customers(cx, wanted).boxed(),
    },
];

async fn due(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let today = cx.today();
    let end = day_edge(today, cx.workspace().time_zone, DayEdge::End);
    let end = end.unwrap_or_else(|| cx.now());
    let only = |statement: Sql, _: &Cx| {
        statement
            .sql(" AND done_at IS NULL AND sort_due <= ")
            .value(end)
    };
    let activities = wanted.records::<Activity>(cx, "assignee", only, "sort_due");
    let activities = activities.await?;
    let findings = activities.into_iter().filter_map(|activity| {
        let due = activity.due_at?;
        let late = days_since(cx, due);
        let when = match late {
            _ if due > cx.now() => "It is due today.".to_owned(),
            0 => "It was due less than a day ago.".to_owned(),
            late => format!("It was due {} ago.", days(late)),
        };
        Some(Finding {
            subject: activity.id.into(),
            owner: activity.assignee,
            action: format!("Do: {}", activity.subject),
            reason: when,
            evidence: Vec::new(),
            impact: if activity.deal.is_some() { 60 } else { 40 },
            urgency: urgency_since(late),
            facts: due.to_string(),
            call: SuggestedCall::of("complete_activity", json!({ "activity": activity.id })),
        })
    });
    Ok(findings.collect())
}

/// Days without a word after which a deal is silent, where neither its stage nor other deals in it say.
const USUAL_DAYS: i64 = 30;
/// Open deals that a stage has at least for their median to say something.
const FEWEST: usize = 5;
/// Of a stage with more deals the median of these is taken, which have stood there longest.
const MOST_OF_A_STAGE: i64 = 1_000;

/// After how many days a deal in each stage is silent, with why.
async fn patience(cx: &mut Cx) -> Result<HashMap<Id<Stage>, (i64, &'static str)>> {
    let rows = sql("SELECT id, rotting_days").from_live::<Stage>(cx);
    let rows = rows.sql(" AND kind = 'open'").rows(cx.tx()).await?;
    let mut patience = HashMap::new();
    for row in rows {
        let (stage, rotting): (Id<Stage>, Option<i64>) = (row.get("id")?, row.get("rotting_days")?);
        let rule = match rotting {
            Some(days) => (days, "its stage allows"),
            None => match median_days(cx, stage).await? {
                Some(median) => ((2 * median).max(1), "is twice the median of its stage"),
                None => (USUAL_DAYS, "is usual"),
            },
        };
        patience.insert(stage, rule);
    }
    Ok(patience)
}

/// The median of the days that open deals have stood in a stage, of enough of them.
async fn median_days(cx: &mut Cx, stage: Id<Stage>) -> Result<Option<i64>> {
    let rows = sql("SELECT stage_since")
        .from_live::<Deal>(cx)
        .sql(" AND status = 'open' AND stage = ")
        .value(stage)
        .sql(" ORDER BY stage_since LIMIT ")
        .value(MOST_OF_A_STAGE)
        .rows(cx.tx())
        .await?;
    let since: Result<Vec<Timestamp>> = rows.iter().map(|row| row.get("stage_since")).collect();
    let since = since?;
    let middle = since.get(since.len() / 2).filter(|_| since.len() >= FEWEST);
    Ok(middle.map(|since| days_since(cx, *since)))
}

async fn silent_deals(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let today = cx.today();
    let mut rates = cx.rates(Some(today), today).await?;
    let mut findings = Vec::new();
    for (stage, (patience, why)) in patience(cx).await? {
        let Some(span) = chrono::Duration::try_days(patience) else {
            continue;
        };
        let since = cx.now() - span;
        let only = |statement: Sql, cx: &Cx| {
            statement
                .sql(" AND status = 'open' AND stage = ")
                .value(stage)
                .sql(" AND stage_since < ")
                .value(since)
                .sql(" AND created_at < ")
                .value(since)
                .sql(" AND id NOT IN (SELECT deal")
                .from_live::<Activity>(cx)
                .sql(" AND deal IS NOT NULL AND (done_at >= ")
                .value(since)
                .sql(" OR done_at IS NULL))")
        };
        for deal in wanted
            .records::<Deal>(cx, "owner", only, "stage_since")
            .await?
        {
            let last = last_done(cx, deal.id).await?;
            let silent = days_since(cx, last.unwrap_or(*deal.stage_since).max(*deal.stage_since));
            let said = match last {
                Some(_) => "Nothing was done on it",
                None => "Nothing was ever done on it, and it stands in its stage",
            };
            findings.push(Finding {
                subject: deal.id.into(),
                owner: deal.owner,
                action: format!("Get in touch about {}", deal.name),
                reason: format!(
                    "{said} for {}, and nothing is planned; {} {why}.",
                    days(silent),
                    days(patience)
                ),
                evidence: Vec::new(),
                impact: impact_in(cx, &mut rates, deal.amount, deal.currency)?,
                urgency: urgency_since(silent - patience),
                facts: format!(
                    "{stage} {}",
                    last.map(|last| last.to_string()).unwrap_or_default()
                ),
                call: SuggestedCall::of(
                    "create_activity",
                    json!({
                        "type": "call", "subject": "Get in touch", "deal": deal.id, "due_at": today,
                    }),
                ),
            });
        }
    }
    findings.sort_by_key(|finding| -finding.score());
    findings.truncate(MOST);
    Ok(findings)
}

/// When something was done on a deal for the last time.
async fn last_done(cx: &mut Cx, deal: Id<Deal>) -> Result<Option<Timestamp>> {
    sql("SELECT MAX(done_at) AS last")
        .from_live::<Activity>(cx)
        .sql(" AND deal = ")
        .value(deal)
        .one("last", cx.tx())
        .await
}

/// Days after which nobody has spoken with a customer for long.
const LONG: i64 = 90;

async fn silent_customers(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let Some(span) = chrono::Duration::try_days(LONG) else {
        return Ok(Vec::new());
    };
    let since = cx.now() - span;
    let only = |statement: Sql, cx: &Cx| {
        statement
            .sql(" AND created_at < ")
            .value(since)
            .sql(" AND id IN (SELECT record")
            .from_own(cx, "record_key")
            .sql(" AND entity = 'company' AND field = 'type' AND value = 'customer') AND id NOT IN (SELECT company")
            .from_live::<Activity>(cx)
            .sql(" AND company IS NOT NULL AND ((done_at >= ")
            .value(since)
            .sql(" AND type IN ('call', 'email', 'meeting')) OR done_at IS NULL))")
    };
    let companies = wanted.records::<Company>(cx, "owner", only, "created_at");
    let companies = companies.await?;
    let ids = companies.iter().map(|company| company.id.raw());
    let last = cx.last_touched::<Company>(ids).await?;
    let today = cx.today();
    let findings = companies.into_iter().map(|company| {
        let last = last.get(&company.id.raw()).copied();
        let silent = days_since(cx, last.unwrap_or(company.created_at));
        let reason = match last {
            Some(_) => format!("Nobody has called, written to or met this customer for {}.", days(silent)),
            None => format!("Nobody has ever called, written to or met this customer, who was added {} ago.", days(silent)),
        };
        Finding {
            subject: company.id.into(),
            owner: company.owner,
            action: format!("Get in touch with {}", company.name),
            reason,
            evidence: Vec::new(),
            impact: 45,
            // It is never late, and never soon enough.
            urgency: urgency_since((silent - LONG) / 7),
            facts: last.map(|last| last.to_string()).unwrap_or_default(),
            call: SuggestedCall::of("create_activity", json!({
                    "type": "call", "subject": "Get in touch", "company": company.id, "due_at": today,
                })),
        }
    });
    Ok(findings.collect())
}
