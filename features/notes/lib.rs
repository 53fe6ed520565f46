//! Notes: what somebody wrote down about a record of any kind.
//!
//! Permissions: `read_notes`, `create_notes`, `update_notes`, `delete_notes`. A note belongs to its record: it is deleted,
//! restored and erased with it, goes along where two records are merged, and a search of such records finds them by their notes.
//! The module uses no other one, since a note may be about records of any module.

mod create;
mod delete;
mod get;
mod list;
mod note;
mod search;
mod update;
mod view;

use bureau_kernel::prelude::*;

pub use note::Note;

/// The permissions for notes.
pub const NOTES: Access = access!("notes");

/// The module's table.
pub const MODULE: Module = Module {
    name: "notes",
    about: "Notes on any record: write, pin, list, search",
    on_by_default: false,
    tokens: 630,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create::CreateNote,
        Delete<Note>,
        Get<Note>,
        list::ListNotes,
        search::SearchNotes,
        update::UpdateNote,
    ],
    records: records![Note],
    resources: &[Resource {
        uri: "bureau://notes/{note}",
        name: "note",
        title: "Note",
        about: "What somebody wrote down about a record.",
        tool: "get_note",
        ..Resource::JSON
    }],
    ..Module::EMPTY
};
