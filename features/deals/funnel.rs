//! The way of deals through the stages of a pipeline, from the change log: which came to which stage in a period, and how they left
//! it.
//!
//! Each coming to a stage is one entry, and each entry ends in one of four ways or not at all: the deal advanced (to a later open stage,
//! or it was won), it was lost (or turned out to be none), it moved back (to an earlier stage, or to another pipeline), or it is still
//! there. So of every stage entered = advanced + lost + moved back + still there. A move that was taken back is none.

use std::collections::BTreeMap;

use bureau_kernel::figures::Spans;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Data;
use bureau_kernel::store::log::{Action, Change};
use bureau_kernel::store::{Row, sql};
use bureau_kernel::types::time::Timestamp;
use serde_json::Map;

use crate::deal::{Deal, DealStatus};
use crate::measures::rotting_since;
use crate::stages::{Pipeline, Stage, StageKind, stages_of};

/// What came to a stage in a period, and what became of it by its end.
#[derive(Debug, Clone, Default)]
pub struct StageFlow {
    /// How often a deal came to it.
    pub entered: i64,
    /// How often one of these went on from it, or was won.
    pub advanced: i64,
    /// How often one of these was lost in it, or turned out to be none.
    pub lost: i64,
    /// How often one of these went to an earlier stage, or to another pipeline.
    pub moved_back: i64,
    /// How many of these are in it at the end of the period.
    pub still_there: i64,
    /// Days of the stays that ended in the period, whenever they began.
    pub days: Spans,
}

/// The way through the stages of a pipeline.
#[derive(Debug, Default)]
pub struct Funnel {
    /// Its open stages in their order.
    pub stages: Vec<(Saved<Stage>, StageFlow)>,
    /// Days from adding a deal until it left the stage in which it began, of those that did so in the period, by who looks after it.
    pub lead_times: BTreeMap<Option<Id<Member>>, Spans>,
}

/// Where a deal stands, as far as its way goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    stage: Id<Stage>,
    status: DealStatus,
}

impl Place {
    fn is_open(&self) -> bool {
        self.status == DealStatus::Open
    }
}

/// That a deal went from one place to another.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: Timestamp,
    /// Of which change it is the undo, if it is one.
    undoes: Option<Id<Change>>,
    /// None where it was added, or came back.
    from: Option<Place>,
    /// None where it was deleted.
    to: Option<Place>,
    /// Since when it was in the stage that it left.
    since: Timestamp,
}

/// A deal as it is now, and from the newest to the oldest step as it was before.
#[derive(Debug)]
struct Course {
    owner: Option<Id<Member>>,
    added: Timestamp,
    place: Place,
    since: Timestamp,
    steps: Vec<Step>,
}

/// Changes of deals that are looked through.
const MOST: i64 = 300_000;

/// The way through each stage of a pipeline, of the deals that are there now.
///
/// # Errors
/// [`Code::Validation`] naming `period` where more happened since its beginning than is looked through.
pub async fn funnel(
    cx: &mut Cx,
    pipeline: Id<Pipeline>,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    owner: Option<Id<Member>>,
) -> Result<Funnel> {
    let stages = stages_of(cx, pipeline).await?;
    let positions = positions(cx, pipeline).await?;
    let mut flows: BTreeMap<Id<Stage>, StageFlow> = BTreeMap::new();
    let mut lead_times: BTreeMap<Option<Id<Member>>, Spans> = BTreeMap::new();
    let zone = cx.workspace().time_zone;
    let days = |step: &Step| {
        let day = |moment: Timestamp| moment.with_timezone(&zone).date_naive();
        (day(step.at) - day(step.since)).num_days().max(0)
    };
    for course in courses(cx, from, owner).await?.into_values() {
        // What came after the period says nothing of it.
        let steps = course.steps.iter();
        let steps: Vec<&Step> = steps
            .filter(|step| to.is_none_or(|to| step.at <= to))
            .collect();
        let nexts = steps.iter().skip(1).map(|next| Some(next.to));
        for (step, next) in steps.iter().zip(nexts.chain([None])) {
            if let Some(left) = step.from.filter(Place::is_open)
                && positions.contains_key(&left.stage)
                && step.to.is_some()
            {
                flows.entry(left.stage).or_default().days.add(days(step));
                if step.since == course.added {
                    lead_times.entry(course.owner).or_default().add(days(step));
                }
            }
            let place = step.to.filter(Place::is_open);
            if let Some(place) = place
                && let Some(position) = positions.get(&place.stage)
            {
                let flow = flows.entry(place.stage).or_default();
                flow.entered += 1;
                *flow.fate(*position, next, &positions) += 1;
            }
        }
    }
    let open = stages.into_iter();
    let open = open.filter(|stage| stage.kind == StageKind::Open);
    let stages = open.map(|stage| {
        let flow = flows.remove(&stage.id).unwrap_or_default();
        (stage, flow)
    });
    Ok(Funnel {
        stages: stages.collect(),
        lead_times,
    })
}

impl StageFlow {
    /// What counts an entry into the stage of this position after which this came; nothing came while the deal is still there.
    fn fate(
        &mut self,
        position: i64,
        next: Option<Option<Place>>,
        positions: &BTreeMap<Id<Stage>, i64>,
    ) -> &mut i64 {
        match next {
            None => &mut self.still_there,
            // Deleted; where it stood when it came back is another entry.
            Some(None) => &mut self.moved_back,
            Some(Some(next)) => match next.status {
                DealStatus::Won => &mut self.advanced,
                DealStatus::Lost | DealStatus::Unqualified => &mut self.lost,
                DealStatus::Open => match positions.get(&next.stage) {
                    Some(other) if *other > position => &mut self.advanced,
                    _ => &mut self.moved_back,
                },
            },
        }
    }
}

