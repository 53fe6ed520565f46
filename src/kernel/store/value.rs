//! What stands in a column: the few kinds of value that both engines keep, and their way into and out of Rust.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, NaiveDate, SubsecRound as _};
use rusqlite::types::ValueRef;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row as _};

use crate::error::{Error, Result};
use crate::types::country::Country;
use crate::types::email::Email;
use crate::types::id::{AnyId, Entity, Id};
use crate::types::money::{Amount, Currency};
use crate::types::number::BoundedInt;
use crate::types::text::{LongText, ShortText};
use crate::types::time::{DayEdge, FAR_AWAY, LocalTime, Timestamp, When};

/// The kind of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit whole number.
    Int,
    /// Truth value.
    Bool,
    /// Text.
    Text,
    /// A moment, to the microsecond.
    Time,
    /// A calendar day.
    Date,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
}

/// A value on its way to or from the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, in a column of this kind.
    Null(Kind),
    /// Whole number.
    Int(i64),
    /// Truth value.
    Bool(bool),
    /// Text.
    Text(String),
    /// A moment.
    Time(Timestamp),
    /// A day.
    Date(NaiveDate),
    /// JSON.
    Json(serde_json::Value),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// What kind of value it is.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Int(_) => Kind::Int,
            Self::Bool(_) => Kind::Bool,
            Self::Text(_) => Kind::Text,
            Self::Time(_) => Kind::Time,
            Self::Date(_) => Kind::Date,
            Self::Json(_) => Kind::Json,
            Self::Bytes(_) => Kind::Bytes,
        }
    }
}

/// What the identifiers in a column are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Records in this table, by their numbers.
    Table(&'static str),
    /// Records of any kind, by their identifiers as they are on the wire.
    Any,
}

/// A Rust type that stands in a column.
pub trait Column: Sized {
    /// What a caller gives for it.
    type Input: DeserializeOwned + JsonSchema;
    /// The kind of its values.
    const KIND: Kind;
    /// What it refers to, for an identifier of another record.
    const REFERS_TO: Option<Target> = None;
    /// Whether the record belongs to what it refers to ([`Parent`]).
    const PARENT: bool = false;
    /// Whether a record cannot be without it.
    const REQUIRED: bool = true;
    /// Whether the server keeps it: callers see it and cannot give it.
    const KEPT: bool = false;
    /// Whether it is an amount of money.
    const IS_AMOUNT: bool = false;
    /// Whether its texts mean the same in any case.
    const IS_FOLDED: bool = false;
    /// Takes what a caller gave. Days are judged by the workspace's time.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the column.
    fn from_input(input: Self::Input, time: LocalTime) -> std::result::Result<Self, String>;
    /// What stands there while nothing was said; for a required one it never reaches the database.
    fn empty() -> Self;
    /// The value to bind.
    fn to_value(&self) -> Value;
    /// Reads it back; `None` when the value is of another kind or out of bounds.
    fn from_value(value: Value) -> Option<Self>;
    /// Whether a required one is still missing.
    fn is_missing(&self) -> bool {
        false
    }
    /// The texts in it: itself, an identifier as it is on the wire, `true` or `false`, or each
    /// text of a list.
    fn texts(&self) -> Vec<String> {
        match self.to_value() {
            Value::Text(text) => vec![text],
            Value::Bool(is_so) => vec![is_so.to_string()],
            Value::Json(serde_json::Value::Array(items)) => {
                let texts = items.into_iter().filter_map(|item| match item {
                    serde_json::Value::String(text) => Some(text),
                    _ => None,
                });
                texts.collect()
            }
            _ => Vec::new(),
        }
    }
    /// The currency that it is.
    fn currency(&self) -> Option<Currency> {
        None
    }
}

