//! The search by passage: what of a document answers a question, whichever words of it are asked for.
//!
//! Each passage is in a collection beside that of the records, kept by the same follower. A word is found as it is written and,
//! for less, by its stem in the language of the document; in the title and the headings it counts for more. What is added up over the
//! words is BM25's weight of each (Robertson and Zaragoza 2009) in the best of these places, times the share of the words that the
//! passage has. A word that nobody wrote is taken for one with a typo. Of each document the best passage stands for it.

use std::collections::{BTreeMap, HashMap};

use tantivy::collector::Count;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::{
    BooleanQuery, BoostQuery, DisjunctionMaxQuery, EnableScoring, FuzzyTermQuery, Occur,
    PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{FAST, Field, IndexRecordOption, SchemaBuilder};
use tantivy::{DocId, Index, IndexSettings, Searcher, TantivyDocument, Term};

pub use super::cut::{Passage, cut};
use super::language::{Stems, telling, words};
pub use super::language::{code_of, codes, detect};
use super::rank::View;
use super::schema::{self, Collection, ID, exact_words, push};
use super::{Doc, Error, Readers, text};

/// Name of the column that holds which passage of its document one is, from 1.
const NTH: &str = "nth";
/// The index key with the code of the language.
const LANGUAGE: &str = "language:";
/// Longest query that is looked at, in characters, and most words of it.
const MAX_CHARS: usize = 500;
const MAX_WORDS: usize = 24;
/// Words of a document by which others like it are found.
const LIKE_WORDS: usize = 25;
/// Fewest characters of a word in which one mistake is forgiven, and two.
const ONE_TYPO: usize = 4;
const TWO_TYPOS: usize = 8;
/// What a word with a typo is worth: less than one that is there, since it may be another word.
const TYPO: f32 = 1.0;
/// What the places count in which a word is not the best, so that one in the text and in the title is better than one of both.
const ALSO: f32 = 0.25;

/// What is searched for among the passages of a kind of record.
#[derive(Clone, Debug)]
pub struct PassageQuery {
    /// Only what is of this workspace is found.
    pub workspace: i64,
    /// The table of the records.
    pub kind: &'static str,
    /// Who looks.
    pub readers: Readers,
    /// Words, "phrases" that have to be there and -words that may not; of a document, its text, where `like` says which one.
    pub text: String,
    /// The document to which others are to be like: it is not found itself.
    pub like: Option<i64>,
    /// Exact terms: one of each group has to be present.
    pub filters: Vec<Vec<String>>,
    /// Most documents to return.
    pub limit: usize,
}

/// A document that was found, with the best of its passages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassageHit {
    /// The document's number.
    pub id: i64,
    /// Which passage of it, from 1.
    pub nth: usize,
    /// Higher is better; only comparable within one search.
    pub score: f32,
    /// How many of the words it has.
    pub words: usize,
}

/// What was found, best first; equal ones newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passages {
    /// At most as many as were asked for, each document once.
    pub hits: Vec<PassageHit>,
    /// Whether there are more.
    pub more: bool,
    /// The words that tell something, of which each hit has some.
    pub words: Vec<String>,
}

/// The fields of a passage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    nth: Field,
    title: Place,
    headings: Place,
    body: Place,
}

/// Where a word can stand, as it is written and by its stem.
#[derive(Clone, Copy, Debug)]
struct Place {
    exact: Field,
    stem: Field,
    /// What it is worth there.
    exact_worth: f32,
    stem_worth: f32,
}

impl Fields {
    pub(super) fn add_to(builder: &mut SchemaBuilder) -> Self {
        let mut place = |exact: &str, stem: &str, exact_worth, stem_worth| Place {
            exact: builder
                .add_text_field(exact, exact_words(IndexRecordOption::WithFreqsAndPositions)),
            stem: builder.add_text_field(stem, exact_words(IndexRecordOption::WithFreqs)),
            exact_worth,
            stem_worth,
        };
        Self {
            title: place("p_title", "p_title_stem", 1.6, 1.2),
            headings: place("p_headings", "p_headings_stem", 1.3, 1.0),
            body: place("p_body", "p_body_stem", 1.0, 0.8),
            nth: builder.add_i64_field(NTH, FAST),
        }
    }

    fn places(&self) -> [Place; 3] {
        [self.title, self.headings, self.body]
    }

