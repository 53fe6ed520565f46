//! What is erased of a candidate when it is anonymized, and what stays.
//!
//! Erased are, of the candidate and those that were merged into it, all but the source, who brought them and who looked after them; of
//! applications, moves, offers and scorecards every free text and every single rating; the custom attributes of all of these; notes on
//! them and files of them; and what the change log holds of it all. Days, stages, reasons, sources, pay and overall ratings stay:
//! they are what figures are made of.

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity;

use crate::application::Application;
use crate::candidate::{Candidate, NOBODY};
use crate::interview::{Interview, Scorecard};
use crate::moves::Move;
use crate::offer::Offer;

/// Those of a kind that name one of these records in a column, deleted or not.
///
/// # Errors
/// What the database says.
pub(crate) async fn naming<R: Record, E: Entity>(
    cx: &mut Cx,
    column: &'static str,
    named: &[Id<E>],
) -> Result<Vec<Id<R>>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql("SELECT id")
        .from_all::<R>(cx)
        .sql(" AND ")
        .sql(column)
        .sql(" IN ")
        .ids(named)
        .sql(" ORDER BY id")
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// A candidate with those that were merged into it.
///
/// # Errors
/// What the database says.
pub(crate) async fn one_person(cx: &mut Cx, id: Id<Candidate>) -> Result<Vec<Id<Candidate>>> {
    let mut all = naming::<Candidate, _>(cx, "merged_into", &[id]).await?;
    all.push(id);
    Ok(all)
}

/// Erases for good what is personal.
///
/// # Errors
/// [`Code::Forbidden`] for a caller who may not delete one of the kinds; [`Code::Conflict`] where it was done already.
pub(crate) async fn anonymize(cx: &mut Cx, id: Id<Candidate>) -> Result<Saved<Candidate>> {
    let people = one_person(cx, id).await?;
    let applications: Vec<Id<Application>> = naming(cx, "candidate", &people).await?;
    for id in naming::<Move, _>(cx, "application", &applications).await? {
        cx.redact(id, |step: &mut Move| step.note = None).await?;
    }
    for id in naming::<Scorecard, _>(cx, "application", &applications).await? {
        let emptied = |card: &mut Scorecard| {
            card.notes = None;
            card.ratings = Json(Vec::new());
        };
        cx.redact(id, emptied).await?;
    }
    for id in naming::<Interview, _>(cx, "application", &applications).await? {
        cx.redact(id, |_: &mut Interview| ()).await?;
    }
    for id in naming::<Offer, _>(cx, "application", &applications).await? {
        cx.redact(id, Offer::forget).await?;
    }
    let nobody = ShortText::new(NOBODY).map_err(Error::internal)?;
    for id in applications {
        let emptied = |application: &mut Application| {
            application.name = Managed(nobody.clone());
            application.note = Managed(None);
        };
        cx.redact(id, emptied).await?;
    }
    let today = cx.today();
    let mut last = None;
    for person in people {
        let mut emptied = cx.find(person).await?;
        let emptied = emptied.as_mut().map(|saved| &mut saved.record);
        let emptied = emptied.ok_or_else(|| Error::not_found(Candidate::NOUN, person))?;
        emptied.forget(today)?;
        last = Some(
            cx.redact(person, |record| *record = emptied.clone())
                .await?,
        );
    }
    last.ok_or_else(|| Error::not_found(Candidate::NOUN, id))
}
