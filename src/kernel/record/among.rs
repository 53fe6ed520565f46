//! Of which rows a module's own statement is: those of the caller's workspace and, of records, the live ones. No module says so by
//! hand, where it could be forgotten.

use super::{Cx, Record};
use crate::store::Sql;

impl Sql {
    /// Appends `FROM` with the live records of a kind in the caller's workspace. Further conditions follow with `AND`.
    #[must_use]
    pub fn from_live<R: Record>(self, cx: &Cx) -> Self {
        self.from_all::<R>(cx).sql(" AND archived_at IS NULL")
    }

    /// The same with those that are archived.
    #[must_use]
    pub fn from_all<R: Record>(self, cx: &Cx) -> Self {
        self.from_own(cx, R::TABLE)
    }

    /// The same of a table that holds something else of a workspace, such as its change log.
    #[must_use]
    pub fn from_own(self, cx: &Cx, table: &'static str) -> Self {
        let statement = self.sql(" FROM ").sql(table).sql(" WHERE workspace = ");
        statement.value(cx.workspace().id)
    }
}
