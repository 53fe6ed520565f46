//! Arranging the columns of a board: which there are, in which order, and where the tasks of one go that is taken away.

use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::column::{BoardColumn, FIRST_COLUMNS, MOST_COLUMNS, TaskStatus, columns_of};
use crate::placement::{hold_board, in_slot, set_status, slot, tasks_in};
use crate::project::Project;
use crate::task::Task;

/// A column of a new board.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct NewColumn {
    name: ShortText<100>,
    status: TaskStatus,
}

/// A column of a board that is arranged anew.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct ColumnPlan {
    /// Id or name of one that stays
    column: Option<ShortText<100>>,
    name: Option<ShortText<100>>,
    /// Required for a new one
    status: Option<TaskStatus>,
}

/// Gives a new project its columns: these, or those that a board begins with.
///
/// # Errors
/// [`Code::Validation`] naming the column and what is wrong with it.
pub(crate) async fn set_up(
    cx: &mut Cx,
    project: Id<Project>,
    columns: Option<Vec<NewColumn>>,
) -> Result<()> {
    let wanted = match columns {
        Some(columns) => columns,
        None => first_columns()?,
    };
    let mut columns = Vec::new();
    for (index, new) in wanted.into_iter().enumerate() {
        columns.push((None, column(project, new.name, index, new.status)?));
    }
    check(&columns)?;
    for (_, column) in columns {
        cx.insert(column, Attributes::new()).await?;
    }
    Ok(())
}

fn first_columns() -> Result<Vec<NewColumn>> {
    let first = FIRST_COLUMNS.into_iter().map(|(name, status)| {
        let name = ShortText::new(name).map_err(Error::internal)?;
        Ok(NewColumn { name, status })
    });
    first.collect()
}

fn column(
    project: Id<Project>,
    name: ShortText<100>,
    index: usize,
    status: TaskStatus,
) -> Result<BoardColumn> {
    let position = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
    let most = format!("A board has {MOST_COLUMNS} columns at most.");
    if index >= MOST_COLUMNS {
        return Err(Error::invalid("columns", most));
    }
    Ok(BoardColumn {
        project: Parent(project),
        name,
        position: BoundedInt::new(position).map_err(Error::internal)?,
        status,
    })
}

/// Gives a project these columns, in this order. The tasks of those that are not among them go to their successor.
///
/// # Errors
/// [`Code::Validation`] naming the column and what is wrong with it; [`Code::Conflict`] where a column with tasks would go and no
/// successor is named.
pub(crate) async fn arrange(
    cx: &mut Cx,
    project: Id<Project>,
    plan: Vec<ColumnPlan>,
    successor: Option<&str>,
) -> Result<()> {
    hold_board(cx, project).await?;
    let present = columns_of(cx, project).await?;
    let mut wanted: Vec<(Option<Id<BoardColumn>>, BoardColumn)> = Vec::new();
    for (index, entry) in plan.into_iter().enumerate() {
        let field = |name: &str| format!("columns[{index}].{name}");
        let old = entry.column.map(|name| {
            let found = one_of(&present, &name);
            found.map_err(|error| error.field(field("column")))
        });
        // Who names no column and gives the name of one that is there means that one.
        let same = entry.name.as_ref().and_then(|name| {
            let mut present = present.iter();
            present.find(|column| folded(&column.name) == folded(name))
        });
        let old = old.transpose()?.or(same);
        let kept = old.map(|column| column.id);
        if kept.is_some() && wanted.iter().any(|(other, _)| *other == kept) {
            return Err(Error::invalid(
                field("column"),
                "This column is named twice.",
            ));
        }
        let name = entry.name.or(old.map(|column| column.name.clone()));
        let name = name.ok_or_else(|| {
            let message = "A new column needs a name, and one that stays its id.";
            Error::invalid(format!("columns[{index}]"), message)
        })?;
        let status = entry.status.or(old.map(|column| column.status));
        let status = status.ok_or_else(|| {
            Error::invalid(
                field("status"),
                "A new column needs the status of its tasks.",
            )
            .hint("Such as started.")
        })?;
        wanted.push((kept, column(project, name, index, status)?));
    }
    check(&wanted)?;
    let mut gone = Vec::new();
    for column in &present {
        if !wanted.iter().any(|(id, _)| *id == Some(column.id)) {
            let tasks = tasks_in(cx, column.id).await?;
            gone.push((column, tasks));
        }
    }
    let moved = gone.iter().map(|(_, tasks)| tasks.len()).sum::<usize>();
    if moved > 0 && successor.is_none() {
        let message = format!("{moved} tasks stand in the columns that would go.");
        return Err(Error::conflict(message)
            .field("move_tasks_to")
            .hint("Name the column to which they go in move_tasks_to."));
    }
    for (id, column) in wanted {
        match id {
            None => {
                cx.insert(column, Attributes::new()).await?;
            }
            Some(id) => {
                let mut edit = cx.edit(id).await?;
                *edit = column;
                let before = edit.before().clone();
                let saved = edit.save(cx).await?;
                if before.position != saved.position || before.status != saved.status {
                    let tasks = tasks_in(cx, saved.id).await?;
                    follow(cx, &saved, tasks).await?;
                }
            }
        }
    }
    if let Some(successor) = successor {
        let columns = columns_of(cx, project).await?;
        let goes =
            |column: &Saved<BoardColumn>| gone.iter().any(|(other, _)| other.id == column.id);
        let staying: Vec<Saved<BoardColumn>> =
            columns.into_iter().filter(|column| !goes(column)).collect();
        let successor =
            one_of(&staying, successor).map_err(|error| error.field("move_tasks_to"))?;
        for (_, tasks) in &gone {
            follow(cx, successor, tasks.clone()).await?;
        }
    }
    for (column, _) in gone {
        cx.archive(column.id)
            .await
            .map_err(|error| error.field("columns"))?;
    }
    Ok(())
}

/// Brings tasks into a column: into its place on the board, and to its status.
async fn follow(cx: &mut Cx, column: &Saved<BoardColumn>, tasks: Vec<Id<Task>>) -> Result<()> {
    for id in tasks {
        let mut edit = cx.edit(id).await?;
        edit.board_column = Managed(column.id);
        edit.place = Managed(in_slot(*edit.place, slot(column)));
        set_status(&mut edit, column.status, cx);
        edit.save(cx).await?;
    }
    Ok(())
}

/// What holds of the columns of every board.
fn check(columns: &[(Option<Id<BoardColumn>>, BoardColumn)]) -> Result<()> {
    let wrong = |message: &str| Err(Error::invalid("columns", message));
    let has =
        |is_it: fn(TaskStatus) -> bool| columns.iter().any(|(_, column)| is_it(column.status));
    if !has(TaskStatus::is_open) {
        return wrong("A board needs a column for tasks that are to be done.");
    }
    if !has(|status| status == TaskStatus::Completed) {
        return wrong("A board needs a column with the status completed.");
    }
    for (index, (_, column)) in columns.iter().enumerate() {
        let name = folded(&column.name);
        let mut before = columns.iter().take(index);
        if before.any(|(_, other)| folded(&other.name) == name) {
            let message = format!("Two columns are called {:?}.", &*column.name);
            return Err(Error::invalid(format!("columns[{index}].name"), message));
        }
    }
    Ok(())
}
