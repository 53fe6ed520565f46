//! A record as it stands in the database, and one that is being changed.

use std::ops::{Deref, DerefMut};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use super::write::{checked, write};
use super::{Attributes, ColumnSpec, Data, Record, SearchText, attribute_keys, cleaned};
use crate::caller::{Member, Workspace};
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::search::Doc;
use crate::store::log::Action;
use crate::store::{Column, Insert, Json, Kind, Row, Sql, Target, Value, sql};
use crate::types::id::{Id, decode};
use crate::types::time::Timestamp;

/// A record as it stands in the database.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Saved<R: Record> {
    /// Its identifier.
    pub id: Id<R>,
    /// What the module declared.
    #[serde(flatten)]
    pub record: R,
    /// Custom attributes.
    pub attributes: Json<Attributes>,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<Id<Member>>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted, if it is.
    pub archived_at: Option<Timestamp>,
}

impl<R: Record> Deref for Saved<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.record
    }
}

/// The columns that every record has.
pub(super) const HEAD: [(&str, Kind); 7] = [
    ("id", Kind::Int),
    ("version", Kind::Int),
    ("created_at", Kind::Time),
    ("created_by", Kind::Int),
    ("updated_at", Kind::Time),
    ("archived_at", Kind::Time),
    ("attributes", Kind::Json),
];

impl<R: Record> Saved<R> {
    /// Reads a row.
    ///
    /// # Errors
    /// [`Code::Unreadable`](crate::error::Code::Unreadable), naming the record, when it holds what no record has.
    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        let id = row.get("id")?;
        Self::with_id(id, row).map_err(|cause| Error::unreadable(R::NOUN, id, cause))
    }

    fn with_id(id: Id<R>, row: &Row) -> Result<Self> {
        Ok(Self {
            id,
            record: R::from_row(row)?,
            attributes: row.get("attributes")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
            updated_at: row.get("updated_at")?,
            archived_at: row.get("archived_at")?,
        })
    }

    /// The start of a `SELECT` of whole records.
    pub(crate) fn select() -> Sql {
        Self::select_with("")
    }

    /// The same with something before the record's own columns, such as `x AS y, `.
    pub(crate) fn select_with(first: &str) -> Sql {
        let mut statement = sql("SELECT ");
        statement.push(first);
        for (name, _) in HEAD {
            statement.push(name);
            statement.push(", ");
        }
        for (index, column) in R::COLUMNS.iter().enumerate() {
            if index > 0 {
                statement.push(", ");
            }
            statement.push(column.name);
        }
        statement.push(" FROM ");
        statement.push(R::TABLE);
        statement
    }

    /// What the search index holds of it.
    pub(crate) fn document(&self, workspace: i64) -> Option<Doc> {
        let text = self.text()?;
        let index_keys = self.all_index_keys();
        let mut filters: Vec<String> = index_keys
            .iter()
            .map(|(field, value)| filter(field, value))
            .collect();
        let columns = R::COLUMNS.iter().zip(self.record.values());
        filters.extend(columns.filter_map(|(column, value)| parent_filter(column, &value)));
        Some(Doc {
            workspace,
            kind: R::TABLE,
            id: self.id.raw(),
            title: self.record.label(),
            text: text.words,
            numbers: text.numbers,
            filters,
            readers: R::READERS.and_then(|name| self.readers(name)),
            unread: false,
        })
    }

    /// The number of the team in the column that names who may read it.
    fn readers(&self, name: &str) -> Option<i64> {
        let mut columns = R::COLUMNS.iter().zip(self.record.values());
        match columns.find(|(column, _)| column.name == name)? {
            (_, Value::Int(team)) => Some(team),
            _ => None,
        }
    }

    /// New records as they are written.
    pub(crate) fn insert(workspace: Id<Workspace>, records: &[Self]) -> Insert {
        let mut columns =
            "workspace, id, version, created_at, created_by, updated_at, attributes".to_owned();
        let derived = R::empty().derived();
        let names = R::COLUMNS.iter().map(|column| column.name);
        for name in names.chain(derived.iter().map(|(name, _)| *name)) {
            columns.push_str(", ");
            columns.push_str(name);
        }
        let rows = records
            .iter()
            .map(|saved| saved.inserted(workspace).collect());
        Insert::new(R::TABLE, columns, rows.collect())
    }

    /// The values of a new record.
    fn inserted(&self, workspace: Id<Workspace>) -> impl Iterator<Item = Value> {
        let head = [
            workspace.to_value(),
            self.id.to_value(),
            self.version.to_value(),
            self.created_at.to_value(),
            self.created_by.to_value(),
            self.updated_at.to_value(),
            self.attributes.to_value(),
        ];
        let derived = self.record.derived().into_iter().map(|(_, value)| value);
        head.into_iter().chain(self.record.values()).chain(derived)
    }

    /// What the change log says of a new record.
    pub(crate) fn new_content(&self) -> Result<Map<String, Data>> {
        let mut content = self.content()?;
        content.retain(|_, value| !value.is_null());
        Ok(content)
    }

    /// The columns in which it differs from what it was, with their values now. Version and time are not among them.
    pub(crate) fn differing(&self, before: &Self) -> Vec<(&'static str, Value)> {
        let columns = |saved: &Self| {
            let declared = R::COLUMNS.iter().map(|column| column.name);
            let declared = declared.zip(saved.record.values());
            let mut columns = vec![
                ("archived_at", saved.archived_at.to_value()),
                ("attributes", saved.attributes.to_value()),
            ];
            columns.extend(declared.chain(saved.record.derived()));
            columns
        };
        let pairs = columns(self).into_iter().zip(columns(before));
        pairs
            .filter(|((_, now), (_, before))| now != before)
            .map(|(now, _)| now)
            .collect()
    }

    /// Whether it may be written as this.
    pub(crate) fn check_step(&self, next: &Self) -> Result<()> {
        let next = next.archived_at.is_none().then_some(&next.record);
        self.record.validate_transition(next)
    }

    /// What a search finds it by: what the record shows, and its custom attributes.
    pub(crate) fn text(&self) -> Option<SearchText> {
        let mut text = self.record.text()?;
        text.words
            .extend(attribute_keys::words_of(&self.attributes));
        Some(text)
    }

    /// The record's own index keys, and those of its custom attributes.
    pub(crate) fn all_index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.record.index_keys();
        keys.extend(attribute_keys::keys_of(&self.attributes));
        keys
    }

    /// The index keys by which it is found: none once it is deleted.
    pub(crate) fn live_index_keys(&self) -> Vec<(&'static str, String)> {
        if self.archived_at.is_none() {
            self.all_index_keys()
        } else {
            Vec::new()
        }
    }

    /// What it was and what it became, without what stayed.
    pub(crate) fn difference(
        &self,
        after: &Self,
    ) -> Result<(Map<String, Data>, Map<String, Data>)> {
        let (mut was, mut is) = (self.content()?, after.content()?);
        let unchanged: Vec<String> = is
            .iter()
            .filter(|(name, value)| was.get(*name) == Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        was.retain(|name, _| !unchanged.contains(name));
        is.retain(|name, _| !unchanged.contains(name));
        Ok((was, is))
    }

    /// The declared fields and the attributes, as the change log keeps them.
    pub(super) fn content(&self) -> Result<Map<String, Data>> {
        let Data::Object(mut content) =
            serde_json::to_value(&self.record).map_err(Error::internal)?
        else {
            return Err(Error::internal("a record is a struct"));
        };
        content.insert("attributes".into(), Data::Object(self.attributes.0.clone()));
        Ok(content)
    }
}

