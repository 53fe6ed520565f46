//! MCP over standard input and output: one JSON-RPC message a line.
//!
//! rmcp's own line transport drops what is not JSON without a word and gives up on a session that opens with a
//! notification; `Lines` answers the first with a JSON-RPC error and skips the second.

use std::{io, sync::Arc};

use rmcp::{
    RoleServer, ServerHandler, ServiceExt,
    model::{ClientJsonRpcMessage, ErrorData, RequestId, ServerJsonRpcMessage},
    service::{RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage},
    transport::{Transport, stdio_pipes},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Mutex, OwnedMutexGuard},
};
use tokio_util::sync::CancellationToken;

use super::{MAX_MESSAGE_BYTES, budget};

/// Serves `handler` on the process's own pipes until the client closes them or `stop` fires.
///
/// # Errors
///
/// When the session could not be opened; a client that leaves before it says anything is no error.
pub async fn serve<H: ServerHandler>(handler: H, stop: CancellationToken) -> io::Result<()> {
    let (reader, writer) = stdio_pipes();
    serve_on(handler, reader, writer, stop).await
}

/// Serves `handler` on any pair of byte streams.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_on<H, R, W>(
    handler: H,
    reader: R,
    writer: W,
    stop: CancellationToken,
) -> io::Result<()>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    match handler.serve(Lines::new(reader, writer, stop)).await {
        // The service answers the calls under way before it ends.
        Ok(session) => session.waiting().await.map(drop).map_err(io::Error::other),
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// A transport of bounded lines. Its input ends with the stream or with the stop signal, whichever is first.
struct Lines<R, W> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// The rest of a line that is too long is being passed over.
    skipping: bool,
    /// A request has been seen, so the protocol's first word has been said.
    opened: bool,
    writer: Arc<Mutex<Option<W>>>,
    stop: CancellationToken,
}

