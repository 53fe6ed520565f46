//! `bureau connect`: a client's standard input and output, bridged to a Bureau elsewhere.

use clap::Args;

use super::{Failure, Result, print};
use crate::config::Config;
use crate::transport::bridge::{self, Narrowing, Remote};
use crate::transport::stop_signal;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The server's address: https://HOST[:PORT][/PATH]; without a path it is /mcp
    url: String,
    /// Send the key over http:// to another machine: everyone on the way can read it
    #[arg(long)]
    insecure: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let remote = remote(config, &arguments.url, arguments.insecure)?;
    if config.api_key.is_some() && remote.is_open() {
        print::note(
            "bureau: warning: the key goes over http://, where everyone on the way can read it.",
        );
    }
    let stop = stop_signal()
        .map_err(|error| Failure::Failed(format!("Signals cannot be received: {error}.")))?;
    bridge::serve(remote, stop)
        .await
        .map_err(|error| Failure::Failed(format!("The connection ended badly: {error}.")))
}

/// The server at `url`, with the key and what the options narrow.
pub(super) fn remote(config: &Config, url: &str, insecure: bool) -> Result<Remote> {
    let selection = &config.selection;
    let no_tools = selection.tools.is_some() || !selection.exclude_tools.is_empty();
    // Left unsaid, it would look as if it held.
    if no_tools {
        return Err(Failure::Usage(
            "A connection cannot choose single tools. Use --features or --read-only, or a key that permits less.".into(),
        ));
    }
    let features = match selection.features.as_slice() {
        [all] if all == "all" => Vec::new(),
        named if named.iter().any(|name| name == "all" || name == "default") => {
            return Err(Failure::Usage(
                "A connection does not know what `default` or `all` is there. Name the groups, or leave --features out for \
                 all that the server offers."
                    .into(),
            ));
        }
        named => named.to_vec(),
    };
    let narrowing = Narrowing {
        workspace: config.workspace()?.map(str::to_owned),
        features,
        read_only: config.read_only,
    };
    Remote::new(url, config.api_key.as_ref(), &narrowing, insecure)
        .map_err(|error| Failure::Usage(error.to_string()))
}
