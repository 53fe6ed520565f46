//! How far projects are.

use std::collections::HashMap;

use bureau_kernel::figures::percent;
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Sql, sql};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::column::TaskStatus;
use crate::project::Project;
use crate::task::Task;

/// How far a project is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Progress {
    /// Percent of the work that is done, by the estimates of its tasks; none where there is no work.
    progress: Option<String>,
    /// Tasks that are to be done.
    open_tasks: i64,
    /// Those of them that should be done by now.
    overdue_tasks: i64,
}

/// What has a status among the tasks that count: how many, how many of them with an estimate, and those together.
#[derive(Debug, Default, Clone, Copy)]
struct Work {
    tasks: i64,
    estimated: i64,
    hours: Decimal,
}

/// Which share of the work is done: by hours, where what has no estimate counts as what has one does on the average, and by the
/// number of tasks where none has one.
fn share(done: Work, all: Work) -> Option<String> {
    let usual = all.hours.checked_div(all.estimated.into());
    let usual = usual.filter(|usual| !usual.is_zero());
    let weight = |work: Work| match usual {
        Some(usual) => {
            let others = Decimal::from(work.tasks - work.estimated);
            usual.checked_mul(others)?.checked_add(work.hours)
        }
        None => Some(work.tasks.into()),
    };
    percent(weight(done)?, weight(all)?)
}

/// Appends that a task is of one of these projects.
fn of_projects(statement: Sql, projects: &[Saved<Project>]) -> Sql {
    let mut statement = statement.sql(" AND project IN (NULL");
    for project in projects {
        statement = statement.sql(", ").value(project.id);
    }
    statement.sql(")")
}

/// How far each of these projects is. Cancelled tasks are out, and a task with subtasks counts by them.
///
/// # Errors
/// What the database says.
pub(crate) async fn progress_of(cx: &mut Cx, projects: &[Saved<Project>]) -> Result<Vec<Progress>> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement =
        sql("SELECT project, status, COUNT(*) AS tasks, COUNT(estimate) AS estimated, ")
            .sum("estimate")
            .from_live::<Task>(cx)
            .sql(" AND status <> 'cancelled'");
    statement = of_projects(statement, projects)
        .sql(" AND id NOT IN (SELECT parent")
        .from_live::<Task>(cx)
        // With the sign no index of all parts there are is chosen, but that of the projects.
        .sql(" AND +parent IS NOT NULL AND status <> 'cancelled'");
    statement = of_projects(statement, projects).sql(") GROUP BY project, status");
    let mut work: HashMap<Id<Project>, (Work, Work)> = HashMap::new();
    for row in statement.rows(cx.tx()).await? {
        let (done, all) = work.entry(row.get("project")?).or_default();
        let part = Work {
            tasks: row.get("tasks")?,
            estimated: row.get("estimated")?,
            hours: row.sum("estimate")?,
        };
        all.tasks += part.tasks;
        all.estimated += part.estimated;
        all.hours += part.hours;
        if row.get::<TaskStatus>("status")? == TaskStatus::Completed {
            *done = part;
        }
    }
    let today = cx.today();
    let mut open: HashMap<Id<Project>, (i64, i64)> = HashMap::new();
    let statement = sql("SELECT project, COUNT(*) AS tasks, COUNT(CASE WHEN sort_due < ")
        .value(today)
        .sql(" THEN 1 END) AS overdue")
        .from_live::<Task>(cx)
        .sql(" AND status IN ('backlog', 'unstarted', 'started')");
    let statement = of_projects(statement, projects).sql(" GROUP BY project");
    for row in statement.rows(cx.tx()).await? {
        let counts = (row.get("tasks")?, row.get("overdue")?);
        open.insert(row.get("project")?, counts);
    }
    let progress = projects.iter().map(|project| {
        let (done, all) = work.get(&project.id).copied().unwrap_or_default();
        let (open_tasks, overdue_tasks) = open.get(&project.id).copied().unwrap_or_default();
        Progress {
            progress: share(done, all),
            open_tasks,
            overdue_tasks,
        }
    });
    Ok(progress.collect())
}

#[cfg(test)]
mod tests {
    use super::{Work, share};

    fn work(tasks: i64, estimated: i64, hours: i64) -> Work {
        Work {
            tasks,
            estimated,
            hours: hours.into(),
        }
    }

    #[test]
    fn work_is_weighed_by_estimates_and_what_has_none_by_the_others() {
        for (done, all, expected) in [
            (work(0, 0, 0), work(0, 0, 0), None),
            (work(0, 0, 0), work(3, 0, 0), Some("0.0")),
            (work(1, 0, 0), work(3, 0, 0), Some("33.3")),
            (work(1, 1, 6), work(2, 2, 8), Some("75.0")),
            // Two of 3 and 5 hours and one without, which counts 4.
            (work(1, 0, 0), work(3, 2, 8), Some("33.3")),
            (work(2, 1, 5), work(3, 2, 8), Some("75.0")),
            // Estimates of nothing say nothing.
            (work(1, 1, 0), work(2, 2, 0), Some("50.0")),
            (work(3, 2, 8), work(3, 2, 8), Some("100.0")),
        ] {
            assert_eq!(share(done, all).as_deref(), expected, "{done:?} of {all:?}");
        }
    }
}
