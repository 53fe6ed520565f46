//! Lines where a tool's schema does not spell them out, because that of `create_invoice` does.

use std::borrow::Cow;

use bureau_kernel::prelude::*;
use bureau_kernel::types::schema::{WHOLE, parse_at, read, refuse, wire};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A list of objects of which the schema says no more than that they are objects. They are read as strictly as where it says
/// all: numbers may come as numbers, and what no such object has is refused.
#[derive(Debug)]
pub struct Plain<T>(pub Vec<T>);

impl<'de, T: DeserializeOwned + JsonSchema> Deserialize<'de> for Plain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let objects: Vec<Map<String, Value>> = Deserialize::deserialize(deserializer)?;
        let schema = wire(schemars::schema_for!(T));
        let objects = objects.into_iter().enumerate();
        let read: Result<Vec<T>> = objects
            .map(|(index, object)| {
                let place = format!("[{index}]");
                let object = read(&schema, Value::Object(object)).map_err(|error| {
                    let field = error.field_name().unwrap_or_default();
                    let field = format!("{place}.{field}");
                    error.field(field)
                })?;
                parse_at(&place, object)
            })
            .collect();
        read.map(Self).map_err(refuse)
    }
}

impl<T: JsonSchema> JsonSchema for Plain<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Plain_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let whole = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "array", "items": { "type": "object", WHOLE: whole } })
    }
}
