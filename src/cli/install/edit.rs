//! One entry of a JSON file set or taken out, with every other byte of it left as it is: whoever wrote the file keeps its
//! order, its indentation and its numbers.

use std::fmt;
use std::ops::Range;

use serde::Serialize as _;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::ser::PrettyFormatter;
use serde_json::value::RawValue;

/// Why a file is left alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not plain JSON: where, and what the reader says.
    NotJson(String),
    /// It, or what is named, is no object.
    NotAnObject(String),
    /// The change would not come out as it was meant.
    Unsure,
}

/// The text with `section`.`name` set to `entry`, made where it is not yet. The same text when it says so already.
///
/// # Errors
///
/// [`Refusal`] for a text that cannot be changed without harm.
pub(crate) fn set(text: &str, section: &str, name: &str, entry: &Value) -> Result<String, Refusal> {
    let Document {
        text,
        plain,
        style,
        mut value,
    } = Document::read(text)?;
    if value.get(section).and_then(|servers| servers.get(name)) == Some(entry) {
        return Ok(text);
    }
    let root = object(&plain, 0..plain.len(), "The file")?;
    let changed = match root.last(section) {
        None => {
            let mut servers = serde_json::Map::new();
            servers.insert(name.to_owned(), entry.clone());
            style.insert(&text, &root, section, &servers.into())
        }
        Some(servers) => {
            let servers = object(&plain, servers.value.clone(), section)?;
            match servers.last(name) {
                None => style.insert(&text, &servers, name, entry),
                Some(old) => {
                    let new = match indent(&text, old.start) {
                        Some(indent) => style.write(entry, &indent),
                        None => entry.to_string(),
                    };
                    splice(&text, old.value.clone(), &new)
                }
            }
        }
    }
    .ok_or(Refusal::Unsure)?;
    let servers = value.as_object_mut().map(|root| {
        root.entry(section)
            .or_insert_with(|| Value::Object(serde_json::Map::new()))
    });
    if let Some(Value::Object(servers)) = servers {
        servers.insert(name.to_owned(), entry.clone());
    }
    checked(changed, &value)
}

/// The text without `section`.`name`. The same text when there is none.
///
/// # Errors
///
/// As [`set`].
pub(crate) fn remove(text: &str, section: &str, name: &str) -> Result<String, Refusal> {
    let Document {
        mut text,
        mut value,
        ..
    } = Document::read(text)?;
    loop {
        let plain = without_comments(&text);
        let root = object(&plain, 0..plain.len(), "The file")?;
        let Some(servers) = root.last(section) else {
            break;
        };
        let servers = object(&plain, servers.value.clone(), section)?;
        let Some(cut) = servers.without(name) else {
            break;
        };
        text = splice(&text, cut, "").ok_or(Refusal::Unsure)?;
    }
    if let Some(Value::Object(servers)) = value.get_mut(section) {
        servers.shift_remove(name);
    }
    checked(text, &value)
}

/// The change is text; that it means what it should is looked at once more.
fn checked(text: String, meant: &Value) -> Result<String, Refusal> {
    let plain = without_comments(&text);
    match serde_json::from_str::<Value>(plain.strip_prefix(BOM).unwrap_or(&plain)) {
        Ok(value) if value == *meant => Ok(text),
        _ => Err(Refusal::Unsure),
    }
}

const BOM: char = '\u{FEFF}';

/// The text with spaces for comments and for commas behind the last member, which editors take in their own files: every
/// other byte stands where it stood.
pub(crate) fn without_comments(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    let blank = |bytes: &mut Vec<u8>, range: Range<usize>| {
        for byte in bytes.get_mut(range).into_iter().flatten() {
            if !matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
    };
    while let Some(byte) = bytes.get(at).copied() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match (byte, rest.get(1)) {
            (b'"', _) => {
                let mut escaped = false;
                let end = rest.iter().skip(1).position(|byte| {
                    let ends = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    ends
                });
                comma = None;
                end.map_or(rest.len(), |end| end + 2)
            }
            (b'/', Some(b'/')) => {
                let end = rest.iter().position(|byte| *byte == b'\n');
                let end = end.unwrap_or(rest.len());
                blank(&mut bytes, at..at + end);
                end
            }
            (b'/', Some(b'*')) => {
                let end = rest.windows(2).skip(2).position(|pair| pair == b"*/");
                let end = end.map_or(rest.len(), |end| end + 4);
                blank(&mut bytes, at..at + end);
                end
            }
            (b',', _) => {
                comma = Some(at);
                1
            }
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take() {
                    blank(&mut bytes, comma..comma + 1);
                }
                1
            }
            (byte, _) => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                1
            }
        };
        at += length.max(1);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

