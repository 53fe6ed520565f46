//! When two records are likely the same thing: index keys in common, the surest first. And what a create does about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::patch::Patch;
use crate::permission::Operation;
use crate::record::{Cx, Record, Saved};
use crate::types::id::Id;
use crate::types::text::plural;

/// A record of which there should be one for each thing out there.
pub trait Duplicates: Record {
    /// The index keys ([`Record::index_keys`]) that two records of the same thing share, the surest first, and how each is called
    /// in messages.
    const MATCHES: &'static [(&'static str, &'static str)];
    /// What tells two apart that have only the last of these signs in common, such as people of one name at one firm: index
    /// keys of which both have some, and none in common.
    const APART_BY: &'static [&'static str] = &[];
    /// Takes from another what this one lacks; lists are joined.
    fn fill_from(&mut self, other: &Self);
    /// Takes from a record that was prepared for creation what follows from the given fields beyond these themselves, such
    /// as a link that follows from a name.
    fn follow(&mut self, prepared: &Self, given: &Patch<Self>) {
        let _ = (prepared, given);
    }
    /// Notes into which one it is merged, where it keeps that ([`Record::MERGED_INTO`]).
    fn note_merged(&mut self, into: Id<Self>) {
        let _ = into;
    }
}

/// What to do when it is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    #[default]
    /// Refuse, naming what is there.
    Error,
    /// Answer what is there.
    Return,
    /// Write into what is there.
    Update,
    /// Make another one.
    Create,
}

/// The index keys of a record that tell its duplicates.
pub fn telling_index_keys<R: Duplicates>(record: &R) -> Vec<(&'static str, String)> {
    let tells = |field: &str| R::MATCHES.iter().any(|(name, _)| *name == field);
    let mut index_keys = record.index_keys();
    index_keys.retain(|(field, _)| tells(field));
    index_keys
}

/// The oldest live record that is likely the same thing, and by what, in words. Until the transaction ends, nobody else
/// makes one with these index keys.
///
/// # Errors
/// What the database says.
pub async fn find<R: Duplicates>(cx: &mut Cx, record: &R) -> Result<Option<(Id<R>, &'static str)>> {
    let index_keys = telling_index_keys(record);
    // Two calls that create the same at the same moment: the second waits and then finds the first.
    let workspace = cx.workspace().id;
    let names = index_keys
        .iter()
        .map(|(field, value)| format!("{} {workspace} {field} {value}", R::TABLE));
    cx.tx.serialize_each(&names.collect::<Vec<_>>()).await?;
    let fields: Vec<&'static str> = R::MATCHES.iter().map(|(field, _)| *field).collect();
    let words_for = |field| {
        let words = R::MATCHES.iter().find(|(name, _)| *name == field);
        words.map_or(field, |(_, words)| *words)
    };
    let found = cx.first_with_index_keys(&fields, &index_keys).await?;
    let Some((id, field)) = found else {
        return Ok(None);
    };
    if R::APART_BY.is_empty() || fields.last() != Some(&field) {
        return Ok(Some((id, words_for(field))));
    }
    let mine = record.index_keys();
    for (_, value) in index_keys.iter().filter(|(other, _)| *other == field) {
        for id in cx.with_index_key::<R>(field, value, MOST_OF_A_NAME).await? {
            let theirs = cx.get(id).await?.index_keys();
            if !are_two(&mine, &theirs, R::APART_BY, Apart::ByEach) {
                return Ok(Some((id, words_for(field))));
            }
        }
    }
    Ok(None)
}

/// So many that have only a weak sign in common are looked at.
pub(crate) const MOST_OF_A_NAME: usize = 50;

/// How much it takes to tell two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apart {
    /// They differ in each: where somebody can be asked.
    ByEach,
    /// They differ in one of those that both have: where what is taken for the other would be lost.
    ByOne,
}

