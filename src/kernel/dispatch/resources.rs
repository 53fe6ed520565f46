//! Reading resources: each is a call of its tool.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Call, Dispatcher, Outcome};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::resource::{Contents, Resource, is_text};

/// A resource as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Representation {
    /// Text.
    Text {
        /// Its type.
        mime_type: String,
        /// The text.
        text: String,
    },
    /// Anything else.
    Blob {
        /// Its type.
        mime_type: String,
        /// The bytes, in Base64.
        base64: String,
    },
}

impl Resource {
    /// Reads it: calls its tool with these arguments, those that
    /// [`Registry::resource_for_caller`](crate::registry::Registry::resource_for_caller) found.
    ///
    /// # Errors
    /// Whatever the tool's call ends with.
    pub async fn read(
        &self,
        dispatcher: &Arc<Dispatcher>,
        caller: Caller,
        arguments: Map<String, Value>,
        cancel: CancellationToken,
    ) -> Result<Representation> {
        let call = Call {
            tool: self.tool.to_owned(),
            arguments,
            cancel,
            ..Call::default()
        };
        match self.contents {
            Contents::Json => Ok(Representation::Text {
                mime_type: self.mime_type.to_owned(),
                text: whole(dispatcher, caller, call).await?.to_string(),
            }),
            Contents::Document | Contents::File | Contents::Text(_) => {
                let mut answer = answer(dispatcher, caller, call).await?;
                let document = answer.pointer_mut("/data/document").map(Value::take);
                document_of(document.unwrap_or_default())
            }
        }
    }
}

async fn answer(dispatcher: &Arc<Dispatcher>, caller: Caller, call: Call) -> Result<Value> {
    match dispatcher.call(caller, call).await {
        Outcome::Done(answer) => Ok(answer),
        Outcome::Failed(error) => Err(error),
        Outcome::Ask { .. } => Err(Error::internal("a tool that reads asks for a confirmation")),
    }
}

/// The `data` of a call; of a list with its further pages.
async fn whole(dispatcher: &Arc<Dispatcher>, caller: Caller, mut call: Call) -> Result<Value> {
    let mut rows = Vec::new();
    loop {
        let mut answer = answer(dispatcher, caller.clone(), call.clone()).await?;
        let next = answer.pointer_mut("/page/next").map(Value::take);
        match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(page)) => rows.extend(page),
            data => return Ok(data.unwrap_or_default()),
        }
        let Some(next) = next else {
            return Ok(Value::Array(rows));
        };
        call.arguments.insert("cursor".into(), next);
    }
}

fn document_of(document: Value) -> Result<Representation> {
    #[derive(Deserialize)]
    struct Document {
        content: String,
        mime_type: String,
    }
    let Document { content, mime_type } =
        Document::deserialize(document).map_err(Error::internal)?;
    Ok(if is_text(&mime_type) {
        Representation::Text {
            mime_type,
            text: content,
        }
    } else {
        Representation::Blob {
            mime_type,
            base64: content,
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_text_where_its_type_is_and_base64_otherwise() {
        for text in [
            "text/html",
            "text/csv; charset=utf-8",
            "application/xml",
            "application/ubl+xml; charset=utf-8",
            "application/json",
        ] {
            assert!(is_text(text), "{text}");
        }
        for binary in [
            "application/pdf",
            "image/png",
            "application/vnd.xmlish",
            "application/notxml",
            "",
        ] {
            assert!(!is_text(binary), "{binary}");
        }
        let pdf = json!({ "content": "JVBERg==", "mime_type": "application/pdf", "name": "a.pdf" });
        let read = Representation::Blob {
            mime_type: "application/pdf".into(),
            base64: "JVBERg==".into(),
        };
        assert_eq!(document_of(pdf).unwrap(), read);
        assert!(document_of(Value::Null).is_err());
    }
}
