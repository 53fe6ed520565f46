//! Exchange: tables that are brought in and taken out.
//!
//! Permissions: `import_data`, `export_data`, each beside what the kind of record takes. The two tools are about the records of
//! all modules and know none: what can be imported and exported, these say to the kernel, which does both
//! (`bureau_kernel::import`, `bureau_kernel::export`); the command line is its other face.

mod export_data;
mod import_data;

use bureau_kernel::prelude::*;
use bureau_kernel::record::AnyRecord;
use bureau_kernel::registry::Registry;

use export_data::ExportData;
use import_data::ImportData;

/// Bring tables in.
pub const IMPORT_DATA: Permission = Permission::new("import_data");
/// Take tables out.
pub const EXPORT_DATA: Permission = Permission::new("export_data");

/// Checks that the caller may do with this kind of record what these permissions are for, and is offered tools of it: what is
/// left out elsewhere is left out here.
fn demand(
    cx: &Cx,
    registry: &Registry,
    kind: &dyn AnyRecord,
    permissions: impl IntoIterator<Item = Permission>,
) -> Result<()> {
    let (caller, noun) = (cx.caller(), kind.noun());
    let mut permissions = permissions.into_iter();
    if let Some(lacking) = permissions.find(|permission| !caller.may(*permission)) {
        let name = lacking.name();
        let message = format!("This takes the permission {name} for records of the kind {noun}.");
        return Err(Error::new(Code::Forbidden, message)
            .field("kind")
            .hint(format!("Nothing was done. Use a key that holds {name}."))
            .detail("permission", name));
    }
    if !registry.offers(caller, kind) {
        let message = format!("The tools of records of the kind {noun} are not on.");
        return Err(Error::new(Code::Forbidden, message)
            .field("kind")
            .hint("Nothing was done. Their group is left out here (--features)."));
    }
    Ok(())
}

/// The module's table.
pub const MODULE: Module = Module {
    name: "exchange",
    about: "Tables brought in and taken out: CSV, Excel, vCard, JSON",
    on_by_default: false,
    is_installed: true,
    tokens: 380,
    schemas: include_str!("schemas.txt"),
    tools: tools![ExportData, ImportData],
    resources: export_data::RESOURCES,
    ..Module::EMPTY
};
