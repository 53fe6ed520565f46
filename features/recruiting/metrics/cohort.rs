//! Those who applied in a period, and the way that each took, from the moves.

use std::collections::{BTreeMap, HashMap, HashSet};

use bureau_kernel::figures::Spans;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;

use super::{OutcomeFigures, ReasonFigures, Scope, SourceFigures, Span, StageFigures, rate};
use crate::application::Application;
use crate::moves::Move;
use crate::reason::LeavingReason;
use crate::stages::{JobStage, StageKind};

/// Applications whose moves are read at once.
const PIECE: i64 = 1_000;

/// Those who applied in a period.
#[derive(Debug, Default)]
pub(super) struct Cohort {
    statuses: BTreeMap<StageKind, i64>,
    /// By the place on the way to a hire and the folded name.
    stages: BTreeMap<String, Tally>,
    /// By the folded source.
    sources: BTreeMap<Option<String>, Source>,
    reasons: BTreeMap<(StageKind, LeavingReason), i64>,
}

/// What is counted of stages of one name.
#[derive(Debug)]
struct Tally {
    name: String,
    kind: StageKind,
    /// The last place that it has in a job, by which they stand in order.
    position: i64,
    /// Who reached the stage that comes before it in their job, and of these who reached it too.
    came_near: i64,
    came_on: i64,
    reached: i64,
    skipped: i64,
    now: i64,
    rejected: i64,
    withdrawn: i64,
    days: Spans,
    days_so_far: Spans,
}

#[derive(Debug)]
struct Source {
    name: Option<String>,
    applications: i64,
    referred: i64,
    hired: i64,
}

/// A stage, as far as it counts here.
#[derive(Debug, Clone)]
struct Place {
    id: i64,
    key: String,
    name: String,
    kind: StageKind,
    position: i64,
}

/// The stages of all jobs: of each job those on the way to a hire, in order, and all by their numbers.
#[derive(Debug, Default)]
struct Places {
    ways: BTreeMap<i64, Vec<Place>>,
    all: HashMap<i64, Place>,
}

/// An application, as far as it counts here.
struct Applied {
    id: i64,
    job: i64,
    stage: i64,
    status: StageKind,
    left_stage: Option<i64>,
    reason: Option<LeavingReason>,
    source: Option<String>,
    is_referred: bool,
}

impl Cohort {
    /// Reads those whom the scope asks for, in pieces.
    pub(super) async fn read(cx: &mut Cx, scope: &Scope) -> Result<Self> {
        let places = Places::read(cx).await?;
        let mut cohort = Self::default();
        // A funnel has the stages of all jobs that are asked for, also where nobody came.
        for (job, way) in &places.ways {
            let is_asked = |jobs: &Vec<Id<_>>| jobs.iter().any(|id| id.raw() == *job);
            if scope.jobs.as_ref().is_some_and(is_asked) {
                way.iter().for_each(|place| {
                    cohort.tally(place);
                });
            }
        }
        let mut after = 0;
        loop {
            let piece = applied(cx, scope, after).await?;
            let (Some(first), Some(last)) = (piece.first(), piece.last()) else {
                return Ok(cohort);
            };
            let moves = moves(cx, first.id, last.id).await?;
            after = last.id;
            let nothing = Vec::new();
            for application in &piece {
                let moves = moves.get(&application.id).unwrap_or(&nothing);
                cohort.count_in(application, moves, &places, scope.today);
            }
        }
    }

    fn tally(&mut self, place: &Place) -> &mut Tally {
        let tally = self.stages.entry(place.key.clone());
        let tally = tally.or_insert_with(|| Tally {
            name: place.name.clone(),
            kind: place.kind,
            position: place.position,
            came_near: 0,
            came_on: 0,
            reached: 0,
            skipped: 0,
            now: 0,
            rejected: 0,
            withdrawn: 0,
            days: Spans::default(),
            days_so_far: Spans::default(),
        });
        tally.position = tally.position.max(place.position);
        tally
    }

    fn count_in(
        &mut self,
        application: &Applied,
        moves: &[(i64, NaiveDate)],
        places: &Places,
        today: NaiveDate,
    ) {
        *self.statuses.entry(application.status).or_default() += 1;
        let name = application.source.as_deref();
        let source = self
            .sources
            .entry(name.map(folded))
            .or_insert_with(|| Source {
                name: name.map(str::to_owned),
                applications: 0,
                referred: 0,
                hired: 0,
            });
        source.applications += 1;
        source.referred += i64::from(application.is_referred);
        source.hired += i64::from(application.status == StageKind::Hired);
        if let Some(reason) = application.reason {
            *self
                .reasons
                .entry((application.status, reason))
                .or_default() += 1;
        }
        let stood: HashSet<i64> = moves.iter().map(|(stage, _)| *stage).collect();
        let empty = Vec::new();
        let way = places.ways.get(&application.job).unwrap_or(&empty);
        let furthest = way.iter().filter(|place| stood.contains(&place.id));
        let furthest = furthest.map(|place| place.position).max();
        let mut came_near = false;
        for place in way {
            let tally = self.tally(place);
            let reached = furthest.is_some_and(|furthest| place.position <= furthest);
            tally.came_near += i64::from(came_near);
            tally.came_on += i64::from(came_near && reached);
            tally.reached += i64::from(reached);
            tally.skipped += i64::from(reached && !stood.contains(&place.id));
            came_near = reached;
            tally.now += i64::from(place.id == application.stage);
            if application.left_stage == Some(place.id) {
                match application.status {
                    StageKind::Rejected => tally.rejected += 1,
                    StageKind::Withdrawn => tally.withdrawn += 1,
                    StageKind::InProgress | StageKind::Offer | StageKind::Hired => {}
                }
            }
        }
        let next = moves.iter().skip(1).map(|(_, day)| Some(*day));
        for ((stage, began), ended) in moves.iter().zip(next.chain([None])) {
            // Whoever is hired or has left waits for nothing.
            let place = places.all.get(stage);
            let waits = |kind| matches!(kind, StageKind::InProgress | StageKind::Offer);
            let Some(place) = place.filter(|place| waits(place.kind)) else {
                continue;
            };
            let tally = self.tally(place);
            match ended {
                Some(ended) => tally.days.add((ended - *began).num_days()),
                None => tally.days_so_far.add((today - *began).num_days()),
            }
        }
    }

