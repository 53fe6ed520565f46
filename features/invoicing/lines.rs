//! Lines where a tool's schema does not spell them out, because that of `create_invoice` does.

use bureau_kernel::prelude::*;
use bureau_kernel::schema::{parse_at, read, wire};
use serde_json::{Map, Value};

use crate::line::LineGiven;

/// A line as it comes where the schema says no more than that it is an object.
pub type PlainLine = Map<String, Value>;

/// Reads lines as `create_invoice` does: numbers may come as numbers, and what no line has is refused.
///
/// # Errors
/// [`Code::Validation`] naming the line and its field.
pub fn read_lines(lines: Vec<PlainLine>) -> Result<Vec<LineGiven>> {
    let schema = wire(schemars::schema_for!(LineGiven));
    let lines = lines.into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let place = format!("lines[{index}]");
            let line = read(&schema, Value::Object(line)).map_err(|error| {
                let field = error.field_name().unwrap_or_default();
                let field = format!("{place}.{field}");
                error.field(field)
            })?;
            parse_at(&place, line)
        })
        .collect()
}
