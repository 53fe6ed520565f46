//! The part of a text in which what was searched for stands.

use crate::types::text::folded;

/// Characters of a passage at the most, without the dots at its ends.
const LONGEST: usize = 200;
/// Characters of it before the first word that was searched for.
const BEFORE: usize = 60;

/// Whether a word of a text is one that was searched for: by its beginning, or with a typo.
fn is_found(word: &str, searched: &str) -> bool {
    let typos = match searched.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    };
    word.starts_with(searched) || (typos > 0 && strsim::osa_distance(searched, word) <= typos)
}

/// The words of a text as they are compared, each with the byte at which it begins.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut start = None;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (at, c) in ends {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                let word = text.get(begin..at).unwrap_or_default();
                words.push((begin, folded(word)));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// How many of these words a text has.
fn count(text: &str, searched: &[String]) -> usize {
    let words = words(text);
    let has = |one: &&String| words.iter().any(|(_, word)| is_found(word, one));
    searched.iter().filter(has).count()
}

/// Where in one of these texts most of the searched words stand: the text, or the part of it round the first of them. None where
/// no text has more of them than what the record is called by.
pub(crate) fn passage<'a>(
    title: &str,
    texts: impl IntoIterator<Item = &'a String>,
    searched: &[String],
) -> Option<String> {
    let mut best: Option<(usize, &String)> = None;
    for text in texts {
        let found = count(text, searched);
        if found > best.map_or(count(title, searched), |(most, _)| most) {
            best = Some((found, text));
        }
    }
    best.map(|(_, text)| around(text, searched))
}

/// The part of a text round the first searched word, cut between words.
fn around(text: &str, searched: &[String]) -> String {
    let flat: Vec<&str> = text.split_whitespace().collect();
    let text = flat.join(" ");
    let words = words(&text);
    let is_it = |(_, word): &&(usize, String)| searched.iter().any(|one| is_found(word, one));
    let first = words.iter().find(is_it).map_or(0, |(at, _)| *at);
    let chars = text.chars().count();
    if chars <= LONGEST {
        return text;
    }
    let first = text.get(..first).map_or(0, |before| before.chars().count());
    let start = first.saturating_sub(BEFORE).min(chars - LONGEST);
    let cut: String = text.chars().skip(start).take(LONGEST).collect();
    let end = start + LONGEST;
    let cut = match (start, cut.split_once(' ')) {
        (1.., Some((_, rest))) => format!("…{rest}"),
        _ => cut,
    };
    match (end < chars, cut.rsplit_once(' ')) {
        (true, Some((kept, _))) => format!("{kept}…"),
        _ => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_text_with_most_of_the_words_is_shown() {
        let texts = [
            "Lamps".to_owned(),
            "New lamps for the old Lighthouse".into(),
        ];
        let found = |title, words: &[&str]| passage(title, &texts, &searched(words));
        assert_eq!(
            found("Harbour", &["lamps", "light"]).as_deref(),
            Some("New lamps for the old Lighthouse")
        );
        assert_eq!(found("Harbour", &["lamps"]).as_deref(), Some("Lamps"));
        // With a typo, and not what is called so already.
        assert_eq!(
            found("Harbour", &["lighthuose"]).as_deref(),
            Some("New lamps for the old Lighthouse")
        );
        assert_eq!(
            found("Lamps and lighthouse", &["lamps", "lighthouse"]),
            None
        );
        assert_eq!(found("Harbour", &["pier"]), None);
    }

    #[test]
    fn a_long_text_is_cut_between_words_round_the_first_of_them() {
        let long = format!(
            "{}needle and thread {}",
            "hay ".repeat(100),
            "straw ".repeat(100)
        );
        let cut = passage("", [&long], &searched(&["needle"])).unwrap();
        assert!(cut.contains("needle and thread"), "{cut}");
        assert!(
            cut.starts_with("…hay ") && cut.ends_with(" straw…"),
            "{cut}"
        );
        assert!(cut.chars().count() <= LONGEST + 2, "{cut}");
        let end = format!("{}ende", "ä ".repeat(300));
        let cut = passage("", [&end], &searched(&["ende"])).unwrap();
        assert!(cut.ends_with(" ende"), "{cut}");
    }
}
