//! Countries, by whatever name people use for them.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::string_schema;
use super::text::{ShortText, TextError, folded};

/// A country: its ISO 3166-1 alpha-2 code, or what was written where that names no country.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Country(String);

impl Country {
    /// None: what a column holds before one is given.
    pub(crate) const fn missing() -> Self {
        Self(String::new())
    }

    /// What it is called in English; what was written where that names no country.
    #[must_use]
    pub fn name(&self) -> &str {
        rust_iso3166::from_alpha2(&self.0).map_or(&self.0, |country| country.name)
    }

    /// Its code, where it is known.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        rust_iso3166::from_alpha2(&self.0).map(|_| self.0.as_str())
    }
}

impl FromStr for Country {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, TextError> {
        let text = ShortText::<60>::new(raw)?;
        Ok(Self(
            code_of(&text).map_or_else(|| text.to_string(), str::to_owned),
        ))
    }
}

/// Names beside those of the standard and of the table of countries, folded: how people say it, and what the country calls itself.
const NAMES: &[(&str, &[&str])] = &[
    ("AE", &["uae", "emirates", "vae"]),
    ("AT", &["oesterreich"]),
    ("CI", &["ivory coast", "elfenbeinkuste"]),
    ("CN", &["prc", "people's republic of china", "中国", "中國"]),
    ("CZ", &["czech republic", "cesko", "ceska republika"]),
    (
        "DE",
        &[
            "brd",
            "bundesrepublik deutschland",
            "federal republic of germany",
        ],
    ),
    ("DK", &["danmark"]),
    ("EE", &["eesti"]),
    ("FI", &["suomi"]),
    ("FR", &["republique francaise"]),
    (
        "GB",
        &[
            "uk",
            "great britain",
            "britain",
            "england",
            "scotland",
            "wales",
            "northern ireland",
            "grossbritannien",
            "großbritannien",
        ],
    ),
    ("GR", &["hellas", "ελλαδα"]),
    ("HK", &["hong kong sar"]),
    ("HR", &["hrvatska"]),
    ("HU", &["magyarorszag"]),
    ("IE", &["eire", "republic of ireland"]),
    ("IN", &["bharat"]),
    ("JP", &["nippon", "日本"]),
    ("KR", &["korea", "republic of korea", "대한민국", "한국"]),
    ("LT", &["lietuva"]),
    ("LV", &["latvija"]),
    ("MD", &["moldawien"]),
    ("NL", &["holland", "the netherlands"]),
    ("NO", &["norge"]),
    ("PL", &["polska"]),
    ("RS", &["srbija"]),
    ("RU", &["россия"]),
    ("SE", &["sverige"]),
    ("SI", &["slovenija"]),
    ("SK", &["slovensko"]),
    ("TR", &["turkey"]),
    ("UA", &["україна"]),
    ("US", &["usa", "u.s.", "u.s.a.", "america"]),
    ("VA", &["vatican", "vatikan"]),
];

/// Every name but those of the standard, as [`compared`], with its country's code.
static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let said = NAMES
        .iter()
        .flat_map(|(code, names)| names.iter().map(|name| (*code, *name)));
    bureau_countries::names()
        .filter(|(code, _)| rust_iso3166::from_alpha2(code).is_some())
        .chain(said)
        .map(|(code, name)| (compared(name), code))
        .collect()
});

/// What names of countries are compared by: an apostrophe is written in two ways.
fn compared(name: &str) -> String {
    folded(name).replace('’', "'")
}

/// The code of the country that is named by a code, in a language that documents are written in, or as it calls itself; none where
/// that names none, or more than one.
#[must_use]
pub fn code_of(text: &str) -> Option<&'static str> {
    let wanted = compared(text);
    let by_code = match wanted.to_ascii_uppercase().as_str() {
        code if code.len() == 2 => rust_iso3166::from_alpha2(code),
        code if code.len() == 3 => rust_iso3166::from_alpha3(code),
        _ => None,
    };
    if let Some(country) = by_code {
        return Some(country.alpha2);
    }
    if let Some(code) = CODES.get(&wanted) {
        return Some(code);
    }
    let all = || {
        rust_iso3166::ALL_ALPHA2
            .iter()
            .filter_map(|code| rust_iso3166::from_alpha2(code))
    };
    // The list has `Netherlands (Kingdom of the)` and `United Kingdom of Great Britain and Northern Ireland`.
    let mut longer = all().filter(|country| {
        let name = compared(country.name);
        name.strip_prefix(&wanted)
            .is_some_and(|rest| rest.starts_with(" (") || rest.starts_with(" of "))
    });
    let exact = all().find(|country| compared(country.name) == wanted);
    match (exact, longer.next(), longer.next()) {
        (Some(country), ..) | (None, Some(country), None) => Some(country.alpha2),
        _ => None,
    }
}

impl Deref for Country {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        raw.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Country {
    string_schema!("Country");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_its_code_by_whatever_name() {
        for (text, code) in [
            ("de", "DE"),
            ("DEU", "DE"),
            ("Germany", "DE"),
            ("Deutschland", "DE"),
            ("ÖSTERREICH", "AT"),
            ("netherlands", "NL"),
            ("Holland", "NL"),
            ("United Kingdom", "GB"),
            ("UK", "GB"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("United  States", "US"),
            ("United States of America", "US"),
            ("España", "ES"),
            ("Niger", "NE"),
            ("Georgia", "GE"),
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("Suomi", "FI"),
            ("Vereinigtes Königreich", "GB"),
            ("Países Bajos", "NL"),
            ("Oostenrijk", "AT"),
            ("Costa d'Avorio", "CI"),
            ("الإمارات العربية المتحدة", "AE"),
            ("ישראל", "IL"),
            ("Atlantis", "Atlantis"),
        ] {
            assert_eq!(&**text.parse::<Country>().as_ref().unwrap(), code, "{text}");
        }
        assert_eq!("DE".parse::<Country>().unwrap().name(), "Germany");
    }

    #[test]
    fn no_name_means_two_countries() {
        let mut codes = HashMap::new();
        let said = NAMES
            .iter()
            .flat_map(|(code, names)| names.iter().map(|name| (*code, *name)));
        for (code, name) in bureau_countries::names().chain(said) {
            let other = codes.insert(compared(name), code);
            assert!(other.is_none_or(|other| other == code), "{name}");
        }
    }
}
