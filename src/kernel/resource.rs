//! Resources: what a tool reads, under a URI.
//!
//! A resource is another name for a call of a tool that reads, and is read by that call through the [dispatcher](crate::dispatch::resources). So whoever
//! may not call the tool neither sees the resource nor reads it, and a read is authenticated, limited, counted and kept
//! within its workspace like every call.

use hex::FromHex as _;
use serde_json::{Map, Value};

/// A resource, or with `{variables}` in its URI as many of them as these have values.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Its URI, or an RFC 6570 template of level 1 in which each variable is a whole segment:
    /// `bureau://contacts/{contact}`. A variable is the tool's argument of that name; a lone hyphen says that it is not given.
    pub uri: &'static str,
    /// For programs, unique in Bureau.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it holds, in one sentence.
    pub about: &'static str,
    /// What is read is of this type.
    pub mime_type: &'static str,
    /// The tool that reads it: one of the same module, and one that only reads.
    pub tool: &'static str,
    /// What the tool is given beside the variables.
    pub arguments: &'static [(&'static str, &'static str)],
    /// What of the tool's answer it holds.
    pub contents: Contents,
}

/// What of a tool's answer a resource holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// The answer's whole `data`, as JSON. A list is read to its end, each page a call, so it has to be a short one.
    Json,
    /// The document that stands at `/data/document` of the answer: `{"content", "mime_type"}`, where `content` is the text
    /// itself of a type that is text, XML or JSON, and Base64 of any other.
    Document,
    /// The same, of whatever somebody attached, whose own type counts: it names its own `uri`, an image stands in the answer as
    /// one, and so does a short text.
    File,
    /// The same, of a text that names its own `uri`. Up to so many bytes of it stand in the tool's answer as well.
    Text(usize),
}

impl Resource {
    /// A tool's answer as JSON, for the fields that a module does not name.
    pub const JSON: Self = Self {
        uri: "",
        name: "",
        title: "",
        about: "",
        mime_type: "application/json",
        tool: "",
        arguments: &[],
        contents: Contents::Json,
    };

    /// Whether its URI has variables.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.uri.split('/').any(|part| variable(part).is_some())
    }

    /// The URI of the one of this identifier.
    #[must_use]
    pub fn uri_of(&self, id: &str) -> String {
        let parts = self.uri.split('/');
        let parts = parts.map(|part| variable(part).map_or(part, |_| id));
        parts.collect::<Vec<_>>().join("/")
    }

    /// The URI with these values of its variables; of a variable that none is said of it is not given.
    #[must_use]
    pub fn uri_with(&self, values: &[(&str, String)]) -> String {
        let value = |name: &str| {
            let mut values = values.iter();
            let value = values.find(|(known, _)| *known == name);
            value.map_or_else(|| NOT_GIVEN.to_owned(), |(_, value)| encoded(value))
        };
        let parts = self.uri.split('/');
        let parts = parts.map(|part| variable(part).map_or_else(|| part.to_owned(), value));
        parts.collect::<Vec<_>>().join("/")
    }

    /// Whether what is read is text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        is_text(self.mime_type)
    }

    /// The variables of its URI.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.uri.split('/').filter_map(variable)
    }

    /// Every argument that its tool is given.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let constants = self.arguments.iter().map(|(name, _)| *name);
        self.uri.split('/').filter_map(variable).chain(constants)
    }

    /// Whether some URI would name this one and the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (own, others) = (self.uri.split('/'), other.uri.split('/'));
        own.clone().count() == others.clone().count()
            && own.zip(others).all(|(own, other)| {
                own == other || variable(own).is_some() || variable(other).is_some()
            })
    }

    /// What its tool is given for this URI; `None` when the URI is not one of its own.
    #[must_use]
    pub fn arguments_for(&self, uri: &str) -> Option<Map<String, Value>> {
        let mut arguments = Map::new();
        let mut given = uri.split('/');
        for own in self.uri.split('/') {
            let given = given.next()?;
            match variable(own) {
                Some(_) if given == NOT_GIVEN => {}
                Some(name) => {
                    arguments.insert(name.to_owned(), decoded(given)?.into());
                }
                None if own == given => {}
                None => return None,
            }
        }
        for (name, value) in self.arguments {
            arguments.insert((*name).to_owned(), (*value).into());
        }
        given.next().is_none().then_some(arguments)
    }
}

