//! `undo_change`

use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Change;
use bureau_kernel::undo::{Undone, own_since, own_with_key, undo};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UNDO_CHANGES;

/// Which change to take back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UndoChange {
    /// Change id, as every write returns it
    change: Option<Id<Change>>,
    /// Several, the newest first
    changes: Option<Vec<Id<Change>>>,
    /// Of a call with this idempotency key
    key: Option<ShortText<200>>,
    /// All that you did since then
    since: Option<When>,
    /// Leave records alone that changed since
    skip_conflicts: Option<bool>,
}

impl Tool for UndoChange {
    const SPEC: Spec = Spec::changes("undo_change", UNDO_CHANGES)
        .title("Undo change")
        .core()
        .about("Take back what one call or several changed, all or nothing; itself undoable.")
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
            ("/data/undone/0", r#""{change}""#),
            ("/data/records/0/id", r#""{kate}""#),
            ("/data/records/0/name", r#""Katherine Johnson""#),
        ],
    }];
    type Output = Undone;

    async fn call(self, cx: &mut Cx) -> Result<Undone> {
        let ways = [
            ("change", self.change.is_some()),
            ("changes", self.changes.is_some()),
            ("key", self.key.is_some()),
            ("since", self.since.is_some()),
        ];
        let mut given = ways.iter().filter(|(_, is_given)| *is_given);
        if given.clone().count() != 1 {
            let field = given.next_back().map_or("change", |(name, _)| name);
            let message = "Give one of change, changes, key and since.";
            return Err(Error::invalid(field, message));
        }
        let changes = if let Some(key) = &self.key {
            vec![own_with_key(cx, key).await?]
        } else if let (Some(since), _) =
            cx.moments(("since", self.since.as_ref()), ("since", None))?
        {
            own_since(cx, since).await?
        } else {
            let one = self.change.into_iter();
            one.chain(self.changes.unwrap_or_default()).collect()
        };
        undo(cx, changes, self.skip_conflicts.unwrap_or(false)).await
    }
}
