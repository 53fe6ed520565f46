//! Applications are called as their candidate is, whoever writes that: a tool, an import, an undo.

use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Action;

use crate::application::Application;
use crate::candidate::Candidate;
use crate::placing::rename_applications;

/// Renames what a candidate applied for when the candidate is called otherwise.
pub(crate) struct Rename;

impl Reaction for Rename {
    type To = Candidate;
    const ON: &'static [Action] = &[Action::Update];
    const COVERS: &'static [Covers] = &[Covers::update::<Application>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Candidate>) -> Result<()> {
        match (to.before, to.after) {
            (Some(before), Some(after)) if before.name != after.name => {
                rename_applications(cx, after).await
            }
            _ => Ok(()),
        }
    }
}
