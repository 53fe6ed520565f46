//! What holds of a plan that is created or changed by a tool.

use bureau_billing::{LineGiven, buyer, lines_given};
use bureau_kernel::caller::Caller;
use bureau_kernel::prelude::*;
use chrono::NaiveDate;

use crate::ISSUE_INVOICES;
use crate::recurring::{PlanStatus, RecurringInvoice};

/// Days in the past for which a plan makes invoices by itself. A start that lies further back is more often a slip than meant,
/// a server that missed more is more often one with a wrong clock, and what is issued cannot be undone.
const MOST_MISSED: usize = 60;
/// Missed days that are counted.
const COUNTED: usize = 10_000;

/// Brings a plan into form: its currency, its lines where there are new ones; and checks that it has a customer.
///
/// # Errors
/// What is wrong with the lines or the customer.
pub(crate) async fn shape(
    cx: &mut Cx,
    plan: &mut RecurringInvoice,
    lines: Option<Vec<LineGiven>>,
) -> Result<()> {
    plan.currency = plan.currency.or(cx.workspace().currency);
    if let Some(lines) = lines {
        plan.lines = Managed(Json(lines_given(cx, lines, plan.currency).await?));
    }
    buyer(cx, plan.company, plan.contact).await.map(drop)
}

/// Checks that the caller may have this plan issue invoices: who sets it to do so, and who changes what it issues now or
/// when it goes on after a pause, may issue them by hand. Anybody who may change it may stop it.
///
/// # Errors
/// [`Code::Forbidden`] naming `auto_issue`.
pub(crate) fn check_issuing(
    before: Option<&RecurringInvoice>,
    plan: &RecurringInvoice,
    caller: &Caller,
) -> Result<()> {
    let no_more = before.is_some_and(|before| {
        let stopped = RecurringInvoice {
            status: plan.status,
            next_on: plan.next_on,
            ..before.clone()
        };
        before == plan || (plan.status != PlanStatus::Active && stopped == *plan)
    });
    if !plan.auto_issue || no_more || caller.may(ISSUE_INVOICES) {
        return Ok(());
    }
    let message =
        "With auto_issue this plan issues invoices, which takes the permission issue_invoices.";
    Err(Error::new(Code::Forbidden, message)
        .field("auto_issue")
        .detail("permission", ISSUE_INVOICES.name())
        .hint("Leave auto_issue out or false: drafts are made then, and issued by whoever may. A plan can always be paused."))
}

/// Checks that a plan that begins, or begins anew, does not begin too far back.
///
/// # Errors
/// [`Code::Validation`] naming `starts_on`.
pub(crate) fn check_missed(cx: &Cx, plan: &RecurringInvoice) -> Result<()> {
    let missed = plan.missed(cx.today(), MOST_MISSED + 1);
    if plan.status != PlanStatus::Active || missed <= MOST_MISSED {
        return Ok(());
    }
    let message = format!(
        "From {} on this makes more than {MOST_MISSED} invoices at once.",
        plan.starts_on
    );
    Err(Error::invalid("starts_on", message)
        .hint("Let it start later; what is older is drafted with create_invoice."))
}

/// Checks that a plan has not missed so many days that a person should say which of them count.
///
/// # Errors
/// [`Code::Conflict`] saying from when on how many, and how a person says it.
pub(crate) fn check_catching_up(plan: &RecurringInvoice, today: NaiveDate) -> Result<()> {
    let missed = plan.missed(today, COUNTED);
    let Some(first) = plan.next_on.filter(|_| missed > MOST_MISSED) else {
        return Ok(());
    };
    Err(Error::conflict(format!(
        "{missed} invoices are missing since {first}, and no more than {MOST_MISSED} are made up unasked: say with \
         update_recurring_invoice from which day on (starts_on), or pause it and set it active to leave all of them out."
    ))
    .field("starts_on"))
}

/// What is over does not hold on to whom it was for; what goes on again needs them.
pub(crate) async fn check_still_there(cx: &mut Cx, plan: &RecurringInvoice) -> Result<()> {
    let gone = |error: Error| {
        error.hint("It was deleted since. Name another one, or empty the field with clear.")
    };
    if let Some(company) = plan.company {
        cx.get(company).await.map_err(gone)?;
    }
    if let Some(contact) = plan.contact {
        cx.get(contact).await.map_err(gone)?;
    }
    if let Some(deal) = plan.deal {
        cx.get(deal).await.map_err(gone)?;
    }
    Ok(())
}
