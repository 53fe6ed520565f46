//! When two companies are likely one: the same VAT number, the same domain, or the same name.

use bureau_kernel::duplicates::{fill, join};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;

use crate::company::{Company, LEGAL_FORM, PLAIN_NAME};

impl Duplicates for Company {
    const MATCHES: &'static [(&'static str, &'static str)] = &[
        ("vat_id", "VAT number"),
        ("domain", "domain"),
        (PLAIN_NAME, "name"),
    ];
    const APART_BY: &'static [&'static str] = &[LEGAL_FORM];

    fn fill_from(&mut self, other: &Self) {
        fill(&mut self.legal_name, &other.legal_name);
        fill(&mut self.website, &other.website);
        fill(&mut self.domain, &other.domain);
        fill(&mut self.industry, &other.industry);
        fill(&mut self.employees, &other.employees);
        fill(&mut self.email, &other.email);
        fill(&mut self.phone, &other.phone);
        fill(&mut self.street, &other.street);
        fill(&mut self.postal_code, &other.postal_code);
        fill(&mut self.city, &other.city);
        fill(&mut self.region, &other.region);
        fill(&mut self.country, &other.country);
        fill(&mut self.vat_id, &other.vat_id);
        fill(&mut self.parent, &other.parent);
        fill(&mut self.owner, &other.owner);
        fill(&mut self.source, &other.source);
        fill(&mut self.summary, &other.summary);
        join(&mut self.types, &other.types, |a, b| a == b);
        join(&mut self.tags, &other.tags, |a, b| folded(a) == folded(b));
    }

    fn follow(&mut self, prepared: &Self, given: &Patch<Self>) {
        if given.has("website") && !given.has("domain") {
            self.domain.clone_from(&prepared.domain);
        }
    }
}
