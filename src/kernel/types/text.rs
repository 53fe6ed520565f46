//! Text from outside: trimmed, in Unicode's composed form, without characters that a person cannot see.

use std::fmt;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{EmojiStatus, GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};

use super::string_schema;

/// One line of at most `MAX` characters, never empty.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ShortText<const MAX: usize>(String);

/// Text of several lines and at most `MAX` characters, never empty.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct LongText<const MAX: usize>(String);

/// Why a text was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    /// Nothing visible in it.
    #[error(
        "must not be empty; leave the field out instead, or name it in `clear` where there is that"
    )]
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

impl<const MAX: usize> ShortText<MAX> {
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

impl<const MAX: usize> LongText<MAX> {
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
text_type!(ShortText, "ShortText");
text_type!(LongText, "LongText");

/// The text in Unicode's composed form (NFC) without characters that nobody sees, which can carry instructions to a model
/// past every person: controls but line feed and tab, format characters, fillers, tags, private use, noncharacters and
/// variation selectors.
///
/// Kept are, each once and only where it changes what is seen: the joiners between letters of scripts that join or stack
/// theirs and the one between emoji, and the selector that makes an emoji of a character that is text by itself.
#[must_use]
pub fn visible(raw: &str) -> String {
    if raw.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return raw.to_owned();
    }
    // What is taken away may have stood between characters that compose, and what composes may be what a joiner stood by.
    let mut text: String = raw.nfc().collect();
    loop {
        let seen: String = seen(&text).nfc().collect();
        if seen == text {
            return seen;
        }
        text = seen;
    }
}

fn seen(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let before = kept.chars().next_back();
        let after = characters.peek().copied();
        let between = |fits: fn(char) -> bool| before.is_some_and(fits) && after.is_some_and(fits);
        let keep = match character {
            '\n' | '\t' => true,
            '\u{200c}' => between(joins),
            '\u{200d}' => between(joins) || between(is_part_of_emoji),
            '\u{fe0f}' => before.is_some_and(|before| becomes_emoji(before, after)),
            other => !is_invisible(other),
        };
        if keep {
            kept.push(character);
        }
    }
    kept
}

/// Characters of scripts in which a joiner changes how letters are drawn: from Arabic to the Indic ones, Khmer, Mongolian
/// and their likes.
fn joins(character: char) -> bool {
    matches!(character,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1700}'..='\u{18af}'
        | '\u{1a20}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}' | '\u{a840}'..='\u{a8ff}' | '\u{a980}'..='\u{a9df}'
        | '\u{aa60}'..='\u{aa7f}' | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{10ac0}'..='\u{10aff}' | '\u{10d00}'..='\u{10d3f}'
        | '\u{10f30}'..='\u{10fdf}' | '\u{11000}'..='\u{1193f}' | '\u{1e900}'..='\u{1e95f}')
        && !is_invisible(character)
}

/// An emoji, or the selector behind one: the parts of which families and flags are put together.
fn is_part_of_emoji(character: char) -> bool {
    character == '\u{fe0f}' || !character.is_ascii() && character.is_emoji_char()
}

/// Whether the selector is what makes an emoji of this character. Those that are emoji by themselves need none, and a digit
/// is one only on a key.
fn becomes_emoji(before: char, after: Option<char>) -> bool {
    match before.emoji_status() {
        EmojiStatus::EmojiOther | EmojiStatus::EmojiModifierBase => true,
        EmojiStatus::EmojiOtherAndEmojiComponent => after == Some('\u{20e3}'),
        _ => false,
    }
}

