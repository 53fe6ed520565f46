//! MCP over Streamable HTTP, with health and metrics on routes of their own.
//!
//! | route | who | answers |
//! | --- | --- | --- |
//! | `/mcp` | a Bearer key, unless started with `--no-auth` | MCP, both protocol eras, no sessions unless asked for |
//! | `/files/LINK/NAME` | whoever has the link | takes one file with PUT |
//! | `/health/live`, `/health/ready` | anyone | 200, or 503 while the database cannot be read or written |
//! | `/metrics` | programs on this machine, else a Bearer key | Prometheus text |
//!
//! A request passes, in this order: Host and Origin (on every route) → key → places for this caller → time limit → size →
//! what is in it → JSON → MCP. Whatever is turned away on the way gets a JSON body in Bureau's error form or in JSON-RPC's,
//! and is counted in `bureau_http_refused_total`.
//!
//! Headers that narrow what the key allows, never widen it: `X-Workspace-Slug`, `X-Bureau-Features` (a comma-separated
//! list), `X-Bureau-Read-Only` (`true`).

mod connections;
mod direct;
pub(crate) mod guard;
mod places;
mod refusal;
mod sessions;
mod uploads;

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bureau_kernel::caller::Caller;
use bureau_kernel::compute::{LARGE_BYTES, Turn};
use bureau_kernel::dispatch::{Dispatcher, Held};
use bureau_kernel::error::{Code, Error};
use futures::{StreamExt, stream};
use metrics_exporter_prometheus::PrometheusHandle;
use rmcp::{
    ServerHandler,
    model::{ErrorData, RequestId},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::SessionManager,
    },
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tower_http::set_header::SetResponseHeaderLayer;

pub use self::connections::Limits;
use self::{
    connections::Connection,
    direct::Plain,
    guard::Guard,
    places::{Place, Places},
    refusal::Refusal,
    sessions::Sessions,
};
use super::{MAX_MESSAGE_BYTES, budget};
use crate::server::{Credential, Server, client_name};

/// The header that chooses among a key's workspaces.
pub const X_WORKSPACE_SLUG: HeaderName = HeaderName::from_static("x-workspace-slug");

/// The header that narrows a request to some features, separated by commas.
pub const X_BUREAU_FEATURES: HeaderName = HeaderName::from_static("x-bureau-features");

/// The header that narrows a request to reading.
pub const X_BUREAU_READ_ONLY: HeaderName = HeaderName::from_static("x-bureau-read-only");

/// Longest Bearer key that is looked up, in bytes.
const MAX_KEY_BYTES: usize = 512;

/// The pieces in which a large answer is handed over, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Standing streams that one caller may have.
const STREAMS_PER_CALLER: usize = 10;

/// How long a standing stream lasts. Its client asks for another one then, so that none outlives what it was allowed by for long.
const STREAM_LIFETIME: Duration = Duration::from_secs(3600);

/// The method that asks for one.
const LISTEN: &str = "subscriptions/listen";

/// The header that names a session.
const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// How long `/health/ready` waits for the database before it says no.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells whether the database can be reached.
pub type Ready = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// How the HTTP server behaves; [`Options::default`] is what `bureau serve` does when nothing is said.
#[derive(Debug, Clone)]
pub struct Options {
    /// Serve whoever can connect as the local operator. [`bind`] allows it on a loopback address only.
    pub no_auth: bool,
    /// Names (`crm.example.com`, or with a port) that clients may use for this server besides the loopback names.
    pub allowed_hosts: Vec<String>,
    /// Origins (`https://crm.example.com`) whose pages may call this server besides those of loopback names.
    pub allowed_origins: Vec<String>,
    /// Keep sessions for clients of the older protocol, so that a call can ask them something while it runs. A session
    /// lives in this process: behind several nodes it needs sticky routing. It belongs to the key and the workspace that
    /// opened it.
    pub sessions: bool,
    /// How long a session may go unused before it ends. Longer than a person may take to answer a question.
    pub session_idle: Duration,
    /// Longest request body, in bytes.
    pub max_body_bytes: usize,
    /// Longest time that one request may take, its body and its whole answer included.
    pub request_timeout: Duration,
    /// Requests that one caller may have under way at once.
    pub requests_per_caller: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            no_auth: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            sessions: false,
            session_idle: Duration::from_secs(600),
            max_body_bytes: MAX_MESSAGE_BYTES,
            request_timeout: Duration::from_secs(120),
            requests_per_caller: 100,
        }
    }
}

