//! What else follows from a field of a record: its declaration says it once, and lists, search, views, imports and bulk
//! changes read it from there.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer};
use serde_json::Value as Data;

use super::order::Order;
use super::{ColumnSpec, Columns, Field, SearchText};
use crate::error::{Error, Result};
use crate::store::{Column, Kind, Value};
use crate::types::schema::parse_at;
use crate::types::text::folded;
use crate::types::time::{LocalTime, Timestamp, now};

/// What is declared of a field beside its type: in [`record!`](crate::record!) each of these methods can stand in the brackets
/// after it, those without parameters without parentheses.
#[derive(Debug, Clone, Copy)]
pub struct Facets {
    column: &'static str,
    pub(crate) label: bool,
    pub(crate) search: bool,
    pub(crate) search_digits: bool,
    pub(crate) key: Option<&'static str>,
    pub(crate) filter: Option<&'static str>,
    pub(crate) sort: Option<&'static str>,
    keeps_order: bool,
    pub(crate) order: &'static str,
    pub(crate) within: Option<&'static str>,
    pub(crate) range: Option<(&'static str, &'static str)>,
    pub(crate) several: bool,
    pub(crate) digits: Digits,
    pub(crate) row: bool,
    pub(crate) hidden: bool,
    pub(crate) bulk: bool,
    pub(crate) import: Option<&'static str>,
}

/// In which digits a view shows an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digits {
    /// Those of the record's currency.
    Currency,
    /// The same, or all where it has more.
    Price,
    /// Its own: it is no money.
    Own,
}

impl Facets {
    /// Nothing beside its type. For [`record!`](crate::record!).
    #[must_use]
    pub const fn of(column: &'static str) -> Self {
        Self {
            column,
            label: false,
            search: false,
            search_digits: false,
            key: None,
            filter: None,
            sort: None,
            keeps_order: false,
            order: column,
            within: None,
            range: None,
            several: false,
            digits: Digits::Currency,
            row: false,
            hidden: false,
            bulk: false,
            import: None,
        }
    }

    /// A person calls the record by it.
    #[must_use]
    pub const fn label(self) -> Self {
        Self {
            label: true,
            ..self
        }
    }

    /// The search finds the record by its words.
    #[must_use]
    pub const fn search(self) -> Self {
        Self {
            search: true,
            ..self
        }
    }

    /// The search finds the record by any part of it, as of a telephone number.
    #[must_use]
    pub const fn search_digits(self) -> Self {
        Self {
            search_digits: true,
            ..self
        }
    }

    /// An index key of the column's name: the record is found by exactly this, texts in any case.
    #[must_use]
    pub const fn key(self) -> Self {
        self.key_as(self.column)
    }