    /// How many they are.
    pub(super) fn count(&self) -> i64 {
        self.statuses.values().sum()
    }

    /// What they are now.
    pub(super) fn outcomes(&self) -> Vec<OutcomeFigures> {
        let statuses = self.statuses.iter();
        let figures = statuses.map(|(status, count)| OutcomeFigures {
            status: *status,
            count: *count,
        });
        figures.collect()
    }

    /// Where they came from.
    pub(super) fn sources(&self) -> Vec<SourceFigures> {
        let mut sources: Vec<&Source> = self.sources.values().collect();
        sources.sort_by_key(|source| -source.applications);
        let figures = sources.into_iter().map(|source| SourceFigures {
            source: source.name.clone(),
            applications: source.applications,
            referred: source.referred,
            hired: source.hired,
            hire_rate: rate(source.hired, source.applications),
        });
        figures.collect()
    }

    /// Why they left.
    pub(super) fn reasons(&self) -> Vec<ReasonFigures> {
        let reasons = self.reasons.iter();
        let mut figures: Vec<ReasonFigures> = reasons
            .map(|((status, reason), count)| ReasonFigures {
                status: *status,
                reason: *reason,
                count: *count,
            })
            .collect();
        figures.sort_by_key(|figures| -figures.count);
        figures
    }

    /// How far they came.
    pub(super) fn funnel(self) -> Vec<StageFigures> {
        let all = self.count();
        let mut stages: Vec<Tally> = self.stages.into_values().collect();
        stages.sort_by_key(|tally| (tally.kind == StageKind::Hired, tally.position));
        let figures = stages.into_iter().map(|tally| StageFigures {
            kind: tally.kind,
            reached: tally.reached,
            skipped: tally.skipped,
            share: rate(tally.reached, all),
            conversion: rate(tally.came_on, tally.came_near),
            now: tally.now,
            rejected: tally.rejected,
            withdrawn: tally.withdrawn,
            days: Span::of(&tally.days),
            days_so_far: Span::of(&tally.days_so_far),
            stage: tally.name,
        });
        figures.collect()
    }
}

impl Places {
    async fn read(cx: &mut Cx) -> Result<Self> {
        let rows = sql("SELECT id, job, name, kind, position")
            .from_live::<JobStage>(cx)
            .sql(" ORDER BY job, position")
            .rows(cx.tx())
            .await?;
        let mut places = Self::default();
        for row in rows {
            let name: String = row.get("name")?;
            let place = Place {
                id: row.get("id")?,
                key: folded(&name),
                kind: row.get("kind")?,
                position: row.get("position")?,
                name,
            };
            if !place.kind.is_exit() {
                let way = places.ways.entry(row.get("job")?).or_default();
                way.push(place.clone());
            }
            places.all.insert(place.id, place);
        }
        Ok(places)
    }
}

/// Those who applied, after one, in the order of their numbers.
async fn applied(cx: &mut Cx, scope: &Scope, after: i64) -> Result<Vec<Applied>> {
    let statement = sql("SELECT id, job, stage, status, left_stage, reason, source, referrer")
        .from_live::<Application>(cx)
        .sql(" AND id > ")
        .value(after);
    let rows = scope
        .push(statement, "applied_on")
        .sql(" ORDER BY id LIMIT ")
        .value(PIECE)
        .rows(cx.tx())
        .await?;
    let each = rows.iter().map(|row| {
        Ok(Applied {
            id: row.get("id")?,
            job: row.get("job")?,
            stage: row.get("stage")?,
            status: row.get("status")?,
            left_stage: row.get("left_stage")?,
            reason: row.get("reason")?,
            source: row.get("source")?,
            is_referred: row.get::<Option<i64>>("referrer")?.is_some(),
        })
    });
    each.collect()
}

/// The stages to which applications of these numbers came, and when, by their numbers.
async fn moves(cx: &mut Cx, first: i64, last: i64) -> Result<HashMap<i64, Vec<(i64, NaiveDate)>>> {
    let rows = sql("SELECT application, stage, moved_on")
        .from_live::<Move>(cx)
        .sql(" AND application >= ")
        .value(first)
        .sql(" AND application <= ")
        .value(last)
        .sql(" ORDER BY application, id")
        .rows(cx.tx())
        .await?;
    let mut moves: HashMap<i64, Vec<(i64, NaiveDate)>> = HashMap::new();
    for row in rows {
        let of = moves.entry(row.get("application")?).or_default();
        of.push((row.get("stage")?, row.get("moved_on")?));
    }
    Ok(moves)
}
