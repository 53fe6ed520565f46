//! What contacts can be asked for in figures.

use bureau_kernel::measures::{Evidence, Measure};

use crate::contact::Contact;

/// How many there are.
pub(crate) const TOTAL: Measure =
    Measure::total::<Contact>("contacts.total", "Contacts that are there", LISTED);

/// How many are new.
pub(crate) const NEW: Measure =
    TOTAL.added("contacts.new", "Contacts that were added in the period");

const LISTED: Evidence =
    Evidence::listed("search_contacts", &[], "owner").within("created_after", "created_before");
