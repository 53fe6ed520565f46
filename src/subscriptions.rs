//! Waiting for resources to be others than they were, for clients that subscribe to them.
//!
//! A client is told that a resource may be another one, and reads it if it cares: so nothing of it is sent to whoever may not read
//! it any more. It is told when the record was written that the address names, or what refers to it, and of an address without a
//! record when anything was written that its module keeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::{Code, Error, Result};
use bureau_kernel::resource::Resource;
use bureau_kernel::types::id::AnyId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Resources of one subscription.
pub const MOST: usize = 50;

/// How long writes are gathered before a client is told: a piece of work is often many of them.
const GATHER: Duration = Duration::from_millis(250);

/// How often the log is looked at where nobody tells that it grew: another process may write into the same file.
const LOOK: Duration = Duration::from_secs(2);

/// Resources that a client wants to hear of.
pub struct Subscription {
    dispatcher: Arc<Dispatcher>,
    caller: Caller,
    watched: Vec<(String, Subject)>,
    /// As far as the log was looked at.
    end: i64,
    growth: watch::Receiver<u64>,
}

/// What the client of one connection has subscribed to in the older protocol, where each resource is a request of its own. A clone
/// is another connection's, and has nothing.
#[derive(Default)]
pub struct Subscribed(Mutex<HashMap<String, CancellationToken>>);

impl Clone for Subscribed {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let subscribed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subscribed.values().for_each(CancellationToken::cancel);
    }
}

impl Subscribed {
    /// One more; what ends it. Nothing where there are as many as there may be.
    #[must_use]
    pub fn begin(&self, uri: &str) -> Option<CancellationToken> {
        let mut subscribed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if subscribed.len() >= MOST && !subscribed.contains_key(uri) {
            return None;
        }
        let token = CancellationToken::new();
        let before = subscribed.insert(uri.to_owned(), token.clone());
        if let Some(before) = before {
            before.cancel();
        }
        Some(token)
    }

    /// No more of this one.
    pub fn end(&self, uri: &str) {
        let mut subscribed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = subscribed.remove(uri) {
            token.cancel();
        }
    }
}

/// What tells that a resource is another one.
enum Subject {
    Record(AnyId),
    Tables(Vec<&'static str>),
}

impl Subscription {
    /// Whether such a resource can be waited for: one record, or something that has an address of its own.
    #[must_use]
    pub fn is_possible(dispatcher: &Dispatcher, uri: &str) -> bool {
        let mut resources = dispatcher.registry().resources();
        resources.any(|resource| subject(dispatcher, resource, uri).is_some())
    }

    /// Begins to wait. What was written before does not count.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a resource that there is not for this caller, [`Code::Validation`] for one that nobody can wait for, and
    /// for more than [`MOST`]; whatever reading them ends with.
    pub async fn open(
        dispatcher: Arc<Dispatcher>,
        caller: Caller,
        uris: &[String],
    ) -> Result<Self> {
        if uris.len() > MOST {
            let message = format!("A subscription is to {MOST} resources at most.");
            return Err(Error::invalid("uris", message));
        }
        let mut growth = dispatcher.app().store.growth();
        growth.borrow_and_update();
        let end = dispatcher.log_end(&caller).await?;
        let mut watched = Vec::new();
        for uri in uris {
            let (resource, arguments) = dispatcher.registry().resource_for_caller(&caller, uri)?;
            let subject = subject(&dispatcher, resource, uri).ok_or_else(|| {
                let message = "Nobody can wait for this resource: it is no record's.";
                Error::invalid("uri", message)
            })?;
            // Whoever may not read it, or reads that it is not there, has nothing to wait for.
            if let Subject::Record(_) = subject {
                let cancel = CancellationToken::new();
                resource
                    .read(&dispatcher, caller.clone(), arguments, cancel)
                    .await?;
            }
            watched.push((uri.clone(), subject));
        }
        Ok(Self {
            dispatcher,
            caller,
            watched,
            end,
            growth,
        })
    }

    /// Waits until some of the resources may be others, and answers which.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] once the caller may not call any more; what the database says.
    pub async fn changed(&mut self) -> Result<Vec<String>> {
        loop {
            tokio::select! {
                grown = self.growth.changed() => match grown {
                    Ok(()) => tokio::time::sleep(GATHER).await,
                    Err(_) => return Err(Error::new(Code::Unavailable, "The database is closed.")),
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            self.caller = self.dispatcher.still(self.caller.clone()).await?;
            let records = self
                .watched
                .iter()
                .filter_map(|(_, subject)| match subject {
                    Subject::Record(id) => Some(id.clone()),
                    Subject::Tables(_) => None,
                });
            let records: Vec<AnyId> = records.collect();
            let written = self
                .dispatcher
                .written_since(&self.caller, self.end, &records)
                .await?;
            self.end = written.end;
            let changed = self.watched.iter().filter(|(uri, subject)| {
                let is_written = match subject {
                    Subject::Record(id) => written.records.contains(id),
                    Subject::Tables(tables) => {
                        let mut tables = tables.iter();
                        tables.any(|table| written.tables.contains(*table))
                    }
                };
                let registry = self.dispatcher.registry();
                is_written && registry.resource_for_caller(&self.caller, uri).is_ok()
            });
            let changed: Vec<String> = changed.map(|(uri, _)| uri.clone()).collect();
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }
}

/// What tells that this resource, of this address, is another one; nothing where it is not its own, or nobody's.
fn subject(dispatcher: &Dispatcher, resource: &Resource, uri: &str) -> Option<Subject> {
    let registry = dispatcher.registry();
    let arguments = resource.arguments_for(uri)?;
    if resource.is_template() {
        let mut variables = resource.variables();
        let (name, None) = (variables.next()?, variables.next()) else {
            return None;
        };
        let id = arguments.get(name)?.as_str()?;
        return Some(Subject::Record(id.parse().ok()?));
    }
    let entry = registry.entry(resource.tool)?;
    let mut modules = registry.modules().iter();
    let module = modules.find(|module| module.name == entry.module)?;
    let own = module.records.iter().map(|kind| kind.table());
    // What is arranged in a workspace is no module's.
    let arranged = ["workspace", "member", "team", "attribute", "number_series"];
    let used = module
        .uses
        .iter()
        .flat_map(|used| used.records)
        .map(|kind| kind.table());
    Some(Subject::Tables(own.chain(used).chain(arranged).collect()))
}
