//! The languages that documents are written in, and what the law lets be said in the same words everywhere.

use crate::TaxCategory;

/// The languages that documents are written in (ISO 639-1). Arabic and Hebrew have their pages mirrored.
pub const LANGUAGES: [&str; 8] = ["en", "de", "fr", "es", "it", "nl", "ar", "he"];

/// Why no tax is due, in the order of [`LANGUAGES`].
const REASONS: [(TaxCategory, [&str; 8]); 5] = [
    (
        TaxCategory::Exempt,
        [
            "Exempt from VAT",
            "Von der Umsatzsteuer befreit",
            "Exonéré de TVA",
            "Exento de IVA",
            "Esente da IVA",
            "Vrijgesteld van btw",
            "معفى من ضريبة القيمة المضافة",
            "פטור ממע״מ",
        ],
    ),
    (
        TaxCategory::ReverseCharge,
        [
            "Reverse charge",
            "Steuerschuldnerschaft des Leistungsempfängers",
            "Autoliquidation",
            "Inversión del sujeto pasivo",
            "Inversione contabile",
            "Btw verlegd",
            "الاحتساب العكسي",
            "היפוך חיוב",
        ],
    ),
    (
        TaxCategory::IntraCommunity,
        [
            "Intra-community supply",
            "Steuerfreie innergemeinschaftliche Lieferung",
            "Livraison intracommunautaire exonérée",
            "Entrega intracomunitaria exenta",
            "Cessione intracomunitaria non imponibile",
            "Intracommunautaire levering",
            "توريد داخل الاتحاد الأوروبي",
            "אספקה בתוך האיחוד האירופי",
        ],
    ),
    (
        TaxCategory::Export,
        [
            "Export outside the EU",
            "Steuerfreie Ausfuhrlieferung",
            "Exportation exonérée de TVA",
            "Exportación exenta",
            "Esportazione non imponibile",
            "Uitvoer buiten de EU",
            "تصدير إلى خارج الاتحاد الأوروبي",
            "יצוא אל מחוץ לאיחוד האירופי",
        ],
    ),
    (
        TaxCategory::OutOfScope,
        [
            "Not subject to VAT",
            "Nicht umsatzsteuerbar",
            "Non soumis à la TVA",
            "No sujeto a IVA",
            "Fuori campo IVA",
            "Niet onderworpen aan btw",
            "غير خاضع لضريبة القيمة المضافة",
            "אינו חייב במע״מ",
        ],
    ),
];

/// Why a tax is not due where nobody says it in other words [BT-120]: in that language (ISO 639-1, also with a region such as
/// `de-AT`), and in English in one that is not known. None for a rate of zero or above, of which nothing has to be said.
#[must_use]
pub fn usual_reason(category: TaxCategory, language: &str) -> Option<&'static str> {
    let (_, reasons) = REASONS.iter().find(|(known, _)| *known == category)?;
    let language = primary(language);
    let place = LANGUAGES.iter().position(|known| *known == language);
    reasons.get(place.unwrap_or(0)).copied()
}

/// A language without its region, in small letters.
pub(crate) fn primary(language: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    primary.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_in_the_language_of_the_document() {
        let exempt = |language| usual_reason(TaxCategory::Exempt, language);
        assert_eq!(exempt("de-AT"), Some("Von der Umsatzsteuer befreit"));
        assert_eq!(exempt("HE"), Some("פטור ממע״מ"));
        assert_eq!(exempt("sw"), Some("Exempt from VAT"));
        assert_eq!(usual_reason(TaxCategory::Standard, "de"), None);
        assert_eq!(usual_reason(TaxCategory::Zero, "de"), None);
    }
}
