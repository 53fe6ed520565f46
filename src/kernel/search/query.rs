//! From typed text to ranked records.
//!
//! Scores depend on the document alone, never on the rest of the index, so that the order survives merges and rebuilds:
//! a whole word in the title, a whole word elsewhere, a beginning in the title, part of a number, a beginning elsewhere,
//! and after all of those what needs a typo. Among whole words counts BM25's part for term frequency and length
//! (Robertson and Zaragoza 2009, with a fixed average length); as every word must match, its part for rarity would only
//! weigh words against each other. Equal scores come newest first, by id.
//!
//! Each segment is searched with one array of scores, two bytes a document: a million documents cost less to add up and
//! to scan so than to visit in a heap of cursors, and a broad beginning such as one letter stays fast.

use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use tantivy::columnar::ColumnValues;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::postings::{Postings, TermInfo};
use tantivy::query::{DfaWrapper, EnableScoring, FuzzyTermQuery, PhraseQuery, Query as _};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, DocSet, Searcher, TERMINATED, Term};

use super::schema::{Fields, ID, KIND};
use super::text::{self, Piece};
use super::{Hit, Query};

/// Scores are whole numbers of 1/64, which add up exactly in whatever order.
type Score = u16;

const STEPS: Score = 64;
const TITLE_WORD: Score = 5 * STEPS;
const TEXT_WORD: Score = 4 * STEPS;
const TITLE_START: Score = 3 * STEPS;
const NUMBER: Score = 5 * STEPS / 2;
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
/// A posting list so many times longer than the list of candidates is skipped through rather than read.
const SKIP_FACTOR: usize = 16;
/// One in so many documents, at most, is kept as a list of candidates.
const SPARSE: usize = 32;

/// Documents that are looked at together.
const BLOCK: usize = 128;

/// One state of the index.
pub(super) struct View {
    pub(super) searcher: Searcher,
    pub(super) fields: Fields,
    /// By segment: the result of [`newest`].
    pub(super) newest: Vec<Arc<Vec<i64>>>,
}

/// The highest id of each block of a segment. Of many equally good documents only the newest are wanted, and so whole
/// blocks are passed over without reading their ids.
pub(super) fn newest(reader: &SegmentReader) -> tantivy::Result<Vec<i64>> {
    let ids = reader.fast_fields().i64(ID)?.first_or_default_col(0);
    let block = |start: DocId| start..reader.max_doc().min(start + BLOCK as DocId);
    let starts = (0..reader.max_doc()).step_by(BLOCK);
    Ok(starts
        .filter_map(|start| block(start).map(|doc| ids.get_val(doc)).max())
        .collect())
}

/// One page of records, and whether more follow.
pub(super) fn find(view: &View, query: &Query) -> tantivy::Result<(Vec<Hit>, bool)> {
    let fields = &view.fields;
    let need = query.offset.saturating_add(query.limit).saturating_add(1);
    let pieces = text::query_pieces(&query.text);
    // Text of which nothing can be searched is not the same as no text.
    if pieces.is_empty() && !query.text.trim().is_empty() {
        return Ok((Vec::new(), false));
    }
    let strict = clauses(
        fields,
        query,
        pieces
            .iter()
            .map(|piece| piece_clause(fields, piece, false)),
    )?;
    let mut found = best(view, &strict, need)?;
    if found.len() < need && pieces.iter().any(may_have_typo) {
        // What is found without a typo is complete, so that pages stay in step: typos only follow after it.
        let known: HashSet<DocAddress> = found.iter().map(|c| c.address).collect();
        let lenient = clauses(
            fields,
            query,
            pieces.iter().map(|piece| piece_clause(fields, piece, true)),
        )?;
        let more = best(view, &lenient, need)?;
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
    })
}

/// What a document must match in one of several ways; the best way counts.
struct Clause {
    ways: Vec<Way>,
}

