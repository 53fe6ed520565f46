//! One SQL text for both engines: static pieces and bound values, nothing else.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Column, Row, Store, Tx, Value};
use crate::error::{Error, Result};
use crate::types::id::{Entity, Id};

/// A statement under construction. `$1`, `$2` … stand for the values in the order in which they are bound.
#[derive(Debug, Clone)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
    /// The text names placeholders itself, so that they need not stand in the order of the values.
    numbered: bool,
    /// The one table that it reads, where that is known.
    reads: Option<&'static str>,
}

/// Starts a statement with a static text.
#[must_use]
pub fn sql(text: &'static str) -> Sql {
    Sql {
        text: text.to_owned(),
        values: Vec::new(),
        numbered: false,
        reads: None,
    }
}

impl Sql {
    /// Binds the next value to the next `$n` of the text.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`.value(now())` reads better than `.value(&now())`"
    )]
    pub fn bind(mut self, value: impl Column) -> Self {
        self.values.push(value.to_value());
        self.numbered = true;
        self
    }

    /// Appends a static text.
    #[must_use]
    pub fn sql(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder and binds the value to it.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`.value(now())` reads better than `.value(&now())`"
    )]
    pub fn value(mut self, value: impl Column) -> Self {
        self.push_value(value.to_value());
        self
    }

    /// Appends `($n, $m, …)` with the values; an empty list gives `(NULL)`, which nothing equals.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = Value>) {
        self.text.push('(');
        let before = self.values.len();
        for value in values {
            if self.values.len() > before {
                self.text.push_str(", ");
            }
            self.push_value(value);
        }
        if self.values.len() == before {
            self.text.push_str("NULL");
        }
        self.text.push(')');
    }

    /// Appends the condition that what stands before is one of these texts. PostgreSQL gets them as one value, so that any number
    /// of them is one prepared statement.
    pub(crate) fn push_among(&mut self, tx: &Tx, texts: &[String]) {
        if tx.is_postgres() {
            self.push(" = ANY(ARRAY(SELECT JSONB_ARRAY_ELEMENTS_TEXT(");
            self.push_value(Value::Json(texts.into()));
            self.push(")))");
        } else {
            self.push(" IN ");
            self.push_list(texts.iter().cloned().map(Value::Text));
        }
    }

    /// Appends `($n, $m, …)` with identifiers. The list is filled up with its last one to one of a few lengths, so that
    /// lists of all lengths share a few prepared statements.
    pub(crate) fn push_ids(&mut self, ids: &[i64]) {
        self.push_filled(ids.iter().copied().map(Value::Int).collect());
    }

    /// Appends `($n, $m, …)` with identifiers, after an `IN`.
    #[must_use]
    pub fn ids<E: Entity>(mut self, ids: &[Id<E>]) -> Self {
        let ids: Vec<i64> = ids.iter().map(|id| id.raw()).collect();
        self.push_ids(&ids);
        self
    }

    /// The same with other values.
    pub(crate) fn push_filled(&mut self, values: Vec<Value>) {
        const LENGTHS: [usize; 6] = [1, 4, 16, 64, 256, 1024];
        let length = LENGTHS
            .into_iter()
            .find(|length| *length >= values.len())
            .unwrap_or(values.len());
        let last = values.last().cloned();
        let filled = values.into_iter().chain(last.into_iter().cycle());
        self.push_list(filled.take(length));
    }

    /// Says that it reads this table and no other: new rows of others need not be written before.
    #[must_use]
    pub(crate) fn reads_only(mut self, table: &'static str) -> Self {
        self.reads = Some(table);
        self
    }

    /// Appends the name of a table or column that a record declares: a static text too, never input.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn push_value(&mut self, value: Value) {
        self.values.push(value);
        // Writing to a string does not fail.
        let _ = write!(self.text, "${}", self.values.len());
    }

    /// The text as the engine takes it best. SQLite looks a numbered placeholder up among all of them for each value that
    /// is bound, which is what a statement with many values would spend most of its time with.
    fn text_for(&self, tx: &Tx) -> Cow<'_, str> {
        const MANY: usize = 32;
        if tx.is_postgres() || self.numbered || self.values.len() < MANY {
            return Cow::Borrowed(&self.text);
        }
        let mut text = String::with_capacity(self.text.len());
        let mut pieces = self.text.split('$');
        text.extend(pieces.next());
        for piece in pieces {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
            text.push(if rest.len() < piece.len() { '?' } else { '$' });
            text.push_str(rest);
        }
        Cow::Owned(text)
    }

    /// Runs it and gives the number of rows that it changed.
    ///
    /// # Errors
    /// What the engine says, translated: see [`Tx`].
    pub async fn run(self, tx: &mut Tx) -> Result<u64> {
        tx.execute(&self.text_for(tx), &self.values).await
    }

    /// All rows of the answer.
    ///
    /// # Errors
    /// What the engine says, translated: see [`Tx`].
    pub async fn rows(self, tx: &mut Tx) -> Result<Vec<Row>> {
        let text = self.text_for(tx);
        match self.reads {
            Some(table) if !tx.holds_any(table) => tx.fetch_beside(&text, &self.values).await,
            _ => tx.fetch(&text, &self.values).await,
        }
    }

    /// All rows of the answer to a statement that only reads, for the server itself and outside of any transaction.
    ///
    /// # Errors
    /// What the engine says, translated: see [`Tx`].
    pub(crate) async fn look(self, store: &Store) -> Result<Vec<Row>> {
        store.look(&self.text, &self.values).await
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// What the engine says, translated: see [`Tx`].
    pub async fn row(self, tx: &mut Tx) -> Result<Option<Row>> {
        Ok(self.rows(tx).await?.into_iter().next())
    }

    /// The named column of the only row.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when there is no row.
    pub async fn one<T: Column>(self, column: &str, tx: &mut Tx) -> Result<T> {
        let text = self.text.clone();
        match self.row(tx).await? {
            Some(row) => row.get(column),
            None => Err(Error::internal(format!("no row from: {text}"))),
        }
    }
}

/// Rows that one statement writes. Few lengths, so that a few prepared statements serve any number of rows; and not
/// many rows, because a statement takes longer to prepare than it saves.
const PIECES: [usize; 4] = [64, 16, 4, 1];

/// Cuts rows into pieces of those lengths.
pub(crate) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = PIECES.into_iter().find(|length| *length <= rows.len())?;
        let (piece, rest) = rows.split_at_checked(length)?;
        rows = rest;
        Some(piece)
    })
}
