//! `bureau read-words`: the words in a file, read apart from everything else.
//!
//! What a file unpacks to, and where damage leads a library, nobody knows before. So the operating system bounds this process,
//! which has no database, no key and no configuration, and whoever started it takes what it prints until it ends.

use std::io::{BufWriter, Read as _, Write as _};

use clap::Args;

use super::{Failure, Result};

/// Memory that it may take, in bytes.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Time that it may compute, in seconds.
const SECONDS: u64 = 20;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// What the file is
    media_type: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    rlimit::Resource::AS.set(MEMORY, MEMORY).map_err(failed)?;
    rlimit::Resource::CPU
        .set(SECONDS, SECONDS)
        .map_err(failed)?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(failed)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    bureau_files::read_words(&arguments.media_type, &bytes, &mut out).map_err(failed)?;
    out.flush().map_err(failed)
}
