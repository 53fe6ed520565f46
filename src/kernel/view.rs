//! A record as tools answer it: the columns that it declares, with the names of what they refer to and amounts in the digits of
//! their currency, and what its module says beside them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Data, json};

use crate::caller::Member;
use crate::error::{Error, Result};
use crate::record::{Attributes, ColumnSpec, Cx, Digits, Form, NamedRecord, Record, Saved};
use crate::references::{AnyNames, NamedAny};
use crate::store::{Column, Json, Target, Value};
use crate::tool::{Example, Spec, Tool};
use crate::types::id::{AnyId, Entity as _, Id};
use crate::types::money::{Amount, Currency, Money};
use crate::types::page::Page;
use crate::types::time::Timestamp;

/// The columns that every record has and a view shows after its own.
pub const COMMON: &[&str] = &[
    "attributes",
    "version",
    "created_at",
    "created_by",
    "updated_at",
];

/// A kind of record that tools answer as its declaration has it.
pub trait Presented: Record {
    /// What its module says of one beside its columns: [`Nothing`], or a struct with fields.
    type Extra: Default + Serialize + JsonSchema + Send;
    /// Those of the columns that [every record has](COMMON) which a view shows.
    const VIEW: &'static [&'static str] = COMMON;
    /// Those which a row of a list shows.
    const ROW: &'static [&'static str] = Self::VIEW;

    /// What is said beside the columns of each of these records, in a row of a list or where one is shown whole.
    ///
    /// # Errors
    /// What the database says.
    fn extras(
        cx: &mut Cx,
        records: &[Saved<Self>],
        is_row: bool,
    ) -> impl Future<Output = Result<Vec<Self::Extra>>> + Send {
        let _ = (cx, is_row);
        let nothing = records.iter().map(|_| Self::Extra::default()).collect();
        async { Ok(nothing) }
    }
}

/// Nothing beside the columns.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Nothing {}

/// A record as it is answered; in a [`Row`] without what a list leaves out.
#[derive(Serialize)]
#[serde(bound = "")]
pub struct View<R: Presented, const IS_ROW: bool = false> {
    id: Id<R>,
    #[serde(flatten)]
    columns: Shown<R, IS_ROW>,
    #[serde(flatten)]
    extra: R::Extra,
    #[serde(flatten)]
    common: Common,
}

/// A record in a list.
pub type Row<R> = View<R, true>;

/// The columns that it declares.
struct Shown<R, const IS_ROW: bool> {
    record: R,
    names: Arc<Names>,
}

impl<R: Record, const IS_ROW: bool> Serialize for Shown<R, IS_ROW> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let form = Columns {
            names: &self.names,
            currency: self.record.currency(),
            is_row: IS_ROW,
        };
        let mut map = serializer.serialize_map(None)?;
        self.record.show(&form, &mut map)?;
        map.end()
    }
}

/// Those that every record has, as far as they are shown.
#[derive(Serialize, Default)]
struct Common {
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Json<Attributes>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<NamedRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
}

/// How a view shows the columns of a record.
struct Columns<'a> {
    names: &'a Names,
    currency: Option<Currency>,
    is_row: bool,
}

/// What the records are called to which columns refer, as far as the caller may read it.
struct Names {
    records: HashMap<(&'static str, i64), NamedRecord>,
    any: AnyNames,
}

/// Whether it is shown, in a row or a whole view.
const fn is_shown(column: &ColumnSpec, is_row: bool) -> bool {
    !column.facets.hidden && (!is_row || column.facets.row)
}

impl Form for Columns<'_> {
    fn entry<T: Column + Serialize, M: SerializeMap>(
        &self,
        column: Option<&ColumnSpec>,
        field: &T,
        map: &mut M,
    ) -> std::result::Result<(), M::Error> {
        let Some(column) = column.filter(|column| is_shown(column, self.is_row)) else {
            return Ok(());
        };
        let name = column.name;
        if column.refers_to.is_none() && !column.is_money() {
            return map.serialize_entry(name, field);
        }
        match (column.refers_to, field.to_value(), self.currency) {
            (Some(Target::Table(table)), Value::Int(id), _) => {
                map.serialize_entry(name, &self.names.records.get(&(table, id)))
            }
            (Some(Target::Any), Value::Text(id), _) => {
                let id: Option<AnyId> = id.parse().ok();
                map.serialize_entry(name, &id.map(|id| self.names.any.of(id)))
            }
            (None, Value::Int(amount), Some(currency)) => {
                let amount = Amount::from_raw(amount);
                let has_more = amount.rounded(currency) != amount;
                if has_more && column.facets.digits == Digits::Price {
                    return map.serialize_entry(name, field);
                }
                map.serialize_entry(name, &Money { amount, currency })
            }
            _ => map.serialize_entry(name, field),
        }
    }
}

impl Cx {
    /// A record as it is answered.
    ///
    /// # Errors
    /// What the database says.
    pub async fn view<R: Presented>(&mut self, record: Saved<R>) -> Result<View<R>> {
        let views = self.shown(vec![record]).await?;
        let only = views.into_iter().next();
        only.ok_or_else(|| Error::internal("a record has one view"))
    }

