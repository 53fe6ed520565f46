//! Terms of payment: when an invoice is due.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Days, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// So many days after the issue, or the end of the month in which that day lies. Written `net 30`, `end of month`,
/// `30 days end of month` or `due on receipt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    days: u16,
    end_of_month: bool,
}

/// The most days that terms grant.
const MOST_DAYS: u16 = 365;

impl Terms {
    /// When an invoice of this day is due.
    #[must_use]
    pub fn due(self, issued: NaiveDate) -> NaiveDate {
        let day = issued
            .checked_add_days(Days::new(self.days.into()))
            .unwrap_or(issued);
        if self.end_of_month {
            last_of_month(day)
        } else {
            day
        }
    }
}

impl Terms {
    /// As a document in this language (ISO 639-1) says it; in English where that is not known.
    #[must_use]
    pub fn describe(self, language: &str) -> String {
        let [first, ..] = &WORDS;
        let (_, words) = WORDS
            .iter()
            .find(|(known, _)| language.starts_with(known))
            .unwrap_or(first);
        let [receipt, days, month, both] = words;
        let text = match (self.days, self.end_of_month) {
            (0, false) => receipt,
            (0, true) => month,
            (_, false) => days,
            (_, true) => both,
        };
        text.replace('#', &self.days.to_string())
    }
}

/// How terms are worded on a document: on receipt, within days, by the end of the month, within days and then by the end of
/// the month. `#` stands for the days. The first language is that of all others.
const WORDS: [(&str, [&str; 4]); 8] = [
    (
        "en",
        [
            "Payable on receipt",
            "Payable within # days",
            "Payable by the end of the month",
            "Payable within # days, end of month",
        ],
    ),
    (
        "de",
        [
            "Zahlbar sofort nach Erhalt",
            "Zahlbar innerhalb von # Tagen",
            "Zahlbar bis zum Monatsende",
            "Zahlbar innerhalb von # Tagen zum Monatsende",
        ],
    ),
    (
        "fr",
        [
            "Payable à réception",
            "Payable sous # jours",
            "Payable à la fin du mois",
            "Payable sous # jours fin de mois",
        ],
    ),
    (
        "es",
        [
            "Pagadero a la recepción",
            "Pagadero en # días",
            "Pagadero a fin de mes",
            "Pagadero a # días fin de mes",
        ],
    ),
    (
        "it",
        [
            "Pagamento alla ricezione",
            "Pagamento entro # giorni",
            "Pagamento a fine mese",
            "Pagamento a # giorni fine mese",
        ],
    ),
    (
        "nl",
        [
            "Te betalen na ontvangst",
            "Te betalen binnen # dagen",
            "Te betalen aan het einde van de maand",
            "Te betalen binnen # dagen, einde van de maand",
        ],
    ),
    // The number stands after the words, so that these fit each number: Arabic has another form of "days" for 2, 3 and 11.
    (
        "ar",
        [
            "يستحق الدفع عند الاستلام",
            "مهلة الدفع بالأيام: #",
            "يستحق الدفع في نهاية الشهر",
            "مهلة الدفع بالأيام: #، ثم حتى نهاية الشهر",
        ],
    ),
    (
        "he",
        [
            "לתשלום עם קבלת החשבונית",
            "לתשלום בתוך # ימים",
            "לתשלום עד סוף החודש",
            "לתשלום בתוך # ימים, בסוף אותו חודש",
        ],
    ),
];

/// The last day of the month of this day.
pub(crate) fn last_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(1)))
        .and_then(|next| next.pred_opt())
        .unwrap_or(day)
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            days: 30,
            end_of_month: false,
        }
    }
}

impl FromStr for Terms {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "is not one of: due on receipt, net 30, end of month, 30 days end of month (up to {MOST_DAYS} days)"
            )
        };
        let text = text.trim().to_lowercase();
        if ["due on receipt", "immediately", "on receipt"].contains(&text.as_str()) {
            return Ok(Self {
                days: 0,
                end_of_month: false,
            });
        }
        let (days, end_of_month) = match text
            .strip_suffix("end of month")
            .or_else(|| text.strip_suffix("eom"))
        {
            Some(days) => (days.trim(), true),
            None => (text.as_str(), false),
        };
        let number = days.strip_prefix("net").unwrap_or(days).trim();
        let number = number
            .strip_suffix("days")
            .or_else(|| number.strip_suffix("day"))
            .unwrap_or(number)
            .trim();
        let days = match number {
            "" if end_of_month && days.is_empty() => 0,
            number => number.parse().map_err(|_| wrong())?,
        };
        if days > MOST_DAYS {
            return Err(wrong());
        }
        Ok(Self { days, end_of_month })
    }
}
impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.days, self.end_of_month) {
            (0, false) => f.write_str("due on receipt"),
            (0, true) => f.write_str("end of month"),
            (days, false) => write!(f, "net {days}"),
            (days, true) => write!(f, "{days} days end of month"),
        }
    }
}
impl Serialize for Terms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Terms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Terms {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Terms".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
bureau_kernel::text_column!(Terms);

#[cfg(test)]
mod tests {
    use bureau_documents::LANGUAGES;

    use super::*;

    #[test]
    fn terms_are_worded_in_every_language_of_documents() {
        let terms: Terms = "net 14".parse().unwrap();
        assert_eq!(WORDS.map(|(language, _)| language), LANGUAGES);
        for (language, _) in WORDS {
            assert!(terms.describe(language).contains("14"), "{language}");
        }
        assert_eq!(terms.describe("he"), "לתשלום בתוך 14 ימים");
        assert_eq!(terms.describe("ar"), "مهلة الدفع بالأيام: 14");
    }

    #[test]
    fn terms_are_read_as_people_write_them_and_say_the_day() {
        for (text, shown, due) in [
            ("net 30", "net 30", "2026-03-02"),
            ("Net 14 days", "net 14", "2026-02-14"),
            ("7", "net 7", "2026-02-07"),
            ("1 day", "net 1", "2026-02-01"),
            ("due on receipt", "due on receipt", "2026-01-31"),
            ("net 0", "due on receipt", "2026-01-31"),
            ("end of month", "end of month", "2026-01-31"),
            ("30 days EOM", "30 days end of month", "2026-03-31"),
        ] {
            let terms: Terms = text.parse().unwrap();
            assert_eq!(terms.to_string(), shown);
            assert_eq!(shown.parse(), Ok(terms), "{text}");
            let issued = "2026-01-31".parse().unwrap();
            assert_eq!(terms.due(issued).to_string(), due, "{text}");
        }
        for bad in [
            "",
            "net",
            "soon",
            "net 366",
            "-5",
            "net x end of month",
            "30 30",
        ] {
            assert!(bad.parse::<Terms>().is_err(), "{bad}");
        }
    }
}
