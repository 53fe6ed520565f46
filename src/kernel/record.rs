//! A record, declared once: insert, update with version check, archive, restore, purge, change log, custom attributes,
//! undo, references and the search projection follow from the declaration. Nothing else writes a record.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Map;
pub use serde_json::Value as Data;

use crate::caller::{Member, Workspace};
use crate::changes::{Action, LogRow, digest};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::export::{Numbered, Wanted};
use crate::search::Doc;
use crate::store::{Column, Json, Kind, Row, Sql, Tx, Value, sql};
use crate::types::id::{Entity, Id, encode};
use crate::types::text::{quoted, visible};
use crate::types::time::{Clock, Timestamp};

/// A column that a record declares.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSpec {
    /// Its name, in the table and on the wire.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// The table that it refers to.
    pub refers_to: Option<&'static str>,
    /// Whether a record cannot be without it.
    pub required: bool,
    /// Whether the server keeps it, and callers cannot give it.
    pub kept: bool,
    /// What callers read about it, where its name does not say all: at most 40 characters.
    pub about: Option<&'static str>,
}

/// The part of a record that follows from its declaration with [`record!`](crate::record!).
pub trait Columns:
    Entity + Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Sized
{
    /// The columns, in order, without those that every record has.
    const COLUMNS: &'static [ColumnSpec];
    /// Nothing said about anything.
    fn empty() -> Self;
    /// The values, in the order of the columns.
    fn values(&self) -> Vec<Value>;
    /// Reads a row.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when the row holds what no record has.
    fn from_row(row: &Row) -> Result<Self>;
    /// Sets a column to what a caller gave for it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
    fn give(&mut self, column: &str, given: Data, clock: Clock) -> Result<()>;
    /// Empties a column.
    fn clear(&mut self, column: &str);
    /// The first required column that is still missing.
    fn missing(&self) -> Option<&'static str>;
    /// What a caller may give for each column.
    fn given_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<schemars::Schema>;
}

/// What a room says about its record.
pub trait Record: Columns {
    /// What a person calls this one.
    fn title(&self) -> String;
    /// Brings a record that was created or changed into form, or says what is wrong with it. Always run before a record
    /// is written, whoever writes it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field.
    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        let _ = workspace;
        Ok(())
    }
    /// Which live ones keep what they refer to from being deleted: an SQL condition on the record's own columns. A deal
    /// that is closed does not hold on to its company, for example; it goes on naming it.
    const HOLDS: &'static str = "1 = 1";
    /// Exact terms by which it is found: field and value. A field has any number of values.
    fn terms(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// Columns that stand in the table for the database's sake, such as the form of a name that lists are ordered by:
    /// names and values, always the same names in the same order. They follow from the fields.
    fn derived(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// The text by which it is found; `None` for a record that is not searched.
    fn text(&self) -> Option<SearchText> {
        None
    }
}

/// What the search reads of a record beside its title.
#[derive(Debug, Clone, Default)]
pub struct SearchText {
    /// Words.
    pub words: Vec<String>,
    /// Numbers of which any part is found, such as telephone numbers.
    pub numbers: Vec<String>,
}

/// Declares a record: a struct, its table, the prefix of its identifiers and its noun. A text after a field is what
/// callers read about it, where its name does not say all.
///
/// ```ignore
/// record! {
///     /// A person.
///     pub struct Contact: "contact", "con", "contact" {
///         /// Given name.
///         pub first_name: Option<Line<100>>,
///         /// Who looks after them.
///         pub owner: Option<Id<Member>> = "Member id",
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident: $table:literal, $prefix:literal, $noun:literal {
        $($(#[$doc:meta])* pub $field:ident: $type:ty $(= $about:literal)?,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $crate::types::id::Entity for $name {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;
            const TABLE: &'static str = $table;
        }

        impl $crate::record::Columns for $name {
            const COLUMNS: &'static [$crate::record::ColumnSpec] = &[$($crate::record::ColumnSpec {
                name: $crate::record::plain(stringify!($field)),
                kind: <$type as $crate::store::Column>::KIND,
                refers_to: <$type as $crate::store::Column>::REFERS_TO,
                required: <$type as $crate::store::Column>::REQUIRED,
                kept: <$type as $crate::store::Column>::KEPT,
                about: $crate::record::about(&[$($about)?]),
            }),*];
            fn empty() -> Self {
                Self { $($field: <$type as $crate::store::Column>::empty()),* }
            }
            fn values(&self) -> Vec<$crate::store::Value> {
                vec![$($crate::store::Column::to_value(&self.$field)),*]
            }
            fn from_row(row: &$crate::store::Row) -> $crate::error::Result<Self> {
                Ok(Self { $($field: row.get($crate::record::plain(stringify!($field)))?),* })
            }
            fn give(&mut self, column: &str, given: $crate::record::Data, clock: $crate::types::time::Clock) -> $crate::error::Result<()> {
                $(if column == $crate::record::plain(stringify!($field)) {
                    let given = $crate::schema::parse_at(column, given)?;
                    self.$field = <$type as $crate::store::Column>::given(given, clock)
                        .map_err(|wrong| $crate::error::Error::invalid(column, format!("{column} {wrong}.")))?;
                    return Ok(());
                })*
                Ok(())
            }
            fn clear(&mut self, column: &str) {
                $(if column == $crate::record::plain(stringify!($field)) {
                    self.$field = <$type as $crate::store::Column>::empty();
                })*
            }
            fn missing(&self) -> Option<&'static str> {
                $(if $crate::store::Column::is_missing(&self.$field) {
                    return Some($crate::record::plain(stringify!($field)));
                })*
                None
            }
            fn given_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<schemars::Schema> {
                vec![$(generator.subschema_for::<<$type as $crate::store::Column>::Given>()),*]
            }
        }
    };
}

