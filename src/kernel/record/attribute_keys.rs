//! Custom attributes as index keys, so that lists are filtered by them, and as words that a search finds.

use rust_decimal::Decimal;

use super::{Attributes, Cx, Data};
use crate::error::{Error, Result};
use crate::types::schema;
use crate::types::text::{folded, visible};

/// The field of the index keys of all custom attributes.
pub(crate) const ATTRIBUTE: &str = "attribute";

/// Characters of a value by which records are found. A longer one is text to be read.
const LONGEST: usize = 200;
/// Values of a list of which a record may have any.
const MOST_VALUES: usize = 50;

/// The index keys of a record's attributes: one of each value, and of each item of a list.
pub(super) fn keys_of(attributes: &Attributes) -> impl Iterator<Item = (&'static str, String)> {
    let keys = attributes.iter().flat_map(|(name, value)| {
        let items = match value {
            Data::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        items.iter().filter_map(move |item| key_of(name, item))
    });
    keys.map(|key| (ATTRIBUTE, key))
}

/// The words in a record's attributes.
pub(super) fn words_of(attributes: &Attributes) -> impl Iterator<Item = String> {
    let items = attributes.values().flat_map(|value| match value {
        Data::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    });
    items.filter_map(|item| match item {
        Data::String(text) => Some(text.clone()),
        Data::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn key_of(name: &str, value: &Data) -> Option<String> {
    let text = match value {
        Data::String(text) => folded(text),
        Data::Number(number) => canonical(&number.to_string()),
        Data::Bool(is_so) => is_so.to_string(),
        _ => return None,
    };
    let is_short = (1..=LONGEST).contains(&text.chars().count());
    is_short.then(|| format!("{name}={text}"))
}

/// A number however it is written: 5, 5.0 and 5e0 are one.
fn canonical(number: &str) -> String {
    let parsed = number.parse().or_else(|_| Decimal::from_scientific(number));
    match parsed {
        Ok(number) => number.normalize().to_string(),
        Err(_) => number.to_owned(),
    }
}

impl Cx {
    /// For each attribute that a list is filtered by, the index keys of which a record has to have one.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming an attribute that is not defined for such records, or a value that it cannot have.
    pub(crate) async fn attributes_asked(
        &mut self,
        entity: &'static str,
        given: Attributes,
    ) -> Result<Vec<Vec<String>>> {
        let mut asked = Vec::new();
        for (name, value) in given {
            if schema::is_nothing(&value) {
                continue;
            }
            let kind = self.kind_of_attribute(entity, &name).await?;
            let values = match value {
                Data::Array(values) if kind == "list" => values,
                one => vec![one],
            };
            if values.len() > MOST_VALUES {
                let message = format!("A list is filtered by at most {MOST_VALUES} values.");
                return Err(Error::invalid(format!("attributes.{name}"), message));
            }
            let keys = values.into_iter().map(|value| {
                let value = meant(&kind, value);
                value
                    .and_then(|value| key_of(&name, &value))
                    .ok_or_else(|| {
                        let message = match kind.as_str() {
                            "object" => format!("Lists are not filtered by {name}, which holds an object."),
                            _ => format!("The attribute {name} has values of kind {kind}, of at most {LONGEST} characters."),
                        };
                        Error::invalid(format!("attributes.{name}"), message)
                    })
            });
            asked.push(keys.collect::<Result<_>>()?);
        }
        Ok(asked)
    }
}

/// A value as an attribute of this kind would have it.
fn meant(kind: &str, value: Data) -> Option<Data> {
    match (kind, value) {
        ("text", Data::Number(number)) => Some(number.to_string().into()),
        // As it is kept: without what nobody sees.
        ("text" | "list", Data::String(text)) => Some(visible(&text).into()),
        ("number", Data::Number(number)) => Some(Data::Number(number)),
        ("number", Data::String(text)) => {
            let number: serde_json::Number = text.trim().parse().ok()?;
            Some(Data::Number(number))
        }
        ("bool", Data::Bool(is_so)) => Some(is_so.into()),
        ("bool", Data::String(text)) => match folded(&text).as_str() {
            "true" | "yes" => Some(true.into()),
            "false" | "no" => Some(false.into()),
            _ => None,
        },
        ("date", Data::String(text)) => {
            let day: chrono::NaiveDate = text.trim().parse().ok()?;
            Some(day.to_string().into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_found_however_it_is_written() {
        let key = |kind: &str, value: Data| key_of("x", &meant(kind, value)?);
        for (kind, stored, asked) in [
            ("text", json!("North  Sea"), json!("north sea")),
            ("text", json!("7"), json!(7)),
            ("number", json!(5), json!("5.0")),
            ("number", json!(0.5), json!(5e-1)),
            ("bool", json!(true), json!("Yes")),
            ("date", json!("2026-11-22"), json!(" 2026-11-22")),
        ] {
            let kept = key_of("x", &stored);
            assert!(
                kept.is_some() && kept == key(kind, asked),
                "{kind} {stored}"
            );
        }
        for (kind, wrong) in [
            ("number", json!("many")),
            ("bool", json!("perhaps")),
            ("date", json!("soon")),
            ("object", json!({"a": 1})),
            ("text", json!("x".repeat(LONGEST + 1))),
        ] {
            assert_eq!(key(kind, wrong), None, "{kind}");
        }
    }

    #[test]
    fn each_item_of_a_list_is_a_key() {
        let Data::Object(attributes) = json!({"tags": ["A", "b"], "size": 3, "raw": {"a": 1}})
        else {
            unreachable!("an object");
        };
        let keys: Vec<String> = keys_of(&attributes).map(|(_, key)| key).collect();
        assert_eq!(keys, ["tags=a", "tags=b", "size=3"]);
        let words: Vec<String> = words_of(&attributes).collect();
        assert_eq!(words, ["A", "b", "3"]);
    }
}
