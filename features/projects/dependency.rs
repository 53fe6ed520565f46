//! What a task waits for, and what holds of that.

use std::collections::{HashMap, HashSet};

use bureau_kernel::business_calendar::BusinessCalendar;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::log::Action;
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TASKS;
use crate::placement::{hold_board, project_of};
use crate::project::Project;
use crate::schedule::Board;
use crate::task::Task;

bureau_kernel::record! {
    /// That a task waits for another one of its project.
    pub struct TaskDependency: "task_dependency", "dep", "dependency" {
        /// The project of both.
        pub project: Managed<Parent<Id<Project>>>,
        /// Which waits.
        pub task: Parent<Id<Task>>,
        /// For which.
        pub predecessor: Parent<Id<Task>>,
        /// For what of it.
        pub kind: DependencyType,
        /// Working days between the two; less than none where they may overlap.
        pub lag_days: BoundedInt<-1000, 1000>,
    }
}

/// What of a task has to be before what of the one that waits for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyType {
    /// It ends before the other one begins.
    #[default]
    FinishToStart,
    /// It begins before the other one does.
    StartToStart,
    /// It ends before the other one does.
    FinishToFinish,
}
bureau_kernel::text_column!(DependencyType);

impl Record for TaskDependency {
    // What a task waits for is a part of the task, and goes with it.
    const ACCESS: Access = Access {
        create: TASKS.update,
        delete: TASKS.update,
        ..TASKS
    };

    fn label(&self) -> String {
        "Dependency".to_owned()
    }
}

/// What a task is to wait for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct DependencyGiven {
    task: Id<Task>,
    /// Default finish_to_start
    r#type: Option<DependencyType>,
    /// Working days
    lag_days: Option<BoundedInt<-1000, 1000>>,
}

/// What a task is to wait for, or not any more.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct DependencyChange {
    task: Id<Task>,
    r#type: Option<DependencyType>,
    /// Working days
    lag_days: Option<BoundedInt<-1000, 1000>>,
    remove: Option<bool>,
}

impl From<DependencyGiven> for DependencyChange {
    fn from(given: DependencyGiven) -> Self {
        Self {
            task: given.task,
            r#type: given.r#type,
            lag_days: given.lag_days,
            remove: None,
        }
    }
}

/// So many tasks a task waits for at most.
const MOST: usize = 50;

/// Makes a task wait for these, or not any more; what else it waits for stays.
///
/// # Errors
/// [`Code::Validation`] naming what it cannot wait for; [`Code::NotFound`] for one that is not there, or that it does not wait for
/// and is no longer to.
pub(crate) async fn wait_for(
    cx: &mut Cx,
    task: &Saved<Task>,
    changes: Vec<DependencyChange>,
) -> Result<()> {
    let mut present: HashMap<Id<Task>, Saved<TaskDependency>> = HashMap::new();
    for known in dependencies(cx, "task", &[task.id]).await? {
        present.insert(*known.predecessor, known);
    }
    let mut seen = HashSet::new();
    let mut gone = Vec::new();
    let mut wanted = Vec::new();
    for (index, change) in changes.into_iter().enumerate() {
        let other = change.task;
        let field = format!("depends_on[{index}].task");
        let wrong = |message: &str| Err(Error::invalid(&field, message));
        if !seen.insert(other) {
            return wrong("This task is named twice.");
        }
        if other == task.id {
            return wrong("A task cannot wait for itself.");
        }
        let project = project_of(cx, other).await?;
        let missing = || Error::not_found(Task::NOUN, other).field(&field);
        if project.ok_or_else(missing)? != task.project.0.0 {
            return wrong("It stands in another project; a task waits for tasks of its own.");
        }
        match (change.remove, present.get(&other)) {
            (Some(true), Some(known)) => gone.push(known.id),
            (Some(true), None) => {
                let message = "The task does not wait for this one.";
                return Err(Error::invalid(
                    format!("depends_on[{index}].remove"),
                    message,
                ));
            }
            (_, known) => {
                let known = known.map(|known| (known.id, known.record.clone()));
                wanted.push((field, change, known));
            }
        }
    }
    let new = wanted.iter().filter(|(.., known)| known.is_none()).count();
    if present.len() - gone.len() + new > MOST {
        let message = format!("A task waits for at most {MOST} others.");
        return Err(Error::invalid("depends_on", message));
    }
    for gone in gone {
        cx.archive(gone).await?;
    }
    let at_once = BoundedInt::new(0).map_err(Error::internal)?;
    for (field, given, known) in wanted {
        let (id, before) = known.unzip();
        let before = before.as_ref();
        let kind = given.r#type.or(before.map(|before| before.kind));
        let lag_days = given.lag_days.or(before.map(|before| before.lag_days));
        let wanted = TaskDependency {
            project: task.project,
            task: Parent(task.id),
            predecessor: Parent(given.task),
            kind: kind.unwrap_or_default(),
            lag_days: lag_days.unwrap_or(at_once),
        };
        match id {
            Some(id) => {
                let mut edit = cx.edit(id).await?;
                *edit = wanted;
                edit.save(cx).await?;
            }
            None => {
                let made = cx.insert(wanted, Attributes::new()).await;
                made.map_err(|error| error.field(field))?;
            }
        }
    }
    Ok(())
}

