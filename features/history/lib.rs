//! History: what was changed, by whom, and taking it back.
//!
//! Permissions: `read_audit_log`, `undo_changes`. The two tools see and undo what all modules did. Depends on no other module.

mod list;
mod undo;

use bureau_kernel::prelude::*;

use list::ListChanges;
use undo::UndoChange;

/// See who changed what.
pub const READ_AUDIT_LOG: Permission = Permission::new("read_audit_log");
/// Take changes back.
pub const UNDO_CHANGES: Permission = Permission::new("undo_changes");

/// The module's table.
pub const MODULE: Module = Module {
    name: "history",
    about: "What was changed, by whom, and taking it back",
    instructions: "undo_change takes calls back (dry_run shows what), list_changes shows what was done.",
    tokens: 290,
    schemas: include_str!("schemas.txt"),
    tools: tools![ListChanges, UndoChange],
    records: &[],
    ..Module::EMPTY
};
