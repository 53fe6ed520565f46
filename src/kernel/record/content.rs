//! What a call does about what records hold beside their columns: see [`content`](crate::content).

use std::any::Any;
use std::sync::{Arc, PoisonError};

use crate::caller::{ApiKey, Member};
use crate::content::{Intake, LINK_MINUTES, Secret, Upload, gone};
use crate::error::{Error, Result};
use crate::record::{Cx, Record};
use crate::store::sql;
use crate::types::id::{AnyId, Id};
use crate::types::time::Timestamp;

impl Cx {
    /// What came in beside the arguments.
    #[must_use]
    pub fn upload(&self) -> Option<&Upload> {
        self.upload.as_ref()
    }

    /// Where files may come from.
    #[must_use]
    pub fn intake(&self) -> Intake {
        self.app.intake.get().cloned().unwrap_or_default()
    }

    /// Makes a link to which one file for this record can be sent; what follows `/files/` in its address, and until when it
    /// works.
    ///
    /// # Errors
    /// What the database says.
    pub async fn make_link(
        &mut self,
        about: &AnyId,
        name: Option<&str>,
    ) -> Result<(String, Timestamp)> {
        let workspace = self.workspace().id;
        let now = self.now();
        let until = now + chrono::Duration::minutes(LINK_MINUTES);
        let Secret { token, text } = Secret::new(workspace);
        let (key, member): (Option<Id<ApiKey>>, Id<Member>) =
            (self.caller().key, self.caller().member);
        sql("DELETE FROM file_link WHERE workspace = ")
            .value(workspace)
            .sql(" AND expires_at <= ")
            .value(now)
            .run(self.tx())
            .await?;
        sql("INSERT INTO file_link (workspace, token, api_key, member, about, name, expires_at) VALUES (")
            .value(workspace)
            .sql(", ")
            .value(token)
            .sql(", ")
            .value(key)
            .sql(", ")
            .value(member)
            .sql(", ")
            .value(about.clone())
            .sql(", ")
            .value(name.map(str::to_owned))
            .sql(", ")
            .value(until)
            .sql(")")
            .run(self.tx())
            .await?;
        Ok((text, until))
    }

    /// Uses the link by which something came up: it works once.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) where it was used meanwhile.
    pub async fn use_link(&mut self, upload: &Upload) -> Result<()> {
        let workspace = self.workspace().id;
        let used = sql("DELETE FROM file_link WHERE workspace = ")
            .value(workspace)
            .sql(" AND token = ")
            .value(upload.link.clone())
            .run(self.tx())
            .await?;
        if used == 0 { Err(gone()) } else { Ok(()) }
    }

    /// Writes what a new record holds, and the words in it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_content<R: Record>(
        &mut self,
        record: Id<R>,
        bytes: &[u8],
        words: Option<&str>,
    ) -> Result<()> {
        const { assert!(R::HOLDS_CONTENT, "its kind says that it holds something") };
        let workspace = self.workspace().id;
        sql("INSERT INTO content (workspace, record, bytes, words) VALUES (")
            .value(workspace)
            .sql(", ")
            .value(record)
            .sql(", ")
            .value(bytes.to_vec())
            .sql(", ")
            .value(words.map(str::to_owned))
            .sql(")")
            .run(self.tx())
            .await?;
        Ok(())
    }

    /// What a record holds; none where it is lost.
    ///
    /// # Errors
    /// What the database says.
    pub async fn content<R: Record>(&mut self, record: Id<R>) -> Result<Option<Vec<u8>>> {
        let workspace = self.workspace().id;
        let row = sql("SELECT bytes FROM content WHERE workspace = ")
            .value(workspace)
            .sql(" AND record = ")
            .value(record)
            .row(self.tx())
            .await?;
        row.map(|row| row.get("bytes")).transpose()
    }

    /// Does work that takes long and whose result this call needs, once. A call that writes is rolled back for it and begins
    /// anew when it is done, so that nobody waits for its locks meanwhile.
    ///
    /// # Errors
    /// What makes the call begin anew; [`Code::Internal`](crate::error::Code::Internal) when the work panics.
    pub async fn prepared<T: Send + Sync + 'static>(
        &mut self,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Result<Arc<T>> {
        let place = Arc::clone(&self.prepared);
        let result = move || {
            let there = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
            there.and_then(|there| there.downcast::<T>().ok())
        };
        if let Some(there) = result() {
            return Ok(there);
        }
        let place = Arc::clone(&self.prepared);
        self.prepare(move || {
            let done: Arc<dyn Any + Send + Sync> = Arc::new(work());
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        })
        .await?;
        result().ok_or_else(|| Error::internal("what was prepared is not there"))
    }
}
