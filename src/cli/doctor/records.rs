//! Whether the records are what the change log says.

use bureau_kernel::error::Error;
use bureau_kernel::replay::{Replayed, replay};
use bureau_kernel::store::Store;
use serde_json::json;

use super::Finding;
use crate::boot;
use crate::cli::progress::Steps;

/// Replays the whole change log against every record.
pub(super) async fn records(store: &Store) -> Finding {
    const WHAT: &str = "records";
    let replayed = async {
        let registry = boot::whole_registry()?;
        replay(store, registry.records().all(), &Steps::default()).await
    };
    let found: Replayed = match replayed.await {
        Ok(found) => found,
        Err(error) => return Finding::new(WHAT, Err(Error::to_string(&error))),
    };
    let result = match found.problem() {
        None => Ok(format!(
            "{} records are what {} rows of the change log come to",
            found.records, found.rows
        )),
        Some(problem) => Err(format!(
            "{problem}. Somebody wrote to the database past Bureau, or it is damaged. Compare with a backup."
        )),
    };
    Finding {
        what: WHAT,
        result,
        more: Some(("differences", json!(found.differences))),
    }
}
