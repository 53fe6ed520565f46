//! Suggestions: what modules see that somebody might do next, and what was answered to it.
//!
//! The rules are the modules' own ([`bureau_kernel::suggestion`]); here they are asked, weighed against each other, and answered. The
//! tools belong to the group `knowledge`: whoever may read the knowledge base may ask for suggestions and answer them.

mod acknowledge;
mod answer;
mod get;

use bureau_kernel::prelude::*;

pub use acknowledge::AcknowledgeSuggestion;
pub use answer::{Answer, SuggestionAnswer};
pub use get::{GetAiSuggestions, Suggestions};

/// Read the knowledge base, ask for suggestions and answer them.
pub const READ_KNOWLEDGE_BASE: Permission = Permission::new("read_knowledge_base");
/// Take back answers to suggestions.
pub const ANSWER_SUGGESTIONS: Permission = Permission::new("answer_suggestions");

/// The permissions for answers to suggestions.
pub const SUGGESTIONS: Access = Access {
    read: READ_KNOWLEDGE_BASE,
    create: ANSWER_SUGGESTIONS,
    update: ANSWER_SUGGESTIONS,
    delete: ANSWER_SUGGESTIONS,
};
