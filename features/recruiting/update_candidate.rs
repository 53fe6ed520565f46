//! `update_candidate`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::candidate::{Candidate, refuse_future_consent};
use crate::{CANDIDATES, PLACE};

/// What changes in a candidate.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateCandidate {
    candidate: Id<Candidate>,
    clear: Option<Vec<ClearField<Candidate>>>,
    #[serde(flatten)]
    fields: Patch<Candidate>,
}

impl Tool for UpdateCandidate {
    const SPEC: Spec = Spec::changes("update_candidate", CANDIDATES.update)
        .covers(PLACE)
        .title("Update candidate")
        .about("Update fields of a candidate; lists are replaced whole.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Adora works for the post now",
        before: &[Step {
            tool: "create_candidate",
            arguments: r#"{"name": "Adora Dearheart", "employer": "Golem Trust", "phone": "+49 30 1234567"}"#,
            keep: &[("adora", "/data/id")],
        }],
        arguments: r#"{"candidate": "{adora}", "employer": "Post Office", "clear": ["phone"], "version": 1}"#,
        expect: &[
            ("/data/employer", r#""Post Office""#),
            ("/data/phone", "null"),
            ("/data/version", "2"),
        ],
    }];
    type Output = View<Candidate>;

    async fn call(self, cx: &mut Cx) -> Result<View<Candidate>> {
        let mut edit = cx.edit(self.candidate).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        refuse_future_consent(cx, &edit)?;
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
