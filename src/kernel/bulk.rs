//! Many records at once: the same checks, log and index keys as one by one, with few statements.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::record::reactions::react;
use crate::record::{
    Attributes, Cx, Edit, Record, Saved, check_permission, cleaned, inserted_index_keys, log_row,
    stale, unknown_reference, validated,
};
use crate::store::log::Action;
use crate::store::{Column as _, Json, Sql, Value, pieces, sql};
use crate::types::id::Id;

/// Identifiers that one statement asks for.
const ASKED: usize = 256;

/// A record that is to be written again: as it was, as it is to be, and what that is called.
pub(crate) type Rewrite<R> = (Saved<R>, Saved<R>, Action);

impl Cx {
    /// Writes new records, in this order. All of them or, with an error, none that a caller will see.
    ///
    /// # Errors
    /// As [`Cx::insert`]; the field begins with the number of the record, such as `[7].name`.
    pub async fn insert_all<R: Record>(
        &mut self,
        records: Vec<(R, Attributes)>,
    ) -> Result<Vec<Saved<R>>> {
        let mut ready = Vec::with_capacity(records.len());
        for (index, (record, attributes)) in records.into_iter().enumerate() {
            let attributes = self
                .fit_attributes::<R>(attributes)
                .await
                .map_err(|error| numbered(error, index))?;
            let record =
                validated(self.workspace(), record).map_err(|error| numbered(error, index))?;
            ready.push((record, attributes));
        }
        let missing = self.missing_references(ready.iter().map(|(record, _)| (None, record)));
        if let Some((index, error)) = missing.await?.into_iter().next() {
            return Err(numbered(error, index));
        }
        self.insert_ready(ready).await
    }

    /// Attributes as a new record may have them.
    pub(crate) async fn fit_attributes<R: Record>(
        &mut self,
        attributes: Attributes,
    ) -> Result<Attributes> {
        let mut attributes = cleaned(attributes);
        attributes.retain(|_, value| !value.is_null());
        self.check_attributes(R::TABLE, &attributes).await?;
        Ok(attributes)
    }

    /// Writes new records that are in form, complete, and refer to what is there.
    pub(crate) async fn insert_ready<R: Record>(
        &mut self,
        records: Vec<(R, Attributes)>,
    ) -> Result<Vec<Saved<R>>> {
        let mut saved = Vec::with_capacity(records.len());
        for (record, attributes) in records {
            saved.push(Saved {
                id: Id::from_raw(self.tx.next_id()?),
                record,
                attributes: Json(attributes),
                version: 1,
                created_at: self.now(),
                created_by: self.caller().person(),
                updated_at: self.now(),
                archived_at: None,
            });
        }
        for one in &saved {
            check_permission(self, None, one, Action::Create)?;
        }
        let insert = Saved::insert(self.workspace().id, &saved);
        self.tx.insert(insert).await?;
        let mut index_keys = Vec::new();
        for one in &saved {
            index_keys.extend(with_record(one.all_index_keys(), one.id.raw()));
        }
        self.add_index_keys_of(R::TABLE, index_keys).await?;
        for one in &saved {
            let row = log_row(self, None, one, Action::Create).await?;
            self.tx.log(row);
        }
        self.tx.write_log_when_long().await?;
        for one in &saved {
            react(self, Action::Create, None, Some(one)).await?;
        }
        Ok(saved)
    }

