//! What countries are called in the languages that documents are written in: one table, by which documents name them and the
//! kernel understands them.
//!
//! `names.tsv` has the territories' names of the Unicode CLDR 48.2 (`cldr-localenames-full`, `main/*/territories.json`) for each
//! code of ISO 3166-1 and for Kosovo (XK), under the licence in `LICENSE-UNICODE.txt`. Hong Kong, Macao, Palestine and Myanmar have
//! the CLDR's short form where there is one (`-alt-short`): it is what an envelope says.

/// A head with the languages (ISO 639-1), then a country a line, by its code.
const TABLE: &str = include_str!("names.tsv");

/// What a country (ISO 3166-1 alpha-2, in capitals) is called in a language (ISO 639-1); none where either is not in the table.
#[must_use]
pub fn name(code: &str, language: &str) -> Option<&'static str> {
    let (head, rows) = TABLE.split_once('\n')?;
    let column = head.split('\t').skip(1).position(|one| one == language)?;
    let mut rows = rows.lines().filter_map(|row| row.split_once('\t'));
    let (_, names) = rows.find(|(country, _)| *country == code)?;
    names.split('\t').nth(column)
}

/// Every country by its code (ISO 3166-1 alpha-2), once with each of its names.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = TABLE.lines().skip(1);
    rows.filter_map(|row| row.split_once('\t'))
        .flat_map(|(code, names)| names.split('\t').map(move |name| (code, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_named_in_each_language() {
        for (language, austria) in [
            ("ar", "النمسا"),
            ("de", "Österreich"),
            ("en", "Austria"),
            ("es", "Austria"),
            ("fr", "Autriche"),
            ("he", "אוסטריה"),
            ("it", "Austria"),
            ("nl", "Oostenrijk"),
        ] {
            assert_eq!(name("AT", language), Some(austria));
            assert!(name("AD", language).is_some() && name("ZW", language).is_some());
        }
        for (code, language) in [
            ("AT", "pl"),
            ("XX", "en"),
            ("at", "en"),
            ("code", "en"),
            ("", ""),
        ] {
            assert_eq!(name(code, language), None, "{code} {language}");
        }
    }

    #[test]
    fn no_country_lacks_a_name() {
        assert!(TABLE.lines().all(|row| row.split('\t').count() == 9));
        assert!(names().all(|(code, name)| code.len() == 2 && !name.trim().is_empty()));
        assert_eq!(names().count(), 250 * 8);
    }
}
