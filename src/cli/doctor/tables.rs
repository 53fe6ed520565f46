//! Whether the tables are those that the migrations make.

use bureau_kernel::store::{Database, tables};

/// More are not named.
const NAMED: usize = 5;

pub(super) async fn tables(database: &Database) -> Result<String, String> {
    let found = tables::findings(database)
        .await
        .map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Ok("all tables, indexes and rules are as Bureau makes them".into());
    }
    let mut named: Vec<String> = found.iter().take(NAMED).cloned().collect();
    if found.len() > NAMED {
        named.push(format!("and {} more", found.len() - NAMED));
    }
    Err(format!(
        "{}. Somebody changed them past Bureau: put them back as they were, or restore a backup.",
        named.join("; ")
    ))
}
