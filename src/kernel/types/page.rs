//! Pages of a list: a bounded number of rows and an opaque cursor to the next ones.

use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Error, Result};
use crate::types::schema::ZERO_IS_ABSENT;

/// Rows of one page when the caller does not say.
pub const DEFAULT_ROWS: u32 = 25;
/// Rows of one page at most: a reply has to stay well under what a client hands to its model.
pub const MAX_ROWS: u32 = 100;

/// How many rows a page may have: 1 to 100, 25 unless asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u32);

impl Limit {
    /// So many rows, for a list that is read whole.
    #[must_use]
    pub const fn of(rows: u32) -> Self {
        Self(rows)
    }

    /// The number of rows.
    #[must_use]
    pub const fn rows(self) -> usize {
        self.0 as usize
    }
}
impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_ROWS)
    }
}
impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            rows @ 1..=100 => Ok(Self(u32::try_from(rows).unwrap_or(MAX_ROWS))),
            _ => Err(de::Error::custom("must be between 1 and 100")),
        }
    }
}
impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", ZERO_IS_ABSENT: true })
    }
}

/// Where the next page starts. Opaque to the caller; made and read by the kernel only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which order it belongs to: a cursor of one order is an error in another.
    pub(crate) order: String,
    /// The last row's value in that order, as text, or a row count for results by relevance.
    pub(crate) key: String,
    /// The last row's number, which decides among equals.
    pub(crate) id: i64,
}

#[derive(Serialize, Deserialize)]
struct Packed(String, String, i64);

impl Cursor {
    /// The place after a numbered row, in an order that goes by such numbers.
    #[must_use]
    pub fn at(order: &str, place: i64) -> Self {
        Self {
            order: order.to_owned(),
            key: String::new(),
            id: place,
        }
    }

    /// The number of the row that it stands after.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) when it belongs to another order.
    pub fn place(&self, order: &str) -> Result<i64> {
        if self.order == order {
            Ok(self.id)
        } else {
            Err(Self::foreign())
        }
    }

    /// What a cursor of another list is answered with.
    pub(crate) fn foreign() -> Error {
        Error::invalid("cursor", "This cursor belongs to another list or order.")
            .hint("Pass page.next of the page before, with the same filters and sort.")
    }

    /// The text that goes out.
    #[must_use]
    pub fn encode(&self) -> String {
        let packed = Packed(self.order.clone(), self.key.clone(), self.id);
        BASE64URL_NOPAD.encode(
            serde_json::to_string(&packed)
                .unwrap_or_default()
                .as_bytes(),
        )
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.trim().as_bytes()).ok()?;
        let Packed(order, key, id) = serde_json::from_slice(&bytes).ok()?;
        // No row has such a key, and PostgreSQL takes no such text.
        (!key.contains('\0')).then_some(Self { order, key, id })
    }
}
impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::decode(&text)
            .ok_or_else(|| de::Error::custom("is not a cursor; take page.next of the page before"))
    }
}
impl JsonSchema for Cursor {
    super::string_schema!("Cursor");
}

/// One page of a list. On the wire the rows stand in `data` and the cursor in `page.next`.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page with other rows.
    #[must_use]
    pub fn map<U>(self, row: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(row).collect(),
            next: self.next,
        }
    }
}

impl<T: JsonSchema> JsonSchema for Page<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Page".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Vec<T>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_forged_one_is_refused() {
        let cursor = Cursor {
            order: "name".into(),
            key: "Ünïcode \"x\"".into(),
            id: -7,
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for bad in ["", "x", "bm90IGpzb24", "W10"] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
    }
}
