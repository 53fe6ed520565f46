//! What is noted of an entry when it is written: that it stands in its project, as what it is billed, and at which rate.

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::money::Currency;

use crate::entry::TimeEntry;
use crate::rates::{of_project, rate_for};
use crate::settings::settings;
use bureau_projects::Project;
use bureau_projects::project_of;

/// The project of an entry, which stays until the call ends, and whose is the task that the entry names. `asked` is the project that
/// the caller named.
///
/// # Errors
/// [`Code::NotFound`] for a project that is not there; [`Code::Validation`] where the task is one of another project.
pub(crate) async fn hold_place(
    cx: &mut Cx,
    entry: &TimeEntry,
    asked: Option<Id<Project>>,
) -> Result<Saved<Project>> {
    let project = **entry.project;
    if asked.is_some_and(|asked| asked != project) {
        return Err(
            Error::invalid("project", "The task is one of another project.")
                .hint("Leave project out: it is that of the task."),
        );
    }
    if let Some(task) = entry.task
        && project_of(cx, task).await?.is_some_and(|of| of != project)
    {
        return Err(
            Error::invalid("task", "The task is one of another project.")
                .hint("Name a task of the project, or empty task with clear."),
        );
    }
    cx.hold("project", project).await?;
    let found = of_project(cx, project).await?;
    found.ok_or_else(|| Error::not_found(Project::NOUN, project).field("project"))
}

/// Notes in an entry how long it is on an invoice, and with `anew` at which rate; a rate that the caller says is of the currency of
/// that which would hold.
///
/// # Errors
/// What the database says.
pub(crate) async fn price(
    cx: &mut Cx,
    entry: &mut TimeEntry,
    project: &Project,
    anew: bool,
) -> Result<()> {
    if anew || entry.hourly_rate.is_none() || *entry.currency == Currency::default() {
        let found = rate_for(cx, entry, project).await?;
        let (rate, currency) = found.unzip();
        entry.currency = Managed(currency.unwrap_or(cx.workspace().currency));
        if anew {
            entry.hourly_rate = rate;
        }
    }
    let seconds = settings(cx).await?.rounded(*entry.seconds);
    entry.billable_seconds = Managed(if entry.billable { seconds } else { 0 });
    Ok(())
}