    /// The passages of a document as they are stored, without what says whose they are.
    pub(super) fn documents(&self, doc: &Doc) -> Vec<TantivyDocument> {
        let markdown = doc.text.first().map_or("", String::as_str);
        let language = doc
            .filters
            .iter()
            .find_map(|key| key.strip_prefix(LANGUAGE));
        let stems = language.and_then(Stems::of);
        // Also by what it was called before, and by its tags.
        let mut title = doc.title.clone();
        for other in doc.text.iter().skip(1) {
            title.push(' ');
            title.push_str(other);
        }
        let mut documents = Vec::new();
        for (nth, passage) in (1..).zip(cut(markdown)) {
            let mut out = TantivyDocument::default();
            out.add_i64(self.nth, nth);
            self.title.add(&mut out, &title, stems.as_ref());
            let headings = passage.headings.join(" ");
            self.headings.add(&mut out, &headings, stems.as_ref());
            self.body.add(&mut out, &passage.text, stems.as_ref());
            documents.push(out);
        }
        documents
    }
}

impl Place {
    fn add(&self, out: &mut TantivyDocument, said: &str, stems: Option<&Stems>) {
        let mut joined = String::new();
        text::index_terms(said, &mut |term| push(&mut joined, term));
        out.add_text(self.exact, joined);
        if let Some(stems) = stems {
            let mut joined = String::new();
            for term in words(said).filter_map(|word| stems.term(&word)) {
                push(&mut joined, &term);
            }
            out.add_text(self.stem, joined);
        }
    }
}

/// A word that is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    /// As it is written, folded.
    exact: String,
    /// By its stem in each language in which it has one.
    stems: Vec<String>,
}

/// What a query asks for.
#[derive(Debug, Default)]
struct Asked {
    words: Vec<Word>,
    phrases: Vec<Vec<String>>,
    without: Vec<Vec<String>>,
}

impl Asked {
    fn of(text: &str) -> Self {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let mut asked = Self::default();
        let mut plain = String::new();
        let is_quote = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»');
        // Every second part stands between quotes; a quote that nobody closed is none.
        let parts: Vec<&str> = text.split(is_quote).collect();
        let open = parts.len().is_multiple_of(2);
        for (nth, part) in parts.iter().enumerate() {
            let is_quoted = nth % 2 == 1 && !(open && nth + 1 == parts.len());
            if !is_quoted {
                for chunk in part.split_whitespace() {
                    match chunk.strip_prefix('-').map(terms) {
                        Some(terms) if !terms.is_empty() => asked.without.push(terms),
                        _ => {
                            plain.push(' ');
                            plain.push_str(chunk);
                        }
                    }
                }
                continue;
            }
            let terms = terms(part);
            let before = nth.checked_sub(1).and_then(|before| parts.get(before));
            let is_excluded = before.is_some_and(|before| before.ends_with('-'));
            if terms.is_empty() {
                continue;
            }
            if is_excluded {
                asked.without.push(terms);
            } else {
                plain.push(' ');
                plain.push_str(part);
                asked.phrases.push(terms);
            }
        }
        asked.words = words_of(&plain);
        asked
    }
}

/// The exact terms of a text, each once where it stands.
fn terms(said: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in words(said) {
        text::index_terms(&word, &mut |term| terms.push(term.to_owned()));
    }
    terms
}

/// The words of a question that tell something, with their stems.
fn words_of(said: &str) -> Vec<Word> {
    let all_stems = Stems::all();
    let mut plain: HashMap<String, String> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    for word in words(said) {
        for term in terms(&word) {
            if !order.contains(&term) {
                order.push(term.clone());
                plain.insert(term, word.clone());
            }
        }
    }
    let mut told = telling(&order);
    told.truncate(MAX_WORDS);
    let of = |exact: String| {
        let written = plain.get(&exact).unwrap_or(&exact);
        let stems = match text::is_ideographic(&exact) {
            true => Vec::new(),
            false => all_stems
                .iter()
                .filter_map(|stems| stems.term(written))
                .collect(),
        };
        Word { exact, stems }
    };
    told.into_iter().map(of).collect()
}

/// The words of a document by which it differs most from the others.
fn words_like(searcher: &Searcher, fields: &Fields, said: &str) -> tantivy::Result<Vec<Word>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in words(said) {
        *counts.entry(word).or_default() += 1;
    }
    let all = searcher.num_docs() as f32;
    let mut rated = Vec::with_capacity(counts.len());
    for (word, count) in counts {
        let term = Term::from_field_text(fields.body.exact, &text::fold(&word));
        let frequency = searcher.doc_freq(&term)? as f32;
        // What only this one has finds no other.
        if frequency > 1.0 && word.chars().count() > 2 {
            let rarity = (all / frequency).ln_1p();
            rated.push(((count as f32).sqrt() * rarity, word));
        }
    }
    rated.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let kept = rated.into_iter().take(LIKE_WORDS).map(|(_, word)| word);
    Ok(words_of(&kept.collect::<Vec<_>>().join(" ")))
}