/// The name of a field that is a word of the language, such as `r#type`, without its mark. For [`record!`](crate::record!).
#[must_use]
pub const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// What is said about a column, if anything. For [`record!`](crate::record!).
#[must_use]
pub const fn about(said: &[&'static str]) -> Option<&'static str> {
    match said {
        [about, ..] => Some(about),
        [] => None,
    }
}

/// Custom attributes: names that the workspace defined, with their values.
pub type Attributes = Map<String, Data>;

/// Attributes whose texts have no invisible characters, at any depth.
pub(crate) fn cleaned(attributes: Attributes) -> Attributes {
    fn clean(value: Data) -> Data {
        match value {
            Data::String(text) => Data::String(visible(&text)),
            Data::Array(items) => Data::Array(items.into_iter().map(clean).collect()),
            Data::Object(fields) => Data::Object(cleaned(fields)),
            other => other,
        }
    }
    attributes
        .into_iter()
        .map(|(name, value)| (visible(&name), clean(value)))
        .collect()
}

/// A record as it stands in the database.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Saved<R: Record> {
    /// Its identifier.
    pub id: Id<R>,
    /// What the room declared.
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
const HEAD: [&str; 7] = [
    "id",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "archived_at",
    "attributes",
];

impl<R: Record> Saved<R> {
    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
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
        for name in HEAD {
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
        let text = self.record.text()?;
        Some(Doc {
            workspace,
            kind: R::TABLE,
            id: self.id.raw(),
            title: self.record.title(),
            text: text.words,
            numbers: text.numbers,
            filters: self
                .record
                .terms()
                .iter()
                .map(|(field, value)| filter(field, value))
                .collect(),
        })
    }

    /// The start of an `INSERT` of whole records, up to the first one's [values](Self::inserted).
    pub(crate) fn insert_into() -> Sql {
        let mut statement = sql("INSERT INTO ");
        statement.push(R::TABLE);
        statement.push(" (workspace, id, version, created_at, created_by, updated_at, attributes");
        let derived = R::empty().derived();
        let names = R::COLUMNS.iter().map(|column| column.name);
        for name in names.chain(derived.iter().map(|(name, _)| *name)) {
            statement.push(", ");
            statement.push(name);
        }
        statement.push(") VALUES ");
        statement
    }

    /// The values of a new record.
    pub(crate) fn inserted(&self, workspace: Id<Workspace>) -> impl Iterator<Item = Value> {
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

    /// The terms by which it is found: none once it is deleted.
    pub(crate) fn live_terms(&self) -> Vec<(&'static str, String)> {
        if self.archived_at.is_none() {
            self.record.terms()
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
    fn content(&self) -> Result<Map<String, Data>> {
        let Data::Object(mut content) =
            serde_json::to_value(&self.record).map_err(Error::internal)?
        else {
            return Err(Error::internal("a record is a struct"));
        };
        content.insert("attributes".into(), Data::Object(self.attributes.0.clone()));
        Ok(content)
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

impl Cx {
    /// The live record with this identifier.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) when there is none in the caller's workspace.
    pub async fn get<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        self.find(id)
            .await?
            .filter(|saved| saved.archived_at.is_none())
            .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))
    }

    /// The record with this identifier, deleted or not.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find<R: Record>(&mut self, id: Id<R>) -> Result<Option<Saved<R>>> {
        let mut statement = Saved::<R>::select();
        statement.push(" WHERE workspace = ");
        statement.push_value(self.workspace().id.to_value());
        statement.push(" AND id = ");
        statement.push_value(id.to_value());
        if self.writes() {
            statement.push(self.tx.for_update());
        }
        statement
            .row(&mut self.tx)
            .await?
            .as_ref()
            .map(Saved::from_row)
            .transpose()
    }

    /// The live record with this identifier, to be changed. The first one that a call takes is held against the `version`
    /// that the call came with.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) with the current record when the version is stale.
    pub async fn edit<R: Record>(&mut self, id: Id<R>) -> Result<Edit<R>> {
        let before = self.get(id).await?;
        self.check_version(&before)?;
        Ok(Edit::of(before))
    }

    fn check_version<R: Record>(&mut self, current: &Saved<R>) -> Result<()> {
        match self.take_version() {
            Some(version) if version != current.version => Err(stale(current)),
            _ => Ok(()),
        }
    }

    /// Writes a new record.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for attributes that are not defined; whatever a constraint refuses.
    pub async fn insert<R: Record>(
        &mut self,
        record: R,
        attributes: Attributes,
    ) -> Result<Saved<R>> {
        let attributes = self.fit_attributes::<R>(attributes).await?;
        let record = checked(self, None, record).await?;
        let saved = Saved {
            id: Id::from_raw(self.tx.next_id()?),
            record,
            attributes: Json(attributes),
            version: 1,
            created_at: self.now(),
            created_by: Some(self.caller().member),
            updated_at: self.now(),
            archived_at: None,
        };
        let mut statement = Saved::<R>::insert_into();
        statement.push_list(saved.inserted(self.workspace().id));
        let statement = and_terms(self, statement, saved.id, saved.record.terms()).await?;
        let content = saved.new_content()?;
        let row = log_row(self, &saved, Action::Create, None, Some(content))?;
        self.tx.run_logged(statement, row).await?;
        Ok(saved)
    }

    /// Deletes a record, restorably: it is hidden everywhere from now on.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) with what stands in the way when live records refer to it.
    pub async fn archive<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let before = self.get(id).await?;
        self.check_version(&before)?;
        refuse_dependents(self, &before).await?;
        let mut saved = before.clone();
        saved.archived_at = Some(self.now());
        write(self, before, saved, Action::Archive).await
    }

    /// Brings a deleted record back.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) when there is no such record, deleted or not.
    pub async fn restore<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let before = self
            .find(id)
            .await?
            .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))?;
        if before.archived_at.is_none() {
            return Ok(before);
        }
        let mut saved = before.clone();
        saved.archived_at = None;
        write(self, before, saved, Action::Restore).await
    }

    /// Erases a record for good, deleted or not, with what the change log holds of it. Nothing brings it back.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) when live records refer to it.
    pub async fn purge<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let before = self
            .find(id)
            .await?
            .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))?;
        self.check_version(&before)?;
        refuse_dependents(self, &before).await?;
        // What is left that refers to it is deleted itself.
        self.repoint(R::TABLE, id.raw(), None).await?;
        if before.archived_at.is_none() {
            remove_terms(self, id, before.record.terms()).await?;
        }
        let workspace = self.workspace().id;
        let mut statement = sql("DELETE FROM ");
        statement.push(R::TABLE);
        let statement = statement
            .sql(" WHERE workspace = ")
            .value(workspace)
            .sql(" AND id = ")
            .value(id);
        statement.run(&mut self.tx).await?;
        sql("UPDATE change_log SET before = NULL, after = NULL WHERE workspace = ")
            .value(workspace)
            .sql(" AND record = ")
            .value(id)
            .run(&mut self.tx)
            .await?;
        // An answer that was kept for repetitions holds the record too.
        sql("DELETE FROM receipt WHERE workspace = ")
            .value(workspace)
            .sql(" AND answer LIKE ")
            .value(format!("%{id}%"))
            .run(&mut self.tx)
            .await?;
        log::<R>(self, &before, Action::Purge, None, None)?;
        Ok(before)
    }

    /// Makes everything that refers to one record refer to another, or to nothing. Answers how many records changed.
    ///
    /// # Errors
    /// [`Code::Conflict`](crate::error::Code::Conflict) when one of them was changed meanwhile.
    pub async fn repoint(
        &mut self,
        table: &'static str,
        from: i64,
        to: Option<i64>,
    ) -> Result<usize> {
        let mut changed = 0;
        for kind in self.registry().clone().records() {
            for column in kind
                .references()
                .into_iter()
                .filter(|column| column.refers_to == Some(table))
            {
                changed += kind.repoint(self, column, from, to).await?;
            }
        }
        Ok(changed)
    }

    /// The oldest live record with one of these terms, and the field of that term. What stands first in `fields` goes
    /// before what is older.
    ///
    /// # Errors
    /// What the database says.
    pub async fn first_with_terms<R: Record>(
        &mut self,
        fields: &[&'static str],
        terms: &[(&'static str, String)],
    ) -> Result<Option<(Id<R>, &'static str)>> {
        if terms.is_empty() {
            return Ok(None);
        }
        // One index look-up for each; an OR over them would read all terms there are.
        let workspace = self.workspace().id;
        let mut statement = sql("");
        for (index, (field, value)) in terms.iter().enumerate() {
            statement = statement
                .sql(if index > 0 { " UNION ALL " } else { "" })
                .sql("SELECT field, MIN(record) AS record FROM lookup WHERE workspace = ")
                .value(workspace)
                .sql(" AND entity = ")
                .value(R::TABLE.to_owned())
                .sql(" AND field = ")
                .value((*field).to_owned())
                .sql(" AND value = ")
                .value(value.clone())
                .sql(" GROUP BY field");
        }
        let rows = statement.rows(&mut self.tx).await?;
        let found = rows
            .iter()
            .map(|row| Ok((row.get::<String>("field")?, row.get("record")?)))
            .collect::<Result<Vec<(String, Id<R>)>>>()?;
        Ok(fields.iter().find_map(|field| {
            let of_field = found.iter().filter(|(other, _)| other == field);
            of_field.map(|(_, id)| (*id, *field)).min()
        }))
    }

    /// The live records with this term, oldest first, `limit` of them at most.
    ///
    /// # Errors
    /// What the database says.
    pub async fn with_term<R: Record>(
        &mut self,
        field: &'static str,
        value: &str,
        limit: usize,
    ) -> Result<Vec<Id<R>>> {
        let rows = sql("SELECT record FROM lookup WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND field = ")
            .value(field.to_owned())
            .sql(" AND value = ")
            .value(value.to_owned())
            .sql(" ORDER BY record LIMIT ")
            .value(i64::try_from(limit).unwrap_or(i64::MAX))
            .rows(&mut self.tx)
            .await?;
        rows.iter().map(|row| row.get("record")).collect()
    }
}

pub(crate) fn stale<R: Record>(current: &Saved<R>) -> Error {
    Error::conflict(format!(
        "This {} was changed meanwhile: it is at version {} now.",
        R::NOUN,
        current.version
    ))
    .field("version")
    .hint("Look at `current`, and call again with its version if the change still makes sense.")
    .detail("current", serde_json::to_value(current).unwrap_or_default())
}

/// The record in form and complete.
pub(crate) fn in_form<R: Record>(workspace: &Workspace, mut record: R) -> Result<R> {
    record.check(workspace)?;
    match record.missing() {
        Some(column) => Err(Error::invalid(column, format!("{column} is required."))),
        None => Ok(record),
    }
}

/// What to say about a column that would refer to what is not there, or is deleted.
pub(crate) fn refers_nowhere(cx: &Cx, column: &str, table: &'static str, id: i64) -> Error {
    let noun = cx
        .registry()
        .record(table)
        .map_or(table, |record| record.noun());
    Error::not_found(noun, encode(cx.prefix_of(table), id)).field(column)
}

/// The record as it may be written: in form, complete, and referring only to what is there.
async fn checked<R: Record>(cx: &mut Cx, before: Option<&R>, record: R) -> Result<R> {
    let record = in_form(cx.workspace(), record)?;
    let old = before.map(R::values).unwrap_or_default();
    for (index, (column, value)) in R::COLUMNS.iter().zip(record.values()).enumerate() {
        if let (Some(table), Value::Int(id)) = (column.refers_to, &value)
            && old.get(index) != Some(&value)
        {
            cx.check_reference(column.name, table, *id).await?;
        }
    }
    Ok(record)
}

async fn refuse_dependents<R: Record>(cx: &mut Cx, record: &Saved<R>) -> Result<()> {
    let mut names = Vec::new();
    for kind in cx.registry().clone().records() {
        for column in kind
            .references()
            .into_iter()
            .filter(|column| column.refers_to == Some(R::TABLE))
        {
            let ids = kind.referring(cx, column, record.id.raw(), true).await?;
            names.extend(
                ids.into_iter()
                    .map(|id| crate::types::id::encode(kind.prefix(), id)),
            );
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(depended_on::<R>(&names))
        .hint("Delete or change them first, or say where they should point (reassign_to) if the tool offers it.")
        .detail("dependents", names.into_iter().take(100).collect::<Vec<_>>()))
}

/// Says that others refer to a record.
pub(crate) fn depended_on<R: Record>(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(10).cloned().collect();
    let (count, noun) = (names.len(), R::NOUN);
    format!(
        "{count} other records refer to this {noun}: {}.",
        shown.join(", ")
    )
}

/// Writes a changed record with everything that hangs on it.
async fn write<R: Record>(
    cx: &mut Cx,
    before: Saved<R>,
    mut saved: Saved<R>,
    action: Action,
) -> Result<Saved<R>> {
    if saved == before {
        return Ok(before);
    }
    saved.version = before.version + 1;
    saved.updated_at = cx.now();
    let mut statement = sql("UPDATE ");
    statement.push(R::TABLE);
    statement.push(" SET version = ");
    statement.push_value(saved.version.to_value());
    statement.push(", updated_at = ");
    statement.push_value(saved.updated_at.to_value());
    for (name, value) in saved.differing(&before) {
        statement.push(", ");
        statement.push(name);
        statement.push(" = ");
        statement.push_value(value);
    }
    statement.push(" WHERE workspace = ");
    statement.push_value(cx.workspace().id.to_value());
    statement.push(" AND id = ");
    statement.push_value(saved.id.to_value());
    statement.push(" AND version = ");
    statement.push_value(before.version.to_value());
    if statement.run(&mut cx.tx).await? == 0 {
        return Err(stale(&before));
    }
    let (old, new) = (before.live_terms(), saved.live_terms());
    remove_terms(
        cx,
        saved.id,
        old.iter()
            .filter(|term| !new.contains(term))
            .cloned()
            .collect(),
    )
    .await?;
    add_terms(
        cx,
        saved.id,
        new.into_iter().filter(|term| !old.contains(term)).collect(),
    )
    .await?;
    let (was, is) = before.difference(&saved)?;
    log(cx, &saved, action, Some(was), Some(is))?;
    Ok(saved)
}

async fn add_terms<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<()> {
    if !terms.is_empty() {
        let statement = push_terms(cx, sql(ADD_TERMS), id, terms);
        statement.run(&mut cx.tx).await?;
    }
    Ok(())
}

/// A statement, and after it the one that adds the terms.
async fn and_terms<R: Record>(
    cx: &mut Cx,
    statement: Sql,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<Sql> {
    if terms.is_empty() {
        return Ok(statement);
    }
    let statement = statement.then(ADD_TERMS, &mut cx.tx).await?;
    Ok(push_terms(cx, statement, id, terms))
}

const ADD_TERMS: &str = "INSERT INTO lookup (workspace, entity, field, value, record) VALUES ";

fn push_terms<R: Record>(
    cx: &Cx,
    mut statement: Sql,
    id: Id<R>,
    mut terms: Vec<(&'static str, String)>,
) -> Sql {
    terms.sort();
    terms.dedup();
    let workspace = cx.workspace().id;
    for (index, (field, value)) in terms.into_iter().enumerate() {
        if index > 0 {
            statement.push(", ");
        }
        statement.push_list([
            workspace.to_value(),
            Value::Text(R::TABLE.to_owned()),
            Value::Text(field.to_owned()),
            Value::Text(value),
            id.to_value(),
        ]);
    }
    statement
}

async fn remove_terms<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<()> {
    for (field, value) in terms {
        sql("DELETE FROM lookup WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND field = ")
            .value(field.to_owned())
            .sql(" AND value = ")
            .value(value)
            .sql(" AND record = ")
            .value(id)
            .run(&mut cx.tx)
            .await?;
    }
    Ok(())
}

fn log<R: Record>(
    cx: &mut Cx,
    saved: &Saved<R>,
    action: Action,
    before: Option<Map<String, Data>>,
    after: Option<Map<String, Data>>,
) -> Result<()> {
    let row = log_row(cx, saved, action, before, after)?;
    cx.tx.log(row);
    Ok(())
}

/// The change log's row for what was done to a record, also noted for the summary.
pub(crate) fn log_row<R: Record>(
    cx: &mut Cx,
    saved: &Saved<R>,
    action: Action,
    before: Option<Map<String, Data>>,
    after: Option<Map<String, Data>>,
) -> Result<LogRow> {
    let text = |side: Option<Map<String, Data>>| {
        side.map(|side| serde_json::to_string(&side))
            .transpose()
            .map_err(Error::internal)
    };
    let (before, after) = (text(before)?, text(after)?);
    let row = LogRow {
        id: cx.tx.next_id()?,
        call: cx.change().raw(),
        workspace: cx.workspace().id.raw(),
        at: cx.now(),
        member: Some(cx.caller().member.raw()),
        api_key: cx.caller().key.map(Id::raw),
        client: cx.caller().client.clone(),
        tool: cx.tool().to_owned(),
        undoes: cx.undoes(),
        entity: R::TABLE.to_owned(),
        record: saved.id.raw(),
        action,
        version: saved.version,
        digest: digest(before.as_deref(), after.as_deref()),
        before,
        after,
    };
    cx.note_change(action, R::NOUN, || {
        format!("{} {}", saved.id, quoted(&saved.record.title()))
    });
    Ok(row)
}

/// Why one record of a change cannot be undone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct UndoConflict {
    /// The record.
    pub record: String,
    /// What stands in the way.
    pub reason: String,
}

/// A record with its type erased: what undo, references and the search index work with.
pub trait AnyRecord: Send + Sync {
    /// Its table.
    fn table(&self) -> &'static str;
    /// The prefix of its identifiers.
    fn prefix(&self) -> &'static str;
    /// What it is called.
    fn noun(&self) -> &'static str;
    /// The columns that it declares.
    fn columns(&self) -> &'static [ColumnSpec];
    /// Its columns that refer to other records.
    fn references(&self) -> Vec<ColumnSpec>;
    /// The next records after an identifier, with theirs, oldest first.
    fn part<'a>(
        &'a self,
        cx: &'a mut Cx,
        wanted: Wanted,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<Numbered>>>;
    /// What a person calls these, deleted or not.
    fn titles<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, String)>>>;
    /// The identifiers of those that refer to a record by this column: those that hold on to it ([`Record::HOLDS`]), or all.
    fn referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        target: i64,
        holding_only: bool,
    ) -> BoxFuture<'a, Result<Vec<i64>>>;
    /// The same for several records at once: whom each of those that hold on refers to, and its own identifier.
    fn holding<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        targets: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>>;
    /// How many live ones refer to a record by this column.
    fn count_referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        target: i64,
    ) -> BoxFuture<'a, Result<i64>>;
    /// Changes that column in all of them.
    fn repoint<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        from: i64,
        to: Option<i64>,
    ) -> BoxFuture<'a, Result<usize>>;
    /// Takes back what these rows of one call did to one record, or says why not.
    fn undo<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [LogRow],
    ) -> BoxFuture<'a, Result<Option<UndoConflict>>>;
    /// Takes back what one call did to several records, of each a single row of the log; what stands in the way of each.
    fn undo_each<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [&'a LogRow],
    ) -> BoxFuture<'a, Result<Vec<Option<UndoConflict>>>>;
    /// The search documents of live records: those named, or (none named) the next ones after an identifier.
    fn documents<'a>(
        &'a self,
        tx: &'a mut Tx,
        ids: Option<&'a [i64]>,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<Doc>>>;
}

