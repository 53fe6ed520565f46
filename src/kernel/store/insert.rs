//! New rows. On one PostgreSQL server a transaction holds them back, because nothing waits for an answer to them, and writes
//! those of all tables with one statement: a create then takes one way there and back where it took three. The rows of a table
//! come as one array for each column, so that any number of them is one prepared statement.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::NaiveDate;

use super::value::PostgresQuery;
use super::{Kind, Sql, Value, sql};
use crate::error::{Error, Result};
use crate::types::time::Timestamp;

/// More rows than these are not held back: a large change is not to stand in memory.
pub(super) const MOST_HELD: usize = 5_000;

/// So many rows are one statement anyway, where they are not held back.
pub(super) const FEW: usize = 16;

/// New rows of a table, all with values for the same columns.
pub(crate) struct Insert {
    table: &'static str,
    /// As they stand in the statement: `workspace, id, …`.
    columns: Cow<'static, str>,
    rows: Vec<Vec<Value>>,
}

impl Insert {
    pub(crate) fn new(
        table: &'static str,
        columns: impl Into<Cow<'static, str>>,
        rows: Vec<Vec<Value>>,
    ) -> Self {
        Self {
            table,
            columns: columns.into(),
            rows,
        }
    }

    pub(super) fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// Whether a row of this table with this in a column is among them.
    pub(super) fn has(&self, table: &str, column: &str, value: &Value) -> bool {
        let place = self.columns.split(", ").position(|name| name == column);
        let is_it = |row: &Vec<Value>| place.and_then(|place| row.get(place)) == Some(value);
        self.table == table && self.rows.iter().any(is_it)
    }

    pub(super) fn is_into(&self, table: &str) -> bool {
        self.table == table
    }

    /// Takes what the other one has, if that goes into the same columns.
    pub(super) fn join(&mut self, other: &mut Self) -> bool {
        let same = self.table == other.table && self.columns == other.columns;
        if same {
            self.rows.append(&mut other.rows);
        }
        same
    }

    /// The statement that writes some of the rows by itself, on any engine.
    pub(super) fn statement(&self, rows: &[Vec<Value>]) -> Sql {
        let mut statement = sql("");
        self.push_into(&mut |text| statement.push(text));
        statement.push(" VALUES ");
        for (index, row) in rows.iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.push_list(row.iter().cloned());
        }
        statement
    }

    fn push_into(&self, push: &mut dyn FnMut(&str)) {
        for text in ["INSERT INTO ", self.table, " (", &self.columns, ")"] {
            push(text);
        }
    }
}

/// One statement for PostgreSQL that writes all of these. It answers the transaction's number as `number`, on the way, where
/// that costs nothing.
pub(super) fn together(inserts: Vec<Insert>) -> Result<(String, Vec<Array>)> {
    let mut text = String::new();
    let mut arrays = Vec::new();
    for (number, insert) in inserts.into_iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{}new_{number} AS (",
            if number > 0 { ", " } else { "WITH " }
        );
        insert.push_into(&mut |part| text.push_str(part));
        text.push_str(" SELECT * FROM UNNEST(");
        for (index, array) in arrays_of(insert.rows)?.into_iter().enumerate() {
            let (comma, place) = (if index > 0 { ", " } else { "" }, arrays.len() + 1);
            let _ = write!(text, "{comma}${place}::{}[]", array.type_name());
            arrays.push(array);
        }
        text.push_str("))");
    }
    text.push_str(" SELECT pg_current_xact_id()::TEXT AS number");
    Ok((text, arrays))
}

/// The values of one column.
pub(super) enum Array {
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Time(Vec<Option<Timestamp>>),
    Date(Vec<Option<NaiveDate>>),
    Json(Vec<Option<serde_json::Value>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

fn arrays_of(rows: Vec<Vec<Value>>) -> Result<Vec<Array>> {
    let count = rows.len();
    let first = rows.first().map(Vec::as_slice).unwrap_or_default();
    let mut arrays: Vec<Array> = first
        .iter()
        .map(|value| Array::of(value.kind(), count))
        .collect();
    for row in rows {
        if row.len() != arrays.len() {
            return Err(Error::internal("rows of one insert differ in length"));
        }
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value)?;
        }
    }
    Ok(arrays)
}

