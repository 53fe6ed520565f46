//! Work that the owner starts outside of any tool: an import, the demo firm's history, passing on records. It writes the
//! same records with the same checks into the same change log as a call, and can be undone like one.

use std::sync::Arc;

use crate::caller::Caller;
use crate::error::{Code, Error, Result};
use crate::record::{App, Cx};
use crate::retry::Retry;
use crate::store::Scope;
use crate::store::log::Change;
use crate::types::id::Id;
use crate::types::time::Timestamp;

/// Something that is to be done as one change, in as many transactions as it takes. Made with [`App::batch`].
#[derive(Debug, Clone)]
pub struct Batch {
    caller: Arc<Caller>,
    name: &'static str,
    change: Id<Change>,
    at: Option<Timestamp>,
    /// What the clock said when that moment was taken from it.
    clock_said: Option<Timestamp>,
}

impl Batch {
    /// Says when it happened, instead of now: for history that is brought in.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// Says what the clock said when the moment was taken from it: by that it is judged whether the clock was right.
    pub(crate) fn by_clock(mut self, moment: Timestamp) -> Self {
        self.clock_said = Some(moment);
        self
    }

    /// What it changes, for an undo.
    #[must_use]
    pub fn change(&self) -> Id<Change> {
        self.change
    }

    /// On whose behalf it is done.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl App {
    /// A batch of this caller. `name` stands in the change log where a call's tool does.
    ///
    /// # Errors
    /// [`Code::ReadOnly`] where nothing may be written; [`Code::Unavailable`] when the database cannot be written now.
    pub async fn batch(self: &Arc<Self>, caller: &Caller, name: &'static str) -> Result<Batch> {
        if caller.read_only {
            return Err(Error::new(
                Code::ReadOnly,
                format!("{name} writes, and this connection is read-only."),
            )
            .hint("Nothing was changed. Leave --read-only out, or use a key that may write."));
        }
        let change = self.store.next_id().await?;
        Ok(Batch {
            caller: Arc::new(caller.clone()),
            name,
            change: Id::from_raw(change),
            at: None,
            clock_said: None,
        })
    }

    /// Does a part of a batch in one transaction: what `part` writes is on disk when this returns, or nothing of it is.
    /// Where it only met another write, or asked for a preparation, it is run again, so it is to keep what it found out in its
    /// answer. It may take as long as it needs, but other callers of a SQLite database wait for it: about a thousand records are
    /// a good part.
    ///
    /// # Errors
    /// What `part` answers, and what the database says.
    pub async fn run_in<T>(
        self: &Arc<Self>,
        batch: &Batch,
        part: impl AsyncFn(&mut Cx) -> Result<T>,
    ) -> Result<T> {
        let mut retry = Retry::default();
        loop {
            let outcome = self.work_once(batch, &part).await;
            let compute = &self.compute;
            let actor = batch.caller.actor();
            if let Some(outcome) = retry.prepared(outcome, compute, actor).await {
                return outcome;
            }
        }
    }

    /// Looks something up outside of any tool, in a transaction that cannot write.
    ///
    /// # Errors
    /// What `part` answers, and what the database says.
    pub async fn read<T>(
        self: &Arc<Self>,
        caller: &Caller,
        part: impl AsyncFnOnce(&mut Cx) -> Result<T>,
    ) -> Result<T> {
        let tx = self.store.read(scope(caller)).await?;
        let (app, caller) = (Arc::clone(self), Arc::new(caller.clone()));
        let mut cx = Cx::new(tx, app, caller, "bureau", false, None)?;
        let answer = part(&mut cx).await;
        let (tx, ..) = cx.into_parts();
        tx.rollback().await;
        answer
    }

    async fn work_once<T>(
        self: &Arc<Self>,
        batch: &Batch,
        part: &impl AsyncFn(&mut Cx) -> Result<T>,
    ) -> Result<T> {
        let tx = self.store.write(scope(&batch.caller)).await?;
        let (app, caller) = (Arc::clone(self), Arc::clone(&batch.caller));
        let mut cx = Cx::new(tx, app, caller, batch.name, true, None)?;
        cx.as_of(batch.change, batch.at);
        cx.set_begins_anew();
        if let Some(moment) = batch.clock_said {
            cx.set_clock_said(moment);
        }
        let result = part(&mut cx).await;
        let (tx, ..) = cx.into_parts();
        tx.end(result).await
    }
}

fn scope(caller: &Caller) -> Scope {
    Scope::Workspace(caller.workspace.id.raw())
}
