//! What belongs to a record goes where it goes: it is archived and erased with it, in the same change.

use std::collections::{HashMap, HashSet};

use super::AnyRecord;
use super::names::NamedRecord;
use crate::error::{Error, Result};
use crate::record::Cx;

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

    /// What belongs to them, by kind.
    pub(crate) fn into_descendants(self) -> Vec<(&'static dyn AnyRecord, Vec<i64>)> {
        self.descendants
    }

    /// The records outside of the family that hold on to one of these of a table: to which, and their tables and numbers.
    pub(crate) async fn held(
        &self,
        cx: &mut Cx,
        table: &'static str,
        ids: &[i64],
    ) -> Result<HashMap<i64, Vec<(&'static str, i64)>>> {
        let mut held: HashMap<i64, Vec<(&'static str, i64)>> = HashMap::new();
        for (kind, link) in cx.records().clone().referring_to(table) {
            if link.column.is_parent {
                continue;
            }
            for (target, id) in kind.holding(cx, link, ids).await? {
                if !self.members.contains(&(kind.table(), id)) {
                    held.entry(target).or_default().push((kind.table(), id));
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
        if !held.is_empty() {
            let dependents = Dependents::of(cx, held.into_values().flatten()).await?;
            return Err(dependents.refusal(dependents.described(noun)));
        }
        self.refuse_descendants_held(cx, noun).await
    }

    /// The same for what belongs to them alone.
    pub(crate) async fn refuse_descendants_held(&self, cx: &mut Cx, noun: &str) -> Result<()> {
        for (kind, ids) in &self.descendants {
            let held = self.held(cx, kind.table(), ids).await?;
            if !held.is_empty() {
                let dependents = Dependents::of(cx, held.into_values().flatten()).await?;
                let child = kind.noun();
                let described = dependents.described(child);
                let message = format!("A {child} goes along with its {noun}. {described}");
                return Err(dependents.refusal(message));
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

/// Records that refer to one that is to go: how many, and the first of them with their names, as far as the caller may read them.
pub(crate) struct Dependents {
    count: usize,
    first: Vec<NamedRecord>,
}

impl Dependents {
    /// So many are named in an error's details.
    const NAMED: usize = 100;
    /// And so many in its message.
    const SHOWN: usize = 10;

    /// These, by their tables and numbers.
    pub(crate) async fn of(
        cx: &mut Cx,
        all: impl IntoIterator<Item = (&'static str, i64)>,
    ) -> Result<Self> {
        let mut all: Vec<(&str, i64)> = all.into_iter().collect();
        let count = all.len();
        all.truncate(Self::NAMED);
        let first = cx.named(&all).await?;
        Ok(Self { count, first })
    }

    /// The first of them in words: by their identifiers, since an error's words repeat nothing that somebody wrote.
    pub(crate) fn shown(&self) -> String {
        let shown = self.first.iter().take(Self::SHOWN);
        let shown: Vec<&str> = shown.map(|record| record.id.as_str()).collect();
        shown.join(", ")
    }

    /// That they refer to something of this noun.
    pub(crate) fn described(&self, noun: &str) -> String {
        let count = self.count;
        let others = match count {
            1 => "other record refers",
            _ => "other records refer",
        };
        let more = match count > Self::SHOWN {
            true => ", and more",
            false => "",
        };
        let shown = self.shown();
        format!("{count} {others} to this {noun}: {shown}{more}.")
    }

    /// Names them in an error.
    pub(crate) fn detail(&self, error: Error) -> Error {
        let first = serde_json::to_value(&self.first).unwrap_or_default();
        error.detail("dependents", first)
    }

    /// Says that they hold on to what is to go.
    fn refusal(&self, message: String) -> Error {
        self.detail(Error::conflict(message).hint(
            "Delete or change them first, or say where they should point (reassign_to) if the tool offers it.",
        ))
    }
}
