//! What a caller says about a record: the fields that it gives, and those that it empties.
//!
//! A tool that creates or updates a record takes these beside its own parameters, so that no module lists its fields a
//! second time.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

use chrono_tz::Tz;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::record::{Attributes, ColumnSpec, Columns, Cx, Edit, Record};
use crate::store::Kind;
use crate::types::schema;
use crate::types::text::nearest;
use crate::types::time::{LocalTime, now};

/// The name of the custom attributes among a record's fields.
const ATTRIBUTES: &str = "attributes";

/// The fields of a record that a caller gives; what is absent stays as it is. Stands in a tool's input as
/// `#[serde(flatten)] fields: Patch<Contact>`.
pub struct Patch<R> {
    fields: Map<String, Value>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Patch<R> {
    /// Whether a field was given.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The custom attributes that were given. Among them, too, what says nothing is none.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) when they are no object.
    pub fn attributes(&self) -> Result<Attributes> {
        let Some(attributes) = self.fields.get(ATTRIBUTES) else {
            return Ok(Attributes::new());
        };
        let mut attributes: Attributes = schema::parse_at(ATTRIBUTES, attributes.clone())?;
        attributes.retain(|_, value| !schema::is_nothing(value));
        Ok(attributes)
    }

    /// Writes the fields into a record; custom attributes are left out.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
    pub fn apply(&self, record: &mut R, time: LocalTime) -> Result<()> {
        for (field, value) in &self.fields {
            record.apply(field, value.clone(), time)?;
        }
        Ok(())
    }

    /// A record of nothing but these fields, not yet written.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
    pub fn record(&self, time: LocalTime) -> Result<R> {
        let mut record = R::empty();
        self.apply(&mut record, time)?;
        Ok(record)
    }
}

/// The same for many records at once: a tool takes those of the fields that make sense for that ([`Facets::bulk`]), and their
/// names say all about them. Read as [`Patch`].
///
/// [`Facets::bulk`]: crate::record::Facets::bulk
#[derive(Deserialize)]
#[serde(transparent, bound = "R: Record")]
pub struct BulkPatch<R>(Patch<R>);

impl<R> Deref for BulkPatch<R> {
    type Target = Patch<R>;
    fn deref(&self) -> &Patch<R> {
        &self.0
    }
}

impl<R: Columns> JsonSchema for BulkPatch<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("BulkPatch_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        fields_schema::<R>(generator, |column| column.facets.bulk, |_| None)
    }
}

impl<R: Record> Edit<R> {
    /// Writes what a caller gave into the record, custom attributes included.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
    pub async fn apply(&mut self, cx: &mut Cx, given: &Patch<R>) -> Result<()> {
        given.apply(self, cx.local_time())?;
        self.set_attributes(cx, given.attributes()?).await
    }

    /// Empties fields.
    pub fn clear_fields(&mut self, fields: &[ClearField<R>]) {
        for field in fields {
            match (field.name, &field.attribute) {
                (_, Some(attribute)) => self.clear_attribute(attribute),
                (ATTRIBUTES, None) => self.clear_attributes(),
                (name, None) => self.clear(name),
            }
        }
    }
}

impl<'de, R: Record> Deserialize<'de> for Patch<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let given = Self {
            fields: Map::deserialize(deserializer)?,
            record: PhantomData,
        };
        // Read once for nothing, so that what no record can take is refused before anything is waited for. Where today is
        // makes no difference to that.
        let clock = LocalTime {
            now: now(),
            zone: Tz::UTC,
        };
        let read = given.record(clock).and_then(|_| given.attributes());
        read.map(|_| given).map_err(schema::refuse)
    }
}

impl<R: Columns> JsonSchema for Patch<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Patch_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        fields_schema::<R>(generator, |column| !column.kept, |column| column.about)
    }
}

/// What a caller may give for some fields of a record, and what it reads about each.
fn fields_schema<R: Columns>(
    generator: &mut SchemaGenerator,
    is_taken: impl Fn(&ColumnSpec) -> bool,
    about: impl Fn(&ColumnSpec) -> Option<&'static str>,
) -> Schema {
    let mut properties = Map::new();
    let columns = R::COLUMNS.iter().zip(R::given_schemas(generator));
    for (column, mut schema) in columns.filter(|(column, _)| is_taken(column)) {
        schema.remove("description");
        let when = match column.kind {
            Kind::Date => Some("date"),
            Kind::Time => Some("moment"),
            _ => None,
        };
        if let Some(when) = when {
            schema.insert(schema::WHEN.into(), when.into());
        }
        if let Some(about) = about(column) {
            schema.insert("description".into(), about.into());
        }
        properties.insert(column.name.to_owned(), schema.to_value());
    }
    let attributes = json!({ "type": "object", schema::ATTRIBUTES_OF: R::TABLE });
    properties.insert(ATTRIBUTES.into(), attributes);
    schemars::json_schema!({ "type": "object", "properties": properties })
}

/// A field of a record that can be emptied, by its name; a custom attribute by `attributes.name`.
pub struct ClearField<R> {
    name: &'static str,
    attribute: Option<String>,
    record: PhantomData<fn() -> R>,
}

fn clearable<R: Columns>() -> impl Iterator<Item = &'static str> {
    let columns = R::COLUMNS
        .iter()
        .filter(|column| !column.required && !column.kept);
    columns.map(|column| column.name).chain([ATTRIBUTES])
}

impl<'de, R: Columns> Deserialize<'de> for ClearField<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        if let Some((ATTRIBUTES, attribute)) = name.split_once('.') {
            return Ok(Self {
                name: ATTRIBUTES,
                attribute: Some(attribute.to_owned()),
                record: PhantomData,
            });
        }
        let found = clearable::<R>().find(|field| *field == name);
        let name = found.ok_or_else(|| {
            let known = match nearest(&name, clearable::<R>()) {
                Some(meant) => format!("{meant} is meant, perhaps"),
                None => format!(
                    "there are {}",
                    clearable::<R>().collect::<Vec<_>>().join(", ")
                ),
            };
            de::Error::custom(format!("names no field that can be emptied; {known}"))
        })?;
        Ok(Self {
            name,
            attribute: None,
            record: PhantomData,
        })
    }
}

impl<R: Columns> JsonSchema for ClearField<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Clear_{}", R::TABLE).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Not as an enum: the tool's own parameters name the fields already, and each name costs tokens.
        schemars::json_schema!({ "type": "string" })
    }
}
