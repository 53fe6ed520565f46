//! Values that mean something: identifiers, money, times, text and pages. What is parsed into one of these is
//! valid, so that no module checks twice.

pub mod country;
pub mod email;
pub mod id;
pub mod money;
pub mod number;
pub mod page;
pub mod period;
pub mod phone;
pub mod schema;
pub(crate) mod synonyms;
pub mod text;
pub mod time;
pub mod words;

/// A JSON schema that is just `{"type": "string"}`: bounds and patterns of such a value cost tokens in every
/// conversation, and the error that a wrong one gets says them.
macro_rules! string_schema {
    ($name:literal) => {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> std::borrow::Cow<'static, str> {
            $name.into()
        }
        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({ "type": "string" })
        }
    };
}
pub(crate) use string_schema;
