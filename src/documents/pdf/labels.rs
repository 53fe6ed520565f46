//! The words of a document, and how numbers and dates are written, by language.
//!
//! Arabic and Hebrew are read from right to left. Digits are 0 to 9, as business writes them in both, with the separators that the
//! Unicode CLDR has for them: 1,234.50. The currency and a minus sign stand at the left of the amount, as there.

use super::text;
use crate::language::primary;
use crate::{DocumentKind, TaxCategory};

/// Everything that a document says in one language.
#[derive(Debug)]
pub(super) struct Labels {
    /// ISO 639-1.
    pub(super) language: &'static str,
    /// Whether it is read from right to left, and its page mirrored.
    pub(super) is_rtl: bool,
    /// Between two values.
    pub(super) comma: &'static str,
    pub(super) numbers: Numbers,
    pub(super) dates: Dates,

    pub(super) invoice: &'static str,
    pub(super) credit_note: &'static str,
    pub(super) quotation: &'static str,

    pub(super) date: &'static str,
    pub(super) due_on: &'static str,
    pub(super) valid_until: &'static str,
    pub(super) version: &'static str,
    pub(super) delivered_on: &'static str,
    pub(super) period: &'static str,
    pub(super) reference: &'static str,
    pub(super) about_invoice: &'static str,
    pub(super) about: &'static str,
    pub(super) buyer_vat_id: &'static str,

    pub(super) vat_id: &'static str,
    pub(super) tax_number: &'static str,
    pub(super) registration: &'static str,
    pub(super) phone: &'static str,

    pub(super) position: &'static str,
    pub(super) item: &'static str,
    pub(super) sku: &'static str,
    pub(super) quantity: &'static str,
    pub(super) unit_price: &'static str,
    pub(super) discount: &'static str,
    pub(super) net: &'static str,

    pub(super) subtotal: &'static str,
    pub(super) net_total: &'static str,
    /// What the tax is called by a seller with a VAT identifier.
    pub(super) vat: &'static str,
    /// What it is called by another.
    pub(super) tax: &'static str,
    /// Between a tax and the amount that it is of.
    pub(super) tax_of: &'static str,
    pub(super) total: &'static str,
    pub(super) total_credit: &'static str,
    /// Between a tax and the currency that it is also said in.
    pub(super) tax_in: &'static str,
    /// What is put before the title of what is not final.
    pub(super) draft: &'static str,
    pub(super) paid: &'static str,
    pub(super) due: &'static str,
    pub(super) categories: Categories,

    pub(super) terms: &'static str,
    pub(super) payment: &'static str,
    pub(super) holder: &'static str,
    pub(super) account: &'static str,
    pub(super) bank: &'static str,
    pub(super) payment_reference: &'static str,
    pub(super) scan: &'static str,
    pub(super) logo: &'static str,

    pub(super) page: &'static str,
    pub(super) of_pages: &'static str,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Between thousands.
    pub(super) group: char,
    /// Before the fraction.
    pub(super) decimal: char,
    /// Between a number and the percent sign.
    pub(super) percent: &'static str,
    /// Whether the currency stands before the amount.
    pub(super) currency_first: bool,
    /// Whether each is set apart, as the words around it go from right to left: it does not, nor does its sign.
    pub(super) apart: bool,
}

/// How dates are written. Each is unambiguous to those who read that language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// 20 November 2026: with the month in words, since English is read on both sides of the Atlantic.
    English,
    /// 20.11.2026
    Dots,
    /// 20/11/2026
    Slashes,
    /// 20-11-2026
    Dashes,
}

/// What taxes other than a rate above zero are called.
#[derive(Debug)]
pub(super) struct Categories {
    zero: &'static str,
    exempt: &'static str,
    reverse_charge: &'static str,
    intra_community: &'static str,
    export: &'static str,
    out_of_scope: &'static str,
}

