//! A client's standard input and output, bridged to a Bureau elsewhere: lines of JSON-RPC here, Streamable HTTP there.
//!
//! The bridge forwards bytes and reads no more of a message than its envelope. Clients of protocol 2026-07-28 have every
//! POST stand alone; those that begin with `initialize` get the negotiated version in the header of what follows, and the
//! server's session where it opens one (a session that the server has forgotten, as after a restart, is opened again
//! with the client's own `initialize`).
//!
//! Every request gets an answer: the server's, or an error that says what to do. Only what was never sent is tried again.
//! A request that the client cancels is dropped, which closes its connection and thereby cancels it in the server;
//! in a session the notification goes along.
//!
//! There is no standing stream for what a server sends unasked, because Bureau sends nothing unasked, and no
//! `Mcp-Param-*` header, because none of its tools asks for one.

pub(crate) mod events;
pub(crate) mod message;
mod remote;
mod trouble;

use std::{collections::HashMap, error::Error as _, io, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    events::Events,
    message::{Answer, Fault, Kind, Message},
    remote::Http,
    trouble::{Refused, Trouble, error_line},
};
use super::MAX_MESSAGE_BYTES;

pub use self::remote::{Narrowing, Remote, RemoteError};

const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Longest line that is read to the end, so that its refusal can name its request, in bytes. A longer one is passed over.
const MAX_LINE_BYTES: usize = 4 * MAX_MESSAGE_BYTES;

/// Longest message of a server that is passed on, in bytes.
const MAX_ANSWER_BYTES: usize = 2 * MAX_MESSAGE_BYTES;

/// Longest body of a refusal that is looked at, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Longest method or name that is repeated in a header, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// What the messages that are under way may take of memory together, in KiB; further ones wait in the pipe.
const BUDGET_KIB: usize = 16 * 1024;

/// What one message counts for at least, in KiB: its task and its connection take memory too.
const LEAST_KIB: usize = 16;

/// Requests at the server at once, well under what it allows one key; further ones wait here.
const AT_ONCE: usize = 32;

/// Pauses before a request is tried again that found no server: long enough for one to be restarted.
const BACKOFF: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
];

/// How long a server may be silent: longer than it waits for a person to confirm.
const SILENCE: Duration = Duration::from_secs(330);

/// How long requests under way may still take when the client has ended its input.
const GRACE: Duration = Duration::from_secs(10);

/// How long the goodbye to a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bridges the process's own standard input and output to `remote` until the client ends its input, goes away, or `stop`
/// fires. Requests under way then have ten seconds to finish.
///
/// # Errors
///
/// When no TLS client can be made. Whatever the server does is told to the client and ends nothing.
pub async fn serve(remote: Remote, stop: CancellationToken) -> io::Result<()> {
    let (reader, writer) = rmcp::transport::stdio_pipes();
    serve_on(remote, reader, writer, stop).await
}

/// As [`serve`], on any pair of byte streams.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_on<R, W>(
    remote: Remote,
    reader: R,
    writer: W,
    stop: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (lines, written) = mpsc::channel(AT_ONCE);
    let bridge = Arc::new(Bridge {
        http: remote::client()?,
        server: remote.shown(),
        remote,
        lines,
        places: Semaphore::new(AT_ONCE),
        waiting: std::sync::Mutex::default(),
        session: Mutex::default(),
        over: CancellationToken::new(),
    });
    let unread = CancellationToken::new();
    let writing = tokio::spawn(write(writer, written, unread.clone()));
    let work = TaskTracker::new();
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        // Nobody waits for what is under way any more.
        () = unread.cancelled() => bridge.over.cancel(),
        () = Arc::clone(&bridge).read(reader, &work) => {}
    }
    work.close();
    if timeout(GRACE, work.wait()).await.is_err() {
        bridge.over.cancel();
        work.wait().await;
    }
    bridge.say_goodbye().await;
    // The last sender goes with the bridge, and the writer with it, after what there is to write.
    drop(bridge);
    let _ = timeout(GOODBYE, writing).await;
    Ok(())
}

/// Writes lines, each whole, until there are no more or nobody reads them.
async fn write<W: AsyncWrite + Unpin>(
    mut writer: W,
    mut lines: mpsc::Receiver<Vec<u8>>,
    unread: CancellationToken,
) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        let written = async {
            writer.write_all(&line).await?;
            writer.flush().await
        };
        if written.await.is_err() {
            unread.cancel();
            return;
        }
    }
}

struct Bridge {
    http: Http,
    remote: Remote,
    /// The server's address, as messages show it.
    server: String,
    lines: mpsc::Sender<Vec<u8>>,
    places: Semaphore,
    /// By its id, what drops a request that is waited for.
    waiting: std::sync::Mutex<HashMap<String, CancellationToken>>,
    session: Mutex<Session>,
    /// Fires when what is still under way has to end.
    over: CancellationToken,
}

