//! Telephone numbers.

use phonenumber::{Mode, country};

/// The number in E.164 form (`+14155550123`), when it is a valid one: written internationally, or nationally where
/// `region` (ISO 3166-1 alpha-2) is known. A number that is not valid has no such form and is kept as written.
#[must_use]
pub fn e164(raw: &str, region: Option<&str>) -> Option<String> {
    let region: Option<country::Id> = region.and_then(|code| code.parse().ok());
    let number = phonenumber::parse(region, raw).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())
}

/// What two spellings of one number have in common where no E.164 form is known: its digits.
#[must_use]
pub fn digits(raw: &str) -> String {
    raw.chars().filter(char::is_ascii_digit).collect()
}

/// Whether the text can be a telephone number at all: 3 to 20 digits and the usual punctuation.
#[must_use]
pub fn plausible(raw: &str) -> bool {
    let count = digits(raw).len();
    (3..=20).contains(&count)
        && raw
            .chars()
            .all(|c| c.is_ascii_digit() || " +-()./xext#*,;".contains(c.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_number_needs_its_region() {
        assert_eq!(
            e164("030 901820", Some("DE")).as_deref(),
            Some("+4930901820")
        );
        assert_eq!(e164("030 901820", None), None);
        assert_eq!(
            e164("+49 (30) 90 18 20", None).as_deref(),
            Some("+4930901820")
        );
    }

    #[test]
    fn words_are_no_number() {
        assert!(plausible("+1 (415) 555-0123 ext 4") && !plausible("call me") && !plausible("12"));
    }
}
