//! Deleting as a tool: what every such tool takes, does and answers. A module says only what it is called and shown with.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, json};

use crate::error::Result;
use crate::permission::Operation;
use crate::record::{Cx, Record};
use crate::tool::{Example, Spec, Tool};
use crate::types::id::{Entity, Id};

/// A kind of record that is deleted by a tool of its own: list [`Delete`] of it among the module's tools.
pub trait Deletable: Record {
    /// What the tool is.
    const SPEC: Spec;
    /// How it is used.
    const EXAMPLES: &'static [Example];
    /// Whether another record may take over what refers to one.
    const REASSIGNS: bool = true;

    /// Checks that `heir` can take over what refers to `id`.
    ///
    /// # Errors
    /// What stands in the way, in the caller's words.
    fn check_heir(
        cx: &mut Cx,
        id: Id<Self>,
        heir: Id<Self>,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, id, heir);
        async { Ok(()) }
    }
}

/// The tool that deletes a record: restorably, or for good.
pub struct Delete<R> {
    record: Id<R>,
    heir: Option<Id<R>>,
    purge: bool,
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(inline, bound = "")]
pub struct Deleted<E: Entity> {
    /// Its identifier.
    pub id: Id<E>,
    /// What it was called.
    pub name: String,
    /// Whether `undo_change` can bring it back.
    pub restorable: bool,
}

impl<R: Deletable> Tool for Delete<R> {
    const SPEC: Spec = R::SPEC;
    const EXAMPLES: &'static [Example] = R::EXAMPLES;
    type Output = Deleted<R>;

    async fn call(self, cx: &mut Cx) -> Result<Deleted<R>> {
        if let Some(heir) = self.heir {
            R::check_heir(cx, self.record, heir)
                .await
                .map_err(|error| error.field("reassign_to"))?;
        }
        cx.demand::<R>(Operation::Delete)?;
        cx.reassign(self.record, self.heir).await?;
        let gone = cx.remove(self.record, self.purge).await?;
        Ok(Deleted {
            id: gone.id,
            name: gone.record.label(),
            restorable: !self.purge,
        })
    }
}

impl<'de, R: Deletable> Deserialize<'de> for Delete<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(Parameters(PhantomData))
    }
}

struct Parameters<R>(PhantomData<fn() -> R>);

impl<'de, R: Deletable> Visitor<'de> for Parameters<R> {
    type Value = Delete<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "which {} to delete", R::NOUN)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Delete<R>, A::Error> {
        let (mut record, mut heir, mut purge) = (None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "reassign_to" if R::REASSIGNS => heir = map.next_value()?,
                "purge" => purge = map.next_value()?,
                name if name == R::NOUN => record = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Delete {
            record: record.ok_or_else(|| A::Error::missing_field(R::NOUN))?,
            heir,
            purge: purge.unwrap_or(false),
        })
    }
}

impl<R: Deletable> JsonSchema for Delete<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Delete_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        let id = generator.subschema_for::<Id<R>>();
        properties.insert(R::NOUN.to_owned(), id.to_value());
        let mut add = |name: &str, about: &str, mut schema: Schema| {
            schema.insert("description".into(), about.into());
            properties.insert(name.to_owned(), schema.to_value());
        };
        if R::REASSIGNS {
            let heir = generator.subschema_for::<Option<Id<R>>>();
            add("reassign_to", "Takes over its links", heir);
        }
        let purge = generator.subschema_for::<Option<bool>>();
        add("purge", "Erase for good", purge);
        let required = json!([R::NOUN]);
        schemars::json_schema!({ "required": required, "type": "object", "properties": properties })
    }
}
