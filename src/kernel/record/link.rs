//! How records of one kind refer to those of another.

use super::ColumnSpec;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::{Row, Sql, Target, Value};
use crate::types::id::{AnyId, encode};

/// A column by which records of one kind refer to what stands in one table. A column for records of any kind
/// ([`Target::Any`]) is such a link to each of the tables.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The column.
    pub column: ColumnSpec,
    /// The table that it refers to.
    pub table: &'static str,
    /// The prefix of the identifiers of what stands there.
    pub prefix: &'static str,
}

impl Link {
    /// What stands in the column where it refers to this one.
    pub(crate) fn value(&self, id: i64) -> Value {
        match self.column.refers_to {
            Some(Target::Any) => Value::Text(encode(self.prefix, id)),
            _ => Value::Int(id),
        }
    }

    /// Appends `($n, $m, …)` with what stands in the column where it refers to these.
    pub(crate) fn push_values(&self, statement: &mut Sql, ids: &[i64]) {
        let values = ids.iter().map(|id| self.value(*id));
        statement.push_filled(values.collect());
    }

    /// What of the table a row refers to; the column was selected by this name.
    pub(crate) fn target(&self, row: &Row, name: &str) -> Result<Option<i64>> {
        if self.column.refers_to != Some(Target::Any) {
            return row.get(name);
        }
        let any: Option<AnyId> = row.get(name)?;
        let of_table = any.filter(|id| id.prefix() == self.prefix);
        Ok(of_table.map(|id| id.raw()))
    }
}

impl Cx {
    /// The table and number of what a column refers to with this value; none where it refers to nothing.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for an identifier that is not one of a record.
    pub(crate) fn referred(
        &self,
        column: &ColumnSpec,
        value: &Value,
    ) -> Result<Option<(&'static str, i64)>> {
        match (column.refers_to, value) {
            (Some(Target::Table(table)), Value::Int(id)) => Ok(Some((table, *id))),
            (Some(Target::Any), Value::Text(text)) => match self.records().of_wire_id(text) {
                Some((kind, id)) => Ok(Some((kind.table(), id))),
                None => {
                    let name = column.name;
                    let message = format!("{name} names no record that there is here.");
                    Err(Error::invalid(name, message)
                        .hint("It takes the id of a record, as other tools return it."))
                }
            },
            _ => Ok(None),
        }
    }
}
