//! The candidate record and what holds of every candidate.

use bureau_kernel::duplicates::{Duplicates, distinct, fill, join};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::store::Value;
use bureau_kernel::types::phone;
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;

use crate::CANDIDATES;

bureau_kernel::record! {
    /// A person who may work here one day.
    pub struct Candidate: "candidate", "cand", "candidate" {
        /// What they are called.
        pub name: ShortText<200> => [label, search, sort_by("sort_name"), row, import("full name, candidate, candidate name, bewerber")],
        /// Where they are written to.
        pub email: Option<Email> => [key, search, row, import("e-mail, mail, email address, e-mail address, e-mail-adresse")],
        /// Where they are called.
        pub phone: Option<ShortText<40>> => [search_digits, import("telephone, mobile, phone number, telefon")],
        /// What they do now.
        pub title: Option<ShortText<150>> => [search, row, import("job title, position, headline")],
        /// For whom.
        pub employer: Option<ShortText<150>> => [search, import("company, current company, organization")],
        /// Where they live.
        pub location: Option<ShortText<200>> => [search, row, import("city, address, ort")],
        /// Web addresses, such as a profile.
        pub links: Json<Vec<ShortText<500>>> => [import("link, website, linkedin, profile, social media")],
        /// Where they come from.
        pub source: Option<ShortText<100>> => [search, filter, row, import("candidate source, origin, quelle")],
        /// Who brought them.
        pub referrer: Option<Id<Member>> = "Member" => [filter, row],
        /// Who looks after them.
        pub owner: Option<Id<Member>> => [filter, row, import("recruiter, candidate owner")],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag"), row, import("tag, labels, skills")],
        /// What to know about them.
        pub summary: Option<LongText<5000>> => [search, import("notes, description, about")],
        /// What they wrote about themselves.
        pub resume: Option<LongText<20_000>> = "Text of the CV" => [search],
        /// When they agreed to be kept longer than the retention rule says.
        pub consent_on: Option<NaiveDate>,
        /// Until when, this day included.
        pub consent_until: Option<NaiveDate>,
        /// Why they must be kept, such as a lawsuit.
        pub legal_hold: Option<ShortText<200>> = "Why",
        /// When all that is personal was erased.
        pub anonymized_on: Managed<Option<NaiveDate>> => [row],
        /// The candidate that this one was merged into.
        pub merged_into: Managed<Option<Id<Candidate>>>,
    }
}

/// What one is called of whom nothing is known any more.
pub(crate) const NOBODY: &str = "Anonymized candidate";

/// Where no consent ends: before all days that callers name.
const NO_CONSENT: NaiveDate = match NaiveDate::from_ymd_opt(1800, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

impl Candidate {
    /// Empties all that tells who it is, or what was said of them. What figures are made of stays: the source, the members who
    /// brought them and looked after them.
    pub(crate) fn forget(&mut self, today: NaiveDate) -> Result<()> {
        *self = Self {
            name: ShortText::new(NOBODY).map_err(Error::internal)?,
            source: self.source.clone(),
            referrer: self.referrer,
            owner: self.owner,
            anonymized_on: Managed(Some(today)),
            merged_into: self.merged_into,
            ..Self::empty()
        };
        Ok(())
    }
}

impl Record for Candidate {
    const ACCESS: Access = CANDIDATES;

    const CALLED: Called = Called::by(
        &[CalledBy::Key("email"), CalledBy::Column("sort_name")],
        "list_candidates",
    );

    const MERGED_INTO: Option<&'static str> = Some("merged_into");

    /// Nobody becomes somebody again.
    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        if self.anonymized_on.is_none() || next.is_none_or(|next| next == self) {
            return Ok(());
        }
        Err(
            Error::conflict("This candidate was anonymized, and stays as it is.")
                .field("candidate")
                .hint("Make a new one with create_candidate."),
        )
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let mut derived = self.declared_orders();
        let ends = self.consent_until.unwrap_or(NO_CONSENT);
        derived.push(("consent_ends", ends.to_value()));
        derived
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        match (self.consent_on, self.consent_until) {
            (None, Some(_)) => {
                let message = "A consent has the day on which it was given.";
                return Err(Error::invalid("consent_on", message));
            }
            (Some(_), None) => {
                let message = "A consent has the day until which it holds.";
                return Err(Error::invalid("consent_until", message));
            }
            (Some(on), Some(until)) if until < on => {
                let message = "It would end before it was given.";
                return Err(Error::invalid("consent_until", message));
            }
            _ => {}
        }
        if self
            .phone
            .as_deref()
            .is_some_and(|it| !phone::plausible(it))
        {
            let message = "phone is not a telephone number.";
            return Err(Error::invalid("phone", message));
        }
        distinct("links", &mut self.links, |a, b| a == b)?;
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        let phone = self.phone.as_deref().map(phone::digits);
        keys.extend(phone.map(|digits| ("phone", digits)));
        keys
    }
}

impl Duplicates for Candidate {
    const MATCHES: &'static [(&'static str, &'static str)] =
        &[("email", "e-mail address"), ("phone", "telephone number")];

    fn note_merged(&mut self, into: Id<Self>) {
        self.merged_into = Managed(Some(into));
    }

    fn fill_from(&mut self, other: &Self) {
        // Who agreed last is taken at that word, and what must be kept stays kept.
        if other.consent_until > self.consent_until {
            self.consent_on = other.consent_on;
            self.consent_until = other.consent_until;
        }
        fill(&mut self.legal_hold, &other.legal_hold);
        fill(&mut self.email, &other.email);
        fill(&mut self.phone, &other.phone);
        fill(&mut self.title, &other.title);
        fill(&mut self.employer, &other.employer);
        fill(&mut self.location, &other.location);
        fill(&mut self.source, &other.source);
        fill(&mut self.referrer, &other.referrer);
        fill(&mut self.owner, &other.owner);
        fill(&mut self.summary, &other.summary);
        fill(&mut self.resume, &other.resume);
        join(&mut self.links, &other.links, |a, b| a == b);
        join(&mut self.tags, &other.tags, |a, b| folded(a) == folded(b));
    }
}

/// Refuses a consent that would be given on a day to come.
///
/// # Errors
/// [`Code::Validation`] naming `consent_on`.
pub(crate) fn refuse_future_consent(cx: &Cx, candidate: &Candidate) -> Result<()> {
    match candidate.consent_on {
        Some(day) if day > cx.today() => {
            let message = format!("consent_on is {day}, which is still to come.");
            Err(Error::invalid("consent_on", message))
        }
        _ => Ok(()),
    }
}
