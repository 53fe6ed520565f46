//! What a module does when a record of another module's is written: in the same transaction, as a part of the same call, so that
//! both stand or neither does, and an undo takes back both.
//!
//! A reaction runs right after the write, in the order of the registry, whichever tool, job or import it is that writes. What it
//! writes may set off others, a few deep. While an undo takes a call back, none runs: what reactions did is in the log of that call
//! and is taken back like the rest. They run when that is done, on records that stand as they did before the call, so a reaction
//! first looks whether there is anything left for it to do.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::error::{Code, Error, Result};
use crate::permission::Covers;
use crate::record::{Cx, Record, Saved};
use crate::store::log::Action;
use crate::types::id::Entity as _;

/// How deep reactions may set off each other.
pub(crate) const MOST_DEEP: usize = 8;

/// What happened to a record.
#[derive(Debug)]
pub struct Transition<'a, R: Record> {
    /// What was done to it.
    pub action: Action,
    /// As it was; none for a new one.
    pub before: Option<&'a Saved<R>>,
    /// As it is; none for one that is gone for good.
    pub after: Option<&'a Saved<R>>,
}

/// What a module does when a record is written. A [`Module`](crate::registry::Module) lists `reaction::<Release>()`.
pub trait Reaction: 'static {
    /// The kind of record. The module uses the one that it is of.
    type To: Record;
    /// The writes that it is there for.
    const ON: &'static [Action];
    /// What it does with other records as a consequence: whoever may write that one needs no permission of its own for it.
    const COVERS: &'static [Covers] = &[];
    /// Runs it. It writes other records than the one that was written, and reads again what it needs of that one.
    ///
    /// # Errors
    /// Whatever stands in the way, in the words of whoever wrote the record: then that is not written either.
    fn react(cx: &mut Cx, to: Transition<'_, Self::To>) -> impl Future<Output = Result<()>> + Send;
}

/// A record of any kind.
type Erased = dyn Any + Send + Sync;

/// A [`Transition`] with its type erased.
pub struct AnyTransition<'a> {
    action: Action,
    before: Option<&'a Erased>,
    after: Option<&'a Erased>,
}

/// A [`Reaction`] with its types erased: what the registry holds.
pub trait AnyReaction: Send + Sync {
    /// What it is, for messages to developers.
    fn name(&self) -> &'static str;
    /// The table of the records that it reacts to.
    fn table(&self) -> &'static str;
    /// As [`Reaction::ON`].
    fn on(&self) -> &'static [Action];
    /// As [`Reaction::COVERS`].
    fn covers(&self) -> &'static [Covers];
    /// As [`Reaction::react`].
    fn react<'a>(&'a self, cx: &'a mut Cx, to: &'a AnyTransition<'a>) -> BoxFuture<'a, Result<()>>;
}

struct Typed<T>(PhantomData<fn() -> T>);

/// The erased form of a reaction.
#[must_use]
pub const fn reaction<T: Reaction>() -> &'static dyn AnyReaction {
    &Typed::<T>(PhantomData)
}

impl<T: Reaction> AnyReaction for Typed<T> {
    fn name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn table(&self) -> &'static str {
        T::To::TABLE
    }

    fn on(&self) -> &'static [Action] {
        T::ON
    }

    fn covers(&self) -> &'static [Covers] {
        T::COVERS
    }

    fn react<'a>(&'a self, cx: &'a mut Cx, to: &'a AnyTransition<'a>) -> BoxFuture<'a, Result<()>> {
        fn typed<R: Record>(record: Option<&Erased>) -> Result<Option<&Saved<R>>> {
            let of_another_kind = || Error::internal("a reaction to a record of another kind");
            record
                .map(|record| record.downcast_ref().ok_or_else(of_another_kind))
                .transpose()
        }
        Box::pin(async move {
            let to = Transition {
                action: to.action,
                before: typed(to.before)?,
                after: typed(to.after)?,
            };
            T::react(cx, to).await
        })
    }
}

/// What was written while an undo took back, until reactions run.
pub(crate) struct Deferred {
    table: &'static str,
    action: Action,
    before: Option<Box<Erased>>,
    after: Option<Box<Erased>>,
}

/// Runs what reacts to a write. Called wherever a record is written, after its line in the change log.
pub(crate) async fn react<R: Record>(
    cx: &mut Cx,
    action: Action,
    before: Option<&Saved<R>>,
    after: Option<&Saved<R>>,
) -> Result<()> {
    if !has_reactions(cx, R::TABLE, action) {
        return Ok(());
    }
    if let Some(deferred) = cx.deferred_reactions() {
        let boxed = |saved: &Saved<R>| -> Box<Erased> { Box::new(saved.clone()) };
        deferred.push(Deferred {
            table: R::TABLE,
            action,
            before: before.map(boxed),
            after: after.map(boxed),
        });
        return Ok(());
    }
    let to = AnyTransition {
        action,
        before: before.map(|saved| saved as &Erased),
        after: after.map(|saved| saved as &Erased),
    };
    run(cx, R::TABLE, &to).await
}

/// Runs what was put off while a call was taken back.
pub(crate) async fn react_after_undo(cx: &mut Cx, deferred: Vec<Deferred>) -> Result<()> {
    for one in &deferred {
        let to = AnyTransition {
            action: one.action,
            before: one.before.as_deref(),
            after: one.after.as_deref(),
        };
        run(cx, one.table, &to).await?;
    }
    Ok(())
}

fn has_reactions(cx: &Cx, table: &str, action: Action) -> bool {
    let mut reactions = cx.records().reactions_to(table).iter();
    reactions.any(|reaction| reaction.on().contains(&action))
}

async fn run(cx: &mut Cx, table: &'static str, to: &AnyTransition<'_>) -> Result<()> {
    let registry = Arc::clone(cx.records());
    for reaction in registry.reactions_to(table) {
        if reaction.on().contains(&to.action) {
            let outer = cx.begin_reaction(*reaction)?;
            let done = reaction.react(cx, to).await;
            cx.end_reaction(outer);
            done?;
        }
    }
    Ok(())
}

/// Says that reactions set off each other without end.
pub(crate) fn too_deep(names: &[&'static str]) -> Error {
    Error::new(
        Code::Internal,
        format!(
            "What was to be written sets off other changes, and these further ones, more than {MOST_DEEP} deep; nothing was written."
        ),
    )
    .cause(names.join(" -> "))
}
