//! Lines where a tool's schema does not spell them out, because that of `create_invoice` does.

use bureau_kernel::prelude::*;
use bureau_kernel::schema::{parse_at, read, wire};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::line::LineGiven;

/// A line as it comes where the schema says no more than that it is an object.
pub type PlainLine = Map<String, Value>;

/// Reads lines as `create_invoice` does: numbers may come as numbers, and what no line has is refused.
///
/// # Errors
/// [`Code::Validation`] naming the line and its field.
pub fn read_lines(lines: Vec<PlainLine>) -> Result<Vec<LineGiven>> {
    read_each("lines", lines)
}

/// Reads each object of a parameter.
///
/// # Errors
/// [`Code::Validation`] naming its place and its field.
pub(crate) fn read_each<T: DeserializeOwned + JsonSchema>(
    parameter: &str,
    objects: Vec<PlainLine>,
) -> Result<Vec<T>> {
    let schema = wire(schemars::schema_for!(T));
    let objects = objects.into_iter().enumerate();
    objects
        .map(|(index, object)| {
            let place = format!("{parameter}[{index}]");
            let object = read(&schema, Value::Object(object)).map_err(|error| {
                let field = error.field_name().unwrap_or_default();
                let field = format!("{place}.{field}");
                error.field(field)
            })?;
            parse_at(&place, object)
        })
        .collect()
}
