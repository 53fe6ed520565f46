//! The two requests of which nearly all are, `tools/call` and `tools/list`, answered without rmcp.
//!
//! rmcp makes ready for whatever a request may turn out to be: it reads the body as each kind of message in turn, and runs the
//! request as a connection of its own, with a task, channels and room for questions. A [`Plain`] request needs none of that:
//! one text of JSON comes in and one goes out. [`Plain::of`] takes a request for one only where all about it is in order, down
//! to the fields that it has. Everything else, what is wrong included, goes to rmcp as it came, so that there is one place
//! which refuses; and a test sends the same requests both ways and compares what comes back.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Held;
use bureau_kernel::error::Error;
use futures::FutureExt as _;
use rmcp::model::{
    CallToolRequestParams, JsonRpcError, JsonRpcResponse, JsonRpcVersion2_0, ProtocolVersion,
    RequestId, RequestMetaObject,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::Underway;
use super::refusal::Refusal;
use crate::server::{Asked, Server};

const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Where a request of the stateless protocol says its version.
const VERSION_IN_META: &str = "io.modelcontextprotocol/protocolVersion";

/// What a client that names no version speaks, of those that may leave it out.
const UNNAMED: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// A request about which nothing has to be decided.
pub(super) struct Plain {
    id: RequestId,
    version: ProtocolVersion,
    meta: RequestMetaObject,
    asks: Asks,
}

/// What it asks for.
enum Asks {
    /// A call of a tool.
    Call(Box<CallToolRequestParams>),
    /// The tools that there are.
    List,
}

/// A message with these fields and no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: JsonRpcVersion2_0,
    id: RequestId,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// The params of `tools/list` without a cursor.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    #[serde(rename = "_meta")]
    meta: Option<RequestMetaObject>,
}

impl Plain {
    /// The request, if it is one. Without sessions each request of an older version stands by itself; with them such a
    /// request belongs to one.
    pub(super) fn of(headers: &HeaderMap, body: &[u8], has_sessions: bool) -> Option<Self> {
        if !takes_both(headers) {
            return None;
        }
        let message: Message<'_> = serde_json::from_slice(body).ok()?;
        let (asks, meta, name) = match &*message.method {
            "tools/call" => {
                let params = message.params?.get();
                let mut params: CallToolRequestParams = serde_json::from_str(params).ok()?;
                let meta = params.meta.take();
                let name = Some(params.name.clone().into_owned());
                (Asks::Call(Box::new(params)), meta, name)
            }
            "tools/list" => {
                let params = message
                    .params
                    .map(|params| serde_json::from_str(params.get()));
                let params: ListParams = params.transpose().ok()?.unwrap_or_default();
                (Asks::List, params.meta, None)
            }
            _ => return None,
        };
        let meta = meta.unwrap_or_default();
        let version = if meta.contains_key(VERSION_IN_META) {
            let declared = is_declared(headers, &meta, &message.method, name.as_deref());
            declared.then_some(ProtocolVersion::V_2026_07_28)
        } else if has_sessions {
            None
        } else {
            older(headers)
        };
        Some(Self {
            id: message.id,
            version: version?,
            meta,
            asks,
        })
    }
}

impl Plain {
    /// The tool that it calls.
    pub(super) fn tool(&self) -> Option<&str> {
        match &self.asks {
            Asks::Call(params) => Some(&params.name),
            Asks::List => None,
        }
    }

    /// Has it answered. Dropped before it is done, it cancels the call.
    pub(super) async fn answer(
        self,
        server: &Server,
        caller: &Caller,
        held: Held,
        underway: Arc<Underway>,
    ) -> Result<Response, Refusal> {
        let cancel = CancellationToken::new();
        let gone = cancel.clone().drop_guard();
        let id = self.id;
        let answer = async {
            match self.asks {
                Asks::Call(params) => {
                    let asked = Asked::directly(&self.meta, self.version, cancel, held, underway);
                    in_words(id, server.call_directly(caller, *params, &asked).await, 0)
                }
                Asks::List => {
                    let is_stateless = self.version >= ProtocolVersion::V_2026_07_28;
                    match server.list_directly(caller, is_stateless).await {
                        Ok(list) => {
                            let bytes = list.get().len();
                            in_words(id, list, bytes)
                        }
                        Err(error) => serde_json::to_vec(&JsonRpcError::new(Some(id), error)),
                    }
                }
            }
        };
        // The transport's own task would go with it, and with that the connection.
        let answer = AssertUnwindSafe(answer).catch_unwind().await;
        gone.disarm();
        let body = match answer {
            Ok(body) => body.map_err(Error::internal),
            Err(_) => Err(Error::internal("a request panicked")),
        };
        let body = body.map_err(|error| Refusal::internal(&error))?;
        let json = HeaderValue::from_static("application/json");
        Ok(([(header::CONTENT_TYPE, json)], body).into_response())
    }
}