    /// The live records with these identifiers, in this order.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) naming the first that is not there.
    pub async fn get_all<R: Record>(&mut self, ids: &[Id<R>]) -> Result<Vec<Saved<R>>> {
        let found = self.find_all(ids).await?;
        ids.iter()
            .map(|id| {
                found
                    .get(&id.raw())
                    .filter(|saved| saved.archived_at.is_none())
                    .cloned()
                    .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))
            })
            .collect()
    }

    /// The records with these identifiers, deleted or not, by number. In a write they are locked until it ends; a read
    /// leaves out what it cannot read, with a notice.
    ///
    /// # Errors
    /// What the database says; in a write [`Code::Unreadable`](crate::error::Code::Unreadable).
    pub async fn find_all<R: Record>(&mut self, ids: &[Id<R>]) -> Result<HashMap<i64, Saved<R>>> {
        let raw: Vec<i64> = ids.iter().map(|id| id.raw()).collect();
        let mut found = HashMap::with_capacity(raw.len());
        for asked in raw.chunks(ASKED) {
            let mut statement = Saved::<R>::select();
            statement.push(" WHERE workspace = ");
            statement.push_value(self.workspace().id.to_value());
            statement.push(" AND id IN ");
            statement.push_ids(asked);
            self.push_readable::<R>(&mut statement);
            if self.writes() {
                // In one order, so that no two calls wait for each other.
                statement.push(" ORDER BY id");
                statement.push(self.tx.for_update());
            }
            let rows = statement.rows(&mut self.tx).await?;
            // What is about to be written is not passed over.
            let saved = if self.writes() {
                rows.iter()
                    .map(Saved::<R>::from_row)
                    .collect::<Result<Vec<_>>>()?
            } else {
                self.readable(&rows)?
            };
            found.extend(saved.into_iter().map(|saved| (saved.id.raw(), saved)));
        }
        Ok(found)
    }

    /// The live records with these identifiers, to be changed; each once, however often it is named.
    ///
    /// # Errors
    /// As [`Cx::get_all`].
    pub async fn edit_all<R: Record>(&mut self, ids: &[Id<R>]) -> Result<Vec<Edit<R>>> {
        let mut seen = HashSet::new();
        let ids: Vec<Id<R>> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        Ok(self
            .get_all(&ids)
            .await?
            .into_iter()
            .map(Edit::of)
            .collect())
    }

    /// The live records with these identifiers, in their order, to be changed together; `field` is the parameter that they
    /// stand in. There are at least one and at most `most` of them, each named once.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for too many, or one that is named twice;
    /// [`Code::NotFound`](crate::error::Code::NotFound) for one that is not there. Both name the position: `contacts[3]`.
    pub async fn edit_named<R: Record>(
        &mut self,
        ids: &[Id<R>],
        field: &str,
        most: usize,
    ) -> Result<Vec<Edit<R>>> {
        if ids.is_empty() || ids.len() > most {
            let message = format!(
                "{field} names 1 to {most} records; these are {}.",
                ids.len()
            );
            return Err(Error::invalid(field, message));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = ids.iter().position(|id| !seen.insert(*id)) {
            let field = format!("{field}[{twice}]");
            return Err(Error::invalid(&field, format!("{field} is named twice.")));
        }
        let mut found = self.find_all(ids).await?;
        let edit = |(position, id): (usize, &Id<R>)| {
            let live = found
                .remove(&id.raw())
                .filter(|saved| saved.archived_at.is_none());
            let missing = || Error::not_found(R::NOUN, id).field(format!("{field}[{position}]"));
            live.map(Edit::of).ok_or_else(missing)
        };
        ids.iter().enumerate().map(edit).collect()
    }

    /// Writes what differs in each. Where nothing does, nothing is written.
    ///
    /// # Errors
    /// As [`Edit::save`]; the field begins with the number of the record, such as `[7].name`.
    pub async fn save_all<R: Record>(&mut self, edits: Vec<Edit<R>>) -> Result<Vec<Saved<R>>> {
        let mut changes = Vec::with_capacity(edits.len());
        for (index, edit) in edits.into_iter().enumerate() {
            let (before, record, attributes) = edit.into_parts();
            let record =
                validated(self.workspace(), record).map_err(|error| numbered(error, index))?;
            let mut saved = before.clone();
            saved.record = record;
            saved.attributes = Json(attributes);
            changes.push((before, saved, Action::Update));
        }
        let records = changes
            .iter()
            .map(|(before, saved, _)| (Some(&before.record), &saved.record));
        let missing = self.missing_references(records);
        if let Some((index, error)) = missing.await?.into_iter().next() {
            return Err(numbered(error, index));
        }
        self.write_all(changes).await
    }

    /// Writes changed records with everything that hangs on them. Each stands there once.
    pub(crate) async fn write_all<R: Record>(
        &mut self,
        mut changes: Vec<Rewrite<R>>,
    ) -> Result<Vec<Saved<R>>> {
        // Those in which the same columns differ are written by the same statement.
        let mut alike: BTreeMap<Vec<&'static str>, Vec<Vec<Value>>> = BTreeMap::new();
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        let now = self.now();
        for (before, saved, action) in &mut changes {
            if saved == before {
                continue;
            }
            check_permission(self, Some(before), saved, *action)?;
            before.check_step(saved)?;
            saved.version = before.version + 1;
            saved.updated_at = now;
            let (names, mut values): (Vec<_>, Vec<_>) = saved.differing(before).into_iter().unzip();
            let mut row = vec![saved.id.to_value(), saved.version.to_value()];
            row.append(&mut values);
            alike.entry(names).or_default().push(row);
            let (old, now) = (before.live_index_keys(), saved.live_index_keys());
            let (of_old, of_now): (HashSet<_>, HashSet<_>) =
                (old.iter().collect(), now.iter().collect());
            let dropped = of_old.difference(&of_now).map(|term| (*term).clone());
            gone.extend(with_record(dropped.collect(), saved.id.raw()));
            let added = of_now.difference(&of_old).map(|term| (*term).clone());
            new.extend(with_record(added.collect(), saved.id.raw()));
        }
        for (names, rows) in alike {
            for piece in pieces(&rows) {
                let statement = self.update_statement::<R>(&names, piece);
                let written = statement.run(&mut self.tx).await?;
                if usize::try_from(written).unwrap_or(0) < piece.len() {
                    return Err(self.first_stale(&changes).await?);
                }
            }
        }
        self.remove_index_keys_of(R::TABLE, gone).await?;
        self.add_index_keys_of(R::TABLE, new).await?;
        for (before, saved, action) in &changes {
            if saved.version != before.version {
                let row = log_row(self, Some(before), saved, *action).await?;
                self.tx.log(row);
            }
        }
        self.tx.write_log_when_long().await?;
        for (before, saved, action) in &changes {
            if saved.version != before.version {
                react(self, *action, Some(before), Some(saved)).await?;
            }
        }
        Ok(changes.into_iter().map(|(_, saved, _)| saved).collect())
    }

    fn update_statement<R: Record>(&self, names: &[&'static str], rows: &[Vec<Value>]) -> Sql {
        let mut statement = sql("UPDATE ");
        statement.push(R::TABLE);
        statement.push(" SET version = changed.column2, updated_at = ");
        statement.push_value(self.now().to_value());
        for (index, name) in names.iter().enumerate() {
            statement.push(", ");
            statement.push(name);
            statement.push(&format!(" = changed.column{}", index + 3));
        }
        statement.push(" FROM (VALUES ");
        for (index, row) in rows.iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.push_list(row.iter().cloned());
        }
        statement.push(") AS changed WHERE workspace = ");
        statement.push_value(self.workspace().id.to_value());
        statement.push(" AND id = changed.column1 AND version = changed.column2 - 1");
        statement
    }

    /// What to say when one of these was changed by somebody else meanwhile.
    async fn first_stale<R: Record>(&mut self, changes: &[Rewrite<R>]) -> Result<Error> {
        let ids: Vec<Id<R>> = changes.iter().map(|(before, ..)| before.id).collect();
        let current = self.find_all(&ids).await?;
        let changed = changes.iter().find_map(|(before, saved, _)| {
            // Some of them have been written by this call before it came to the one in question.
            let now = current.get(&before.id.raw())?;
            let known = now.version == before.version || now.version == saved.version;
            (!known).then(|| stale(self, now))
        });
        Ok(changed.unwrap_or_else(|| {
            Error::conflict("One of these records was erased meanwhile.")
                .hint("Read them again, and leave out what is gone.")
        }))
    }

    /// Those of the records that refer to something that is not there or deleted, by their number. What was referred
    /// to before stays. What is there stays so until the call is done.
    pub(crate) async fn missing_references<'a, R: Record>(
        &mut self,
        records: impl Iterator<Item = (Option<&'a R>, &'a R)> + Send,
    ) -> Result<Vec<(usize, Error)>> {
        let mut wanted: Vec<(usize, &'static str, &'static str, i64)> = Vec::new();
        let mut missing = Vec::new();
        if R::COLUMNS.iter().any(|column| column.refers_to.is_some()) {
            for (index, (before, record)) in records.enumerate() {
                let old = before.map(R::values).unwrap_or_default();
                for (place, (column, value)) in R::COLUMNS.iter().zip(record.values()).enumerate() {
                    if old.get(place) == Some(&value) {
                        continue;
                    }
                    match self.referred(column, &value) {
                        Ok(Some((table, id))) => wanted.push((index, column.name, table, id)),
                        Ok(None) => {}
                        Err(error) => missing.push((index, error)),
                    }
                }
            }
        }
        let mut by_table: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        for (_, _, table, id) in &wanted {
            by_table.entry(table).or_default().push(*id);
        }
        let mut there: HashSet<(&'static str, i64)> = HashSet::new();
        for (table, mut ids) in by_table {
            ids.sort_unstable();
            ids.dedup();
            let live = self.held_live(table, &ids).await?;
            there.extend(live.into_iter().map(|id| (table, id)));
        }
        let gone = wanted
            .into_iter()
            .filter(|(_, _, table, id)| !there.contains(&(*table, *id)))
            .map(|(index, column, table, id)| (index, unknown_reference(self, column, table, id)));
        missing.extend(gone);
        missing.sort_by_key(|(index, _)| *index);
        Ok(missing)
    }

    /// Those of these that are there and live; in a write they stay so until the call is done.
    pub(crate) async fn held_live(
        &mut self,
        table: &'static str,
        ids: &[i64],
    ) -> Result<HashSet<i64>> {
        let mut live = HashSet::new();
        let workspace = self.workspace().id;
        let mut held = "";
        if self.writes() {
            held = self.tx.for_reference(table, workspace.raw()).await?;
        }
        for asked in ids.chunks(ASKED) {
            let mut statement = sql("SELECT id FROM ");
            statement.push(table);
            statement.push(" WHERE archived_at IS NULL AND workspace = ");
            statement.push_value(workspace.to_value());
            statement.push(" AND id IN ");
            statement.push_ids(asked);
            if self.writes() {
                // In one order, so that no two calls wait for each other.
                statement.push(" ORDER BY id");
                statement.push(held);
            }
            for row in statement.rows(&mut self.tx).await? {
                live.insert(row.get("id")?);
            }
        }
        Ok(live)
    }

    /// Those of the values of an index key that live records have.
    ///
    /// # Errors
    /// What the database says.
    pub async fn with_terms<R: Record>(
        &mut self,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<WithTerm<R>>> {
        let mut found = Vec::new();
        for asked in self.tx.asked(values) {
            let mut statement = sql(
                "SELECT value, MIN(record) AS oldest, COUNT(*) AS count FROM record_key WHERE workspace = ",
            )
            .value(self.workspace().id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND field = ")
            .value(field.to_owned())
            .sql(" AND value");
            statement.push_among(&self.tx, asked);
            for row in statement.sql(" GROUP BY value").rows(&mut self.tx).await? {
                found.push(WithTerm {
                    value: row.get("value")?,
                    oldest: row.get("oldest")?,
                    count: row.get("count")?,
                });
            }
        }
        Ok(found)
    }

    async fn add_index_keys_of(
        &mut self,
        table: &'static str,
        index_keys: Vec<IndexKey>,
    ) -> Result<()> {
        if self.tx.binds_quickly() {
            let insert = inserted_index_keys(self, table, index_keys);
            return self.tx.insert(insert).await;
        }
        for (field, index_keys) in by_field(index_keys) {
            for piece in pieces(&index_keys) {
                let same = [
                    self.workspace().id.to_value(),
                    Value::Text(table.to_owned()),
                    Value::Text(field.to_owned()),
                ];
                let mut statement =
                    sql("INSERT INTO record_key (workspace, entity, field, value, record) ");
                // What is the same in all of them is bound once.
                for (index, value) in same.into_iter().enumerate() {
                    statement.push(if index > 0 { ", " } else { "SELECT " });
                    statement.push_value(value);
                }
                statement.push(", column1, column2 FROM (VALUES ");
                push_index_keys(&mut statement, piece);
                statement.push(") AS terms");
                statement.run(&mut self.tx).await?;
            }
        }
        Ok(())
    }

    async fn remove_index_keys_of(
        &mut self,
        table: &'static str,
        index_keys: Vec<IndexKey>,
    ) -> Result<()> {
        for (field, index_keys) in by_field(index_keys) {
            // What several have is looked up once, and what one has by itself: an engine finds a pair of value and record
            // by neither of the two alone when many share the value.
            let mut single = Vec::new();
            for shared in index_keys.chunk_by(|(one, _), (other, _)| one == other) {
                match shared {
                    [only] => single.push(only.clone()),
                    [(value, _), ..] => {
                        let records: Vec<i64> = shared.iter().map(|(_, record)| *record).collect();
                        for records in records.chunks(ASKED) {
                            let mut statement = self
                                .delete_terms(table, field)
                                .sql(" AND value = ")
                                .value(value.clone())
                                .sql(" AND record IN ");
                            statement.push_ids(records);
                            statement.run(&mut self.tx).await?;
                        }
                    }
                    [] => {}
                }
            }
            for piece in pieces(&single) {
                let mut statement = self.delete_terms(table, field).sql(" AND value IN ");
                statement.push_list(piece.iter().map(|(value, _)| Value::Text(value.clone())));
                statement.push(" AND (value, record) IN (VALUES ");
                push_index_keys(&mut statement, piece);
                statement.push(")");
                statement.run(&mut self.tx).await?;
            }
        }
        Ok(())
    }

    fn delete_terms(&self, table: &'static str, field: &'static str) -> Sql {
        sql("DELETE FROM record_key WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND entity = ")
            .value(table.to_owned())
            .sql(" AND field = ")
            .value(field.to_owned())
    }
}

/// A value of an index key that live records have.
pub struct WithTerm<R> {
    /// The value.
    pub value: String,
    /// The oldest of them.
    pub oldest: Id<R>,
    /// How many they are.
    pub count: i64,
}

/// A term and the record that has it.
type IndexKey = (&'static str, String, i64);

fn with_record(
    index_keys: Vec<(&'static str, String)>,
    record: i64,
) -> impl Iterator<Item = IndexKey> {
    index_keys
        .into_iter()
        .map(move |(field, value)| (field, value, record))
}

/// Terms by their field, each once and in the order of the table's key, which is the quickest to write.
fn by_field(mut index_keys: Vec<IndexKey>) -> BTreeMap<&'static str, Vec<(String, i64)>> {
    index_keys.sort_unstable();
    index_keys.dedup();
    let mut fields: BTreeMap<&'static str, Vec<(String, i64)>> = BTreeMap::new();
    for (field, value, record) in index_keys {
        fields.entry(field).or_default().push((value, record));
    }
    fields
}

fn push_index_keys(statement: &mut Sql, index_keys: &[(String, i64)]) {
    for (index, (value, record)) in index_keys.iter().enumerate() {
        statement.push(if index > 0 { ", " } else { "" });
        statement.push_list([Value::Text(value.clone()), Value::Int(*record)]);
    }
}

/// An error about one of many.
fn numbered(error: Error, index: usize) -> Error {
    let field = match error.field_name() {
        Some(field) => format!("[{index}].{field}"),
        None => format!("[{index}]"),
    };
    error.field(field)
}
