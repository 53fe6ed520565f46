//! When the tasks of a project lie: putting off those whose dates are automatic, and the critical path.

use std::collections::HashMap;

use bureau_kernel::business_calendar::work_days;
use bureau_kernel::calendar::WorkDays;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::column::TaskStatus;
use crate::dependency::DependencyType;
use crate::network::{Days, Network, Node, Wait};
use crate::project::Project;
use crate::task::{DateMode, Task};

/// The live tasks of a project and what they wait for, as far as their days go.
pub(crate) struct Board {
    items: Vec<Item>,
    waits: Vec<Wait>,
    days: WorkDays,
    /// The present day, by its ordinal.
    today: i64,
}

/// A task, as far as its days go.
#[derive(Debug, Clone)]
struct Item {
    id: Id<Task>,
    code: Option<String>,
    title: String,
    parent: Option<usize>,
    status: TaskStatus,
    dates: DateMode,
    milestone: bool,
    start_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    completed_on: Option<NaiveDate>,
    /// How many days it takes, where its dates do not say it.
    length: i64,
}

/// Units of an estimate in a working day: eight hours.
const DAY: i64 = 8 * 10_000;

impl Board {
    /// Those of a project, whose board is held where something follows from it.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn of(cx: &mut Cx, project: Id<Project>) -> Result<Self> {
        let days = work_days(cx).await?;
        let zone = cx.workspace().time_zone;
        let rows = sql("SELECT id, code, title, parent, status, dates, milestone, start_on, due_on, completed_at, estimate")
            .from_live::<Task>(cx)
            .sql(" AND project = ")
            .value(project)
            .sql(" ORDER BY number, id")
            .rows(cx.tx())
            .await?;
        let mut places: HashMap<Id<Task>, usize> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            places.insert(row.get("id")?, place);
        }
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            let parent: Option<Id<Task>> = row.get("parent")?;
            let completed: Option<Timestamp> = row.get("completed_at")?;
            let estimate: Option<Amount> = row.get("estimate")?;
            let milestone = row.get("milestone")?;
            let hours = estimate.map_or(0, Amount::raw);
            let length = match milestone {
                true => 0,
                false => ((hours + DAY - 1) / DAY).max(1),
            };
            items.push(Item {
                id: row.get("id")?,
                code: row.get("code")?,
                title: row.get("title")?,
                parent: parent.and_then(|parent| places.get(&parent).copied()),
                status: row.get("status")?,
                dates: row.get("dates")?,
                milestone,
                start_on: row.get("start_on")?,
                due_on: row.get("due_on")?,
                completed_on: completed.map(|at| at.with_timezone(&zone).date_naive()),
                length,
            });
        }
        let rows = sql("SELECT task, predecessor, kind, lag_days")
            .from_live::<crate::dependency::TaskDependency>(cx)
            .sql(" AND project = ")
            .value(project)
            .sql(" ORDER BY id")
            .rows(cx.tx())
            .await?;
        let mut waits = Vec::with_capacity(rows.len());
        for row in rows {
            let (task, predecessor): (Id<Task>, Id<Task>) =
                (row.get("task")?, row.get("predecessor")?);
            let Some((task, predecessor)) = places.get(&task).zip(places.get(&predecessor)) else {
                continue;
            };
            let lag: BoundedInt<-1000, 1000> = row.get("lag_days")?;
            waits.push(Wait {
                predecessor: *predecessor,
                task: *task,
                kind: row.get::<DependencyType>("kind")?,
                lag: lag.get(),
            });
        }
        let today = days.ordinal(cx.today()).unwrap_or_default();
        Ok(Self {
            items,
            waits,
            days,
            today,
        })
    }

    /// The network of its tasks, each with its days unless something else is said of them; the names of some that wait for each
    /// other where there are such.
    fn network(
        &self,
        other: impl Fn(&Self, &Item) -> Option<Node>,
    ) -> Result<Network, Vec<String>> {
        let nodes = self.items.iter();
        let nodes = nodes.map(|item| other(self, item).unwrap_or_else(|| self.node(item)));
        let network = Network::new(nodes.collect(), self.waits.clone());
        network.map_err(|circle| {
            let tasks = circle.into_iter().filter_map(|at| self.items.get(at));
            tasks.map(Item::name).collect()
        })
    }

    /// The names of tasks that wait for each other, where there are such.
    pub(crate) fn circle(&self) -> Option<Vec<String>> {
        self.network(|_, _| None).err()
    }

    /// A task as it stands: only one whose dates are automatic may be put off.
    fn node(&self, item: &Item) -> Node {
        let begin = |day: NaiveDate| self.days.ordinal(day);
        let end = |day: NaiveDate| self.days.ordinal(day.succ_opt().unwrap_or(day));
        let due = match item.status {
            TaskStatus::Completed => item.completed_on.or(item.due_on),
            _ => item.due_on,
        };
        let ends = due.and_then(end);
        let starts = match item.milestone {
            true => ends,
            false => item.start_on.and_then(begin),
        };
        let days = match (item.status, item.dates) {
            (TaskStatus::Cancelled, _) => Days::Gone,
            (TaskStatus::Completed, _) | (_, DateMode::Manual) => Days::Fixed,
            (_, DateMode::Automatic) => Days::Movable,
        };
        Node {
            parent: item.parent,
            start: starts,
            end: ends,
            // What is done today lets others begin today.
            released: item.completed_on.and_then(begin),
            length: item.length,
            days,
        }
    }

    /// A task as it will be: what is to be done may be put off, and is not done in the past.
    fn coming(&self, item: &Item) -> Node {
        let mut node = self.node(item);
        if !item.status.is_open() {
            return node;
        }
        node.days = Days::Movable;
        let length = match (node.start, node.end) {
            (Some(start), Some(end)) if !item.milestone => (end - start).max(1),
            _ => node.length,
        };
        let end = node.end.map(|end| end - length);
        let start = node.start.or(end);
        match item.status {
            TaskStatus::Started => {
                // It has begun: nothing keeps it, and it does not end before today does.
                let start = start.unwrap_or(self.today).min(self.today);
                let end = node.end.unwrap_or(start + length).max(self.today + 1);
                node.days = Days::Fixed;
                (node.start, node.end) = (Some(start), Some(end));
            }
            _ => {
                let start = start.map(|start| start.max(self.today));
                node.start = start;
                node.end = start.map(|start| start + length);
            }
        }
        node.length = length;
        node
    }

    fn day(&self, ordinal: i64) -> Result<NaiveDate> {
        let beyond = || {
            let message = "By its dependencies a task would lie beyond the year 9999.";
            Error::invalid("depends_on", message).hint("Give less lag_days, or a shorter estimate.")
        };
        self.days.day(ordinal).ok_or_else(beyond)
    }

    /// The first and the last day of what lies between two boundaries.
    fn first_and_last(&self, start: i64, end: i64) -> Result<(NaiveDate, NaiveDate)> {
        let last = self.day(end - 1)?;
        match end > start {
            true => Ok((self.day(start)?, last)),
            false => Ok((last, last)),
        }
    }
}