/// The answer as it is sent, where its result has about so many bytes.
fn in_words<R: Serialize>(id: RequestId, result: R, bytes: usize) -> serde_json::Result<Vec<u8>> {
    const AROUND: usize = 1024;
    let mut words = Vec::with_capacity(bytes + AROUND);
    let response = JsonRpcResponse {
        jsonrpc: JsonRpcVersion2_0,
        id,
        result,
    };
    serde_json::to_writer(&mut words, &response)?;
    Ok(words)
}

/// Whether the client takes JSON and streams of events, as the protocol has it, and says so without weighing one against the
/// other.
fn takes_both(headers: &HeaderMap) -> bool {
    let Some(accept) = only(headers, &header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let takes = |kind: &str| {
        let mut kinds = accept.split(',').map(str::trim);
        kinds.any(|taken| taken.eq_ignore_ascii_case(kind))
    };
    takes("application/json") && takes("text/event-stream")
}

/// Whether a request of the stateless protocol says in its headers, as it has to, what its body says.
fn is_declared(
    headers: &HeaderMap,
    meta: &RequestMetaObject,
    method: &str,
    name: Option<&str>,
) -> bool {
    let version = ProtocolVersion::V_2026_07_28;
    let is = |header: &HeaderName, value: &str| {
        only(headers, header).is_some_and(|given| given.as_bytes() == value.as_bytes())
    };
    meta.protocol_version().as_ref() == Some(&version)
        && meta.missing_required_keys(&version).is_empty()
        && is(&MCP_PROTOCOL_VERSION, version.as_str())
        && is(&MCP_METHOD, method)
        // A name that a header cannot hold as it is would be written otherwise there.
        && name.is_none_or(|name| is(&MCP_NAME, name))
}

/// The version of a request from before the stateless protocol.
fn older(headers: &HeaderMap) -> Option<ProtocolVersion> {
    let mut given = headers.get_all(&MCP_PROTOCOL_VERSION).iter();
    let Some(version) = given.next() else {
        return Some(UNNAMED);
    };
    let mut known = ProtocolVersion::KNOWN_VERSIONS.iter();
    let known = known.find(|known| known.as_str().as_bytes() == version.as_bytes())?;
    (given.next().is_none() && *known < ProtocolVersion::STANDARD_HEADERS).then(|| known.clone())
}

/// The value of a header that is given once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const VERSION: &str = "2026-07-28";

    fn call() -> Value {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": "get_contact", "arguments": {"contact": "Ada"}, "_meta": meta});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    }

    fn headers(more: &[(&'static str, &'static str)]) -> HeaderMap {
        let usual = [
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", VERSION),
            ("mcp-method", "tools/call"),
            ("mcp-name", "get_contact"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in usual.iter().chain(more) {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn is_plain(headers: &HeaderMap, body: &Value, has_sessions: bool) -> bool {
        Plain::of(headers, body.to_string().as_bytes(), has_sessions).is_some()
    }

    #[test]
    fn a_request_that_is_in_order_is_plain_whatever_its_id() {
        for id in [json!(1), json!("one")] {
            let mut call = call();
            call["id"] = id;
            assert!(is_plain(&headers(&[]), &call, true), "{call}");
        }
        let mut list = headers(&[]);
        list.insert(MCP_METHOD, HeaderValue::from_static("tools/list"));
        let mut body = call();
        body["method"] = "tools/list".into();
        body["params"] = json!({"_meta": body["params"]["_meta"]});
        assert!(is_plain(&list, &body, true));
    }

    #[test]
    fn an_older_request_is_plain_where_it_is_of_no_session() {
        let mut body = call();
        body["params"]["_meta"] = json!({});
        let mut unnamed = headers(&[]);
        unnamed.remove(&MCP_PROTOCOL_VERSION);
        assert!(is_plain(&unnamed, &body, false));
        assert!(!is_plain(&unnamed, &body, true));
        assert!(
            !is_plain(&headers(&[]), &body, false),
            "of the newest, and nothing in its _meta"
        );
    }

    #[test]
    fn what_is_not_in_order_is_left_to_rmcp() {
        for twice in ["accept", "mcp-protocol-version", "mcp-method", "mcp-name"] {
            let said = headers(&[(twice, "get_contact")]);
            assert!(!is_plain(&said, &call(), false), "{twice} twice");
            let mut said = headers(&[]);
            said.remove(twice);
            assert!(!is_plain(&said, &call(), false), "no {twice}");
        }
        let changes: [(&str, Value); 6] = [
            ("/jsonrpc", json!("1.0")),
            ("/id", json!(null)),
            ("/method", json!("tools/other")),
            ("/params/name", json!("list_contacts")),
            ("/params/arguments", json!([])),
            (
                "/params/_meta/io.modelcontextprotocol~1protocolVersion",
                json!("2031-01-01"),
            ),
        ];
        for (place, value) in changes {
            let mut body = call();
            *body.pointer_mut(place).unwrap() = value;
            assert!(!is_plain(&headers(&[]), &body, false), "{place}");
        }
        let mut more = call();
        more["result"] = json!({});
        assert!(!is_plain(&headers(&[]), &more, false), "{more}");
    }
}
