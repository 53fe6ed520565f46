//! Records of all kinds at once, by their text: those that match best first, whatever they are, each with the passage that matched.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::list::{DEEPEST, words_of};
use crate::notice::Notice;
use crate::record::{AnyRecord, Cx};
use crate::search::{self, Doc, Found, Query, Words, passage};
use crate::types::id::encode;
use crate::types::page::{Cursor, Limit, Page};
use crate::types::text::nearest;

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Match {
    /// What such a record is called.
    pub r#type: &'static str,
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What of its text matched, where that is more than its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passage: Option<String>,
}

/// A kind and a number.
type Key = (&'static str, i64);

/// The order of a page in which each has all of the words, and of one in which each has most of them.
const ORDERS: [(Words, &str); 2] = [
    (Words::All, "everything"),
    (Words::Most, "some of everything"),
];

impl Cx {
    /// A page of the live records of these kinds (of all that are searched, where none are named) that match a text and that the
    /// caller may read, best first. Kinds are named in the singular or the plural.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for a kind that there is not, and for a cursor of another list.
    pub async fn find_any(
        &mut self,
        text: &str,
        kinds: &[String],
        limit: Limit,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Match>> {
        let kinds = self.kinds_to_find(kinds)?;
        let (words, offset) = match cursor {
            None => (None, 0),
            Some(cursor) => {
                let known = ORDERS.iter().find_map(|(words, order)| {
                    let place = cursor.place(order).ok()?;
                    Some((Some(*words), usize::try_from(place).ok()?))
                });
                known
                    .filter(|(_, offset)| *offset < DEEPEST)
                    .ok_or_else(Cursor::foreign)?
            }
        };
        let mut found = Vec::new();
        let mut more = false;
        let mut order = "";
        for (way, name) in ORDERS {
            let is_asked = words.is_none_or(|words| words == way);
            if !is_asked || !found.is_empty() {
                continue;
            }
            order = name;
            (found, more) = self
                .keys_of(text, &kinds, way, offset, limit.rows())
                .await?;
            if way == Words::Most && offset == 0 && !found.is_empty() {
                self.notice(Notice::some_words(
                    "No record has all of the searched words: these have most of them.",
                ));
            }
        }
        let end = offset + limit.rows();
        if more && end >= DEEPEST {
            self.notice(Notice::truncated(format!(
                "A search goes {DEEPEST} records deep, and there are more: narrow it to see them."
            )));
        }
        let place = i64::try_from(end).unwrap_or(i64::MAX);
        let next = (more && end < DEEPEST).then(|| Cursor::at(order, place).encode());
        let rows = self.matches(text, &kinds, &found).await?;
        Ok(Page { rows, next })
    }

    /// The kinds of records of these names that are searched and that the caller may read; all of them, where none are named.
    fn kinds_to_find(&self, names: &[String]) -> Result<Vec<&'static dyn AnyRecord>> {
        let registry = Arc::clone(self.records());
        let all = registry.all().iter().copied();
        let all = all.filter(|kind| kind.is_searched() && self.may_read(kind.table()));
        let all: Vec<&'static dyn AnyRecord> = all.collect();
        let mut found: Vec<&'static dyn AnyRecord> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let meant = registry.record_called(name).map(AnyRecord::table);
            let kind = all.iter().find(|kind| Some(kind.table()) == meant);
            let Some(kind) = kind else {
                let nouns: Vec<&str> = all.iter().map(|kind| kind.noun()).collect();
                let message = "There are no such records here that you may search.";
                let error = Error::invalid(format!("types[{index}]"), message);
                return Err(match nearest(name, nouns.iter().copied()) {
                    Some(near) => error.hint(format!("Did you mean {near}?")),
                    None => error.hint(format!("There are: {}.", nouns.join(", "))),
                });
            };
            if !found.iter().any(|other| other.table() == kind.table()) {
                found.push(*kind);
            }
        }
        Ok(if found.is_empty() { all } else { found })
    }

    /// Those that match, best first, and whether more follow.
    async fn keys_of(
        &mut self,
        text: &str,
        kinds: &[&'static dyn AnyRecord],
        words: Words,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Key>, bool)> {
        let app = Arc::clone(&self.app);
        // Where the index has not come as far as the caller's own last write, the database has.
        if let (Some(search), Some(at_least)) = (&app.search, self.tx.seen_of_log()) {
            let query = Query {
                workspace: self.workspace().id.raw(),
                readers: self.searching(kinds).await?,
                kinds: kinds.iter().map(|kind| kind.table()).collect(),
                text: text.to_owned(),
                filters: Vec::new(),
                limit,
                offset,
                at_least,
                words,
            };
            if let Found::Hits { hits, more, unread } = search.find_now(query).await {
                for (table, id) in unread {
                    let noun = kinds.iter().find(|kind| kind.table() == table);
                    let noun = noun.map_or(table, |kind| kind.noun());
                    let id = self.wire_id(table, id);
                    let error = Error::unreadable(noun, id, "the search index has no text of it");
                    self.notice(Notice::unreadable(&error));
                }
                let keys = hits.iter().map(|hit| (hit.kind, hit.id));
                return Ok((keys.collect(), more));
            }
        }
        match words {
            Words::All => self.keys_without_index(text, kinds, offset, limit).await,
            Words::Most => Ok((Vec::new(), false)),
        }
    }

    /// The same while there is no index: those with all of the words, first what is called so, then the newest.
    async fn keys_without_index(
        &mut self,
        text: &str,
        kinds: &[&'static dyn AnyRecord],
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Key>, bool)> {
        const TIME_LIMIT: Duration = Duration::from_secs(10);
        let until = Instant::now() + TIME_LIMIT;
        let words: Arc<[String]> = words_of(text).collect();
        let mut keys: Vec<Key> = Vec::new();
        if words.is_empty() {
            return Ok((keys, false));
        }
        for kind in kinds {
            let found = kind.scan(self, Arc::clone(&words), until).await?;
            keys.extend(found.into_iter().map(|id| (kind.table(), id)));
        }
        keys.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
        keys.truncate(DEEPEST);
        let docs = self.docs(kinds, &keys).await?;
        let is_called = |key: &Key| {
            let doc = docs.get(key);
            doc.is_some_and(|doc| passage(&doc.title, &doc.text, &words).is_none())
        };
        let (first, others): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(is_called);
        let keys: Vec<Key> = first.into_iter().chain(others).collect();
        let more = keys.len() > offset + limit;
        let page = keys.into_iter().skip(offset).take(limit);
        Ok((page.collect(), more))
    }

    /// What these show to the search, of those that are there.
    async fn docs(
        &mut self,
        kinds: &[&'static dyn AnyRecord],
        keys: &[Key],
    ) -> Result<HashMap<Key, Doc>> {
        let workspace = self.workspace().id.raw();
        let mut by_kind: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        for (table, id) in keys {
            by_kind.entry(table).or_default().push(*id);
        }
        let mut docs = HashMap::new();
        for kind in kinds {
            let Some(ids) = by_kind.get(kind.table()) else {
                continue;
            };
            let most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let read = kind
                .documents(&mut self.tx, workspace, Some(ids), 0, most)
                .await?;
            for error in &read.unreadable {
                self.notice(Notice::unreadable(error));
            }
            // The index may not know yet who may read it now.
            let hidden = self.hidden(*kind, ids).await?;
            let found = read.found.into_iter();
            let found = found.filter(|doc| !doc.unread && !hidden.contains(&doc.id));
            docs.extend(found.map(|doc| ((doc.kind, doc.id), doc)));
        }
        Ok(docs)
    }

    /// These as they are answered.
    async fn matches(
        &mut self,
        text: &str,
        kinds: &[&'static dyn AnyRecord],
        keys: &[Key],
    ) -> Result<Vec<Match>> {
        let mut docs = self.docs(kinds, keys).await?;
        let (telling, _) = search::telling(text);
        let shown = keys.iter().filter_map(|key| {
            let doc = docs.remove(key)?;
            let kind = kinds.iter().find(|kind| kind.table() == key.0)?;
            let texts = doc.text.iter().chain(&doc.numbers);
            Some(Match {
                r#type: kind.noun(),
                id: encode(kind.prefix(), doc.id),
                passage: passage(&doc.title, texts, &telling),
                name: doc.title,
            })
        });
        Ok(shown.collect())
    }
}
