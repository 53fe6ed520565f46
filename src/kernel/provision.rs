//! What a new workspace starts with: each module puts into it what it cannot work without, once.

use std::sync::Arc;

use crate::admin;
use crate::caller::Workspace;
use crate::error::Result;
use crate::record::Cx;
use crate::registry::{Module, Registry};
use crate::store::{Scope, Store, Tx, sql};
use crate::types::id::Id;

/// Provisions the workspaces in which one of these modules has not done so. The registry is made only where it is needed.
///
/// # Errors
/// What the database says.
pub async fn provision(
    store: &Store,
    modules: &[Module],
    registry: impl FnOnce() -> Result<Arc<Registry>>,
) -> Result<()> {
    let modules: Vec<&Module> = Module::all_with_used(modules)
        .into_iter()
        .filter(|module| module.provision.is_some())
        .collect();
    if store.is_read_only() || modules.is_empty() {
        return Ok(());
    }
    let mut waiting = Vec::new();
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT id, slug, provisioned FROM workspace ORDER BY id")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    for row in rows? {
        let done: String = row.get("provisioned")?;
        if modules.iter().any(|module| !has(&done, module)) {
            waiting.push((row.get::<Id<Workspace>>("id")?, row.get::<String>("slug")?));
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let app = registry()?.app(store.clone(), None, None);
    for (id, slug) in waiting {
        let caller = Arc::new(admin::operator(store, Some(&slug)).await?);
        let mut tx = store.write(Scope::Workspace(id.raw())).await?;
        // Two processes that start at once provision it once.
        tx.serialize(&format!("provision {id}")).await?;
        let mut done = provisioned(&mut tx, id).await?;
        let mut cx = Cx::new(tx, Arc::clone(&app), caller, "bureau", true, None)?;
        let mut result = Ok(());
        for module in &modules {
            if let (Ok(()), Some(provision), false) =
                (&result, module.provision, has(&done, module))
            {
                result = provision(&mut cx).await;
                done = format!("{done} {}", module.name).trim().to_owned();
            }
        }
        let (mut tx, ..) = cx.into_parts();
        if result.is_ok() {
            result = sql("UPDATE workspace SET provisioned = ")
                .value(done)
                .sql(" WHERE id = ")
                .value(id)
                .run(&mut tx)
                .await
                .map(drop);
        }
        tx.end(result).await?;
    }
    Ok(())
}

fn has(done: &str, module: &Module) -> bool {
    done.split(' ').any(|name| name == module.name)
}

async fn provisioned(tx: &mut Tx, workspace: Id<Workspace>) -> Result<String> {
    sql("SELECT provisioned FROM workspace WHERE id = ")
        .value(workspace)
        .one("provisioned", tx)
        .await
}
