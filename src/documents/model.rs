//! A commercial document as data. The terms in brackets are those of EN 16931-1.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// Asks for payment (UNTDID 1001: 380).
    Invoice,
    /// Takes an invoice back, whole or in part; its amounts are positive (UNTDID 1001: 381).
    CreditNote,
    /// Offers.
    Quotation,
}

/// An invoice, credit note or quotation, complete and computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number [BT-1].
    pub number: String,
    /// Whether it is still a draft, which is said on each page of it. It has no e-invoice.
    pub is_draft: bool,
    /// Its version, for a quotation of which there were others.
    pub version: Option<i64>,
    /// ISO 639-1: the language of its labels. One that is not known falls back to English.
    pub language: String,
    /// When it was issued [BT-2].
    pub issued_on: NaiveDate,
    /// When it is to be paid [BT-9]; until when a quotation holds.
    pub due_on: Option<NaiveDate>,
    /// When the goods were delivered or the service done [BT-72].
    pub delivered_on: Option<NaiveDate>,
    /// The period that it is for [BT-73, BT-74].
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// ISO 4217 [BT-5].
    pub currency: String,
    /// Digits after the decimal point of that currency.
    pub digits: u32,
    /// Who sells [BG-4].
    pub seller: Party,
    /// Who buys [BG-7].
    pub buyer: Party,
    /// What the buyer wants to see: an order number [BT-13], or a routing id of German authorities [BT-10].
    pub buyer_reference: Option<String>,
    /// The document that it is about, such as the invoice that a credit note takes back [BG-3].
    pub about: Option<Reference>,
    /// What is sold [BG-25].
    pub lines: Vec<Line>,
    /// Discounts on the whole document [BG-20] and charges [BG-21], one for each tax that they are spread over.
    pub allowances_and_charges: Vec<AllowanceOrCharge>,
    /// The tax by category and rate [BG-23].
    pub taxes: Vec<TaxSubtotal>,
    /// The totals [BG-22].
    pub totals: Totals,
    /// The tax in the seller's own currency, where the document is in another one.
    pub home_tax: Option<HomeTax>,
    /// The terms of payment in words [BT-20].
    pub terms: Option<String>,
    /// Where to pay [BG-17].
    pub bank: Option<BankAccount>,
    /// What else there is to say, before the lines.
    pub introduction: Option<String>,
    /// What else there is to say, after the totals [BT-22].
    pub note: Option<String>,
    /// What stands small at the foot of each page, such as the register entry.
    pub footer: Option<String>,
    /// The seller's logo.
    pub logo: Option<Logo>,
}

/// A document by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its number [BT-25].
    pub number: String,
    /// When it was issued [BT-26].
    pub issued_on: NaiveDate,
}

/// Who sells or buys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// The name [BT-27, BT-44].
    pub name: String,
    /// The person to whom it goes [BT-56], or who answers for it [BT-41].
    pub contact: Option<String>,
    /// Street and number [BT-35, BT-50].
    pub street: Option<String>,
    /// Postal code [BT-38, BT-53].
    pub postal_code: Option<String>,
    /// City [BT-37, BT-52].
    pub city: Option<String>,
    /// State or province [BT-39, BT-54].
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2 [BT-40, BT-55].
    pub country: Option<String>,
    /// VAT identifier, with its country's prefix [BT-31, BT-48].
    pub vat_id: Option<String>,
    /// The tax authority's other number [BT-32].
    pub tax_number: Option<String>,
    /// The entry in a register of companies [BT-30].
    pub registration: Option<String>,
    /// E-mail address [BT-43, BT-58]; also the electronic address where there is no other [BT-34, BT-49].
    pub email: Option<String>,
    /// Telephone [BT-42, BT-57].
    pub phone: Option<String>,
    /// Web address.
    pub website: Option<String>,
}

