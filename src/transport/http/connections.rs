//! The connections: how many there may be, and how long each may take its time. Nobody needs a key to connect, so nobody
//! without one may keep the others out.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::header,
};
use futures::StreamExt;
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::{Instant, sleep},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::super::MAX_MESSAGE_BYTES;

/// The most connections, where the process may open as many files.
const MOST: usize = 4096;

/// Files that connections leave to the database, the index and everything else.
const RESERVE: usize = 256;

/// How long, and how many bytes of, a body are read that nobody wants.
const UNWANTED: Duration = Duration::from_secs(5);
const UNWANTED_BYTES: usize = 2 * MAX_MESSAGE_BYTES;

/// The longest head of a request, in bytes, and what is read ahead of a body.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How often it is worth a line in the log.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How long to wait when the operating system has no connection to give.
const BREATH: Duration = Duration::from_millis(200);

/// How many connections there may be, and how long each may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address (of IPv6, from one /64). A proxy on the way is one address.
    pub connections_of_peer: usize,
    /// How long a new one may take to say what it wants.
    pub first_request: Duration,
    /// How long one may be silent between two requests, the head of the second included.
    pub idle: Duration,
    /// How long a client may leave an answer where it is.
    pub unread: Duration,
}

impl Limits {
    /// As many as this process may open files for, less a reserve; three quarters of them from one address. The soft limit
    /// of open files is raised to the hard one first.
    #[must_use]
    pub fn of_this_process() -> Self {
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
            tracing::warn!(%error, "the limit of open files could not be raised");
            rlimit::Resource::NOFILE
                .get()
                .map_or(1024, |(soft, _)| soft)
        });
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let connections = files.saturating_sub(RESERVE).max(files / 2).clamp(1, MOST);
        Self {
            connections,
            connections_of_peer: (connections * 3 / 4).max(1),
            first_request: Duration::from_secs(10),
            // Longer than most clients keep a connection that they do not use, so that it is rarely the server that ends it.
            idle: Duration::from_secs(75),
            unread: Duration::from_secs(30),
        }
    }
}

/// A connection, as its requests see it: which actor has shown a good key on it, 0 for none yet.
#[derive(Clone, Default)]
pub(super) struct Connection(Arc<AtomicI64>);

impl Connection {
    /// Someone with a good key is on it.
    pub(super) fn is_of(&self, actor: i64) {
        self.0.store(actor, Ordering::Relaxed);
    }

    fn actor(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves `router` on `listener` until `stop` fires, then for at most `drain` longer while requests finish.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    drain: Duration,
) {
    let admission = Arc::new(Mutex::new(Admission::new(limits)));
    let tasks = TaskTracker::new();
    let close = CancellationToken::new();
    loop {
        let (socket, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_client(&error) => continue,
                Err(error) => {
                    lock(&admission).warn(&format!("no connection can be taken: {error}"));
                    sleep(BREATH).await;
                    continue;
                }
            },
        };
        let guest = Guest {
            host: prefix(peer.ip()),
            connection: Connection::default(),
            out: close.child_token(),
        };
        let Some(number) = lock(&admission).enter(guest.clone()) else {
            continue;
        };
        let (admission, router, stop) = (Arc::clone(&admission), router.clone(), stop.clone());
        tasks.spawn(async move {
            attend(socket, peer, router, &guest, limits, &stop).await;
            lock(&admission).leave(number);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        close.cancel();
    }
}

/// Answers what comes on one connection until it ends, is silent for too long, is shown out, or the server stops.
async fn attend(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    guest: &Guest,
    limits: Limits,
    stop: &CancellationToken,
) {
    // Answers are small and each is waited for: send them at once.
    drop(socket.set_nodelay(true));
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(limits.unread));
    let asked = AtomicBool::new(false);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        if !request.headers().contains_key(header::EXPECT) {
            request = request.map(|body| Body::new(ToTheEnd(Some(body))));
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(guest.connection.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(socket)), service);
    let mut connection = pin!(connection);
    let mut stopping = pin!(stop.cancelled());
    let mut is_stopping = false;
    let mut late = pin!(sleep(limits.first_request));
    let mut is_late = false;
    loop {
        tokio::select! {
            // What goes wrong on a connection is its client's business.
            _ = connection.as_mut() => return,
            () = guest.out.cancelled() => return,
            () = &mut stopping, if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut late, if !is_late => {
                is_late = true;
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }
}

/// A body that is read to its end, within bounds, also where its request was answered without it: a client that writes before
/// it reads would otherwise find its connection closed instead of an answer. One that asks first whether to send the body at
/// all (`Expect`) needs no such help.
struct ToTheEnd(Option<Body>);

impl HttpBody for ToTheEnd {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for ToTheEnd {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let rest = async move {
            let mut left = UNWANTED_BYTES;
            let mut frames = body.into_data_stream();
            while let Some(Ok(data)) = frames.next().await
                && data.len() <= left
            {
                left -= data.len();
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(UNWANTED, rest));
        }
    }
}

/// A connection with what it needs to be shown out.
#[derive(Clone)]
struct Guest {
    host: IpAddr,
    connection: Connection,
    out: CancellationToken,
}

/// Who is in.
struct Admission {
    limits: Limits,
    /// By the order of their coming.
    guests: BTreeMap<u64, Guest>,
    hosts: HashMap<IpAddr, usize>,
    next: u64,
    warned: Option<Instant>,
}

fn lock(admission: &Mutex<Admission>) -> MutexGuard<'_, Admission> {
    admission.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Admission {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            guests: BTreeMap::new(),
            hosts: HashMap::new(),
            next: 0,
            warned: None,
        }
    }

    /// Lets a connection in. Where all are taken the oldest one leaves on which nobody has shown a good key, else the oldest of
    /// the key that has the most. Where each has one only, the new one stays out.
    fn enter(&mut self, guest: Guest) -> Option<u64> {
        let of_host = self.hosts.get(&guest.host).copied().unwrap_or_default();
        let full_of_host = of_host >= self.limits.connections_of_peer;
        if full_of_host || self.guests.len() >= self.limits.connections {
            self.warn("all connections are taken; those without a key make room first");
            let host = full_of_host.then_some(guest.host);
            let leaves = self.first_to_leave(host)?;
            self.leave(leaves);
        }
        let number = self.next;
        self.next += 1;
        *self.hosts.entry(guest.host).or_default() += 1;
        self.guests.insert(number, guest);
        Some(number)
    }

    /// Of this host, or of all.
    fn first_to_leave(&self, host: Option<IpAddr>) -> Option<u64> {
        let guests = self.guests.iter();
        let guests = guests.filter(|(_, guest)| host.is_none_or(|host| guest.host == host));
        // By actor: the oldest connection, and how many there are.
        let mut actors: HashMap<i64, (u64, usize)> = HashMap::new();
        for (number, guest) in guests {
            let actor = guest.connection.actor();
            if actor == 0 {
                return Some(*number);
            }
            actors.entry(actor).or_insert((*number, 0)).1 += 1;
        }
        let (oldest, count) = actors.into_values().max_by_key(|(_, count)| *count)?;
        (count > 1).then_some(oldest)
    }

    /// Shows a connection out, or notes that it has ended.
    fn leave(&mut self, number: u64) {
        let Some(guest) = self.guests.remove(&number) else {
            return;
        };
        guest.out.cancel();
        if let Entry::Occupied(mut count) = self.hosts.entry(guest.host) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    fn warn(&mut self, what: &str) {
        let now = Instant::now();
        if self
            .warned
            .is_none_or(|warned| now.duration_since(warned) > WARN_EVERY)
        {
            self.warned = Some(now);
            tracing::warn!(connections = self.guests.len(), "{what}");
        }
    }
}

/// One host, as far as addresses tell: of IPv6 a /64, within which a host may take any address.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
        v4 => v4,
    }
}

