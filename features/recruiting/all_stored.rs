//! All that is stored on a person: what a firm owes one who asks.

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::anonymize::{naming, one_person};
use crate::application::Application;
use crate::candidate::Candidate;
use crate::candidate_view::owes_scorecard;
use crate::interview::{Interview, Scorecard};
use crate::moves::Move;
use crate::offer::Offer;

/// All that is stored on a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stored {
    /// By kind: candidates (with those merged into this one), applications, moves, offers, interviews, scorecards, notes, files.
    records: Map<String, Value>,
    /// What was done to each of them, the oldest first.
    changes: Vec<Map<String, Value>>,
}

/// Who may see what was changed, as the group history has it.
const READ_AUDIT_LOG: Permission = Permission::new("read_audit_log");

/// What is stored on a candidate, by whoever may read all of it: it is refused, and never thinned.
///
/// # Errors
/// [`Code::Forbidden`] naming the permission, or where the caller has yet to write a scorecard.
pub(crate) async fn all_stored(cx: &mut Cx, candidate: Id<Candidate>) -> Result<Stored> {
    if !cx.caller().may(READ_AUDIT_LOG) {
        let name = READ_AUDIT_LOG.name();
        let message = format!(
            "What was changed of a person belongs to it, which takes the permission {name}."
        );
        return Err(Error::new(Code::Forbidden, message)
            .field("everything")
            .hint("Ask an owner or admin, or leave everything out.")
            .detail("permission", name));
    }
    let people = one_person(cx, candidate).await?;
    let applications: Vec<Id<Application>> = naming(cx, "candidate", &people).await?;
    if owes_scorecard(cx, &applications).await? {
        let message = "You have yet to write your scorecard about this candidate.";
        return Err(Error::new(Code::Forbidden, message)
            .field("everything")
            .hint("Write it with create_scorecard: until then the others' are hidden from you."));
    }
    let moves: Vec<Id<Move>> = naming(cx, "application", &applications).await?;
    let offers: Vec<Id<Offer>> = naming(cx, "application", &applications).await?;
    let interviews: Vec<Id<Interview>> = naming(cx, "application", &applications).await?;
    let cards: Vec<Id<Scorecard>> = naming(cx, "application", &applications).await?;
    let roots = [
        of_kind(&people),
        of_kind(&applications),
        of_kind(&moves),
        of_kind(&offers),
        of_kind(&interviews),
        of_kind(&cards),
    ];
    let (records, changes) = cx.all_stored(&roots).await?;
    let records = records.into_iter();
    let records = records.map(|(kind, records)| {
        let records = records.into_iter().map(Value::Object);
        (kind, records.collect())
    });
    Ok(Stored {
        records: records.collect(),
        changes,
    })
}

fn of_kind<E: Entity>(ids: &[Id<E>]) -> (&'static str, Vec<i64>) {
    (E::TABLE, ids.iter().map(|id| id.raw()).collect())
}