impl Array {
    fn of(kind: Kind, count: usize) -> Self {
        match kind {
            Kind::Int => Self::Int(Vec::with_capacity(count)),
            Kind::Bool => Self::Bool(Vec::with_capacity(count)),
            Kind::Text => Self::Text(Vec::with_capacity(count)),
            Kind::Time => Self::Time(Vec::with_capacity(count)),
            Kind::Date => Self::Date(Vec::with_capacity(count)),
            Kind::Json => Self::Json(Vec::with_capacity(count)),
            Kind::Bytes => Self::Bytes(Vec::with_capacity(count)),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        match (self, value) {
            (Self::Int(array), Value::Int(value)) => array.push(Some(value)),
            (Self::Int(array), Value::Null(Kind::Int)) => array.push(None),
            (Self::Bool(array), Value::Bool(value)) => array.push(Some(value)),
            (Self::Bool(array), Value::Null(Kind::Bool)) => array.push(None),
            (Self::Text(array), Value::Text(value)) => array.push(Some(value)),
            (Self::Text(array), Value::Null(Kind::Text)) => array.push(None),
            (Self::Time(array), Value::Time(value)) => array.push(Some(value)),
            (Self::Time(array), Value::Null(Kind::Time)) => array.push(None),
            (Self::Date(array), Value::Date(value)) => array.push(Some(value)),
            (Self::Date(array), Value::Null(Kind::Date)) => array.push(None),
            (Self::Json(array), Value::Json(value)) => array.push(Some(value)),
            (Self::Json(array), Value::Null(Kind::Json)) => array.push(None),
            (Self::Bytes(array), Value::Bytes(value)) => array.push(Some(value)),
            (Self::Bytes(array), Value::Null(Kind::Bytes)) => array.push(None),
            _ => return Err(Error::internal("a column was given values of two kinds")),
        }
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "BIGINT",
            Self::Bool(_) => "BOOLEAN",
            Self::Text(_) => "TEXT",
            Self::Time(_) => "TIMESTAMPTZ",
            Self::Date(_) => "DATE",
            Self::Json(_) => "JSONB",
            Self::Bytes(_) => "BYTEA",
        }
    }

    pub(super) fn bind(query: PostgresQuery, array: Self) -> PostgresQuery {
        match array {
            Self::Int(array) => query.bind(array),
            Self::Bool(array) => query.bind(array),
            Self::Text(array) => query.bind(array),
            Self::Time(array) => query.bind(array),
            Self::Date(array) => query.bind(array),
            Self::Json(array) => query.bind(array),
            Self::Bytes(array) => query.bind(array),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(rows: Vec<Vec<Value>>) -> Insert {
        Insert::new("t", "id, name", rows)
    }

    fn row(id: i64, name: Option<&str>) -> Vec<Value> {
        let name = name.map_or(Value::Null(Kind::Text), |name| Value::Text(name.to_owned()));
        vec![Value::Int(id), name]
    }

    #[test]
    fn any_number_of_rows_is_one_text() {
        let text = |rows| together(vec![insert(rows)]).unwrap().0;
        let one = text(vec![row(1, None)]);
        assert_eq!(one, text(vec![row(1, Some("a")), row(2, None)]));
        assert_eq!(
            one,
            "WITH new_0 AS (INSERT INTO t (id, name) SELECT * FROM UNNEST($1::BIGINT[], $2::TEXT[])) \
             SELECT pg_current_xact_id()::TEXT AS number"
        );
    }

    #[test]
    fn rows_of_another_form_are_refused() {
        let short = vec![row(1, None), vec![Value::Int(2)]];
        assert!(together(vec![insert(short)]).is_err());
        let mixed = vec![row(1, None), vec![Value::Int(2), Value::Bool(true)]];
        assert!(together(vec![insert(mixed)]).is_err());
    }
}
