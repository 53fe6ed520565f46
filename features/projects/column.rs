//! The columns of a project's board: their groups, and which there are.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PROJECTS;
use crate::project::Project;

bureau_kernel::record! {
    /// A column of a project's board.
    pub struct BoardColumn: "board_column", "col", "column" {
        /// The project.
        pub project: Parent<Id<Project>>,
        /// Its name.
        pub name: ShortText<100> => [label],
        /// Its place among the columns, from 1.
        pub position: BoundedInt<1, 1000>,
        /// How far the tasks in it are.
        pub status: TaskStatus,
    }
}

/// How far a task is: the group of the column in which it stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It may be done some day.
    Backlog,
    /// It is to be done.
    #[default]
    Unstarted,
    /// It is worked on.
    Started,
    /// It is done.
    Completed,
    /// It will not be done.
    Cancelled,
}
bureau_kernel::text_column!(TaskStatus);

impl TaskStatus {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Backlog,
        Self::Unstarted,
        Self::Started,
        Self::Completed,
        Self::Cancelled,
    ];

    /// Whether something is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Cancelled)
    }
}

impl Record for BoardColumn {
    // A column is a part of its project, and goes with it.
    const ACCESS: Access = Access {
        read: PROJECTS.read,
        create: PROJECTS.update,
        update: PROJECTS.update,
        delete: PROJECTS.delete,
    };
}

/// More columns than a board has.
pub(crate) const MOST_COLUMNS: usize = 50;

/// The columns that a board begins with, where nobody says otherwise.
pub(crate) const FIRST_COLUMNS: [(&str, TaskStatus); 5] = [
    ("Backlog", TaskStatus::Backlog),
    ("To do", TaskStatus::Unstarted),
    ("In progress", TaskStatus::Started),
    ("Done", TaskStatus::Completed),
    ("Cancelled", TaskStatus::Cancelled),
];

/// The columns of a project, in their order.
///
/// # Errors
/// What the database says.
pub(crate) async fn columns_of(
    cx: &mut Cx,
    project: Id<Project>,
) -> Result<Vec<Saved<BoardColumn>>> {
    const BY_POSITION: Order = Order::new("position", "position", Kind::Int).within("project");
    let page = cx
        .list::<BoardColumn>()
        .equal("project", Some(project))
        .page(BY_POSITION, false, Limit::of(100), None)
        .await?;
    Ok(page.rows)
}
