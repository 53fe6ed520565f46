//! From typed text to what a document must match.
//!
//! Scores depend on the document alone, never on the rest of the index, so that the order survives merges and rebuilds:
//! a whole word in the title, a whole word elsewhere, a beginning in the title, part of a number, a beginning elsewhere,
//! and after all of those what needs a typo. Among whole words counts BM25's part for term frequency and length
//! (Robertson and Zaragoza 2009, with a fixed average length); as every word must match, its part for rarity would only
//! weigh words against each other. Equal scores come newest first, by id.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::query::{DfaWrapper, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy::{DocAddress, Searcher, Term};

use super::matching::{match_all, match_most};
use super::rank::{Candidate, View, best};
use super::schema::{Fields, KIND};
use super::text::{self, Piece};
use super::{Hit, Query, Words};
use crate::types::words::is_filler;

/// Scores are whole numbers of 1/64, which add up exactly in whatever order.
pub(super) type Score = u16;
pub(super) const STEPS: Score = 64;

/// What each found word is worth where not all have to be: more than all that twelve of them can be worth by themselves.
pub(super) const EACH_WORD: Score = 5_000;

const TITLE_WORD: Score = 5 * STEPS;
const TEXT_WORD: Score = 4 * STEPS;
const TITLE_START: Score = 3 * STEPS;
pub(super) const NUMBER: Score = 5 * STEPS / 2;
const TEXT_START: Score = 2 * STEPS;
const TITLE_TYPO: Score = STEPS;
const TEXT_TYPO: Score = STEPS / 2;

/// Usual number of words of a name.
const TITLE_LENGTH: f32 = 3.0;
/// Usual number of words of the other text of a record.
const TEXT_LENGTH: f32 = 20.0;
/// Fewest characters of a word in which one mistake is forgiven.
const ONE_TYPO_CHARS: usize = 4;
/// Fewest characters of a word in which two mistakes are forgiven.
const TWO_TYPOS_CHARS: usize = 8;

/// One page of records, and whether more follow.
pub(super) fn find(view: &View, query: &Query) -> tantivy::Result<(Vec<Hit>, bool)> {
    let fields = &view.fields;
    let need = query.offset.saturating_add(query.limit).saturating_add(1);
    let pieces = text::query_pieces(&query.text);
    // Text of which nothing can be searched is not the same as no text.
    if pieces.is_empty() && !query.text.trim().is_empty() {
        return Ok((Vec::new(), false));
    }
    if query.words == Words::Most {
        return find_most(view, query, pieces);
    }
    let strict = clauses(
        fields,
        query,
        pieces
            .iter()
            .map(|piece| piece_clause(fields, piece, false)),
    )?;
    let mut found = best(need, view, |reader| {
        match_all(&view.searcher, reader, &strict)
    })?;
    if found.len() < need && pieces.iter().any(may_have_typo) {
        // What is found without a typo is complete, so that pages stay in step: typos only follow after it.
        let known: HashSet<DocAddress> = found.iter().map(|c| c.address).collect();
        let lenient = clauses(
            fields,
            query,
            pieces.iter().map(|piece| piece_clause(fields, piece, true)),
        )?;
        let more = best(need, view, |reader| {
            match_all(&view.searcher, reader, &lenient)
        })?;
        found.extend(more.into_iter().filter(|c| !known.contains(&c.address)));
    }
    let more = found.len() >= need;
    found.truncate(need - 1);
    let page = found.iter().skip(query.offset);
    Ok((
        page.map(|c| hit(&view.searcher, query, c))
            .collect::<Result<_, _>>()?,
        more,
    ))
}

/// One page of the records that have most of the words that tell something, and whether more follow.
fn find_most(
    view: &View,
    query: &Query,
    mut pieces: Vec<Piece>,
) -> tantivy::Result<(Vec<Hit>, bool)> {
    let is_telling = |piece: &Piece| !matches!(piece, Piece::Word(word) if is_filler(word));
    if pieces.iter().any(is_telling) {
        pieces.retain(is_telling);
    }
    let fields = &view.fields;
    let need = query.offset.saturating_add(query.limit).saturating_add(1);
    let must = clauses(fields, query, std::iter::empty())?;
    let may = pieces.iter().map(|piece| piece_clause(fields, piece, true));
    let may: Vec<Clause> = may.collect::<tantivy::Result<_>>()?;
    let least = super::least(may.len());
    let mut found = best(need, view, |reader| {
        match_most(&view.searcher, reader, &must, &may, least)
    })?;
    let more = found.len() >= need;
    found.truncate(need - 1);
    let page = found.iter().skip(query.offset).map(|candidate| {
        let hit = hit(&view.searcher, query, candidate)?;
        Ok(Hit {
            words: usize::from(candidate.score / EACH_WORD),
            ..hit
        })
    });
    Ok((page.collect::<tantivy::Result<_>>()?, more))
}

