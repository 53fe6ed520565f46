//! What a bridge has to know of a message: which kind it is, and what the headers repeat of it. Everything else passes
//! through as the bytes that came.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

/// A message of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Request(Value),
    /// A notification, or the client's answer to a question of the server: nothing comes back for it.
    OneWay,
}

/// What the envelope of a message says.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// Empty for an answer.
    pub(crate) method: String,
    /// What `Mcp-Name` repeats.
    pub(crate) name: Option<String>,
    /// The protocol version that the message itself brings, as every request does since 2026-07-28.
    pub(crate) version: Option<String>,
    /// For `notifications/cancelled`: the request that is not waited for any more.
    pub(crate) cancels: Option<Value>,
}

impl Message {
    /// One of the bridge's own, for which nothing comes back through the client.
    pub(crate) fn of(method: &str) -> Self {
        Self {
            kind: Kind::OneWay,
            method: method.to_owned(),
            name: None,
            version: None,
            cancels: None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// The params that matter here. What has another shape is the server's to refuse.
#[derive(Deserialize, Default)]
struct Params {
    name: Option<Value>,
    uri: Option<Value>,
    #[serde(rename = "taskId")]
    task: Option<Value>,
    #[serde(rename = "requestId")]
    request: Option<Value>,
    #[serde(rename = "_meta")]
    meta: Option<Value>,
}

/// An `id` that is there, be it null, is told from none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Why a line is no message, with the id that it names where one can be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotJson,
    NotAMessage(Value),
}

/// Reads the envelope of a line that is not blank.
pub(crate) fn read(line: &[u8]) -> Result<Message, Fault> {
    let no_message = || Fault::NotAMessage(id_of(line));
    // What is skipped in a line is not looked at any closer, so this is done first.
    let text = std::str::from_utf8(line).map_err(|_| Fault::NotJson)?;
    if !text.starts_with('{') {
        return Err(match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => no_message(),
            Err(_) => Fault::NotJson,
        });
    }
    let envelope: Envelope =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => no_message(),
            _ => Fault::NotJson,
        })?;
    let params: Params = envelope
        .params
        .and_then(|params| serde_json::from_str(params.get()).ok())
        .unwrap_or_default();
    let kind = match (&envelope.method, envelope.id) {
        (Some(_), Some(id)) if is_id(&id) => Kind::Request(id),
        (Some(_), None) => Kind::OneWay,
        (None, Some(_)) if envelope.result.is_some() || envelope.error.is_some() => Kind::OneWay,
        _ => return Err(no_message()),
    };
    let method = envelope.method.unwrap_or_default().into_owned();
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let name = match method.as_str() {
        "tools/call" | "prompts/get" => text(params.name),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => text(params.uri),
        "tasks/get" | "tasks/update" | "tasks/cancel" => text(params.task),
        _ => None,
    };
    let version = params
        .meta
        .as_ref()
        .and_then(|meta| {
            meta.get("io.modelcontextprotocol/protocolVersion")?
                .as_str()
        })
        .map(str::to_owned);
    let cancels = params
        .request
        .filter(|_| method == "notifications/cancelled");
    Ok(Message {
        kind,
        method,
        name,
        version,
        cancels,
    })
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_number()
}

/// The id of something that is JSON, else null.
pub(crate) fn id_of(line: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Id {
        id: Value,
    }
    serde_json::from_slice::<Id>(line)
        .map(|line| line.id)
        .ok()
        .filter(is_id)
        .unwrap_or_default()
}

/// What came from the server.
pub(crate) enum Answer {
    /// The answer to the request, as one line.
    Final(Vec<u8>),
    /// Something on the way to it: progress, or a question.
    Other(Vec<u8>),
}

