//! `bureau demo`: a made-up firm to try Bureau with, and how to connect to it.

use std::fmt::Write as _;
use std::path::Path;

use bureau_kernel::store::Database;
use clap::Args;
use serde_json::json;

use super::{Failure, Result, print};
use crate::config::Config;
use crate::{boot, demo};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Another number makes another firm
    #[arg(long, default_value_t = demo::SEED)]
    seed: u64,
}

pub(super) async fn run(mut config: Config, arguments: &Arguments) -> Result<()> {
    own_database(&mut config);
    let key = make(&config, arguments.seed).await?;
    print::out(&introduction(&config, None, &key))
}

/// Nothing made up comes near the owner's data: unless a database is named, the firm has one of its own.
pub(super) fn own_database(config: &mut Config) {
    if config.default_database {
        config.database = Database::Sqlite(config.data_dir.join("demo.sqlite"));
    }
}

/// Makes the demo firm where it is not yet, and a key for it.
pub(super) async fn make(config: &Config, seed: u64) -> Result<String> {
    if config.read_only {
        return Err(Failure::Usage(
            "The demo makes a firm and a key, so it cannot be --read-only.".into(),
        ));
    }
    let store = boot::open(config, false).await?;
    let made = demo::prepare(&store, seed).await;
    store.close().await;
    Ok(made?)
}

/// What a person needs to connect a client to the demo firm; `url` where it is served.
pub(super) fn introduction(config: &Config, url: Option<&str>, key: &str) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\nThe demo firm {name} is open: {companies} companies, {contacts} contacts, {deals} deals, \
         {activities} activities and {invoices} invoices in two years.\n\n",
        name = demo::FIRM,
        companies = demo::COMPANIES,
        contacts = demo::CONTACTS,
        deals = demo::DEALS,
        activities = demo::ACTIVITIES,
        invoices = demo::INVOICES,
    );
    match url {
        Some(url) => remote(&mut text, url, key),
        None => {
            let _ = write!(
                text,
                "  API key      {key}\n  MCP address  none yet: bureau serve --demo\n"
            );
        }
    }
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
    text.push_str("\nThen ask it: what is the total value of our open deals?");
    text.push_str(match url {
        Some(_) => " Ctrl-C ends the server; the firm stays.\n",
        None => "\n",
    });
    text
}

/// How clients connect by address.
fn remote(text: &mut String, url: &str, key: &str) {
    let remote = json!({ "mcpServers": { "bureau": {
        "type": "http",
        "url": url,
        "headers": { "Authorization": format!("Bearer {key}") },
    } } });
    let _ = write!(
        text,
        "  MCP address  {url}\n  API key      {key}\n\n\
         Cursor and other clients that connect by address (VS Code calls the outer object servers):\n\n{remote:#}\n\n\
         Claude Code:\n\n  claude mcp add --transport http bureau {url} --header \"Authorization: Bearer {key}\"\n",
    );
}
