//! `get_candidate`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::all_stored::{Stored, all_stored};
use crate::candidate::Candidate;
use crate::{CANDIDATES, PLACE};

/// Which candidate to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetCandidate {
    candidate: Id<Candidate>,
    /// All that is stored on them
    everything: Option<bool>,
}

/// A candidate.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CandidateDetails {
    #[serde(flatten)]
    candidate: View<Candidate>,
    /// As it is stored, with its history, where everything was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
}

impl Tool for GetCandidate {
    const SPEC: Spec = Spec::reads("get_candidate", CANDIDATES.read)
        .covers(PLACE)
        .title("Get candidate")
        .about("Get a candidate with CV, applications and every stage that they went through.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How did it go with Moist so far?",
            before: &[
                Step {
                    tool: "create_job",
                    arguments: r#"{"title": "Postmaster"}"#,
                    keep: &[("post", "/data/id")],
                },
                Step {
                    tool: "create_candidate",
                    arguments: r#"{"name": "Moist von Lipwig", "job": "{post}"}"#,
                    keep: &[("moist", "/data/id")],
                },
                Step {
                    tool: "update_application_status",
                    arguments: r#"{"application": "Moist von Lipwig", "stage": "Interview", "note": "Charming"}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"candidate": "{moist}"}"#,
            expect: &[
                ("/data/applications/0/stage/name", r#""Interview""#),
                ("/data/applications/0/moves/0/stage/name", r#""Applied""#),
                ("/data/applications/0/moves/1/stage/name", r#""Interview""#),
                ("/data/applications/0/moves/1/note", r#""Charming""#),
            ],
        },
        Example {
            title: "He asks what we have stored about him",
            before: &[],
            arguments: r#"{"candidate": "{moist}", "everything": true}"#,
            expect: &[
                (
                    "/data/stored/records/candidates/0/name",
                    r#""Moist von Lipwig""#,
                ),
                (
                    "/data/stored/records/applications/0/job_name",
                    r#""Postmaster""#,
                ),
                ("/data/stored/changes/0/action", r#""create""#),
            ],
        },
    ];
    type Output = CandidateDetails;

    async fn call(self, cx: &mut Cx) -> Result<CandidateDetails> {
        let candidate = cx.get(self.candidate).await?;
        let stored = match self.everything {
            Some(true) => Some(all_stored(cx, candidate.id).await?),
            _ => None,
        };
        Ok(CandidateDetails {
            candidate: cx.view(candidate).await?,
            stored,
        })
    }
}
