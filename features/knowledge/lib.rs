//! The knowledge base: documents in Markdown, with folders, versions and readers, and the search by passage.
//!
//! Permissions: `read_knowledge_base`, `create_knowledge_base`, `update_knowledge_base`, `delete_knowledge_base`. A document or
//! folder for one team is there for its members, for owners and for admins, and for nobody else ([`Record::READERS`]). Suggestions and
//! the answers to them are those of [`bureau_suggestions`].

mod create;
mod delete;
mod document;
mod folder;
mod get;
mod list;
mod revisions;
mod search;
pub mod sync;
mod update;
mod update_folder;
mod view;
mod visibility;

use bureau_kernel::prelude::*;
use bureau_suggestions::{AcknowledgeSuggestion, GetAiSuggestions, SuggestionAnswer};

pub use document::Document;
pub use folder::Folder;

/// The permissions for documents and their folders.
pub const KNOWLEDGE: Access = access!("knowledge_base");

/// The module's table.
pub const MODULE: Module = Module {
    name: "knowledge",
    about: "Knowledge base: documents, search by passage; suggestions what to do next",
    tokens: 1_210,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        AcknowledgeSuggestion,
        create::CreateDocument,
        Delete<Document>,
        GetAiSuggestions,
        get::GetDocument,
        list::ListKnowledgeBase,
        search::SearchKnowledgeBase,
        update::UpdateDocument,
        update_folder::UpdateFolder,
    ],
    records: records![Document, Folder, SuggestionAnswer],
    resources: &[Resource {
        uri: "bureau://documents/{document}",
        name: "document",
        title: "Document",
        about: "A document of the knowledge base.",
        tool: "get_document",
        ..Resource::JSON
    }],
    imports: imports![Document],
    reacts: table![&'static dyn AnyReaction: reaction::<visibility::KeepWithFolder>()],
    ..Module::EMPTY
};
