//! A project as it is answered by itself: with its board.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::column::{BoardColumn, TaskStatus, columns_of};
use crate::figures::figures_of;
use crate::project::Project;
use crate::task::Task;

/// A project with the columns of its board.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProjectDetails {
    #[serde(flatten)]
    project: View<Project>,
    columns: Vec<ColumnView>,
    /// What other modules say of it.
    #[serde(flatten)]
    figures: Map<String, Value>,
}

/// A column of a board.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ColumnView {
    id: Id<BoardColumn>,
    name: ShortText<100>,
    status: TaskStatus,
    /// How many tasks stand in it.
    tasks: i64,
}

/// A project with its board.
///
/// # Errors
/// What the database says.
pub(crate) async fn details(cx: &mut Cx, project: Saved<Project>) -> Result<ProjectDetails> {
    let columns = columns_of(cx, project.id).await?;
    let mut statement = sql("SELECT board_column, COUNT(*) AS tasks")
        .from_live::<Task>(cx)
        .sql(" AND board_column IN (NULL");
    for column in &columns {
        statement = statement.sql(", ").value(column.id);
    }
    let statement = statement.sql(") GROUP BY board_column");
    let mut tasks: HashMap<Id<BoardColumn>, i64> = HashMap::new();
    for row in statement.rows(cx.tx()).await? {
        tasks.insert(row.get("board_column")?, row.get("tasks")?);
    }
    let columns = columns.into_iter().map(|column| ColumnView {
        id: column.id,
        status: column.status,
        tasks: tasks.get(&column.id).copied().unwrap_or_default(),
        name: column.record.name,
    });
    Ok(ProjectDetails {
        figures: figures_of(cx, project.id).await?,
        columns: columns.collect(),
        project: cx.view(project).await?,
    })
}