fn term_query(field: Field, term: &str, option: IndexRecordOption) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, term), option))
}

/// Where these terms stand one after the other, in the text, the headings or the title.
fn phrase_query(fields: &Fields, terms: &[String]) -> Box<dyn Query> {
    let places = fields.places().into_iter().map(|place| match terms {
        [only] => term_query(place.exact, only, IndexRecordOption::Basic),
        terms => {
            let terms = terms
                .iter()
                .map(|term| Term::from_field_text(place.exact, term));
            Box::new(PhraseQuery::new(terms.collect())) as Box<dyn Query>
        }
    });
    Box::new(BooleanQuery::union(places.collect()))
}

/// What a word that is not to be there finds: it, and other forms of it.
fn form_query(fields: &Fields, terms: &[String]) -> Box<dyn Query> {
    let [only] = terms else {
        return phrase_query(fields, terms);
    };
    let mut ways = vec![phrase_query(fields, terms)];
    for stem in Stems::all().iter().filter_map(|stems| stems.term(only)) {
        for place in fields.places() {
            ways.push(term_query(place.stem, &stem, IndexRecordOption::Basic));
        }
    }
    Box::new(BooleanQuery::union(ways))
}

fn word_query(fields: &Fields, word: &Word) -> Box<dyn Query> {
    let mut ways: Vec<Box<dyn Query>> = Vec::new();
    let mut add = |field, term: &str, worth| {
        let query = term_query(field, term, IndexRecordOption::WithFreqs);
        ways.push(Box::new(BoostQuery::new(query, worth)));
    };
    for place in fields.places() {
        add(place.exact, &word.exact, place.exact_worth);
        for stem in &word.stems {
            add(place.stem, stem, place.stem_worth);
        }
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, ALSO))
}

/// What a word finds that nobody wrote like this; none where it is too short for a typo.
fn typo_query(fields: &Fields, word: &Word) -> Option<Box<dyn Query>> {
    let chars = word.exact.chars().count();
    if chars < ONE_TYPO || word.exact.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mistakes = if chars < TWO_TYPOS { 1 } else { 2 };
    let near = fields.places().into_iter().map(|place| {
        let term = Term::from_field_text(place.exact, &word.exact);
        let near: Box<dyn Query> = Box::new(FuzzyTermQuery::new(term, mistakes, true));
        Box::new(BoostQuery::new(near, TYPO)) as Box<dyn Query>
    });
    Some(Box::new(DisjunctionMaxQuery::with_tie_breaker(
        near.collect(),
        0.0,
    )))
}

/// What a passage has of the words.
#[derive(Clone, Copy, Default)]
struct Sum {
    score: f32,
    words: usize,
}

/// What may be found at all: by workspace, kind, readers, filters and phrases.
fn allowed_query(
    view: &View,
    fields: &Fields,
    query: &PassageQuery,
    asked: &Asked,
) -> BooleanQuery {
    let exact = |(field, term): (Field, String)| term_query(field, &term, IndexRecordOption::Basic);
    let scopes = view
        .fields
        .scopes(query.workspace, query.kind, &query.readers);
    let scopes = BooleanQuery::union(scopes.into_iter().map(exact).collect());
    let mut parts: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, Box::new(scopes))];
    for group in &query.filters {
        let group = group
            .iter()
            .map(|key| exact((view.fields.filter, key.clone())));
        let group = BooleanQuery::union(group.collect());
        parts.push((Occur::Must, Box::new(group)));
    }
    for phrase in &asked.phrases {
        parts.push((Occur::Must, phrase_query(fields, phrase)));
    }
    BooleanQuery::new(parts)
}