/// Why the server cannot start. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StartError {
    #[error(
        "`{0}` is not an address to listen on. Write HOST:PORT, for example --listen 127.0.0.1:8787."
    )]
    Address(String),
    #[error(
        "{0} is in use by another program. Stop that one, or choose another port with --listen."
    )]
    InUse(SocketAddr),
    #[error("Cannot listen on {0}: {1}. Choose another address with --listen.")]
    Listen(SocketAddr, io::Error),
    #[error(
        "--no-auth lets in everyone who can connect, so it listens on a loopback address only, and {0} is not one. \
         Leave --no-auth out, or use --listen 127.0.0.1:8787."
    )]
    Open(SocketAddr),
    #[error(
        "`{0}` is not a host that can be allowed. Write NAME or NAME:PORT, for example crm.example.com."
    )]
    Host(String),
    #[error(
        "`{0}` is not an origin that can be allowed. Write SCHEME://NAME[:PORT], for example https://crm.example.com."
    )]
    Origin(String),
}

/// Listens on `address` (`HOST:PORT`; port 0 takes a free one). With `no_auth` the address must be a loopback one. Of that,
/// and of an address that is not, a warning that nobody can miss goes to stderr.
///
/// # Errors
///
/// [`StartError::Address`], [`StartError::InUse`], [`StartError::Listen`] or [`StartError::Open`].
pub async fn bind(address: &str, no_auth: bool) -> Result<TcpListener, StartError> {
    let malformed = || StartError::Address(address.to_owned());
    let mut resolved = tokio::net::lookup_host(address)
        .await
        .map_err(|_| malformed())?;
    let address = resolved.next().ok_or_else(malformed)?;
    if no_auth && !address.ip().is_loopback() {
        return Err(StartError::Open(address));
    }
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse(address),
            _ => StartError::Listen(address, error),
        })?;
    if !address.ip().is_loopback() {
        eprintln!(
            "\n  WARNING: {address} can be reached from other machines, and what is said there is not encrypted: keys and data\n  \
             can be read on the way. Put a server in front of it that speaks HTTPS, and let only that one in.\n"
        );
    }
    if no_auth {
        eprintln!(
            "\n  WARNING: --no-auth. Every program and every user on this machine can read and change everything in\n  \
             this database, without a key. Use it for tests, never with data that matters.\n"
        );
    }
    Ok(listener)
}

/// Serves `router` on `listener` until `stop` fires, then for at most `drain` longer while requests finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    drain: Duration,
) {
    connections::serve(listener, router, limits, stop, drain).await;
}

/// What the call behind a request is at. The transport puts it into the request's extensions, and asks when the time is up.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    writing: AtomicBool,
    long_answer: AtomicBool,
}

impl Underway {
    /// A write begins, or has ended with nothing written.
    pub(crate) fn set_writing(&self, writing: bool) {
        self.writing.store(writing, Ordering::Relaxed);
    }

    /// The answer is a long one.
    pub(crate) fn set_long_answer(&self) {
        self.long_answer.store(true, Ordering::Relaxed);
    }

    /// What is said to whom waited too long.
    fn timed_out(&self) -> Refusal {
        let error = if self.writing.load(Ordering::Relaxed) {
            let message =
                "This took too long, and nobody waits for it any more. It may still be done.";
            let hint = "Look whether it was done before trying again, or repeat it with the same idempotency_key.";
            Error::new(Code::Cancelled, message).hint(hint)
        } else {
            let message = "This took too long and was stopped; nothing was written.";
            Error::new(Code::Cancelled, message).hint("Ask for less at once, then try again.")
        };
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timeout", &error)
    }
}

/// What answers requests: all of them by rmcp, and those that are plain past it, where there is a server for them.
pub trait Answers: ServerHandler + Clone {
    /// The server that answers plain calls of this tool, or without one the plain lists of tools; none leaves them to rmcp.
    fn server(&self, tool: Option<&str>) -> Option<&Server>;
}

