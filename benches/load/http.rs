//! Keep-alive clients over HTTP/1.1, and the bare server that everything is compared with.
//!
//! The client is a loop over a socket: what it costs is taken from the server's two cores, so it does no more than
//! write a request, and read an answer whose length the server says.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use memchr::memmem;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const STATELESS: &str = "2026-07-28";

/// Requests that one measurement makes at most.
const MOST: usize = 2_000_000;

/// Where requests go, and with which key.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The server's process.
    pub(crate) process: u32,
    pub(crate) path: &'static str,
    pub(crate) key: String,
}

impl Target {
    /// A request of the stateless protocol.
    pub(crate) fn request(&self, method: &str, mut params: Value) -> Vec<u8> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = match params["name"].as_str() {
            Some(name) => format!("mcp-name: {name}\r\n"),
            None => String::new(),
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = body.to_string();
        format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: {STATELESS}\r\n\
             mcp-method: {method}\r\n{name}content-length: {}\r\n\r\n{body}",
            self.path,
            self.address,
            self.key,
            body.len(),
        )
        .into_bytes()
    }

    /// A call of a tool.
    pub(crate) fn call(&self, tool: &str, arguments: impl Into<Value>) -> Vec<u8> {
        let arguments = arguments.into();
        self.request(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
    }
}

/// One connection.
pub(crate) struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request and reads the body of its answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.socket.write_all(request).await?;
        self.buffer.clear();
        let (body, length) = loop {
            self.read().await?;
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break (end + 4, length(&self.buffer[..end])?);
            }
        };
        match length {
            Length::Known(length) => {
                while self.buffer.len() < body + length {
                    self.read().await?;
                }
            }
            Length::Chunks => self.unchunk(body).await?,
        }
        Ok(&self.buffer[body..])
    }

    /// Reads a body that comes in chunks from here on, and leaves what is in them.
    async fn unchunk(&mut self, mut end: usize) -> io::Result<()> {
        loop {
            let size = loop {
                match memmem::find(&self.buffer[end..], b"\r\n") {
                    Some(at) => break end..end + at,
                    None => self.read().await?,
                }
            };
            let digits = std::str::from_utf8(&self.buffer[size.clone()]).unwrap_or_default();
            let length = usize::from_str_radix(digits, 16)
                .map_err(|_| io::Error::other("a chunk without its length"))?;
            let chunk = size.end + 2..size.end + 2 + length;
            while self.buffer.len() < chunk.end + 2 {
                self.read().await?;
            }
            if length == 0 {
                self.buffer.truncate(end);
                return Ok(());
            }
            self.buffer.drain(chunk.end..chunk.end + 2);
            self.buffer.drain(end..chunk.start);
            end += length;
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.socket.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// How much follows a head.
enum Length {
    Known(usize),
    Chunks,
}

/// What the head of an answer says of its length.
fn length(head: &[u8]) -> io::Result<Length> {
    let wrong = |what: &str| {
        let head = String::from_utf8_lossy(head);
        Err(io::Error::other(format!("{what}: {head}")))
    };
    if !head.starts_with(b"HTTP/1.1 200") {
        return wrong("not an answer");
    }
    for line in head.split(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_at_checked(b"content-length:".len()) else {
            continue;
        };
        if name.eq_ignore_ascii_case(b"content-length:") {
            let value = std::str::from_utf8(value).ok();
            let value = value.and_then(|value| value.trim().parse().ok());
            return value.map_or_else(|| wrong("no length"), |length| Ok(Length::Known(length)));
        }
        if line
            .trim_ascii()
            .eq_ignore_ascii_case(b"transfer-encoding: chunked")
        {
            return Ok(Length::Chunks);
        }
    }
    wrong("an answer without its length")
}

/// Whether this is the answer to a call that did what it was asked.
fn is_success(answer: &[u8]) -> bool {
    let contains = |what: &[u8]| memmem::find(answer, what).is_some();
    !contains(b"\"isError\":true") && contains(b"\"result\"")
}

/// How long and with how many clients is measured.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    pub(crate) time: Duration,
}

/// What was measured.
#[derive(Default)]
pub(crate) struct Figures {
    /// Seconds that it took altogether.
    pub(crate) seconds: f64,
    /// Nanoseconds of each request, ascending.
    pub(crate) sorted: Vec<u64>,
    /// Requests that were answered with an error.
    pub(crate) errors: u64,
    /// Seconds of processor time that the server took for all of them.
    cpu: Option<f64>,
}

impl Figures {
    pub(crate) fn of(mut nanoseconds: Vec<u64>, seconds: f64) -> Self {
        nanoseconds.sort_unstable();
        Self {
            seconds,
            sorted: nanoseconds,
            errors: 0,
            cpu: None,
        }
    }

    /// Microseconds of processor time that the server took for one request: what other programs on the machine
    /// disturb least.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.cpu
            .map(|cpu| cpu * 1e6 / self.sorted.len().max(1) as f64)
    }

    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.sorted.len() as f64 / self.seconds
    }

    /// Milliseconds that this share of the requests stayed below.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let at = (last as f64 * share).ceil() as usize;
        self.sorted.get(at).copied().unwrap_or(0) as f64 / 1e6
    }
}

