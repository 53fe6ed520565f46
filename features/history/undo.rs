//! `undo_change`

use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Change;
use bureau_kernel::undo::{Undone, undo};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UNDO_CHANGES;

/// Which change to take back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UndoChange {
    /// Change id, as every write returns it
    change: Id<Change>,
    /// Leave records alone that changed since
    skip_conflicts: Option<bool>,
}

impl Tool for UndoChange {
    const SPEC: Spec = Spec::changes("undo_change", UNDO_CHANGES)
        .title("Undo change")
        .about("Take back all that one call changed, bulk included; itself undoable.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "That was wrong: take the last change back",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Katherine Johnson", "title": "Computer"}"#,
                keep: &[("kate", "/data/id")],
            },
            Step {
                tool: "update_contact",
                arguments: r#"{"contact": "{kate}", "title": "Typist"}"#,
                keep: &[("change", "/change")],
            },
        ],
        arguments: r#"{"change": "{change}"}"#,
        expect: &[
            ("/data/undone", r#""{change}""#),
            ("/data/records/0", r#""{kate}""#),
        ],
    }];
    type Output = Undone;

    async fn call(self, cx: &mut Cx) -> Result<Undone> {
        undo(cx, self.change, self.skip_conflicts.unwrap_or(false)).await
    }
}