impl Answers for Server {
    fn server(&self, _: Option<&str>) -> Option<&Server> {
        Some(self)
    }
}

/// All routes over `handler`, whose requests are authenticated with `dispatcher`.
///
/// # Errors
///
/// [`StartError::Host`] or [`StartError::Origin`] when an allowed one cannot be read.
pub fn router<H: Answers>(
    handler: H,
    dispatcher: Arc<Dispatcher>,
    ready: Ready,
    metrics: PrometheusHandle,
    options: &Options,
) -> Result<Router, StartError> {
    let guard = Arc::new(Guard::new(
        &options.allowed_hosts,
        &options.allowed_origins,
    )?);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(options.sessions)
        .with_json_response(true)
        .with_max_request_body_bytes(options.max_body_bytes)
        // The guard has looked at Host and Origin before any route.
        .disable_allowed_hosts();
    // Without sessions, which is the default, the manager is never asked for one.
    let sessions = Arc::new(Sessions::new(options.session_idle));
    let manager = Arc::clone(&sessions);
    let endpoint = Arc::new(Endpoint {
        handler: handler.clone(),
        service: StreamableHttpService::new(move || Ok(handler.clone()), manager, config),
        sessions: options.sessions.then_some(sessions),
        dispatcher,
        metrics,
        places: Places::new(options.requests_per_caller),
        streams: Places::new(STREAMS_PER_CALLER),
        no_auth: options.no_auth,
        max_body_bytes: options.max_body_bytes,
        request_timeout: options.request_timeout,
    });
    Ok(Router::new()
        .route("/mcp", any(mcp::<H>))
        .route("/files/{link}", any(uploads::take::<H>))
        .route("/files/{link}/", any(uploads::take::<H>))
        .route("/files/{link}/{name}", any(uploads::take_named::<H>))
        .route("/metrics", get(render_metrics::<H>))
        .with_state(endpoint)
        .route(
            "/health/live",
            get(|| async { Json(json!({"status": "live"})) }),
        )
        .route("/health/ready", get(health_ready).with_state(ready))
        .fallback(|| async {
            let error = Error::new(
                Code::NotFound,
                "There is nothing at this path. MCP is served at /mcp.",
            );
            Refusal::new(StatusCode::NOT_FOUND, "path", &error)
        })
        .layer(middleware::from_fn_with_state(guard, check_names))
        .layer(constant_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(constant_header(header::CACHE_CONTROL, "no-store")))
}

fn constant_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn check_names(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err((reason, message)) => Refusal::new(
            StatusCode::FORBIDDEN,
            reason,
            &Error::new(Code::Forbidden, message),
        )
        .into_response(),
    }
}

async fn health_ready(State(ready): State<Ready>) -> Response {
    if tokio::time::timeout(READY_TIMEOUT, ready())
        .await
        .unwrap_or(false)
    {
        Json(json!({"status": "ready"})).into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"status": "unavailable"})),
        )
            .into_response()
    }
}

/// They tell about everybody's calls, so they are for programs on this machine and for whom the server knows.
async fn render_metrics<H: Answers>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if !peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && let Err(refusal) = endpoint.admit(request.headers()).await
    {
        return refusal.into_response();
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        endpoint.metrics.render(),
    )
        .into_response()
}

