//! `bureau stdio`: MCP over stdin and stdout.

use std::io::IsTerminal as _;
use std::sync::Arc;

use bureau_kernel::scheduler;

use super::{Failure, Result, print, usage};
use crate::config::Config;
use crate::server::{Credential, Server};
use crate::{anchors, boot, transport};

pub(super) async fn run(config: &Config) -> Result<()> {
    let workspace = config.workspace()?;
    let registry = boot::registry(config).map_err(usage)?;
    let store = boot::server_store(config).await?;
    let dispatcher = boot::server_dispatcher(config, store, registry)?;
    // A wrong key or workspace is said now, and not in answer to the first call.
    let known = super::caller(config, &dispatcher, workspace).await;
    let credential = config
        .api_key
        .clone()
        .map_or(Credential::Operator, Credential::Key);
    if std::io::stdin().is_terminal() {
        print::note(
            "Bureau waits for an MCP client on stdin. `bureau --help` names its commands; Ctrl-C ends it.",
        );
    }
    let app = Arc::clone(dispatcher.app());
    let scheduled = Arc::clone(&dispatcher);
    let instructions = crate::instructions(dispatcher.registry());
    let server = Server::new(dispatcher, &instructions)
        .with_output_schemas(config.output_schemas)
        .with_documents(config.documents_dir.as_deref())
        .with_credential(credential, workspace.map(str::to_owned));
    let stop = transport::stop_signal()
        .map_err(|error| Failure::Failed(format!("Signals cannot be received: {error}.")))?;
    if let Err(refused) = known {
        if std::io::stdin().is_terminal() {
            app.close().await;
            return Err(refused.into());
        }
        // The client reads the reason in the answer to its first word; what it wrote before it asks is nobody's loss.
        let served = transport::stdio::serve(server, stop).await;
        served.unwrap_or_else(|error| tracing::debug!(%error, "the session was refused"));
        app.close().await;
        return Err(refused.into());
    }
    let scheduler = scheduler::start(scheduled);
    let anchoring = anchors::start(config, &app.store);
    let served = transport::stdio::serve(server, stop).await;
    scheduler.stop().await;
    if let Some(anchoring) = anchoring {
        anchoring.stop().await;
    }
    app.close().await;
    served.map_err(|error| Failure::Failed(format!("The session ended badly: {error}.")))
}
