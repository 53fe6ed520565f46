//! What is said of projects and tasks beside their columns.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::Serialize;

use crate::column::{BoardColumn, TaskStatus};
use crate::dependency::{DependencyType, dependencies};
use crate::progress::{Progress, progress_of};
use crate::project::Project;
use crate::task::Task;

impl Presented for Project {
    type Extra = Progress;

    async fn extras(cx: &mut Cx, projects: &[Saved<Self>], _: bool) -> Result<Vec<Progress>> {
        progress_of(cx, projects).await
    }
}

/// Where a task stands, and what it consists of.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing {
    /// The column.
    column: Option<Named<BoardColumn>>,
    /// Its own parts; none where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    subtasks: Option<Subtasks>,
    /// What has to end before it begins, and has not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked_by: Vec<Named<Task>>,
    /// All that it waits for; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<Vec<Dependency>>,
    /// What waits for it; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Named<Task>>>,
}

/// That a task waits for another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Dependency {
    task: Named<Task>,
    r#type: DependencyType,
    /// Working days between the two.
    lag_days: i64,
    status: TaskStatus,
}

/// The parts of a task.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Subtasks {
    /// To be done.
    open: i64,
    /// All of them.
    total: i64,
}

impl Presented for Task {
    type Extra = Standing;
    const ROW: &'static [&'static str] = &["updated_at"];

    async fn extras(cx: &mut Cx, tasks: &[Saved<Self>], is_row: bool) -> Result<Vec<Standing>> {
        let columns = tasks.iter().map(|task| *task.board_column);
        let columns = cx.names(columns).await?;
        let mut parts: HashMap<Id<Self>, Subtasks> = HashMap::new();
        if !tasks.is_empty() {
            let mut statement = sql("SELECT parent, COUNT(*) AS total, ")
                .sql("COUNT(CASE WHEN status IN ('backlog', 'unstarted', 'started') THEN 1 END) AS open")
                .from_live::<Self>(cx)
                .sql(" AND parent IN (NULL");
            for task in tasks {
                statement = statement.sql(", ").value(task.id);
            }
            let statement = statement.sql(") GROUP BY parent");
            for row in statement.rows(cx.tx()).await? {
                let subtasks = Subtasks {
                    open: row.get("open")?,
                    total: row.get("total")?,
                };
                parts.insert(row.get("parent")?, subtasks);
            }
        }
        let ids: Vec<Id<Self>> = tasks.iter().map(|task| task.id).collect();
        let waits = dependencies(cx, "task", &ids).await?;
        let waited_for = match is_row {
            true => Vec::new(),
            false => dependencies(cx, "predecessor", &ids).await?,
        };
        let others = waits.iter().map(|wait| *wait.predecessor);
        let others: Vec<Id<Self>> = others
            .chain(waited_for.iter().map(|wait| *wait.task))
            .collect();
        let others = cx.find_all(&others).await?;
        let standing = tasks.iter().map(|task| {
            let mut depends_on = Vec::new();
            let mut blocked_by = Vec::new();
            for wait in waits.iter().filter(|wait| *wait.task == task.id) {
                let Some(other) = others.get(&wait.predecessor.raw()) else {
                    continue;
                };
                let status = other.status;
                let holds = wait.kind == DependencyType::FinishToStart && status.is_open();
                if holds && task.status.is_open() {
                    blocked_by.push(other.named());
                }
                depends_on.push(Dependency {
                    task: other.named(),
                    r#type: wait.kind,
                    lag_days: wait.lag_days.get(),
                    status,
                });
            }
            let blocks = waited_for
                .iter()
                .filter(|wait| *wait.predecessor == task.id);
            let blocks = blocks.filter_map(|wait| Some(others.get(&wait.task.raw())?.named()));
            let blocks: Vec<Named<Self>> = blocks.collect();
            Standing {
                column: Some(columns.of(*task.board_column)),
                subtasks: parts.get(&task.id).copied(),
                blocked_by,
                depends_on: Some(depends_on).filter(|all| !is_row && !all.is_empty()),
                blocks: Some(blocks).filter(|all| !all.is_empty()),
            }
        });
        Ok(standing.collect())
    }
}
