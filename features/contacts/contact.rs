//! The contact record and what holds of every contact.

use bureau_companies::Company;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::resolve::is_turned;
use bureau_kernel::store::Value;
use bureau_kernel::types::phone;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::words::without_legal_form;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CONTACTS;

bureau_kernel::record! {
    /// A person the firm deals with.
    pub struct Contact: "contact", "con", "contact" {
        /// Name as it is shown.
        pub name: ShortText<200> = "Shown name, if not first and last"
            => [label, search, sort_by("sort_name"), row, import("full name, display name, contact name, contact, person")],
        /// Given name.
        pub first_name: Option<ShortText<100>> => [search, import("given name, forename, first, vorname, prénom, nombre")],
        /// Family name.
        pub last_name: Option<ShortText<100>> => [search, import("family name, surname, last, nachname")],
        /// Job title.
        pub title: Option<ShortText<150>> = "Job title"
            => [search, row, import("!job title, position, role, function, organization title")],
        /// Name of the employer.
        pub company: Option<ShortText<150>> = "Employer"
            => [search, key, row, bulk, import("company name, employer, organization, organisation, \
                organization name, organisation name, account, account name, firm, firma, associated company, \
                primary company, company primary")],
        /// The employer's own record.
        pub company_id: Option<Id<Company>> => [key, import("company record")],
        /// E-mail addresses, the preferred one first.
        pub emails: Json<Vec<EmailEntry>>,
        /// Telephone numbers, the preferred one first.
        pub phones: Json<Vec<PhoneEntry>>,
        /// Address or region in words.
        pub location: Option<ShortText<200>> => [search, import("address, region, mailing address, full address, address 1 formatted")],
        /// City.
        pub city: Option<ShortText<100>>
            => [search, filter, row, bulk, import("town, mailing city, business city, stadt, ort, ort geschäftlich, address 1 city, home city, ort privat")],
        /// Country: its ISO 3166-1 code, whatever name of it is given.
        pub country: Option<Country>
            => [search, filter, bulk, import("country/region, mailing country, business country/region, land, \
                land/region geschäftlich, address 1 country, home country/region, land/region privat")],
        /// Web addresses, such as a LinkedIn profile.
        pub links: Json<Vec<ShortText<500>>>
            => [import("link, website, web page, url, linkedin, linkedin url, website 1 value, website 2 value, website url, \
                webseite, profile url")],
        /// What they are to the firm.
        pub types: Json<Vec<ContactType>> => [filter_as("type"), several, row, bulk, import("type, contact type, lifecycle stage")],
        /// Where they stand in the contact pipeline.
        pub state: Option<ShortText<40>> = "Pipeline state"
            => [filter, several, row, bulk, import("lead status, contact status, status")],
        /// Who looks after them.
        pub owner: Option<Id<Member>>
            => [filter, row, bulk, import("contact owner, account manager, assigned to")],
        /// Their superior.
        pub reports_to: Option<Id<Contact>> => [import("superior, manager, boss")],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>>
            => [search, key_as("tag"), row, import("tag, labels, label, categories, category, keywords, kategorien, stichwörter")],
        /// Where they came from.
        pub source: Option<ShortText<100>> => [filter, bulk, import("lead source, original source, origin")],
        /// How promising they are.
        pub score: BoundedInt<0, 1000> = "0 to 1000" => [sort, hidden, bulk, import("lead score, rating")],
        /// What to know about them.
        pub summary: Option<LongText<5000>>
            => [import("notes, note, description, comment, comments, about, biography, notizen, bemerkungen")],
    }
}

/// What a contact is to the firm.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContactType {
    /// Somebody who may become a customer.
    Lead,
    /// A lead with whom the firm is talking.
    Prospect,
    /// Somebody who buys.
    Customer,
    /// Somebody with whom the firm works.
    Partner,
    /// Somebody from whom the firm buys.
    Supplier,
    /// None of these.
    Other,
}

/// Where an address or number reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointType {
    /// At work.
    Work,
    /// At home.
    Personal,
    /// On the move.
    Mobile,
    /// Elsewhere.
    Other,
}

/// An e-mail address of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmailEntry {
    pub(crate) email: Email,
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<PointType>,
}

/// A telephone number of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhoneEntry {
    pub(crate) phone: ShortText<40>,
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<PointType>,
    /// The number in E.164 form, where it is known; what is sent in is not read.
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) e164: Option<String>,
}

impl PhoneEntry {
    /// What two spellings of one number have in common.
    pub(crate) fn key(&self) -> String {
        self.e164
            .clone()
            .unwrap_or_else(|| phone::digits(&self.phone))
    }
}

impl Contact {
    /// The address to write to first.
    #[must_use]
    pub fn preferred_email(&self) -> Option<&Email> {
        self.emails.first().map(|entry| &entry.email)
    }

    /// Family name first, as lists of people are ordered.
    fn sort_name(&self) -> String {
        let family_first = match (&self.last_name, &self.first_name) {
            (Some(last), Some(first)) => format!("{last} {first}"),
            (Some(last), None) => last.to_string(),
            _ => self.name.to_string(),
        };
        folded(&family_first)
    }