impl Item {
    /// What people call it.
    fn name(&self) -> String {
        match &self.code {
            Some(code) => format!("{code} {:?}", self.title),
            None => format!("{:?}", self.title),
        }
    }
}

/// Puts off the open tasks of a project whose dates are automatic, as far as what they wait for makes them wait; and those with
/// parts lie where the parts lie. Nothing is brought forward.
///
/// # Errors
/// What the database says; [`Code::Validation`] for days beyond the year 9999.
pub(crate) async fn put_off(cx: &mut Cx, project: Id<Project>) -> Result<()> {
    let board = Board::of(cx, project).await?;
    let is_automatic = |item: &&Item| item.dates == DateMode::Automatic && item.status.is_open();
    if !board.items.iter().any(|item| is_automatic(&item)) {
        return Ok(());
    }
    // A circle is refused where it is made.
    let Ok(network) = board.network(|_, _| None) else {
        return Ok(());
    };
    let spans = network.earliest(None);
    for (at, (item, span)) in board.items.iter().zip(spans).enumerate() {
        let node = network.nodes().get(at);
        let is_as_it_was = node.is_some_and(|node| (node.start, node.end) == span);
        if !is_automatic(&item) || is_as_it_was {
            continue;
        }
        let (Some(start), Some(end)) = span else {
            continue;
        };
        let (first, last) = board.first_and_last(start, end)?;
        let first = Some(first).filter(|_| !item.milestone);
        if (item.start_on, item.due_on) != (first, Some(last)) {
            let mut edit = cx.edit(item.id).await?;
            edit.start_on = first;
            edit.due_on = Some(last);
            edit.save(cx).await?;
        }
    }
    Ok(())
}

