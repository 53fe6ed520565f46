//! What contacts can be asked for in figures.

use bureau_kernel::measures::{Dimension, Evidence, Measure, Period, Rows, Source, Unit};
use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;

use crate::contact::Contact;

/// How many there are.
pub(crate) const TOTAL: Measure = Measure {
    id: "contacts.total",
    unit: Unit::Count,
    basis: "Contacts that are there",
    period: Period::Now,
    dimensions: &[Dimension::of::<Member>("owner")],
    evidence: Some(LISTED),
    source: Source::Rows(ALL),
};

/// How many are new.
pub(crate) const NEW: Measure = Measure {
    id: "contacts.new",
    basis: "Contacts that were added in the period",
    period: Period::Moment("created_at"),
    ..TOTAL
};

const ALL: Rows = Rows {
    table: Contact::TABLE,
    only: |statement, _, _| statement,
    owner: "owner",
    amount: None,
    percent: None,
};

const LISTED: Evidence = Evidence {
    tool: "search_contacts",
    arguments: &[],
    period: Some(("created_after", "created_before")),
    owner: "owner",
};
