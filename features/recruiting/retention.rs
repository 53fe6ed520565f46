//! How long personal data is kept: by the rule of the workspace, so many months after the end of the last procedure.
//!
//! An application ends when it is rejected or withdrawn. A prospect who never applied is counted from when they were entered. Nobody is
//! taken while an application is under way, while they are hired, while their consent lasts, or while a legal hold stands.

use bureau_kernel::prelude::*;
use bureau_kernel::store::{Sql, sql};
use bureau_kernel::types::time::{DayEdge, Timestamp, day_edge};
use chrono::{Months, NaiveDate};

use crate::application::Application;
use crate::candidate::Candidate;
use crate::settings::settings;
use crate::stages::StageKind;

/// The rule of a workspace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    months: Months,
}

impl Rule {
    /// The rule that is in force.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn of(cx: &mut Cx) -> Result<Option<Self>> {
        let settings = settings(cx).await?;
        let months = settings.and_then(|settings| settings.retention_months);
        Ok(months.map(|months| Self {
            months: Months::new(u32::try_from(months.get()).unwrap_or(u32::MAX)),
        }))
    }

    /// The last day on which a procedure can have ended that is over long enough on this one.
    ///
    /// # Errors
    /// [`Code::Validation`] beyond all calendars.
    pub(crate) fn ended_by(self, day: NaiveDate) -> Result<NaiveDate> {
        let ended = day.checked_sub_months(self.months);
        ended.ok_or_else(|| Error::new(Code::Validation, "No calendar goes back so far."))
    }

    /// The first day on which what ended on this one is over long enough.
    fn is_over_on(self, ended: NaiveDate) -> Option<NaiveDate> {
        let mut day = ended.checked_add_months(self.months)?;
        // Of a month that is shorter the last day comes too early by up to three.
        while day.checked_sub_months(self.months)? < ended {
            day = day.succ_opt()?;
        }
        Some(day)
    }

    /// The day on which the rule takes a candidate with these applications, as it stands now; none where nothing says so.
    pub(crate) fn takes_on<'a>(
        self,
        candidate: &Saved<Candidate>,
        applications: impl Iterator<Item = &'a Saved<Application>>,
        workspace: &Workspace,
    ) -> Option<NaiveDate> {
        if candidate.anonymized_on.is_some() || candidate.legal_hold.is_some() {
            return None;
        }
        let entered = candidate.created_at.with_timezone(&workspace.time_zone);
        let mut ended = entered.date_naive();
        for application in applications {
            if *application.status == StageKind::Hired {
                return None;
            }
            ended = ended.max((*application.closed_on)?);
        }
        let over = self.is_over_on(ended)?;
        let consent = candidate.consent_until.and_then(|until| until.succ_opt());
        Some(consent.map_or(over, |day| day.max(over)))
    }
}

/// The last moment of a day.
///
/// # Errors
/// [`Code::Internal`] beyond all calendars.
pub(crate) fn end_of(cx: &Cx, day: NaiveDate) -> Result<Timestamp> {
    day_edge(day, cx.workspace().time_zone, DayEdge::End)
        .ok_or_else(|| Error::internal("a day ends"))
}

/// Those whom the rule takes today, deleted ones too, in the order in which they were entered; of one, whether it is among them.
///
/// # Errors
/// What the database says.
pub(crate) async fn due(
    cx: &mut Cx,
    only: Option<Id<Candidate>>,
    limit: usize,
) -> Result<Vec<i64>> {
    let Some(statement) = whom_it_takes(cx, sql("SELECT id")).await? else {
        return Ok(Vec::new());
    };
    let statement = match only {
        Some(only) => statement.sql(" AND id = ").value(only),
        None => statement,
    };
    let rows = statement
        .sql(" ORDER BY created_at, id LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// How many the rule takes today.
///
/// # Errors
/// What the database says.
pub async fn count_due(cx: &mut Cx) -> Result<i64> {
    match whom_it_takes(cx, sql("SELECT COUNT(*) AS count")).await? {
        Some(statement) => statement.one("count", cx.tx()).await,
        None => Ok(0),
    }
}

async fn whom_it_takes(cx: &mut Cx, statement: Sql) -> Result<Option<Sql>> {
    let Some(rule) = Rule::of(cx).await? else {
        return Ok(None);
    };
    let today = cx.today();
    let ended = rule.ended_by(today)?;
    let statement = statement
        .from_all::<Candidate>(cx)
        .sql(" AND anonymized_on IS NULL AND merged_into IS NULL AND legal_hold IS NULL AND consent_ends < ")
        .value(today)
        .sql(" AND created_at <= ")
        .value(end_of(cx, ended)?)
        .sql(" AND id NOT IN (SELECT candidate")
        .from_live::<Application>(cx)
        .sql(" AND (closed_on IS NULL OR status = 'hired' OR closed_on > ")
        .value(ended)
        .sql("))");
    Ok(Some(statement))
}
