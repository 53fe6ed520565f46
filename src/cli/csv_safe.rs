//! Cells that a spreadsheet takes for what they are, and not for a formula.

use std::borrow::Cow;

use bureau_kernel::import::begins_a_formula;

/// The text with an apostrophe before it where a spreadsheet would take it for a formula. Numbers, and telephone numbers as
/// people write them, are harmless and stay as they are; a text that begins so with apostrophes of its own gets one more,
/// so that an import finds the very text again.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let harmless = text.starts_with(['+', '-'])
        && text
            .chars()
            .skip(1)
            .all(|c| c.is_ascii_digit() || " .,()/-".contains(c))
        && text.contains(|c: char| c.is_ascii_digit());
    if !harmless && begins_a_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for a cell of somebody else's table: one that is a text already stays as it is.
pub(super) fn guarded(cell: &str) -> Cow<'_, str> {
    if cell.starts_with('\'') {
        Cow::Borrowed(cell)
    } else {
        escaped(cell)
    }
}

#[cfg(test)]
mod tests {
    use bureau_kernel::import::unescaped;

    use super::*;

    #[test]
    fn a_formula_becomes_a_text_and_comes_back_as_it_was() {
        for text in [
            "=1+1",
            "+cmd",
            "-2+3",
            "@SUM(A1)",
            "\tx",
            "'=1",
            "''@x",
            "＝1",
            "+49 30 1 ext 4",
        ] {
            let cell = escaped(text);
            assert!(cell.starts_with('\''), "{text}");
            assert_eq!(unescaped(&cell), text);
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
        ] {
            assert_eq!(escaped(text), text);
            assert_eq!(unescaped(text), text);
        }
    }
}
