//! The company record and what holds of every company.

use std::collections::HashMap;

use bureau_kernel::duplicates::distinct;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::types::phone;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use bureau_kernel::types::words::without_legal_form;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::COMPANIES;

bureau_kernel::record! {
    /// An organisation the firm deals with.
    pub struct Company: "company", "cmp", "company" {
        /// Name as it is shown.
        pub name: ShortText<200>
            => [label, search, key, sort_by("sort_name"), row, import("company, company name, account, account name, \
                organization, organisation, organization name, firm, firma, unternehmen")],
        /// Name as it stands in the register and on invoices.
        pub legal_name: Option<ShortText<200>> => [search, import("registered name, official name")],
        /// Web address.
        pub website: Option<ShortText<500>>
            => [search, import("web site, web page, url, homepage, website url, company website")],
        /// Internet domain, by which its people's addresses are known.
        pub domain: Option<ShortText<253>> = "Default: the website's"
            => [search, key, row, import("company domain, company domain name, domain name")],
        /// Branch of trade.
        pub industry: Option<ShortText<100>> => [search, filter, row, import("sector, branch, branche")],
        /// How many people work there.
        pub employees: Option<BoundedInt<0, 100_000_000>>
            => [row, import("number of employees, employee count, no. of employees, headcount, mitarbeiter")],
        /// What it is to the firm.
        pub types: Json<Vec<CompanyType>> => [filter_as("type"), several, row, import("type, company type, account type")],
        /// General e-mail address.
        pub email: Option<Email> => [search, import("e-mail, mail, email address, e-mail address")],
        /// Switchboard.
        pub phone: Option<ShortText<40>>
            => [search_digits, import("telephone, phone number, tel, telefon, main phone, switchboard")],
        /// Street and number.
        pub street: Option<ShortText<200>>
            => [search, import("address, street address, billing street, address line 1, straße, \
                straße und hausnummer, anschrift, adresse")],
        /// Postal code.
        pub postal_code: Option<ShortText<20>>
            => [search, import("zip, zip code, zip/postal code, postcode, billing zip, plz, postleitzahl")],
        /// City.
        pub city: Option<ShortText<100>> => [search, filter, row, import("town, billing city, stadt, ort")],
        /// State or province.
        pub region: Option<ShortText<100>>
            => [search, import("state, province, state/region, state/province, county, billing state, bundesland")],
        /// Country: its ISO 3166-1 code, whatever name of it is given.
        pub country: Option<Country> => [search, filter, row, import("country/region, billing country, land")],
        /// VAT or tax number.
        pub vat_id: Option<ShortText<30>>
            => [search, key, import("vat, vat number, vat no, tax id, tax number, ust-idnr, ust-id")],
        /// The company that it belongs to.
        pub parent: Option<Id<Company>> => [import("parent company, parent account, belongs to")],
        /// Who looks after it.
        pub owner: Option<Id<Member>>
            => [filter, row, import("company owner, account owner, account manager, assigned to")],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>>
            => [search, filter_as("tag"), row, import("tag, labels, label, categories, category, keywords")],
        /// Where it came from.
        pub source: Option<ShortText<100>> => [key, import("lead source, original source, origin")],
        /// What to know about it.
        pub summary: Option<LongText<5000>> => [import("notes, note, description, comment, comments, about, about us")],
    }
}

/// What a company is to the firm.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CompanyType {
    /// It may become a customer.
    Prospect,
    /// It buys.
    Customer,
    /// The firm works with it.
    Partner,
    /// The firm buys from it.
    Supplier,
    /// It sells what the firm sells.
    Competitor,
    /// None of these.
    Other,
}

/// The index key of its name without the legal form.
pub(crate) const PLAIN_NAME: &str = "plain_name";
/// The index key of its legal form.
pub(crate) const LEGAL_FORM: &str = "legal_form";

impl Record for Company {
    const ACCESS: Access = COMPANIES;

    const CALLED: Called = Called::by(
        &[
            CalledBy::Key("name"),
            CalledBy::Key("domain"),
            CalledBy::Firm(PLAIN_NAME),
        ],
        "search_companies",
    );

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        let (name, form) = without_legal_form(&self.name);
        keys.push((PLAIN_NAME, name));
        if !form.is_empty() {
            keys.push((LEGAL_FORM, form));
        }
        keys
    }

    fn text(&self) -> Option<SearchText> {
        let mut text = self.declared_text()?;
        let country = self
            .country
            .as_ref()
            .map(|country| country.name().to_owned());
        text.words.extend(country);
        Some(text)
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        let region = self.country.as_ref().and_then(Country::code);
        let region = region
            .map(str::to_owned)
            .or_else(|| workspace.country.clone());
        if let Some(number) = &mut self.phone {
            if !phone::plausible(number) {
                return Err(Error::invalid("phone", "phone is not a telephone number."));
            }
            if let Some(e164) =
                phone::e164(number, region.as_deref()).and_then(|n| ShortText::new(&n).ok())
            {
                *number = e164;
            }
        }
        let domain = match (&self.domain, &self.website) {
            (Some(domain), _) => Some(host(domain).ok_or_else(|| {
                Error::invalid("domain", "domain is not a domain such as acme.example.")
            })?),
            (None, Some(website)) => host(website),
            (None, None) => None,
        };
        self.domain = domain.and_then(|domain| ShortText::new(&domain).ok());
        if let Some(number) = &mut self.vat_id {
            let plain: String = number
                .chars()
                .filter(|c| !c.is_whitespace() && !".-".contains(*c))
                .collect();
            *number = ShortText::new(&plain.to_uppercase())
                .map_err(|error| Error::invalid("vat_id", format!("vat_id {error}.")))?;
        }
        distinct("types", &mut self.types, |a, b| a == b)?;
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }
}

