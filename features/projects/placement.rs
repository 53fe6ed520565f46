//! Where a task stands: its number, its column and its place there, the status that follows from the column, what it is a part of.
//!
//! The place is one number for a whole board: that of the column in its upper part, that of the task in the column in its lower
//! one. Places lie far apart, so that a task that is moved takes one between two others, and nothing else is written.

use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity as _;

use crate::column::{BoardColumn, TaskStatus, columns_of};
use crate::project::Project;
use crate::task::Task;

/// Where a caller wants a task to be.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    /// Identifier or name of the column.
    pub(crate) column: Option<ShortText<100>>,
    /// Which in its column it is to be, from 1.
    pub(crate) position: Option<BoundedInt<1, 100_000>>,
}

/// Bits of a place that are those of the task in its column.
const BITS: u32 = 52;
/// The place of the first task of a column.
const MIDDLE: i64 = 1 << (BITS - 1);
/// How far apart tasks stand that follow each other.
const STEP: i64 = 1 << 28;
/// How deep subtasks go.
const MOST_DEEP: usize = 20;

impl Placement {
    /// Brings a task where the caller wants it, after its fields were given. What stands on the board of its project is not moved
    /// by anybody else until the call ends.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a column that is not there; [`Code::Validation`] where column and status contradict each other, or it
    /// would be a part of itself.
    pub(crate) async fn take(
        &self,
        cx: &mut Cx,
        task: &mut Task,
        before: Option<&Saved<Task>>,
        has_status: bool,
    ) -> Result<()> {
        let project = task.project.0.0;
        hold_board(cx, project).await?;
        check_parent(cx, task, before.map(|before| before.id)).await?;
        let columns = columns_of(cx, project).await?;
        let asked = self.column.as_deref();
        let asked = asked.map(|name| one_of(&columns, name)).transpose()?;
        let current = before.and_then(|before| {
            let mut columns = columns.iter();
            columns.find(|column| column.id == *before.board_column)
        });
        let column = match (asked, current) {
            (Some(asked), _) if has_status && asked.status != task.status => {
                let message = "A task has the status of its column, and this is another.";
                return Err(Error::invalid("status", message).hint("Leave status or column out."));
            }
            (Some(asked), _) => asked,
            (None, Some(current)) if current.status == task.status => current,
            (None, _) => first_of(&columns, task.status, has_status)?,
        };
        let was = before.map(|before| *before.board_column);
        if was != Some(column.id) || self.position.is_some() {
            task.place = Managed(self.place(cx, column, before).await?);
        }
        task.board_column = Managed(column.id);
        set_status(task, column.status, cx);
        let was_over = before.is_some_and(|before| !before.status.is_open());
        if was_over && task.status.is_open() {
            // What is over does not hold on to who did it; what is open again does.
            cx.hold_again(task, &["assignee"]).await?;
        }
        Ok(())
    }

    /// A free place in a column: where it is asked for, else the last.
    async fn place(
        &self,
        cx: &mut Cx,
        column: &Saved<BoardColumn>,
        moved: Option<&Saved<Task>>,
    ) -> Result<i64> {
        let position = self.position.map(BoundedInt::get);
        if let Some(place) = free_place(cx, column, moved, position).await? {
            return Ok(place);
        }
        spread(cx, column, moved.map(|moved| moved.id)).await?;
        let place = free_place(cx, column, moved, position).await?;
        place.ok_or_else(|| Error::internal("a column has no place left"))
    }
}

/// Keeps the board as it is on which a task stands, before the task itself is locked: whoever arranges the board goes the same way.
///
/// # Errors
/// As [`hold_board`].
pub(crate) async fn hold_board_of(cx: &mut Cx, task: Id<Task>) -> Result<()> {
    match project_of(cx, task).await? {
        Some(project) => hold_board(cx, project).await,
        // What is not there is said where it is read.
        None => Ok(()),
    }
}

