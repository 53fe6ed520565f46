//! A change as a person reads it, without the secrets in it: a terminal's text is copied, recorded and shown to others.

use std::path::Path;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines that are shown around a change.
const AROUND: usize = 2;

/// Longest part of a line that is shown, in characters: some clients keep their file on one line.
const MAX_LINE_CHARS: usize = 300;

/// Shortest value that is taken for a secret, in characters: hiding every `1` would hide the text.
const LEAST_SECRET_CHARS: usize = 8;

const HIDDEN: &str = "(hidden)";

/// Every value of an environment or of headers in these files, whichever server it belongs to. The longest come first.
pub(super) fn secrets(texts: [&str; 2]) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        if let Ok(value) = serde_json::from_str(text.trim_start_matches('\u{FEFF}')) {
            collect(&value, &mut found);
        }
    }
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let holds = matches!(key.as_str(), "env" | "headers");
                match member.as_object().filter(|_| holds) {
                    Some(variables) => found.extend(
                        variables
                            .values()
                            .filter_map(Value::as_str)
                            .filter(|text| text.chars().count() >= LEAST_SECRET_CHARS)
                            .map(str::to_owned),
                    ),
                    None => collect(member, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Hides the secrets among the values of an object.
pub(super) fn hide(values: &mut Value, secrets: &[String]) {
    for value in values
        .as_object_mut()
        .into_iter()
        .flat_map(|map| map.values_mut())
    {
        if value
            .as_str()
            .is_some_and(|text| secrets.iter().any(|secret| secret == text))
        {
            *value = HIDDEN.into();
        }
    }
}

/// The lines that change from `old` to `new`, with some around them.
pub(super) fn diff(path: &Path, old: &str, new: &str, secrets: &[String], colours: bool) -> String {
    let mut text = format!("{}\n", path.display());
    let diff = TextDiff::from_lines(old, new);
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            text.push_str("  …\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, colour) = match change.tag() {
                ChangeTag::Delete => ('-', "\u{1b}[31m"),
                ChangeTag::Insert => ('+', "\u{1b}[32m"),
                ChangeTag::Equal => (' ', ""),
            };
            let line = shown(change.value(), secrets);
            if colours && !colour.is_empty() {
                text.push_str(&format!("{colour}{sign} {line}\u{1b}[0m\n"));
            } else {
                text.push_str(&format!("{sign} {line}\n"));
            }
        }
    }
    text
}

fn shown(line: &str, secrets: &[String]) -> String {
    let mut line = line.trim_end().to_owned();
    for secret in secrets {
        // As the file writes it: between quotes, with its escapes.
        let written = Value::from(secret.as_str()).to_string();
        line = line.replace(written.trim_matches('"'), HIDDEN);
    }
    let mut kept: String = line
        .chars()
        .map(|character| match character {
            '\t' => ' ',
            other => other,
        })
        .filter(|character| !character.is_control())
        .take(MAX_LINE_CHARS)
        .collect();
    if line.chars().count() > MAX_LINE_CHARS {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_diff_shows_the_change_and_hides_every_secret() {
        let old = json!({"mcpServers": {"x": {"env": {"TOKEN": "tok_\"12345678", "LEVEL": "1"}}}});
        let mut new = old.clone();
        new["mcpServers"]["bureau"] =
            json!({"command": "/bin/bureau", "env": {"BUREAU_API_KEY": "bur_12345678"}});
        let (old, new) = (format!("{old:#}"), format!("{new:#}"));
        let secrets = secrets([&old, &new]);
        let text = diff(Path::new("/f.json"), &old, &new, &secrets, false);
        assert!(text.contains("+     \"bureau\": {"), "{text}");
        assert!(text.contains("\"BUREAU_API_KEY\": \"(hidden)\""), "{text}");
        assert!(
            !text.contains("12345678") && !text.contains('\u{1b}'),
            "{text}"
        );
        let coloured = diff(Path::new("/f.json"), &old, &new, &secrets, true);
        assert!(coloured.contains("\u{1b}[32m+ "), "{coloured:?}");
    }
}
