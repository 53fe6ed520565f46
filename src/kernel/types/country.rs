//! Countries, by whatever name people use for them.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

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

/// Names beside the English ones of the standard, folded: how people say it, and what the country calls itself.
const NAMES: &[(&str, &[&str])] = &[
    (
        "AE",
        &["uae", "emirates", "vae", "vereinigte arabische emirate"],
    ),
    ("AT", &["osterreich", "oesterreich", "autriche"]),
    ("AU", &["australien"]),
    ("BE", &["belgien", "belgie", "belgique"]),
    ("BG", &["bulgarien"]),
    ("BO", &["bolivia"]),
    ("BR", &["brasil", "brasilien"]),
    ("CA", &["kanada"]),
    ("CH", &["schweiz", "suisse", "svizzera"]),
    ("CI", &["ivory coast", "elfenbeinkuste"]),
    ("CN", &["prc", "people's republic of china", "中国", "中國"]),
    (
        "CZ",
        &["czech republic", "tschechien", "cesko", "ceska republika"],
    ),
    (
        "DE",
        &[
            "deutschland",
            "brd",
            "bundesrepublik deutschland",
            "federal republic of germany",
            "allemagne",
            "germania",
            "alemania",
            "duitsland",
        ],
    ),
    ("DK", &["danemark", "danmark"]),
    ("EE", &["estland", "eesti"]),
    ("ES", &["espana", "spanien"]),
    ("FI", &["finnland", "suomi"]),
    ("FR", &["frankreich", "republique francaise"]),
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
            "vereinigtes konigreich",
            "royaume-uni",
        ],
    ),
    ("GR", &["griechenland", "hellas", "ελλαδα"]),
    ("HK", &["hong kong sar"]),
    ("HR", &["kroatien", "hrvatska"]),
    ("HU", &["ungarn", "magyarorszag"]),
    ("IE", &["irland", "eire", "republic of ireland"]),
    ("IN", &["indien", "bharat"]),
    ("IR", &["iran"]),
    ("IS", &["island"]),
    ("IT", &["italien", "italia"]),
    ("JP", &["nippon", "日本"]),
    ("KP", &["north korea", "nordkorea"]),
    (
        "KR",
        &[
            "korea",
            "south korea",
            "republic of korea",
            "sudkorea",
            "대한민국",
            "한국",
        ],
    ),
    ("LA", &["laos"]),
    ("LT", &["litauen", "lietuva"]),
    ("LU", &["luxemburg"]),
    ("LV", &["lettland", "latvija"]),
    ("MA", &["marokko", "maroc"]),
    ("MD", &["moldova", "moldawien"]),
    ("MX", &["mexiko"]),
    (
        "NL",
        &[
            "holland",
            "the netherlands",
            "niederlande",
            "nederland",
            "pays-bas",
        ],
    ),
    ("NO", &["norwegen", "norge"]),
    ("NZ", &["neuseeland"]),
    ("PL", &["polen", "polska"]),
    ("RO", &["rumanien"]),
    ("RS", &["serbien", "srbija"]),
    ("RU", &["russia", "russland", "россия"]),
    ("SE", &["schweden", "sverige"]),
    ("SI", &["slowenien", "slovenija"]),
    ("SK", &["slowakei", "slovensko"]),
    ("SY", &["syria"]),
    ("TR", &["turkey", "turkei"]),
    ("TW", &["taiwan"]),
    ("TZ", &["tanzania"]),
    ("UA", &["україна"]),
    (
        "US",
        &[
            "usa",
            "u.s.",
            "u.s.a.",
            "america",
            "united states",
            "vereinigte staaten",
            "etats-unis",
            "estados unidos",
            "stati uniti",
        ],
    ),
    ("VA", &["vatican", "vatican city", "vatikan"]),
    ("VE", &["venezuela"]),
    ("VN", &["vietnam"]),
    ("ZA", &["sudafrika"]),
];

/// The code of the country that is named by a code, in English, or as it calls itself; none where that names none, or more
/// than one.
#[must_use]
pub fn code_of(text: &str) -> Option<&'static str> {
    let wanted = folded(text);
    let by_code = match wanted.to_ascii_uppercase().as_str() {
        code if code.len() == 2 => rust_iso3166::from_alpha2(code),
        code if code.len() == 3 => rust_iso3166::from_alpha3(code),
        _ => None,
    };
    if let Some(country) = by_code {
        return Some(country.alpha2);
    }
    if let Some((code, _)) = NAMES
        .iter()
        .find(|(_, names)| names.contains(&wanted.as_str()))
    {
        return Some(code);
    }
    let all = || {
        rust_iso3166::ALL_ALPHA2
            .iter()
            .filter_map(|code| rust_iso3166::from_alpha2(code))
    };
    // The list has `Netherlands (Kingdom of the)` and `United Kingdom of Great Britain and Northern Ireland`.
    let mut longer = all().filter(|country| {
        let name = folded(country.name);
        name.strip_prefix(&wanted)
            .is_some_and(|rest| rest.starts_with(" (") || rest.starts_with(" of "))
    });
    let exact = all().find(|country| folded(country.name) == wanted);
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
    use super::Country;

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
            ("Atlantis", "Atlantis"),
        ] {
            assert_eq!(&**text.parse::<Country>().as_ref().unwrap(), code, "{text}");
        }
        assert_eq!("DE".parse::<Country>().unwrap().name(), "Germany");
    }
}
