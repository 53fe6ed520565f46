//! Records that only some of those who may read their kind may read: a column names the team whose members alone may
//! ([`Record::READERS`]).
//!
//! Owners and admins read all of them, like everything else. What a caller may not read is not there for it: statements that read
//! such records for a caller say so with [`Cx::push_readable`], and the search index keeps them apart ([`Readers`]), so that nothing
//! hidden takes part in an order, a count or a page.

use std::collections::HashSet;

use super::{AnyRecord, Cx, Record};
use crate::caller::{Role, Team};
use crate::error::Result;
use crate::search::Readers;
use crate::store::{Column as _, Sql, sql};
use crate::types::id::Id;

impl Cx {
    /// Whether it reads what is for a team that it is not in.
    fn reads_of_all_teams(&self) -> bool {
        self.caller().role >= Role::Admin
    }

    /// Appends, after an `AND` of its own, that the caller may read a record with this column of readers. `alias` is what the
    /// columns begin with where the table has another name, such as `held.`.
    fn push_read_by(&self, statement: &mut Sql, alias: &str, column: &str) {
        if self.reads_of_all_teams() {
            return;
        }
        for (before, after) in [(" AND (", " IS NULL OR "), ("", " IN (SELECT team FROM ")] {
            statement.push(before);
            statement.push(alias);
            statement.push(column);
            statement.push(after);
        }
        statement.push("team_member WHERE workspace = ");
        statement.push_value(self.workspace().id.to_value());
        statement.push(" AND member = ");
        statement.push_value(self.caller().member.to_value());
        statement.push("))");
    }

    /// Appends that the caller may read the record, where not everybody may who may read its kind.
    pub(crate) fn push_readable<R: Record>(&self, statement: &mut Sql) {
        if let Some(column) = R::READERS {
            self.push_read_by(statement, "", column);
        }
    }

    /// The same for a kind.
    pub(crate) fn push_readable_of(&self, statement: &mut Sql, kind: &dyn AnyRecord) {
        if let Some(column) = kind.readers() {
            self.push_read_by(statement, "", column);
        }
    }

    /// Those of these records that the caller may not read, or that are not there.
    pub(crate) async fn hidden(
        &mut self,
        kind: &dyn AnyRecord,
        ids: &[i64],
    ) -> Result<HashSet<i64>> {
        if kind.readers().is_none() || self.reads_of_all_teams() {
            return Ok(HashSet::new());
        }
        let mut hidden: HashSet<i64> = ids.iter().copied().collect();
        for ids in ids.chunks(1_000) {
            let mut statement = sql("SELECT id FROM ");
            statement.push(kind.table());
            statement.push(" WHERE workspace = ");
            statement.push_value(self.workspace().id.to_value());
            statement.push(" AND id IN ");
            statement.push_ids(ids);
            self.push_readable_of(&mut statement, kind);
            for row in statement.rows(&mut self.tx).await? {
                hidden.remove(&row.get("id")?);
            }
        }
        Ok(hidden)
    }

    /// The teams of the caller.
    ///
    /// # Errors
    /// What the database says.
    pub async fn own_teams(&mut self) -> Result<Vec<Id<Team>>> {
        let member = self.caller().member;
        let statement = sql("SELECT team").from_own(self, "team_member");
        let rows = statement
            .sql(" AND member = ")
            .value(member)
            .rows(&mut self.tx);
        rows.await?.iter().map(|row| row.get("team")).collect()
    }

    /// Whether the caller reads what is for this team alone.
    ///
    /// # Errors
    /// What the database says.
    pub async fn reads_for(&mut self, team: Id<Team>) -> Result<bool> {
        Ok(self.reads_of_all_teams() || self.own_teams().await?.contains(&team))
    }

    /// Of whose records the search index finds some for the caller among these kinds.
    pub(crate) async fn searching(&mut self, kinds: &[&'static dyn AnyRecord]) -> Result<Readers> {
        let is_for_some = kinds.iter().any(|kind| kind.readers().is_some());
        self.readers_of_teams(is_for_some).await
    }

    /// The same among one kind.
    pub(crate) async fn searching_for<R: Record>(&mut self) -> Result<Readers> {
        self.readers_of_teams(R::READERS.is_some()).await
    }

    async fn readers_of_teams(&mut self, is_for_some: bool) -> Result<Readers> {
        if !is_for_some {
            return Ok(Readers::Teams(Vec::new()));
        }
        if self.reads_of_all_teams() {
            return Ok(Readers::Everybody);
        }
        let teams = self.own_teams().await?.into_iter();
        Ok(Readers::Teams(teams.map(Id::raw).collect()))
    }
}
