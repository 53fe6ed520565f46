//! `export_candidate`

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::CANDIDATES;
use crate::anonymize::{naming, one_person};
use crate::application::Application;
use crate::candidate::Candidate;
use crate::candidate_view::owes_scorecard;
use crate::interview::{Interview, Scorecard};
use crate::moves::Move;
use crate::offer::Offer;

/// About whom.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExportCandidate {
    candidate: Id<Candidate>,
}

/// All that is stored on a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoredOnPerson {
    /// By kind: candidates (with those merged into this one), applications, moves, offers, interviews, scorecards, notes, files.
    records: Map<String, Value>,
    /// What was done to each of them, the oldest first.
    changes: Vec<Map<String, Value>>,
}

/// Who may see what was changed, as the group history has it.
const READ_AUDIT_LOG: Permission = Permission::new("read_audit_log");

impl Tool for ExportCandidate {
    const SPEC: Spec = Spec::reads("export_candidate", CANDIDATES.read)
        .title("Export candidate")
        .about("Get all that is stored on a candidate, with its history, for one who asks.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Adorabelle asks what we know about her",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Clacks Operator"}"#,
                keep: &[("clacks", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Adorabelle Dearheart", "job": "{clacks}"}"#,
                keep: &[("adorabelle", "/data/id")],
            },
        ],
        arguments: r#"{"candidate": "{adorabelle}"}"#,
        expect: &[
            (
                "/data/records/candidates/0/name",
                r#""Adorabelle Dearheart""#,
            ),
            (
                "/data/records/applications/0/job_name",
                r#""Clacks Operator""#,
            ),
            ("/data/changes/0/action", r#""create""#),
        ],
    }];
    type Output = StoredOnPerson;

    async fn call(self, cx: &mut Cx) -> Result<StoredOnPerson> {
        if !cx.caller().may(READ_AUDIT_LOG) {
            let name = READ_AUDIT_LOG.name();
            let message = format!(
                "What was changed of a person belongs to it, which takes the permission {name}."
            );
            return Err(Error::new(Code::Forbidden, message)
                .hint("Ask an owner or admin, or read what you may with get_candidate.")
                .detail("permission", name));
        }
        let candidate = cx.get(self.candidate).await?;
        let people = one_person(cx, candidate.id).await?;
        let applications: Vec<Id<Application>> = naming(cx, "candidate", &people).await?;
        if owes_scorecard(cx, &applications).await? {
            let message = "You have yet to write your scorecard about this candidate.";
            return Err(Error::new(Code::Forbidden, message)
                .field("candidate")
                .hint(
                    "Write it with create_scorecard: until then the others' are hidden from you.",
                ));
        }
        let moves: Vec<Id<Move>> = naming(cx, "application", &applications).await?;
        let offers: Vec<Id<Offer>> = naming(cx, "application", &applications).await?;
        let interviews: Vec<Id<Interview>> = naming(cx, "application", &applications).await?;
        let cards: Vec<Id<Scorecard>> = naming(cx, "application", &applications).await?;
        let roots = [
            (Candidate::TABLE, raw(&people)),
            (Application::TABLE, raw(&applications)),
            (Move::TABLE, raw(&moves)),
            (Offer::TABLE, raw(&offers)),
            (Interview::TABLE, raw(&interviews)),
            (Scorecard::TABLE, raw(&cards)),
        ];
        let (records, changes) = cx.all_stored(&roots).await?;
        let records = records.into_iter();
        let records = records.map(|(kind, records)| {
            let records = records.into_iter().map(Value::Object);
            (kind, records.collect())
        });
        Ok(StoredOnPerson {
            records: records.collect(),
            changes,
        })
    }
}

fn raw<E: bureau_kernel::types::id::Entity>(ids: &[Id<E>]) -> Vec<i64> {
    ids.iter().map(|id| id.raw()).collect()
}