impl<T: Column> Column for Option<T> {
    type Input = T::Input;
    const KIND: Kind = T::KIND;
    const REFERS_TO: Option<Target> = T::REFERS_TO;
    const PARENT: bool = T::PARENT;
    const REQUIRED: bool = false;
    const IS_AMOUNT: bool = T::IS_AMOUNT;
    const IS_FOLDED: bool = T::IS_FOLDED;
    fn texts(&self) -> Vec<String> {
        self.as_ref().map(T::texts).unwrap_or_default()
    }
    fn from_input(input: T::Input, time: LocalTime) -> std::result::Result<Self, String> {
        T::from_input(input, time).map(Some)
    }
    fn empty() -> Self {
        None
    }
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null(T::KIND), T::to_value)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null(_) => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A column whose values are given as they stand there.
macro_rules! column {
    ($type:ty, $kind:ident, $required:literal, $empty:expr, $self:ident => $to:expr, $value:ident => $from:expr $(, { $($own:tt)* })?) => {
        impl Column for $type {
            $($($own)*)?
            type Input = $type;
            const KIND: Kind = Kind::$kind;
            const REQUIRED: bool = $required;
            fn from_input(input: $type, _: LocalTime) -> std::result::Result<Self, String> {
                Ok(input)
            }
            column!(@ways $kind, $empty, $self => $to, $value => $from);
        }
    };
    (@ways $kind:ident, $empty:expr, $self:ident => $to:expr, $value:ident => $from:expr) => {
            fn empty() -> Self {
                $empty
            }
            fn to_value(&self) -> Value {
                let $self = self;
                Value::$kind($to)
            }
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$kind($value) => $from,
                    _ => None,
                }
            }
    };
}
column!(i64, Int, false, 0, v => *v, v => Some(v));
column!(bool, Bool, false, false, v => *v, v => Some(v));
column!(String, Text, false, String::new(), v => v.clone(), v => Some(v));
column!(Vec<u8>, Bytes, false, Vec::new(), v => v.clone(), v => Some(v));
column!(Currency, Text, true, Currency::default(), v => v.code().to_owned(), v => v.parse().ok(), {
    fn currency(&self) -> Option<Currency> {
        Some(*self)
    }
});
column!(Email, Text, true, Email::missing(), v => v.to_string(), v => v.parse().ok());
column!(Country, Text, true, Country::missing(), v => v.to_string(), v => v.parse().ok(), {
    const IS_FOLDED: bool = true;
    fn texts(&self) -> Vec<String> {
        vec![self.to_string()]
    }
});
column!(Amount, Int, false, Amount::from_raw(0), v => v.raw(), v => Some(Self::from_raw(v)), {
    const IS_AMOUNT: bool = true;
});

/// A moment. Where a caller gives a day, it is the end of that day: what is due on a day may be done all day long.
impl Column for Timestamp {
    type Input = When;
    const KIND: Kind = Kind::Time;
    fn from_input(input: When, time: LocalTime) -> std::result::Result<Self, String> {
        let moment = input.moment(time.now, time.zone, DayEdge::End);
        // To the second, as people write the end of a day.
        moment
            .map(|moment| moment.trunc_subsecs(0))
            .ok_or_else(|| FAR_AWAY.to_owned())
    }
    column!(@ways Time, Timestamp::default(), v => *v, v => Some(v));
}

impl Column for NaiveDate {
    type Input = When;
    const KIND: Kind = Kind::Date;
    fn from_input(input: When, time: LocalTime) -> std::result::Result<Self, String> {
        let date = input.date(time.now, time.zone);
        date.ok_or_else(|| FAR_AWAY.to_owned())
    }
    column!(@ways Date, NaiveDate::default(), v => *v, v => Some(v));
}

/// A type round another one that stands in the table like it, and says one thing more of the column.
macro_rules! wrapper {
    ($name:ident { $($own:tt)* }) => {
        impl<T> Deref for $name<T> {
            type Target = T;
            fn deref(&self) -> &T {
                &self.0
            }
        }
        impl<T: Column> Column for $name<T> {
            type Input = T::Input;
            const KIND: Kind = T::KIND;
            const REFERS_TO: Option<Target> = T::REFERS_TO;
            const REQUIRED: bool = T::REQUIRED;
            const IS_AMOUNT: bool = T::IS_AMOUNT;
            const IS_FOLDED: bool = T::IS_FOLDED;
            fn texts(&self) -> Vec<String> {
                self.0.texts()
            }
            fn from_input(input: T::Input, time: LocalTime) -> std::result::Result<Self, String> {
                T::from_input(input, time).map(Self)
            }
            fn empty() -> Self {
                Self(T::empty())
            }
            fn to_value(&self) -> Value {
                self.0.to_value()
            }
            fn from_value(value: Value) -> Option<Self> {
                T::from_value(value).map(Self)
            }
            fn currency(&self) -> Option<Currency> {
                self.0.currency()
            }
            $($own)*
        }
    };
}

