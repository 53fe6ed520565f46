//! Texts that a spreadsheet would take for formulas: written so that it does not, and read again as they were.
//!
//! Who reads a table splits it where they think that cells end. A reader that expects semicolons or tabs, or knows no quotation
//! marks, splits inside of our cells. So whatever follows a separator is treated like the beginning of a cell.

use std::borrow::Cow;

/// What some reader or other takes for the end of a cell.
const SEPARATORS: [char; 5] = [',', ';', '\t', '\r', '\n'];

/// The text as a cell that no reader takes for a formula: with an apostrophe before it and before each part of it that begins
/// as a formula does. Numbers, and telephone numbers as people write them, are harmless and stay as they are.
///
/// [`unescaped`] gives the very text again.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if is_number(text) || places(text).next().is_none() {
        return Cow::Borrowed(text);
    }
    let mut cell = String::with_capacity(text.len() + 8);
    // The first apostrophe also says that there may be more, so that in a table of somebody else none is taken away.
    cell.push('\'');
    let mut done = 0;
    for place in places(text).filter(|place| *place > 0) {
        cell.push_str(text.get(done..place).unwrap_or_default());
        cell.push('\'');
        done = place;
    }
    cell.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(cell)
}

/// The text of a cell, without the apostrophes that [`escaped`] put there.
#[must_use]
pub fn unescaped(cell: &str) -> Cow<'_, str> {
    let Some(rest) = cell
        .strip_prefix('\'')
        .filter(|rest| places(rest).next().is_some())
    else {
        return Cow::Borrowed(cell);
    };
    let mut text = String::with_capacity(rest.len());
    let mut done = 0;
    for place in places(rest).filter(|place| *place > 0) {
        text.push_str(rest.get(done..place).unwrap_or_default());
        done = place
            + rest
                .get(place..)
                .map_or(0, |part| usize::from(part.starts_with('\'')));
    }
    text.push_str(rest.get(done..).unwrap_or_default());
    Cow::Owned(text)
}

/// A cell of somebody else's table, such that it still says the same.
#[must_use]
pub fn guarded(cell: &str) -> Cow<'_, str> {
    match unescaped(cell) {
        Cow::Borrowed(text) => escaped(text),
        Cow::Owned(text) => Cow::Owned(escaped(&text).into_owned()),
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix(['+', '-']).is_some_and(|rest| {
        rest.chars()
            .all(|c| c.is_ascii_digit() || " .,()/-".contains(c))
            && rest.contains(|c: char| c.is_ascii_digit())
    })
}

/// Where the parts of a text begin that are as a formula is, apostrophes aside: behind the blanks and quotation marks that a
/// reader may take away, and 0 for the first part.
fn places(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut next = 0;
    text.split_inclusive(SEPARATORS).filter_map(move |part| {
        let start = next;
        next += part.len();
        let rest = text.get(start..)?;
        let bare = rest.trim_start_matches(|c| is_blank(c) || c == '\'');
        if !begins_a_formula(bare, start > 0) {
            return None;
        }
        let blanks = rest.len() - rest.trim_start_matches(is_blank).len();
        Some(if start > 0 { start + blanks } else { 0 })
    })
}

fn is_blank(character: char) -> bool {
    character == '"' || character.is_whitespace() && !SEPARATORS.contains(&character)
}

/// Whether a spreadsheet would take a text for a formula, or takes away what it begins with and looks again. Line breaks within
/// a text are no more than that: what follows them is looked at by itself.
fn begins_a_formula(text: &str, within: bool) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
        && !(within && (text.starts_with('\n') || text.starts_with("\r\n")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_formula_becomes_a_text_and_comes_back_as_it_was() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("''@x", "'''@x"),
            ("＝1", "'＝1"),
            ("+49 30 1 ext 4", "'+49 30 1 ext 4"),
            (" \"=1", "' \"=1"),
            ("x;=cmd|' /C calc'!A0;y", "'x;'=cmd|' /C calc'!A0;y"),
            ("a\t@b", "'a\t'@b"),
            ("a, \"=b\"", "'a, \"'=b\""),
            ("a;'-1", "'a;''-1"),
            (
                "one\n\n- two\r\n\r\n+ three",
                "'one\n\n'- two\r\n\r\n'+ three",
            ),
            ("a;\t\tb", "'a;'\t'\tb"),
            ("+1; +2", "'+1; '+2"),
        ] {
            assert_eq!(escaped(text), cell);
            assert_eq!(unescaped(cell), text);
            assert_eq!(guarded(cell), cell, "it is safe already");
        }
    }

    #[test]
    fn numbers_and_what_is_harmless_stay_as_they_are() {
        for text in [
            "-5.00",
            "+49 (30) 901820",
            "+49-30/90",
            "'tis",
            "a=b",
            "",
            "12",
            "-1,234.50",
            "2026-11-20",
            "a-b; c+d, e@f",
            "one\r\n\r\ntwo\n\nthree",
        ] {
            assert_eq!(escaped(text), text);
            assert_eq!(unescaped(text), text);
        }
    }

    #[test]
    fn apostrophes_of_a_table_of_somebody_else_stay() {
        for cell in ["say, '-5'", "rock; '+1' roll", "'tis, 'twas"] {
            assert_eq!(unescaped(cell), cell);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "[-=+@＝'\" ,;\t\r\na1\u{a0}.]{0,12}") {
            let cell = escaped(&text);
            prop_assert_eq!(unescaped(&cell), text.as_str());
            let again = guarded(&cell);
            prop_assert_eq!(unescaped(&again), text.as_str());
        }
    }
}
