//! `list_tasks`

use bureau_kernel::list::Whose;
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::column::{BoardColumn, TaskStatus, columns_of};
use crate::dependency::{DependencyType, TaskDependency};
use crate::project::Project;
use crate::task::Task;
use crate::{PLACE, TASKS};

/// Which tasks to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListTasks {
    project: Option<Id<Project>>,
    /// Id or name
    column: Option<ShortText<100>>,
    status: Option<Vec<Asked>>,
    unassigned: Option<bool>,
    /// By an open task
    blocked: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Task>,
}

/// How far the tasks of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Asked {
    /// To be done.
    Open,
    /// To be done, and late.
    Overdue,
    Backlog,
    Unstarted,
    Started,
    Completed,
    Cancelled,
}

impl Asked {
    /// The statuses that it means, each with the last day on which such a task is due.
    fn parts(self, today: NaiveDate) -> Vec<(TaskStatus, Option<NaiveDate>)> {
        let open = |until: Option<NaiveDate>| {
            let open = TaskStatus::ALL.into_iter();
            let open = open.filter(|status| status.is_open());
            open.map(|status| (status, until)).collect()
        };
        match self {
            Self::Open => open(None),
            Self::Overdue => open(today.pred_opt()),
            Self::Backlog => vec![(TaskStatus::Backlog, None)],
            Self::Unstarted => vec![(TaskStatus::Unstarted, None)],
            Self::Started => vec![(TaskStatus::Started, None)],
            Self::Completed => vec![(TaskStatus::Completed, None)],
            Self::Cancelled => vec![(TaskStatus::Cancelled, None)],
        }
    }
}

impl Listed for Task {
    const QUERY: Option<&'static str> = Some("Part of title, code, tag");
    const SORT: &'static str = "Default due_on, in a project board";
    const USUAL: &'static str = "due_on";
}

impl Tool for ListTasks {
    const SPEC: Spec = Spec::reads("list_tasks", TASKS.read)
        .covers(PLACE)
        .title("List tasks")
        .core()
        .about("List tasks by project, status, person and dates, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What do I have to do for the audit this month?",
            before: &[
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Annual audit"}"#,
                    keep: &[("audit", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{audit}", "title": "Collect the receipts", "assignee": "me", "due_on": "2027-01-20"}"#,
                    keep: &[("receipts", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{audit}", "title": "Answer the auditor", "column": "Backlog"}"#,
                    keep: &[("auditor", "/data/id")],
                },
            ],
            arguments: r#"{"project": "{audit}", "status": "open", "assignee": "me", "due_before": "2027-01-31"}"#,
            expect: &[
                ("/data/0/id", r#""{receipts}""#),
                ("/data/0/project/name", r#""Annual audit""#),
            ],
        },
        Example {
            title: "Show me the board of the audit",
            before: &[],
            arguments: r#"{"project": "{audit}", "sort": "board"}"#,
            expect: &[
                ("/data/0/id", r#""{auditor}""#),
                ("/data/1/id", r#""{receipts}""#),
            ],
        },
    ];
    type Output = Vec<Row<Task>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Task>>> {
        let mut listing = self.listing;
        let column = match self.column {
            None => None,
            Some(name) => Some(column_meant(cx, self.project, &name).await?),
        };
        let project = match (self.project, &column) {
            (None, Some(column)) => Some(*column.project),
            (project, _) => project,
        };
        if project.is_some() {
            listing = listing.usually("board");
        } else if listing.sort() == Some("board") {
            let message = "A board is that of one project.";
            return Err(Error::invalid("sort", message).hint("Name the project with it."));
        }
        if self.unassigned == Some(true) && listing.has("assignee") {
            let message = "What is unassigned has no assignee.";
            return Err(Error::invalid("unassigned", message).hint("Leave one of the two out."));
        }
        let today = cx.today();
        let asked = self.status.unwrap_or_default();
        // What is open is found by an index of its own.
        let (open, until) = match asked.as_slice() {
            [Asked::Open] => (Some(true), None),
            [Asked::Overdue] => (Some(true), today.pred_opt()),
            _ => (None, None),
        };
        let is_several = open.is_none() && !asked.is_empty();
        let parts = is_several.then(|| {
            let parts = asked.into_iter().flat_map(|asked| asked.parts(today));
            let mut parts: Vec<_> = parts.map(|(status, until)| (status, None, until)).collect();
            // What is open and what is late are not two parts of a list.
            parts.sort_unstable_by_key(|(status, _, until)| (*status, until.is_some()));
            parts.dedup_by_key(|(status, ..)| *status);
            parts
        });
        let column = column.map(|column| column.id);
        let rows = listing.rows(cx, |list| {
            let list = list
                .same("project", project)
                .same("board_column", column)
                .within("status", "sort_due", parts)
                .is_empty("over", open)
                .to("sort_due", until)
                .is_empty("assignee", self.unassigned);
            let Some(blocked) = self.blocked else {
                return list;
            };
            let open: Vec<_> = TaskStatus::ALL
                .into_iter()
                .filter(|status| status.is_open())
                .collect();
            let waits = vec![
                Whose::is("kind", &[DependencyType::FinishToStart]),
                Whose::names::<Task>("predecessor", vec![Whose::is("status", &open)]),
            ];
            list.named_by::<TaskDependency>("task", waits, blocked)
                .is_empty("over", Some(true))
        });
        rows.await
    }
}

/// The column that is meant by its identifier, or by its name in a project.
async fn column_meant(
    cx: &mut Cx,
    project: Option<Id<Project>>,
    name: &str,
) -> Result<Saved<BoardColumn>> {
    if let Some(project) = project {
        let columns = columns_of(cx, project).await?;
        return one_of(&columns, name).cloned();
    }
    let Ok(id) = name.parse::<Id<BoardColumn>>() else {
        let message = "Columns of several projects are called alike.";
        return Err(Error::invalid("project", message).hint("Name the project with the column."));
    };
    cx.get(id).await
}