/// A column that the server keeps: callers see it and cannot give it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Managed<T>(pub T);

wrapper!(Managed {
    const PARENT: bool = T::PARENT;
    const KEPT: bool = true;
});

/// A column that says what the record belongs to: it is archived, restored and erased with it, and moves with it where two
/// are merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Parent<T>(pub T);

wrapper!(Parent {
    const PARENT: bool = true;
    const KEPT: bool = T::KEPT;
    fn is_missing(&self) -> bool {
        self.0.is_missing()
    }
});

impl Column for AnyId {
    type Input = Self;
    const KIND: Kind = Kind::Text;
    const REFERS_TO: Option<Target> = Some(Target::Any);
    fn from_input(input: Self, _: LocalTime) -> std::result::Result<Self, String> {
        Ok(input)
    }
    fn empty() -> Self {
        Self::missing()
    }
    fn is_missing(&self) -> bool {
        *self == Self::missing()
    }
    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
    fn from_value(value: Value) -> Option<Self> {
        String::from_value(value).and_then(|text| text.parse().ok())
    }
}

impl<const MIN: i64, const MAX: i64> Column for BoundedInt<MIN, MAX> {
    type Input = Self;
    const KIND: Kind = Kind::Int;
    const REQUIRED: bool = false;
    fn from_input(input: Self, _: LocalTime) -> std::result::Result<Self, String> {
        Ok(input)
    }
    fn empty() -> Self {
        Self::default()
    }
    fn to_value(&self) -> Value {
        Value::Int(self.get())
    }
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| Self::new(number).ok())
    }
}

macro_rules! text_type_column {
    ($name:ident) => {
        impl<const MAX: usize> Column for $name<MAX> {
            type Input = Self;
            const KIND: Kind = Kind::Text;
            const IS_FOLDED: bool = true;
            fn from_input(input: Self, _: LocalTime) -> std::result::Result<Self, String> {
                Ok(input)
            }
            fn empty() -> Self {
                Self::missing()
            }
            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
            fn from_value(value: Value) -> Option<Self> {
                String::from_value(value).and_then(|text| Self::new(&text).ok())
            }
            fn is_missing(&self) -> bool {
                self.is_empty()
            }
        }
    };
}
text_type_column!(ShortText);
text_type_column!(LongText);

impl<E: Entity> Column for Id<E> {
    type Input = Self;
    const KIND: Kind = Kind::Int;
    const REFERS_TO: Option<Target> = Some(Target::Table(E::TABLE));
    fn texts(&self) -> Vec<String> {
        vec![self.to_string()]
    }
    fn from_input(input: Self, _: LocalTime) -> std::result::Result<Self, String> {
        Ok(input)
    }
    fn empty() -> Self {
        Self::from_raw(0)
    }
    fn is_missing(&self) -> bool {
        self.raw() == 0
    }
    fn to_value(&self) -> Value {
        Value::Int(self.raw())
    }
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_raw)
    }
}

/// A value that is kept as a JSON document in one column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
impl<T: Serialize + DeserializeOwned + JsonSchema + Default> Column for Json<T> {
    type Input = T;
    const KIND: Kind = Kind::Json;
    const REQUIRED: bool = false;
    const IS_FOLDED: bool = true;
    fn from_input(input: T, _: LocalTime) -> std::result::Result<Self, String> {
        Ok(Self(input))
    }
    fn empty() -> Self {
        Self::default()
    }
    fn to_value(&self) -> Value {
        Value::Json(serde_json::to_value(&self.0).unwrap_or_default())
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Json(json) => serde_json::from_value(json).ok().map(Json),
            _ => None,
        }
    }
}

