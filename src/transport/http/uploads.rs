//! Files that come by a link: one file, once, in the name of whoever asked for the link.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bureau_kernel::content::{Link, MAX_BYTES};
use bureau_kernel::dispatch::{Call, Held, Outcome};
use bureau_kernel::error::{Code, Error};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::refusal::Refusal;
use super::{Answers, Endpoint, read_body};

/// The tool that attaches what is sent.
const TOOL: &str = "attach_file";

/// Where a client reaches this server: as it names it itself, over HTTPS where a server in front says so.
pub(super) fn origin(headers: &HeaderMap) -> Option<Arc<str>> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let forwarded = headers.get("x-forwarded-proto");
    let scheme = match forwarded.is_some_and(|scheme| scheme.as_bytes() == b"https") {
        true => "https",
        false => "http",
    };
    Some(format!("{scheme}://{host}").into())
}

/// Takes a file that has no name, or that of its link.
pub(super) async fn take<H: Answers>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    Path(link): Path<String>,
    request: Request,
) -> Response {
    let taken = endpoint.take(&link, None, request).await;
    taken.unwrap_or_else(IntoResponse::into_response)
}

/// Takes a file with its name.
pub(super) async fn take_named<H: Answers>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    Path((link, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    let taken = endpoint.take(&link, Some(name), request).await;
    taken.unwrap_or_else(IntoResponse::into_response)
}

impl<H: Answers> Endpoint<H> {
    async fn take(
        &self,
        link: &str,
        name: Option<String>,
        request: Request,
    ) -> Result<Response, Refusal> {
        let deadline = Instant::now() + self.request_timeout;
        let (parts, body) = request.into_parts();
        if parts.method != Method::PUT && parts.method != Method::POST {
            let message = "This address takes a file: send it with PUT, as its body.";
            let error = Error::new(Code::Validation, message).hint("curl -T FILE ADDRESS");
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", &error);
            return Err(refusal.header(header::ALLOW, "PUT, POST"));
        }
        let store = &self.dispatcher.app().store;
        let refused = |error: Error| Refusal::of_caller(&error);
        let link = Link::find(store, link).await.map_err(refused)?;
        if link.key.is_none() && !self.no_auth {
            let error = Error::new(Code::Unauthorized, "This link does not work any more.");
            return Err(Refusal::of_caller(&error));
        }
        let mut caller = self.dispatcher.caller_of(&link).await.map_err(refused)?;
        caller.client = Some("upload link".into());
        let mut place = self.places.take(caller.actor()).ok_or_else(|| {
            Refusal::busy("Too many requests of this caller are under way. Wait for some to end.")
        })?;
        let cancel = CancellationToken::new();
        let _gone = cancel.clone().drop_guard();
        let work = async {
            let bytes = read_body(body, &parts.headers, MAX_BYTES, &mut place).await?;
            let mut arguments = Map::new();
            arguments.insert("about".into(), link.about.to_string().into());
            // Whoever asked for the link may have said what the file is to be called.
            let name = link.name.clone().or(name);
            arguments.extend(name.map(|name| ("name".to_owned(), Value::from(name))));
            // To send the file is the word that is asked for.
            arguments.insert("confirm".into(), true.into());
            let call = Call {
                tool: TOOL.to_owned(),
                arguments,
                upload: Some(link.upload(bytes.to_vec())),
                held: Some(Held::new(Arc::new(place))),
                cancel,
                ..Call::default()
            };
            Ok(self.dispatcher.call(caller, call).await)
        };
        let outcome = tokio::time::timeout_at(deadline, work).await;
        let outcome = outcome.map_err(|_| {
            let message =
                "This took too long, and nobody waits for it any more. It may still be attached.";
            let error = Error::new(Code::Cancelled, message)
                .hint("Look with list_files before you send it again.");
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timeout", &error)
        })??;
        match outcome {
            Outcome::Done(answer) => Ok((StatusCode::CREATED, Json(answer)).into_response()),
            Outcome::Failed(error) => Err(Refusal::of_caller(&error)),
            Outcome::Ask { message, .. } => Err(Refusal::of_caller(&Error::conflict(message))),
        }
    }
}
