//! Files: contracts, receipts, photographs, whatever belongs to a record of any kind.
//!
//! Permissions: `read_files`, `create_files`, `delete_files`, each beside the permission to read what the file is of. A file
//! belongs to its record: it is deleted, restored and erased with it, goes along where two records are merged, and a search of
//! such records finds them by the words in their files.
//!
//! What a file holds never stands in an answer's text: it is a link, and an image is shown as one. It comes in as a file on the
//! server's own machine ([`Intake`](bureau_kernel::content::Intake)), by a link that works once, or as plain text.

mod attach;
mod audit;
mod delete;
mod file;
mod get;
mod list;
mod media;
mod taken;
mod words;

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

pub use file::{File, Searchable};
pub use words::read_words;

/// The permissions for files.
pub const FILES: Access = access!("files");

/// The module's table.
pub const MODULE: Module = Module {
    name: "files",
    about: "Files on any record: attach, list, search, get",
    on_by_default: false,
    tokens: 520,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        attach::AttachFile,
        Delete<File>,
        get::GetFile,
        list::ListFiles,
    ],
    records: records![File],
    resources: &[Resource {
        uri: "bureau://files/{file}",
        name: "file",
        title: "File",
        about: "What a file holds.",
        mime_type: "application/octet-stream",
        tool: "get_file",
        contents: Contents::File,
        ..Resource::JSON
    }],
    checks: &[Check {
        name: "attached files",
        sound: "every file holds what was attached",
        run: |cx| audit::audit(cx).boxed(),
    }],
    ..Module::EMPTY
};
