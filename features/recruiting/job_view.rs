//! What is said of a job beside its columns: its openings, its stages, and who stands there.

use std::collections::BTreeMap;

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::application::Application;
use crate::openings::{Opening, OpeningStatus, openings_of};
use crate::stages::{JobStage, StageKind, stages_of};
use crate::vacancy::Vacancy;

/// How far the search has come.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Search {
    /// Openings for which somebody is sought.
    open_openings: i64,
    /// Openings for which somebody was found.
    filled_openings: i64,
    /// Applications of which nothing is decided, or the candidate has an offer.
    in_progress: i64,
    /// Its stages in order; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Vec<StageEntry>>,
    /// All openings; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    openings: Option<Vec<OpeningEntry>>,
}

/// A stage and how many stand in it.
#[derive(Debug, Serialize, JsonSchema)]
struct StageEntry {
    id: Id<JobStage>,
    name: ShortText<100>,
    kind: StageKind,
    candidates: i64,
}

/// An opening.
#[derive(Debug, Serialize, JsonSchema)]
struct OpeningEntry {
    id: Id<Opening>,
    number: i64,
    status: OpeningStatus,
    opened_on: NaiveDate,
    /// Who fills it.
    application: Option<Named<Application>>,
    filled_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    /// Why it was closed.
    reason: Option<ShortText<200>>,
}

impl Presented for Vacancy {
    type Extra = Search;
    const ROW: &'static [&'static str] = &["created_at"];

    async fn extras(cx: &mut Cx, jobs: &[Saved<Self>], is_row: bool) -> Result<Vec<Search>> {
        let ids: Vec<Id<Self>> = jobs.iter().map(|job| job.id).collect();
        let openings = counts::<Opening>(cx, "status", &ids).await?;
        let applications = counts::<Application>(cx, "status", &ids).await?;
        let mut all = Vec::with_capacity(jobs.len());
        for job in ids {
            let count = |counts: &Counts, status: &str| {
                let key = (job.raw(), status.to_owned());
                counts.get(&key).copied().unwrap_or_default()
            };
            let (stages, openings_in_full) = match is_row {
                true => (None, None),
                false => (
                    Some(stage_entries(cx, job).await?),
                    Some(opening_entries(cx, job).await?),
                ),
            };
            all.push(Search {
                open_openings: count(&openings, "open"),
                filled_openings: count(&openings, "filled"),
                in_progress: count(&applications, "in_progress") + count(&applications, "offer"),
                stages,
                openings: openings_in_full,
            });
        }
        Ok(all)
    }
}

/// How many there are of a job in a status.
type Counts = BTreeMap<(i64, String), i64>;

async fn counts<R: Record>(
    cx: &mut Cx,
    status: &'static str,
    jobs: &[Id<Vacancy>],
) -> Result<Counts> {
    let rows = sql("SELECT job, ")
        .sql(status)
        .sql(" AS status, COUNT(*) AS count")
        .from_live::<R>(cx)
        .sql(" AND job IN ")
        .ids(jobs)
        .sql(" GROUP BY job, ")
        .sql(status)
        .rows(cx.tx())
        .await?;
    let counts = rows
        .iter()
        .map(|row| Ok(((row.get("job")?, row.get("status")?), row.get("count")?)));
    counts.collect()
}

async fn stage_entries(cx: &mut Cx, job: Id<Vacancy>) -> Result<Vec<StageEntry>> {
    let rows = sql("SELECT stage, COUNT(*) AS count")
        .from_live::<Application>(cx)
        .sql(" AND job = ")
        .value(job)
        .sql(" GROUP BY stage")
        .rows(cx.tx())
        .await?;
    let counts = rows
        .iter()
        .map(|row| Ok((row.get("stage")?, row.get("count")?)));
    let counts: BTreeMap<i64, i64> = counts.collect::<Result<_>>()?;
    let stages = stages_of(cx, job).await?.into_iter();
    let entries = stages.map(|stage| StageEntry {
        id: stage.id,
        kind: stage.kind,
        candidates: counts.get(&stage.id.raw()).copied().unwrap_or_default(),
        name: stage.record.name,
    });
    Ok(entries.collect())
}

async fn opening_entries(cx: &mut Cx, job: Id<Vacancy>) -> Result<Vec<OpeningEntry>> {
    let openings = openings_of(cx, job).await?;
    let filling = openings.iter().filter_map(|opening| opening.application);
    let names = cx.names(filling.collect::<Vec<_>>()).await?;
    let entries = openings.into_iter().map(|opening| OpeningEntry {
        id: opening.id,
        number: opening.number.get(),
        status: opening.status,
        opened_on: opening.opened_on,
        application: opening.application.map(|id| names.of(id)),
        filled_on: opening.filled_on,
        closed_on: opening.closed_on,
        reason: opening.record.reason,
    });
    Ok(entries.collect())
}