/// One way to match, and what it is worth.
enum Way {
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
        .map(|kind| fields.scope(query.workspace, kind));
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

/// The first key after all that begin with `start`. A UTF-8 text has no byte 255, so that the last byte can be raised.
fn after(start: &str) -> Vec<u8> {
    let mut end = start.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// The best `need` documents of all segments, in order.
fn best(view: &View, clauses: &[Clause], need: usize) -> tantivy::Result<Vec<Candidate>> {
    let mut best = Best {
        need,
        heap: BinaryHeap::new(),
    };
    for (segment, reader) in (0..).zip(view.searcher.segment_readers()) {
        let scores = match_all(&view.searcher, reader, clauses)?;
        let ids = reader.fast_fields().i64(ID)?.first_or_default_col(0);
        let newest = view.newest.get(segment as usize).map_or(&[][..], |n| n);
        best.take(segment, reader, &scores, &*ids, newest);
    }
    Ok(best.heap.into_sorted_vec())
}

/// One found document; the better one is less, because it comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate {
    score: Score,
    id: i64,
    address: DocAddress,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |c: &Self| (c.score, c.id, c.address);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Best {
    need: usize,
    /// The worst one on top.
    heap: BinaryHeap<Candidate>,
}

impl Best {
    /// Takes a segment's documents, the last first: ids grow with time, so that the newest are met first and the others do
    /// not displace them.
    fn take(
        &mut self,
        segment: u32,
        reader: &SegmentReader,
        scores: &Scores,
        ids: &dyn ColumnValues<i64>,
        newest: &[i64],
    ) {
        if let Some(few) = &scores.few {
            for doc in few.iter().rev() {
                let mark = scores.marks.get(*doc as usize).copied().unwrap_or(0);
                self.look_at(segment, reader, *doc, mark, ids);
            }
            return;
        }
        for (nth, block) in scores.marks.chunks(BLOCK).enumerate().rev() {
            let top = block.iter().copied().max().unwrap_or(0);
            let newest = newest.get(nth).copied().unwrap_or(i64::MAX);
            if top == 0 || !self.wants(top - 1, newest) {
                continue;
            }
            for (at, mark) in block.iter().enumerate().rev() {
                self.look_at(segment, reader, (nth * BLOCK + at) as DocId, *mark, ids);
            }
        }
    }

    fn look_at(
        &mut self,
        segment: u32,
        reader: &SegmentReader,
        doc: DocId,
        mark: Score,
        ids: &dyn ColumnValues<i64>,
    ) {
        if mark == 0 || !self.wants(mark - 1, i64::MAX) || reader.is_deleted(doc) {
            return;
        }
        let address = DocAddress::new(segment, doc);
        self.offer(Candidate {
            score: mark - 1,
            id: ids.get_val(doc),
            address,
        });
    }

    /// False if a document with this score and at most this id cannot be among the best.
    fn wants(&self, score: Score, id: i64) -> bool {
        self.heap.len() < self.need
            || self
                .heap
                .peek()
                .is_some_and(|worst| (score, id) > (worst.score, worst.id))
    }

    fn offer(&mut self, candidate: Candidate) {
        if self.heap.len() < self.need {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }
}

/// The scores of a segment's documents.
struct Scores {
    /// By document: 0 for no match, else 1 + score.
    marks: Vec<Score>,
    /// The documents that match, in order, when they are few.
    few: Option<Vec<DocId>>,
}

/// A clause with its posting lists looked up.
struct Located {
    lists: Vec<List>,
    /// Documents in all lists together.
    postings: usize,
}

/// A posting list, or the result of a search of its own.
enum List {
    Word {
        index: Arc<InvertedIndexReader>,
        info: TermInfo,
        worth: Worth,
    },
    Plain {
        index: Arc<InvertedIndexReader>,
        info: TermInfo,
        score: Score,
    },
    Docs {
        docs: Vec<(DocId, Score)>,
    },
}

/// What a whole word is worth in a document.
struct Worth {
    norms: FieldNormReader,
    score: Score,
    length: f32,
    /// For a frequency of one, by the coded length of the field.
    once: Vec<Score>,
}

impl Worth {
    fn new(norms: FieldNormReader, score: Score, length: f32) -> Self {
        let mut worth = Self {
            norms,
            score,
            length,
            once: Vec::new(),
        };
        worth.once = (0..=u8::MAX).map(|id| worth.of(1, id)).collect();
        worth
    }

    fn of(&self, frequency: u32, norm: u8) -> Score {
        const K1: f32 = 1.2;
        const B: f32 = 0.75;
        let frequency = frequency as f32;
        let relative = FieldNormReader::id_to_fieldnorm(norm) as f32 / self.length;
        let share = frequency / (frequency + K1 * (1.0 - B + B * relative));
        self.score + (share * f32::from(STEPS - 1)) as Score
    }

    fn get(&self, doc: DocId, frequency: u32) -> Score {
        let norm = self.norms.fieldnorm_id(doc);
        match self.once.get(usize::from(norm)) {
            Some(score) if frequency == 1 => *score,
            _ => self.of(frequency, norm),
        }
    }
}

/// Scores of the documents that match every clause.
fn match_all(
    searcher: &Searcher,
    reader: &SegmentReader,
    clauses: &[Clause],
) -> tantivy::Result<Scores> {
    let size = reader.max_doc() as usize;
    let nothing = || Scores {
        marks: Vec::new(),
        few: Some(Vec::new()),
    };
    let mut located = Vec::with_capacity(clauses.len());
    for clause in clauses {
        let lists = locate(searcher, reader, clause)?;
        if lists.postings == 0 {
            return Ok(nothing());
        }
        located.push(lists);
    }
    // The rarest first: all others are then only looked up for what is left.
    located.sort_by_key(|l| l.postings);
    let mut located = located.into_iter();
    let Some(first) = located.next() else {
        return Ok(nothing());
    };
    let mut scores = Scores {
        marks: vec![0; size],
        few: None,
    };
    first.read(None, &mut |doc, score| raise(&mut scores.marks, doc, score))?;
    if first.postings < size / SPARSE {
        scores.few = Some(matching(&scores.marks));
    }
    let mut marks = vec![0; size];
    for clause in located {
        let kept = &scores.marks;
        clause.read(scores.few.as_deref(), &mut |doc, score| {
            if kept.get(doc as usize).is_some_and(|mark| *mark > 0) {
                raise(&mut marks, doc, score);
            }
        })?;
        combine(&mut scores, &mut marks);
    }
    Ok(scores)
}

fn raise(marks: &mut [Score], doc: DocId, score: Score) {
    if let Some(mark) = marks.get_mut(doc as usize) {
        *mark = (*mark).max(score + 1);
    }
}

fn matching(marks: &[Score]) -> Vec<DocId> {
    (0..)
        .zip(marks)
        .filter(|(_, mark)| **mark > 0)
        .map(|(doc, _)| doc)
        .collect()
}

/// Keeps what is in both, adds the scores up, and leaves `marks` empty.
fn combine(scores: &mut Scores, marks: &mut [Score]) {
    if let Some(few) = &mut scores.few {
        few.retain(|doc| {
            let (Some(sum), Some(mark)) = (
                scores.marks.get_mut(*doc as usize),
                marks.get_mut(*doc as usize),
            ) else {
                return false;
            };
            *sum = if *mark == 0 {
                0
            } else {
                sum.saturating_add(*mark - 1)
            };
            *mark = 0;
            *sum > 0
        });
        return;
    }
    let mut left = 0;
    for (sum, mark) in scores.marks.iter_mut().zip(marks.iter_mut()) {
        *sum = if *mark == 0 {
            0
        } else {
            sum.saturating_add(*mark - 1)
        };
        left += usize::from(*sum > 0);
        *mark = 0;
    }
    if left < scores.marks.len() / SPARSE {
        scores.few = Some(matching(&scores.marks));
    }
}

fn locate(
    searcher: &Searcher,
    reader: &SegmentReader,
    clause: &Clause,
) -> tantivy::Result<Located> {
    let mut lists = Vec::new();
    for way in &clause.ways {
        match way {
            Way::Word {
                field,
                word,
                score,
                length,
            } => {
                let index = reader.inverted_index(*field)?;
                if let Some(info) = index.terms().get(word)? {
                    let worth = Worth::new(reader.get_fieldnorms_reader(*field)?, *score, *length);
                    lists.push(List::Word { index, info, worth });
                }
            }
            Way::Term { field, term, score } => {
                let index = reader.inverted_index(*field)?;
                if let Some(info) = index.terms().get(term)? {
                    lists.push(List::Plain {
                        index,
                        info,
                        score: *score,
                    });
                }
            }
            Way::Start {
                field,
                start,
                score,
            } => {
                let index = reader.inverted_index(*field)?;
                let range = index.terms().range().gt(start).lt(after(start));
                let mut stream = range.without_keys().into_stream()?;
                while stream.advance() {
                    let info = stream.value().clone();
                    lists.push(List::Plain {
                        index: index.clone(),
                        info,
                        score: *score,
                    });
                }
            }
            Way::Near {
                field,
                first,
                near,
                score,
            } => {
                let index = reader.inverted_index(*field)?;
                let range = index.terms().search(&**near).ge(first).lt(after(first));
                let mut stream = range.without_keys().into_stream()?;
                while stream.advance() {
                    let info = stream.value().clone();
                    lists.push(List::Plain {
                        index: index.clone(),
                        info,
                        score: *score,
                    });
                }
            }
            Way::Number { field, digits } => {
                locate_number(searcher, reader, *field, digits, &mut lists)?;
            }
            Way::All(clauses) => {
                let mut docs = Vec::new();
                for (doc, mark) in (0..).zip(match_all(searcher, reader, clauses)?.marks) {
                    if mark > 0 {
                        docs.push((doc, mark - 1));
                    }
                }
                lists.push(List::Docs { docs });
            }
        }
    }
    let postings = lists.iter().map(List::len).sum();
    Ok(Located { lists, postings })
}

fn locate_number(
    searcher: &Searcher,
    reader: &SegmentReader,
    field: Field,
    digits: &str,
    lists: &mut Vec<List>,
) -> tantivy::Result<()> {
    let index = reader.inverted_index(field)?;
    if digits.len() <= text::GRAM_DIGITS {
        let mut stream = index
            .terms()
            .range()
            .ge(digits)
            .lt(after(digits))
            .without_keys()
            .into_stream()?;
        while stream.advance() {
            lists.push(List::Plain {
                index: index.clone(),
                info: stream.value().clone(),
                score: NUMBER,
            });
        }
        return Ok(());
    }
    let mut grams = Vec::new();
    text::grams(digits, &mut |gram| {
        // The shorter last piece is only stored at the end of a number.
        if gram.len() == text::GRAM_DIGITS {
            grams.push(Term::from_field_text(field, gram));
        }
    });
    let phrase = PhraseQuery::new(grams);
    let mut scorer = phrase
        .weight(EnableScoring::disabled_from_searcher(searcher))?
        .scorer(reader, 1.0)?;
    let mut docs = Vec::new();
    while scorer.doc() != TERMINATED {
        docs.push((scorer.doc(), NUMBER));
        scorer.advance();
    }
    lists.push(List::Docs { docs });
    Ok(())
}

impl Located {
    /// Calls `each` for the documents of all lists; with `few`, at least for those of them that are among the few.
    fn read(
        &self,
        few: Option<&[DocId]>,
        each: &mut impl FnMut(DocId, Score),
    ) -> tantivy::Result<()> {
        for list in &self.lists {
            match few {
                Some(few) if list.len() / SKIP_FACTOR > few.len() => list.skip(few, each)?,
                _ => list.read(each)?,
            }
        }
        Ok(())
    }
}

impl List {
    fn len(&self) -> usize {
        match self {
            Self::Word { info, .. } | Self::Plain { info, .. } => info.doc_freq as usize,
            Self::Docs { docs } => docs.len(),
        }
    }

    fn read(&self, each: &mut impl FnMut(DocId, Score)) -> tantivy::Result<()> {
        match self {
            Self::Word { index, info, worth } => {
                let mut blocks =
                    index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
                while !blocks.docs().is_empty() {
                    for (doc, frequency) in blocks.docs().iter().zip(blocks.freqs()) {
                        each(*doc, worth.get(*doc, *frequency));
                    }
                    blocks.advance();
                }
            }
            Self::Plain { index, info, score } => {
                let mut blocks =
                    index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                while !blocks.docs().is_empty() {
                    for doc in blocks.docs() {
                        each(*doc, *score);
                    }
                    blocks.advance();
                }
            }
            Self::Docs { docs } => docs.iter().for_each(|(doc, score)| each(*doc, *score)),
        }
        Ok(())
    }

    /// Like [`Self::read`], leaving out what is not among the few.
    fn skip(&self, few: &[DocId], each: &mut impl FnMut(DocId, Score)) -> tantivy::Result<()> {
        let (index, info, option) = match self {
            Self::Word { index, info, .. } => (index, info, IndexRecordOption::WithFreqs),
            Self::Plain { index, info, .. } => (index, info, IndexRecordOption::Basic),
            Self::Docs { .. } => return self.read(each),
        };
        let mut postings = index.read_postings_from_terminfo(info, option)?;
        for doc in few {
            if postings.doc() > *doc || postings.seek(*doc) != *doc {
                continue;
            }
            match self {
                Self::Word { worth, .. } => each(*doc, worth.get(*doc, postings.term_freq())),
                Self::Plain { score, .. } => each(*doc, *score),
                Self::Docs { .. } => {}
            }
        }
        Ok(())
    }
}