impl Labels {
    /// Those of a language (ISO 639-1, also with a region such as `de-AT`), and English for one that is not known.
    pub(super) fn of(language: &str) -> &'static Self {
        match primary(language).as_str() {
            "ar" => &ARABIC,
            "de" => &GERMAN,
            "fr" => &FRENCH,
            "es" => &SPANISH,
            "he" => &HEBREW,
            "it" => &ITALIAN,
            "nl" => &DUTCH,
            _ => &ENGLISH,
        }
    }

    /// A value that stands among words: set apart where these go from right to left, as most values do not.
    pub(super) fn apart(&self, value: &str) -> String {
        match self.is_rtl {
            true => text::apart(value),
            false => value.to_owned(),
        }
    }

    /// Two values with a sign after the first, in the order in which the language is read, whatever that of the values is.
    pub(super) fn pair(&self, one: &str, sign: &str, other: &str) -> String {
        match self.is_rtl {
            true => format!("\u{200f}{}{sign} {}", text::apart(one), text::apart(other)),
            false => format!("{one}{sign} {other}"),
        }
    }

    /// What a document is called.
    pub(super) const fn title(&self, kind: DocumentKind) -> &'static str {
        match kind {
            DocumentKind::Invoice => self.invoice,
            DocumentKind::CreditNote => self.credit_note,
            DocumentKind::Quotation => self.quotation,
        }
    }

    /// What a category is called; none for a rate above zero, of which the rate says enough.
    pub(super) const fn category(&self, category: TaxCategory) -> Option<&'static str> {
        match category {
            TaxCategory::Standard => None,
            TaxCategory::Zero => Some(self.categories.zero),
            TaxCategory::Exempt => Some(self.categories.exempt),
            TaxCategory::ReverseCharge => Some(self.categories.reverse_charge),
            TaxCategory::IntraCommunity => Some(self.categories.intra_community),
            TaxCategory::Export => Some(self.categories.export),
            TaxCategory::OutOfScope => Some(self.categories.out_of_scope),
        }
    }
}

static ENGLISH: Labels = Labels {
    language: "en",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: ',',
        decimal: '.',
        percent: "",
        currency_first: true,
        apart: false,
    },
    dates: Dates::English,
    invoice: "Invoice",
    credit_note: "Credit note",
    quotation: "Quotation",
    date: "Date",
    due_on: "Due date",
    valid_until: "Valid until",
    version: "Version",
    delivered_on: "Date of supply",
    period: "Period",
    reference: "Your reference",
    about_invoice: "For invoice",
    about: "Refers to",
    buyer_vat_id: "Your VAT ID",
    vat_id: "VAT ID",
    tax_number: "Tax number",
    registration: "Registration",
    phone: "Phone",
    position: "No.",
    item: "Description",
    sku: "Item",
    quantity: "Quantity",
    unit_price: "Unit price",
    discount: "Discount",
    net: "Amount",
    subtotal: "Subtotal",
    net_total: "Net total",
    vat: "VAT",
    tax: "Tax",
    tax_of: "on",
    total: "Total",
    total_credit: "Total credit",
    tax_in: "in",
    draft: "Draft",
    paid: "Paid",
    due: "Amount due",
    categories: Categories {
        zero: "Zero-rated",
        exempt: "Tax exempt",
        reverse_charge: "Reverse charge",
        intra_community: "Intra-community supply",
        export: "Export",
        out_of_scope: "Not subject to tax",
    },
    terms: "Payment terms",
    payment: "Payment details",
    holder: "Account holder",
    account: "Account",
    bank: "Bank",
    payment_reference: "Reference",
    scan: "Scan to pay",
    logo: "Logo",
    page: "Page",
    of_pages: "of",
};

