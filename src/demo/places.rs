//! Cities, with numbers that are nobody's.

/// A city where customers are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) country: &'static str,
    pub(super) postal_code: &'static str,
    /// The beginning of the numbers that the regulator keeps free for fiction, and how many digits follow it. Where a
    /// regulator keeps none, people have no number.
    pub(super) numbers: Option<(&'static str, u32)>,
}

const fn place(
    city: &'static str,
    country: &'static str,
    postal_code: &'static str,
    numbers: Option<(&'static str, u32)>,
) -> Place {
    Place {
        city,
        country,
        postal_code,
        numbers,
    }
}

/// The cities.
pub(super) const PLACES: [Place; 40] = [
    place("Berlin", "DE", "10115", Some(("+493023125", 3))),
    place("Frankfurt", "DE", "60311", Some(("+496990009", 3))),
    place("Hamburg", "DE", "20457", Some(("+494066969", 3))),
    place("Cologne", "DE", "50667", Some(("+492214710", 3))),
    place("Munich", "DE", "80331", Some(("+498999998", 3))),
    place("Leipzig", "DE", "04109", None),
    place("Stuttgart", "DE", "70173", None),
    place("London", "GB", "EC2A 4NE", Some(("+44207946", 4))),
    place("Leeds", "GB", "LS1 4AP", Some(("+441134960", 3))),
    place("Sheffield", "GB", "S1 2HH", Some(("+441144960", 3))),
    place("Leicester", "GB", "LE1 5WW", Some(("+441164960", 3))),
    place("Bristol", "GB", "BS1 4DJ", Some(("+441174960", 3))),
    place("Birmingham", "GB", "B2 4QA", Some(("+441214960", 3))),
    place("Edinburgh", "GB", "EH1 1RE", Some(("+441314960", 3))),
    place("Glasgow", "GB", "G2 1DY", Some(("+441414960", 3))),
    place("Manchester", "GB", "M2 5DB", Some(("+441614960", 3))),
    place("Paris", "FR", "75002", Some(("+33199001", 3))),
    place("Lyon", "FR", "69002", Some(("+33465710", 3))),
    place("Nantes", "FR", "44000", Some(("+33261910", 3))),
    place("New York", "US", "10013", Some(("+121255501", 2))),
    place("San Francisco", "US", "94105", Some(("+141555501", 2))),
    place("Chicago", "US", "60606", Some(("+131255501", 2))),
    place("Boston", "US", "02110", Some(("+161755501", 2))),
    place("Toronto", "CA", "M5H 2N2", Some(("+141655501", 2))),
    place("Stockholm", "SE", "111 29", Some(("+468465004", 2))),
    place("Gothenburg", "SE", "411 03", Some(("+463139006", 2))),
    place("Zürich", "CH", "8001", None),
    place("Basel", "CH", "4051", None),
    place("Geneva", "CH", "1204", None),
    place("Vienna", "AT", "1010", None),
    place("Amsterdam", "NL", "1012", None),
    place("Rotterdam", "NL", "3011", None),
    place("Milan", "IT", "20121", None),
    place("Barcelona", "ES", "08002", None),
    place("Lisbon", "PT", "1100", None),
    place("Warsaw", "PL", "00-001", None),
    place("Prague", "CZ", "110 00", None),
    place("Copenhagen", "DK", "1050", None),
    place("Athens", "GR", "105 57", None),
    place("Osaka", "JP", "530-0001", None),
];

/// The place of this name.
pub(super) fn of(city: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.city == city)
}

/// A street as it is written in a country.
pub(super) fn street(country: &str, number: i64, pick: usize) -> String {
    let names: &[&str] = match country {
        "DE" | "AT" | "CH" => &[
            "Hafenstraße",
            "Gartenweg",
            "Industriestraße",
            "Am Mühlbach",
            "Lindenallee",
        ],
        "FR" => &["rue des Tilleuls", "quai du Port", "avenue de la Gare"],
        "IT" => &["Via dei Mulini", "Via del Porto"],
        "ES" | "PT" => &["Calle del Puerto", "Rua do Moinho"],
        "NL" => &["Havenweg", "Molenstraat"],
        "SE" | "DK" => &["Hamngatan", "Kvarnvägen"],
        "PL" => &["ul. Portowa", "ul. Młyńska"],
        "CZ" => &["Přístavní", "Mlýnská"],
        "GR" => &["Odos Limaniou", "Odos Mylou"],
        "JP" => &["Minato-dori", "Suisha-cho"],
        _ => &["Mill Lane", "Harbour Street", "Station Road", "Foundry Row"],
    };
    let name = names.get(pick % names.len()).copied().unwrap_or_default();
    match country {
        "GB" | "US" | "CA" | "FR" | "JP" => format!("{number} {name}"),
        _ => format!("{name} {number}"),
    }
}

/// A VAT id of the form that a member state of the EU gives, for the company of that number: made up, and easy to tell
/// by its 900.
pub(super) fn vat_id(country: &str, company: Option<usize>) -> Option<String> {
    let number = company? + 1;
    Some(match country {
        "DE" => format!("DE900{number:06}"),
        "AT" => format!("ATU900{number:05}"),
        "CZ" => format!("CZ900{number:05}"),
        "DK" => format!("DK900{number:05}"),
        "ES" => format!("ESB900{number:05}"),
        "FR" => format!("FR90900{number:06}"),
        "GR" => format!("EL900{number:06}"),
        "IT" => format!("IT900{number:08}"),
        "NL" => format!("NL900{number:06}B01"),
        "PL" => format!("PL900{number:07}"),
        "PT" => format!("PT900{number:06}"),
        "SE" => format!("SE900{number:07}01"),
        _ => return None,
    })
}

/// The form of a company in a country, as it stands after the name in the register.
pub(super) fn legal_form(country: &str) -> &'static str {
    match country {
        "DE" | "AT" => "GmbH",
        "CH" => "AG",
        "GB" => "Ltd",
        "FR" => "SAS",
        "US" | "CA" => "Inc.",
        "SE" => "AB",
        "NL" => "B.V.",
        "IT" => "S.p.A.",
        "ES" => "S.L.",
        "PT" => "Lda.",
        "PL" => "Sp. z o.o.",
        "CZ" => "s.r.o.",
        "DK" => "A/S",
        "JP" => "K.K.",
        _ => "S.A.",
    }
}

/// The currency in which a company there is likely to buy.
pub(super) fn currency(country: &str) -> &'static str {
    match country {
        "GB" => "GBP",
        "US" | "CA" => "USD",
        "CH" => "CHF",
        _ => "EUR",
    }
}
