//! A record, declared once: insert, update with version check, archive, restore, purge, change log, custom attributes,
//! undo, references and the search projection follow from the declaration. Nothing else writes a record.

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde_json::Map;
pub use serde_json::Value as Data;

mod access;
mod among;
mod any;
mod attribute_keys;
mod called;
mod content;
pub(crate) mod context;
mod exported;
mod facets;
mod family;
mod history;
mod index_keys;
mod link;
mod names;
mod order;
pub mod past;
pub mod reactions;
mod readers;
mod records;
mod saved;
pub(crate) mod standing;
pub(crate) mod summary;
mod table;
mod touched;
pub(crate) mod write;

pub use any::{AnyRecord, Read, Taken, UndoConflict, Wanted};
pub(crate) use attribute_keys::ATTRIBUTE;
pub use called::{Called, CalledBy};
pub(crate) use context::Defined;
pub use context::{App, Cx};
pub use exported::{Exported, Figures, Parts};
pub use facets::{Asked, Facets, LAST_MOMENT, asked, in_order};
pub(crate) use facets::{Digits, order, some_value};
pub(crate) use family::{Dependents, Family};
pub(crate) use index_keys::inserted_index_keys;
pub use link::Link;
pub use names::NamedRecord;
pub use order::Order;
pub use records::Records;
pub(crate) use saved::patched;
pub use saved::{Edit, Saved};
pub(crate) use saved::{PARENT, filter};
pub use summary::Commitment;
pub use table::check_tables;
pub use touched::Touch;
pub(crate) use write::{check_permission, log_row, stale, unknown_reference, validated};

use crate::caller::{Caller, Workspace};
use crate::error::Result;
use crate::permission::Access;
use crate::store::{Column, Kind, Row, Target, Value};
use crate::types::id::Entity;
use crate::types::money::Currency;
use crate::types::text::{folded, visible};
use crate::types::time::LocalTime;

/// A column that a record declares.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSpec {
    /// Its name, in the table and on the wire.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// What it refers to.
    pub refers_to: Option<Target>,
    /// Whether the record belongs to what it refers to.
    pub is_parent: bool,
    /// Whether a record cannot be without it.
    pub required: bool,
    /// Whether the server keeps it, and callers cannot give it.
    pub kept: bool,
    /// What callers read about it, where its name does not say all: at most 40 characters.
    pub about: Option<&'static str>,
    /// Whether it is an amount of money, in the record's currency where it has one.
    pub is_amount: bool,
    /// Whether its index keys are the same in any case.
    pub is_folded: bool,
    /// Reads what a list is to find in it.
    pub asked: fn(&str, Data) -> Result<Asked>,
    /// What else follows from it.
    pub facets: Facets,
}

impl ColumnSpec {
    /// Whether it is an amount of money, and no quantity or rate.
    pub(crate) fn is_money(&self) -> bool {
        self.is_amount && self.facets.digits != Digits::Own
    }

    /// The index key of one of its texts.
    pub(crate) fn key_of(&self, text: String) -> String {
        if self.is_folded { folded(&text) } else { text }
    }
}

/// A field of a record, whatever its type.
pub trait Field {
    /// What stands in its column.
    fn value(&self) -> Value;
    /// The texts in it ([`Column::texts`]).
    fn texts(&self) -> Vec<String>;
}

impl<T: Column> Field for T {
    fn value(&self) -> Value {
        self.to_value()
    }
    fn texts(&self) -> Vec<String> {
        Column::texts(self)
    }
}

