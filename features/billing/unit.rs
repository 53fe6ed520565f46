//! Units of measure: as people write them, and their codes for e-invoices.

use bureau_kernel::types::text::folded;

/// Words for a unit, with its code in UN/ECE recommendations 20 and 21.
const UNITS: [(&str, &[&str]); 24] = [
    (
        "H87",
        &["piece", "pieces", "pc", "pcs", "stück", "stk", "each", "ea"],
    ),
    (
        "HUR",
        &["hour", "hours", "h", "hr", "hrs", "stunde", "stunden"],
    ),
    ("MIN", &["minute", "minutes", "min"]),
    ("DAY", &["day", "days", "d", "tag", "tage"]),
    ("WEE", &["week", "weeks", "woche", "wochen"]),
    ("MON", &["month", "months", "monat", "monate"]),
    ("QAN", &["quarter", "quarters", "quartal", "quartale"]),
    ("ANN", &["year", "years", "jahr", "jahre"]),
    ("KGM", &["kg", "kilogram", "kilograms", "kilo"]),
    ("GRM", &["g", "gram", "grams"]),
    ("TNE", &["t", "tonne", "tonnes"]),
    ("MTR", &["m", "metre", "metres", "meter", "meters"]),
    (
        "KMT",
        &["km", "kilometre", "kilometres", "kilometer", "kilometers"],
    ),
    ("CMT", &["cm", "centimetre", "centimetres"]),
    ("MTK", &["m2", "m²", "square metre", "square metres", "sqm"]),
    ("MTQ", &["m3", "m³", "cubic metre", "cubic metres"]),
    ("LTR", &["l", "litre", "litres", "liter", "liters"]),
    ("KWH", &["kwh"]),
    ("SET", &["set", "sets"]),
    ("PR", &["pair", "pairs"]),
    ("XBX", &["box", "boxes"]),
    ("XPK", &["package", "packages", "pack", "packs"]),
    ("E48", &["service unit", "service", "unit", "units"]),
    ("LS", &["lump sum", "flat rate", "pauschal", "pauschale"]),
];

/// The code of a unit; that of `one` where there is none, or it is not known.
pub(crate) fn unit_code(unit: Option<&str>) -> &'static str {
    let wanted = unit.map(folded);
    let is_meant = |word: &&str| wanted.as_deref() == Some(&folded(word));
    let known = UNITS.iter().find(|(_, words)| words.iter().any(is_meant));
    known.map_or("C62", |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::unit_code;

    #[test]
    fn a_unit_has_its_code_and_everything_else_is_one() {
        for (unit, code) in [
            (Some("Hours"), "HUR"),
            (Some("Stück"), "H87"),
            (Some("m²"), "MTK"),
            (Some("seat"), "C62"),
            (None, "C62"),
        ] {
            assert_eq!(unit_code(unit), code, "{unit:?}");
        }
    }
}
