//! What `bureau serve --no-auth` serves, with the conformance suite's fixtures beside it.

mod fixtures;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bureau::boot;
use bureau::config::{Config, Listen, Options};
use bureau::server::Server;
use bureau::transport::{self, http, metrics};
use clap::Parser;

use fixtures::WithFixtures;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    listen: Listen,
    /// Keep sessions for clients of protocol versions before 2026-07-28.
    #[arg(long)]
    sessions: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments {
        options,
        listen,
        sessions,
    } = Arguments::parse();
    let config = Config::load(options, listen)?;
    let listener = http::bind(&config.listen, true).await?;
    let address = listener.local_addr()?;
    let store = boot::server_store(&config).await?;
    let dispatcher = boot::server_dispatcher(&config, store.clone(), boot::registry(&config)?)?;
    let instructions = bureau::instructions(dispatcher.registry());
    let server = Server::new(Arc::clone(&dispatcher), &instructions)
        .with_output_schemas(config.output_schemas);
    let ready: http::Ready = Arc::new(move || {
        let store = store.clone();
        Box::pin(async move { store.check_ready().await.is_ok() })
    });
    let options = http::Options {
        no_auth: true,
        sessions,
        ..http::Options::default()
    };
    let app = Arc::clone(dispatcher.app());
    let handler = WithFixtures::new(server);
    let router = http::router(handler, dispatcher, ready, metrics::install()?, &options)?;
    let stop = transport::stop_signal()?;
    eprintln!("http://{address}/mcp");
    let limits = http::Limits::of_this_process();
    http::serve(listener, router, limits, stop, Duration::from_secs(10)).await;
    app.close().await;
    Ok(())
}
