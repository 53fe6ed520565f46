//! Bureau: a whole back office behind one MCP server. This crate is the program's own part: the command line, the
//! configuration, the transports, and the one list of modules.

pub mod anchors;
pub mod boot;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod server;
pub mod tokens;
pub mod transport;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

use bureau_kernel::registry::Module;

/// What clients are told once about all tools: one of them cuts it at 2,000 characters.
pub const INSTRUCTIONS: &str = include_str!("instructions.md");

/// The modules that are compiled in. What a new one touches, docs/module.md says.
pub const MODULES: &[Module] = &[
    #[cfg(feature = "activities")]
    bureau_activities::MODULE,
    #[cfg(feature = "companies")]
    bureau_companies::MODULE,
    #[cfg(feature = "contacts")]
    bureau_contacts::MODULE,
    #[cfg(feature = "deals")]
    bureau_deals::MODULE,
    #[cfg(feature = "history")]
    bureau_history::MODULE,
    #[cfg(feature = "invoicing")]
    bureau_invoicing::MODULE,
    #[cfg(feature = "notes")]
    bureau_notes::MODULE,
    #[cfg(feature = "pipeline")]
    bureau_pipeline::MODULE,
    #[cfg(feature = "quotations")]
    bureau_quotations::MODULE,
    #[cfg(feature = "workspace")]
    bureau_workspace::MODULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_fit_where_they_are_cut() {
        let length = INSTRUCTIONS.chars().count();
        assert!(length < 2000, "{length} characters");
    }

    #[test]
    fn the_instructions_name_every_option_that_is_declared_nowhere_else() {
        for option in [
            "dry_run",
            "idempotency_key",
            "version",
            "fields",
            "confirm",
            "confirm_token",
            "clear",
            "cursor",
            "undo_change",
        ] {
            assert!(INSTRUCTIONS.contains(option), "{option}");
        }
    }
}