/// A category of the duty (UNCL 5305, as EN 16931 restricts it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaxCategory {
    /// S: a rate above zero.
    Standard,
    /// Z: a rate of zero.
    Zero,
    /// E: exempt.
    Exempt,
    /// AE: the buyer owes it.
    ReverseCharge,
    /// K: supply to another member state of the EU.
    IntraCommunity,
    /// G: export out of the EU.
    Export,
    /// O: not subject to it.
    OutOfScope,
}

impl TaxCategory {
    /// The code (UNCL 5305).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Standard => "S",
            Self::Zero => "Z",
            Self::Exempt => "E",
            Self::ReverseCharge => "AE",
            Self::IntraCommunity => "K",
            Self::Export => "G",
            Self::OutOfScope => "O",
        }
    }
}

/// How something is taxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tax {
    /// The category [BT-151, BT-118].
    pub category: TaxCategory,
    /// Percent [BT-152, BT-119].
    pub rate: Decimal,
    /// Why none is due [BT-120].
    pub reason: Option<String>,
    /// The same as a code of the VATEX list [BT-121].
    pub reason_code: Option<String>,
}

/// A line [BG-25].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is [BT-153].
    pub name: String,
    /// More about it [BT-154].
    pub description: Option<String>,
    /// The seller's article number [BT-155].
    pub sku: Option<String>,
    /// How many [BT-129].
    pub quantity: Decimal,
    /// Of what, as it is printed, such as `hour`.
    pub unit: String,
    /// The same in UN/ECE recommendation 20 or 21 [BT-130], such as `HUR`.
    pub unit_code: String,
    /// The price of one [BT-146], with up to four digits.
    pub unit_price: Decimal,
    /// The discount on the line [BT-136]; zero where there is none.
    pub discount: Decimal,
    /// That discount in percent, where it was given so [BT-138].
    pub discount_percent: Option<Decimal>,
    /// Its net amount [BT-131]: price by quantity less the discount, rounded.
    pub net: Decimal,
    /// How it is taxed.
    pub tax: Tax,
}

/// A discount or a charge on the whole document [BG-20, BG-21]: the share of one tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowanceOrCharge {
    /// Whether it adds.
    pub is_charge: bool,
    /// How much [BT-92, BT-99].
    pub amount: Decimal,
    /// In percent of the lines, where it was given so [BT-94, BT-101].
    pub percent: Option<Decimal>,
    /// What for [BT-97, BT-104].
    pub reason: String,
    /// How it is taxed [BT-95, BT-96, BT-102, BT-103].
    pub tax: Tax,
}

/// The tax of one category and rate [BG-23].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxSubtotal {
    /// How.
    pub tax: Tax,
    /// On how much [BT-116].
    pub taxable: Decimal,
    /// How much [BT-117].
    pub amount: Decimal,
}

/// The tax in the seller's own currency (Directive 2006/112/EC, article 230).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeTax {
    /// ISO 4217 [BT-6].
    pub currency: String,
    /// Digits after the decimal point of that currency.
    pub digits: u32,
    /// How much [BT-111].
    pub amount: Decimal,
    /// What one unit of the document's currency was worth in it.
    pub rate: Decimal,
}

/// The totals of a document [BG-22].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The lines [BT-106].
    pub lines: Decimal,
    /// The discounts on the whole document [BT-107].
    pub allowances: Decimal,
    /// The charges on the whole document [BT-108].
    pub charges: Decimal,
    /// Without tax [BT-109].
    pub net: Decimal,
    /// The tax [BT-110].
    pub tax: Decimal,
    /// With tax [BT-112].
    pub gross: Decimal,
    /// Paid already [BT-113].
    pub paid: Decimal,
    /// Still to be paid [BT-115].
    pub due: Decimal,
}

/// Where to pay [BG-17].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankAccount {
    /// In whose name [BT-85].
    pub holder: Option<String>,
    /// The account [BT-84], without spaces.
    pub iban: String,
    /// The bank [BT-86].
    pub bic: Option<String>,
    /// The bank's name.
    pub bank: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    /// A PNG file.
    Png(Vec<u8>),
    /// A JPEG file.
    Jpeg(Vec<u8>),
}