/// When somebody last talked with it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Contacted {
    last_contacted_at: Option<Timestamp>,
}

impl Presented for Company {
    type Extra = Contacted;
    const ROW: &'static [&'static str] = &["created_at"];

    async fn extras(cx: &mut Cx, companies: &[Saved<Self>], _: bool) -> Result<Vec<Contacted>> {
        let ids = companies.iter().map(|company| company.id.raw());
        let last = cx.last_touched::<Self>(ids).await?;
        let contacted = |company: &Saved<Self>| Contacted {
            last_contacted_at: last.get(&company.id.raw()).copied(),
        };
        Ok(companies.iter().map(contacted).collect())
    }
}

/// The domain in a web address, a host name or an e-mail address: lower case, without `www.`.
fn host(address: &str) -> Option<String> {
    let rest = match address.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphabetic()) => rest,
        Some(_) => return None,
        None => address,
    };
    let rest = rest.split(['/', '?', '#']).next()?;
    let rest = rest.rsplit('@').next()?;
    let host = rest.split(':').next()?.trim_matches('.').to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| {
                !c.is_ascii() && !c.is_whitespace() || c.is_ascii_alphanumeric() || c == '-'
            })
    };
    let whole = host.contains('.') && host.split('.').all(label);
    whole.then(|| host.to_owned())
}

/// Whether a company belongs to another: is it, or is below it, at any depth. So does one of too many levels.
pub(crate) async fn is_or_is_below(
    cx: &mut Cx,
    company: Option<Id<Company>>,
    other: Id<Company>,
) -> Result<bool> {
    /// A group of companies has no more levels than this.
    const MOST_LEVELS: usize = 20;
    let mut above = company;
    for _ in 0..MOST_LEVELS {
        match above {
            None => return Ok(false),
            Some(id) if id == other => return Ok(true),
            Some(id) => above = cx.get(id).await?.parent,
        }
    }
    Ok(true)
}

/// The company of this name, if exactly one has it; case and accents do not count.
///
/// # Errors
/// What the database says.
pub async fn only_one_named(cx: &mut Cx, name: &str) -> Result<Option<Id<Company>>> {
    let found = cx
        .with_index_key::<Company>("name", &folded(name), 2)
        .await?;
    match found.as_slice() {
        [only] => Ok(Some(*only)),
        [] => only_one_like(cx, name).await,
        _ => Ok(None),
    }
}

/// The company of this name but for the legal form, if there is exactly one, and not of another form.
///
/// # Errors
/// What the database says.
async fn only_one_like(cx: &mut Cx, name: &str) -> Result<Option<Id<Company>>> {
    let found = only_ones_like(cx, &[name.to_owned()]).await?;
    Ok(found.get(name).copied())
}

/// The same of several names: those of which there is one, by name.
///
/// # Errors
/// What the database says.
pub async fn only_ones_like(cx: &mut Cx, names: &[String]) -> Result<HashMap<String, Id<Company>>> {
    let parts = names.iter().map(|name| (name, without_legal_form(name)));
    let parts: Vec<_> = parts.collect();
    let mut plain: Vec<String> = parts.iter().map(|(_, (plain, _))| plain.clone()).collect();
    plain.sort_unstable();
    plain.dedup();
    let mut found = cx.with_terms::<Company>(PLAIN_NAME, &plain).await?;
    found.retain(|company| company.count == 1);
    let ids: Vec<_> = found.iter().map(|company| company.oldest).collect();
    let companies = cx.get_all(&ids).await?;
    let found: HashMap<String, &Saved<Company>> = found
        .into_iter()
        .zip(&companies)
        .map(|(with, company)| (with.value, company))
        .collect();
    let only = parts.into_iter().filter_map(|(name, (plain, form))| {
        let company = found.get(&plain)?;
        let its_form = without_legal_form(&company.name).1;
        let is_other = !form.is_empty() && !its_form.is_empty() && form != its_form;
        (!is_other).then(|| (name.clone(), company.id))
    });
    Ok(only.collect())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_domain_of_an_address_is_its_host() {
        for address in [
            "https://www.Acme.example/about?x=1",
            "acme.example",
            "http://user@acme.example:8080/",
            "info@acme.example",
            "www.acme.example.",
        ] {
            assert_eq!(host(address).as_deref(), Some("acme.example"), "{address}");
        }
        for address in [
            "",
            "acme",
            "https://",
            "two words.example",
            "a..example",
            "see (http://acme.example)",
            "acme.example\"",
        ] {
            assert_eq!(host(address), None, "{address}");
        }
    }
}