/// When a project can end at the earliest, and on what that depends.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Schedule {
    /// When the last of its open tasks can end; none where nothing is open.
    ends_on: Option<NaiveDate>,
    /// How many working days that is after the project is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_days: Option<i64>,
    /// The open tasks without time to spare, in their order: where one takes longer, the project does.
    critical_path: Vec<Scheduled>,
    /// The other open tasks, those with the least time to spare first.
    others: Vec<Scheduled>,
    /// How many more there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

/// When a task can lie at the earliest.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Scheduled {
    task: Named<Task>,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    /// Working days by which it may end later without the project ending later.
    slack_days: i64,
    /// Working days by which it ends after it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_days: Option<i64>,
}

/// So many tasks are shown beside the critical path.
const SHOWN: usize = 100;

/// When a project can end, and its critical path.
///
/// # Errors
/// [`Code::Forbidden`] for a caller who may not read tasks; what the database says.
pub(crate) async fn schedule(cx: &mut Cx, project: &Saved<Project>) -> Result<Schedule> {
    cx.demand::<Task>(Operation::Read)?;
    let board = Board::of(cx, project.id).await?;
    let network = board
        .network(|board, item| Some(board.coming(item)))
        .map_err(|circle| {
            let message = format!("Tasks wait for each other: {}.", circle.join(", "));
            Error::conflict(message)
        })?;
    let begins = project.start_on.and_then(|day| board.days.ordinal(day));
    let earliest = network.earliest(begins.max(Some(board.today)));
    let is_counted = |at: usize, item: &Item| item.status.is_open() && !network.has_parts(at);
    let counted = || {
        let items = board.items.iter().zip(&earliest).enumerate();
        items.filter(|(at, (item, _))| is_counted(*at, item))
    };
    let last = counted().filter_map(|(_, (_, span))| span.1).max();
    let Some(last) = last else {
        return Ok(Schedule {
            ends_on: None,
            late_days: None,
            critical_path: Vec::new(),
            others: Vec::new(),
            more: None,
        });
    };
    let latest = network.latest(&earliest, last);
    let late = |due: Option<NaiveDate>, end: i64| {
        let due = due.and_then(|due| board.days.ordinal(due.succ_opt().unwrap_or(due)))?;
        Some(end - due).filter(|late| *late > 0)
    };
    let names = counted().map(|(_, (item, _))| item.id);
    let names = cx.names(names.collect::<Vec<_>>()).await?;
    let (mut critical_path, mut others) = (Vec::new(), Vec::new());
    for (at, (item, span)) in counted() {
        let (Some(start), Some(end)) = *span else {
            continue;
        };
        let until = latest.get(at).and_then(|span| span.1).unwrap_or(end);
        let (starts_on, ends_on) = board.first_and_last(start, end)?;
        let scheduled = Scheduled {
            task: names.of(item.id),
            starts_on,
            ends_on,
            slack_days: until - end,
            late_days: late(item.due_on, end),
        };
        match until > end {
            true => others.push(scheduled),
            false => critical_path.push(scheduled),
        }
    }
    critical_path.sort_by_key(|one| (one.starts_on, one.ends_on));
    others.sort_by_key(|one| (one.slack_days, one.starts_on));
    let more = others.len().checked_sub(SHOWN).filter(|more| *more > 0);
    others.truncate(SHOWN);
    Ok(Schedule {
        ends_on: Some(board.day(last - 1)?),
        late_days: late(project.due_on, last),
        critical_path,
        others,
        more,
    })
}
