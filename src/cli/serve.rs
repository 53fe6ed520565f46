//! `bureau serve`: MCP over Streamable HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::scheduler;
use bureau_kernel::store::Store;
use clap::Args;

use super::{Failure, Result, print, usage};
use crate::config::{Config, Listen};
#[cfg(feature = "demo")]
use crate::demo;
use crate::server::Server;
use crate::transport::{self, http, metrics};
use crate::{anchors, boot};

/// How long requests under way may still take when the server is told to end.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) listen: Listen,
    /// Ask for no key: whoever can connect is the operator. Loopback addresses only
    #[arg(long)]
    no_auth: bool,
    /// Serve a made-up firm with two years of history from a database of its own, and print how to connect
    #[cfg(feature = "demo")]
    #[arg(long)]
    demo: bool,
    /// Keep sessions for clients of protocol versions before 2026-07-28, so that a call can ask the person something
    #[arg(long)]
    sessions: bool,
}

/// Starts the program again in its own place with few of the C library's arenas, where nobody has said how many. It makes up to
/// eight for each core, each thread takes one, and what a thread gave back stays in its arena: after a load that was three
/// quarters of the server's memory. With fewer than two a core threads wait for each other. The C library reads this when a
/// program starts, and no safe call changes it later.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn with_few_arenas() {
    use std::os::unix::process::CommandExt as _;
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(ARENAS).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut again = std::process::Command::new(program);
    again.env(ARENAS, (cores * 2).to_string());
    let mut said = std::env::args_os();
    if let Some(name) = said.next() {
        again.arg0(name);
    }
    // It returns only where it failed; then the server takes the memory that it takes.
    let error = again.args(said).exec();
    tracing::debug!(%error, "the number of arenas stays as it is");
}

pub(super) async fn run(config: Config, arguments: &Arguments) -> Result<()> {
    #[cfg(feature = "demo")]
    let config = of_demo(config, arguments);
    let registry = boot::registry(&config).map_err(usage)?;
    // An address that cannot be had is known before the database is touched.
    let listener = http::bind(&config.listen, arguments.no_auth).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Failed(format!("The address is lost: {error}.")))?;
    #[cfg(feature = "demo")]
    let demo_key = demo_key(&config, arguments).await?;
    let limits = http::Limits::of_this_process();
    let store = boot::server_store(&config).await?;
    let dispatcher = boot::server_dispatcher(&config, store.clone(), registry)?;
    let anchoring = anchors::start(&config, &store);
    let options = http::Options {
        no_auth: arguments.no_auth,
        allowed_hosts: config.allowed_hosts.clone(),
        allowed_origins: config.allowed_origins.clone(),
        sessions: arguments.sessions,
        ..http::Options::default()
    };
    let instructions = crate::instructions(dispatcher.registry());
    let server = Server::new(Arc::clone(&dispatcher), &instructions)
        .with_output_schemas(config.output_schemas)
        .with_sessions(arguments.sessions);
    let recorder = metrics::install()
        .map_err(|error| Failure::Failed(format!("Metrics cannot be recorded: {error}.")))?;
    let app = Arc::clone(dispatcher.app());
    let scheduled = Arc::clone(&dispatcher);
    let router = http::router(server, dispatcher, ready(&store), recorder, &options)?;
    let stop = transport::stop_signal()
        .map_err(|error| Failure::Failed(format!("Signals cannot be received: {error}.")))?;
    announce(arguments, address, &store).await?;
    #[cfg(feature = "demo")]
    if let Some(key) = demo_key {
        let url = format!("http://{address}/mcp");
        print::out(&super::demo::introduction(&config, Some(&url), &key))?;
    }
    let scheduler = scheduler::start(scheduled);
    http::serve(listener, router, limits, stop, DRAIN).await;
    scheduler.stop().await;
    if let Some(anchoring) = anchoring {
        anchoring.stop().await;
    }
    app.close().await;
    Ok(())
}

/// The demo firm has a database of its own.
#[cfg(feature = "demo")]
fn of_demo(mut config: Config, arguments: &Arguments) -> Config {
    if arguments.demo {
        super::demo::own_database(&mut config);
    }
    config
}

/// A key for the demo firm, which is made where it is asked for and not there yet.
#[cfg(feature = "demo")]
async fn demo_key(config: &Config, arguments: &Arguments) -> Result<Option<String>> {
    if arguments.demo {
        super::demo::make(config, demo::SEED).await.map(Some)
    } else {
        Ok(None)
    }
}

/// Whether the database answers, and takes writes.
fn ready(store: &Store) -> http::Ready {
    let store = store.clone();
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            let ready = store.check_ready().await;
            if let Err(error) = &ready {
                tracing::warn!(?error, "not ready");
            }
            ready.is_ok()
        })
    })
}

async fn announce(arguments: &Arguments, address: SocketAddr, store: &Store) -> Result<()> {
    print::note(&format!(
        "Bureau {} serves MCP at http://{address}/mcp",
        env!("CARGO_PKG_VERSION")
    ));
    let now = chrono::Utc::now();
    let works = |key: &admin::KeyInfo| {
        key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now)
    };
    if !arguments.no_auth && !admin::list_keys(store).await?.iter().any(works) {
        print::note("There is no key yet. Make one: bureau key create --name NAME --preset full");
    }
    Ok(())
}
