//! What companies can be asked for in figures.

use bureau_kernel::measures::{Evidence, Measure};

use crate::company::Company;

/// How many there are.
pub(crate) const TOTAL: Measure =
    Measure::total::<Company>("companies.total", "Companies that are there", LISTED);

/// How many are new.
pub(crate) const NEW: Measure =
    TOTAL.added("companies.new", "Companies that were added in the period");

const LISTED: Evidence =
    Evidence::listed("search_companies", &[], "owner").within("created_after", "created_before");
