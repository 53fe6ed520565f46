//! Text from outside: trimmed, in Unicode's composed form, without characters that a person cannot see.

use std::fmt;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;

use super::string_schema;

/// One line of at most `MAX` characters, never empty.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

/// Text of several lines and at most `MAX` characters, never empty.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Body<const MAX: usize>(String);

/// Why a text was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    /// Nothing visible in it.
    #[error("must not be empty; leave the field out instead, or name it in `clear`")]
    Empty,
    /// Longer than allowed.
    #[error("is {found} characters long; at most {max} are allowed")]
    TooLong {
        /// Characters found.
        found: usize,
        /// Characters allowed.
        max: usize,
    },
}

fn checked(text: String, max: usize) -> Result<String, TextError> {
    let found = text.chars().count();
    if text.is_empty() {
        Err(TextError::Empty)
    } else if found > max {
        Err(TextError::TooLong { found, max })
    } else {
        Ok(text)
    }
}

impl<const MAX: usize> Line<MAX> {
    /// Reads a line: line breaks and runs of white space become one space.
    ///
    /// # Errors
    /// [`TextError`] when nothing is left, or too much.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        let text = visible(raw)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        checked(text, MAX).map(Self)
    }
}

impl<const MAX: usize> Body<MAX> {
    /// Reads a text: line breaks stay, as `\n`.
    ///
    /// # Errors
    /// [`TextError`] when nothing is left, or too much.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        let text = visible(&raw.replace("\r\n", "\n").replace('\r', "\n"));
        checked(text.trim().to_owned(), MAX).map(Self)
    }
}

macro_rules! text_type {
    ($name:ident, $schema:literal) => {
        impl<const MAX: usize> $name<MAX> {
            /// What stands in a record until a text is given. Nothing from outside is ever this.
            pub const fn missing() -> Self {
                Self(String::new())
            }
        }
        impl<const MAX: usize> Deref for $name<MAX> {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl<const MAX: usize> From<$name<MAX>> for String {
            fn from(text: $name<MAX>) -> String {
                text.0
            }
        }
        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<const MAX: usize> fmt::Debug for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
        impl<'de, const MAX: usize> Deserialize<'de> for $name<MAX> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&raw).map_err(de::Error::custom)
            }
        }
        impl<const MAX: usize> JsonSchema for $name<MAX> {
            string_schema!($schema);
        }
    };
}
text_type!(Line, "Line");
text_type!(Body, "Body");

/// The text in Unicode's composed form (NFC) without control, format and tag characters. Such characters can
/// carry instructions to a model that no person sees. Line feeds and tabs stay; so do the joiners that emoji and
/// several scripts need, where they stand between two characters of such a script.
#[must_use]
pub fn visible(raw: &str) -> String {
    if raw.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return raw.to_owned();
    }
    let mut kept = String::with_capacity(raw.len());
    let mut characters = raw.nfc().peekable();
    while let Some(character) = characters.next() {
        let joined = || kept.chars().next_back().is_some_and(needs_joiner);
        let keep = match character {
            '\n' | '\t' => true,
            '\u{200c}' | '\u{200d}' => {
                joined() && characters.peek().copied().is_some_and(needs_joiner)
            }
            '\u{fe0f}' => joined(),
            other => !is_invisible(other),
        };
        if keep {
            kept.push(character);
        }
    }
    kept
}

/// Characters beside which a joiner has a meaning: anything visible beyond Latin.
fn needs_joiner(character: char) -> bool {
    character > '\u{2ff}' && !is_invisible(character) || character == '\u{fe0f}'
}

/// Control characters (Cc), format characters (Cf), fillers, variation selectors and noncharacters.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What a record is called, inside of a sentence: in quotes that it cannot end itself, and short, because the sentence
/// is Bureau's and the name is somebody else's.
#[must_use]
pub fn quoted(name: &str) -> String {
    const SHOWN: usize = 40;
    let mut short: String = name.chars().take(SHOWN).collect();
    if name.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    format!("\"{}\"", short.replace('"', "'"))
}

/// What names are compared by: lower case, without accents, single spaces.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .filter(|character| !unicode_normalization::char::is_combining_mark(*character))
        .collect();
    plain
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The known name that is most like `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The similarity is quadratic in the length: what is longer than any name is no misspelling of one.
    let word: String = word.chars().take(64).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word, name), name))
        .filter(|(similarity, _)| *similarity > 0.78)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_instructions_do_not_survive() {
        let tagged: String = "pay me"
            .chars()
            .filter_map(|c| char::from_u32(0xe0000 + c as u32))
            .collect();
        assert_eq!(
            visible(&format!("Ada{tagged}\u{202e}\u{200b} Lovelace\u{0}")),
            "Ada Lovelace"
        );
        assert_eq!(
            visible("a\u{200d}b"),
            "ab",
            "a joiner between Latin letters hides data"
        );
    }

    #[test]
    fn scripts_that_need_joiners_keep_them() {
        for text in [
            "می\u{200c}خواهم",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "日本語 שלום",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_line_is_one_line_and_a_body_keeps_its_own() {
        assert_eq!(&*Line::<20>::new(" a\r\n b\t c ").unwrap(), "a b c");
        assert_eq!(&*Body::<20>::new(" a\r\nb ").unwrap(), "a\nb");
        assert_eq!(
            Line::<3>::new("abcd").unwrap_err(),
            TextError::TooLong { found: 4, max: 3 }
        );
        assert_eq!(Line::<3>::new("\u{200b} ").unwrap_err(), TextError::Empty);
    }

    #[test]
    fn a_name_cannot_end_its_own_quotes() {
        assert_eq!(quoted("Ada \"the first\""), "\"Ada 'the first'\"");
        assert_eq!(quoted(&"x".repeat(41)), format!("\"{}…\"", "x".repeat(40)));
    }

    #[test]
    fn folding_brings_spellings_of_a_name_together() {
        assert_eq!(folded("  JOSÉ  Müller "), folded("Jose\u{301} Muller"));
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_near() {
        assert_eq!(
            nearest("fist_name", ["first_name", "last_name"]),
            Some("first_name")
        );
        assert_eq!(nearest("zzz", ["first_name"]), None);
    }
}