static GERMAN: Labels = Labels {
    language: "de",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: '.',
        decimal: ',',
        percent: "\u{a0}",
        currency_first: false,
        apart: false,
    },
    dates: Dates::Dots,
    invoice: "Rechnung",
    // Not "Gutschrift", which German tax law keeps for an invoice that the buyer writes.
    credit_note: "Rechnungskorrektur",
    quotation: "Angebot",
    date: "Datum",
    due_on: "Fällig am",
    valid_until: "Gültig bis",
    version: "Version",
    delivered_on: "Leistungsdatum",
    period: "Leistungszeitraum",
    reference: "Ihre Referenz",
    about_invoice: "Zu Rechnung",
    about: "Bezug",
    buyer_vat_id: "Ihre USt-IdNr.",
    vat_id: "USt-IdNr.",
    tax_number: "Steuernummer",
    registration: "Register",
    phone: "Telefon",
    position: "Pos.",
    item: "Bezeichnung",
    sku: "Artikel",
    quantity: "Menge",
    unit_price: "Einzelpreis",
    discount: "Rabatt",
    net: "Betrag",
    subtotal: "Zwischensumme",
    net_total: "Nettobetrag",
    vat: "USt.",
    tax: "USt.",
    tax_of: "auf",
    total: "Gesamtbetrag",
    total_credit: "Gutschriftbetrag",
    tax_in: "in",
    draft: "Entwurf",
    paid: "Bereits bezahlt",
    due: "Zu zahlen",
    categories: Categories {
        zero: "Nullsatz",
        exempt: "Steuerfrei",
        reverse_charge: "Steuerschuldnerschaft des Leistungsempfängers",
        intra_community: "Steuerfreie innergemeinschaftliche Lieferung",
        export: "Steuerfreie Ausfuhrlieferung",
        out_of_scope: "Nicht steuerbar",
    },
    terms: "Zahlungsbedingungen",
    payment: "Bankverbindung",
    holder: "Kontoinhaber",
    account: "Konto",
    bank: "Bank",
    payment_reference: "Verwendungszweck",
    scan: "Zum Bezahlen scannen",
    logo: "Logo",
    page: "Seite",
    of_pages: "von",
};

static FRENCH: Labels = Labels {
    language: "fr",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: '\u{202f}',
        decimal: ',',
        percent: "\u{202f}",
        currency_first: false,
        apart: false,
    },
    dates: Dates::Slashes,
    invoice: "Facture",
    credit_note: "Avoir",
    quotation: "Devis",
    date: "Date",
    due_on: "Échéance",
    valid_until: "Valable jusqu’au",
    version: "Version",
    delivered_on: "Date de prestation",
    period: "Période",
    reference: "Votre référence",
    about_invoice: "Sur facture",
    about: "Se rapporte à",
    buyer_vat_id: "Votre n° de TVA",
    vat_id: "N° de TVA",
    tax_number: "N° fiscal",
    registration: "N° d’immatriculation",
    phone: "Tél.",
    position: "N°",
    item: "Désignation",
    sku: "Réf.",
    quantity: "Quantité",
    unit_price: "Prix unitaire",
    discount: "Remise",
    net: "Montant HT",
    subtotal: "Sous-total",
    net_total: "Total HT",
    vat: "TVA",
    tax: "TVA",
    tax_of: "sur",
    total: "Total TTC",
    total_credit: "Total de l’avoir TTC",
    tax_in: "en",
    draft: "Projet",
    paid: "Déjà payé",
    due: "Net à payer",
    categories: Categories {
        zero: "Taux zéro",
        exempt: "Exonéré de TVA",
        reverse_charge: "Autoliquidation",
        intra_community: "Livraison intracommunautaire exonérée",
        export: "Exportation exonérée",
        out_of_scope: "Hors champ de la TVA",
    },
    terms: "Conditions de paiement",
    payment: "Coordonnées bancaires",
    holder: "Titulaire",
    account: "Compte",
    bank: "Banque",
    payment_reference: "Référence",
    scan: "Scanner pour payer",
    logo: "Logo",
    page: "Page",
    of_pages: "sur",
};

