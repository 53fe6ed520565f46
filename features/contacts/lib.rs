//! Contacts: the people that the firm deals with.
//!
//! Permissions: `read_contacts`, `create_contacts`, `update_contacts`, `delete_contacts`. Merging changes one contact, deletes
//! others and makes what referred to them refer to it, so it takes `update_contacts`, `delete_contacts` and the permission to
//! change whatever referred to them. A contact may be linked to the record of its employer, so
//! the module uses companies.

mod contact;
mod create;
mod delete;
mod duplicates;
mod find_duplicates;
mod get;
mod import;
mod measures;
mod merge;
mod search;
mod suggestions;
mod update;

use bureau_kernel::prelude::*;

pub use contact::{Contact, ContactType, EmailEntry, PhoneEntry, PointType};

/// The permissions for contacts.
pub const CONTACTS: Access = access!("contacts");

/// The module's table.
pub const MODULE: Module = Module {
    name: "contacts",
    about: "People the firm deals with: search, read, create, update, merge, delete",
    tokens: 1_250,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create::CreateContact,
        Delete<Contact>,
        find_duplicates::FindDuplicateContacts,
        Get<Contact>,
        merge::MergeContacts,
        search::SearchContacts,
        update::UpdateContact,
    ],
    records: records![Contact],
    resources: &[Resource {
        uri: "bureau://contacts/{contact}",
        name: "contact",
        title: "Contact",
        about: "All fields of a contact.",
        tool: "get_contact",
        ..Resource::JSON
    }],
    imports: imports![Contact],
    measures: &[&measures::NEW, &measures::TOTAL],
    uses: &[&bureau_companies::MODULE],
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
