//! `bureau call`: one call of a tool, through the same dispatcher as every other.

use std::io::Read as _;

use bureau_kernel::error::Error;
use clap::Args;
use serde_json::{Map, Value};

use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;
use crate::transport::MAX_MESSAGE_BYTES;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The tool's name
    tool: String,
    /// Its arguments, a JSON object; - reads them from stdin
    #[arg(value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    arguments: String,
}

/// Whatever the call ends with is JSON: the answer on stdout, a refusal on stderr.
pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let workspace = config.workspace()?;
    let registry = boot::registry(config).map_err(usage)?;
    let Arguments { tool, arguments } = arguments;
    let answer = match read(arguments) {
        Ok(arguments) => super::call_once(config, workspace, registry, tool, arguments).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => print::json(&answer),
        Err(error) => {
            print::note(&format!("{:#}", error.to_json()));
            Err(Failure::Said)
        }
    }
}

fn read(text: String) -> Result<Map<String, Value>, Error> {
    let text = if text == "-" { read_stdin()? } else { text };
    serde_json::from_str(&text).map_err(|error| {
        Error::invalid(
            "arguments",
            format!("The arguments are not a JSON object: {error}."),
        )
        .hint("Write for example '{\"query\": \"ada\"}', or - to read them from stdin.")
    })
}

fn read_stdin() -> Result<String, Error> {
    let mut text = String::new();
    let limit = MAX_MESSAGE_BYTES as u64;
    let read = std::io::stdin()
        .lock()
        .take(limit + 1)
        .read_to_string(&mut text);
    let read = read.map_err(|error| {
        Error::invalid(
            "arguments",
            format!("stdin cannot be read as text: {error}."),
        )
    })?;
    if read > MAX_MESSAGE_BYTES {
        return Err(Error::invalid(
            "arguments",
            format!("The arguments are longer than {MAX_MESSAGE_BYTES} bytes."),
        ));
    }
    Ok(text)
}