static SPANISH: Labels = Labels {
    language: "es",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: '.',
        decimal: ',',
        percent: "\u{a0}",
        currency_first: false,
        apart: false,
    },
    dates: Dates::Slashes,
    invoice: "Factura",
    credit_note: "Factura rectificativa",
    quotation: "Presupuesto",
    date: "Fecha",
    due_on: "Vencimiento",
    valid_until: "Válido hasta",
    version: "Versión",
    delivered_on: "Fecha de operación",
    period: "Período",
    reference: "Su referencia",
    about_invoice: "Rectifica la factura",
    about: "Se refiere a",
    buyer_vat_id: "Su NIF/IVA",
    vat_id: "NIF/IVA",
    tax_number: "NIF",
    registration: "Registro",
    phone: "Tel.",
    position: "N.º",
    item: "Descripción",
    sku: "Ref.",
    quantity: "Cantidad",
    unit_price: "Precio unitario",
    discount: "Descuento",
    net: "Importe",
    subtotal: "Subtotal",
    net_total: "Base imponible",
    vat: "IVA",
    tax: "IVA",
    tax_of: "sobre",
    total: "Total",
    total_credit: "Total a abonar",
    tax_in: "en",
    draft: "Borrador",
    paid: "Pagado",
    due: "Importe pendiente",
    categories: Categories {
        zero: "Tipo cero",
        exempt: "Exento de IVA",
        reverse_charge: "Inversión del sujeto pasivo",
        intra_community: "Entrega intracomunitaria exenta",
        export: "Exportación exenta",
        out_of_scope: "No sujeto a IVA",
    },
    terms: "Condiciones de pago",
    payment: "Datos bancarios",
    holder: "Titular",
    account: "Cuenta",
    bank: "Banco",
    payment_reference: "Concepto",
    scan: "Escanear para pagar",
    logo: "Logotipo",
    page: "Página",
    of_pages: "de",
};

static ITALIAN: Labels = Labels {
    language: "it",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: '.',
        decimal: ',',
        percent: "",
        currency_first: false,
        apart: false,
    },
    dates: Dates::Slashes,
    invoice: "Fattura",
    credit_note: "Nota di credito",
    quotation: "Preventivo",
    date: "Data",
    due_on: "Scadenza",
    valid_until: "Valido fino al",
    version: "Versione",
    delivered_on: "Data della prestazione",
    period: "Periodo",
    reference: "Vostro riferimento",
    about_invoice: "Per la fattura",
    about: "Si riferisce a",
    buyer_vat_id: "Vostra partita IVA",
    vat_id: "Partita IVA",
    tax_number: "Codice fiscale",
    registration: "Registro",
    phone: "Tel.",
    position: "N.",
    item: "Descrizione",
    sku: "Art.",
    quantity: "Quantità",
    unit_price: "Prezzo unitario",
    discount: "Sconto",
    net: "Importo",
    subtotal: "Subtotale",
    net_total: "Totale imponibile",
    vat: "IVA",
    tax: "IVA",
    tax_of: "su",
    total: "Totale",
    total_credit: "Totale a credito",
    tax_in: "in",
    draft: "Bozza",
    paid: "Già pagato",
    due: "Totale da pagare",
    categories: Categories {
        zero: "Aliquota zero",
        exempt: "Esente IVA",
        reverse_charge: "Inversione contabile",
        intra_community: "Cessione intracomunitaria non imponibile",
        export: "Esportazione non imponibile",
        out_of_scope: "Fuori campo IVA",
    },
    terms: "Condizioni di pagamento",
    payment: "Coordinate bancarie",
    holder: "Intestatario",
    account: "Conto",
    bank: "Banca",
    payment_reference: "Causale",
    scan: "Scansiona per pagare",
    logo: "Logo",
    page: "Pagina",
    of_pages: "di",
};

