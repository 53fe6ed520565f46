//! MCP over Streamable HTTP, with health and metrics on routes of their own.
//!
//! | route | who | answers |
//! | --- | --- | --- |
//! | `/mcp` | a Bearer key, unless started with `--no-auth` | MCP, both protocol eras, no sessions unless asked for |
//! | `/health/live`, `/health/ready` | anyone | 200, or 503 while the database cannot be read or written |
//! | `/metrics` | anyone | Prometheus text |
//!
//! A request passes, in this order: Host and Origin (on every route) → key → places for this caller → time limit → size →
//! JSON → MCP. Whatever is turned away on the way gets a JSON body in Bureau's error form or in JSON-RPC's, and is
//! counted in `bureau_http_refused_total`.
//!
//! Headers that narrow what the key allows, never widen it: `X-Workspace-Slug`, `X-Bureau-Features` (a comma-separated
//! list), `X-Bureau-Read-Only` (`true`).

pub(crate) mod guard;

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
    serve::ListenerExt,
};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::pipeline::Pipeline;
use dashmap::DashMap;
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusHandle;
use rmcp::{
    ServerHandler,
    model::{ErrorData, JsonRpcError, RequestId},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;
use tower_http::set_header::SetResponseHeaderLayer;

use self::guard::Guard;
use super::{MAX_MESSAGE_BYTES, metrics::HTTP_REFUSED};
use crate::server::{Credential, client_name};

/// The header that chooses among a key's workspaces.
pub const X_WORKSPACE_SLUG: HeaderName = HeaderName::from_static("x-workspace-slug");

/// The header that narrows a request to some features, separated by commas.
pub const X_BUREAU_FEATURES: HeaderName = HeaderName::from_static("x-bureau-features");

/// The header that narrows a request to reading.
pub const X_BUREAU_READ_ONLY: HeaderName = HeaderName::from_static("x-bureau-read-only");

/// Longest Bearer key that is looked up, in bytes.
const MAX_KEY_BYTES: usize = 512;

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
    /// lives in this process: behind several nodes it needs sticky routing.
    pub sessions: bool,
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

/// Listens on `address` (`HOST:PORT`; port 0 takes a free one). With `no_auth` the address must be a loopback one, and
/// a warning that nobody can miss goes to stderr.
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
    if no_auth {
        eprintln!(
            "\n  WARNING: --no-auth. Every program and every user on this machine can read and change everything in\n  \
             this database, without a key. Use it for tests, never with data that matters.\n"
        );
    }
    Ok(listener)
}

/// Serves `router` on `listener` until `stop` fires, then for at most `drain` longer while requests finish.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let stopping = stop.clone();
    // Answers are small and each is waited for: send them at once.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let server = axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned());
    tokio::select! {
        result = server => result,
        () = async { stop.cancelled().await; tokio::time::sleep(drain).await } => Ok(()),
    }
}

/// All routes over `handler`, whose requests are authenticated with `pipeline`.
///
/// # Errors
///
/// [`StartError::Host`] or [`StartError::Origin`] when an allowed one cannot be read.
pub fn router<H: ServerHandler + Clone>(
    handler: H,
    pipeline: Arc<Pipeline>,
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
    let sessions = Arc::new(LocalSessionManager::default());
    let endpoint = Arc::new(Endpoint {
        service: StreamableHttpService::new(move || Ok(handler.clone()), sessions, config),
        pipeline,
        places: Places::new(options.requests_per_caller),
        no_auth: options.no_auth,
        max_body_bytes: options.max_body_bytes,
        request_timeout: options.request_timeout,
    });
    Ok(Router::new()
        .route("/mcp", any(mcp::<H>))
        .with_state(endpoint)
        .route(
            "/health/live",
            get(|| async { Json(json!({"status": "live"})) }),
        )
        .route("/health/ready", get(health_ready).with_state(ready))
        .route("/metrics", get(render_metrics).with_state(metrics))
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

async fn render_metrics(State(metrics): State<PrometheusHandle>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        metrics.render(),
    )
        .into_response()
}

async fn mcp<H: ServerHandler>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    endpoint
        .answer(request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

/// What stands behind `/mcp`.
struct Endpoint<H> {
    service: StreamableHttpService<H, LocalSessionManager>,
    pipeline: Arc<Pipeline>,
    places: Places,
    no_auth: bool,
    max_body_bytes: usize,
    request_timeout: Duration,
}

impl<H: ServerHandler> Endpoint<H> {
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        let deadline = Instant::now() + self.request_timeout;
        let (mut parts, body) = request.into_parts();
        let mut caller = self.admit(&parts.headers).await?;
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        caller.client = user_agent.map(client_name);
        let place = self.places.take(caller.actor()).ok_or_else(|| {
            let message =
                "Too many requests of this caller are under way. Wait for some of them to end.";
            let error = Error::new(Code::RateLimited, message).retry_after(1);
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "busy", &error)
                .header(header::RETRY_AFTER, "1")
        })?;
        parts.extensions.insert(Arc::new(caller));
        if parts.method != Method::POST {
            // Only sessions use other methods; their standing stream holds no place and has no time limit.
            let response = self
                .service
                .handle(Request::from_parts(parts, Body::empty()))
                .await;
            return Ok(in_json(response.map(Body::new), None).await);
        }

        let is_json = has_json_body(&parts.headers);
        let work = async {
            let body = read_body(body, &parts.headers, self.max_body_bytes).await?;
            if is_json && !parses(&body) {
                let error = ErrorData::parse_error("The body is not JSON.", None);
                return Err(Refusal::json_rpc(
                    StatusCode::BAD_REQUEST,
                    "parse",
                    error,
                    None,
                ));
            }
            // When this future is dropped, by the time limit or because the client went away, rmcp cancels the call.
            let response = self
                .service
                .handle(Request::from_parts(parts, Body::from(body.clone())))
                .await;
            Ok(in_json(response.map(Body::new), is_json.then_some(body)).await)
        };
        let response = tokio::time::timeout_at(deadline, work)
            .await
            .map_err(|_| {
                let message =
                    "This took too long and was stopped. Ask for less at once, then try again.";
                Refusal::new(
                    StatusCode::GATEWAY_TIMEOUT,
                    "timeout",
                    &Error::new(Code::Cancelled, message),
                )
            })??;
        Ok(bound_stream(response, place, deadline))
    }

    /// Who asks: the key's owner, narrowed by the request's headers.
    async fn admit(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let workspace = text(headers, &X_WORKSPACE_SLUG)?;
        let caller = if self.no_auth {
            Credential::Operator
                .resolve(&self.pipeline, workspace)
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
            self.pipeline.authenticate(key, workspace).await
        };
        let features = text(headers, &X_BUREAU_FEATURES)?.map(list);
        let read_only = flag(headers, &X_BUREAU_READ_ONLY)?;
        caller
            .and_then(|caller| caller.narrow(features.as_deref(), read_only))
            .map_err(|error| Refusal::of_caller(&error))
    }
}

