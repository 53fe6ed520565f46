//! When two contacts are likely one person: a common e-mail address, a common telephone number, or the same name at the
//! same company.

use bureau_kernel::duplicates::{fill, join};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;

use crate::contact::Contact;

impl Duplicates for Contact {
    const MATCHES: &'static [(&'static str, &'static str)] = &[
        ("email", "e-mail address"),
        ("phone", "telephone number"),
        ("name_company", "name and company"),
    ];
    const APART_BY: &'static [&'static str] = &["email", "phone"];

    fn fill_from(&mut self, other: &Self) {
        if self.first_name.is_none() && self.last_name.is_none() {
            self.first_name.clone_from(&other.first_name);
            self.last_name.clone_from(&other.last_name);
        }
        fill(&mut self.title, &other.title);
        // The employer's name and record belong together.
        let unknown = self.company.is_none() && self.company_id.is_none();
        let name = |contact: &Self| contact.company.as_deref().map(folded);
        if unknown || name(self) == name(other) {
            fill(&mut self.company, &other.company);
            fill(&mut self.company_id, &other.company_id);
        }
        fill(&mut self.location, &other.location);
        fill(&mut self.city, &other.city);
        fill(&mut self.country, &other.country);
        fill(&mut self.state, &other.state);
        fill(&mut self.owner, &other.owner);
        fill(&mut self.reports_to, &other.reports_to);
        fill(&mut self.source, &other.source);
        fill(&mut self.summary, &other.summary);
        join(&mut self.emails, &other.emails, |a, b| a.email == b.email);
        join(&mut self.phones, &other.phones, |a, b| a.key() == b.key());
        join(&mut self.links, &other.links, |a, b| a == b);
        join(&mut self.types, &other.types, |a, b| a == b);
        join(&mut self.tags, &other.tags, |a, b| folded(a) == folded(b));
        self.score = self.score.max(other.score);
    }

    fn follow(&mut self, prepared: &Self, given: &Patch<Self>) {
        if given.has("company") || given.has("company_id") {
            self.company.clone_from(&prepared.company);
            self.company_id = prepared.company_id;
        }
    }
}