struct Document {
    text: String,
    /// The same without comments.
    plain: String,
    value: Value,
    style: Style,
}

impl Document {
    /// A file without anything in it is an empty object.
    fn read(text: &str) -> Result<Self, Refusal> {
        let plain = text.strip_prefix(BOM).unwrap_or(text);
        let text = if plain.trim().is_empty() {
            "{}\n"
        } else {
            text
        };
        let plain = without_comments(text);
        let value: Value = serde_json::from_str(plain.strip_prefix(BOM).unwrap_or(&plain))
            .map_err(|error| Refusal::NotJson(error.to_string()))?;
        let root = object(&plain, 0..plain.len(), "The file")?;
        let unit = root
            .members
            .first()
            .and_then(|member| indent(text, member.start))
            .filter(|unit| !unit.is_empty());
        let style = Style {
            unit: unit.unwrap_or_else(|| "  ".into()),
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
        };
        Ok(Self {
            text: text.to_owned(),
            plain,
            value,
            style,
        })
    }
}

/// How the file is laid out.
struct Style {
    unit: String,
    newline: &'static str,
}

impl Style {
    /// A value over several lines, all but the first of which begin with `indent`.
    fn write(&self, value: &Value, indent: &str) -> String {
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(self.unit.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // A value that was made of text is written as text.
        let _ = value.serialize(&mut serializer);
        String::from_utf8_lossy(&bytes).replace('\n', &format!("{}{indent}", self.newline))
    }

    /// The text with one more member at the end of an object.
    fn insert(&self, text: &str, object: &Object, key: &str, value: &Value) -> Option<String> {
        let key = Value::from(key);
        let Some(last) = object.members.last() else {
            // A comment in an empty object would be lost.
            let inside = text.get(object.range.start + 1..object.range.end - 1)?;
            if !inside.trim().is_empty() {
                return None;
            }
            let outer = line_indent(text, object.range.start);
            let inner = format!("{outer}{}", self.unit);
            let newline = self.newline;
            let value = self.write(value, &inner);
            let body = format!("{{{newline}{inner}{key}: {value}{newline}{outer}}}");
            return splice(text, object.range.clone(), &body);
        };
        let end = last.value.end;
        let member = match indent(text, last.start) {
            Some(indent) => format!(
                ",{}{indent}{key}: {}",
                self.newline,
                self.write(value, &indent)
            ),
            None => format!(", {key}: {value}"),
        };
        splice(text, end..end, &member)
    }
}

/// An object in a text.
struct Object {
    /// With its braces.
    range: Range<usize>,
    members: Vec<Member>,
}

struct Member {
    key: String,
    /// Where the key begins.
    start: usize,
    value: Range<usize>,
}

impl Object {
    /// The member of that name; of several, readers take the last.
    fn last(&self, key: &str) -> Option<&Member> {
        self.members.iter().rev().find(|member| member.key == key)
    }