/// How many requests each caller has under way. A caller without any has no entry, so the map is bounded by the
/// requests there are.
struct Places {
    taken: Arc<DashMap<i64, usize>>,
    most: usize,
}

/// One request's place, given back when dropped.
struct Place {
    taken: Arc<DashMap<i64, usize>>,
    actor: i64,
}

impl Places {
    fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most: most.max(1),
        }
    }

    fn take(&self, actor: i64) -> Option<Place> {
        let mut taken = self.taken.entry(actor).or_insert(0);
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(Place {
            taken: Arc::clone(&self.taken),
            actor,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.remove_if_mut(&self.actor, |_, taken| {
            *taken -= 1;
            *taken == 0
        });
    }
}

/// A request that was turned away.
struct Refusal {
    status: StatusCode,
    reason: &'static str,
    body: Box<Value>,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    /// In Bureau's error form, with the HTTP status in it.
    fn new(status: StatusCode, reason: &'static str, error: &Error) -> Self {
        let mut body = error.to_json();
        if let Some(value) = body.pointer_mut("/error/status") {
            *value = status.as_u16().into();
        }
        Self {
            status,
            reason,
            body: Box::new(body),
            header: None,
        }
    }

    /// In JSON-RPC's error form, for a request that got as far as being read.
    fn json_rpc(
        status: StatusCode,
        reason: &'static str,
        error: ErrorData,
        id: Option<RequestId>,
    ) -> Self {
        let body = serde_json::to_value(JsonRpcError::new(id, error)).unwrap_or_default();
        Self {
            status,
            reason,
            body: Box::new(body),
            header: None,
        }
    }

    /// For a key that is not good, or good for less than the request's headers ask for.
    fn of_caller(error: &Error) -> Self {
        let status = StatusCode::from_u16(error.code().status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let refusal = Self::new(status, "caller", error);
        if error.code() == Code::Unauthorized {
            refusal.header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
        } else {
            refusal
        }
    }

    fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!(HTTP_REFUSED, "reason" => self.reason).increment(1);
        let mut response = (self.status, Json(*self.body)).into_response();
        if let Some((name, value)) = self.header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
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

/// Reads the whole body, or refuses it as soon as it is known to be longer than `most` bytes.
async fn read_body(body: Body, headers: &HeaderMap, most: usize) -> Result<Bytes, Refusal> {
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
    let mut collected = Vec::with_capacity(declared.unwrap_or_default());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            let error = Error::new(Code::Validation, "The body broke off before its end.");
            Refusal::new(StatusCode::BAD_REQUEST, "broken_body", &error)
        })?;
        if chunk.len() > most - collected.len() {
            return Err(too_large());
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

fn parses(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
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

/// rmcp refuses some requests in plain text; clients of Bureau get JSON. `body` is the request's where it is JSON, so
/// a 415 for it means that it is no JSON-RPC message.
async fn in_json(response: Response, body: Option<Bytes>) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || is_type(response.headers(), "application/json")
    {
        return response;
    }
    if let (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(body)) = (status, body) {
        let error =
            ErrorData::invalid_request("The body is not a JSON-RPC 2.0 message of MCP.", None);
        let id = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|message| RequestId::deserialize(message.get("id")?).ok());
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

/// A streamed answer keeps its place until it ends, which it does at the deadline at the latest; ending it cancels the
/// call. A plain answer is complete already.
fn bound_stream(response: Response, place: Place, deadline: Instant) -> Response {
    if !is_type(response.headers(), "text/event-stream") {
        return response;
    }
    response.map(|body| {
        let stream = body
            .into_data_stream()
            .take_until(tokio::time::sleep_until(deadline));
        Body::from_stream(stream.inspect(move |_| {
            let _held = &place;
        }))
    })
}