/// The part of a record that follows from its declaration with [`record!`](crate::record!).
pub trait Columns:
    Entity + Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Sized
{
    /// The columns, in order, without those that every record has.
    const COLUMNS: &'static [ColumnSpec];
    /// Nothing said about anything.
    fn empty() -> Self;
    /// The values, in the order of the columns.
    fn values(&self) -> Vec<Value>;
    /// The fields, in the order of the columns.
    fn fields(&self) -> Vec<&dyn Field>;
    /// Its currency, where it has one.
    fn currency(&self) -> Option<Currency>;
    /// Writes what a view shows of the columns.
    ///
    /// # Errors
    /// What the format says.
    fn show<M: SerializeMap>(
        &self,
        form: &impl Form,
        map: &mut M,
    ) -> std::result::Result<(), M::Error>;
    /// Reads a row.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when the row holds what no record has.
    fn from_row(row: &Row) -> Result<Self>;
    /// The first column of a row that cannot be read, where there is one.
    fn unreadable(row: &Row) -> Option<&'static str>;
    /// Sets a column to what a caller gave for it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
    fn apply(&mut self, column: &str, given: Data, time: LocalTime) -> Result<()>;
    /// Empties a column.
    fn clear(&mut self, column: &str);
    /// The first required column that is still missing.
    fn missing(&self) -> Option<&'static str>;
    /// What a caller may give for each column.
    fn given_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<schemars::Schema>;
}

/// How the columns of a record are shown.
pub trait Form {
    /// Writes a column, if it is shown. For [`record!`](crate::record!).
    ///
    /// # Errors
    /// What the format says.
    fn entry<T: Column + Serialize, M: SerializeMap>(
        &self,
        column: Option<&ColumnSpec>,
        field: &T,
        map: &mut M,
    ) -> std::result::Result<(), M::Error>;
}

/// What a module says about its record.
pub trait Record: Columns {
    /// What a caller must hold to read and to write records of this kind. Asked wherever one is written, whichever tool or
    /// undo does it, unless the tool says that the write follows from its own permission
    /// ([`Spec::covers`](crate::tool::Spec::covers)).
    const ACCESS: Access;
    /// What a person calls this one: the columns that are declared as its label, unless something else is said here.
    fn label(&self) -> String {
        facets::label(self)
    }
    /// Brings a record that was created or changed into form, or says what is wrong with it. Always run before a record
    /// is written, whoever writes it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field.
    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        let _ = workspace;
        Ok(())
    }
    /// Whether it may become what it is about to be written as, or be deleted where there is none. Asked before every write
    /// of a record that is there, also by an undo, which is refused whole where this refuses.
    ///
    /// # Errors
    /// [`Code::Conflict`](crate::error::Code::Conflict) saying what to do instead.
    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        let _ = next;
        Ok(())
    }
    /// Whether this caller may write the second in place of the first, beyond what [`ACCESS`](Self::ACCESS) asks. There is
    /// no first where the record is new or was deleted. Asked before every write that leaves a live record, also by an undo.
    ///
    /// # Errors
    /// [`Code::Forbidden`](crate::error::Code::Forbidden) naming the permission and the field.
    fn may_write(before: Option<&Self>, after: &Self, caller: &Caller) -> Result<()> {
        let _ = (before, after, caller);
        Ok(())
    }
    /// What becomes final when it is written like this, such as an invoice that is issued: whichever tool writes it, a person is
    /// asked about it before it is kept, and by a clock that cannot be right it is refused. `before` is none for one that is new
    /// or comes back.
    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        let _ = (before, after);
        None
    }
    /// Which live ones keep what they refer to from being deleted: an SQL condition on the record's own columns. A deal
    /// that is closed does not hold on to its company, for example; it goes on naming it.
    const BLOCKS_DELETION_WHILE: &'static str = "1 = 1";
    /// The column that names the team whose members alone may read one, beside owners and admins, where not everybody may who may
    /// read such records: of type `Option<Id<Team>>`, in whatever the server keeps. For all others it is not there.
    const READERS: Option<&'static str> = None;
    /// Whether its text is Markdown in which passages are searched: see [`passages`](crate::search::passages). The text is the first
    /// of its words, and the index key `language` says in which it is written.
    const HAS_PASSAGES: bool = false;
    /// Whether it holds something beside its columns, by whose words it is found too: see [`content`](crate::content).
    const HOLDS_CONTENT: bool = false;
    /// Which of them count as having been in touch with the people and firms that they refer to, where some do.
    const TOUCH: Option<Touch> = None;
    /// Exact index keys by which it is found: field and value. A field has any number of values. What is said here begins with
    /// the [declared ones](Record::declared_keys).
    fn index_keys(&self) -> Vec<(&'static str, String)> {
        self.declared_keys()
    }
    /// The index keys that follow from the declaration.
    fn declared_keys(&self) -> Vec<(&'static str, String)> {
        facets::index_keys(self)
    }
    /// What people call one instead of giving its identifier, and how it is found by that.
    const CALLED: Called = Called::NOTHING;
    /// The column that says into which other one a deleted one was merged, where they are merged: its identifier goes on to mean
    /// that one wherever a tool takes it.
    const MERGED_INTO: Option<&'static str> = None;
    /// Columns that stand in the table for the database's sake, such as the form of a name that lists are ordered by:
    /// names and values, always the same names in the same order. They follow from the fields. What is said here begins
    /// with those that are [declared for orders](Facets::sort_by).
    fn derived(&self) -> Vec<(&'static str, Value)> {
        self.declared_orders()
    }
    /// Those of them that follow from the declaration.
    fn declared_orders(&self) -> Vec<(&'static str, Value)> {
        facets::derived(self)
    }
    /// The text by which it is found beside its label: the declared columns; `None` for a record that is not searched.
    fn text(&self) -> Option<SearchText> {
        self.declared_text()
    }
    /// The text that follows from the declaration.
    fn declared_text(&self) -> Option<SearchText> {
        facets::text(self)
    }
    /// How it is taken out, beside its columns.
    const EXPORTED: Exported = Exported::PLAIN;
    /// What is spelt out of each of these ([`Exported::spelt`]): by the names of those columns, as far as there is something to
    /// say.
    fn spelt<'a>(
        cx: &'a mut Cx,
        records: &'a [Saved<Self>],
    ) -> BoxFuture<'a, Result<Vec<Map<String, Data>>>> {
        let _ = cx;
        Box::pin(async move { Ok(records.iter().map(|_| Map::new()).collect()) })
    }
    /// What it consists of ([`Exported::parts`]): each by the names of those columns.
    fn parts(&self) -> Vec<Map<String, Data>> {
        Vec::new()
    }
}

