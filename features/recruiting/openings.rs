//! The openings of a job: each is opened, and filled or closed, by itself.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JOBS;
use crate::application::Application;
use crate::vacancy::Vacancy;

bureau_kernel::record! {
    /// A place in the firm that is to be filled.
    pub struct Opening: "opening", "opn", "opening" {
        /// The job.
        pub job: Id<Vacancy>,
        /// Its place among the job's openings, from 1.
        pub number: BoundedInt<1, 1000>,
        /// Where it stands.
        pub status: OpeningStatus,
        /// When it was opened.
        pub opened_on: NaiveDate,
        /// Who fills it.
        pub application: Option<Id<Application>>,
        /// When that was agreed.
        pub filled_on: Option<NaiveDate>,
        /// When it was closed without being filled.
        pub closed_on: Option<NaiveDate>,
        /// Why.
        pub reason: Option<ShortText<200>>,
    }
}

/// Where an opening stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpeningStatus {
    #[default]
    /// Somebody is sought.
    Open,
    /// Somebody was found.
    Filled,
    /// Nobody is sought any more.
    Closed,
}
bureau_kernel::text_column!(OpeningStatus);

impl Record for Opening {
    const ACCESS: Access = Access {
        read: JOBS.read,
        create: JOBS.update,
        update: JOBS.update,
        delete: JOBS.update,
    };

    fn label(&self) -> String {
        format!("Opening {}", self.number.get())
    }
}

/// More openings than a job has.
pub(crate) const MOST: i64 = 1000;

/// The openings of a job by their numbers.
///
/// # Errors
/// What the database says.
pub(crate) async fn openings_of(cx: &mut Cx, job: Id<Vacancy>) -> Result<Vec<Saved<Opening>>> {
    const BY_NUMBER: Order = Order::new("number", "number", Kind::Int).within("job");
    let all = Limit::of(u32::try_from(MOST).unwrap_or(u32::MAX));
    let openings = cx.list::<Opening>().equal("job", Some(job));
    Ok(openings.page(BY_NUMBER, false, all, None).await?.rows)
}

/// The openings of a job, which nobody else changes until the call is done.
async fn held(cx: &mut Cx, job: Id<Vacancy>) -> Result<Vec<Saved<Opening>>> {
    let workspace = cx.workspace().id;
    cx.tx()
        .serialize(&format!("openings of {workspace} {job}"))
        .await?;
    openings_of(cx, job).await
}

/// Opens so many more.
///
/// # Errors
/// [`Code::Validation`] naming the field beyond the most that a job has.
pub(crate) async fn open(
    cx: &mut Cx,
    job: Id<Vacancy>,
    (field, count): (&'static str, i64),
) -> Result<()> {
    let present = held(cx, job).await?;
    let last = present.last().map_or(0, |last| last.number.get());
    let opened_on = cx.today();
    for number in (1..=count).map(|more| last.saturating_add(more)) {
        let number = BoundedInt::new(number)
            .map_err(|_| Error::invalid(field, format!("A job has {MOST} openings at most.")))?;
        let opening = Opening {
            job,
            number,
            status: OpeningStatus::Open,
            opened_on,
            application: None,
            filled_on: None,
            closed_on: None,
            reason: None,
        };
        cx.insert(opening, Attributes::new()).await?;
    }
    Ok(())
}

/// How many openings to close.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Closing {
    /// All that are open: the job is over.
    All,
    /// So many, the newest first.
    Some(i64),
}

/// Closes openings without filling them.
///
/// # Errors
/// [`Code::Validation`] without a reason; [`Code::Conflict`] where fewer are open.
pub(crate) async fn close(
    cx: &mut Cx,
    job: Id<Vacancy>,
    closing: Closing,
    reason: Option<&ShortText<200>>,
) -> Result<()> {
    let mut open = held(cx, job).await?;
    open.retain(|opening| opening.status == OpeningStatus::Open);
    let count = match closing {
        Closing::All => open.len(),
        Closing::Some(count) => usize::try_from(count).unwrap_or_default(),
    };
    if count > open.len() {
        let message = format!("{} openings of this job are open.", open.len());
        return Err(Error::conflict(message).field("close_openings"));
    }
    if count == 0 {
        return Ok(());
    }
    let Some(reason) = reason else {
        let message = format!("{count} openings would be closed without being filled.");
        return Err(Error::invalid("close_reason", message)
            .hint("Say close_reason in a few words, such as budget or found inside."));
    };
    let today = cx.today();
    for opening in open.into_iter().rev().take(count) {
        let mut edit = cx.edit(opening.id).await?;
        edit.status = OpeningStatus::Closed;
        edit.closed_on = Some(today);
        edit.reason = Some(reason.clone());
        edit.save(cx).await?;
    }
    Ok(())
}

/// Gives an application the oldest open opening of its job, unless it has one.
///
/// # Errors
/// [`Code::Conflict`] where none is open.
pub(crate) async fn fill(
    cx: &mut Cx,
    job: Id<Vacancy>,
    application: Id<Application>,
    filled_on: NaiveDate,
) -> Result<()> {
    let all = held(cx, job).await?;
    if all
        .iter()
        .any(|opening| opening.application == Some(application))
    {
        return Ok(());
    }
    let Some(open) = all
        .iter()
        .find(|opening| opening.status == OpeningStatus::Open)
    else {
        let message = format!("None of the {} openings of this job is open.", all.len());
        return Err(Error::conflict(message)
            .field("application")
            .hint("Open another one with update_job and add_openings."));
    };
    let mut edit = cx.edit(open.id).await?;
    edit.status = OpeningStatus::Filled;
    edit.application = Some(application);
    edit.filled_on = Some(filled_on.max(edit.opened_on));
    edit.save(cx).await.map(drop)
}

/// Opens again what an application filled.
///
/// # Errors
/// What the database says.
pub(crate) async fn free(
    cx: &mut Cx,
    job: Id<Vacancy>,
    application: Id<Application>,
) -> Result<()> {
    for opening in held(cx, job).await? {
        if opening.application == Some(application) {
            let mut edit = cx.edit(opening.id).await?;
            edit.status = OpeningStatus::Open;
            edit.application = None;
            edit.filled_on = None;
            edit.save(cx).await?;
        }
    }
    Ok(())
}