/// The name of the filter by which the index finds parts of records of one kind.
pub(crate) const PARENT: &str = "parent";

/// What the index knows of the kind of record that a part belongs to.
fn parent_filter(column: &ColumnSpec, value: &Value) -> Option<String> {
    if !column.is_parent {
        return None;
    }
    match (column.refers_to?, value) {
        (Target::Any, Value::Text(id)) => decode(id).map(|(prefix, _)| filter(PARENT, prefix)),
        _ => None,
    }
}

/// A term as the search index keeps it.
pub(crate) fn filter(field: &str, value: &str) -> String {
    format!("{field}:{value}")
}

/// A record that is being changed: [`Edit::save`] writes what differs.
#[derive(Debug)]
pub struct Edit<R: Record> {
    before: Saved<R>,
    now: R,
    attributes: Attributes,
}

impl<R: Record> Edit<R> {
    pub(crate) fn of(before: Saved<R>) -> Self {
        Self {
            now: before.record.clone(),
            attributes: before.attributes.0.clone(),
            before,
        }
    }

    /// Takes over attributes that are checked already.
    pub(crate) fn add_attributes(&mut self, attributes: Attributes) {
        self.attributes.extend(attributes);
    }

    /// The record as it was read, as it is to be, and its attributes.
    pub(crate) fn into_parts(self) -> (Saved<R>, R, Attributes) {
        (self.before, self.now, self.attributes)
    }

    /// The record as it was read.
    #[must_use]
    pub fn before(&self) -> &Saved<R> {
        &self.before
    }

    /// Sets custom attributes; `null` removes one. They are checked against the workspace's definitions.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for one that is not defined or of another kind.
    pub async fn set_attributes(&mut self, cx: &mut Cx, changes: Attributes) -> Result<()> {
        let changes = cleaned(changes);
        cx.check_attributes(R::TABLE, &changes).await?;
        for (name, value) in changes {
            if value.is_null() {
                self.attributes.shift_remove(&name);
            } else {
                self.attributes.insert(name, value);
            }
        }
        Ok(())
    }

    /// Removes a custom attribute.
    pub(crate) fn clear_attribute(&mut self, name: &str) {
        self.attributes.shift_remove(name);
    }

    /// Removes all custom attributes.
    pub fn clear_attributes(&mut self) {
        self.attributes.clear();
    }

    /// Writes what differs. Nothing different, nothing written.
    ///
    /// # Errors
    /// [`Code::Conflict`](crate::error::Code::Conflict) when someone else changed the record meanwhile.
    pub async fn save(self, cx: &mut Cx) -> Result<Saved<R>> {
        let mut saved = self.before.clone();
        saved.record = checked(cx, Some(&self.before.record), self.now).await?;
        saved.attributes = Json(self.attributes);
        write(cx, self.before, saved, Action::Update).await
    }
}

impl<R: Record> Deref for Edit<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.now
    }
}
impl<R: Record> DerefMut for Edit<R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.now
    }
}

/// The record with some fields as the log says.
pub(crate) fn patched<R: Record>(
    current: &Saved<R>,
    fields: Map<String, Data>,
) -> Result<Saved<R>> {
    let mut content = current.content()?;
    for (name, value) in fields {
        content.insert(name, value);
    }
    let mut saved = current.clone();
    if let Some(Data::Object(attributes)) = content.shift_remove("attributes") {
        saved.attributes = Json(attributes);
    }
    saved.record = serde_json::from_value(Data::Object(content)).map_err(Error::internal)?;
    Ok(saved)
}
