//! What a caller may do: named permissions, what each kind of record takes of them, sets of them, and the two presets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::store::log::Action;
use crate::types::id::Entity;
use crate::types::text::nearest;

/// A permission such as `read_contacts`: a verb and the entities that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(&'static str);

/// See members and teams.
pub const READ_TEAMS: Permission = Permission::new("read_teams");
/// Arrange the workspace, its members and its custom attributes.
pub const MANAGE_WORKSPACE: Permission = Permission::new("manage_workspace");

impl Permission {
    /// Names a permission. Modules declare theirs as constants.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as it stands in keys and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Whether the permission of this name lets its holder see and nothing else. What is taken out could be read one by one.
#[must_use]
pub fn only_reads(name: &str) -> bool {
    name.starts_with("read_") || name.starts_with("export_")
}

/// What is done with a record, as far as permissions tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// It is shown.
    Read,
    /// It is new.
    Create,
    /// Fields change.
    Update,
    /// It is deleted, brought back, or erased for good.
    Delete,
}

impl Operation {
    /// What an action of the change log is.
    #[must_use]
    pub const fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Archive | Action::Restore | Action::Purge | Action::Redact => Self::Delete,
        }
    }

    /// What takes an action back. What cannot be taken back is as good as deleting.
    #[must_use]
    pub const fn inverse_of(action: Action) -> Self {
        match action {
            Action::Update => Self::Update,
            Action::Create | Action::Archive | Action::Restore | Action::Purge | Action::Redact => {
                Self::Delete
            }
        }
    }

    /// What a caller would do, for messages.
    const fn doing(self) -> &'static str {
        match self {
            Self::Read => "Reading",
            Self::Create => "Adding",
            Self::Update => "Changing",
            Self::Delete => "Deleting or restoring",
        }
    }
}

/// What a caller must hold to do something with records of a kind, whichever tool does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// To be shown one, or its name where another record refers to it.
    pub read: Permission,
    /// To add one.
    pub create: Permission,
    /// To change one.
    pub update: Permission,
    /// To delete one, restorably or for good, and to bring it back.
    pub delete: Permission,
}

/// The four permissions of a group of records: `access!("deals")` are `read_deals`, `create_deals`, `update_deals` and
/// `delete_deals`.
#[macro_export]
macro_rules! access {
    ($records:literal) => {
        $crate::permission::Access {
            read: $crate::permission::Permission::new(concat!("read_", $records)),
            create: $crate::permission::Permission::new(concat!("create_", $records)),
            update: $crate::permission::Permission::new(concat!("update_", $records)),
            delete: $crate::permission::Permission::new(concat!("delete_", $records)),
        }
    };
}

impl Access {
    /// What an operation takes.
    #[must_use]
    pub const fn to(self, operation: Operation) -> Permission {
        match operation {
            Operation::Read => self.read,
            Operation::Create => self.create,
            Operation::Update => self.update,
            Operation::Delete => self.delete,
        }
    }

    /// All four.
    #[must_use]
    pub const fn all(self) -> [Permission; 4] {
        [self.read, self.create, self.update, self.delete]
    }
}

/// Says that a caller lacks a permission for what it wants done with records of a kind.
pub(crate) fn lacking(permission: Permission, operation: Operation, noun: &str) -> Error {
    let (name, doing) = (permission.name(), operation.doing());
    Error::new(
        Code::Forbidden,
        format!("{doing} records of the kind {noun} takes the permission {name}, which you do not have."),
    )
    .hint(format!(
        "Nothing was written. Leave out what needs it, or use a key that holds {name} and whose member may use it."
    ))
    .detail("permission", name)
    .detail("kind", noun)
}

/// The permissions of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// Whatever there is, also what later versions add: the owner of the data.
    Everything,
    /// These, by name.
    Named(Arc<BTreeSet<String>>),
}

impl Grants {
    /// Whether this caller holds `permission`.
    #[must_use]
    pub fn allow(&self, permission: Permission) -> bool {
        match self {
            Self::Everything => true,
            Self::Named(names) => names.contains(permission.name()),
        }
    }

    /// Reads a list of names, presets (`full`, `read-only`) and short forms (`contacts:read`, `contacts:write`,
    /// `contacts:delete`) against the permissions that exist.
    ///
    /// # Errors
    /// [`Code::Validation`] for a name that does not exist, with the nearest one.
    pub fn parse<'a>(
        words: impl IntoIterator<Item = &'a str>,
        known: &BTreeSet<&'static str>,
    ) -> Result<Self> {
        let mut names = BTreeSet::new();
        for word in words
            .into_iter()
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            match word {
                "full" => return Ok(Self::Everything),
                "read-only" => names.extend(
                    known
                        .iter()
                        .filter(|name| only_reads(name))
                        .map(|n| (*n).to_owned()),
                ),
                _ if known.contains(word) => {
                    names.insert(word.to_owned());
                }
                _ => names.extend(short_form(word, known).ok_or_else(|| unknown(word, known))?),
            }
        }
        if names.is_empty() {
            return Err(
                Error::invalid("permissions", "Name at least one permission.")
                    .hint("Use a preset (read-only or full) or names such as read_contacts."),
            );
        }
        Ok(Self::Named(Arc::new(names)))
    }

    /// The names as they are stored: `*` stands for everything.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Everything => vec!["*"],
            Self::Named(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// Reads what [`Grants::names`] wrote. A name that this build does not know simply grants nothing.
    #[must_use]
    pub fn from_names(names: &[String]) -> Self {
        if names.iter().any(|name| name == "*") {
            Self::Everything
        } else {
            Self::Named(Arc::new(names.iter().cloned().collect()))
        }
    }
}

/// `contacts:write` and its kind: the entity and one of read, write, delete.
fn short_form(word: &str, known: &BTreeSet<&'static str>) -> Option<Vec<String>> {
    let (entities, access) = word.split_once(':')?;
    let verbs: &[&str] = match access {
        "read" => &["read"],
        "write" => &["create", "update"],
        "delete" => &["delete"],
        _ => return None,
    };
    let names: Vec<_> = verbs
        .iter()
        .map(|verb| format!("{verb}_{entities}"))
        .filter(|name| known.contains(name.as_str()))
        .collect();
    (!names.is_empty()).then_some(names)
}

fn unknown(word: &str, known: &BTreeSet<&'static str>) -> Error {
    let error = Error::invalid("permissions", format!("There is no permission {word:?}."));
    match nearest(word, known.iter().copied()) {
        Some(name) => error.hint(format!("Did you mean {name}?")),
        None => error.hint("`bureau tools` lists the permission of each tool."),
    }
}

/// An operation on records of a kind that a tool's own permission is enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covers {
    /// Their table.
    pub table: &'static str,
    /// What the tool does with them.
    pub operation: Operation,
}

impl Covers {
    /// It shows the names of such records.
    #[must_use]
    pub const fn read<R: Entity>() -> Self {
        Self::new::<R>(Operation::Read)
    }

    /// It adds such records.
    #[must_use]
    pub const fn create<R: Entity>() -> Self {
        Self::new::<R>(Operation::Create)
    }

    /// It changes such records.
    #[must_use]
    pub const fn update<R: Entity>() -> Self {
        Self::new::<R>(Operation::Update)
    }

    /// It deletes such records, or erases what is personal in them.
    #[must_use]
    pub const fn delete<R: Entity>() -> Self {
        Self::new::<R>(Operation::Delete)
    }

    const fn new<R: Entity>(operation: Operation) -> Self {
        Self {
            table: R::TABLE,
            operation,
        }
    }
}
