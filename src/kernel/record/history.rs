//! What stood in a record before, from the change log.

use serde::de::DeserializeOwned;
use serde_json::Map;

use super::{Data, Record};
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::sql;
use crate::types::id::Id;
use crate::types::time::Timestamp;

impl Cx {
    /// What a column of a record came to, each with the moment, the oldest first.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for what is of another type.
    pub async fn history_of<R: Record, T: DeserializeOwned>(
        &mut self,
        id: Id<R>,
        column: &str,
    ) -> Result<Vec<(T, Timestamp)>> {
        let rows = sql("SELECT at, after FROM change_log WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND record = ")
            .value(id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND after IS NOT NULL ORDER BY id")
            .rows(&mut self.tx)
            .await?;
        let mut history = Vec::new();
        for row in rows {
            let after: String = row.get("after")?;
            let mut after: Map<String, Data> =
                serde_json::from_str(&after).map_err(Error::internal)?;
            if let Some(value) = after.remove(column).filter(|value| !value.is_null()) {
                let value = serde_json::from_value(value).map_err(Error::internal)?;
                history.push((value, row.get("at")?));
            }
        }
        Ok(history)
    }
}