async fn mcp<H: Answers>(State(endpoint): State<Arc<Endpoint<H>>>, request: Request) -> Response {
    endpoint
        .answer(request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

/// What stands behind `/mcp`.
struct Endpoint<H> {
    handler: H,
    service: StreamableHttpService<H, Sessions>,
    /// Where there are any.
    sessions: Option<Arc<Sessions>>,
    dispatcher: Arc<Dispatcher>,
    metrics: PrometheusHandle,
    places: Places,
    /// Those of standing streams, in which a client is told of what it subscribed to.
    streams: Places,
    no_auth: bool,
    max_body_bytes: usize,
    request_timeout: Duration,
}

impl<H: Answers> Endpoint<H> {
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        let deadline = Instant::now() + self.request_timeout;
        let (mut parts, body) = request.into_parts();
        let mut caller = self.admit(&parts.headers).await?;
        if let Some(connection) = parts.extensions.get::<Connection>() {
            connection.is_of(caller.actor());
        }
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        caller.client = user_agent.and_then(client_name);
        caller.origin = uploads::origin(&parts.headers);
        let caller = Arc::new(caller);
        let mut place = self.places.take(caller.actor()).ok_or_else(|| {
            Refusal::busy(
                "Too many requests of this caller are under way. Wait for some of them to end.",
            )
        })?;
        parts.extensions.insert(Arc::clone(&caller));
        if parts.method != Method::POST {
            // Only sessions use other methods; their standing stream holds no place and has no time limit.
            let response = self.in_session(&caller, parts, Body::empty(), None).await?;
            return Ok(in_json(response, None).await);
        }

        let underway = Arc::new(Underway::default());
        parts.extensions.insert(Arc::clone(&underway));
        let is_json = has_json_body(&parts.headers);
        let (request, caller) = (&underway, &caller);
        let work = Box::pin(async move {
            let body = read_body(body, &parts.headers, self.max_body_bytes, &mut place).await?;
            let head = if is_json {
                Some(self.examine(caller, &body, &mut place).await?)
            } else {
                None
            };
            let listens = head.as_ref().is_some_and(|head| head.listens);
            let id = head.map(|head| head.id);
            if listens {
                let stream = self.streams.take(caller.actor());
                place = stream.ok_or_else(|| {
                    Refusal::busy(
                        "This caller has as many streams as it may have. End one of them.",
                    )
                })?;
            }
            // A write that was begun goes on when nobody waits for it any more, and keeps its place until it is done.
            let place = Arc::new(place);
            let held = Held::new(Arc::clone(&place));
            if is_json
                && body.len() < LARGE_BYTES
                && let Some(plain) = Plain::of(&parts.headers, &body, self.sessions.is_some())
                && let Some(server) = self.handler.server(plain.tool())
            {
                let answer = Box::pin(plain.answer(server, caller, held, Arc::clone(request)));
                return Ok((beside(answer, request).await?, place, false));
            }
            parts.extensions.insert(held);
            let turn = self.turn(caller, body.len()).await?;
            // When this future is dropped, by the time limit or because the client went away, rmcp cancels the call.
            let answer = self.in_session(caller, parts, Body::from(body), turn);
            let answer = in_json(beside(answer, request).await?, id).await;
            Ok((answer, place, listens))
        });
        let (response, place, listens) = tokio::time::timeout_at(deadline, work)
            .await
            .map_err(|_| underway.timed_out())??;
        let deadline = match listens {
            true => Instant::now() + STREAM_LIFETIME,
            false => deadline,
        };
        Ok(hold(response, place, deadline).await)
    }

    /// Hands a request to rmcp, with the sessions of its caller only. What parses it is done in its turn, where it needs one.
    async fn in_session(
        &self,
        caller: &Caller,
        parts: Parts,
        body: Body,
        turn: Option<Turn>,
    ) -> Result<Response, Refusal> {
        let session = parts.headers.get(MCP_SESSION_ID);
        let ends = session.filter(|_| parts.method == Method::DELETE);
        let ends = ends.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned().into());
        // On the heap, as `work` above: these futures hold those of whole calls, and a stack of 2 MB is soon full of them.
        let handle = Box::pin(self.service.handle(Request::from_parts(parts, body)));
        let Some(sessions) = &self.sessions else {
            return Ok(first_aside(handle, turn).await.map(Body::new));
        };
        let answer = async {
            // rmcp looks at the id of every request but this one.
            if let Some(id) = ends
                && !sessions.has_session(&id).await.unwrap_or_default()
            {
                return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
            }
            first_aside(handle, turn).await.map(Body::new)
        };
        match sessions.answering(caller, answer).await {
            (_, true) => Err(Refusal::busy(
                "There are as many sessions as there may be. End one with DELETE, or wait for one to end.",
            )),
            (response, false) => Ok(response),
        }
    }

    /// What is known of the request in this body before it is answered. What is no JSON, or more of it than anybody means, goes no
    /// further; the rest weighs on its caller.
    async fn examine(
        &self,
        caller: &Caller,
        body: &Bytes,
        place: &mut Place,
    ) -> Result<Head, Refusal> {
        let (values, head) = if body.len() < LARGE_BYTES {
            examine(body)?
        } else {
            let body = body.clone();
            let compute = &self.dispatcher.app().compute;
            let examined = compute.run(caller.actor(), move || examine(&body)).await;
            examined.map_err(|error| Refusal::internal(&error))??
        };
        if place.load(values.saturating_mul(budget::BYTES_EACH)) {
            Ok(head)
        } else {
            Err(overloaded())
        }
    }

    /// A turn at the cores for what is large, none for the rest.
    async fn turn(&self, caller: &Caller, bytes: usize) -> Result<Option<Turn>, Refusal> {
        if bytes < LARGE_BYTES {
            return Ok(None);
        }
        let turn = self.dispatcher.app().compute.turn(caller.actor()).await;
        turn.map(Some).map_err(|error| Refusal::internal(&error))
    }

    /// Who asks: the key's owner, narrowed by the request's headers.
    async fn admit(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let workspace = text(headers, &X_WORKSPACE_SLUG)?;
        let caller = if self.no_auth {
            Credential::Operator
                .resolve(&self.dispatcher, workspace)
                .await
        } else {
            let key = bearer_key(headers).ok_or_else(|| {
                let message =
                    "Send an API key: `Authorization: Bearer KEY`. `bureau key create` makes one.";
                Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "no_key",
                    &Error::new(Code::Unauthorized, message),
                )
                .header(header::WWW_AUTHENTICATE, "Bearer")
            })?;
            self.dispatcher.authenticate(key, workspace).await
        };
        let features = text(headers, &X_BUREAU_FEATURES)?.map(list);
        let read_only = flag(headers, &X_BUREAU_READ_ONLY)?;
        caller
            .and_then(|caller| caller.narrow(features.as_deref(), read_only))
            .map_err(|error| Refusal::of_caller(&error))
    }
}