fn hit(searcher: &Searcher, query: &Query, found: &Candidate) -> tantivy::Result<Hit> {
    let reader = searcher.segment_reader(found.address.segment_ord);
    let mut kind = query.kinds.first().copied().unwrap_or_default();
    if query.kinds.len() > 1
        && let Some(column) = reader.fast_fields().str(KIND)?
        && let Some(ord) = column.ords().first(found.address.doc_id)
    {
        let mut name = String::new();
        column.ord_to_str(ord, &mut name)?;
        kind = query
            .kinds
            .iter()
            .copied()
            .find(|k| *k == name)
            .unwrap_or(kind);
    }
    Ok(Hit {
        kind,
        id: found.id,
        score: f32::from(found.score) / f32::from(STEPS),
        words: 0,
    })
}

/// What a document must match in one of several ways; the best way counts.
pub(super) struct Clause {
    pub(super) ways: Vec<Way>,
}

/// One way to match, and what it is worth.
pub(super) enum Way {
    /// This term, worth more by its frequency in a field of the given usual length.
    Word {
        field: Field,
        word: String,
        score: Score,
        length: f32,
    },
    /// This term.
    Term {
        field: Field,
        term: String,
        score: Score,
    },
    /// A longer term that begins so.
    Start {
        field: Field,
        start: String,
        score: Score,
    },
    /// A term with the same first character and at most so many mistakes.
    Near {
        field: Field,
        first: String,
        near: Arc<DfaWrapper>,
        score: Score,
    },
    /// A number that contains these digits.
    Number { field: Field, digits: String },
    /// All of these.
    All(Vec<Clause>),
}

/// Everything that a document must match.
fn clauses(
    fields: &Fields,
    query: &Query,
    pieces: impl Iterator<Item = tantivy::Result<Clause>>,
) -> tantivy::Result<Vec<Clause>> {
    let exact = |(field, term): (Field, String)| Way::Term {
        field,
        term,
        score: 0,
    };
    let scopes = query
        .kinds
        .iter()
        .flat_map(|kind| fields.scopes(query.workspace, kind, &query.readers));
    let mut all = vec![Clause {
        ways: scopes.map(exact).collect(),
    }];
    for group in &query.filters {
        let ways = group.iter().map(|f| exact((fields.filter, f.clone())));
        all.push(Clause {
            ways: ways.collect(),
        });
    }
    for piece in pieces {
        all.push(piece?);
    }
    Ok(all)
}

fn allowed_typos(word: &str) -> u8 {
    let chars = word.chars().count();
    if chars < ONE_TYPO_CHARS || word.bytes().all(|b| b.is_ascii_digit()) {
        0
    } else if chars < TWO_TYPOS_CHARS {
        1
    } else {
        2
    }
}

fn may_have_typo(piece: &Piece) -> bool {
    match piece {
        Piece::Word(word) => allowed_typos(word) > 0,
        Piece::Number { .. } => false,
    }
}

fn piece_clause(fields: &Fields, piece: &Piece, lenient: bool) -> tantivy::Result<Clause> {
    match piece {
        Piece::Word(word) => word_clause(fields, word, lenient),
        Piece::Number { numbers, words } => {
            let number = |digits: &String| Way::Number {
                field: fields.number,
                digits: digits.clone(),
            };
            let mut ways: Vec<Way> = numbers.iter().map(number).collect();
            let words = words.iter().map(|w| word_clause(fields, w, false));
            let mut words: Vec<Clause> = words.collect::<Result<_, _>>()?;
            match (words.pop(), words.is_empty()) {
                (Some(only), true) => ways.extend(only.ways),
                (Some(last), false) => {
                    words.push(last);
                    ways.push(Way::All(words));
                }
                (None, _) => {}
            }
            Ok(Clause { ways })
        }
    }
}

fn word_clause(fields: &Fields, word: &str, lenient: bool) -> tantivy::Result<Clause> {
    let whole = |field, score, length| Way::Word {
        field,
        word: word.to_owned(),
        score,
        length,
    };
    let mut ways = vec![
        whole(fields.title, TITLE_WORD, TITLE_LENGTH),
        whole(fields.text, TEXT_WORD, TEXT_LENGTH),
    ];
    if !text::is_ideographic(word) {
        if word.chars().count() <= text::START_CHARS {
            let start = |field, score| Way::Term {
                field,
                term: word.to_owned(),
                score,
            };
            ways.push(start(fields.title_start, TITLE_START));
            ways.push(start(fields.text_start, TEXT_START));
        } else {
            let start = |field, score| Way::Start {
                field,
                start: word.to_owned(),
                score,
            };
            ways.push(start(fields.title, TITLE_START));
            ways.push(start(fields.text, TEXT_START));
        }
    }
    let typos = allowed_typos(word);
    if lenient && typos > 0 {
        let term = Term::from_field_text(fields.title, word);
        let near = Arc::new(FuzzyTermQuery::new(term, typos, true).automaton()?);
        for (field, score) in [(fields.title, TITLE_TYPO), (fields.text, TEXT_TYPO)] {
            let first = text::start(word, 1).to_owned();
            ways.push(Way::Near {
                field,
                first,
                near: Arc::clone(&near),
                score,
            });
        }
    }
    Ok(Clause { ways })
}