    /// The number to call first.
    #[must_use]
    pub fn preferred_phone(&self) -> Option<&str> {
        self.phones.first().map(|entry| &*entry.phone)
    }
}

impl Record for Contact {
    const ACCESS: Access = CONTACTS;

    const CALLED: Called = Called::by(
        &[CalledBy::Key("email"), CalledBy::FamilyFirst("sort_name")],
        "search_contacts",
    );

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        if self.name.is_empty() {
            self.name = self.derived_name()?;
        }
        let region = self.region(workspace);
        for (index, entry) in self.phones.iter_mut().enumerate() {
            if !phone::plausible(&entry.phone) {
                let field = format!("phones[{index}].phone");
                let message = format!("{field} is not a telephone number.");
                return Err(Error::invalid(field, message));
            }
            // It follows from the number, so it is worked out once: reading one takes about 60 µs.
            if entry.e164.is_none() {
                entry.e164 = phone::e164(&entry.phone, region.as_deref());
            }
        }
        distinct("emails", &mut self.emails, |a, b| a.email == b.email)?;
        distinct("phones", &mut self.phones, |a, b| a.key() == b.key())?;
        distinct("links", &mut self.links, |a, b| a == b)?;
        distinct("types", &mut self.types, |a, b| a == b)?;
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        let emails = self.emails.iter();
        keys.extend(emails.map(|entry| ("email", entry.email.to_string())));
        keys.extend(self.phones.iter().map(|entry| ("phone", entry.key())));
        // Where the column that lists are ordered by does not tell how they are called.
        if !is_turned(&self.name, &self.sort_name()) {
            keys.push(("name", folded(&self.name)));
        }
        if let Some(company) = self.company.as_deref() {
            keys.push((
                "name_company",
                format!("{}|{}", folded(&self.name), without_legal_form(company).0),
            ));
        }
        keys
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("sort_name", Value::Text(self.sort_name()))]
    }

    fn text(&self) -> Option<SearchText> {
        let mut text = self.declared_text().unwrap_or_default();
        let emails = self.emails.iter();
        text.words
            .extend(emails.map(|entry| entry.email.to_string()));
        let numbers = self.phones.iter().flat_map(|entry| {
            entry
                .e164
                .clone()
                .into_iter()
                .chain([entry.phone.to_string()])
        });
        text.numbers.extend(numbers);
        let country = self
            .country
            .as_ref()
            .map(|country| country.name().to_owned());
        text.words.extend(country);
        Some(text)
    }
}

impl Contact {
    /// Brings the employer's name and the link to its record together after fields were given: the name of a record is
    /// filled in, also where its identifier was given for the name, and a name that exactly one company has becomes a link
    /// to it. `given` says which of the two was given.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a company that is not there.
    pub async fn link_company(&mut self, cx: &mut Cx, given: impl Fn(&str) -> bool) -> Result<()> {
        let company = self.company.as_deref().filter(|_| given("company"));
        let by_id = company.and_then(|text| text.parse::<Id<Company>>().ok());
        match (given("company"), given("company_id"), self.company_id) {
            (true, false, _) if by_id.is_some() => {
                self.company = None;
                self.company_id = by_id;
                self.name_company(cx, "company").await?;
            }
            (false, true, Some(_)) => self.name_company(cx, "company_id").await?,
            (true, false, _) => {
                self.company_id = match self.company.as_deref() {
                    Some(name) => bureau_companies::only_one_named(cx, name).await?,
                    None => None,
                };
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills in the name of the company that the contact is linked to.
    async fn name_company(&mut self, cx: &mut Cx, field: &str) -> Result<()> {
        let Some(id) = self.company_id else {
            return Ok(());
        };
        let company = cx.get(id).await.map_err(|error| error.field(field))?;
        // Whoever may not read companies does not come to their names by linking contacts to them.
        if cx.may::<Company>(Operation::Read) {
            let name: String = company.name.chars().take(150).collect();
            self.company = ShortText::new(&name).ok();
        }
        Ok(())
    }

    /// The name that follows from the others, or else from an address: the least by which people are told apart.
    fn derived_name(&self) -> Result<ShortText<200>> {
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let text = match (names.is_empty(), self.emails.first()) {
            (false, _) => names.join(" "),
            (true, Some(entry)) => entry.email.to_string(),
            (true, None) => {
                return Err(
                    Error::invalid("name", "A contact needs a name or an e-mail address.")
                        .hint("Give first_name, last_name, name or emails."),
                );
            }
        };
        ShortText::new(&text).map_err(|error| Error::invalid("name", format!("name {error}.")))
    }

    /// Where a number without a country belongs: the contact's country if it is a code, else the workspace's.
    fn region(&self, workspace: &Workspace) -> Option<String> {
        let own = self.country.as_ref().and_then(Country::code);
        own.map(str::to_owned).or_else(|| workspace.country.clone())
    }
}