/// What the search reads of a record beside its title.
#[derive(Debug, Clone, Default)]
pub struct SearchText {
    /// Words.
    pub words: Vec<String>,
    /// Numbers of which any part is found, such as telephone numbers.
    pub numbers: Vec<String>,
}

/// Declares a record: a struct, its table, the prefix of its identifiers and its noun. A text after a field is what
/// callers read about it, where its name does not say all. What else follows from a field stands in brackets after it: each
/// is a method of [`Facets`](crate::record::Facets).
///
/// ```ignore
/// record! {
///     /// A person.
///     pub struct Contact: "contact", "con", "contact" {
///         /// Given name.
///         pub first_name: Option<ShortText<100>> => [search],
///         /// Who looks after them.
///         pub owner: Option<Id<Member>> = "Member" => [filter, row, import("sales representative")],
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident: $table:literal, $prefix:literal, $noun:literal {
        $($(#[$doc:meta])* pub $field:ident: $type:ty $(= $about:literal)?
            $(=> [$($facet:ident $(($($argument:tt)*))?),* $(,)?])?,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $crate::types::id::Entity for $name {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;
            const TABLE: &'static str = $table;
        }

        impl $crate::record::Columns for $name {
            const COLUMNS: &'static [$crate::record::ColumnSpec] = &[$($crate::record::ColumnSpec {
                name: $crate::record::plain(stringify!($field)),
                kind: <$type as $crate::store::Column>::KIND,
                refers_to: <$type as $crate::store::Column>::REFERS_TO,
                is_parent: <$type as $crate::store::Column>::PARENT,
                required: <$type as $crate::store::Column>::REQUIRED,
                kept: <$type as $crate::store::Column>::KEPT,
                about: $crate::record::about(&[$($about)?]),
                is_amount: <$type as $crate::store::Column>::IS_AMOUNT,
                is_folded: <$type as $crate::store::Column>::IS_FOLDED,
                asked: $crate::record::asked::<$type>,
                facets: $crate::record::Facets::of($crate::record::plain(stringify!($field)))
                    $($(.$facet($($($argument)*)?))*)?,
            }),*];
            fn empty() -> Self {
                Self { $($field: <$type as $crate::store::Column>::empty()),* }
            }
            fn values(&self) -> Vec<$crate::store::Value> {
                vec![$($crate::store::Column::to_value(&self.$field)),*]
            }
            fn fields(&self) -> Vec<&dyn $crate::record::Field> {
                vec![$(&self.$field),*]
            }
            fn currency(&self) -> Option<$crate::types::money::Currency> {
                None$(.or_else(|| $crate::store::Column::currency(&self.$field)))*
            }
            fn show<M: serde::ser::SerializeMap>(
                &self,
                form: &impl $crate::record::Form,
                map: &mut M,
            ) -> std::result::Result<(), M::Error> {
                let mut columns = Self::COLUMNS.iter();
                $(form.entry(columns.next(), &self.$field, map)?;)*
                Ok(())
            }
            fn from_row(row: &$crate::store::Row) -> $crate::error::Result<Self> {
                Ok(Self { $($field: row.get($crate::record::plain(stringify!($field)))?),* })
            }
            fn unreadable(row: &$crate::store::Row) -> Option<&'static str> {
                $(if row.get::<$type>($crate::record::plain(stringify!($field))).is_err() {
                    return Some($crate::record::plain(stringify!($field)));
                })*
                None
            }
            fn apply(&mut self, column: &str, given: $crate::record::Data, time: $crate::types::time::LocalTime) -> $crate::error::Result<()> {
                $(if column == $crate::record::plain(stringify!($field)) {
                    let given = $crate::types::schema::parse_at(column, given)?;
                    self.$field = <$type as $crate::store::Column>::from_input(given, time)
                        .map_err(|wrong| $crate::error::Error::invalid(column, format!("{column} {wrong}.")))?;
                    return Ok(());
                })*
                Ok(())
            }
            fn clear(&mut self, column: &str) {
                $(if column == $crate::record::plain(stringify!($field)) {
                    self.$field = <$type as $crate::store::Column>::empty();
                })*
            }
            fn missing(&self) -> Option<&'static str> {
                $(if $crate::store::Column::is_missing(&self.$field) {
                    return Some($crate::record::plain(stringify!($field)));
                })*
                None
            }
            fn given_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<schemars::Schema> {
                vec![$(generator.subschema_for::<<$type as $crate::store::Column>::Input>()),*]
            }
        }
    };
}

/// The name of a field that is a word of the language, such as `r#type`, without its mark. For [`record!`](crate::record!).
#[must_use]
pub const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// What is said about a column, if anything. For [`record!`](crate::record!).
#[must_use]
pub const fn about(said: &[&'static str]) -> Option<&'static str> {
    match said {
        [about, ..] => Some(about),
        [] => None,
    }
}

/// Custom attributes: names that the workspace defined, with their values.
pub type Attributes = Map<String, Data>;

/// Attributes whose texts have no invisible characters, at any depth.
pub(crate) fn cleaned(attributes: Attributes) -> Attributes {
    fn clean(value: Data) -> Data {
        match value {
            Data::String(text) => Data::String(visible(&text)),
            Data::Array(items) => Data::Array(items.into_iter().map(clean).collect()),
            Data::Object(fields) => Data::Object(cleaned(fields)),
            other => other,
        }
    }
    attributes
        .into_iter()
        .map(|(name, value)| (visible(&name), clean(value)))
        .collect()
}
