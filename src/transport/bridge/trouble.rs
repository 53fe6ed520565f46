//! What went wrong on the way, as the client is told: what happened, whether the request may have been executed, and what to
//! do next.

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

/// The JSON-RPC code of everything that goes wrong between client and server, of the range that is free for it.
const CODE: i32 = -32000;

/// Longest text of a server that is passed on, in characters.
const MAX_TEXT_CHARS: usize = 300;

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It never left: no connection came about.
    NotSent(String),
    /// It left, and no whole answer came back.
    Broken(&'static str),
    /// The server turned it away.
    Refused(Box<Refused>),
    /// The answer is longer than is passed on, in bytes.
    TooLong(usize),
    /// The client or the person ended the connection.
    Ended,
}

/// What a server says that turns a request away.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: Option<String>,
    message: Option<String>,
    hint: Option<String>,
    retry_after: Option<u64>,
}

impl Refused {
    /// From an answer with this status, these headers, and the beginning of this body, in Bureau's error form or another.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        #[derive(Deserialize, Default)]
        struct Body {
            #[serde(default)]
            error: Error,
        }
        #[derive(Deserialize, Default)]
        struct Error {
            code: Option<String>,
            message: Option<String>,
            hint: Option<String>,
            retry_after_s: Option<u64>,
        }
        let Error {
            code,
            message,
            hint,
            retry_after_s,
        } = serde_json::from_slice::<Body>(body)
            .unwrap_or_default()
            .error;
        let waits = headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self {
            status,
            code: code.map(|code| cut(&code)),
            message: message.map(|message| cut(&message)),
            hint: hint.map(|hint| cut(&hint)),
            retry_after: retry_after_s.or(waits),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    fn advice(&self) -> String {
        match self.status.as_u16() {
            401 => "The key is missing or opens nothing there. Set BUREAU_API_KEY to one that works \
                    (`bureau key create` on the server makes one) and start this connection again."
                .into(),
            403 => "The key may not do this, or the server is not known by this name: its operator can widen the key, or \
                    start it with --allowed-host."
                .into(),
            404 => "There is no MCP at this address. Correct it: Bureau serves MCP at /mcp.".into(),
            413 => "Send less at once.".into(),
            429 => match self.retry_after {
                Some(seconds) => format!("Wait {seconds} seconds, then try again."),
                None => "Wait a little, then try again.".into(),
            },
            300..=399 => {
                "The server points to another address. Connect to that one: a key is not carried along.".into()
            }
            500..=599 => "It may have been executed all the same: look before you repeat a write. If this goes on, the \
                          server's log says why."
                .into(),
            _ => "Check that the address leads to a Bureau of this version or later.".into(),
        }
    }
}

impl Trouble {
    /// What happened, for the log.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not sent",
            Self::Broken(_) => "broken",
            Self::Refused(_) => "refused",
            Self::TooLong(_) => "too long",
            Self::Ended => "ended",
        }
    }

    /// The answer to the request `id`, which went to the server shown as `server`.
    pub(super) fn to_line(&self, id: &Value, server: &str) -> Vec<u8> {
        let (code, message) = match self {
            Self::NotSent(cause) => (
                "UNREACHABLE",
                format!(
                    "{server} cannot be reached ({cause}), so nothing was sent. Check that the server runs and that the address \
                     is right, then try again."
                ),
            ),
            Self::Broken(what) => (
                "NO_ANSWER",
                format!(
                    "{server} {what}. The request may have been executed: look before you repeat a write."
                ),
            ),
            Self::Refused(refused) => {
                let said = [&refused.message, &refused.hint];
                let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
                let said = if said.is_empty() {
                    String::new()
                } else {
                    format!(" It says: {}", said.join(" "))
                };
                (
                    refused.code.as_deref().unwrap_or("REFUSED"),
                    format!(
                        "{server} answered {}. {}{said}",
                        refused.status.as_u16(),
                        refused.advice()
                    ),
                )
            }
            Self::TooLong(most) => (
                "ANSWER_TOO_LONG",
                format!(
                    "The answer of {server} is longer than {most} bytes. It was executed; ask for less at once."
                ),
            ),
            Self::Ended => (
                "ENDED",
                "The connection was ended before the answer came. The request may have been executed."
                    .to_owned(),
            ),
        };
        let mut data = json!({ "code": code });
        if let (Self::Refused(refused), Some(data)) = (self, data.as_object_mut()) {
            data.insert("status".into(), refused.status.as_u16().into());
            if let Some(seconds) = refused.retry_after {
                data.insert("retry_after_s".into(), seconds.into());
            }
        }
        error_line(id, CODE, &message, Some(data))
    }
}

/// An error of JSON-RPC as one line.
pub(super) fn error_line(id: &Value, code: i32, message: &str, data: Option<Value>) -> Vec<u8> {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(error)) = (data, error.as_object_mut()) {
        error.insert("data".into(), data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
        .to_string()
        .into_bytes()
}

fn cut(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_TEXT_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(trouble: &Trouble) -> Value {
        serde_json::from_slice(&trouble.to_line(&json!("a"), "https://x/mcp")).unwrap()
    }

    fn refused(status: u16, body: &str) -> Value {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::RETRY_AFTER,
            axum::http::HeaderValue::from_static("7"),
        );
        told(&Trouble::Refused(Box::new(Refused::read(
            status,
            &headers,
            body.as_bytes(),
        ))))
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for (status, says) in [
            (302, "another address"),
            (400, "Check that"),
            (401, "BUREAU_API_KEY"),
            (403, "--allowed-host"),
            (404, "/mcp"),
            (413, "less"),
            (429, "Wait 7 seconds"),
            (500, "before you repeat"),
            (502, "before you repeat"),
        ] {
            for body in ["", "<html>", "[]", "{\"error\": 5}"] {
                let answer = refused(status, body);
                assert_eq!(answer["id"], "a");
                assert_eq!(answer["error"]["data"]["status"], status);
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(message.contains(says), "{status}: {message}");
            }
        }
    }

    #[test]
    fn what_the_server_says_is_passed_on_within_bounds() {
        let body = json!({"error": {"code": "RATE_LIMITED", "message": "No\u{7}w.", "hint": "x".repeat(5000), "retry_after_s": 30}});
        let error = refused(429, &body.to_string())["error"].clone();
        assert_eq!(error["data"]["code"], "RATE_LIMITED");
        assert_eq!(error["data"]["retry_after_s"], 30);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("It says: Now.") && message.len() < 1000,
            "{message}"
        );
    }

    #[test]
    fn what_may_have_been_executed_is_told_from_what_was_not_sent() {
        let message = |trouble: &Trouble| told(trouble)["error"]["message"].to_string();
        assert!(message(&Trouble::NotSent("refused".into())).contains("nothing was sent"));
        assert!(message(&Trouble::Broken("broke off")).contains("may have been executed"));
        assert!(message(&Trouble::Ended).contains("may have been executed"));
    }
}