/// Whether what is of this type is text.
#[must_use]
pub fn is_text(mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || ["xml", "json"].iter().any(|syntax| {
            essence
                .strip_suffix(syntax)
                .is_some_and(|rest| rest.ends_with(['/', '+']))
        })
}

/// Stands for a variable without a value.
const NOT_GIVEN: &str = "-";

/// The variable that a segment of a template stands for.
fn variable(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A value as a segment holds it.
fn encoded(value: &str) -> String {
    let mut segment = String::with_capacity(value.len());
    for byte in value.bytes() {
        if is_unreserved(byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The value that a segment holds in the form that a template of level 1 gives it: what is unreserved stands as it is, all
/// else is percent-encoded UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let mut value = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => value.extend(<[u8; 1]>::from_hex([bytes.next()?, bytes.next()?]).ok()?),
            byte if is_unreserved(byte) => value.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(value)
        .ok()
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONTACT: Resource = Resource {
        uri: "bureau://contacts/{contact}",
        ..Resource::JSON
    };
    const PDF: Resource = Resource {
        uri: "bureau://invoices/{invoice}/pdf",
        arguments: &[("document", "pdf")],
        ..Resource::JSON
    };

    #[test]
    fn a_uri_gives_the_variables_and_the_constants() {
        let found = |uri| CONTACT.arguments_for(uri).map(Value::Object);
        let ada = json!({ "contact": "con_1" });
        assert_eq!(found("bureau://contacts/con_1"), Some(ada.clone()));
        assert_eq!(found("bureau://contacts/con%5F1"), Some(ada));
        let odd = json!({ "contact": "a/é%2F ~" });
        assert_eq!(found("bureau://contacts/a%2f%C3%A9%252F%20~"), Some(odd));
        let pdf = json!({ "invoice": "inv_1", "document": "pdf" });
        let found = PDF.arguments_for("bureau://invoices/inv_1/pdf");
        assert_eq!(found.map(Value::Object), Some(pdf));
    }

    #[test]
    fn what_is_made_of_values_is_read_as_those_values() {
        let table = Resource {
            uri: "bureau://tables/{kind}/csv/{status}/{since}",
            arguments: &[("format", "csv")],
            ..Resource::JSON
        };
        let values = [
            ("kind", "a b".to_owned()),
            ("since", "2026-11-20T09:00:00Z".to_owned()),
        ];
        let uri = table.uri_with(&values);
        assert_eq!(uri, "bureau://tables/a%20b/csv/-/2026-11-20T09%3A00%3A00Z");
        let read = json!({ "kind": "a b", "since": "2026-11-20T09:00:00Z", "format": "csv" });
        assert_eq!(table.arguments_for(&uri).map(Value::Object), Some(read));
    }

    #[test]
    fn a_uri_matches_whole_or_not_at_all() {
        for uri in [
            "",
            "bureau:",
            "bureau://contacts",
            "bureau://contacts/",
            "bureau://contacts/con_1/",
            "bureau://contacts/con_1/x",
            "bureau://contacts//con_1",
            "bureau://contacts/{contact}",
            "bureau://contacts/con_1?fields=id",
            "bureau://contacts/con_1#x",
            "bureau://contacts/con 1",
            "bureau://contacts/é",
            "bureau://contacts/%",
            "bureau://contacts/%5",
            "bureau://contacts/%zz",
            "bureau://contacts/%FF",
            "bureau://c%6Fntacts/con_1",
            "Bureau://contacts/con_1",
            "http://contacts/con_1",
        ] {
            assert_eq!(CONTACT.arguments_for(uri), None, "{uri}");
        }
        assert_eq!(PDF.arguments_for("bureau://invoices/inv_1"), None);
        assert_eq!(PDF.arguments_for("bureau://invoices/inv_1/xml"), None);
    }

    #[test]
    fn resources_overlap_where_one_uri_could_be_of_both() {
        let at = |uri| Resource {
            uri,
            ..Resource::JSON
        };
        assert!(CONTACT.overlaps(&at("bureau://contacts/{id}")));
        assert!(CONTACT.overlaps(&at("bureau://contacts/all")));
        assert!(at("bureau://contacts/all").overlaps(&CONTACT));
        assert!(!CONTACT.overlaps(&at("bureau://contacts/{contact}/deals")));
        assert!(!CONTACT.overlaps(&at("bureau://companies/{contact}")));
        assert!(!at("bureau://contacts/all").overlaps(&at("bureau://contacts/none")));
    }
}
