//! What refers to a record, and where that goes when the record goes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Data;

use crate::caller::{ApiKey, Member};
use crate::error::{Error, Result};
use crate::record::{AnyRecord, Cx, Record, Saved};
use crate::types::id::{AnyId, Entity, Id, encode};

/// A record by its identifier and name.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(inline, bound = "")]
pub struct Named<E: Entity> {
    /// Its identifier.
    pub id: Id<E>,
    /// Its name; none for a caller who may not read such records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl<R: Record> Saved<R> {
    /// It by its identifier and its label.
    #[must_use]
    pub fn named(&self) -> Named<R> {
        Named {
            id: self.id,
            name: Some(self.record.label()),
        }
    }
}

/// In messages: the identifier, and the name where the caller may read it.
impl<E: Entity> fmt::Display for Named<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name})", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// In the details of errors.
impl<E: Entity> From<Named<E>> for Data {
    fn from(named: Named<E>) -> Self {
        serde_json::to_value(named).unwrap_or_default()
    }
}

/// Names of records, looked up together: those that the caller may read.
pub struct Names<E>(HashMap<Id<E>, String>);

impl<E: Entity> Names<E> {
    /// The record with its name.
    #[must_use]
    pub fn of(&self, id: Id<E>) -> Named<E> {
        Named {
            id,
            name: self.0.get(&id).cloned(),
        }
    }

    /// The same where a name has to be.
    pub(crate) fn with_name(&self, id: Id<E>) -> (Id<E>, String) {
        (id, self.0.get(&id).cloned().unwrap_or_default())
    }
}

/// A record of any kind by its identifier and name.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct NamedAny {
    /// Its identifier.
    pub id: AnyId,
    /// What such a record is called.
    pub kind: &'static str,
    /// Its name; none for a caller who may not read such records.
    pub name: Option<String>,
}

