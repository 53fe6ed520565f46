//! The best documents of the whole index.

use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::columnar::ColumnValues;
use tantivy::index::SegmentReader;
use tantivy::{DocAddress, DocId, Searcher};

use super::matching::Scores;
use super::query::Score;
use super::schema::{Fields, ID};

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

/// The best `need` documents of all segments, in order, by the scores of each segment.
pub(super) fn best(
    need: usize,
    view: &View,
    scores_of: impl Fn(&SegmentReader) -> tantivy::Result<Scores>,
) -> tantivy::Result<Vec<Candidate>> {
    let mut best = Best {
        need,
        heap: BinaryHeap::new(),
    };
    for (segment, reader) in (0..).zip(view.searcher.segment_readers()) {
        let scores = scores_of(reader)?;
        let ids = reader.fast_fields().i64(ID)?.first_or_default_col(0);
        let newest = view.newest.get(segment as usize).map_or(&[][..], |n| n);
        best.take(segment, reader, &scores, &*ids, newest);
    }
    Ok(best.heap.into_sorted_vec())
}

/// One found document; the better one is less, because it comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) score: Score,
    pub(super) id: i64,
    pub(super) address: DocAddress,
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
