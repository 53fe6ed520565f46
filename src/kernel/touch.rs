//! When somebody was last in touch with a person or a firm: the newest of what was done with them.

use std::collections::HashMap;

use crate::error::Result;
use crate::record::{Cx, Record, Touch};
use crate::store::{Column as _, Sql, Value, sql};
use crate::types::time::Timestamp;

/// A column by which such records refer to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touching {
    table: &'static str,
    column: &'static str,
    touch: Touch,
}

impl Touching {
    /// Appends which of them count, of this workspace.
    fn push_counting(&self, statement: &mut Sql, workspace: &Value) {
        statement.push(" FROM ");
        statement.push(self.table);
        statement.push(" WHERE ");
        statement.push(self.table);
        statement.push(".workspace = ");
        statement.push_value(workspace.clone());
        statement.push(" AND ");
        statement.push(self.table);
        statement.push(".archived_at IS NULL AND ");
        statement.push(self.touch.counts);
    }

    /// Appends whether there is one about a row of a table, at or after a moment or only after it.
    pub(crate) fn push_exists(
        &self,
        statement: &mut Sql,
        workspace: &Value,
        of: &'static str,
        compares: &'static str,
        moment: &Value,
    ) {
        statement.push("EXISTS (SELECT 1");
        self.push_counting(statement, workspace);
        statement.push(" AND ");
        statement.push(self.table);
        statement.push(".");
        statement.push(self.column);
        statement.push(" = ");
        statement.push(of);
        statement.push(".id AND ");
        statement.push(self.touch.at);
        statement.push(compares);
        statement.push_value(moment.clone());
        statement.push(")");
    }
}

impl Cx {
    /// What counts as having been in touch with records of a table, as far as the caller may read it.
    pub(crate) fn touching(&self, table: &'static str) -> Vec<Touching> {
        let records = self.records();
        let links = records.links_of(|kind| kind.touch().is_some(), table);
        let touching = links.filter_map(|(kind, link)| {
            Some(Touching {
                table: kind.table(),
                column: link.column.name,
                touch: kind.touch()?,
            })
        });
        touching
            .filter(|touching| self.may_read(touching.table))
            .collect()
    }

    /// When somebody was last in touch with each of these records, as far as the caller may read what was done.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_touched<R: Record>(
        &mut self,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<HashMap<i64, Timestamp>> {
        let mut last: HashMap<i64, Timestamp> = HashMap::new();
        let ids: Vec<i64> = ids.into_iter().collect();
        let workspace = self.workspace().id.to_value();
        for touching in self.touching(R::TABLE) {
            // Nobody was in touch with what is being made right now.
            let mut ids = ids.clone();
            ids.retain(|id| !self.tx.holds(R::TABLE, *id));
            if ids.is_empty() {
                continue;
            }
            let mut statement = sql("SELECT ");
            statement.push(touching.column);
            statement.push(" AS target, MAX(");
            statement.push(touching.touch.at);
            statement.push(") AS last");
            touching.push_counting(&mut statement, &workspace);
            statement.push(" AND ");
            statement.push(touching.column);
            statement.push(" IN ");
            statement.push_ids(&ids);
            statement.push(" GROUP BY ");
            statement.push(touching.column);
            for row in statement
                .reads_only(touching.table)
                .rows(&mut self.tx)
                .await?
            {
                let (target, at): (i64, Option<Timestamp>) = (row.get("target")?, row.get("last")?);
                if let Some(at) = at {
                    let last = last.entry(target).or_insert(at);
                    *last = at.max(*last);
                }
            }
        }
        Ok(last)
    }
}