/// The key of `Authorization: Bearer KEY`, if there is exactly one such header with something that could be a key.
fn bearer_key(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, key) = values.next()?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    let sound =
        scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && key.len() <= MAX_KEY_BYTES;
    (sound && values.next().is_none()).then_some(key)
}

/// A header's text. Given twice or not text, it is refused rather than half understood.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(Some(value.trim())),
        _ => Err(bad_header(name, "must be given once, as plain text")),
    }
}

fn flag(headers: &HeaderMap, name: &HeaderName) -> Result<bool, Refusal> {
    match text(headers, name)? {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(bad_header(name, "is `true` or `false`")),
    }
}

fn bad_header(name: &HeaderName, rule: &str) -> Refusal {
    let error = Error::invalid(name.as_str(), format!("The header {name} {rule}."));
    Refusal::new(StatusCode::BAD_REQUEST, "header", &error)
}

fn list(value: &str) -> Vec<String> {
    let names = value.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Reads the whole body, or refuses it as soon as it is known to be longer than `most` bytes. It weighs on its caller as it
/// comes.
async fn read_body(
    body: Body,
    headers: &HeaderMap,
    most: usize,
    place: &mut Place,
) -> Result<Bytes, Refusal> {
    let too_large = || {
        let error = Error::new(
            Code::Validation,
            format!("The body is longer than {most} bytes. Send less at once."),
        );
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &error)
    };
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut collected = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            let error = Error::new(Code::Validation, "The body broke off before its end.");
            Refusal::new(StatusCode::BAD_REQUEST, "broken_body", &error)
        })?;
        if chunk.len() > most - collected.len() {
            return Err(too_large());
        }
        if !place.load(chunk.len()) {
            return Err(overloaded());
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

fn overloaded() -> Refusal {
    Refusal::busy("What is under way is more than the server can hold. Wait for some of it to end.")
}

/// What is known of a request before it is answered.
#[derive(Default)]
struct Head {
    /// Where it has one.
    id: Option<RequestId>,
    /// Whether it asks for a standing stream.
    listens: bool,
}

/// How many values a body holds, and what is known of the request in it.
fn examine(body: &[u8]) -> Result<(usize, Head), Refusal> {
    let values = budget::count(body).map_err(|over| {
        let error = Error::new(Code::Validation, over.to_string());
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_much", &error)
    })?;
    let no_json = || {
        let error = ErrorData::parse_error("The body is not JSON.", None);
        Refusal::json_rpc(StatusCode::BAD_REQUEST, "parse", error, None)
    };
    /// What is looked at before rmcp does.
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        id: Value,
        #[serde(default)]
        method: Value,
    }
    let text = std::str::from_utf8(body).map_err(|_| no_json())?;
    match serde_json::from_str::<Message>(text) {
        Ok(message) => {
            let head = Head {
                id: RequestId::deserialize(message.id).ok(),
                listens: message.method == LISTEN,
            };
            Ok((values, head))
        }
        // JSON, but no object: rmcp says so.
        Err(error) if error.is_data() => serde_json::from_str::<IgnoredAny>(text)
            .map(|_| (values, Head::default()))
            .map_err(|_| no_json()),
        Err(_) => Err(no_json()),
    }
}

