//! Names of measures and of what they are taken apart by, as a caller writes them.

use bureau_kernel::prelude::*;
use bureau_kernel::types::text::{folded, nearest};

/// A name, and what else people call it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) also: &'static [&'static str],
}

/// One that people call nothing else.
pub(crate) const fn choice(name: &'static str) -> Choice {
    also(name, &[])
}

/// One of several names.
pub(crate) const fn also(name: &'static str, also: &'static [&'static str]) -> Choice {
    Choice { name, also }
}

/// The one that a caller means.
///
/// # Errors
/// [`Code::Validation`] naming the field, with those that may be meant, or all.
pub(crate) fn chosen(field: &str, asked: &str, choices: &[Choice]) -> Result<&'static str> {
    let key = key(asked);
    let is_it =
        |choice: &&Choice| choice.name == key || choice.also.iter().any(|other| *other == key);
    let known = choices.iter().map(|choice| choice.name);
    // In the singular too.
    let found = choices.iter().find(is_it).or_else(|| {
        let singular = key.strip_suffix('s')?;
        choices.iter().find(|choice| choice.name == singular)
    });
    if let Some(found) = found {
        return Ok(found.name);
    }
    let parts: Vec<&str> = known.clone().filter(|name| name.contains(&key)).collect();
    match parts.as_slice() {
        [only] if !key.is_empty() => Ok(only),
        [] | [_] => {
            let error = Error::invalid(field, format!("{field} has no {asked:?}."));
            let all = known.clone().collect::<Vec<_>>().join(", ");
            Err(match nearest(&key, known) {
                Some(name) => error.hint(format!("Did you mean {name}? There are: {all}.")),
                None => error.hint(format!("There are: {all}.")),
            })
        }
        several => {
            let message = format!("{asked:?} may be several of {field}.");
            Err(Error::invalid(field, message).hint(format!("Say which: {}.", several.join(", "))))
        }
    }
}

/// Those that a caller means, each once.
///
/// # Errors
/// As [`chosen`]; [`Code::Validation`] for more than `most`.
pub(crate) fn all_chosen(
    field: &str,
    asked: &[ShortText<60>],
    choices: &[Choice],
    most: usize,
) -> Result<Vec<&'static str>> {
    let mut all = Vec::new();
    for asked in asked {
        let name = chosen(field, asked, choices)?;
        if !all.contains(&name) {
            all.push(name);
        }
    }
    if all.len() > most {
        let message = format!("{field} takes {most} at most.");
        return Err(Error::invalid(field, message).hint("Ask in several calls."));
    }
    Ok(all)
}

fn key(text: &str) -> String {
    folded(text).replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICES: &[Choice] = &[
        also("volume", &["opened"]),
        choice("first_response"),
        choice("next_response"),
        choice("handovers"),
        choice("team"),
    ];

    #[test]
    fn a_name_is_understood_in_other_words_or_refused_with_the_candidates() {
        for (asked, name) in [
            ("Volume", "volume"),
            ("opened", "volume"),
            ("First response", "first_response"),
            ("handover", "handovers"),
            ("teams", "team"),
        ] {
            assert_eq!(chosen("measures", asked, CHOICES).unwrap(), name, "{asked}");
        }
        let error = chosen("measures", "response", CHOICES).unwrap_err();
        assert_eq!(
            error.hint_text(),
            Some("Say which: first_response, next_response.")
        );
        let error = chosen("measures", "wolume", CHOICES).unwrap_err();
        assert!(
            error
                .hint_text()
                .unwrap()
                .starts_with("Did you mean volume?")
        );
        let error = chosen("measures", "", CHOICES).unwrap_err();
        assert!(error.hint_text().unwrap().contains("handovers"));
        let error = chosen("measures", "xyz", CHOICES).unwrap_err();
        assert_eq!(
            error.hint_text(),
            Some("There are: volume, first_response, next_response, handovers, team.")
        );
    }
}