    /// An index key of another name, such as `tag` for each of the `tags`.
    #[must_use]
    pub const fn key_as(self, key: &'static str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Lists take it as a parameter and show those that have it. It is an index key too.
    #[must_use]
    pub const fn filter(self) -> Self {
        self.filter_as(self.column)
    }

    /// The same with a parameter and index key of another name.
    #[must_use]
    pub const fn filter_as(self, name: &'static str) -> Self {
        Self {
            filter: Some(name),
            ..self.key_as(name)
        }
    }

    /// Lists take it as a parameter, and it is no index key: a search looks it up in what it found.
    #[must_use]
    pub const fn column_filter(self) -> Self {
        Self {
            filter: Some(self.column),
            ..self
        }
    }

    /// Lists take several of its values, and show those that have one of them.
    #[must_use]
    pub const fn several(self) -> Self {
        Self {
            several: true,
            ..self
        }
    }

    /// Lists can be ordered by it. The column is never NULL, and has an index that starts with the workspace.
    #[must_use]
    pub const fn sort(self) -> Self {
        self.sort_by(self.column)
    }

    /// Lists can be ordered by it, by means of this column, which the kernel keeps for that: texts are folded there, and where
    /// nothing is said numbers come first and days last.
    #[must_use]
    pub const fn sort_by(self, column: &'static str) -> Self {
        Self {
            sort: Some(column),
            ..self
        }
    }

    /// The same by a column that the module keeps ([`Record::derived`](super::Record::derived)), because not every value counts
    /// there, such as the day on which something that is paid was due. Bounds of it go by that column too.
    #[must_use]
    pub const fn sort_kept(self, column: &'static str) -> Self {
        Self {
            keeps_order: true,
            ..self.sort_by(column)
        }
    }

    /// Lists call the order so, and not like the column.
    #[must_use]
    pub const fn order_as(self, order: &'static str) -> Self {
        Self { order, ..self }
    }

    /// The order has a second index, which depends on this column ([`Order::within`]).
    #[must_use]
    pub const fn within(self, column: &'static str) -> Self {
        Self {
            within: Some(column),
            ..self
        }
    }

    /// Lists take bounds of it as parameters of these names. What has none is within no bounds.
    #[must_use]
    pub const fn range(self, from: &'static str, to: &'static str) -> Self {
        Self {
            range: Some((from, to)),
            ..self
        }
    }

    /// Lists take a lower bound of it as a parameter of this name.
    #[must_use]
    pub const fn at_least(self, parameter: &'static str) -> Self {
        self.range(parameter, "")
    }

    /// An amount that is the price of one: it is shown with more digits than its currency has where it has more.
    #[must_use]
    pub const fn price(self) -> Self {
        Self {
            digits: Digits::Price,
            ..self
        }
    }

    /// A number that is kept like an amount and is none, such as a percentage.
    #[must_use]
    pub const fn no_money(self) -> Self {
        Self {
            digits: Digits::Own,
            ..self
        }
    }

    /// A row of a list shows it.
    #[must_use]
    pub const fn row(self) -> Self {
        Self { row: true, ..self }
    }

    /// No view shows it: the module says something else in its place.
    #[must_use]
    pub const fn hidden(self) -> Self {
        Self {
            hidden: true,
            ..self
        }
    }

    /// It makes sense to change it in many records at once.
    #[must_use]
    pub const fn bulk(self) -> Self {
        Self { bulk: true, ..self }
    }

    /// A table that is imported can have it, under its own name or one of these headers, separated by commas. What the
    /// server keeps is read aside, for the module to understand; so is yes or no.
    #[must_use]
    pub const fn import(self, headers: &'static str) -> Self {
        Self {
            import: Some(headers),
            ..self
        }
    }

    /// The column that stands in the table for the order's sake.
    pub(crate) fn derived(&self) -> Option<&'static str> {
        self.sort.filter(|column| *column != self.column)
    }
}

/// Where in an order by number stands what has none: below all of them.
const NO_NUMBER: i64 = i64::MIN;
/// Where in an order by date stands what has none: after all of them.
const NEVER: NaiveDate = day(31);
/// The last day before that.
const LAST_DAY: NaiveDate = day(30);
/// What comes after this in an order by moment has none.
pub const LAST_MOMENT: Timestamp = midnight(LAST_DAY);

const fn day(day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(9999, 12, day) {
        Some(date) => date,
        None => NaiveDate::MAX,
    }
}

const fn midnight(date: NaiveDate) -> Timestamp {
    DateTime::<Utc>::from_naive_utc_and_offset(date.and_time(NaiveTime::MIN), Utc)
}

/// What stands in a column that is kept for an order, for what stands in a field.
#[must_use]
pub fn in_order(field: &dyn Field) -> Value {
    match field.value() {
        Value::Text(text) => Value::Text(folded(&text)),
        Value::Null(Kind::Text) => Value::Text(String::new()),
        Value::Null(Kind::Int) => Value::Int(NO_NUMBER),
        Value::Null(Kind::Date) => Value::Date(NEVER),
        Value::Null(Kind::Time) => Value::Time(midnight(NEVER)),
        Value::Bool(is_so) => Value::Int(is_so.into()),
        value => value,
    }
}