/// Whether index keys of these fields tell two apart: both have some, and none in common.
pub(crate) fn are_two<T: PartialEq>(
    mine: &[(&'static str, T)],
    theirs: &[(&'static str, T)],
    by: &[&'static str],
    apart: Apart,
) -> bool {
    let mut differ = 0;
    for field in by {
        let of = |(name, _): &&(&'static str, T)| name == field;
        let (mut one, mut other) = (mine.iter().filter(of), theirs.iter().filter(of));
        if one.clone().any(|key| theirs.contains(key)) {
            return false;
        }
        differ += usize::from(one.next().is_some() && other.next().is_some());
    }
    match apart {
        Apart::ByEach => differ > 0 && differ == by.len(),
        Apart::ByOne => differ > 0,
    }
}

/// Writes a new record, unless it is there already.
///
/// # Errors
/// [`Code::Conflict`](crate::error::Code::Conflict) with the `existing` identifier for
/// [`OnDuplicate::Error`]; [`Code::Forbidden`](crate::error::Code::Forbidden) when what is there is to be answered or
/// changed and the caller may not read or change such records; what [`Cx::insert`] and [`Edit::save`](crate::record::Edit::save) refuse.
pub async fn create<R: Duplicates>(
    cx: &mut Cx,
    mut record: R,
    fields: &Patch<R>,
    choice: OnDuplicate,
) -> Result<Saved<R>> {
    // Asked before anything is looked for: that it is refused tells nothing of what is there.
    match choice {
        OnDuplicate::Return => cx.demand::<R>(Operation::Read)?,
        OnDuplicate::Update => cx.demand::<R>(Operation::Update)?,
        OnDuplicate::Error | OnDuplicate::Create => {}
    }
    record.check(cx.workspace())?;
    let duplicate = match choice {
        OnDuplicate::Create => None,
        _ => find(cx, &record).await?,
    };
    let Some((id, words)) = duplicate else {
        return cx.insert(record, fields.attributes()?).await;
    };
    match choice {
        OnDuplicate::Return => cx.get(id).await,
        OnDuplicate::Update => {
            let mut edit = cx.edit(id).await?;
            let before = edit.before().record.clone();
            edit.apply(cx, fields).await?;
            // Lists are joined: what was known stays known.
            edit.fill_from(&before);
            edit.follow(&record, fields);
            edit.save(cx).await
        }
        _ => {
            let existing = cx.names([id]).await?.of(id);
            let hint = format!(
                "Use that {}, or say on_duplicate: return, update or create.",
                R::NOUN
            );
            let error = Error::conflict(format!("{id} has the same {words}."));
            Err(error
                .field("on_duplicate")
                .hint(hint)
                .detail("existing", existing))
        }
    }
}

/// Makes several records one: what stays takes what it lacks, everything that referred to the others refers to it, and these are
/// deleted, restorably. `untangle` mends a link by which it would refer to itself.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) for none, too many or twice the same;
/// [`Code::Forbidden`](crate::error::Code::Forbidden) for a caller who may not delete; what writing refuses.
pub async fn merge<R: Duplicates>(
    cx: &mut Cx,
    keep: Id<R>,
    merged: &[Id<R>],
    untangle: impl FnOnce(&mut R),
) -> Result<Saved<R>> {
    const MOST: usize = 20;
    cx.demand::<R>(Operation::Delete)?;
    if merged.is_empty() || merged.len() > MOST {
        let message = format!("merge takes 1 to {MOST} {}.", plural(R::NOUN));
        return Err(Error::invalid("merge", message));
    }
    let mut edit = cx.edit(keep).await.map_err(|error| error.field("keep"))?;
    for (index, loser) in merged.iter().enumerate() {
        let field = format!("merge[{index}]");
        if *loser == keep || merged.iter().take(index).any(|other| other == loser) {
            return Err(Error::invalid(field, format!("{loser} is named twice.")));
        }
        let other = cx.get(*loser).await.map_err(|error| error.field(&field))?;
        edit.fill_from(&other);
        let mut attributes = other.attributes.0.clone();
        attributes.retain(|name, _| !edit.before().attributes.contains_key(name));
        edit.set_attributes(cx, attributes).await?;
    }
    untangle(&mut edit);
    let kept = edit.save(cx).await?;
    for loser in merged {
        let (from, to) = (loser.raw(), Some(kept.id.raw()));
        cx.repoint(R::TABLE, from, to).await?;
        let mut gone = cx.edit(*loser).await?;
        gone.note_merged(kept.id);
        gone.save(cx).await?;
        cx.archive(*loser).await?;
    }
    cx.get(kept.id).await
}

/// Takes a value where there is none.
pub fn fill<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
    if mine.is_none() {
        mine.clone_from(theirs);
    }
}

/// Adds to a list what it does not hold yet.
pub fn join<T: Clone>(mine: &mut Vec<T>, theirs: &[T], same: impl Fn(&T, &T) -> bool) {
    for item in theirs {
        if !mine.iter().any(|known| same(known, item)) {
            mine.push(item.clone());
        }
    }
}

/// The most entries that a list of a record holds.
pub const MAX_ENTRIES: usize = 50;

/// Takes out of a list what it holds twice.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) when more than [`MAX_ENTRIES`] are left.
pub fn distinct<T>(field: &str, items: &mut Vec<T>, same: impl Fn(&T, &T) -> bool) -> Result<()> {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if !kept.iter().any(|other| same(other, &item)) {
            kept.push(item);
        }
    }
    *items = kept;
    if items.len() > MAX_ENTRIES {
        let message = format!(
            "{field} has {} entries; at most {MAX_ENTRIES} are kept.",
            items.len()
        );
        return Err(Error::invalid(field, message));
    }
    Ok(())
}