/// The live dependencies whose column names one of these tasks.
///
/// # Errors
/// What the database says.
pub(crate) async fn dependencies(
    cx: &mut Cx,
    column: &'static str,
    tasks: &[Id<Task>],
) -> Result<Vec<Saved<TaskDependency>>> {
    /// More than those of a page of tasks.
    const ALL: u32 = 20_000;
    let list = cx.list::<TaskDependency>().any_of(column, tasks);
    let page = list.page(Order::CREATED, false, Limit::of(ALL), None);
    Ok(page.await?.rows)
}

/// What is looked at to find circles.
const READS: &[Covers] = &[
    Covers::read::<BusinessCalendar>(),
    Covers::read::<Task>(),
    Covers::read::<TaskDependency>(),
];

/// No task waits for itself, not through others, nor through what it is a part of, nor twice for the same: whoever brings it
/// about, also an undo.
pub(crate) struct NoCircles;

impl Reaction for NoCircles {
    type To = TaskDependency;
    const ON: &'static [Action] = &[Action::Create, Action::Restore];
    const COVERS: &'static [Covers] = READS;

    async fn react(cx: &mut Cx, to: Transition<'_, TaskDependency>) -> Result<()> {
        let Some(made) = to.after else { return Ok(()) };
        hold_board(cx, made.project.0.0).await?;
        let twice = sql("SELECT COUNT(*) AS twice")
            .from_live::<TaskDependency>(cx)
            .sql(" AND task = ")
            .value(*made.task)
            .sql(" AND predecessor = ")
            .value(*made.predecessor);
        let twice: i64 = twice.one("twice", cx.tx()).await?;
        if twice > 1 {
            let message = "The task waits for that one already.";
            return Err(Error::conflict(message).field("depends_on"));
        }
        refuse_circles(cx, made.project.0.0, "depends_on").await
    }
}

/// The same for a task that becomes a part of another.
pub(crate) struct NoCirclesOfParts;

impl Reaction for NoCirclesOfParts {
    type To = Task;
    const ON: &'static [Action] = &[Action::Update, Action::Restore];
    const COVERS: &'static [Covers] = READS;

    async fn react(cx: &mut Cx, to: Transition<'_, Task>) -> Result<()> {
        let Some(task) = to.after else { return Ok(()) };
        let was = to.before.and_then(|before| before.parent);
        let is_moved = was.map(|was| *was) != task.parent.map(|parent| *parent);
        if !is_moved && to.action == Action::Update {
            return Ok(());
        }
        hold_board(cx, task.project.0.0).await?;
        refuse_circles(cx, task.project.0.0, "parent").await
    }
}

async fn refuse_circles(cx: &mut Cx, project: Id<Project>, field: &str) -> Result<()> {
    /// So many are named.
    const NAMED: usize = 5;
    let board = Board::of(cx, project).await?;
    let Some(circle) = board.circle() else {
        return Ok(());
    };
    let mut names: Vec<String> = circle.iter().take(NAMED).cloned().collect();
    if circle.len() > NAMED {
        names.push(format!("{} more", circle.len() - NAMED));
    }
    let message = format!(
        "Then tasks would wait for each other without end: {}.",
        names.join(", ")
    );
    Err(Error::invalid(field, message)
        .hint("A task waits for no task that waits for it, nor for one that it is a part of. Take one of these dependencies away first."))
}
