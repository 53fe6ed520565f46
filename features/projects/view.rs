//! What is said of projects and tasks beside their columns.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::Serialize;

use crate::column::BoardColumn;
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

    async fn extras(cx: &mut Cx, tasks: &[Saved<Self>], _: bool) -> Result<Vec<Standing>> {
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
        let standing = tasks.iter().map(|task| Standing {
            column: Some(columns.of(*task.board_column)),
            subtasks: parts.get(&task.id).copied(),
        });
        Ok(standing.collect())
    }
}