/// What one line of input holds.
enum Line {
    Message(Box<ClientJsonRpcMessage>),
    Fault(ErrorData, Option<RequestId>),
    Blank,
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    fn new(reader: R, writer: W, stop: CancellationToken) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            skipping: false,
            opened: false,
            writer: Arc::new(Mutex::new(Some(writer))),
            stop,
        }
    }

    /// The next line, or `None` at the end of the input. May be dropped at any await without losing a byte: what has
    /// been read stays in `self`.
    async fn next(&mut self) -> Option<Line> {
        loop {
            let available = self.reader.fill_buf().await.ok()?;
            if available.is_empty() {
                return None;
            }
            let (taken, ended) = match available.iter().position(|byte| *byte == b'\n') {
                Some(newline) => (newline + 1, true),
                None => (available.len(), false),
            };
            if self.line.len() + taken > MAX_MESSAGE_BYTES {
                self.line.clear();
                self.skipping = true;
            }
            if !self.skipping {
                self.line.extend(available.iter().take(taken));
            }
            self.reader.consume(taken);
            if ended {
                let line = if self.skipping {
                    too_long()
                } else {
                    read(&self.line)
                };
                self.line.clear();
                self.skipping = false;
                return Some(line);
            }
        }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let writer = Arc::clone(&self.writer);
        async move { write(writer.lock_owned().await, &message).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let stop = self.stop.clone();
        loop {
            let line = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                line = self.next() => line?,
            };
            match line {
                Line::Message(message) => {
                    self.opened |= matches!(*message, ClientJsonRpcMessage::Request(_));
                    if self.opened {
                        return Some(*message);
                    }
                }
                Line::Fault(error, id) => {
                    // The caller may drop this future while the line is being written; a task of its own, which
                    // holds the lock from the start, writes it whole and in order.
                    let writer = Arc::clone(&self.writer).lock_owned().await;
                    tokio::spawn(async move {
                        write(writer, &ServerJsonRpcMessage::error(error, id)).await
                    });
                }
                Line::Blank => {}
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self.writer.lock().await.take() {
            Some(mut writer) => writer.shutdown().await,
            None => Ok(()),
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut writer: OwnedMutexGuard<Option<W>>,
    message: &ServerJsonRpcMessage,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let Some(writer) = writer.as_mut() else {
        return Err(io::ErrorKind::NotConnected.into());
    };
    writer.write_all(&line).await?;
    writer.flush().await
}

fn read(line: &[u8]) -> Line {
    let line = line
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(line)
        .trim_ascii();
    if line.is_empty() {
        return Line::Blank;
    }
    if let Err(over) = budget::count(line) {
        return Line::Fault(ErrorData::invalid_request(over.to_string(), None), None);
    }
    match serde_json::from_slice(line) {
        Ok(message) => Line::Message(Box::new(message)),
        Err(_) => match serde_json::from_slice::<Value>(line) {
            Err(_) => Line::Fault(ErrorData::parse_error("This line is not JSON.", None), None),
            Ok(value) => {
                let id = value
                    .get("id")
                    .and_then(|id| RequestId::deserialize(id).ok());
                let error =
                    ErrorData::invalid_request("This is not a JSON-RPC 2.0 message of MCP.", None);
                Line::Fault(error, id)
            }
        },
    }
}

fn too_long() -> Line {
    let message = format!("This message is longer than {MAX_MESSAGE_BYTES} bytes.");
    Line::Fault(ErrorData::invalid_request(message, None), None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

    use super::*;

    #[derive(Clone)]
    struct Nothing;
    impl ServerHandler for Nothing {
        async fn list_tools(
            &self,
            _: Option<rmcp::model::PaginatedRequestParams>,
            _: rmcp::service::RequestContext<RoleServer>,
        ) -> Result<rmcp::model::ListToolsResult, ErrorData> {
            // Long enough for the input to end while the call is under way.
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            Ok(rmcp::model::ListToolsResult::default())
        }
    }

    struct Peer {
        answers: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
        input: Option<WriteHalf<DuplexStream>>,
        stop: CancellationToken,
        session: tokio::task::JoinHandle<io::Result<()>>,
    }

    impl Peer {
        fn new() -> Self {
            let (ours, theirs) = duplex(64 * 1024);
            let (reader, writer) = split(theirs);
            let stop = CancellationToken::new();
            let session = tokio::spawn(serve_on(Nothing, reader, writer, stop.clone()));
            let (answers, input) = split(ours);
            Self {
                answers: BufReader::new(answers).lines(),
                input: Some(input),
                stop,
                session,
            }
        }

        async fn say(&mut self, line: &str) {
            let input = self.input.as_mut().unwrap();
            input
                .write_all(format!("{line}\n").as_bytes())
                .await
                .unwrap();
        }

        async fn hear(&mut self) -> Value {
            serde_json::from_str(&self.answers.next_line().await.unwrap().unwrap()).unwrap()
        }

        async fn open(&mut self, version: &str) {
            let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
            self.say(
                &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
                    .to_string(),
            )
            .await;
            assert_eq!(self.hear().await["result"]["protocolVersion"], version);
        }

        async fn list(&mut self, id: u32) {
            self.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string())
                .await;
        }
    }

    #[tokio::test]
    async fn a_line_that_is_not_json_is_answered_and_the_session_goes_on() {
        for line in ["{", "hello", "{\"jsonrpc\":\"2.0\"", "\u{0}", "[1,"] {
            let mut peer = Peer::new();
            peer.say(line).await;
            assert_eq!(
                peer.hear().await["error"]["code"],
                -32700,
                "{line:?} first of all"
            );
            peer.open("2025-11-25").await;
            peer.say(line).await;
            assert_eq!(
                peer.hear().await["error"]["code"],
                -32700,
                "{line:?} in the session"
            );
            peer.list(1).await;
            assert_eq!(peer.hear().await["id"], 1, "after {line:?}");
        }
    }

    #[tokio::test]
    async fn json_that_is_no_message_is_answered_with_its_id() {
        let mut peer = Peer::new();
        peer.say(r#"{"jsonrpc":"2.0","id":9,"method":5}"#).await;
        let answer = peer.hear().await;
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(-32600), &json!(9))
        );
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_refused_without_being_held() {
        let mut peer = Peer::new();
        peer.open("2025-06-18").await;
        let mut input = peer.input.take().unwrap();
        let writing = tokio::spawn(async move {
            for _ in 0..=(MAX_MESSAGE_BYTES / 65_536) {
                input.write_all(&[b'x'; 65_536]).await.unwrap();
            }
            input.write_all(b"\n").await.unwrap();
            input
        });
        assert_eq!(peer.hear().await["error"]["code"], -32600);
        peer.input = Some(writing.await.unwrap());
        peer.list(2).await;
        assert_eq!(peer.hear().await["id"], 2);
    }

    #[tokio::test]
    async fn a_line_that_holds_too_much_is_refused_before_it_is_parsed() {
        let mut peer = Peer::new();
        peer.open("2025-06-18").await;
        let most = MAX_MESSAGE_BYTES - 100;
        for bomb in ["[[[[]]]],".repeat(most / 9), "[".repeat(most)] {
            peer.say(&bomb).await;
            let answer = peer.hear().await;
            assert_eq!(answer["error"]["code"], -32600, "{answer}");
        }
        peer.list(2).await;
        assert_eq!(peer.hear().await["id"], 2);
    }

    #[tokio::test]
    async fn a_notification_first_of_all_does_not_end_the_session() {
        let mut peer = Peer::new();
        peer.say(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        )
        .await;
        peer.say("").await;
        peer.open("2025-03-26").await;
    }

    #[tokio::test]
    async fn the_end_of_input_ends_the_session_after_the_calls_under_way() {
        let mut peer = Peer::new();
        peer.open("2025-11-25").await;
        peer.list(3).await;
        peer.input.take().unwrap().shutdown().await.unwrap();
        assert_eq!(peer.hear().await["id"], 3);
        peer.session.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_stop_signal_ends_the_session_after_the_calls_under_way() {
        let mut peer = Peer::new();
        peer.open("2025-11-25").await;
        peer.list(4).await;
        // The call has been read once the error for the line after it arrives.
        peer.say("{").await;
        assert_eq!(peer.hear().await["error"]["code"], -32700);
        peer.stop.cancel();
        assert_eq!(peer.hear().await["id"], 4);
        peer.session.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_client_that_leaves_without_a_word_is_no_error() {
        let mut peer = Peer::new();
        peer.input.take().unwrap().shutdown().await.unwrap();
        peer.session.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_stateless_protocol_needs_no_handshake() {
        let mut peer = Peer::new();
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        peer.say(
            &json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {"_meta": meta}})
                .to_string(),
        )
        .await;
        assert_eq!(peer.hear().await["result"]["resultType"], "complete");
    }
}