/// Makes an enum with serde names a text column; its default variant stands where nothing was said.
#[macro_export]
macro_rules! text_column {
    ($type:ty) => {
        impl $crate::store::Column for $type {
            type Input = $type;
            const REQUIRED: bool = false;
            fn from_input(input: $type, _: $crate::types::time::LocalTime) -> Result<Self, String> {
                Ok(input)
            }
            fn empty() -> Self {
                <$type>::default()
            }
            const KIND: $crate::store::Kind = $crate::store::Kind::Text;
            fn to_value(&self) -> $crate::store::Value {
                $crate::store::Value::Text($crate::store::enum_name(self))
            }
            fn from_value(value: $crate::store::Value) -> Option<Self> {
                <String as $crate::store::Column>::from_value(value)
                    .and_then(|name| $crate::store::enum_from_name(name))
            }
        }
    };
}

/// The serde name of a unit variant.
pub fn enum_name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The variant with this serde name.
#[must_use]
pub fn enum_from_name<T: DeserializeOwned>(name: String) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name)).ok()
}

/// One row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(Box<PgRow>),
}

impl Row {
    /// The column of this name.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when there is no such column or it holds something else: a
    /// fault of ours or of the file, never of the caller.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        let value = self.value(name, T::KIND).map_err(Error::internal)?;
        T::from_value(value)
            .ok_or_else(|| Error::internal(format!("column {name} holds an unexpected value")))
    }

    pub(crate) fn value(&self, name: &str, kind: Kind) -> sqlx::Result<Value> {
        match self {
            Self::Sqlite(row) => sqlite_value(row, name, kind),
            Self::Postgres(row) => postgres_value(row, name, kind),
        }
        .map(|value| value.unwrap_or(Value::Null(kind)))
    }
}

/// What stands in a column of a SQLite file, whatever is declared of the column.
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real,
    /// As bytes: a damaged one is to be named with its column, and hides no other row.
    Text(Box<[u8]>),
    Blob(Box<[u8]>),
}

impl Cell {
    pub(super) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(_) => Self::Real,
            ValueRef::Text(text) => Self::Text(text.into()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.into()),
        }
    }
}

/// The names of an answer's columns.
pub(super) type Names = Arc<[Box<str>]>;

/// One row of an answer of SQLite.
pub struct SqliteRow {
    /// Shared by all rows of the answer.
    names: Names,
    cells: Box<[Cell]>,
    /// Behind the column that was asked for last: most are asked for in their order.
    next: AtomicUsize,
}