/// Whether a connection was lost before it was taken, which says nothing about the next one.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(last: u8) -> Guest {
        Guest {
            host: IpAddr::from([10, 0, 0, last]),
            connection: Connection::default(),
            out: CancellationToken::new(),
        }
    }

    fn admission(connections: usize, connections_of_peer: usize) -> Admission {
        Admission::new(Limits {
            connections,
            connections_of_peer,
            ..Limits::of_this_process()
        })
    }

    #[test]
    fn in_a_full_house_strangers_make_room_first_and_then_who_has_the_most() {
        let mut admission = admission(3, 3);
        let (known, older, newer) = (guest(1), guest(1), guest(2));
        known.connection.is_of(7);
        for guest in [&known, &older, &newer] {
            assert!(admission.enter(guest.clone()).is_some());
        }
        assert!(admission.enter(guest(3)).is_some());
        assert!(older.out.is_cancelled(), "the oldest stranger leaves");
        assert!(!known.out.is_cancelled() && !newer.out.is_cancelled());
        for (guest, actor) in admission.guests.values().zip([7, 8, 7]) {
            guest.connection.is_of(actor);
        }
        assert!(admission.enter(guest(4)).is_some());
        assert!(
            known.out.is_cancelled(),
            "the oldest of the key with the most"
        );
        assert!(!newer.out.is_cancelled());
        for (guest, actor) in admission.guests.values().zip([7, 8, 9]) {
            guest.connection.is_of(actor);
        }
        assert!(admission.enter(guest(5)).is_none(), "each has one");
        assert_eq!(admission.guests.len(), 3);
    }

    #[test]
    fn one_host_takes_its_share_only_and_makes_room_from_it() {
        let mut admission = admission(4, 2);
        let (first, other) = (guest(1), guest(2));
        assert!(admission.enter(other.clone()).is_some());
        assert!(admission.enter(first.clone()).is_some());
        assert!(admission.enter(guest(1)).is_some());
        assert!(admission.enter(guest(1)).is_some());
        assert!(first.out.is_cancelled() && !other.out.is_cancelled());
        assert_eq!(admission.guests.len(), 3, "there is room for others");
        let numbers: Vec<u64> = admission.guests.keys().copied().collect();
        for number in numbers.into_iter().chain([0, 99]) {
            admission.leave(number);
        }
        assert!(admission.guests.is_empty() && admission.hosts.is_empty());
    }

    #[test]
    fn addresses_of_one_host_are_one() {
        let of = |text: &str| prefix(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
