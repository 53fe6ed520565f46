//! The documents of one segment that match, with their scores.
//!
//! Each segment is searched with one array of scores, two bytes a document: a million documents cost less to add up and
//! to scan so than to visit in a heap of cursors, and a broad beginning such as one letter stays fast.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::postings::{Postings, TermInfo};
use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, TERMINATED, Term};

use super::query::{Clause, EACH_WORD, NUMBER, STEPS, Score, Way};
use super::text;

/// A posting list so many times longer than the list of candidates is skipped through rather than read.
const SKIP_FACTOR: usize = 16;
/// One in so many documents, at most, is kept as a list of candidates.
const SPARSE: usize = 32;

/// The scores of a segment's documents.
pub(super) struct Scores {
    /// By document: 0 for no match, else 1 + score.
    pub(super) marks: Vec<Score>,
    /// The documents that match, in order, when they are few.
    pub(super) few: Option<Vec<DocId>>,
}

/// The first key after all that begin with `start`. A UTF-8 text has no byte 255, so that the last byte can be raised.
fn after(start: &str) -> Vec<u8> {
    let mut end = start.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
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
pub(super) fn match_all(
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

/// Scores of the documents that match every clause of `must` and at least so many of `may`: first of all by how many.
pub(super) fn match_most(
    searcher: &Searcher,
    reader: &SegmentReader,
    must: &[Clause],
    may: &[Clause],
    least: usize,
) -> tantivy::Result<Scores> {
    let mut scores = match_all(searcher, reader, must)?;
    let mut marks = vec![0; scores.marks.len()];
    for clause in may {
        let located = locate(searcher, reader, clause)?;
        let kept = &scores.marks;
        located.read(scores.few.as_deref(), &mut |doc, score| {
            if kept.get(doc as usize).is_some_and(|mark| *mark > 0) {
                raise(&mut marks, doc, score);
            }
        })?;
        for (sum, mark) in scores.marks.iter_mut().zip(&mut marks) {
            if *mark > 0 {
                // What twelve words are worth by themselves stays below what one more is.
                *sum = sum.saturating_add(EACH_WORD + (*mark - 1).min(EACH_WORD / 13));
                *mark = 0;
            }
        }
    }
    let enough = |mark: Score| usize::from(mark.saturating_sub(1) / EACH_WORD) >= least;
    for mark in &mut scores.marks {
        *mark = if enough(*mark) { *mark } else { 0 };
    }
    let marks = &scores.marks;
    if let Some(few) = &mut scores.few {
        few.retain(|doc| marks.get(*doc as usize).is_some_and(|mark| *mark > 0));
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
