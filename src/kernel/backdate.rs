//! History that is brought in: calls that were made in the past, each at its moment and on behalf of who made it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::dispatch::Dispatcher;
use crate::error::{Code, Error, Result};
use crate::record::Cx;
use crate::store::{Scope, Tx};
use crate::types::time::Timestamp;

/// A call of the past.
#[derive(Debug, Clone)]
pub struct PastCall {
    /// Who made it.
    pub caller: Arc<Caller>,
    /// When.
    pub at: Timestamp,
    /// The tool's name.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

impl Dispatcher {
    /// Makes calls of the past in one transaction, in this order: all of them are on disk when this returns, or none is.
    /// Each is a change of its own, made by its tool with that moment for now. `next` is told what the call before it
    /// answered, and says which comes next, or that there is none. Other writers of a SQLite database wait for the end.
    ///
    /// # Errors
    /// What a tool or `next` answers; [`Code::ReadOnly`] where nothing may be written.
    pub async fn replay(
        &self,
        workspace: &Caller,
        mut next: impl FnMut(Option<Value>) -> Result<Option<PastCall>>,
    ) -> Result<()> {
        if self.settings().read_only || workspace.read_only {
            return Err(Error::new(
                Code::ReadOnly,
                "History is written, and this connection is read-only.",
            ));
        }
        let mut tx = self
            .app()
            .store
            .write(Scope::Workspace(workspace.workspace.id.raw()))
            .await?;
        let mut answer = None;
        loop {
            let outcome = match next(answer.take()) {
                Ok(Some(past)) => {
                    let (back, outcome) = self.replay_one(tx, past).await?;
                    tx = back;
                    outcome
                }
                Ok(None) => return tx.commit().await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(value) => answer = Some(value),
                Err(error) => {
                    tx.rollback().await;
                    return Err(error);
                }
            }
        }
    }

    async fn replay_one(&self, tx: Tx, past: PastCall) -> Result<(Tx, Result<Value>)> {
        let app = Arc::clone(self.app());
        let mut cx = Cx::new(tx, app, past.caller, past.tool, true, None)?;
        cx.as_of(cx.change(), Some(past.at));
        let outcome = match self.registry().entry(past.tool) {
            Some(entry) => match entry.parse(Value::Object(past.arguments)) {
                Ok(parsed) => parsed(&mut cx).await,
                Err(error) => Err(error),
            },
            None => Err(Error::internal(format!("there is no tool {}", past.tool))),
        };
        let (tx, ..) = cx.into_parts();
        Ok((tx, outcome))
    }
}