/// The bound that leaves out what has no value, on the side where nothing else bounds it.
pub(crate) fn some_value(kind: Kind) -> (Option<Value>, Option<Value>) {
    match kind {
        Kind::Int => (Some(Value::Int(NO_NUMBER + 1)), None),
        Kind::Date => (None, Some(Value::Date(LAST_DAY))),
        Kind::Time => (None, Some(Value::Time(LAST_MOMENT))),
        _ => (None, None),
    }
}

/// The order in which a list comes by this column, where it offers one.
pub(crate) fn order(column: &ColumnSpec) -> Option<Order> {
    let order = Order::new(column.facets.order, column.facets.sort?, column.kind);
    Some(Order {
        within: column.facets.within,
        ..order
    })
}

/// What it is called by: the texts of the columns that say so.
pub(crate) fn label<R: Columns>(record: &R) -> String {
    let fields = R::COLUMNS.iter().zip(record.fields());
    let labels = fields.filter(|(column, _)| column.facets.label);
    let texts: Vec<String> = labels.flat_map(|(_, field)| field.texts()).collect();
    texts.join(" ")
}

/// The index keys that its columns declare.
pub(crate) fn index_keys<R: Columns>(record: &R) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    for (column, field) in R::COLUMNS.iter().zip(record.fields()) {
        if let Some(key) = column.facets.key {
            let texts = field.texts().into_iter();
            keys.extend(texts.map(|text| (key, column.key_of(text))));
        }
    }
    keys
}

/// The columns that are kept for orders, but for those that the module keeps.
pub(crate) fn derived<R: Columns>(record: &R) -> Vec<(&'static str, Value)> {
    let fields = R::COLUMNS.iter().zip(record.fields());
    let derived = fields.filter_map(|(column, field)| {
        let name = column.facets.derived()?;
        (!column.facets.keeps_order).then(|| (name, in_order(field)))
    });
    derived.collect()
}

/// The text of the columns that are searched, without what it is called by; none where no column is.
pub(crate) fn text<R: Columns>(record: &R) -> Option<SearchText> {
    let is_searched = |column: &ColumnSpec| column.facets.search || column.facets.search_digits;
    if !R::COLUMNS.iter().any(is_searched) {
        return None;
    }
    let mut text = SearchText::default();
    for (column, field) in R::COLUMNS.iter().zip(record.fields()) {
        if column.facets.search && !column.facets.label {
            text.words.extend(field.texts());
        }
        if column.facets.search_digits {
            text.numbers.extend(field.texts());
        }
    }
    Some(text)
}

/// What a list is to find in a column.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(crate) value: Value,
    pub(crate) texts: Vec<String>,
}

/// A value where a list of such values is read: one of them is given, and errors name no place in a list.
struct One<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let only = [Data::deserialize(deserializer)?].into_iter();
        let read = T::deserialize(SeqDeserializer::<_, serde_json::Error>::new(only));
        read.map(Self).map_err(de::Error::custom)
    }
}

/// Reads what a list is to find in a column of this type: its value, or one of several. For [`record!`](crate::record!).
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) naming the parameter.
pub fn asked<T: Column>(parameter: &str, given: Data) -> Result<Asked> {
    let input = match T::KIND {
        Kind::Json => parse_at::<One<T::Input>>(parameter, given)?.0,
        _ => parse_at(parameter, given)?,
    };
    // Days are read as bounds, so where today is makes no difference.
    let clock = LocalTime {
        now: now(),
        zone: Tz::UTC,
    };
    let column = T::from_input(input, clock)
        .map_err(|wrong| Error::invalid(parameter, format!("{parameter} {wrong}.")))?;
    Ok(Asked {
        value: column.to_value(),
        texts: column.texts(),
    })
}