/// The best passages of the best documents.
pub(super) fn find(view: &View, query: &PassageQuery) -> tantivy::Result<Passages> {
    let Some(fields) = &view.fields.passages else {
        return Ok(Passages::default());
    };
    let searcher = &view.searcher;
    let asked = match query.like {
        None => Asked::of(&query.text),
        Some(_) => Asked {
            words: words_like(searcher, fields, &query.text)?,
            ..Asked::default()
        },
    };
    // By segment and document: what it has; none where it may not be found.
    let mut sums: Vec<Vec<Option<Sum>>> = searcher
        .segment_readers()
        .iter()
        .map(|reader| vec![None; reader.max_doc() as usize])
        .collect();
    let allowed = allowed_query(view, fields, query, &asked);
    mark(searcher, &allowed, &mut sums, Some(Sum::default()))?;
    // Not as a part of that query: the library trips over phrases that are excluded there.
    for without in &asked.without {
        mark(searcher, &*form_query(fields, without), &mut sums, None)?;
    }
    for word in &asked.words {
        let is_found = add_up(searcher, &*word_query(fields, word), &mut sums)?;
        // What is meant is judged by what this caller can find, and by nothing that others wrote.
        if !is_found
            && query.like.is_none()
            && let Some(near) = typo_query(fields, word)
        {
            add_up(searcher, &*near, &mut sums)?;
        }
    }
    let total = asked.words.len().max(1) as f32;
    let mut best: HashMap<i64, PassageHit> = HashMap::new();
    for (reader, sums) in searcher.segment_readers().iter().zip(&sums) {
        let ids = reader.fast_fields().i64(ID)?.first_or_default_col(0);
        let nths = reader.fast_fields().i64(NTH)?.first_or_default_col(0);
        for (doc, sum) in (0..).zip(sums) {
            let Some(sum) = sum.filter(|sum| sum.words > 0) else {
                continue;
            };
            let share = sum.words as f32 / total;
            let hit = PassageHit {
                id: ids.get_val(doc),
                nth: usize::try_from(nths.get_val(doc)).unwrap_or(1),
                score: sum.score
                    * if query.like.is_some() {
                        1.0
                    } else {
                        share.sqrt()
                    },
                words: sum.words,
            };
            let known = best.entry(hit.id).or_insert(hit);
            let is_better = (hit.score, std::cmp::Reverse(hit.nth))
                > (known.score, std::cmp::Reverse(known.nth));
            if is_better {
                *known = hit;
            }
        }
    }
    if let Some(itself) = query.like {
        best.remove(&itself);
    }
    let mut hits: Vec<PassageHit> = best.into_values().collect();
    hits.sort_by(|one, other| {
        let by_score = other.score.total_cmp(&one.score);
        by_score.then(other.id.cmp(&one.id))
    });
    let more = hits.len() > query.limit;
    hits.truncate(query.limit);
    Ok(Passages {
        hits,
        more,
        words: asked.words.into_iter().map(|word| word.exact).collect(),
    })
}

/// Sets what all live passages have that a query finds.
fn mark(
    searcher: &Searcher,
    query: &dyn Query,
    sums: &mut [Vec<Option<Sum>>],
    has: Option<Sum>,
) -> tantivy::Result<()> {
    let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
    for (reader, sums) in searcher.segment_readers().iter().zip(sums) {
        weight.for_each_no_score(reader, &mut |docs| {
            for doc in docs.iter().filter(|doc| !reader.is_deleted(**doc)) {
                if let Some(sum) = sums.get_mut(*doc as usize) {
                    *sum = has;
                }
            }
        })?;
    }
    Ok(())
}

/// Adds what a word is worth to the passages that have it; false where none does that may be found.
fn add_up(
    searcher: &Searcher,
    query: &dyn Query,
    sums: &mut [Vec<Option<Sum>>],
) -> tantivy::Result<bool> {
    let weight = query.weight(EnableScoring::enabled_from_searcher(searcher))?;
    let mut is_found = false;
    for (reader, sums) in searcher.segment_readers().iter().zip(sums) {
        weight.for_each(reader, &mut |doc: DocId, score| {
            if let Some(Some(sum)) = sums.get_mut(doc as usize) {
                sum.score += score;
                sum.words += 1;
                is_found = true;
            }
        })?;
    }
    Ok(is_found)
}

/// The passages of some documents in memory: what is searched while there is no index.
pub struct InMemory(View);

impl InMemory {
    /// Indexes these.
    ///
    /// # Errors
    /// What the index library says.
    pub fn of(docs: &[Doc]) -> Result<Self, Error> {
        const ARENA: usize = 30_000_000;
        let (schema, fields) = schema::schema(Collection::Passages);
        let index = Index::create(
            tantivy::directory::RamDirectory::create(),
            schema,
            IndexSettings::default(),
        )?;
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(ARENA)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let mut writer = index.writer_with_options(options)?;
        for doc in docs {
            for document in fields.documents(doc) {
                writer.add_document(document)?;
            }
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let searcher = index.reader()?.searcher();
        Ok(Self(View {
            searcher,
            fields,
            newest: Vec::new(),
        }))
    }

    /// Searches them.
    ///
    /// # Errors
    /// What the index library says.
    pub fn find(&self, query: &PassageQuery) -> Result<Passages, Error> {
        Ok(find(&self.0, query)?)
    }

    /// How many passages there are.
    ///
    /// # Errors
    /// What the index library says.
    pub fn count(&self) -> Result<usize, Error> {
        Ok(self.0.searcher.search(&tantivy::query::AllQuery, &Count)?)
    }
}
