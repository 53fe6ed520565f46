//! `bureau serve`: MCP over Streamable HTTP.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::registry::Selection;
use bureau_kernel::store::{Database, Store};
use clap::Args;
use serde_json::json;

use super::{Failure, Result, print, usage};
use crate::config::{Config, Listen};
use crate::server::Server;
use crate::transport::{self, http, metrics};
use crate::{boot, demo};

/// How long requests under way may still take when the server is told to end.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) listen: Listen,
    /// Ask for no key: whoever can connect is the operator. Loopback addresses only
    #[arg(long)]
    no_auth: bool,
    /// Serve a made-up firm with 500 contacts from a database of its own, history included, and print how to connect
    #[arg(long)]
    demo: bool,
    /// Keep sessions for clients of protocol versions before 2026-07-28, so that a call can ask the person something
    #[arg(long)]
    sessions: bool,
}

pub(super) async fn run(mut config: Config, arguments: &Arguments) -> Result<()> {
    if arguments.demo {
        if config.default_database {
            config.database = Database::Sqlite(config.data_dir.join("demo.sqlite"));
        }
        // Trying things out goes with taking them back.
        if cfg!(feature = "history") && is_silent(&config.selection) {
            config.selection.features = vec!["default".into(), "history".into()];
        }
    }
    let registry = boot::registry(&config).map_err(usage)?;
    // An address that cannot be had is known before the database is touched.
    let listener = http::bind(&config.listen, arguments.no_auth).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Failed(format!("The address is lost: {error}.")))?;
    let demo_key = if arguments.demo {
        Some(demo_firm(&config).await?)
    } else {
        None
    };
    let store = boot::store(&config).await?;
    let pipeline = boot::server_pipeline(&config, store.clone(), registry)?;
    let options = http::Options {
        no_auth: arguments.no_auth,
        allowed_hosts: config.allowed_hosts.clone(),
        allowed_origins: config.allowed_origins.clone(),
        sessions: arguments.sessions,
        ..http::Options::default()
    };
    let server = Server::new(Arc::clone(&pipeline), crate::INSTRUCTIONS)
        .with_output_schemas(config.output_schemas);
    #[cfg(feature = "conformance")]
    let server = crate::conformance::WithFixtures::new(server);
    let recorder = metrics::install()
        .map_err(|error| Failure::Failed(format!("Metrics cannot be recorded: {error}.")))?;
    let house = Arc::clone(pipeline.house());
    let router = http::router(server, pipeline, ready(&store), recorder, &options)?;
    let stop = transport::stop_signal()
        .map_err(|error| Failure::Failed(format!("Signals cannot be received: {error}.")))?;
    announce(&config, arguments, address, demo_key.as_deref(), &store).await?;
    let served = http::serve(listener, router, stop, DRAIN).await;
    house.close().await;
    served.map_err(|error| Failure::Failed(format!("The server ended badly: {error}.")))
}

/// Whether nothing was said about which tools to offer.
fn is_silent(selection: &Selection) -> bool {
    selection.features.is_empty() && selection.tools.is_none()
}

/// Whether the database answers.
fn ready(store: &Store) -> http::Ready {
    let store = store.clone();
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move { admin::list_workspaces(&store).await.is_ok() })
    })
}

/// Makes the demo firm where it is not yet, and a key for it.
async fn demo_firm(config: &Config) -> Result<String> {
    if config.read_only {
        return Err(Failure::Usage(
            "--demo makes a firm and a key, so it cannot be --read-only.".into(),
        ));
    }
    let store = boot::open(config, false).await?;
    let made = demo::prepare(&store, demo::SEED).await;
    store.close().await;
    Ok(made?)
}

async fn announce(
    config: &Config,
    arguments: &Arguments,
    address: SocketAddr,
    demo_key: Option<&str>,
    store: &Store,
) -> Result<()> {
    let url = format!("http://{address}/mcp");
    print::note(&format!(
        "Bureau {} serves MCP at {url}",
        env!("CARGO_PKG_VERSION")
    ));
    if let Some(key) = demo_key {
        return print::out(&introduction(config, &url, key));
    }
    let now = chrono::Utc::now();
    let works = |key: &admin::KeyInfo| {
        key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now)
    };
    if !arguments.no_auth && !admin::list_keys(store).await?.iter().any(works) {
        print::note("There is no key yet. Make one: bureau key create --name NAME --preset full");
    }
    Ok(())
}

/// What a person needs to connect a client to the demo firm.
fn introduction(config: &Config, url: &str, key: &str) -> String {
    let remote = json!({ "mcpServers": { "bureau": {
        "type": "http",
        "url": url,
        "headers": { "Authorization": format!("Bearer {key}") },
    } } });
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\nThe demo firm {name} is open, with {contacts} contacts.\n\n  MCP address  {url}\n  API key      {key}\n\n\
         Cursor and other clients that connect by address (VS Code calls the outer object servers):\n\n{remote:#}\n\n\
         Claude Code:\n\n  claude mcp add --transport http bureau {url} --header \"Authorization: Bearer {key}\"\n",
        name = demo::FIRM,
        contacts = demo::CONTACTS,
    );
    if let (Ok(program), Database::Sqlite(path)) = (std::env::current_exe(), &config.database) {
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (path, folder) = (whole(path), whole(&config.data_dir));
        let local = json!({ "mcpServers": { "bureau": {
            "command": program,
            "args": ["stdio", "--database", format!("sqlite:{}", path.display()), "--data-dir", folder],
        } } });
        let _ = write!(
            text,
            "\nClaude Desktop, which starts the server itself:\n\n{local:#}\n"
        );
    }
    text.push_str(
        "\nThen ask it: who do we know in Berlin? Ctrl-C ends the server; the firm stays.\n",
    );
    text
}
