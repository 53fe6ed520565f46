//! Companies from a table.

use bureau_kernel::import::Import;
use bureau_kernel::prelude::*;

use crate::company::Company;

impl Import for Company {
    const NAME: &'static str = "companies";
    const TOOL: &'static str = "import_companies";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;
    const APART_BY: &'static [&'static str] = <Self as Duplicates>::APART_BY;

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }
}
