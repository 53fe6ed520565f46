//! What belongs to a record goes where it goes: it is archived and erased with it, in the same change.

use std::collections::{HashMap, HashSet};

use super::AnyRecord;
use super::write::has_dependents;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::types::id::encode;

/// Records that go together: some, what belongs to them, and what belongs to that in turn.
pub(crate) struct Family {
    /// What belongs to another one, by kind; what something belongs to stands before it.
    descendants: Vec<(&'static dyn AnyRecord, Vec<i64>)>,
    /// All of them.
    members: HashSet<(&'static str, i64)>,
}

impl Family {
    /// The family of these records of one table; deleted ones belong to it where `all` are asked for.
    pub(crate) async fn of(
        cx: &mut Cx,
        table: &'static str,
        ids: &[i64],
        all: bool,
    ) -> Result<Self> {
        let mut family = Self {
            descendants: Vec::new(),
            members: ids.iter().map(|id| (table, *id)).collect(),
        };
        let registry = cx.records().clone();
        let mut generation = vec![(table, ids.to_vec())];
        while !generation.is_empty() {
            let mut next = Vec::new();
            for (table, ids) in generation {
                for (kind, link) in registry.referring_to(table) {
                    if !link.column.is_parent {
                        continue;
                    }
                    let mut children = kind.referring(cx, link, &ids, all).await?;
                    children.retain(|id| family.members.insert((kind.table(), *id)));
                    if !children.is_empty() {
                        family.descendants.push((kind, children.clone()));
                        next.push((kind.table(), children));
                    }
                }
            }
            generation = next;
        }
        Ok(family)
    }

    /// The records outside of the family that hold on to one of these of a table: to which, and what they are called on the
    /// wire.
    pub(crate) async fn held(
        &self,
        cx: &mut Cx,
        table: &'static str,
        ids: &[i64],
    ) -> Result<HashMap<i64, Vec<String>>> {
        let mut held: HashMap<i64, Vec<String>> = HashMap::new();
        for (kind, link) in cx.records().clone().referring_to(table) {
            if link.column.is_parent {
                continue;
            }
            for (target, id) in kind.holding(cx, link, ids).await? {
                if !self.members.contains(&(kind.table(), id)) {
                    let names = held.entry(target).or_default();
                    names.push(encode(kind.prefix(), id));
                }
            }
        }
        Ok(held)
    }

    /// Refuses to let these of a table go, with what belongs to them, where others that stay hold on to one of them.
    pub(crate) async fn refuse_held(
        &self,
        cx: &mut Cx,
        noun: &str,
        table: &'static str,
        ids: &[i64],
    ) -> Result<()> {
        let held = self.held(cx, table, ids).await?;
        let names: Vec<String> = held.into_values().flatten().collect();
        if !names.is_empty() {
            return Err(refusal(has_dependents(noun, &names), &names));
        }
        self.refuse_descendants_held(cx, noun).await
    }

    /// The same for what belongs to them alone.
    pub(crate) async fn refuse_descendants_held(&self, cx: &mut Cx, noun: &str) -> Result<()> {
        for (kind, ids) in &self.descendants {
            let held = self.held(cx, kind.table(), ids).await?;
            let names: Vec<String> = held.into_values().flatten().collect();
            if !names.is_empty() {
                let child = kind.noun();
                let dependents = has_dependents(child, &names);
                let message = format!("A {child} goes along with its {noun}. {dependents}");
                return Err(refusal(message, &names));
            }
        }
        Ok(())
    }

    /// Archives what belongs to the records, the last descendants first.
    pub(crate) async fn archive_descendants(&self, cx: &mut Cx) -> Result<()> {
        for (kind, ids) in self.descendants.iter().rev() {
            kind.archive_each(cx, ids).await?;
        }
        Ok(())
    }

    /// Erases what belongs to the records, the last descendants first.
    pub(crate) async fn purge_descendants(&self, cx: &mut Cx) -> Result<()> {
        for (kind, ids) in self.descendants.iter().rev() {
            kind.purge_each(cx, ids).await?;
        }
        Ok(())
    }
}

/// Says that others hold on to what is to go.
fn refusal(message: String, names: &[String]) -> Error {
    Error::conflict(message)
        .hint("Delete or change them first, or say where they should point (reassign_to) if the tool offers it.")
        .detail("dependents", names.iter().take(100).cloned().collect::<Vec<_>>())
}