    /// The rows of a page as the answer's `data`, and its cursor as `page.next`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows<R: Presented>(&mut self, page: Page<Saved<R>>) -> Result<Vec<Row<R>>> {
        let next = page.next;
        let rows = self.rows_of(page.rows).await?;
        Ok(self.page(Page { rows, next }))
    }

    /// Records as rows of a list that stands in another answer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows_of<R: Presented>(&mut self, records: Vec<Saved<R>>) -> Result<Vec<Row<R>>> {
        self.shown(records).await
    }

    async fn shown<R: Presented, const IS_ROW: bool>(
        &mut self,
        records: Vec<Saved<R>>,
    ) -> Result<Vec<View<R, IS_ROW>>> {
        let common = if IS_ROW { R::ROW } else { R::VIEW };
        let has = |column: &str| common.contains(&column);
        let names = self.names_for(&records, IS_ROW, has("created_by")).await?;
        let names = Arc::new(names);
        let extras = R::extras(self, &records, IS_ROW).await?;
        let view = |(saved, extra): (Saved<R>, R::Extra)| View {
            id: saved.id,
            columns: Shown {
                record: saved.record,
                names: Arc::clone(&names),
            },
            extra,
            common: Common {
                attributes: has("attributes").then_some(saved.attributes),
                version: has("version").then_some(saved.version),
                created_at: has("created_at").then_some(saved.created_at),
                created_by: saved
                    .created_by
                    .filter(|_| has("created_by"))
                    .and_then(|id| names.records.get(&(Member::TABLE, id.raw())).cloned()),
                updated_at: has("updated_at").then_some(saved.updated_at),
            },
        };
        Ok(records.into_iter().zip(extras).map(view).collect())
    }

    /// The names of all that the shown columns of these records refer to, and of who made them where that is shown, with one
    /// statement for each kind.
    async fn names_for<R: Record>(
        &mut self,
        records: &[Saved<R>],
        is_row: bool,
        with_authors: bool,
    ) -> Result<Names> {
        let mut wanted: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        let authors = records.iter().filter_map(|saved| saved.created_by);
        let authors: Vec<i64> = authors.filter(|_| with_authors).map(Id::raw).collect();
        if !authors.is_empty() {
            wanted.insert(Member::TABLE, authors);
        }
        let mut any: Vec<AnyId> = Vec::new();
        let shown = |column: &ColumnSpec| column.refers_to.is_some() && is_shown(column, is_row);
        if R::COLUMNS.iter().any(shown) {
            for saved in records {
                let fields = R::COLUMNS.iter().zip(saved.record.fields());
                for (column, field) in fields.filter(|(column, _)| shown(column)) {
                    match (column.refers_to, field.value()) {
                        (Some(Target::Table(table)), Value::Int(id)) => {
                            wanted.entry(table).or_default().push(id);
                        }
                        (Some(Target::Any), Value::Text(id)) => any.extend(id.parse()),
                        _ => {}
                    }
                }
            }
        }
        let mut named = HashMap::new();
        for (table, ids) in wanted {
            let mut names = self.names_in_table(table, &ids).await?;
            for id in ids {
                named.entry((table, id)).or_insert_with(|| NamedRecord {
                    id: self.wire_id(table, id),
                    name: names.remove(&id),
                });
            }
        }
        Ok(Names {
            records: named,
            any: self.any_names(any).await?,
        })
    }
}

impl<R: Presented, const IS_ROW: bool> JsonSchema for View<R, IS_ROW> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        let kind = if IS_ROW { "Row" } else { "View" };
        format!("{kind}_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let properties = |schema: &Schema| match schema.get("properties") {
            Some(Data::Object(properties)) => properties.clone(),
            _ => Map::new(),
        };
        let mut all = properties(&Saved::<R>::json_schema(generator));
        let author = generator.subschema_for::<NamedRecord>();
        all.insert("created_by".to_owned(), author.to_value());
        let mut shown = Map::new();
        let mut take =
            |name: &str| shown.extend(all.remove(name).map(|schema| (name.to_owned(), schema)));
        take("id");
        for column in R::COLUMNS.iter().filter(|column| is_shown(column, IS_ROW)) {
            take(column.name);
        }
        for column in R::COLUMNS {
            let schema = match column.refers_to {
                Some(Target::Table(_)) => generator.subschema_for::<NamedRecord>(),
                Some(Target::Any) => generator.subschema_for::<NamedAny>(),
                None => continue,
            };
            if let Some(place) = shown.get_mut(column.name) {
                *place = schema.to_value();
            }
        }
        shown.extend(properties(&R::Extra::json_schema(generator)));
        let common = if IS_ROW { R::ROW } else { R::VIEW };
        shown.extend(common.iter().filter_map(|name| all.remove_entry(*name)));
        schemars::json_schema!({ "type": "object", "properties": shown })
    }
}

/// A kind of record that is read by a tool without business of its own: list [`Get`] of it among the module's tools.
pub trait Gettable: Presented {
    /// What the tool is.
    const SPEC: Spec;
    /// How it is used.
    const EXAMPLES: &'static [Example];
}

/// The tool that reads a record.
pub struct Get<R>(Id<R>);

impl<R: Gettable> Tool for Get<R> {
    const SPEC: Spec = R::SPEC;
    const EXAMPLES: &'static [Example] = R::EXAMPLES;
    type Output = View<R>;

    async fn call(self, cx: &mut Cx) -> Result<View<R>> {
        let record = cx.get(self.0).await?;
        cx.view(record).await
    }
}

impl<'de, R: Gettable> Deserialize<'de> for Get<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(Parameter(PhantomData))
    }
}

struct Parameter<R>(PhantomData<fn() -> R>);

impl<'de, R: Gettable> Visitor<'de> for Parameter<R> {
    type Value = Get<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "which {} to read", R::NOUN)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Get<R>, A::Error> {
        let mut record = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == R::NOUN {
                record = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        record
            .map(Get)
            .ok_or_else(|| A::Error::missing_field(R::NOUN))
    }
}

impl<R: Gettable> JsonSchema for Get<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Get_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = generator.subschema_for::<Id<R>>();
        let properties = json!({ R::NOUN: id });
        schemars::json_schema!({ "required": [R::NOUN], "type": "object", "properties": properties })
    }
}
