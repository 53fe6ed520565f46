//! Bureau: a whole back office behind one MCP server. This crate is the program's own part: the command line, the
//! configuration, the transports, and the one list of modules.

pub mod anchors;
pub mod boot;
pub mod cli;
pub mod completions;
pub mod config;
pub mod delivery;
#[cfg(feature = "demo")]
pub mod demo;
pub mod prompts;
pub mod server;
pub mod subscriptions;
#[cfg(feature = "tokens")]
pub mod tokens;
pub mod transport;

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

use bureau_kernel::registry::{Module, Registry};

/// What clients are told once, before they call anything: what holds of every tool, and what the groups that are on say of
/// theirs. One client cuts it at 2,000 characters.
#[must_use]
pub fn instructions(registry: &Registry) -> String {
    const OF_ALL: &str = include_str!("instructions.md");
    /// The line at which groups say theirs.
    const GROUPS: &str = "{groups}\n";
    let groups = registry.instructions().map(|said| format!("{said}\n"));
    OF_ALL.replace(GROUPS, &groups.collect::<String>())
}

/// The modules that are compiled in. What a new one touches, docs/module.md says.
pub const MODULES: &[Module] = &[
    #[cfg(feature = "activities")]
    bureau_activities::MODULE,
    #[cfg(feature = "analytics")]
    bureau_analytics::MODULE,
    #[cfg(feature = "companies")]
    bureau_companies::MODULE,
    #[cfg(feature = "contacts")]
    bureau_contacts::MODULE,
    #[cfg(feature = "deals")]
    bureau_deals::MODULE,
    #[cfg(feature = "exchange")]
    bureau_exchange::MODULE,
    #[cfg(feature = "files")]
    bureau_files::MODULE,
    #[cfg(feature = "history")]
    bureau_history::MODULE,
    #[cfg(feature = "invoicing")]
    bureau_invoicing::MODULE,
    #[cfg(feature = "knowledge")]
    bureau_knowledge::MODULE,
    #[cfg(feature = "notes")]
    bureau_notes::MODULE,
    #[cfg(feature = "pipeline")]
    bureau_pipeline::MODULE,
    #[cfg(feature = "projects")]
    bureau_projects::MODULE,
    #[cfg(feature = "quotations")]
    bureau_quotations::MODULE,
    #[cfg(feature = "recruiting")]
    bureau_recruiting::MODULE,
    #[cfg(feature = "settings")]
    bureau_settings::MODULE,
    #[cfg(feature = "tickets")]
    bureau_tickets::MODULE,
    #[cfg(feature = "time")]
    bureau_time::MODULE,
    #[cfg(feature = "workspace")]
    bureau_workspace::MODULE,
];

#[cfg(test)]
mod tests {
    use bureau_kernel::registry::Selection;

    use super::*;

    /// Where a client cuts the instructions, in characters.
    const CUT: usize = 2_000;
    /// How many characters are left for the groups to come, with all groups on.
    const LEFT: usize = 1;

    fn told(groups: &str) -> String {
        let selection = Selection {
            features: vec![groups.to_owned()],
            ..Selection::default()
        };
        instructions(&Registry::new(MODULES, &selection).unwrap())
    }

    #[test]
    fn the_instructions_of_all_groups_fit_where_they_are_cut() {
        let length = told("all").chars().count();
        assert_eq!(CUT.checked_sub(length), Some(LEFT), "{length} characters");
    }

    #[test]
    fn a_server_with_few_groups_says_nothing_of_the_others() {
        let few = told("companies");
        assert!(few.len() < told("all").len());
        assert!(!few.contains("{groups}"), "{few}");
        for module in MODULES
            .iter()
            .filter(|module| !module.instructions.is_empty())
        {
            assert!(!few.contains(module.instructions), "{}", module.name);
            assert!(
                told(module.name).contains(module.instructions),
                "{}",
                module.name
            );
        }
    }

    #[test]
    fn a_tool_is_named_by_its_own_group_alone() {
        let registry = Registry::new(MODULES, &Selection::default()).unwrap();
        for entry in registry.entries() {
            let name = entry.spec.name;
            assert!(!include_str!("instructions.md").contains(name), "{name}");
            let mut others = MODULES.iter().filter(|module| module.name != entry.module);
            assert!(
                !others.any(|other| other.instructions.contains(name)),
                "{name}"
            );
        }
    }

    #[test]
    fn the_instructions_name_every_option_that_is_declared_nowhere_else() {
        let told = told("companies");
        for option in [
            "dry_run",
            "idempotency_key",
            "version",
            "fields",
            "confirm",
            "confirm_token",
            "clear",
            "cursor",
        ] {
            assert!(told.contains(option), "{option}");
        }
    }
}