impl SqliteRow {
    pub(super) fn new(names: Names, cells: Box<[Cell]>) -> Self {
        let next = AtomicUsize::new(0);
        Self { names, cells, next }
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> sqlx::Result<Option<i64>> {
        match sqlite_value(self, name, Kind::Int)? {
            Some(Value::Int(number)) => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// Text.
    pub(super) fn text(&self, name: &str) -> sqlx::Result<Option<String>> {
        match sqlite_value(self, name, Kind::Text)? {
            Some(Value::Text(text)) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// Bytes.
    pub(super) fn bytes(&self, name: &str) -> sqlx::Result<Option<Vec<u8>>> {
        match sqlite_value(self, name, Kind::Bytes)? {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    fn cell(&self, name: &str) -> sqlx::Result<&Cell> {
        let next = self.next.load(Ordering::Relaxed);
        let is_it = |index: &usize| self.names.get(*index).is_some_and(|known| **known == *name);
        let index = Some(next).filter(is_it);
        let index = index.or_else(|| (0..self.names.len()).find(is_it));
        let cell = index.and_then(|index| {
            self.next.store(index + 1, Ordering::Relaxed);
            self.cells.get(index)
        });
        cell.ok_or_else(|| sqlx::Error::ColumnNotFound(name.to_owned()))
    }
}

fn sqlite_value(row: &SqliteRow, name: &str, kind: Kind) -> sqlx::Result<Option<Value>> {
    let corrupt =
        |what: &str| sqlx::Error::Decode(format!("{what} expected in column {name}").into());
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_owned());
        text.map_err(|_| corrupt("text"))
    };
    let value = match (kind, row.cell(name)?) {
        (_, Cell::Null) => return Ok(None),
        (Kind::Int, Cell::Integer(number)) => Value::Int(*number),
        (Kind::Bool, Cell::Integer(number)) => Value::Bool(*number != 0),
        (Kind::Text, Cell::Text(bytes)) => Value::Text(text(bytes)?),
        (Kind::Text, Cell::Integer(number)) => Value::Text(number.to_string()),
        (Kind::Bytes, Cell::Blob(bytes)) => Value::Bytes(bytes.to_vec()),
        (Kind::Time, Cell::Integer(micros)) => {
            let moment = DateTime::from_timestamp_micros(*micros);
            Value::Time(moment.ok_or_else(|| corrupt("a time"))?)
        }
        (Kind::Date, Cell::Text(bytes)) => {
            let day = text(bytes)?.parse();
            Value::Date(day.map_err(|_| corrupt("a date"))?)
        }
        (Kind::Json, Cell::Text(bytes)) => {
            let json = serde_json::from_slice(bytes);
            Value::Json(json.map_err(|_| corrupt("JSON"))?)
        }
        _ => return Err(corrupt("another kind of value")),
    };
    Ok(Some(value))
}

/// Microseconds and days from the Unix epoch to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
const POSTGRES_EPOCH_DAYS: i64 = 10_957;

fn postgres_value(row: &PgRow, name: &str, kind: Kind) -> sqlx::Result<Option<Value>> {
    let corrupt =
        |what: &str| sqlx::Error::Decode(format!("{what} expected in column {name}").into());
    Ok(match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(name)?.map(Value::Int),
        Kind::Bool => row.try_get::<Option<bool>, _>(name)?.map(Value::Bool),
        Kind::Text => row.try_get::<Option<String>, _>(name)?.map(Value::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(name)?.map(Value::Bytes),
        // As numbers: PostgreSQL knows infinity and years that nobody else does, on which the driver would panic.
        Kind::Time => row
            .try_get_unchecked::<Option<i64>, _>(name)?
            .map(|micros| {
                micros
                    .checked_add(POSTGRES_EPOCH_MICROS)
                    .and_then(DateTime::from_timestamp_micros)
                    .ok_or_else(|| corrupt("a time"))
            })
            .transpose()?
            .map(Value::Time),
        Kind::Date => row
            .try_get_unchecked::<Option<i32>, _>(name)?
            .map(|days| {
                chrono::TimeDelta::try_days(i64::from(days) + POSTGRES_EPOCH_DAYS)
                    .and_then(|days| NaiveDate::default().checked_add_signed(days))
                    .ok_or_else(|| corrupt("a date"))
            })
            .transpose()?
            .map(Value::Date),
        Kind::Json => row
            .try_get::<Option<serde_json::Value>, _>(name)?
            .map(Value::Json),
    })
}

pub(crate) type PostgresQuery = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

pub(crate) fn bind_postgres(query: PostgresQuery, value: &Value) -> PostgresQuery {
    match value {
        Value::Null(Kind::Int) => query.bind(None::<i64>),
        Value::Null(Kind::Bool) => query.bind(None::<bool>),
        Value::Null(Kind::Text) => query.bind(None::<String>),
        Value::Null(Kind::Time) => query.bind(None::<Timestamp>),
        Value::Null(Kind::Date) => query.bind(None::<NaiveDate>),
        Value::Null(Kind::Json) => query.bind(None::<serde_json::Value>),
        Value::Null(Kind::Bytes) => query.bind(None::<Vec<u8>>),
        Value::Int(v) => query.bind(*v),
        Value::Bool(v) => query.bind(*v),
        Value::Text(v) => query.bind(v.clone()),
        Value::Time(v) => query.bind(*v),
        Value::Date(v) => query.bind(*v),
        Value::Json(v) => query.bind(v.clone()),
        Value::Bytes(v) => query.bind(v.clone()),
    }
}
