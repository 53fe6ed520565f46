//! Projects: work with an end, its tasks on boards, and the search over all records.
//!
//! Permissions: `read_projects`, `create_projects`, `update_projects`, `delete_projects`, the same for `tasks`. A column of a board
//! is a part of its project. The search over all records goes by `read_projects` and shows what else its caller may read. A project
//! may be for a company, so the module uses that one.

mod board;
mod column;
mod comparison;
mod create_project;
mod create_task;
mod delete_project;
mod delete_task;
mod dependency;
mod details;
mod figures;
mod get_project;
mod get_task;
mod list_projects;
mod list_tasks;
mod measures;
mod network;
mod placement;
mod progress;
mod project;
mod schedule;
mod search_all;
mod suggestions;
mod task;
mod update_project;
mod update_task;
mod view;

use bureau_kernel::business_calendar;
use bureau_kernel::numbered::{NumberedKind, numbered};
use bureau_kernel::prelude::*;
use bureau_kernel::series;
use futures::FutureExt as _;

use dependency::{NoCircles, NoCirclesOfParts};

pub use column::{BoardColumn, TaskStatus};
pub use dependency::{DependencyType, TaskDependency};
pub use figures::{ProjectFigures, ShowFigures};
pub use placement::project_of;
pub use project::{Project, ProjectStatus};
pub use task::{DateMode, Priority, Task};

/// The permissions for projects, and the columns of their boards.
pub const PROJECTS: Access = access!("projects");
/// The permissions for tasks.
pub const TASKS: Access = access!("tasks");
/// Where a task stands is a part of the task: its tools name its column.
const PLACE: &[Covers] = &[Covers::read::<BoardColumn>()];

/// The module's table.
pub const MODULE: Module = Module {
    name: "projects",
    about: "Projects with their boards and tasks, and the search over all records",
    tokens: 1_930,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create_project::CreateProject,
        create_task::CreateTask,
        Delete<Project>,
        Delete<Task>,
        get_project::GetProject,
        Get<Task>,
        Lists<Project>,
        list_tasks::ListTasks,
        search_all::SearchAll,
        update_project::UpdateProject,
        update_task::UpdateTask,
    ],
    records: records![Project, BoardColumn, Task, TaskDependency],
    resources: &[
        Resource {
            uri: "bureau://projects/{project}",
            name: "project",
            title: "Project",
            about: "A project, how far it is, and the columns of its board.",
            tool: "get_project",
            ..Resource::JSON
        },
        Resource {
            uri: "bureau://tasks/{task}",
            name: "task",
            title: "Task",
            about: "A task with its description.",
            tool: "get_task",
            ..Resource::JSON
        },
    ],
    measures: &[
        &measures::ACTIVE,
        &measures::COMPLETED,
        &measures::OPEN,
        &measures::OVERDUE,
    ],
    reacts: table![&'static dyn AnyReaction: reaction::<NoCircles>(), reaction::<NoCirclesOfParts>()],
    uses: &[
        &bureau_companies::MODULE,
        &business_calendar::MODULE,
        &series::MODULE,
    ],
    numbered: table![NumberedKind: numbered::<Project>()],
    provision: Some(|cx| series::provision::<Project>(cx).boxed()),
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
