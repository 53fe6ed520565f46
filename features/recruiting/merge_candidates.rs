//! `merge_candidates`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::candidate::Candidate;
use crate::placing::{applications_of, rename_applications};
use crate::{CANDIDATES, PLACE};

/// Candidates to be made one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeCandidates {
    /// The candidate that stays
    keep: Id<Candidate>,
    /// Candidates that go into it, up to 20
    merge: Vec<Id<Candidate>>,
}

impl Tool for MergeCandidates {
    const SPEC: Spec = Spec::changes("merge_candidates", CANDIDATES.update)
        .covers(PLACE)
        .title("Merge candidates")
        .about("Make one of candidates who are one person; their applications and files move.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Tiffany applied twice, with two addresses: that is one person",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Witch"}"#,
                keep: &[("witch", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Tiffany Aching", "email": "tiffany@chalk.example"}"#,
                keep: &[("first", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "T. Aching", "phone": "+49 30 7654321", "job": "{witch}"}"#,
                keep: &[("second", "/data/id")],
            },
        ],
        arguments: r#"{"keep": "{first}", "merge": ["{second}"], "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{first}""#),
            ("/data/phone", r#""+49 30 7654321""#),
            ("/data/applications/0/job/name", r#""Witch""#),
        ],
    }];
    type Output = View<Candidate>;

    async fn call(self, cx: &mut Cx) -> Result<View<Candidate>> {
        let all = self.merge.iter().enumerate();
        let all = all.map(|(index, id)| (format!("merge[{index}]"), *id));
        for (field, id) in [("keep".to_owned(), self.keep)].into_iter().chain(all) {
            let candidate = cx.get(id).await.map_err(|error| error.field(&field))?;
            if candidate.anonymized_on.is_some() {
                let message = "Who that was is not known any more.";
                return Err(Error::conflict(message)
                    .field(field)
                    .hint("Leave out candidates that were anonymized."));
            }
        }
        let kept = duplicates::merge(cx, self.keep, &self.merge, |_| ()).await?;
        let applications = applications_of(cx, &[kept.id]).await?;
        let running = applications.iter().filter(|one| !one.status.is_exit());
        let mut jobs = std::collections::BTreeSet::new();
        for application in running {
            if !jobs.insert(application.job.raw()) {
                let message = format!(
                    "Two of them apply for the same job: {} is one application too many.",
                    application.id
                );
                return Err(Error::conflict(message)
                    .field("merge")
                    .hint("End one of the two with update_application_status first."));
            }
        }
        rename_applications(cx, &kept).await?;
        cx.view(kept).await
    }
}