/// What `initialize` settled, for clients that begin with it.
#[derive(Default, Clone)]
struct Session {
    version: Option<HeaderValue>,
    id: Option<HeaderValue>,
    /// What the client calls itself, for the server's change log.
    client: Option<HeaderValue>,
    /// The message itself and its id, to open a session again.
    opening: Option<(Bytes, Value)>,
}

/// A request that is waited for; dropped, it is no more.
struct Waiting<'a> {
    bridge: &'a Bridge,
    key: String,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bridge.waiting().remove(&self.key);
    }
}

/// A line of input.
enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

impl Bridge {
    /// Reads messages and starts a task for each, until the input ends.
    async fn read<R: AsyncRead + Unpin>(self: Arc<Self>, reader: R, work: &TaskTracker) {
        let mut reader = BufReader::new(reader);
        let budget = Arc::new(Semaphore::new(BUDGET_KIB));
        // Fires when the message of the handshake that others have to follow is through.
        let mut opened: Option<CancellationToken> = None;
        loop {
            let line = match next_line(&mut reader).await {
                Line::Text(line) => line,
                Line::TooLong => {
                    self.say(too_long(&Value::Null)).await;
                    continue;
                }
                Line::End => return,
            };
            let text = line
                .strip_prefix(b"\xEF\xBB\xBF")
                .unwrap_or(&line)
                .trim_ascii();
            if text.is_empty() {
                continue;
            }
            if text.len() > MAX_MESSAGE_BYTES {
                self.say(too_long(&message::id_of(text))).await;
                continue;
            }
            let message = match message::read(text) {
                Ok(message) => message,
                Err(Fault::NotJson) => {
                    self.say(error_line(
                        &Value::Null,
                        -32700,
                        "This line is not JSON.",
                        None,
                    ))
                    .await;
                    continue;
                }
                Err(Fault::NotAMessage(id)) => {
                    let text = "This is not a JSON-RPC 2.0 message of MCP.";
                    self.say(error_line(&id, -32600, text, None)).await;
                    continue;
                }
            };
            let kib = text.len().div_ceil(1024).max(LEAST_KIB);
            let Ok(memory) = Arc::clone(&budget)
                .acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX))
                .await
            else {
                return;
            };
            let body = Bytes::copy_from_slice(text);
            let after = opened.clone();
            let opens = matches!(
                message.method.as_str(),
                "initialize" | "notifications/initialized"
            )
            .then(|| {
                let through = CancellationToken::new();
                opened = Some(through.clone());
                through.drop_guard()
            });
            // Known before the next line is read, which may cancel it.
            let dropped = match &message.kind {
                Kind::Request(id) => {
                    let dropped = self.over.child_token();
                    self.waiting().insert(id.to_string(), dropped.clone());
                    Some(dropped)
                }
                Kind::OneWay => None,
            };
            let bridge = Arc::clone(&self);
            work.spawn(async move {
                if let Some(after) = after {
                    after.cancelled().await;
                }
                match (message.kind.clone(), dropped) {
                    (Kind::Request(id), Some(dropped)) => {
                        bridge.request(&message, &id, body, &dropped, memory).await;
                    }
                    _ => bridge.one_way(&message, body).await,
                }
                drop(opens);
            });
        }
    }

    /// Sends a request and passes on what comes back.
    async fn request(
        &self,
        message: &Message,
        id: &Value,
        body: Bytes,
        dropped: &CancellationToken,
        _memory: OwnedSemaphorePermit,
    ) {
        let _waiting = Waiting {
            bridge: self,
            key: id.to_string(),
        };
        let answer = tokio::select! {
            biased;
            () = dropped.cancelled() => {
                if self.over.is_cancelled() {
                    self.say(Trouble::Ended.to_line(id, &self.server)).await;
                }
                return;
            }
            answer = self.answer(message, id, body) => answer,
        };
        let line = answer.unwrap_or_else(|trouble| {
            // The message may name what the client asked for; the log gets only what happened.
            tracing::warn!(trouble = trouble.word(), "a request got no answer");
            trouble.to_line(id, &self.server)
        });
        self.say(line).await;
    }

    async fn answer(&self, message: &Message, id: &Value, body: Bytes) -> Result<Vec<u8>, Trouble> {
        // Nothing closes it.
        let _place = self.places.acquire().await.map_err(|_| Trouble::Ended)?;
        if message.method == "initialize" {
            return self.open(body, id).await;
        }
        let session = self.session.lock().await.clone();
        let first = self.exchange(message, id, body.clone(), &session).await;
        match first {
            // The server has no such session any more, so it executed nothing.
            Err(Trouble::Refused(refused))
                if refused.status() == StatusCode::NOT_FOUND
                    && session.id.is_some()
                    && message.version.is_none() =>
            {
                self.reopen(&session).await?;
                let session = self.session.lock().await.clone();
                self.exchange(message, id, body, &session).await
            }
            answer => answer,
        }
    }

    async fn exchange(
        &self,
        message: &Message,
        id: &Value,
        body: Bytes,
        session: &Session,
    ) -> Result<Vec<u8>, Trouble> {
        let response = self.send(Method::POST, message, body, session).await?;
        self.receive(response, id).await
    }

    /// Sends the client's `initialize` and notes what it settles.
    async fn open(&self, body: Bytes, id: &Value) -> Result<Vec<u8>, Trouble> {
        let mut session = self.session.lock().await;
        *session = Session::default();
        let message = Message::of("initialize");
        let response = self
            .send(Method::POST, &message, body.clone(), &session)
            .await?;
        let session_id = response.headers().get(MCP_SESSION_ID).cloned();
        let line = self.receive(response, id).await?;
        let answer: Value = serde_json::from_slice(&line).unwrap_or_default();
        let version = answer
            .pointer("/result/protocolVersion")
            .and_then(Value::as_str);
        if let Some(version) = version {
            *session = Session {
                version: HeaderValue::from_str(version).ok(),
                id: session_id,
                client: user_agent(&body),
                opening: Some((body, id.clone())),
            };
        }
        Ok(line)
    }

    /// Opens a new session where the server has forgotten `lost`, unless another request has done so meanwhile.
    async fn reopen(&self, lost: &Session) -> Result<(), Trouble> {
        let opening = {
            let session = self.session.lock().await;
            if session.id != lost.id {
                return Ok(());
            }
            session.opening.clone()
        };
        let Some((body, id)) = opening else {
            return Ok(());
        };
        self.open(body, &id).await?;
        let body = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self.one_way(&Message::of("notifications/initialized"), body)
            .await;
        Ok(())
    }

    /// Sends what nothing comes back for.
    async fn one_way(&self, message: &Message, body: Bytes) {
        let session = self.session.lock().await.clone();
        if let Some(id) = &message.cancels {
            let dropped = self.waiting().get(&id.to_string()).cloned();
            if let Some(dropped) = dropped {
                dropped.cancel();
            }
            // Without a session the server has nothing to which the notification could belong.
            if session.id.is_none() {
                return;
            }
        }
        let sent = tokio::select! {
            sent = self.send(Method::POST, message, body, &session) => sent,
            () = self.over.cancelled() => return,
        };
        match sent {
            Ok(response) if response.status().is_success() => {
                // Read to its end, so that the connection can be used again.
                let _ = collect(response, MAX_REFUSAL_BYTES).await;
            }
            Ok(response) => {
                tracing::warn!(
                    status = response.status().as_u16(),
                    "the server refused a notification or a reply"
                );
            }
            Err(trouble) => {
                tracing::warn!(
                    trouble = trouble.word(),
                    "a notification or a reply was lost"
                );
            }
        }
    }

    /// Ends the session, if there is one.
    async fn say_goodbye(&self) {
        let session = self.session.lock().await.clone();
        if session.id.is_none() {
            return;
        }
        let message = Message::of("");
        let goodbye = self.send(Method::DELETE, &message, Bytes::new(), &session);
        let _ = timeout(GOODBYE, goodbye).await;
    }

    /// Sends a message. It is tried again only while nobody listens there, so that it was surely not sent.
    async fn send(
        &self,
        method: Method,
        message: &Message,
        body: Bytes,
        session: &Session,
    ) -> Result<Response<Incoming>, Trouble> {
        let mut pauses = BACKOFF.iter();
        loop {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = self.remote.endpoint.clone();
            *request.headers_mut() = self.headers(message, session);
            let sent = timeout(SILENCE, self.http.request(request)).await;
            let error = match sent {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) => return Err(Trouble::Broken("did not answer in time")),
            };
            if !error.is_connect() {
                return Err(Trouble::Broken("broke the connection off"));
            }
            match pauses.next().filter(|_| is_refused(&error)) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(Trouble::NotSent(cause(&error))),
            }
        }
    }

    fn headers(&self, message: &Message, session: &Session) -> HeaderMap {
        let mut headers = self.remote.headers.clone();
        let mut insert = |name: HeaderName, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        };
        let own = message
            .version
            .as_ref()
            .and_then(|version| HeaderValue::from_str(version).ok());
        // A message that brings its own version stands alone.
        if own.is_none() {
            insert(MCP_SESSION_ID, session.id.clone());
        }
        insert(
            MCP_PROTOCOL_VERSION,
            own.or_else(|| session.version.clone()),
        );
        insert(header::USER_AGENT, session.client.clone());
        // A name that no header holds is left out, and the server says what it thinks of it.
        let method =
            Some(&message.method).filter(|method| (1..=MAX_NAME_BYTES).contains(&method.len()));
        insert(
            MCP_METHOD,
            method.and_then(|method| HeaderValue::from_str(method).ok()),
        );
        let name = message
            .name
            .as_deref()
            .filter(|name| name.len() <= MAX_NAME_BYTES);
        insert(MCP_NAME, name.and_then(remote::header_text));
        headers
    }

    /// Reads the answer to the request `id`, and passes on what comes before it.
    async fn receive(&self, response: Response<Incoming>, id: &Value) -> Result<Vec<u8>, Trouble> {
        const STRANGE: Trouble = Trouble::Broken("answered with something that is not MCP");
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = collect(response, MAX_REFUSAL_BYTES)
                .await
                .unwrap_or_default();
            // An error of JSON-RPC is said to the client as it is.
            return match message::read_answer(&body, id) {
                Some(Answer::Final(line)) if is_json_rpc(&line) => Ok(line),
                _ => Err(Trouble::Refused(Box::new(Refused::read(
                    status, &headers, &body,
                )))),
            };
        }
        if !is_events(&headers) {
            let body = collect(response, MAX_ANSWER_BYTES).await?;
            return match message::read_answer(&body, id) {
                Some(Answer::Final(line)) => Ok(line),
                _ => Err(STRANGE),
            };
        }
        let mut events = Events::new(MAX_ANSWER_BYTES);
        let mut body = response.into_body();
        while let Some(chunk) = next_chunk(&mut body).await? {
            let ended = events
                .feed(&chunk)
                .map_err(|_| Trouble::TooLong(MAX_ANSWER_BYTES))?;
            for event in ended {
                match message::read_answer(&event, id).ok_or(STRANGE)? {
                    Answer::Final(line) => return Ok(line),
                    Answer::Other(line) => self.say(line).await,
                }
            }
        }
        Err(Trouble::Broken("broke its answer off"))
    }

    /// Says a line to the client. When nobody reads any more, the bridge is about to end.
    async fn say(&self, line: Vec<u8>) {
        let _ = self.lines.send(line).await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        // Nothing that is done under the lock can panic half way.
        self.waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The next line without the limit's excess: a line that is longer is read to its end and dropped.
async fn next_line<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) -> Line {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let read = reader
            .take(MAX_LINE_BYTES as u64)
            .read_until(b'\n', &mut line)
            .await;
        // An input that cannot be read has ended.
        if !matches!(read, Ok(1..)) {
            return match (is_too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                // The last line may lack its end.
                (false, false) => Line::Text(line),
            };
        }
        match (line.ends_with(b"\n"), is_too_long) {
            (true, true) => return Line::TooLong,
            (true, false) => return Line::Text(line),
            (false, _) if line.len() < MAX_LINE_BYTES => {}
            (false, _) => {
                is_too_long = true;
                line = Vec::new();
            }
        }
    }
}