static DUTCH: Labels = Labels {
    language: "nl",
    is_rtl: false,
    comma: ",",
    numbers: Numbers {
        group: '.',
        decimal: ',',
        percent: "",
        currency_first: true,
        apart: false,
    },
    dates: Dates::Dashes,
    invoice: "Factuur",
    credit_note: "Creditnota",
    quotation: "Offerte",
    date: "Datum",
    due_on: "Vervaldatum",
    valid_until: "Geldig tot",
    version: "Versie",
    delivered_on: "Leveringsdatum",
    period: "Periode",
    reference: "Uw referentie",
    about_invoice: "Bij factuur",
    about: "Heeft betrekking op",
    buyer_vat_id: "Uw btw-nummer",
    vat_id: "Btw-nummer",
    tax_number: "Fiscaal nummer",
    registration: "KvK-nummer",
    phone: "Tel.",
    position: "Nr.",
    item: "Omschrijving",
    sku: "Art.",
    quantity: "Aantal",
    unit_price: "Prijs per eenheid",
    discount: "Korting",
    net: "Bedrag",
    subtotal: "Subtotaal",
    net_total: "Totaal excl. btw",
    vat: "Btw",
    tax: "Btw",
    tax_of: "over",
    total: "Totaal incl. btw",
    total_credit: "Totaal te crediteren",
    tax_in: "in",
    draft: "Concept",
    paid: "Reeds betaald",
    due: "Te betalen",
    categories: Categories {
        zero: "Nultarief",
        exempt: "Vrijgesteld van btw",
        reverse_charge: "Btw verlegd",
        intra_community: "Intracommunautaire levering",
        export: "Uitvoer",
        out_of_scope: "Niet onderworpen aan btw",
    },
    terms: "Betalingsvoorwaarden",
    payment: "Betaalgegevens",
    holder: "Rekeninghouder",
    account: "Rekening",
    bank: "Bank",
    payment_reference: "Kenmerk",
    scan: "Scan om te betalen",
    logo: "Logo",
    page: "Pagina",
    of_pages: "van",
};

static ARABIC: Labels = Labels {
    language: "ar",
    is_rtl: true,
    comma: "،",
    numbers: Numbers {
        group: ',',
        decimal: '.',
        percent: "",
        currency_first: true,
        apart: true,
    },
    dates: Dates::Slashes,
    invoice: "فاتورة",
    credit_note: "إشعار دائن",
    quotation: "عرض سعر",
    date: "التاريخ",
    due_on: "تاريخ الاستحقاق",
    valid_until: "صالح حتى",
    version: "الإصدار",
    delivered_on: "تاريخ التوريد",
    period: "الفترة",
    reference: "مرجعكم",
    about_invoice: "عن الفاتورة",
    about: "بالإشارة إلى",
    buyer_vat_id: "رقمكم لضريبة القيمة المضافة",
    vat_id: "رقم ضريبة القيمة المضافة",
    tax_number: "الرقم الضريبي",
    registration: "السجل التجاري",
    phone: "هاتف",
    position: "م",
    item: "الوصف",
    sku: "رمز الصنف",
    quantity: "الكمية",
    unit_price: "سعر الوحدة",
    discount: "الخصم",
    net: "المبلغ",
    subtotal: "المجموع الفرعي",
    net_total: "الإجمالي قبل الضريبة",
    vat: "ضريبة القيمة المضافة",
    tax: "الضريبة",
    tax_of: "على",
    total: "الإجمالي شامل الضريبة",
    total_credit: "إجمالي الإشعار الدائن",
    tax_in: "بعملة",
    draft: "مسودة",
    paid: "المدفوع",
    due: "المبلغ المستحق",
    categories: Categories {
        zero: "خاضع لنسبة الصفر",
        exempt: "معفى من الضريبة",
        reverse_charge: "الاحتساب العكسي",
        intra_community: "توريد داخل الاتحاد الأوروبي",
        export: "تصدير",
        out_of_scope: "غير خاضع للضريبة",
    },
    terms: "شروط الدفع",
    payment: "بيانات الدفع",
    holder: "صاحب الحساب",
    account: "رقم الحساب",
    bank: "البنك",
    payment_reference: "مرجع الدفع",
    scan: "امسح الرمز للدفع",
    logo: "الشعار",
    page: "صفحة",
    of_pages: "من",
};

