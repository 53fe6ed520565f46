//! The kinds of records that a process knows, with what reacts to them: what all modules declared, put together.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::any::AnyRecord;
use super::link::Link;
use super::reactions::AnyReaction;
use crate::error::{Error, Result};
use crate::kinds::KINDS;
use crate::permission::{Permission, only_reads};
use crate::store::Target;
use crate::types::id::decode;
use crate::types::text::plural;

/// The kinds of records.
pub struct Records {
    kinds: Vec<&'static dyn AnyRecord>,
    reactions: BTreeMap<&'static str, Vec<&'static dyn AnyReaction>>,
    provided: Vec<&'static (dyn Any + Send + Sync)>,
}

impl Records {
    /// Puts them together, what is used before what uses it: the kinds, what reacts to them, and what their modules provide.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when two kinds use one name, a kind is read by a permission that lets
    /// its holder write, or a reaction is to what is no kind here.
    pub fn new(
        kinds: Vec<&'static dyn AnyRecord>,
        reactions: impl Iterator<Item = &'static dyn AnyReaction>,
        provided: Vec<&'static (dyn Any + Send + Sync)>,
    ) -> Result<Arc<Self>> {
        for (place, kind) in kinds.iter().enumerate() {
            let shares =
                |(table, prefix): (&str, &str)| prefix == kind.prefix() || table == kind.table();
            let before = kinds.iter().take(place);
            let before = before.map(|other| (other.table(), other.prefix()));
            let own = KINDS.iter().map(|kind| (kind.table, kind.prefix));
            if before.chain(own).any(shares) {
                return Err(Error::internal(format!(
                    "two kinds of records share {} or its prefix {}",
                    kind.table(),
                    kind.prefix()
                )));
            }
            check_access(*kind)?;
        }
        let mut records = Self {
            kinds,
            reactions: BTreeMap::new(),
            provided,
        };
        for reaction in reactions {
            let covers = reaction.covers().iter().map(|covers| covers.table);
            for table in covers.chain([reaction.table()]) {
                if records.record(table).is_none() {
                    return Err(Error::internal(format!(
                        "{} is about {table}, which its module does not know",
                        reaction.name()
                    )));
                }
            }
            let of_table = records.reactions.entry(reaction.table()).or_default();
            of_table.push(reaction);
        }
        Ok(Arc::new(records))
    }

    /// Every kind of thing that the change log names: its table and the prefix of its identifiers.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        let records = self.kinds.iter();
        let records = records.map(|record| (record.table(), record.prefix()));
        records.chain(KINDS.iter().map(|kind| (kind.table, kind.prefix)))
    }

    /// The prefix of the identifiers of what stands in this table, where this build knows of it.
    #[must_use]
    pub fn prefix_of(&self, table: &str) -> Option<&'static str> {
        let mut kinds = self.kinds();
        kinds
            .find(|(known, _)| *known == table)
            .map(|(_, prefix)| prefix)
    }

    /// What it takes to be shown what stands in this table; nothing where permissions are not about it.
    pub fn reading(&self, table: &str) -> Option<Permission> {
        match self.record(table) {
            Some(kind) => Some(kind.access().read),
            None => KINDS.iter().find(|kind| kind.table == table)?.read,
        }
    }

    /// The records.
    #[must_use]
    pub fn all(&self) -> &[&'static dyn AnyRecord] {
        &self.kinds
    }

    /// The kinds of records that may refer to what stands in this table, each with the column by which they do; one that does
    /// so by two columns comes twice.
    pub fn referring_to(
        &self,
        table: &'static str,
    ) -> impl Iterator<Item = (&'static dyn AnyRecord, Link)> {
        self.links_of(|_| true, table)
    }

    /// The same of some of the kinds only.
    pub(crate) fn links_of(
        &self,
        is_wanted: impl Fn(&'static dyn AnyRecord) -> bool,
        table: &'static str,
    ) -> impl Iterator<Item = (&'static dyn AnyRecord, Link)> {
        let is_record = self.record(table).is_some();
        let prefix = self.prefix_of(table).unwrap_or_default();
        let kinds = self.kinds.iter().copied();
        let columns = kinds.filter(move |kind| is_wanted(*kind)).flat_map(|kind| {
            let columns = kind.references().into_iter();
            columns.map(move |column| (kind, column))
        });
        let links = columns.filter(move |(_, column)| match column.refers_to {
            Some(Target::Table(target)) => target == table,
            Some(Target::Any) => is_record,
            None => false,
        });
        links.map(move |(kind, column)| {
            let link = Link {
                column,
                table,
                prefix,
            };
            (kind, link)
        })
    }

    /// The kind of record of this name, in the singular or the plural.
    #[must_use]
    pub fn record_called(&self, name: &str) -> Option<&'static dyn AnyRecord> {
        let name = name.trim().to_lowercase().replace(['_', '-'], " ");
        let mut records = self.kinds.iter().copied();
        records.find(|kind| kind.noun() == name || plural(kind.noun()) == name)
    }

    /// The kind of record that this identifier is of, and its number.
    pub fn of_wire_id(&self, id: &str) -> Option<(&'static dyn AnyRecord, i64)> {
        let (prefix, number) = decode(id)?;
        Some((self.record_with_prefix(prefix)?, number))
    }

    /// The kind of record whose identifiers start with this.
    #[must_use]
    pub fn record_with_prefix(&self, prefix: &str) -> Option<&'static dyn AnyRecord> {
        let mut records = self.kinds.iter().copied();
        records.find(|record| record.prefix() == prefix)
    }

    /// The record in this table.
    #[must_use]
    pub fn record(&self, table: &str) -> Option<&'static dyn AnyRecord> {
        self.kinds
            .iter()
            .copied()
            .find(|record| record.table() == table)
    }

    /// What modules provide of this type, in the order of the modules.
    pub fn provided<T: Any>(&self) -> impl Iterator<Item = &'static T> + use<'_, T> {
        let values = self.provided.iter();
        values.filter_map(|value| value.downcast_ref())
    }

    /// What reacts to a write of a record in this table, in the order of the modules.
    pub fn reactions_to(&self, table: &str) -> &[&'static dyn AnyReaction] {
        self.reactions.get(table).map_or(&[], Vec::as_slice)
    }
}

/// What has to hold of the permissions of a kind of record.
fn check_access(record: &dyn AnyRecord) -> Result<()> {
    let access = record.access();
    let writes = [access.create, access.update, access.delete];
    let only_reads = |permission: Permission| only_reads(permission.name());
    if only_reads(access.read) && !writes.into_iter().any(only_reads) {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{} is to be read by a permission read_…, and written by others",
        record.table()
    )))
}
