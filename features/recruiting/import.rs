//! Candidates from a table.

use bureau_kernel::import::Import;
use bureau_kernel::prelude::*;

use crate::candidate::Candidate;

impl Import for Candidate {
    const NAME: &'static str = "candidates";
    const TOOL: &'static str = "import_candidates";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }
}