static HEBREW: Labels = Labels {
    language: "he",
    is_rtl: true,
    comma: ",",
    numbers: Numbers {
        group: ',',
        decimal: '.',
        percent: "",
        currency_first: true,
        apart: true,
    },
    dates: Dates::Dots,
    invoice: "חשבונית",
    credit_note: "חשבונית זיכוי",
    quotation: "הצעת מחיר",
    date: "תאריך",
    due_on: "לתשלום עד",
    valid_until: "בתוקף עד",
    version: "גרסה",
    delivered_on: "תאריך אספקה",
    period: "תקופה",
    reference: "האסמכתה שלכם",
    about_invoice: "בגין חשבונית",
    about: "בהתייחס למסמך",
    buyer_vat_id: "מספר המע״מ שלכם",
    vat_id: "מספר מע״מ",
    tax_number: "מספר לצורכי מס",
    registration: "מספר רישום",
    phone: "טלפון",
    position: "מס׳",
    item: "תיאור",
    sku: "מק״ט",
    quantity: "כמות",
    unit_price: "מחיר ליחידה",
    discount: "הנחה",
    net: "סכום",
    subtotal: "סכום ביניים",
    net_total: "סה״כ לפני מס",
    vat: "מע״מ",
    tax: "מס",
    tax_of: "על",
    total: "סה״כ כולל מס",
    total_credit: "סה״כ לזיכוי",
    tax_in: "במטבע",
    draft: "טיוטה",
    paid: "שולם",
    due: "יתרה לתשלום",
    categories: Categories {
        zero: "שיעור אפס",
        exempt: "פטור ממס",
        reverse_charge: "היפוך חיוב",
        intra_community: "אספקה בתוך האיחוד האירופי",
        export: "יצוא",
        out_of_scope: "אינו חייב במס",
    },
    terms: "תנאי תשלום",
    payment: "פרטי תשלום",
    holder: "בעל החשבון",
    account: "מספר חשבון",
    bank: "בנק",
    payment_reference: "אסמכתה לתשלום",
    scan: "סרקו לתשלום",
    logo: "לוגו",
    page: "עמוד",
    of_pages: "מתוך",
};

#[cfg(test)]
mod tests {
    use super::super::canvas::INK;
    use super::super::text::{Style, Typesetter};
    use super::*;
    use crate::{Fonts, LANGUAGES};

    /// The words of a language, each with what it is for.
    fn words(language: &str) -> Vec<(String, String)> {
        let labels = format!("{:#?}", Labels::of(language));
        let lines = labels
            .lines()
            .filter_map(|line| line.trim().split_once(": "));
        let words = lines.filter_map(|(name, word)| {
            let word = word.strip_suffix("\",")?.strip_prefix('"')?;
            Some((name.to_owned(), word.to_owned()))
        });
        let others = ["language", "comma", "percent"];
        words
            .filter(|(name, _)| !others.contains(&name.as_str()))
            .collect()
    }

    #[test]
    fn each_language_has_every_word_in_its_own_script() {
        let count = words("en").len();
        assert!(count > 50, "{count}");
        for language in LANGUAGES {
            assert_eq!(Labels::of(language).language, language);
            let words = words(language);
            assert_eq!(words.len(), count, "{language}");
            for (name, word) in words {
                assert!(!word.trim().is_empty(), "{language}: {name}");
                let latin = word.chars().any(|c| c.is_ascii_alphabetic());
                let is_rtl = Labels::of(language).is_rtl;
                assert_eq!(latin, !is_rtl, "{language}: {name} is {word}");
                assert_eq!(is_rtl, ["ar", "he"].contains(&language));
            }
        }
    }

    #[test]
    fn each_word_has_glyphs_in_the_built_in_fonts() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        for language in LANGUAGES {
            for (_, word) in words(language) {
                assert_eq!(fonts.lacks(&word), "", "{language}: {word}");
                for bold in [false, true] {
                    let style = Style {
                        size: 9.0,
                        bold,
                        colour: INK,
                    };
                    assert!(setter.line(&word, style).width > 0.0);
                }
            }
        }
        assert_eq!(setter.missing(), "");
    }
}
