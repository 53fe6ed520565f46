//! What companies can be asked for in figures.

use bureau_kernel::measures::{Dimension, Evidence, Measure, Period, Rows, Source, Unit};
use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;

use crate::company::Company;

/// How many there are.
pub(crate) const TOTAL: Measure = Measure {
    id: "companies.total",
    unit: Unit::Count,
    basis: "Companies that are there",
    period: Period::Now,
    dimensions: &[Dimension::of::<Member>("owner")],
    evidence: Some(LISTED),
    source: Source::Rows(ALL),
};

/// How many are new.
pub(crate) const NEW: Measure = Measure {
    id: "companies.new",
    basis: "Companies that were added in the period",
    period: Period::Moment("created_at"),
    ..TOTAL
};

const ALL: Rows = Rows {
    table: Company::TABLE,
    only: |statement, _, _| statement,
    owner: "owner",
    amount: None,
    percent: None,
};

const LISTED: Evidence = Evidence {
    tool: "search_companies",
    arguments: &[],
    period: None,
    owner: "owner",
};
