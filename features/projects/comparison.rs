//! What became of the tasks of a project since a moment, from the change log: those that were added, changed and deleted.

use std::collections::BTreeMap;

use bureau_kernel::prelude::*;
use bureau_kernel::record::Data;
use bureau_kernel::record::past::{Past, content};
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::time::{DayEdge, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use crate::project::Project;
use crate::task::Task;

/// What became of a task.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TaskChange {
    task: Named<Task>,
    change: ChangeKind,
    /// What it was then, as far as it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Map<String, Data>>,
    /// What it is now, as far as it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<Map<String, Data>>,
}

/// Whether it was there, and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeKind {
    Added,
    Changed,
    Deleted,
}

/// What is compared.
const COMPARED: [&str; 9] = [
    "title", "status", COLUMN, "assignee", "priority", "parent", "estimate", "start_on", "due_on",
];

/// What the log calls the column of a task.
const COLUMN: &str = "board_column";

/// Changes that are looked through at the most.
const MOST: i64 = 20_000;

/// What became of the tasks of a project since a moment; of a day since its beginning.
///
/// # Errors
/// [`Code::Forbidden`] for a caller who may not read tasks; [`Code::Validation`] for a moment that has not come, and where more
/// happened since than is looked through.
pub(crate) async fn changes_since(
    cx: &mut Cx,
    project: Id<Project>,
    since: &When,
) -> Result<Vec<TaskChange>> {
    const FIELD: &str = "changes_since";
    cx.demand::<Task>(Operation::Read)?;
    let since = cx.moment(FIELD, since, DayEdge::Start)?;
    if since > cx.now() {
        return Err(Error::invalid(FIELD, "changes_since has not come yet."));
    }
    let past = past_of(cx, project, since).await?;
    let ids: Vec<Id<Task>> = past.keys().copied().collect();
    let mut changes = Vec::new();
    for (id, task) in cx.find_all(&ids).await? {
        let id = Id::from_raw(id);
        let Some(past) = past.get(&id) else { continue };
        let now = content(&task.record)?;
        let mut was = now.clone();
        was.extend(past.content.clone());
        let (now, was) = (compared(now), compared(was));
        let is_there = task.archived_at.is_none();
        let (change, was, is) = match (past.was_there, is_there) {
            (false, false) => continue,
            (false, true) => (ChangeKind::Added, None, Some(said(now))),
            (true, false) => (ChangeKind::Deleted, Some(said(was)), None),
            (true, true) => {
                let differing = |side: &Map<String, Data>| {
                    let side = side.iter();
                    let side = side.filter(|(name, _)| was.get(*name) != now.get(*name));
                    side.map(|(name, value)| (name.clone(), value.clone()))
                        .collect::<Map<_, _>>()
                };
                let (was, is) = (differing(&was), differing(&now));
                if is.is_empty() {
                    continue;
                }
                (ChangeKind::Changed, Some(was), Some(is))
            }
        };
        changes.push(TaskChange {
            task: task.named(),
            change,
            was,
            is,
        });
    }
    changes.sort_unstable_by_key(|change| change.task.id);
    let sides = changes
        .iter_mut()
        .flat_map(|change| [change.was.as_mut(), change.is.as_mut()]);
    let sides = sides.flatten().map(|side| (Task::TABLE, side)).collect();
    cx.name_references(sides).await?;
    let sides = changes
        .iter_mut()
        .flat_map(|change| [change.was.as_mut(), change.is.as_mut()]);
    for side in sides.flatten() {
        if let Some(column) = side.shift_remove(COLUMN) {
            side.insert("column".to_owned(), column);
        }
    }
    Ok(changes)
}

/// What the log has of these tasks since a moment, taken together: what stood there before the first change of each.
async fn past_of(
    cx: &mut Cx,
    project: Id<Project>,
    since: Timestamp,
) -> Result<BTreeMap<Id<Task>, Past>> {
    let past = cx.past_of::<Task>(since, MOST, |statement, cx| {
        statement
            .sql(" AND record IN (SELECT id")
            .from_all::<Task>(cx)
            .sql(" AND project = ")
            .value(project)
            .sql(")")
    });
    past.await?.ok_or_else(|| {
        let message = format!("More than {MOST} changes were made to its tasks since.");
        Error::invalid("changes_since", message).hint("Name a later moment.")
    })
}

/// The part that is compared, with what says nothing.
fn compared(mut content: Map<String, Data>) -> Map<String, Data> {
    let part = COMPARED.into_iter().map(|name| {
        let value = content.get_mut(name).map(Data::take);
        (name.to_owned(), value.unwrap_or_default())
    });
    part.collect()
}

/// What says something of it.
fn said(mut side: Map<String, Data>) -> Map<String, Data> {
    side.retain(|_, value| !value.is_null());
    side
}