fn is_invisible(character: char) -> bool {
    match character.general_category() {
        GeneralCategory::Control | GeneralCategory::PrivateUse => true,
        // The signs of Arabic, Syriac and Kaithi that are drawn under or before a number are format characters, and seen.
        GeneralCategory::Format => !matches!(character,
            '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{110bd}'
            | '\u{110cd}'),
        // What is not assigned may be seen one day, but for what Unicode set aside to be ignored, or to be no character.
        GeneralCategory::Unassigned => {
            u32::from(character) & 0xfffe == 0xfffe
                || matches!(character,
                    '\u{2065}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
        }
        // Fillers, separators of lines and variation selectors.
        _ => matches!(character,
            '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2028}'..='\u{2029}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'),
    }
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

/// The plural of an English noun of those that records are called by.
#[must_use]
pub fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with("series") => noun.to_owned(),
        _ => format!("{noun}s"),
    }
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
    fn scripts_and_emoji_keep_what_they_need() {
        for text in [
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧",
            "👩🏽\u{200d}🚀",
            "🏳\u{fe0f}\u{200d}🌈",
            "🕵\u{fe0f}\u{200d}♂\u{fe0f}",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "日本語 שלום",
            "\u{600}12",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn what_is_not_seen_counts_nothing_between_what_is() {
        // An order as run lengths between ideographs, as bits between them, and behind emoji.
        for hidden in [
            "\u{fe0f}",
            "\u{fe0e}",
            "\u{e0100}",
            "\u{200d}",
            "\u{200c}",
            "\u{180b}",
        ] {
            for (before, after) in [
                ("漢", "字"),
                ("a", "b"),
                ("ж", "щ"),
                ("1", "2"),
                ("⚡", "⚡"),
            ] {
                for times in 1..4 {
                    let text = format!("{before}{}{after}", hidden.repeat(times));
                    let kept = if (before, hidden) == ("⚡", "\u{200d}") {
                        hidden
                    } else {
                        ""
                    };
                    assert_eq!(
                        visible(&text),
                        format!("{before}{kept}{after}"),
                        "{hidden:?} {times}"
                    );
                }
            }
        }
        assert_eq!(visible("❤\u{fe0f}\u{fe0f}\u{fe0f}"), "❤\u{fe0f}");
        assert_eq!(visible("می\u{200c}\u{200c}خ"), "می\u{200c}خ");
    }

    /// What nobody sees, told from what Unicode says and not from how it is taken away.
    fn is_hidden(character: char) -> bool {
        let code = u32::from(character);
        let seen_signs = [
            0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6dd, 0x70f, 0x890, 0x891, 0x8e2, 0x110bd,
            0x110cd,
        ];
        match character.general_category() {
            GeneralCategory::Control => !matches!(character, '\n' | '\t'),
            GeneralCategory::Format => !seen_signs.contains(&code),
            GeneralCategory::PrivateUse => true,
            _ => {
                let noncharacter = code % 0x10000 >= 0xfffe || (0xfdd0..=0xfdef).contains(&code);
                let selector =
                    (0xfe00..=0xfe0f).contains(&code) || (0xe0000..=0xe0fff).contains(&code);
                noncharacter || selector
            }
        }
    }

    #[test]
    fn of_all_of_unicode_nothing_hidden_survives() {
        let assigned = ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{e0fff}');
        let others = ('\u{40000}'..=char::MAX)
            .step_by(97)
            .chain(['\u{10fffd}', char::MAX]);
        let noncharacters = (0..=16).filter_map(|plane| char::from_u32(plane * 0x10000 + 0xfffe));
        for c in assigned.chain(others).chain(noncharacters) {
            let text = format!("{c}a{c}b{c}{c}字{c}{c}字{c}❤{c}⚡{c}⚡{c}ب{c}ب{c}1{c}\u{20e3}{c}");
            let once = visible(&text);
            assert_eq!(visible(&once), once, "{c:?} twice");
            let kept = |kept: &char| matches!(kept, '\u{200c}' | '\u{200d}' | '\u{fe0f}');
            let hidden = once.chars().find(|seen| is_hidden(*seen) && !kept(seen));
            assert_eq!(hidden, None, "{c:?}");
            assert!(
                once.chars().filter(kept).count() <= 4,
                "{c:?} stays at {once:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(
            text in "[ae\u{301}\u{308}字❤⚡👩🏽1\u{20e3}ب\u{93c}क्\u{1100}\u{1161}\u{200c}\u{200d}\u{fe0f}\u{fe0e}\u{202e}\u{e0041}\u{340}\n ]{0,24}"
        ) {
            let once = visible(&text);
            proptest::prop_assert_eq!(visible(&once), once);
        }
    }

    #[test]
    fn a_line_is_one_line_and_a_body_keeps_its_own() {
        assert_eq!(&*ShortText::<20>::new(" a\r\n b\t c ").unwrap(), "a b c");
        assert_eq!(&*LongText::<20>::new(" a\r\nb ").unwrap(), "a\nb");
        assert_eq!(
            ShortText::<3>::new("abcd").unwrap_err(),
            TextError::TooLong { found: 4, max: 3 }
        );
        assert_eq!(
            ShortText::<3>::new("\u{200b} ").unwrap_err(),
            TextError::Empty
        );
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
