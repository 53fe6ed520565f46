//! The kinds of things that the kernel itself keeps: what the change log names beside the modules' records, and what
//! modules' records refer to.

use crate::caller::{ApiKey, Member, Team, Workspace};
use crate::permission::{Permission, READ_TEAMS};
use crate::store::log::Change;
use crate::types::id::Entity;

/// One of them.
pub(crate) struct Kind {
    /// The table, as the change log names it.
    pub(crate) table: &'static str,
    /// The prefix of the identifiers by which the log names one.
    pub(crate) prefix: &'static str,
    /// What it is called in messages.
    pub(crate) noun: &'static str,
    /// What a caller must hold to be shown its name where a record refers to it.
    pub(crate) read: Option<Permission>,
}

impl Kind {
    const fn of<E: Entity>(read: Option<Permission>) -> Self {
        Self {
            table: E::TABLE,
            prefix: E::PREFIX,
            noun: E::NOUN,
            read,
        }
    }

    /// What the owner arranges for a workspace and the log names by the workspace.
    const fn of_workspace(table: &'static str) -> Self {
        Self {
            table,
            prefix: Workspace::PREFIX,
            noun: Workspace::NOUN,
            read: None,
        }
    }
}

/// All of them. No record of a module has a table or a prefix of these.
pub(crate) const KINDS: [Kind; 7] = [
    Kind::of::<Workspace>(None),
    Kind::of::<Member>(Some(READ_TEAMS)),
    Kind::of::<Team>(Some(READ_TEAMS)),
    Kind::of::<ApiKey>(None),
    Kind::of::<Change>(None),
    Kind::of_workspace("attribute_definition"),
    Kind::of_workspace("exchange_rate"),
];
