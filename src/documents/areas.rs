//! Which countries stand together, as far as documents ask.

/// The member states of the European Union, as of 2026. The VAT identifiers of all of them begin with letters.
const EU: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// The countries and territories of the Single Euro Payments Area, by the first letters of their IBANs.
#[cfg(any(feature = "einvoice", feature = "pdf"))]
const SEPA: [&str; 42] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI",
    "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL",
    "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// Whether a country (ISO 3166-1 alpha-2) is a member state of the European Union.
#[must_use]
pub fn is_in_eu(country: &str) -> bool {
    EU.contains(&country)
}

/// Whether a SEPA credit transfer can go to an account, by the first letters of its IBAN.
#[cfg(any(feature = "einvoice", feature = "pdf"))]
pub(crate) fn takes_sepa(iban: &str) -> bool {
    iban.get(..2).is_some_and(|country| SEPA.contains(&country))
}