struct Erased<R>(PhantomData<fn() -> R>);

/// The erased form of a record. A [`Module`](crate::registry::Module) lists `record::<Contact>()`.
#[must_use]
pub const fn record<R: Record>() -> &'static dyn AnyRecord {
    &Erased::<R>(PhantomData)
}

impl<R: Record> AnyRecord for Erased<R> {
    fn table(&self) -> &'static str {
        R::TABLE
    }

    fn prefix(&self) -> &'static str {
        R::PREFIX
    }

    fn noun(&self) -> &'static str {
        R::NOUN
    }

    fn columns(&self) -> &'static [ColumnSpec] {
        R::COLUMNS
    }

    fn part<'a>(
        &'a self,
        cx: &'a mut Cx,
        wanted: Wanted,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<Numbered>>> {
        Box::pin(async move {
            let mut statement = Saved::<R>::select();
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND id > ");
            statement.push_value(Value::Int(after));
            if !wanted.archived {
                statement.push(" AND archived_at IS NULL");
            }
            if let Some(since) = wanted.since {
                statement.push(" AND updated_at >= ");
                statement.push_value(since.to_value());
            }
            statement.push(" ORDER BY id LIMIT ");
            statement.push_value(Value::Int(limit));
            let rows = statement.rows(&mut cx.tx).await?;
            rows.iter()
                .map(|row| {
                    let saved = Saved::<R>::from_row(row)?;
                    match serde_json::to_value(&saved).map_err(Error::internal)? {
                        Data::Object(record) => Ok((saved.id.raw(), record)),
                        _ => Err(Error::internal("a record is a struct")),
                    }
                })
                .collect()
        })
    }

    fn titles<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, String)>>> {
        Box::pin(async move {
            let ids: Vec<Id<R>> = ids.iter().copied().map(Id::from_raw).collect();
            let found = cx.find_all(&ids).await?;
            let titles = found.into_iter();
            Ok(titles
                .map(|(id, saved)| (id, saved.record.title()))
                .collect())
        })
    }

    fn references(&self) -> Vec<ColumnSpec> {
        R::COLUMNS
            .iter()
            .filter(|column| column.refers_to.is_some())
            .copied()
            .collect()
    }

    fn referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        target: i64,
        holding_only: bool,
    ) -> BoxFuture<'a, Result<Vec<i64>>> {
        Box::pin(async move {
            let mut statement = sql("SELECT id FROM ");
            statement.push(R::TABLE);
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND ");
            statement.push(column.name);
            statement.push(" = ");
            statement.push_value(Value::Int(target));
            if holding_only {
                statement.push(" AND archived_at IS NULL AND ");
                statement.push(R::HOLDS);
            }
            statement.push(" ORDER BY id");
            statement
                .rows(&mut cx.tx)
                .await?
                .iter()
                .map(|row| row.get("id"))
                .collect()
        })
    }

    fn holding<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        targets: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>> {
        Box::pin(async move {
            let mut statement = sql("SELECT id, ");
            statement.push(column.name);
            statement.push(" AS target FROM ");
            statement.push(R::TABLE);
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND ");
            statement.push(column.name);
            statement.push(" IN ");
            statement.push_ids(targets);
            statement.push(" AND archived_at IS NULL AND ");
            statement.push(R::HOLDS);
            statement.push(" ORDER BY id");
            let rows = statement.rows(&mut cx.tx).await?;
            rows.iter()
                .map(|row| Ok((row.get("target")?, row.get("id")?)))
                .collect()
        })
    }

    fn count_referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        target: i64,
    ) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async move {
            let mut statement = sql("SELECT COUNT(*) AS count FROM ");
            statement.push(R::TABLE);
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND ");
            statement.push(column.name);
            statement.push(" = ");
            statement.push_value(Value::Int(target));
            statement.push(" AND archived_at IS NULL");
            statement.one("count", &mut cx.tx).await
        })
    }

    fn repoint<'a>(
        &'a self,
        cx: &'a mut Cx,
        column: ColumnSpec,
        from: i64,
        to: Option<i64>,
    ) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            let ids = self.referring(cx, column, from, false).await?;
            let prefix = cx.prefix_of(column.refers_to.unwrap_or_default());
            for id in &ids {
                let Some(before) = cx.find(Id::<R>::from_raw(*id)).await? else {
                    continue;
                };
                // A record that would point at itself points at nothing.
                let to =
                    to.filter(|to| !(R::TABLE == column.refers_to.unwrap_or_default() && to == id));
                let value = match to {
                    Some(to) => Data::String(crate::types::id::encode(prefix, to)),
                    None => Data::Null,
                };
                let mut change = Map::new();
                change.insert(column.name.to_owned(), value);
                let saved = patched(&before, change)?;
                write(cx, before, saved, Action::Update).await?;
            }
            Ok(ids.len())
        })
    }

    fn undo<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [LogRow],
    ) -> BoxFuture<'a, Result<Option<UndoConflict>>> {
        Box::pin(async move {
            let Some(last) = rows.last() else {
                return Ok(None);
            };
            let id = Id::<R>::from_raw(last.record);
            let conflict = |reason: String| {
                Ok(Some(UndoConflict {
                    record: id.to_string(),
                    reason,
                }))
            };
            if rows.iter().any(|row| row.action == Action::Purge) {
                return conflict(format!("this {} was erased for good", R::NOUN));
            }
            let Some(mut current) = cx.find(id).await? else {
                return conflict(format!("this {} was erased for good", R::NOUN));
            };
            if current.version != last.version {
                return conflict(format!(
                    "it was changed since: version {} then, {} now",
                    last.version, current.version
                ));
            }
            for row in rows.iter().rev() {
                let mut saved = match row.action {
                    Action::Update => patched(&current, LogRow::side(row.before.as_deref())?)?,
                    _ => current.clone(),
                };
                let action = match row.action {
                    Action::Create | Action::Restore => {
                        if let Err(error) = refuse_dependents(cx, &current).await {
                            return conflict(error.message().to_owned());
                        }
                        saved.archived_at = Some(cx.now());
                        Action::Archive
                    }
                    Action::Archive => {
                        current = cx.restore(id).await?;
                        continue;
                    }
                    Action::Update => Action::Update,
                    Action::Purge => continue,
                };
                current = write(cx, current, saved, action).await?;
            }
            Ok(None)
        })
    }

    fn undo_each<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [&'a LogRow],
    ) -> BoxFuture<'a, Result<Vec<Option<UndoConflict>>>> {
        Box::pin(crate::undo::undo_each::<R>(cx, rows))
    }

    fn documents<'a>(
        &'a self,
        tx: &'a mut Tx,
        ids: Option<&'a [i64]>,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<Doc>>> {
        Box::pin(async move {
            let mut statement = Saved::<R>::select_with("workspace, ");
            statement.push(" WHERE archived_at IS NULL AND id ");
            match ids {
                Some(ids) => {
                    statement.push("IN ");
                    statement.push_ids(ids);
                }
                None => {
                    statement.push("> ");
                    statement.push_value(Value::Int(after));
                    statement.push(" ORDER BY id LIMIT ");
                    statement.push_value(Value::Int(limit));
                }
            }
            let rows = statement.rows(tx).await?;
            let mut documents = Vec::with_capacity(rows.len());
            for row in rows {
                let workspace = row.get("workspace")?;
                documents.extend(Saved::<R>::from_row(&row)?.document(workspace));
            }
            Ok(documents)
        })
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
