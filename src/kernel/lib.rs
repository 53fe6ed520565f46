//! What every module of Bureau needs: tools, the one way of a call, storage, records, the change log, search.
//!
//! A module knows this crate and nothing of MCP, HTTP or the command line. It declares its record with
//! [`record!`], writes one file for each tool ([`tool::Tool`]), and lists both in its [`registry::Module`].

pub mod admin;
pub mod anchor;
pub mod audit;
#[cfg(feature = "backdate")]
pub mod backdate;
pub mod backup;
pub mod batch;
pub mod bulk;
pub mod business_calendar;
pub mod calendar;
pub mod caller;
pub mod compute;
pub mod content;
pub mod delete;
pub mod dispatch;
pub mod duplicates;
pub mod erased;
pub mod error;
pub mod export;
pub mod figures;
pub mod find;
pub mod find_passages;
pub mod follower;
pub mod heads;
pub mod import;
pub mod job;
pub mod key;
mod kinds;
pub mod list;
pub mod listing;
pub mod measures;
pub mod notice;
pub mod numbered;
pub mod option;
mod own_writes;
pub mod patch;
pub mod permission;
pub mod private;
mod projection;
pub mod provision;
pub mod rates;
pub mod record;
pub mod references;
pub mod registry;
pub mod replay;
pub mod resolve;
pub mod resource;
mod retry;
pub mod scheduler;
pub mod search;
pub mod series;
pub mod settings;
pub mod store;
pub mod stored;
pub mod suggestion;
pub mod tool;
pub mod touch;
pub mod types;
pub mod undo;
pub mod view;
pub mod watch;
pub mod whoami;

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "testing")]
pub mod testing_postgres;

/// What a module's files start with.
pub mod prelude {
    pub use crate::caller::{Member, Workspace};
    pub use crate::delete::{Deletable, Delete, Deleted};
    pub use crate::duplicates::{Duplicates, OnDuplicate};
    pub use crate::erased::record;
    pub use crate::error::{Code, Error, Result};
    pub use crate::job::Job;
    pub use crate::listing::{Listable, Listed, Listing, Lists};
    pub use crate::notice::Notice;
    pub use crate::patch::{BulkPatch, ClearField, Patch};
    pub use crate::permission::{Access, Covers, Operation, Permission};
    pub use crate::record::Cx;
    pub use crate::record::reactions::{AnyReaction, Reaction, Transition, reaction};
    pub use crate::record::{
        Attributes, Columns, Commitment, Edit, NamedRecord, Record, Saved, SearchText,
    };
    pub use crate::references::{Named, NamedAny};
    pub use crate::registry::{Check, Contradiction, Module};
    pub use crate::resource::{Contents, Resource};
    pub use crate::store::{Column, Json, Managed, Parent};
    pub use crate::tool::{Awaits, Example, Spec, Step, Tool, tool};
    pub use crate::types::country::Country;
    pub use crate::types::email::Email;
    pub use crate::types::id::{AnyId, Id};
    pub use crate::types::number::BoundedInt;
    pub use crate::types::page::{Cursor, Limit, Page};
    pub use crate::types::text::{LongText, ShortText};
    pub use crate::types::time::When;
    pub use crate::view::{Get, Gettable, Nothing, Presented, Row, View};
    pub use crate::{access, imports, records, table, tools};
}
