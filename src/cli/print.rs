//! What a command says: answers on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write as _};

use bureau_kernel::error::Error;
use serde::Serialize;

use super::{Failure, Result};

/// Prints an answer. It ends with a line break.
pub(super) fn out(text: &str) -> Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}{end}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Unread),
        Err(error) => Err(Failure::Failed(format!(
            "The answer cannot be written: {error}."
        ))),
    }
}

/// Prints an answer as JSON, for programs.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    out(&serde_json::to_string_pretty(value).map_err(Error::internal)?)
}

/// Says something on stderr. When nobody hears it, nothing is lost that could be helped.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks a person at the terminal, who says yes or something else.
pub(super) fn ask(question: &str) -> io::Result<bool> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Whether colours may be written there: to a terminal, unless NO_COLOR is set to something.
pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A table: columns as wide as their widest cell, the last one as it is, and none where nothing stands.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |cell: &str| cell.chars().count();
    let mut widths = head.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, widest) in cells.iter().zip(widths) {
            if widest == 0 {
                continue;
            }
            line.push_str(cell);
            line.extend(std::iter::repeat_n(
                ' ',
                widest.saturating_sub(width(cell)) + 2,
            ));
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(head);
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_whatever_the_script() {
        let rows = [
            ["é".to_owned(), "1".to_owned()],
            ["long".to_owned(), "2".to_owned()],
        ];
        assert_eq!(table(["a", "n"], &rows), "a     n\né     1\nlong  2\n");
    }
}