/// The places of the open stages of a pipeline, with those that are there no more.
async fn positions(cx: &mut Cx, pipeline: Id<Pipeline>) -> Result<BTreeMap<Id<Stage>, i64>> {
    let rows = sql("SELECT id, position")
        .from_all::<Stage>(cx)
        .sql(" AND kind = 'open' AND pipeline = ")
        .value(pipeline)
        .rows(cx.tx())
        .await?;
    let each = rows.iter();
    each.map(|row| Ok((row.get("id")?, row.get("position")?)))
        .collect()
}

/// The steps of each deal that is there now and was changed since a moment, the oldest first.
async fn courses(
    cx: &mut Cx,
    since: Option<Timestamp>,
    owner: Option<Id<Member>>,
) -> Result<BTreeMap<Id<Deal>, Course>> {
    let mut statement = sql("SELECT record, call, undoes, action, at, before")
        .from_own(cx, "change_log")
        .sql(" AND entity = 'deal'");
    if let Some(since) = since {
        statement = statement.sql(" AND at >= ").value(since);
    }
    statement = statement
        .sql(" AND record IN (SELECT id")
        .from_live::<Deal>(cx);
    if let Some(owner) = owner {
        statement = statement.sql(" AND owner = ").value(owner);
    }
    let rows = statement
        .sql(") ORDER BY record, version DESC LIMIT ")
        .value(MOST + 1)
        .rows(cx.tx())
        .await?;
    if i64::try_from(rows.len()).is_ok_and(|found| found > MOST) {
        let message = format!("More than {MOST} changes were made to deals since it began.");
        return Err(Error::invalid("period", message).hint("Let the period begin later."));
    }
    let ids = rows.iter().map(|row| row.get("record"));
    let mut ids: Vec<Id<Deal>> = ids.collect::<Result<_>>()?;
    ids.dedup();
    let mut courses = stand_now(cx, &ids).await?;
    for row in &rows {
        if let Some(course) = courses.get_mut(&row.get::<Id<Deal>>("record")?) {
            course.take_back(row)?;
        }
    }
    for course in courses.values_mut() {
        course.steps.reverse();
    }
    Ok(courses)
}

/// Where deals stand now.
async fn stand_now(cx: &mut Cx, ids: &[Id<Deal>]) -> Result<BTreeMap<Id<Deal>, Course>> {
    let mut courses = BTreeMap::new();
    for piece in ids.chunks(1_000) {
        let rows = sql("SELECT id, owner, stage, status, stage_since, created_at")
            .from_live::<Deal>(cx)
            .sql(" AND id IN ")
            .ids(piece);
        for row in rows.rows(cx.tx()).await? {
            let course = Course {
                owner: row.get("owner")?,
                added: row.get("created_at")?,
                place: Place {
                    stage: row.get("stage")?,
                    status: row.get("status")?,
                },
                since: row.get("stage_since")?,
                steps: Vec::new(),
            };
            courses.insert(row.get("id")?, course);
        }
    }
    Ok(courses)
}

impl Course {
    /// Goes back before a change of the log.
    fn take_back(&mut self, row: &Row) -> Result<()> {
        let before: Option<String> = row.get("before")?;
        let before: Map<String, Data> = match before {
            Some(text) => serde_json::from_str(&text).map_err(Error::internal)?,
            None => Map::new(),
        };
        let action: Action = row.get("action")?;
        let was = Place {
            stage: field(&before, "stage")?.unwrap_or(self.place.stage),
            status: field(&before, "status")?.unwrap_or(self.place.status),
        };
        let was_there = !matches!(action, Action::Create | Action::Restore);
        let is_there = !matches!(action, Action::Archive | Action::Purge);
        let since = field(&before, "stage_since")?.unwrap_or(self.since);
        let step = Step {
            at: row.get("at")?,
            undoes: row.get("undoes")?,
            from: was_there.then_some(was),
            to: is_there.then_some(self.place),
            since,
        };
        (self.place, self.since) = (was, since);
        if step.from == step.to {
            return Ok(());
        }
        // Taken back before anything else came, a step and its undo are none.
        let call: Id<Change> = row.get("call")?;
        if self.steps.last().and_then(|later| later.undoes) == Some(call) {
            self.steps.pop();
        } else {
            self.steps.push(step);
        }
        Ok(())
    }
}

/// How many open deals of a pipeline stand in a stage for longer than it allows, by the stage.
///
/// # Errors
/// What the database says.
pub async fn stuck(
    cx: &mut Cx,
    pipeline: Id<Pipeline>,
    owner: Option<Id<Member>>,
) -> Result<BTreeMap<Id<Stage>, i64>> {
    let mut stuck = BTreeMap::new();
    for (stage, since) in rotting_since(cx).await? {
        let mut statement = sql("SELECT COUNT(*) AS count")
            .from_live::<Deal>(cx)
            .sql(" AND status = 'open' AND pipeline = ")
            .value(pipeline)
            .sql(" AND stage = ")
            .value(stage)
            .sql(" AND stage_since < ")
            .value(since);
        if let Some(owner) = owner {
            statement = statement.sql(" AND owner = ").value(owner);
        }
        stuck.insert(stage, statement.one::<i64>("count", cx.tx()).await?);
    }
    Ok(stuck)
}

/// A field of what the log has, where it is there.
fn field<T: serde::de::DeserializeOwned>(
    side: &Map<String, Data>,
    name: &str,
) -> Result<Option<T>> {
    let value = side.get(name).filter(|value| !value.is_null()).cloned();
    let value = value.map(serde_json::from_value);
    value.transpose().map_err(Error::internal)
}
