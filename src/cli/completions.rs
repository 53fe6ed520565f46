//! `bureau completions`: what a shell needs to complete Bureau's command lines.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, Result, print};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The shell that is to complete
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "bureau", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::Failed(format!("The script is not text: {error}.")))?;
    print::out(&script)
}