    /// What to cut out so that the first member of that name is gone, with the comma that parted it from another.
    fn without(&self, key: &str) -> Option<Range<usize>> {
        let at = self.members.iter().position(|member| member.key == key)?;
        let member = self.members.get(at)?;
        let before = at
            .checked_sub(1)
            .and_then(|before| self.members.get(before));
        Some(match (before, self.members.get(at + 1)) {
            (Some(before), _) => before.value.end..member.value.end,
            (None, Some(next)) => member.start..next.start,
            (None, None) => self.range.start + 1..self.range.end - 1,
        })
    }
}

/// The object at `range`, which may have white space around it.
fn object(text: &str, range: Range<usize>, what: &str) -> Result<Object, Refusal> {
    let no_object = || Refusal::NotAnObject(what.to_owned());
    let whole = text.get(range.clone()).ok_or(Refusal::Unsure)?;
    let inner = whole.trim_start_matches([BOM, ' ', '\t', '\r', '\n']);
    let start = range.start + (whole.len() - inner.len());
    let inner = inner.trim_end();
    if !inner.starts_with('{') {
        return Err(no_object());
    }
    let Members(raw) =
        serde_json::from_str(inner).map_err(|error| Refusal::NotJson(error.to_string()))?;
    let mut after = start + 1;
    let mut members = Vec::with_capacity(raw.len());
    for (key, value) in raw {
        let value = value.get();
        // The value is borrowed from the text, so its address tells where in it it is.
        let at = start + (value.as_ptr().addr() - inner.as_ptr().addr());
        let quote = text.get(after..at).and_then(|between| between.find('"'));
        let member = Member {
            key,
            start: after + quote.ok_or(Refusal::Unsure)?,
            value: at..at + value.len(),
        };
        after = member.value.end;
        members.push(member);
    }
    Ok(Object {
        range: start..start + inner.len(),
        members,
    })
}

/// The members of an object in their order, repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The white space before a position, where nothing else is before it on its line and it is not on the first.
fn indent(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let line = before.get(before.rfind('\n')? + 1..)?;
    line.trim().is_empty().then(|| line.to_owned())
}

/// The white space with which the line of a position begins.
fn line_indent(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars()
        .take_while(|character| matches!(character, ' ' | '\t'))
        .collect()
}

fn splice(text: &str, range: Range<usize>, new: &str) -> Option<String> {
    Some(format!(
        "{}{new}{}",
        text.get(..range.start)?,
        text.get(range.end..)?
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({"command": "/bin/bureau", "args": ["stdio"]})
    }

    #[test]
    fn comments_and_commas_of_an_editor_stay() {
        let before = "{\n  // \"mine\", as it is\n  \"servers\": {\n    \"x\": { \"command\": \"y // no comment\", }, /* last */\n  },\n}\n";
        let after = "{\n  // \"mine\", as it is\n  \"servers\": {\n    \"x\": { \"command\": \"y // no comment\", },\n    \"bureau\": {\n      \"command\": \"/bin/bureau\",\n      \"args\": [\n        \"stdio\"\n      ]\n    }, /* last */\n  },\n}\n";
        assert_eq!(set(before, "servers", "bureau", &entry()).unwrap(), after);
        assert_eq!(set(after, "servers", "bureau", &entry()).unwrap(), after);
        assert_eq!(remove(after, "servers", "bureau").unwrap(), before);
        let only = "{ \"servers\": { /* none yet */ } }";
        assert_eq!(
            set(only, "servers", "bureau", &entry()),
            Err(Refusal::Unsure)
        );
    }

    #[test]
    fn an_entry_is_added_in_the_layout_of_the_file() {
        let before = "{\n\t\"b\": 1.50,\n\t\"mcpServers\": {\n\t\t\"x\": {\"command\": \"y\"}\n\t},\n\t\"a\": [1,  2]\n}\n";
        let after = "{\n\t\"b\": 1.50,\n\t\"mcpServers\": {\n\t\t\"x\": {\"command\": \"y\"},\n\t\t\"bureau\": {\n\t\t\t\"command\": \"/bin/bureau\",\n\t\t\t\"args\": [\n\t\t\t\t\"stdio\"\n\t\t\t]\n\t\t}\n\t},\n\t\"a\": [1,  2]\n}\n";
        assert_eq!(
            set(before, "mcpServers", "bureau", &entry()).unwrap(),
            after
        );
        assert_eq!(
            set(after, "mcpServers", "bureau", &entry()).unwrap(),
            after,
            "once more"
        );
        assert_eq!(remove(after, "mcpServers", "bureau").unwrap(), before);
    }

    #[test]
    fn a_file_without_servers_gets_them() {
        for before in [
            "",
            " \n",
            "{}",
            "{\r\n}\r\n",
            "{\"a\": 1}",
            "\u{FEFF}{\n    \"a\": 1\n}",
        ] {
            let after = set(before, "mcpServers", "bureau", &entry()).unwrap();
            let value: Value = serde_json::from_str(after.trim_start_matches(BOM)).unwrap();
            assert_eq!(value["mcpServers"]["bureau"], entry(), "{before:?}");
            assert_eq!(before.starts_with(BOM), after.starts_with(BOM));
        }
        assert_eq!(
            set("", "s", "n", &json!(1)).unwrap(),
            "{\n  \"s\": {\n    \"n\": 1\n  }\n}\n"
        );
        assert_eq!(
            set("{\"a\": 1}", "s", "n", &json!(1)).unwrap(),
            "{\"a\": 1, \"s\": {\"n\":1}}"
        );
    }

    #[test]
    fn an_entry_is_replaced_where_it_stands() {
        let before =
            "{\n  \"s\": {\n    \"n\": {\"old\": true},\n    \"z\": 1e400000000000000000\n  }\n}";
        // A number beyond what is understood is a reason to leave the file alone.
        assert!(set(before, "s", "n", &entry()).is_err());
        let before = before.replace("e400000000000000000", "0.100000000000000000001");
        let after = set(&before, "s", "n", &json!(2)).unwrap();
        assert_eq!(after, before.replace("{\"old\": true}", "2"));
    }

    #[test]
    fn any_of_several_entries_is_taken_out_with_its_comma() {
        let text = "{\"s\": {\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}}";
        assert_eq!(
            remove(text, "s", "a").unwrap(),
            "{\"s\": {\n  \"b\": 2,\n  \"c\": 3\n}}"
        );
        assert_eq!(
            remove(text, "s", "b").unwrap(),
            "{\"s\": {\n  \"a\": 1,\n  \"c\": 3\n}}"
        );
        assert_eq!(
            remove(text, "s", "c").unwrap(),
            "{\"s\": {\n  \"a\": 1,\n  \"b\": 2\n}}"
        );
        assert_eq!(remove(text, "s", "d").unwrap(), text);
        assert_eq!(remove("{}", "s", "d").unwrap(), "{}");
        assert_eq!(
            remove("{\"s\": {\"a\": 1, \"a\": 2}}", "s", "a").unwrap(),
            "{\"s\": {}}",
            "a repeated name"
        );
    }

    #[test]
    fn what_is_not_plain_json_is_refused() {
        for text in ["{", "{ /* never ends }", "{\"a\": 1,,}", "{\"s\": {}} x"] {
            assert!(
                matches!(set(text, "s", "n", &entry()), Err(Refusal::NotJson(_))),
                "{text}"
            );
        }
        for text in ["[]", "5", "null", "\"{}\"", "{\"s\": []}", "{\"s\": null}"] {
            assert!(
                matches!(set(text, "s", "n", &entry()), Err(Refusal::NotAnObject(_))),
                "{text}"
            );
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\{},:\u{e9}\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[sna\"{}]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_rest_of_any_file_stays_as_it_is(
            rest in prop::collection::btree_map("[a-z\"{}]{2,4}", anything(), 0..4),
            servers in prop::collection::btree_map("[n-z\"{}]{1,2}", anything(), 0..4),
            pretty: bool,
        ) {
            let mut root: serde_json::Map<String, Value> = rest.into_iter().collect();
            root.insert("s".into(), Value::Object(servers.into_iter().collect()));
            let mut root = Value::Object(root);
            let text = if pretty { format!("{root:#}") } else { root.to_string() };
            let after = set(&text, "s", "n", &entry()).unwrap();
            root["s"]["n"] = entry();
            prop_assert_eq!(serde_json::from_str::<Value>(&after).unwrap(), root.clone());
            let removed = remove(&after, "s", "n").unwrap();
            root["s"].as_object_mut().unwrap().shift_remove("n");
            prop_assert_eq!(serde_json::from_str::<Value>(&removed).unwrap(), root);
        }
    }
}