/// What the client that says this `initialize` calls itself, with the bridge behind it.
fn user_agent(initialize: &[u8]) -> Option<HeaderValue> {
    let message: Value = serde_json::from_slice(initialize).ok()?;
    let client = message.pointer("/params/clientInfo")?;
    let word = |name: &str| -> Option<String> {
        let text = client.get(name)?.as_str()?;
        let kept = text
            .chars()
            .filter(|character| matches!(character, ' '..='~'));
        Some(kept.take(60).collect())
    };
    let bridge = concat!("bureau-connect/", env!("CARGO_PKG_VERSION"));
    let text = format!("{}/{} {bridge}", word("name")?, word("version")?);
    HeaderValue::from_str(text.trim()).ok()
}

fn too_long(id: &Value) -> Vec<u8> {
    let message =
        format!("This message is longer than {MAX_MESSAGE_BYTES} bytes. Send less at once.");
    error_line(id, -32600, &message, None)
}

/// A whole body of at most `most` bytes.
async fn collect(response: Response<Incoming>, most: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = response.into_body();
    let mut collected = Vec::new();
    while let Some(chunk) = next_chunk(&mut body).await? {
        if chunk.len() > most - collected.len() {
            return Err(Trouble::TooLong(most));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected)
}

async fn next_chunk(body: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
    loop {
        let frame = timeout(SILENCE, body.frame())
            .await
            .map_err(|_| Trouble::Broken("stopped in the middle of its answer"))?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Trouble::Broken("broke its answer off")),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

fn is_events(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Bureau's own errors have a word for a code, those of JSON-RPC a number.
fn is_json_rpc(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line)
        .is_ok_and(|message| message.pointer("/error/code").is_some_and(Value::is_i64))
}

/// Whether nobody listens at the address.
fn is_refused(error: &legacy::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return io.kind() == io::ErrorKind::ConnectionRefused;
        }
        source = cause.source();
    }
    false
}

/// The innermost cause, in a few words.
fn cause(error: &legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
