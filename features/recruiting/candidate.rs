//! The candidate record and what holds of every candidate.

use bureau_kernel::duplicates::{Duplicates, distinct, fill, join};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::types::phone;
use bureau_kernel::types::text::folded;

use crate::CANDIDATES;

bureau_kernel::record! {
    /// A person who may work here one day.
    pub struct Candidate: "candidate", "cand", "candidate" {
        /// What they are called.
        pub name: ShortText<200> => [label, search, sort_by("sort_name"), row],
        /// Where they are written to.
        pub email: Option<Email> => [key, search, row],
        /// Where they are called.
        pub phone: Option<ShortText<40>> => [search_digits],
        /// What they do now.
        pub title: Option<ShortText<150>> => [search, row],
        /// For whom.
        pub employer: Option<ShortText<150>> => [search],
        /// Where they live.
        pub location: Option<ShortText<200>> => [search, row],
        /// Web addresses, such as a profile.
        pub links: Json<Vec<ShortText<500>>>,
        /// Where they come from.
        pub source: Option<ShortText<100>> => [search, filter, row],
        /// Who brought them.
        pub referrer: Option<Id<Member>> = "Member" => [filter, row],
        /// Who looks after them.
        pub owner: Option<Id<Member>> => [filter, row],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag"), row],
        /// What to know about them.
        pub summary: Option<LongText<5000>> => [search],
        /// What they wrote about themselves.
        pub resume: Option<LongText<20_000>> = "Text of the CV" => [search],
    }
}

impl Record for Candidate {
    const ACCESS: Access = CANDIDATES;

    const CALLED: Called = Called::by(
        &[CalledBy::Key("email"), CalledBy::Column("sort_name")],
        "list_candidates",
    );

    fn check(&mut self, _: &Workspace) -> Result<()> {
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

    fn fill_from(&mut self, other: &Self) {
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
