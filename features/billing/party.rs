//! Who sells and who buys, as it stands in a document.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Sql;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A party of a document, as it was when the document was issued.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Party {
    /// Its name: the legal one, where it is known.
    pub name: String,
    /// The person to whom it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2, or its name where that says no country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// VAT identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl From<Party> for bureau_documents::Party {
    fn from(party: Party) -> Self {
        Self {
            name: party.name,
            contact: party.contact,
            street: party.street,
            postal_code: party.postal_code,
            city: party.city,
            region: party.region,
            country: party.country,
            vat_id: party.vat_id,
            email: party.email,
            phone: party.phone,
            ..Self::default()
        }
    }
}

/// The buyer that a document names: a company with the person there, or a person alone.
///
/// # Errors
/// [`Code::Validation`] where neither is named; [`Code::NotFound`] where one of them is not there.
pub async fn buyer(
    cx: &mut Cx,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
) -> Result<Party> {
    let text = |text: &Option<ShortText<200>>| text.as_deref().map(str::to_owned);
    let person = match contact {
        Some(id) => Some(
            cx.find(id)
                .await?
                .ok_or_else(|| Error::not_found("contact", id).field("contact"))?,
        ),
        None => None,
    };
    let email = person
        .as_ref()
        .and_then(|person| person.preferred_email())
        .map(ToString::to_string);
    let phone = person
        .as_ref()
        .and_then(|person| person.preferred_phone())
        .map(str::to_owned);
    if let Some(id) = company {
        let company = cx
            .find(id)
            .await?
            .ok_or_else(|| Error::not_found("company", id).field("company"))?
            .record;
        return Ok(Party {
            name: text(&company.legal_name).unwrap_or_else(|| company.name.to_string()),
            contact: person.as_ref().map(|person| person.name.to_string()),
            street: text(&company.street),
            postal_code: company.postal_code.as_deref().map(str::to_owned),
            city: company.city.as_deref().map(str::to_owned),
            region: company.region.as_deref().map(str::to_owned),
            country: company.country.as_deref().map(country),
            vat_id: company.vat_id.as_deref().map(str::to_owned),
            email: email.or(company.email.map(|email| email.to_string())),
            phone: phone.or(company.phone.as_deref().map(str::to_owned)),
        });
    }
    let Some(person) = person else {
        return Err(Error::invalid("company", "A customer is required.").hint(
            "Give company, contact or both; search_companies and create_company find or add one.",
        ));
    };
    Ok(Party {
        name: person.name.to_string(),
        street: text(&person.location),
        city: person.city.as_deref().map(str::to_owned),
        country: person.country.as_deref().map(country),
        email,
        phone,
        ..Party::default()
    })
}

/// Who bought, as far as it is known which company or contact that is.
pub type Buyer = (Option<Id<Company>>, Option<Id<Contact>>);

/// Appends the condition that a document is of one of these buyers.
#[must_use]
pub fn of_buyers(mut statement: Sql, buyers: &[Buyer]) -> Sql {
    statement = statement.sql(" AND (company IN (NULL");
    for company in buyers.iter().filter_map(|(company, _)| *company) {
        statement = statement.sql(", ").value(company);
    }
    statement = statement.sql(") OR (company IS NULL AND (contact IN (NULL");
    for contact in buyers.iter().filter_map(|(_, contact)| *contact) {
        statement = statement.sql(", ").value(contact);
    }
    statement = statement.sql(")");
    if buyers.contains(&(None, None)) {
        statement = statement.sql(" OR contact IS NULL");
    }
    statement.sql(")))")
}

/// The ISO 3166-1 alpha-2 code of a country that is named by a code or in English; the text itself where it names none, or
/// more than one.
pub(crate) fn country(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    let known = match upper.as_str() {
        "UK" => rust_iso3166::from_alpha2("GB"),
        code if code.len() == 2 => rust_iso3166::from_alpha2(code),
        code if code.len() == 3 => rust_iso3166::from_alpha3(code),
        _ => None,
    };
    if let Some(known) = known {
        return known.alpha2.to_owned();
    }
    let wanted = folded(text);
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
        (Some(country), ..) | (None, Some(country), None) => country.alpha2.to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::country;

    #[test]
    fn a_country_is_known_by_its_codes_and_its_english_name() {
        for (text, code) in [
            ("de", "DE"),
            ("DEU", "DE"),
            ("Germany", "DE"),
            ("netherlands", "NL"),
            ("United Kingdom", "GB"),
            ("UK", "GB"),
            ("United States", "US"),
            ("Niger", "NE"),
            ("Korea", "Korea"),
            ("Atlantis", "Atlantis"),
        ] {
            assert_eq!(country(text), code, "{text}");
        }
    }
}
