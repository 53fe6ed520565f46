//! Addresses, as the post of each country wants them.

use crate::Party;

/// Where in an address the postal code stands.
enum Order {
    /// 10115 Berlin
    CodeFirst,
    /// Austin, TX 78701; without a region Haifa 3303138
    CityRegionCode,
    /// London, and the code on a line of its own
    CodeLast,
}

fn order(country: Option<&str>) -> Order {
    match country {
        Some(
            "US" | "CA" | "AU" | "NZ" | "IN" | "BR" | "ID" | "TH" | "SA" | "PK" | "BD" | "KR"
            | "JP" | "TW" | "SG" | "IL" | "JO" | "LB" | "BH",
        ) => Order::CityRegionCode,
        Some("GB" | "IE" | "GG" | "JE" | "IM" | "GI" | "MT" | "ZA" | "RU" | "UA" | "HK") => {
            Order::CodeLast
        }
        _ => Order::CodeFirst,
    }
}

/// The lines below the name: street, city, and for a letter that leaves the country `from` its own country, in that language and
/// in capitals (UPU S42).
pub(super) fn lines(party: &Party, from: Option<&str>, language: &str) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(party.street.clone());
    lines.extend(city(party));
    if let Some(country) = party.country.as_deref()
        && party.country.as_deref() != from
    {
        let name = bureau_countries::name(country, language).unwrap_or(country);
        lines.push(name.to_uppercase());
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// The address on one line, as the sender above the window of an envelope.
pub(super) fn sender(party: &Party) -> String {
    let mut parts = vec![party.name.clone()];
    parts.extend(
        party
            .street
            .as_deref()
            .map(|street| street.lines().map(str::trim).collect::<Vec<_>>().join(", ")),
    );
    parts.extend(city(party));
    parts.retain(|part| !part.trim().is_empty());
    // Where it does not fit on one line, it breaks between its parts, unless one of them alone is too long.
    let parts: Vec<String> = parts
        .into_iter()
        .map(|part| match part.chars().count() {
            0..=40 => part.replace(' ', "\u{a0}"),
            _ => part,
        })
        .collect();
    parts.join("\u{a0}· ")
}

fn city(party: &Party) -> Vec<String> {
    let city = party.city.as_deref();
    let region = party.region.as_deref();
    let code = party.postal_code.as_deref();
    let join = |parts: &[Option<&str>], between: &str| {
        let parts: Vec<&str> = parts
            .iter()
            .filter_map(|part| part.map(str::trim).filter(|part| !part.is_empty()))
            .collect();
        parts.join(between)
    };
    match order(party.country.as_deref()) {
        Order::CodeFirst => vec![join(&[Some(&join(&[code, city], " ")), region], ", ")],
        Order::CityRegionCode => vec![join(&[Some(&join(&[city, region], ", ")), code], " ")],
        Order::CodeLast => vec![
            join(&[city, region], ", "),
            code.unwrap_or_default().to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(street: &str, code: &str, city: &str, region: Option<&str>, country: &str) -> Party {
        Party {
            name: "Firm".to_owned(),
            street: Some(street.to_owned()),
            postal_code: Some(code.to_owned()),
            city: Some(city.to_owned()),
            region: region.map(str::to_owned),
            country: Some(country.to_owned()),
            ..Party::default()
        }
    }

    #[test]
    fn an_address_stands_as_its_country_has_it() {
        let german = party("Hauptstr. 1", "10115", "Berlin", None, "DE");
        assert_eq!(
            lines(&german, Some("DE"), "en"),
            ["Hauptstr. 1", "10115 Berlin"]
        );
        let american = party("1 Main St", "78701", "Austin", Some("TX"), "US");
        assert_eq!(
            lines(&american, Some("DE"), "en"),
            ["1 Main St", "Austin, TX 78701", "UNITED STATES"]
        );
        let british = party("1 High St", "SW1A 1AA", "London", None, "GB");
        assert_eq!(
            lines(&british, Some("GB"), "en"),
            ["1 High St", "London", "SW1A 1AA"]
        );
    }

    #[test]
    fn a_city_without_a_region_stands_beside_its_code() {
        let israeli = party("שדרות הנשיא 1", "3303138", "חיפה", None, "IL");
        assert_eq!(
            lines(&israeli, Some("IL"), "he"),
            ["שדרות הנשיא 1", "חיפה 3303138"]
        );
    }

    #[test]
    fn a_country_abroad_is_named_in_the_language_and_in_capitals() {
        let austrian = party("Ring 1", "1010", "Wien", None, "AT");
        for (language, name) in [
            ("en", "AUSTRIA"),
            ("de", "ÖSTERREICH"),
            ("fr", "AUTRICHE"),
            ("es", "AUSTRIA"),
            ("it", "AUSTRIA"),
            ("nl", "OOSTENRIJK"),
            ("ar", "النمسا"),
            ("he", "אוסטריה"),
        ] {
            assert_eq!(lines(&austrian, Some("DE"), language)[2], name);
        }
        let unknown = party("Ring 1", "1010", "Wien", None, "Atlantis");
        assert_eq!(lines(&unknown, Some("DE"), "de")[2], "ATLANTIS");
    }

    #[test]
    fn the_sender_stands_on_one_line() {
        let german = party("Hof 2\nHauptstr. 1", "10115", "Berlin", None, "DE");
        assert_eq!(
            sender(&german).replace('\u{a0}', " "),
            "Firm · Hof 2, Hauptstr. 1 · 10115 Berlin"
        );
        let nameless = Party {
            name: "Firm".to_owned(),
            ..Party::default()
        };
        assert_eq!(sender(&nameless), "Firm");
        assert_eq!(lines(&nameless, None, "en"), Vec::<String>::new());
    }
}
