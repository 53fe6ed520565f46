//! Reading, adding, changing, deleting and erasing records: what a tool does with them.

use super::family::Family;
use super::index_keys::{add_index_keys, remove_index_keys};
use super::write::{check_permission, checked, log_row, stale, write};
use super::{Attributes, Edit, Record, Saved};
use crate::content;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::record::reactions::react;
use crate::store::log::Action;
use crate::store::{Column, Json, sql};
use crate::types::id::Id;

impl Cx {
    /// The live record with this identifier.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) when there is none in the caller's workspace.
    pub async fn get<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let live = self.find(id).await?;
        match live.filter(|saved| saved.archived_at.is_none()) {
            Some(live) => Ok(live),
            None => {
                let missing = Error::not_found(R::NOUN, id).field(R::NOUN);
                Err(self.or_deleted(missing, R::TABLE, id.raw()).await)
            }
        }
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
        self.push_readable::<R>(&mut statement);
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
            Some(version) if version != current.version => Err(stale(self, current)),
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
            created_by: self.caller().person(),
            updated_at: self.now(),
            archived_at: None,
        };
        check_permission(self, None, &saved, Action::Create)?;
        let insert = Saved::insert(self.workspace().id, std::slice::from_ref(&saved));
        self.tx.insert(insert).await?;
        add_index_keys(self, saved.id, saved.all_index_keys()).await?;
        let row = log_row(self, None, &saved, Action::Create).await?;
        self.tx.log(row);
        react(self, Action::Create, None, Some(&saved)).await?;
        Ok(saved)
    }

    /// Checks that what these columns of a record refer to is still there, for one that did not hold on to it and does so again.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) naming the column.
    pub async fn hold_again<R: Record>(&mut self, record: &R, columns: &[&str]) -> Result<()> {
        let fields = R::COLUMNS.iter().zip(record.fields());
        let named = fields.filter(|(column, _)| columns.contains(&column.name));
        let values: Vec<_> = named
            .map(|(column, field)| (column, field.value()))
            .collect();
        for (column, value) in values {
            if let Some((table, id)) = self.referred(column, &value)? {
                let held = self.check_reference(column.name, table, id).await;
                held.map_err(|error| {
                    error.hint(
                        "It was deleted since. Name another one, or empty the field with clear.",
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Deletes a record, restorably, with what belongs to it: it is hidden everywhere from now on.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) with what stands in the way when live records refer to it.
    pub async fn archive<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let before = self.get(id).await?;
        self.check_version(&before)?;
        let family = Family::of(self, R::TABLE, &[id.raw()], false).await?;
        family
            .refuse_held(self, R::NOUN, R::TABLE, &[id.raw()])
            .await?;
        family.archive_descendants(self).await?;
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

    /// Erases a record for good, deleted or not, with what belongs to it and what the change log holds of it. Nothing brings it back.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) when live records refer to it,
    /// or any that cannot be without it.
    pub async fn purge<R: Record>(&mut self, id: Id<R>) -> Result<Saved<R>> {
        let before = self
            .find(id)
            .await?
            .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))?;
        check_permission(self, Some(&before), &before, Action::Purge)?;
        self.check_version(&before)?;
        before.record.validate_transition(None)?;
        self.tx.erases();
        let family = Family::of(self, R::TABLE, &[id.raw()], true).await?;
        family
            .refuse_held(self, R::NOUN, R::TABLE, &[id.raw()])
            .await?;
        family.purge_descendants(self).await?;
        // What is left that refers to it is deleted, or done with and does not hold on to it. It goes on without naming it.
        self.repoint(R::TABLE, id.raw(), None).await?;
        if before.archived_at.is_none() {
            remove_index_keys(self, id, before.all_index_keys()).await?;
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
        if R::HOLDS_CONTENT {
            content::erase(&mut self.tx, workspace, id.raw()).await?;
        }
        self.forget(id).await?;
        let row = log_row::<R>(self, None, &before, Action::Purge).await?;
        self.tx.log(row);
        react(self, Action::Purge, Some(&before), None).await?;
        Ok(before)
    }

    /// Erases for good what a record holds of a person, deleted or not: `change` takes it out of the columns, and with it go the
    /// custom attributes, what belongs to the record (notes, files) and what the change log holds of all of it. The rest stays, and
    /// is all that the log says of the record from then on. Nothing brings back what was there.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Forbidden`](crate::error::Code::Forbidden) for a caller who may not
    /// delete; [`Code::Conflict`](crate::error::Code::Conflict) when live records refer to what belongs to it.
    pub async fn redact<R: Record>(
        &mut self,
        id: Id<R>,
        change: impl FnOnce(&mut R),
    ) -> Result<Saved<R>> {
        let before = self
            .find(id)
            .await?
            .ok_or_else(|| Error::not_found(R::NOUN, id).field(R::NOUN))?;
        self.check_version(&before)?;
        self.tx.erases();
        let family = Family::of(self, R::TABLE, &[id.raw()], true).await?;
        family.refuse_descendants_held(self, R::NOUN).await?;
        family.purge_descendants(self).await?;
        let mut saved = before.clone();
        change(&mut saved.record);
        saved.record = checked(self, Some(&before.record), saved.record).await?;
        saved.attributes = Json(Attributes::new());
        self.forget(id).await?;
        write(self, before, saved, Action::Redact).await
    }

    /// Takes what was in a record out of the change log, and out of the answers that are kept for repetitions.
    async fn forget<R: Record>(&mut self, id: Id<R>) -> Result<()> {
        let workspace = self.workspace().id;
        sql("UPDATE change_log SET before = NULL, after = NULL WHERE workspace = ")
            .value(workspace)
            .sql(" AND record = ")
            .value(id)
            .run(&mut self.tx)
            .await?;
        sql("DELETE FROM receipt WHERE workspace = ")
            .value(workspace)
            .sql(" AND answer LIKE ")
            .value(format!("%{id}%"))
            .run(&mut self.tx)
            .await?;
        Ok(())
    }

    /// Makes everything that refers to one record refer to another, or to nothing. Answers how many records changed.
    ///
    /// # Errors
    /// [`Code::Conflict`](crate::error::Code::Conflict) when one of them was changed meanwhile, or cannot refer to nothing;
    /// [`Code::Forbidden`](crate::error::Code::Forbidden) when the caller may not change records of one of the kinds.
    pub async fn repoint(
        &mut self,
        table: &'static str,
        from: i64,
        to: Option<i64>,
    ) -> Result<usize> {
        let mut changed = 0;
        for (kind, link) in self.records().clone().referring_to(table) {
            changed += kind.repoint(self, link, from, to).await?;
        }
        Ok(changed)
    }

    /// The oldest live record with one of these index keys, and the field of that index key. What stands first in `fields` goes
    /// before what is older.
    ///
    /// # Errors
    /// What the database says.
    pub async fn first_with_index_keys<R: Record>(
        &mut self,
        fields: &[&'static str],
        index_keys: &[(&'static str, String)],
    ) -> Result<Option<(Id<R>, &'static str)>> {
        if index_keys.is_empty() {
            return Ok(None);
        }
        // One index look-up for each; an OR over them would read all index keys there are.
        let workspace = self.workspace().id;
        let mut statement = sql("");
        for (index, (field, value)) in index_keys.iter().enumerate() {
            statement = statement
                .sql(if index > 0 { " UNION ALL " } else { "" })
                .sql("SELECT field, MIN(record) AS record FROM record_key WHERE workspace = ")
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

    /// The live records with this index key, oldest first, `limit` of them at most.
    ///
    /// # Errors
    /// What the database says.
    pub async fn with_index_key<R: Record>(
        &mut self,
        field: &'static str,
        value: &str,
        limit: usize,
    ) -> Result<Vec<Id<R>>> {
        let rows = sql("SELECT record FROM record_key WHERE workspace = ")
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