/// Names of records of any kind, looked up together: those that the caller may read.
pub struct AnyNames(HashMap<AnyId, (&'static str, Option<String>)>);

impl AnyNames {
    /// The record with its name.
    #[must_use]
    pub fn of(&self, id: AnyId) -> NamedAny {
        let (kind, name) = self.0.get(&id).cloned().unwrap_or(("record", None));
        NamedAny { id, kind, name }
    }
}

impl Cx {
    /// What records of each kind that there is are called, in the singular.
    pub fn kinds_of_records(&self) -> impl Iterator<Item = &'static str> {
        let records = self.records().all().iter();
        records.map(|kind| kind.noun())
    }

    /// The prefix of the identifiers of records that are called this, in the singular or the plural.
    #[must_use]
    pub fn prefix_of_kind(&self, name: &str) -> Option<&'static str> {
        self.records().record_called(name).map(AnyRecord::prefix)
    }

    /// The names of these records of any kind, deleted ones too, as far as the caller may read records of their kinds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn any_names(&mut self, ids: impl IntoIterator<Item = AnyId>) -> Result<AnyNames> {
        let mut by_kind: BTreeMap<String, Vec<AnyId>> = BTreeMap::new();
        for id in ids {
            by_kind.entry(id.prefix().to_owned()).or_default().push(id);
        }
        let mut names = HashMap::new();
        for (prefix, ids) in by_kind {
            let Some(kind) = self.records().record_with_prefix(&prefix) else {
                continue;
            };
            let raw: Vec<i64> = ids.iter().map(AnyId::raw).collect();
            let of_kind = self.names_in_table(kind.table(), &raw).await?;
            for id in ids {
                let name = of_kind.get(&id.raw()).cloned();
                names.insert(id, (kind.noun(), name));
            }
        }
        Ok(AnyNames(names))
    }

    /// The names of these records, deleted ones too, as far as the caller may read records of this kind.
    ///
    /// # Errors
    /// What the database says.
    pub async fn names<E: Entity>(
        &mut self,
        ids: impl IntoIterator<Item = Id<E>>,
    ) -> Result<Names<E>> {
        let ids: Vec<i64> = ids.into_iter().map(Id::raw).collect();
        let names = self.names_in_table(E::TABLE, &ids).await?.into_iter();
        Ok(Names(
            names.map(|(id, name)| (Id::from_raw(id), name)).collect(),
        ))
    }

    /// The names of these members for whoever may see what they did.
    ///
    /// # Errors
    /// What the database says.
    pub async fn member_names(
        &mut self,
        ids: impl IntoIterator<Item = Id<Member>>,
    ) -> Result<Names<Member>> {
        self.names_in(Member::TABLE, "id", ids).await
    }

    /// The names of these keys, as they are called in this workspace; revoked ones too.
    ///
    /// # Errors
    /// What the database says.
    pub async fn key_names(
        &mut self,
        ids: impl IntoIterator<Item = Id<ApiKey>>,
    ) -> Result<Names<ApiKey>> {
        self.names_in("api_key_grant", "api_key", ids).await
    }

    async fn names_in<E: Entity>(
        &mut self,
        table: &'static str,
        column: &'static str,
        ids: impl IntoIterator<Item = Id<E>>,
    ) -> Result<Names<E>> {
        let ids: Vec<i64> = ids.into_iter().map(Id::raw).collect();
        let names = self.names_by(table, column, &ids).await?.into_iter();
        Ok(Names(
            names.map(|(id, name)| (Id::from_raw(id), name)).collect(),
        ))
    }

    /// How many live records refer to this one, by their kind; of kinds that the caller may read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn linked<R: Record>(&mut self, id: Id<R>) -> Result<BTreeMap<&'static str, i64>> {
        let mut linked = BTreeMap::new();
        for (kind, link) in self.records().clone().referring_to(R::TABLE) {
            if !self.may_read(kind.table()) {
                continue;
            }
            let count = kind.count_referring(self, link, id.raw()).await?;
            if count > 0 {
                *linked.entry(kind.noun()).or_default() += count;
            }
        }
        Ok(linked)
    }

    /// The live records that hold on to something that is deleted, with the name of the column that does. There is
    /// none, unless somebody wrote to the database past Bureau.
    ///
    /// # Errors
    /// What the database says.
    pub async fn dangling(&mut self) -> Result<Vec<(String, &'static str)>> {
        let mut found = Vec::new();
        for kind in self.records().clone().all() {
            for (id, column) in kind.dangling(self, None).await? {
                found.push((encode(kind.prefix(), id), column.name));
            }
        }
        Ok(found)
    }

    /// Whether any live record refers to this one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn is_linked<R: Record>(&mut self, id: Id<R>) -> Result<bool> {
        for (kind, link) in self.records().clone().referring_to(R::TABLE) {
            if kind.count_referring(self, link, id.raw()).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes everything that refers to a record refer to its heir, where there is one. Fields are called as in the tools
    /// that delete.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) when it is its own heir;
    /// [`Code::NotFound`](crate::error::Code::NotFound) when one of them is not there.
    pub(crate) async fn reassign<R: Record>(
        &mut self,
        id: Id<R>,
        heir: Option<Id<R>>,
    ) -> Result<()> {
        let Some(heir) = heir else { return Ok(()) };
        if heir == id {
            let message = format!("This is the {} that is deleted.", R::NOUN);
            return Err(Error::invalid("reassign_to", message));
        }
        self.get(heir)
            .await
            .map_err(|error| error.field("reassign_to"))?;
        self.get(id).await?;
        self.repoint(R::TABLE, id.raw(), Some(heir.raw())).await?;
        Ok(())
    }

    /// Deletes a record: restorably, or for good.
    ///
    /// # Errors
    /// As [`Cx::archive`] and [`Cx::purge`].
    pub async fn remove<R: Record>(&mut self, id: Id<R>, purge: bool) -> Result<Saved<R>> {
        if purge {
            self.purge(id).await
        } else {
            self.archive(id).await
        }
    }
}