/// The project of a live task or column, which is not locked for it.
///
/// # Errors
/// What the database says.
pub async fn project_of<R: Record>(cx: &mut Cx, record: Id<R>) -> Result<Option<Id<Project>>> {
    let project = sql("SELECT project")
        .from_live::<R>(cx)
        .sql(" AND id = ")
        .value(record);
    let row = project.row(cx.tx()).await?;
    row.map(|row| row.get("project")).transpose()
}

/// Keeps the board of a project as it is for everybody else until the call ends.
///
/// # Errors
/// [`Code::NotFound`] where the project is not there.
pub(crate) async fn hold_board(cx: &mut Cx, project: Id<Project>) -> Result<()> {
    cx.hold("project", project).await?;
    let workspace = cx.workspace().id;
    let board = format!("board {workspace} {project}");
    cx.tx().serialize(&board).await
}

/// Gives a new task the next number of its project, whose board is held. One that was deleted keeps its own.
pub(crate) async fn take_number(cx: &mut Cx, task: &mut Task) -> Result<()> {
    let project = task.project.0.0;
    hold_board(cx, project).await?;
    let last = sql("SELECT COALESCE(MAX(number), 0) AS last")
        .from_all::<Task>(cx)
        .sql(" AND project = ")
        .value(project);
    let last: i64 = last.one("last", cx.tx()).await?;
    task.number = Managed(last + 1);
    // Read as it stands: to lock the project would make those wait for each other who hold it.
    let number = sql("SELECT number")
        .from_live::<Project>(cx)
        .sql(" AND id = ")
        .value(project);
    let number: Option<String> = number.one("number", cx.tx()).await?;
    let code = format!("{}-{}", number.unwrap_or_default(), last + 1);
    task.code = Managed(ShortText::new(&code).ok());
    Ok(())
}

/// Gives a task a status, and the moment of completion that follows from it.
pub(crate) fn set_status(task: &mut Task, status: TaskStatus, cx: &Cx) {
    task.status = status;
    let done = status == TaskStatus::Completed;
    task.completed_at = Managed(done.then(|| task.completed_at.unwrap_or(cx.now())));
}

/// The first place of a column, before all that tasks have there.
pub(crate) fn slot(column: &BoardColumn) -> i64 {
    column.position.get() << BITS
}

/// The place of a task in another slot, in the same order.
pub(crate) const fn in_slot(place: i64, slot: i64) -> i64 {
    slot + (place & ((1 << BITS) - 1))
}

/// The first column for tasks of a status; of a new task whose status was not said, of what comes nearest to be done.
fn first_of(
    columns: &[Saved<BoardColumn>],
    status: TaskStatus,
    said: bool,
) -> Result<&Saved<BoardColumn>> {
    let of = |status| columns.iter().find(|column| column.status == status);
    let found = of(status);
    let other = || columns.iter().find(|column| column.status.is_open());
    let found = if said { found } else { found.or_else(other) };
    found.ok_or_else(|| {
        let message = "The project has no column for tasks of this status.";
        Error::invalid("status", message).hint("Add one with update_project, or name a column.")
    })
}

/// A place between the two that stand round a position of a column, the last where none is said; nothing where there is none left.
async fn free_place(
    cx: &mut Cx,
    column: &Saved<BoardColumn>,
    moved: Option<&Saved<Task>>,
    position: Option<i64>,
) -> Result<Option<i64>> {
    let (first, end) = (slot(column), slot(column) + (1 << BITS));
    let others = |cx: &Cx| {
        let others = sql("SELECT place")
            .from_live::<Task>(cx)
            .sql(" AND project = ")
            .value(*column.project)
            .sql(" AND place >= ")
            .value(first)
            .sql(" AND place < ")
            .value(end);
        match moved {
            Some(moved) => others.sql(" AND id <> ").value(moved.id),
            None => others,
        }
    };
    let mut round: Vec<i64> = Vec::new();
    if let Some(position) = position {
        // That before the position, where there is one, and that which stands there.
        let before = (position - 2).max(0);
        let rows = others(cx)
            .sql(" ORDER BY place, id LIMIT 2 OFFSET ")
            .value(before);
        for row in rows.rows(cx.tx()).await? {
            round.push(row.get("place")?);
        }
        if position == 1 {
            round.truncate(1);
            let Some(next) = round.first() else {
                return Ok(Some(first + MIDDLE));
            };
            return Ok(between(first, *next, *next - STEP));
        }
        if let [before, next] = round.as_slice() {
            return Ok(between(*before, *next, (*before).midpoint(*next)));
        }
    }
    let rows = others(cx).sql(" ORDER BY place DESC, id DESC LIMIT 1");
    let Some(last) = rows.row(cx.tx()).await? else {
        return Ok(Some(first + MIDDLE));
    };
    let last: i64 = last.get("place")?;
    Ok(between(last, end, last + STEP))
}

