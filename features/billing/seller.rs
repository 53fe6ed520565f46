//! The seller: what the workspace's own firm puts on its documents.

use bureau_documents::{LANGUAGES, Logo};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use chrono::NaiveDate;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::party::country;
use crate::terms::Terms;
use crate::{MANAGE_INVOICING, READ_INVOICES};

bureau_kernel::record! {
    /// The workspace's own firm, as its documents name it. Each workspace has one.
    pub struct Seller: "seller", "sel", "seller" {
        /// The name in the register; the workspace's where there is none.
        pub name: Option<ShortText<200>>,
        /// Street and number.
        pub street: Option<ShortText<200>>,
        /// Postal code.
        pub postal_code: Option<ShortText<20>>,
        /// City.
        pub city: Option<ShortText<100>>,
        /// State or province.
        pub region: Option<ShortText<100>>,
        /// Country: ISO 3166-1 alpha-2.
        pub country: Option<ShortText<60>>,
        /// VAT identifier, with its country's prefix.
        pub vat_id: Option<ShortText<30>>,
        /// The tax authority's other number.
        pub tax_number: Option<ShortText<50>>,
        /// The entry in a register of companies.
        pub registration: Option<ShortText<100>> = "In the company register",
        /// Who answers for invoices.
        pub contact: Option<ShortText<100>> = "Who answers for invoices",
        /// E-mail address.
        pub email: Option<Email>,
        /// Telephone.
        pub phone: Option<ShortText<40>>,
        /// Web address.
        pub website: Option<ShortText<200>>,
        /// Who holds the account, where that is another name.
        pub account_holder: Option<ShortText<70>>,
        /// The account to pay to.
        pub iban: Option<ShortText<42>>,
        /// The bank's code.
        pub bic: Option<ShortText<11>>,
        /// The bank's name.
        pub bank: Option<ShortText<100>>,
        /// Terms of payment where an invoice has none of its own.
        pub terms: Option<Terms> = "Such as net 30",
        /// ISO 639-1: the language of its documents.
        pub language: Option<ShortText<5>> = "en, de, fr, es, it, nl, ar or he",
        /// The last day of the books that are closed: nothing is dated up to it any more.
        pub closed_until: Option<NaiveDate> = "Books are closed up to here",
        /// What stands at the foot of each page.
        pub footer: Option<LongText<500>>,
        /// A PNG or JPEG file in base64.
        pub logo: Option<String>,
    }
}

/// The most bytes that a logo has.
pub const MAX_LOGO: usize = 300_000;

impl Record for Seller {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: MANAGE_INVOICING,
        update: MANAGE_INVOICING,
        delete: MANAGE_INVOICING,
    };

    fn label(&self) -> String {
        self.name.as_deref().unwrap_or("Seller").to_owned()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        let mut wrong = Vec::new();
        if let Some(text) = &self.country {
            let code = country(text);
            if code.len() == 2 {
                self.country = ShortText::new(&code).ok();
            } else {
                let message = "country is no country that is known here.";
                wrong.push(
                    Error::invalid("country", message)
                        .hint("Give the two letters of ISO 3166-1, such as DE."),
                );
            }
        }
        if let Some(iban) = &self.iban {
            let plain: String = iban.split_whitespace().collect::<String>().to_uppercase();
            if is_iban(&plain) {
                self.iban = ShortText::new(&plain).ok();
            } else {
                let message = "iban is not an IBAN: its check digits do not fit.";
                wrong.push(
                    Error::invalid("iban", message)
                        .hint("Compare it with the bank's own letter, digit by digit."),
                );
            }
        }
        if let Some(bic) = &self.bic {
            let plain = bic.to_uppercase();
            if [8, 11].contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
                self.bic = ShortText::new(&plain).ok();
            } else {
                let message = "bic has 8 or 11 letters and digits.";
                wrong.push(Error::invalid("bic", message).hint("Such as COBADEFFXXX."));
            }
        }
        if let Some(vat_id) = &self.vat_id {
            let plain: String = vat_id.chars().filter(char::is_ascii_alphanumeric).collect();
            self.vat_id = ShortText::new(&plain.to_uppercase()).ok();
        }
        if let Some(logo) = &self.logo {
            wrong.extend(read_logo(logo).err());
        }
        wrong.extend(check_language(self.language.as_deref()).err());
        Error::all(wrong).map_or(Ok(()), Err)
    }
}

