//! What a caller may do: named permissions, sets of them, and the two presets.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::types::text::nearest;

/// A permission such as `read_contacts`: a verb and the entities that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(&'static str);

impl Permission {
    /// Names a permission. Rooms declare theirs as constants.
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

/// The permissions of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// Whatever there is, also what later versions add: the owner of the data.
    Everything,
    /// These, by name.
    Named(BTreeSet<String>),
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
    /// [`Code::Validation`](crate::error::Code::Validation) for a name that does not exist, with the nearest one.
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
                        .filter(|name| name.starts_with("read_"))
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
        Ok(Self::Named(names))
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
            Self::Named(names.iter().cloned().collect())
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