/// Reads a message of the server as it comes in answer to the request `id`; `None` for what is no message.
pub(crate) fn read_answer(text: &[u8], id: &Value) -> Option<Answer> {
    let envelope: Envelope = serde_json::from_str(std::str::from_utf8(text).ok()?)
        .ok()
        .filter(|_| text.trim_ascii_start().starts_with(b"{"))?;
    let ends = envelope.result.is_some() || envelope.error.is_some();
    if envelope.method.is_some() {
        return Some(Answer::Other(one_line(text)));
    }
    match envelope.id {
        Some(given) if ends && given == *id => Some(Answer::Final(one_line(text))),
        // A server that could not read the id says null.
        None | Some(Value::Null) if envelope.error.is_some() => {
            let mut message: Value = serde_json::from_slice(text).ok()?;
            message.as_object_mut()?.insert("id".into(), id.clone());
            serde_json::to_vec(&message).ok().map(Answer::Final)
        }
        _ => None,
    }
}

/// Within JSON a line break can only stand between tokens, so a space does as well.
fn one_line(text: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| match byte {
        b'\n' | b'\r' => b' ',
        other => *other,
    };
    text.trim_ascii().iter().map(space).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_kind_of_a_message_is_told_from_its_envelope() {
        let kind = |text: &str| read(text.as_bytes()).map(|message| message.kind);
        assert_eq!(
            kind(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
            Ok(Kind::Request(json!(1)))
        );
        assert_eq!(
            kind(r#"{"params":[],"method":"x","id":"a"}"#),
            Ok(Kind::Request(json!("a")))
        );
        assert_eq!(kind(r#"{"method":"notifications/x"}"#), Ok(Kind::OneWay));
        assert_eq!(kind(r#"{"id":4,"result":{}}"#), Ok(Kind::OneWay));
        assert_eq!(kind("{"), Err(Fault::NotJson));
        assert_eq!(kind("hello"), Err(Fault::NotJson));
        let broken = b"{\"method\":\"x\",\"params\":{\"a\":\"\xff\"}}";
        assert!(matches!(read(broken), Err(Fault::NotJson)), "no UTF-8");
        for (text, id) in [
            (r#"[{"id":1,"method":"x"}]"#, json!(null)),
            (r#"{"id":null,"method":"x"}"#, json!(null)),
            (r#"{"id":7,"method":5}"#, json!(7)),
            (r#"{"id":7}"#, json!(7)),
            ("5", json!(null)),
        ] {
            assert_eq!(kind(text), Err(Fault::NotAMessage(id)), "{text}");
        }
    }

    #[test]
    fn what_the_headers_repeat_is_read_from_the_message() {
        let message = read(
            br#"{"method":"tools/call","params":{"name":"get_contact","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}},"id":1}"#,
        )
        .unwrap();
        assert_eq!(message.name.as_deref(), Some("get_contact"));
        assert_eq!(message.version.as_deref(), Some("2026-07-28"));
        let message =
            read(br#"{"method":"notifications/cancelled","params":{"requestId":9}}"#).unwrap();
        assert_eq!(message.cancels, Some(json!(9)));
        let message = read(br#"{"method":"tools/call","params":{"name":5},"id":1}"#).unwrap();
        assert_eq!(message.name, None);
    }

    #[test]
    fn an_answer_belongs_to_its_request_and_is_one_line() {
        let last = |text: &str| match read_answer(text.as_bytes(), &json!(3)) {
            Some(Answer::Final(line)) => Some(String::from_utf8(line).unwrap()),
            _ => None,
        };
        assert_eq!(
            last("{\n\"id\": 3,\r\n\"result\": {\"a\": \"b\\n\"}}\n").unwrap(),
            r#"{ "id": 3,  "result": {"a": "b\n"}}"#
        );
        assert_eq!(last(r#"{"id":4,"result":{}}"#), None);
        let broken = b"{\"id\":3,\"result\":{\"a\":\"\xff\"}}";
        assert!(read_answer(broken, &json!(3)).is_none(), "no UTF-8");
        let unread =
            last(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":""}}"#).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&unread).unwrap()["id"],
            json!(3)
        );
        assert!(matches!(
            read_answer(br#"{"method":"notifications/progress"}"#, &json!(3)),
            Some(Answer::Other(_))
        ));
    }
}
