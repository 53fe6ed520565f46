//! The contact record, and the fields that creating and updating one share.

use bureau_kernel::caller::Member;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Value;
use bureau_kernel::types::phone;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Entries that each list of a contact holds at most.
const MAX_ENTRIES: usize = 50;

bureau_kernel::record! {
    /// A person the firm deals with.
    pub struct Contact: "contact", "con", "contact" {
        /// Name as it is shown.
        pub name: Line<200>,
        /// Given name.
        pub first_name: Option<Line<100>>,
        /// Family name.
        pub last_name: Option<Line<100>>,
        /// Job title.
        pub title: Option<Line<150>>,
        /// Name of the employer.
        pub company: Option<Line<150>>,
        /// E-mail addresses, the preferred one first.
        pub emails: Json<Vec<EmailEntry>>,
        /// Telephone numbers, the preferred one first.
        pub phones: Json<Vec<PhoneEntry>>,
        /// Address or region in words.
        pub location: Option<Line<200>>,
        /// City.
        pub city: Option<Line<100>>,
        /// Country, by name or ISO 3166-1 code.
        pub country: Option<Line<60>>,
        /// Web addresses, such as a LinkedIn profile.
        pub links: Json<Vec<Line<500>>>,
        /// What they are to the firm.
        pub types: Json<Vec<ContactType>>,
        /// Where they stand in the contact pipeline.
        pub state: Option<Line<40>>,
        /// Who looks after them.
        pub owner: Option<Id<Member>>,
        /// Their superior.
        pub reports_to: Option<Id<Contact>>,
        /// Labels.
        pub tags: Json<Vec<Line<50>>>,
        /// Where they came from.
        pub source: Option<Line<100>>,
        /// How promising they are, 0 to 1000.
        pub score: i64,
        /// What to know about them.
        pub summary: Option<Body<5000>>,
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
bureau_kernel::text_column!(ContactType);

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
    pub(crate) kind: Option<PointType>,
}

/// A telephone number of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhoneEntry {
    pub(crate) phone: Line<40>,
    #[serde(rename = "type")]
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

impl Record for Contact {
    fn title(&self) -> String {
        self.name.to_string()
    }

    fn terms(&self) -> Vec<(&'static str, String)> {
        let mut terms = Vec::new();
        terms.extend(
            self.emails
                .iter()
                .map(|entry| ("email", entry.email.to_string())),
        );
        terms.extend(self.phones.iter().map(|entry| ("phone", entry.key())));
        terms.extend(
            self.types
                .iter()
                .map(|kind| ("type", bureau_kernel::store::enum_name(kind))),
        );
        terms.extend(self.tags.iter().map(|tag| ("tag", folded(tag))));
        terms.extend(self.owner.map(|owner| ("owner", owner.to_string())));
        for (field, text) in [
            ("city", &self.city.as_deref()),
            ("country", &self.country.as_deref()),
        ] {
            terms.extend(text.map(|text| (field, folded(text))));
        }
        terms.extend(self.state.as_deref().map(|text| ("state", folded(text))));
        terms.extend(self.source.as_deref().map(|text| ("source", folded(text))));
        if let Some(company) = self.company.as_deref() {
            terms.push(("company", folded(company)));
            terms.push((
                "name_company",
                format!("{}|{}", folded(&self.name), folded(company)),
            ));
        }
        terms
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        // Family name first, as lists of people are ordered.
        let family_first = match (&self.last_name, &self.first_name) {
            (Some(last), Some(first)) => format!("{last} {first}"),
            (Some(last), None) => last.to_string(),
            _ => self.name.to_string(),
        };
        vec![("sort_name", Value::Text(folded(&family_first)))]
    }

    fn text(&self) -> Option<SearchText> {
        let lines = [
            &self.title.as_deref(),
            &self.company.as_deref(),
            &self.city.as_deref(),
            &self.country.as_deref(),
        ];
        let mut words: Vec<String> = lines
            .into_iter()
            .filter_map(|line| line.map(str::to_owned))
            .collect();
        words.extend(self.location.as_deref().map(str::to_owned));
        words.extend(
            [&self.first_name, &self.last_name]
                .into_iter()
                .flatten()
                .map(ToString::to_string),
        );
        words.extend(self.emails.iter().map(|entry| entry.email.to_string()));
        words.extend(self.tags.iter().map(ToString::to_string));
        let numbers = self.phones.iter().flat_map(|entry| {
            entry
                .e164
                .clone()
                .into_iter()
                .chain([entry.phone.to_string()])
        });
        Some(SearchText {
            words,
            numbers: numbers.collect(),
        })
    }
}

/// Declares the input of a tool with the fields that a contact can be given, after the tool's own.
macro_rules! contact_input {
    ($(#[$meta:meta])* pub(crate) struct $name:ident { $($(#[$own_meta:meta])* $own:ident: $own_type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        pub(crate) struct $name {
            $($(#[$own_meta])* $own: $own_type,)*
            first_name: Option<bureau_kernel::types::text::Line<100>>,
            last_name: Option<bureau_kernel::types::text::Line<100>>,
            /// Shown name, if not first and last
            name: Option<bureau_kernel::types::text::Line<200>>,
            /// Job title
            title: Option<bureau_kernel::types::text::Line<150>>,
            /// Employer
            company: Option<bureau_kernel::types::text::Line<150>>,
            emails: Option<Vec<$crate::contact::EmailEntry>>,
            phones: Option<Vec<$crate::contact::PhoneEntry>>,
            location: Option<bureau_kernel::types::text::Line<200>>,
            city: Option<bureau_kernel::types::text::Line<100>>,
            country: Option<bureau_kernel::types::text::Line<60>>,
            links: Option<Vec<bureau_kernel::types::text::Line<500>>>,
            types: Option<Vec<$crate::contact::ContactType>>,
            /// State in the contact pipeline
            state: Option<bureau_kernel::types::text::Line<40>>,
            /// Member id
            owner: Option<bureau_kernel::types::id::Id<bureau_kernel::caller::Member>>,
            /// Contact id of the superior
            reports_to: Option<bureau_kernel::types::id::Id<$crate::contact::Contact>>,
            tags: Option<Vec<bureau_kernel::types::text::Line<50>>>,
            source: Option<bureau_kernel::types::text::Line<100>>,
            /// 0 to 1000
            score: Option<i64>,
            summary: Option<bureau_kernel::types::text::Body<5000>>,
            /// Custom attributes
            attributes: Option<bureau_kernel::record::Attributes>,
        }
        impl $name {
            /// Splits the fields that a contact can be given from the tool's own.
            fn split(self) -> ($crate::contact::Fields, ($($own_type,)*)) {
                let Self {
                    $($own,)* first_name, last_name, name, title, company, emails, phones, location, city, country,
                    links, types, state, owner, reports_to, tags, source, score, summary, attributes,
                } = self;
                let fields = $crate::contact::Fields {
                    first_name, last_name, name, title, company, emails, phones, location, city, country, links,
                    types, state, owner, reports_to, tags, source, score, summary,
                    attributes: attributes.unwrap_or_default(),
                };
                (fields, ($($own,)*))
            }
        }
    };
}
pub(crate) use contact_input;

/// What a caller says about a contact; what is absent stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) first_name: Option<Line<100>>,
    pub(crate) last_name: Option<Line<100>>,
    pub(crate) name: Option<Line<200>>,
    pub(crate) title: Option<Line<150>>,
    pub(crate) company: Option<Line<150>>,
    pub(crate) emails: Option<Vec<EmailEntry>>,
    pub(crate) phones: Option<Vec<PhoneEntry>>,
    pub(crate) location: Option<Line<200>>,
    pub(crate) city: Option<Line<100>>,
    pub(crate) country: Option<Line<60>>,
    pub(crate) links: Option<Vec<Line<500>>>,
    pub(crate) types: Option<Vec<ContactType>>,
    pub(crate) state: Option<Line<40>>,
    pub(crate) owner: Option<Id<Member>>,
    pub(crate) reports_to: Option<Id<Contact>>,
    pub(crate) tags: Option<Vec<Line<50>>>,
    pub(crate) source: Option<Line<100>>,
    pub(crate) score: Option<i64>,
    pub(crate) summary: Option<Body<5000>>,
    pub(crate) attributes: Attributes,
}

/// A list without what it holds twice.
fn distinct<T>(field: &str, items: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Result<Vec<T>> {
    let mut kept: Vec<T> = Vec::new();
    for item in items {
        if !kept.iter().any(|other| same(other, &item)) {
            kept.push(item);
        }
    }
    if kept.len() > MAX_ENTRIES {
        return Err(Error::invalid(
            field,
            format!(
                "{field} has {} entries; at most {MAX_ENTRIES} are kept.",
                kept.len()
            ),
        ));
    }
    Ok(kept)
}

impl Fields {
    /// A new contact of these fields.
    ///
    /// # Errors
    /// [`Code::Validation`] when nothing says who it is, or a field makes no sense.
    pub(crate) async fn into_contact(mut self, cx: &mut Cx) -> Result<(Contact, Attributes)> {
        let name = match (
            self.name.take(),
            shown_name(self.first_name.as_deref(), self.last_name.as_deref()),
        ) {
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => match self.emails.as_deref() {
                // An address is the least by which a person can be told from others.
                Some([first, ..]) => Line::new(&first.email).map_err(Error::internal)?,
                _ => {
                    return Err(Error::invalid(
                        "first_name",
                        "A contact needs a name or an e-mail address.",
                    )
                    .hint("Give first_name, last_name, name or emails."));
                }
            },
        };
        let mut contact = Contact {
            name,
            first_name: None,
            last_name: None,
            title: None,
            company: None,
            emails: Json(Vec::new()),
            phones: Json(Vec::new()),
            location: None,
            city: None,
            country: None,
            links: Json(Vec::new()),
            types: Json(Vec::new()),
            state: None,
            owner: None,
            reports_to: None,
            tags: Json(Vec::new()),
            source: None,
            score: 0,
            summary: None,
        };
        let attributes = std::mem::take(&mut self.attributes);
        self.apply(cx, &mut contact).await?;
        Ok((contact, attributes))
    }

    /// Writes what was said into a contact; custom attributes are left to the caller.
    ///
    /// # Errors
    /// [`Code::Validation`] or [`Code::NotFound`] naming the field.
    pub(crate) async fn apply(self, cx: &mut Cx, contact: &mut Contact) -> Result<()> {
        if let Some(owner) = self.owner {
            cx.check_member("owner", owner).await?;
            contact.owner = Some(owner);
        }
        if let Some(superior) = self.reports_to {
            cx.get(superior)
                .await
                .map_err(|error| error.or_field("reports_to"))?;
            contact.reports_to = Some(superior);
        }
        if let Some(score) = self.score {
            if !(0..=1000).contains(&score) {
                return Err(Error::invalid("score", "score must be between 0 and 1000."));
            }
            contact.score = score;
        }
        let named = self.name.is_some();
        let renamed = self.first_name.is_some() || self.last_name.is_some();
        set(&mut contact.first_name, self.first_name);
        set(&mut contact.last_name, self.last_name);
        if let Some(name) = self.name {
            contact.name = name;
        } else if renamed
            && !named
            && let Some(name) =
                shown_name(contact.first_name.as_deref(), contact.last_name.as_deref())
        {
            contact.name = name;
        }
        set(&mut contact.title, self.title);
        set(&mut contact.company, self.company);
        set(&mut contact.location, self.location);
        set(&mut contact.city, self.city);
        set(&mut contact.country, self.country);
        set(&mut contact.state, self.state);
        set(&mut contact.source, self.source);
        set(&mut contact.summary, self.summary);
        if let Some(emails) = self.emails {
            contact.emails = Json(distinct("emails", emails, |a, b| a.email == b.email)?);
        }
        if let Some(phones) = self.phones {
            let region = region(contact, cx);
            let phones = phones.into_iter().enumerate().map(|(index, entry)| {
                if !phone::plausible(&entry.phone) {
                    let field = format!("phones[{index}].phone");
                    return Err(Error::invalid(
                        field.clone(),
                        format!("{field} is not a telephone number."),
                    ));
                }
                Ok(PhoneEntry {
                    e164: phone::e164(&entry.phone, region.as_deref()),
                    ..entry
                })
            });
            let phones: Vec<PhoneEntry> = phones.collect::<Result<_>>()?;
            contact.phones = Json(distinct("phones", phones, |a, b| a.key() == b.key())?);
        }
        if let Some(links) = self.links {
            contact.links = Json(distinct("links", links, |a, b| a == b)?);
        }
        if let Some(types) = self.types {
            contact.types = Json(distinct("types", types, |a, b| a == b)?);
        }
        if let Some(tags) = self.tags {
            contact.tags = Json(distinct("tags", tags, |a, b| folded(a) == folded(b))?);
        }
        Ok(())
    }
}

fn set<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

fn shown_name(first: Option<&str>, last: Option<&str>) -> Option<Line<200>> {
    let parts: Vec<&str> = [first, last].into_iter().flatten().collect();
    if parts.is_empty() {
        None
    } else {
        Line::new(&parts.join(" ")).ok()
    }
}

/// Where a number without a country belongs: the contact's country if it is a code, else the workspace's.
fn region(contact: &Contact, cx: &Cx) -> Option<String> {
    let own = contact
        .country
        .as_deref()
        .filter(|code| code.len() == 2)
        .map(str::to_ascii_uppercase);
    own.or_else(|| cx.workspace().country.clone())
}