/// Does what the first step of `work` does, which is to parse a whole body, in this turn and not on a thread on which others
/// wait. The rest is like any future.
async fn first_aside<T>(work: impl Future<Output = T>, mut turn: Option<Turn>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| match turn.take() {
        Some(_turn) => aside(|| work.as_mut().poll(context)),
        None => work.as_mut().poll(context),
    })
    .await
}

/// Once the call's answer is known to be long, what turns it into bytes is not done on a thread on which others wait.
async fn beside<T>(work: impl Future<Output = T>, underway: &Underway) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if underway.long_answer.load(Ordering::Relaxed) {
            aside(|| work.as_mut().poll(context))
        } else {
            work.as_mut().poll(context)
        }
    })
    .await
}

/// Lets the runtime move what else waits for this thread to another.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => block_in_place(work),
        _ => work(),
    }
}

fn has_json_body(headers: &HeaderMap) -> bool {
    is_type(headers, "application/json")
}

fn is_type(headers: &HeaderMap, essence: &str) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let given = value.split(';').next().unwrap_or_default();
    given.trim().eq_ignore_ascii_case(essence)
}

/// rmcp refuses some requests in plain text; clients of Bureau get JSON. `id` is there where the body is JSON, so a 415 for
/// it means that it is no JSON-RPC message.
async fn in_json(response: Response, id: Option<Option<RequestId>>) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || is_type(response.headers(), "application/json")
    {
        return response;
    }
    if let (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(id)) = (status, id) {
        let error =
            ErrorData::invalid_request("The body is not a JSON-RPC 2.0 message of MCP.", None);
        return Refusal::json_rpc(StatusCode::BAD_REQUEST, "message", error, id).into_response();
    }
    if status.is_server_error() {
        let error = Error::new(Code::Internal, "Something went wrong inside Bureau.");
        return Refusal::new(status, "internal", &error).into_response();
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, 4096).await.unwrap_or_default();
    let error = Error::new(Code::Validation, String::from_utf8_lossy(&text));
    let mut response = Refusal::new(status, "protocol", &error).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// An answer that is not over at once keeps its place until its client has it, which is at the deadline at the latest: a
/// stream, whose end cancels the call, and what is large.
async fn hold(response: Response, place: Arc<Place>, deadline: Instant) -> Response {
    let is_stream = is_type(response.headers(), "text/event-stream");
    let length = response.body().size_hint().exact();
    if !is_stream && length.is_none_or(|length| length <= PIECE_BYTES as u64) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = if is_stream {
        body
    } else {
        if let Some(length) = length {
            parts.headers.insert(header::CONTENT_LENGTH, length.into());
        }
        let whole = axum::body::to_bytes(body, usize::MAX).await;
        in_pieces(whole.unwrap_or_default())
    };
    let frames = body
        .into_data_stream()
        .take_until(tokio::time::sleep_until(deadline))
        .inspect(move |_| {
            let _held = &place;
        });
    Response::from_parts(parts, Body::from_stream(frames))
}

fn in_pieces(whole: Bytes) -> Body {
    let pieces = stream::unfold(whole, |mut rest| async move {
        let piece = rest.split_to(rest.len().min(PIECE_BYTES));
        (!piece.is_empty()).then_some((Ok::<_, io::Error>(piece), rest))
    });
    Body::from_stream(pieces)
}