impl Seller {
    /// What an invoice may not be without (Directive 2006/112/EC, article 226) and is missing here.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        [
            ("street", self.street.is_none()),
            ("city", self.city.is_none()),
            ("country", self.country.is_none()),
            (
                "vat_id or tax_number",
                self.vat_id.is_none() && self.tax_number.is_none(),
            ),
        ]
        .into_iter()
        .filter_map(|(what, is_missing)| is_missing.then_some(what))
        .collect()
    }

    /// The details with what is still missing before an invoice can be issued; of the logo its size.
    #[must_use]
    pub fn shown(&self) -> Map<String, Value> {
        let Value::Object(mut fields) = json!(self) else {
            return Map::new();
        };
        if let Some(logo) = fields.get_mut("logo").filter(|logo| !logo.is_null()) {
            let bytes = logo.as_str().map_or(0, |text| text.len() / 4 * 3);
            *logo = format!("a picture of about {} KiB", bytes.div_ceil(1024)).into();
        }
        fields.insert("missing".into(), json!(self.lacks()));
        fields
    }

    /// The logo.
    #[must_use]
    pub fn logo(&self) -> Option<Logo> {
        self.logo.as_deref().and_then(|logo| read_logo(logo).ok())
    }
}

/// Refuses a language that no document is written in.
///
/// # Errors
/// [`Code::Validation`] naming those that there are.
pub fn check_language(language: Option<&str>) -> Result<()> {
    let known = |text: &str| {
        let first = text.split(['-', '_']).next().unwrap_or_default();
        LANGUAGES.contains(&first.to_ascii_lowercase().as_str())
    };
    if language.is_none_or(known) {
        return Ok(());
    }
    let message = format!("Documents are written in {}.", LANGUAGES.join(", "));
    Err(Error::invalid("language", message)
        .hint("Leave language out where it is the seller's, or English."))
}

/// Refuses a day in books that are closed.
///
/// # Errors
/// [`Code::Conflict`] naming the parameter and the last day that is closed.
pub async fn check_open(cx: &mut Cx, field: &'static str, day: NaiveDate) -> Result<()> {
    match seller(cx).await?.closed_until {
        Some(last) if day <= last => {
            let message = format!("The books are closed up to {last}, and this is of {day}.");
            Err(Error::conflict(message).field(field).hint(
                "Give a later day. The owner opens them again: update_workspace, or bureau workspace seller --closed-until …",
            ))
        }
        _ => Ok(()),
    }
}

/// Whether the check digits fit (ISO 13616, ISO 7064 mod 97-10).
fn is_iban(text: &str) -> bool {
    if !(15..=34).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let rest = tail
        .chars()
        .chain(head.chars())
        .fold(0_u32, |rest, c| match c.to_digit(36) {
            Some(digit) if digit > 9 => (rest * 100 + digit) % 97,
            Some(digit) => (rest * 10 + digit) % 97,
            None => rest,
        });
    rest == 1
}

pub(crate) fn read_logo(base64: &str) -> Result<Logo> {
    let wrong = |what: &str| Error::invalid("logo", what).hint("Give a PNG or JPEG file.");
    let bytes = BASE64
        .decode(base64.as_bytes())
        .map_err(|_| wrong("logo is not base64."))?;
    if bytes.len() > MAX_LOGO {
        return Err(wrong("logo has more than 300,000 bytes."));
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Ok(Logo::Png(bytes))
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Ok(Logo::Jpeg(bytes))
    } else {
        Err(wrong("logo is neither PNG nor JPEG."))
    }
}

/// The workspace's seller.
///
/// # Errors
/// What the database says; [`Code::Internal`] where the workspace was not provisioned.
pub async fn seller(cx: &mut Cx) -> Result<Saved<Seller>> {
    // Listed and not got: a call that writes a document does not lock the seller for all others.
    let page = cx
        .list::<Seller>()
        .page(Order::CREATED, false, Limit::of(1), None)
        .await?;
    let first = page.rows.into_iter().next();
    first.ok_or_else(|| Error::internal("the workspace has no seller"))
}

/// The workspace's seller, with all that a document may not be without.
///
/// # Errors
/// [`Code::Validation`] saying what is missing.
pub async fn complete_seller(cx: &mut Cx) -> Result<Seller> {
    let mut seller = seller(cx).await?.record;
    let lacks = seller.lacks();
    if lacks.is_empty() {
        if seller.name.is_none() {
            seller.name = ShortText::new(&cx.workspace().name).ok();
        }
        return Ok(seller);
    }
    let message = format!(
        "The seller's details are not complete: {}.",
        lacks.join(", ")
    );
    Err(Error::invalid("seller", message)
        .hint("The owner notes them once: update_workspace with seller, or bureau workspace seller --street … --city … --country … --vat-id …"))
}

/// Gives a new workspace its seller.
pub(crate) async fn provision(cx: &mut Cx) -> Result<()> {
    let mut seller = Seller::empty();
    seller.country = cx
        .workspace()
        .country
        .as_deref()
        .and_then(|country| ShortText::new(country).ok());
    cx.insert(seller, Attributes::new()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::is_iban;

    #[test]
    fn an_iban_is_known_by_its_check_digits() {
        for good in [
            "DE89370400440532013000",
            "GB82WEST12345698765432",
            "NO9386011117947",
        ] {
            assert!(is_iban(good), "{good}");
        }
        for bad in [
            "DE89370400440532013001",
            "DE8937040044053201300",
            "",
            "DE89 3704",
        ] {
            assert!(!is_iban(bad), "{bad}");
        }
    }
}
