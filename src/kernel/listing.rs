//! What every list of records takes, and what it does with it: the text to search for, the filters, bounds and orders that the
//! record declares, and which part of the rows. A module says only what is its own.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Data};

use crate::error::{Error, Result};
use crate::list::List;
use crate::notice::Notice;
use crate::record::{
    ATTRIBUTE, Asked, Attributes, ColumnSpec, Cx, Order, Record, Saved, order, some_value,
};
use crate::store::{self, Kind, Value, sql};
use crate::tool::{Example, QUERY, Spec, Tool};
use crate::types::page::{Cursor, Limit, Page};
use crate::types::schema::{self, parse_at};
use crate::types::text::{ShortText, nearest};
use crate::types::time::When;
use crate::view::{Presented, Row};

/// The parameter that asks for the number instead of the rows.
const COUNT_ONLY: &str = "count_only";

/// The parameter with the custom attributes that a list is filtered by.
const ATTRIBUTES: &str = "attributes";

/// What stands for the column of the bounds by which somebody was last in touch.
const LAST_CONTACTED: &str = "last_contacted";

/// An index key by which records are asked for, with its values.
type Given = (&'static str, Vec<String>);

/// The text that is searched for.
type Text = ShortText<500>;

/// What a list of these records takes beside what the columns declare.
pub trait Listed: Record {
    /// What callers read about the text that is searched for; none where a list does not search.
    const QUERY: Option<&'static str>;
    /// What callers read about the orders.
    const SORT: &'static str;
    /// The order where none is asked for, by its name; with a minus before it from its end, as the newest first.
    const USUAL: &'static str;
    /// The orders by columns that every record has.
    const ORDERS: &'static [Order] = &[Order::CREATED, Order::UPDATED];
    /// Whether a list takes the bounds `created_after` and `created_before`.
    const BY_CREATION: bool = false;
    /// Whether a list takes the bounds `last_contacted_after` and `last_contacted_before`: by what counts as having been in touch
    /// ([`Record::TOUCH`]). With whom nobody ever was, was not since whatever day.
    const BY_CONTACT: bool = false;
}

/// What a caller says about a list. Stands in a tool's input as `#[serde(flatten)] listing: Listing<Deal>`, after what is the
/// tool's own.
pub struct Listing<R> {
    query: Option<Text>,
    filters: Vec<(&'static ColumnSpec, Vec<Asked>)>,
    bounds: Vec<Bounds>,
    attributes: Option<Attributes>,
    sort: Option<Order>,
    usual: &'static str,
    descending: Option<bool>,
    count_only: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
    record: PhantomData<fn() -> R>,
}

/// Bounds of a column, by the names of the parameters.
struct Bounds {
    parameters: (&'static str, &'static str),
    column: &'static str,
    kind: Kind,
    /// Whether something stands in the column for those that have none.
    has_filler: bool,
    from: Option<Bound>,
    to: Option<Bound>,
}

enum Bound {
    /// A day or moment, as a caller means it.
    When(When),
    /// A number.
    Value(Value),
}

impl Bounds {
    /// The bounds that lists of these records take.
    fn of<R: Listed>() -> impl Iterator<Item = (Self, Option<&'static ColumnSpec>)> {
        let declared = R::COLUMNS.iter().filter_map(|column| {
            let facets = &column.facets;
            let bounds = Self::new(
                facets.range?,
                facets.sort.unwrap_or(column.name),
                column.kind,
            );
            let has_filler = facets.derived().is_some();
            Some((
                Self {
                    has_filler,
                    ..bounds
                },
                Some(column),
            ))
        });
        let created = ("created_after", "created_before");
        let created = Self::new(created, Order::CREATED.column, Order::CREATED.kind);
        let contacted = ("last_contacted_after", "last_contacted_before");
        let contacted = Self::new(contacted, LAST_CONTACTED, Kind::Time);
        declared
            .chain(R::BY_CREATION.then_some((created, None)))
            .chain(R::BY_CONTACT.then_some((contacted, None)))
    }

    const fn new(
        parameters: (&'static str, &'static str),
        column: &'static str,
        kind: Kind,
    ) -> Self {
        Self {
            parameters,
            column,
            kind,
            has_filler: false,
            from: None,
            to: None,
        }
    }

    /// The values on both sides.
    fn values(&self, cx: &mut Cx) -> Result<(Option<Value>, Option<Value>)> {
        fn when(bound: Option<&Bound>) -> Option<&When> {
            match bound {
                Some(Bound::When(when)) => Some(when),
                _ => None,
            }
        }
        let number = |bound: &Option<Bound>| match bound {
            Some(Bound::Value(value)) => Some(value.clone()),
            _ => None,
        };
        let (first, last) = self.parameters;
        let (first, last) = (
            (first, when(self.from.as_ref())),
            (last, when(self.to.as_ref())),
        );
        let (from, to) = match self.kind {
            Kind::Date => {
                let (from, to) = cx.dates(first, last)?;
                (from.map(Value::Date), to.map(Value::Date))
            }
            Kind::Time => {
                let (from, to) = cx.moments(first, last)?;
                (from.map(Value::Time), to.map(Value::Time))
            }
            _ => (number(&self.from), number(&self.to)),
        };
        // What has none stands before all or after all in the order, and is within no bounds.
        let (lowest, highest) = match self.has_filler && (from.is_some() || to.is_some()) {
            true => some_value(self.kind),
            false => (None, None),
        };
        Ok((from.or(lowest), to.or(highest)))
    }
}

impl<R: Listed> Listing<R> {
    fn read(given: Map<String, Data>) -> Result<Self> {
        let mut listing = Self {
            query: None,
            filters: Vec::new(),
            bounds: Vec::new(),
            attributes: None,
            sort: None,
            usual: R::USUAL,
            descending: None,
            count_only: None,
            limit: None,
            cursor: None,
            record: PhantomData,
        };
        for (name, value) in given {
            match name.as_str() {
                _ if value.is_null() => {}
                QUERY if R::QUERY.is_some() => listing.query = parse_at(&name, value)?,
                ATTRIBUTES => listing.attributes = parse_at(&name, value)?,
                "sort" => listing.sort = Some(order_of::<R>(&parse_at::<String>(&name, value)?)?),
                "descending" => listing.descending = parse_at(&name, value)?,
                COUNT_ONLY => listing.count_only = parse_at(&name, value)?,
                "limit" => listing.limit = parse_at(&name, value)?,
                "cursor" => listing.cursor = parse_at(&name, value)?,
                name => listing.narrow(name, value)?,
            }
        }
        Ok(listing)
    }

    /// Reads a filter or a bound.
    fn narrow(&mut self, name: &str, value: Data) -> Result<()> {
        if let Some(column) = filters::<R>().find(|column| column.facets.filter == Some(name)) {
            let asked = match value {
                Data::Array(values) if column.facets.several => {
                    let values = values.into_iter();
                    values.map(|value| (column.asked)(name, value)).collect()
                }
                value => (column.asked)(name, value).map(|asked| vec![asked]),
            }?;
            // Nothing is asked for by a list of nothing.
            if !asked.is_empty() {
                self.filters.push((column, asked));
            }
            return Ok(());
        }
        let mut all = Bounds::of::<R>();
        let is_it = |(first, last): (&str, &str)| name == first || name == last;
        let Some((bounds, column)) = all.find(|(bounds, _)| is_it(bounds.parameters)) else {
            return Ok(());
        };
        let bound = match (bounds.kind, column) {
            (Kind::Date | Kind::Time, _) | (_, None) => Bound::When(parse_at(name, value)?),
            (_, Some(column)) => Bound::Value((column.asked)(name, value)?.value),
        };
        let known = self
            .bounds
            .iter()
            .position(|known| known.column == bounds.column);
        let bounds = match known.map(|index| self.bounds.swap_remove(index)) {
            Some(known) => known,
            None => bounds,
        };
        self.bounds.push(match name == bounds.parameters.0 {
            true => Bounds {
                from: Some(bound),
                ..bounds
            },
            false => Bounds {
                to: Some(bound),
                ..bounds
            },
        });
        Ok(())
    }

    /// Whether this filter was given.
    #[must_use]
    pub fn has(&self, filter: &str) -> bool {
        let mut filters = self.filters.iter();
        filters.any(|(column, _)| column.facets.filter == Some(filter))
    }

    /// The order that is asked for, by its name.
    #[must_use]
    pub fn sort(&self) -> Option<&'static str> {
        self.sort.map(|order| order.name)
    }

    /// The same with another order where none is asked for ([`Listed::USUAL`]).
    #[must_use]
    pub fn usually(self, usual: &'static str) -> Self {
        Self { usual, ..self }
    }

    /// The list with all that is asked for, and the index keys that texts were asked by.
    async fn narrowed<'a>(
        &self,
        cx: &'a mut Cx,
        narrow: impl FnOnce(List<'_, R>) -> List<'_, R>,
    ) -> Result<(List<'a, R>, Vec<Given>)> {
        let mut bounds = Vec::with_capacity(self.bounds.len());
        for one in &self.bounds {
            bounds.push((one.column, one.values(cx)?));
        }
        let attributes = match &self.attributes {
            Some(given) => cx.attributes_asked(R::TABLE, given.clone()).await?,
            None => Vec::new(),
        };
        let mut given = Vec::new();
        let mut list = narrow(cx.list::<R>());
        for keys in attributes {
            list = list.one_key(ATTRIBUTE, keys);
        }
        for (column, asked) in &self.filters {
            let (values, texts): (Vec<Value>, Vec<Vec<String>>) = asked
                .iter()
                .map(|asked| (asked.value.clone(), asked.texts.clone()))
                .unzip();
            // Where a text's case does not count, and of a list, only the index keys tell.
            if !column.is_folded {
                list = list.among(column.name, values);
            }
            if let Some(key) = column.facets.key {
                let keys = texts.into_iter().flatten();
                let keys: Vec<String> = keys.map(|text| column.key_of(text)).collect();
                if column.is_folded {
                    given.push((key, keys.clone()));
                }
                list = match column.facets.several {
                    true => list.one_key(key, keys),
                    false => list.index_keys(key, keys),
                };
            }
        }
        for (column, (from, to)) in bounds {
            list = match column {
                LAST_CONTACTED => list.touched(from, to)?,
                column => list.between(column, from, to),
            };
        }
        Ok((list, given))
    }

    /// What columns of whole numbers come to, of all the records that it asks for, among those that the module leaves, whichever
    /// part of them the page shows: a row for each combination of what stands in `by`, with its `count`, and with each sum as
    /// [`Row::sum`](crate::store::Row::sum) reads it.
    ///
    /// # Errors
    /// As [`Listing::page`].
    pub async fn sums(
        &self,
        cx: &mut Cx,
        narrow: impl FnOnce(List<'_, R>) -> List<'_, R>,
        by: &[&'static str],
        columns: &[&'static str],
    ) -> Result<Vec<store::Row>> {
        let (list, _) = self.narrowed(cx, narrow).await?;
        list.sums(self.query.as_deref(), by, columns).await
    }

    /// The records that it asks for, among those that the module leaves.
    ///
    /// # Errors
    /// As [`List::query_or_page`]; [`Code::Validation`](crate::error::Code::Validation) for a range whose end is before its start.
    pub async fn page(
        self,
        cx: &mut Cx,
        narrow: impl FnOnce(List<'_, R>) -> List<'_, R>,
    ) -> Result<Page<Saved<R>>> {
        let (list, given) = self.narrowed(cx, narrow).await?;
        if self.count_only == Some(true) {
            if list.counted(self.query.as_deref()).await? == 0 {
                note_all_unused::<R>(cx, given).await?;
            }
            return Ok(Page {
                rows: Vec::new(),
                next: None,
            });
        }
        let from_end = self.usual.starts_with('-');
        let usual = order_of::<R>(self.usual.trim_start_matches('-'))?;
        let is_usual = self.sort.is_none() && self.query.is_none();
        let found = list.query_or_page(
            self.query.as_deref(),
            self.sort,
            usual,
            self.descending.or((is_usual && from_end).then_some(true)),
            self.limit.unwrap_or_default(),
            self.cursor.as_ref(),
        );
        let page = found.await?;
        if page.rows.is_empty() && self.cursor.is_none() {
            note_all_unused::<R>(cx, given).await?;
        }
        Ok(page)
    }
}

/// [`note_unused`] of each of these index keys and values.
async fn note_all_unused<R: Record>(cx: &mut Cx, given: Vec<Given>) -> Result<()> {
    for (key, values) in given {
        note_unused::<R>(cx, key, &values).await?;
    }
    Ok(())
}

/// Says that nothing is there because no record has any of these values, and which there are: a word that nobody uses is easily
/// taken for a word that finds nothing.
async fn note_unused<R: Record>(cx: &mut Cx, key: &str, values: &[String]) -> Result<()> {
    /// Index keys that are looked at, and values that are named.
    const LOOKED_AT: i64 = 2_000;
    const NAMED: usize = 8;
    // The words of what the caller may not read are not told either.
    if R::READERS.is_some() {
        return Ok(());
    }
    let mut used = sql("SELECT value FROM (SELECT value FROM record_key WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND entity = ")
        .value(R::TABLE.to_owned())
        .sql(" AND field = ")
        .value(key.to_owned());
    let mut these = used.clone().sql(" AND value IN ");
    these.push_list(values.iter().cloned().map(Value::Text));
    let these = these.sql(" LIMIT 1) AS used").row(cx.tx()).await?;
    if these.is_some() || values.is_empty() {
        return Ok(());
    }
    used = used
        .sql(" LIMIT ")
        .value(LOOKED_AT)
        .sql(") AS used GROUP BY value");
    let rows = used.rows(cx.tx()).await?;
    let known = rows.iter().map(|row| row.get::<String>("value"));
    let mut known: Vec<String> = known.collect::<Result<_>>()?;
    // Not by the database: each engine has an order of its own.
    known.sort();
    let near = values
        .iter()
        .find_map(|value| nearest(value, known.iter().map(String::as_str)));
    let hint = match (near, known.len()) {
        (Some(near), _) => format!(" Did you mean {near}?"),
        (None, 1..=NAMED) => format!(" There are: {}.", known.join(", ")),
        (None, _) => String::new(),
    };
    let noun = R::TABLE.replace('_', " ");
    cx.notice(Notice::unused(format!(
        "No {noun} has this {}.{hint}",
        key.replace('_', " ")
    )));
    Ok(())
}

impl<R: Listed + Presented> Listing<R> {
    /// The rows that it asks for, among those that the module leaves.
    ///
    /// # Errors
    /// As [`Listing::page`].
    pub async fn rows(
        self,
        cx: &mut Cx,
        narrow: impl FnOnce(List<'_, R>) -> List<'_, R>,
    ) -> Result<Vec<Row<R>>> {
        let page = self.page(cx, narrow).await?;
        cx.rows(page).await
    }
}

fn filters<R: Record>() -> impl Iterator<Item = &'static ColumnSpec> {
    R::COLUMNS
        .iter()
        .filter(|column| column.facets.filter.is_some())
}

/// The orders that lists of these records offer.
fn orders<R: Listed>() -> impl Iterator<Item = Order> {
    let declared = R::COLUMNS.iter().filter_map(order);
    declared.chain(R::ORDERS.iter().copied())
}

fn order_of<R: Listed>(name: &str) -> Result<Order> {
    let found = orders::<R>().find(|order| order.name == name);
    found.ok_or_else(|| {
        let known: Vec<String> = orders::<R>()
            .map(|order| format!("`{}`", order.name))
            .collect();
        Error::invalid(
            "sort",
            format!("sort expected one of {}.", known.join(", ")),
        )
    })
}

impl<'de, R: Listed> Deserialize<'de> for Listing<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::read(Map::deserialize(deserializer)?).map_err(schema::refuse)
    }
}

impl<R: Listed> JsonSchema for Listing<R> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Listing_{}", R::TABLE).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        let mut add = |name: &str, about: Option<&str>, mut schema: Schema| {
            schema.remove("description");
            if let Some(about) = about {
                schema.insert("description".into(), about.into());
            }
            properties.insert(name.to_owned(), schema.to_value());
        };
        if R::QUERY.is_some() {
            add(QUERY, R::QUERY, generator.subschema_for::<Text>());
        }
        let given: Vec<Schema> = R::given_schemas(generator);
        for (column, schema) in R::COLUMNS.iter().zip(&given) {
            if let Some(name) = column.facets.filter {
                let one = schema
                    .get("items")
                    .and_then(|one| Schema::try_from(one.clone()).ok());
                // What a record is given for is no news in a list; what an identifier is of is.
                let about = column.about.filter(|_| column.refers_to.is_some());
                let about = about.filter(|about| !about.starts_with("Default"));
                let one = one.unwrap_or_else(|| schema.clone());
                let schema = match column.facets.several {
                    true => schemars::json_schema!({ "type": "array", "items": one }),
                    false => one,
                };
                add(name, about, schema);
            }
        }
        for (bounds, column) in Bounds::of::<R>() {
            let number = column.filter(|_| !matches!(bounds.kind, Kind::Date | Kind::Time));
            let same = |other: &ColumnSpec| number.is_some_and(|column| column.name == other.name);
            let place = R::COLUMNS.iter().position(same);
            let schema = match place.and_then(|place| given.get(place)) {
                Some(schema) => schema.clone(),
                None => generator.subschema_for::<When>(),
            };
            for name in [bounds.parameters.0, bounds.parameters.1] {
                if !name.is_empty() {
                    add(name, None, schema.clone());
                }
            }
        }
        let attributes =
            schemars::json_schema!({ "type": "object", schema::ATTRIBUTES_OF: R::TABLE });
        add(ATTRIBUTES, None, attributes);
        let names: Vec<&str> = orders::<R>().map(|order| order.name).collect();
        let sort = schemars::json_schema!({ "type": "string", "enum": names });
        add("sort", Some(R::SORT), sort);
        add("descending", None, generator.subschema_for::<bool>());
        add(COUNT_ONLY, None, generator.subschema_for::<bool>());
        add("limit", None, generator.subschema_for::<Limit>());
        add("cursor", None, generator.subschema_for::<Cursor>());
        schemars::json_schema!({ "type": "object", "properties": properties })
    }
}

/// A kind of record that is listed by a tool without parameters of its own: list [`Lists`] of it among the module's tools.
pub trait Listable: Listed + Presented {
    /// What the tool is.
    const SPEC: Spec;
    /// How it is used.
    const EXAMPLES: &'static [Example];
}

/// The tool that lists or searches records.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent, bound = "R: Listable")]
#[schemars(inline, bound = "R: Listable")]
pub struct Lists<R>(Listing<R>);

impl<R: Listable> Tool for Lists<R> {
    const SPEC: Spec = <R as Listable>::SPEC;
    const EXAMPLES: &'static [Example] = <R as Listable>::EXAMPLES;
    type Output = Vec<Row<R>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<R>>> {
        self.0.rows(cx, |list| list).await
    }
}