/// Sends what `request` makes of a running number, over `clients` connections, for some time. A quarter of the time goes
/// before, unmeasured.
pub(crate) async fn drive<F>(target: &Target, load: Load, request: F) -> io::Result<Figures>
where
    F: Fn(u64) -> Vec<u8> + Send + Sync + 'static,
{
    let request = Arc::new(request);
    let numbers = Arc::new(AtomicU64::new(0));
    let from = Instant::now() + load.time / 4;
    let until = from + load.time;
    let mut tasks = Vec::new();
    for _ in 0..load.clients {
        let (request, numbers) = (Arc::clone(&request), Arc::clone(&numbers));
        let mut client = Client::connect(target.address).await?;
        tasks.push(tokio::spawn(async move {
            let (mut times, mut errors) = (Vec::new(), 0);
            loop {
                let bytes = request(numbers.fetch_add(1, Ordering::Relaxed));
                let began = Instant::now();
                if began >= until || times.len() >= MOST / load.clients {
                    return io::Result::Ok((times, errors));
                }
                let good = is_success(client.send(&bytes).await?);
                if began >= from {
                    times.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
                    errors += u64::from(!good);
                }
            }
        }));
    }
    tokio::time::sleep_until(from.into()).await;
    let before = processor_time(target.process);
    tokio::time::sleep_until(until.into()).await;
    let cpu = processor_time(target.process)
        .zip(before)
        .map(|(after, before)| after - before);
    let (mut all, mut errors) = (Vec::new(), 0);
    for task in tasks {
        let (times, wrong) = task.await.map_err(io::Error::other)??;
        all.extend(times);
        errors += wrong;
    }
    let mut figures = Figures::of(all, from.elapsed().as_secs_f64());
    figures.errors = errors;
    figures.cpu = cpu;
    Ok(figures)
}

/// Seconds of processor time that a process has had, where the operating system tells.
fn processor_time(process: u32) -> Option<f64> {
    /// Linux counts here in hundredths of a second, whatever its own clock does.
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name may hold spaces; it ends with the last bracket.
    let (_, fields) = text.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    Some(
        ticks
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum::<f64>()
            / TICKS,
    )
}

/// Answers JSON with JSON, and nothing else: the least that a server over HTTP costs on this machine. Says its address
/// on stdout and ends with its stdin.
pub(crate) async fn echo() -> io::Result<()> {
    let answer = |Json(message): Json<Value>| async move { Json(json!({ "result": message })) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/echo", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |socket: &mut TcpStream| {
        drop(socket.set_nodelay(true));
    });
    let end = async {
        let mut rest = Vec::new();
        // Whatever ends the input ends the server.
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    };
    tokio::select! {
        served = axum::serve(listener, Router::new().route("/echo", post(answer))) => served,
        () = end => Ok(()),
    }
}