/// The wanted place, where it lies between these two; else the middle of them, where that does.
fn between(after: i64, before: i64, wanted: i64) -> Option<i64> {
    let fits = |place: &i64| after < *place && *place < before;
    Some(wanted)
        .filter(fits)
        .or_else(|| Some(after.midpoint(before)).filter(fits))
}

/// Puts the tasks of a column, but for the one that is moved, as far apart as they begin, in the same order.
async fn spread(cx: &mut Cx, column: &Saved<BoardColumn>, moved: Option<Id<Task>>) -> Result<()> {
    let mut ids = tasks_in(cx, column.id).await?;
    ids.retain(|id| Some(*id) != moved);
    let half = i64::try_from(ids.len() / 2).unwrap_or_default();
    let mut place = slot(column) + MIDDLE - half * STEP;
    for id in ids {
        let mut edit = cx.edit(id).await?;
        edit.place = Managed(place);
        edit.save(cx).await?;
        place += STEP;
    }
    Ok(())
}

/// The live tasks of a column, in their order.
///
/// # Errors
/// What the database says.
pub(crate) async fn tasks_in(cx: &mut Cx, column: Id<BoardColumn>) -> Result<Vec<Id<Task>>> {
    let rows = sql("SELECT id")
        .from_live::<Task>(cx)
        .sql(" AND board_column = ")
        .value(column)
        .sql(" ORDER BY place, id")
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Refuses a task that would be a part of itself, or of one in another project.
async fn check_parent(cx: &mut Cx, task: &Task, own: Option<Id<Task>>) -> Result<()> {
    let wrong = |message: &str| Err(Error::invalid("parent", message));
    let mut above = task.parent.map(|parent| *parent);
    for _ in 0..MOST_DEEP {
        let Some(id) = above else { return Ok(()) };
        if Some(id) == own {
            return wrong("A task cannot be a part of itself, nor of one that is a part of it.");
        }
        // Nobody changes whose part a task is while the board is held, so none is locked.
        let parent = sql("SELECT project, parent")
            .from_live::<Task>(cx)
            .sql(" AND id = ")
            .value(id);
        let Some(parent) = parent.row(cx.tx()).await? else {
            return Err(Error::not_found(Task::NOUN, id).field("parent"));
        };
        if parent.get::<Id<Project>>("project")? != task.project.0.0 {
            return wrong("The task that it is a part of stands in another project.");
        }
        above = parent.get("parent")?;
    }
    wrong("Tasks are parts of each other up to 20 deep.")
}

#[cfg(test)]
mod tests {
    use super::{BITS, between, in_slot};

    #[test]
    fn a_place_between_two_is_the_wanted_one_or_their_middle_or_none() {
        assert_eq!(between(10, 100, 50), Some(50));
        assert_eq!(between(10, 100, 100), Some(55));
        assert_eq!(between(10, 100, 10), Some(55));
        assert_eq!(between(10, 11, 10), None);
        assert_eq!(between(10, 10, 10), None);
    }

    #[test]
    fn a_task_keeps_its_place_in_the_column_when_that_is_moved() {
        let (first, third) = (1 << BITS, 3 << BITS);
        assert_eq!(in_slot(first + 7, third), third + 7);
        assert_eq!(in_slot(in_slot(first + 7, third), first), first + 7);
    }
}
