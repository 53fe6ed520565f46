//! The tasks of a project as a network: what waits for what, when each can begin and end, and which have no time to spare.
//!
//! Days are ordinals of working days (`WorkDays`): a task lies between two boundaries of days, from the beginning of its
//! first day to the end of its last, which is the beginning of the one after it. A milestone lies on one boundary, the end of its day.
//!
//! Each task is two points, where it begins and where it ends. A task ends after it begins, its parts lie within it, and what waits
//! for another is looked at after that one's end. The passes over these points are those of the critical path method (Kelley and
//! Walker, Critical-Path Planning and Scheduling, 1959), with the four rules of precedence diagrams that have a name here.

use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::dependency::DependencyType;

/// A task of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Which task it is a part of, by its place.
    pub(crate) parent: Option<usize>,
    /// The beginning of its first day.
    pub(crate) start: Option<i64>,
    /// The end of its last day.
    pub(crate) end: Option<i64>,
    /// From when on it holds nothing up any more that waits for its end, where that is not the end of its last day.
    pub(crate) released: Option<i64>,
    /// How many days it takes; none for a milestone.
    pub(crate) length: i64,
    /// What may be done with its days.
    pub(crate) days: Days,
}

/// What may be done with the days of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    /// They stand as they are.
    Fixed,
    /// They may be put off.
    Movable,
    /// It is no more: nothing waits for it.
    Gone,
}

/// That one task waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// For which, by its place.
    pub(crate) predecessor: usize,
    /// Which waits.
    pub(crate) task: usize,
    /// For what.
    pub(crate) kind: DependencyType,
    /// Working days between the two.
    pub(crate) lag: i64,
}

/// The tasks of a project, what waits for what, and an order in which each comes after what it waits for.
pub(crate) struct Network {
    nodes: Vec<Node>,
    waits: Vec<Wait>,
    /// The tasks that have parts.
    is_whole: Vec<bool>,
    order: Vec<Point>,
}

/// Where a task begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    Start(usize),
    End(usize),
}

/// When a task lies, by its boundaries; none where nothing says when.
pub(crate) type Span = (Option<i64>, Option<i64>);

impl Network {
    /// The network of these tasks; the places of some that wait for each other where there are such.
    pub(crate) fn new(nodes: Vec<Node>, waits: Vec<Wait>) -> Result<Self, Vec<usize>> {
        let mut graph: DiGraph<Point, ()> = DiGraph::with_capacity(nodes.len() * 2, waits.len());
        let points: Vec<(NodeIndex, NodeIndex)> = (0..nodes.len())
            .map(|at| {
                (
                    graph.add_node(Point::Start(at)),
                    graph.add_node(Point::End(at)),
                )
            })
            .collect();
        let mut is_whole = vec![false; nodes.len()];
        let mut edges = Vec::new();
        for (node, (start, end)) in nodes.iter().zip(&points) {
            edges.push((*start, *end));
            let whole = node.parent.and_then(|at| Some((at, points.get(at)?)));
            if let Some((at, (whole_start, whole_end))) = whole {
                edges.extend([(*whole_start, *start), (*end, *whole_end)]);
                if let Some(has_parts) = is_whole.get_mut(at) {
                    *has_parts = true;
                }
            }
        }
        for wait in &waits {
            let ends = points.get(wait.predecessor).zip(points.get(wait.task));
            edges.extend(ends.map(|((_, end), (start, _))| (*end, *start)));
        }
        for (from, to) in edges {
            graph.add_edge(from, to, ());
        }
        let Ok(order) = toposort(&graph, None) else {
            return Err(circle(&graph));
        };
        let order = order
            .iter()
            .filter_map(|at| graph.node_weight(*at).copied());
        Ok(Self {
            order: order.collect(),
            nodes,
            waits,
            is_whole,
        })
    }

    /// When each task lies at the earliest. What waits is put off as far as it has to be, and never brought forward; days that
    /// nobody may move stay. A task with parts lies where they lie, if its days may be moved or it has none. What is put off
    /// takes as long as before. `from` is where begins what no day is said for.
    pub(crate) fn earliest(&self, from: Option<i64>) -> Vec<Span> {
        let mut spans: Vec<Span> = vec![(None, None); self.nodes.len()];
        // What keeps the parts of a task from beginning.
        let mut floors: Vec<Option<i64>> = vec![None; self.nodes.len()];
        for point in &self.order {
            match *point {
                Point::Start(at) => {
                    let Some(node) = self.nodes.get(at) else {
                        continue;
                    };
                    let above = node.parent.and_then(|at| floors.get(at).copied().flatten());
                    let (first, last) = self.bounds(at, &spans);
                    let floor = above.max(first);
                    if let Some(own) = floors.get_mut(at) {
                        *own = floor;
                    }
                    if self.has_parts(at) {
                        continue;
                    }
                    let span = lie(node, floor, last, from);
                    if let Some(own) = spans.get_mut(at) {
                        *own = span;
                    }
                }
                Point::End(at) if self.has_parts(at) => {
                    let span = self.whole(at, &spans);
                    if let Some(own) = spans.get_mut(at) {
                        *own = span;
                    }
                }
                Point::End(_) => {}
            }
        }
        spans
    }

    /// The last boundaries between which each task can lie without the whole ending later than `end`, given where it lies at the
    /// earliest.
    pub(crate) fn latest(&self, earliest: &[Span], end: i64) -> Vec<Span> {
        let mut spans: Vec<Span> = vec![(None, None); self.nodes.len()];
        for point in self.order.iter().rev() {
            let (Point::Start(at) | Point::End(at)) = *point;
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let start_of = |at: usize| spans.get(at).and_then(|span| span.0);
            let end_of = |at: usize| spans.get(at).and_then(|span| span.1);
            let waiting = self.waits.iter().filter(|wait| wait.predecessor == at);
            let span = match *point {
                Point::End(_) => {
                    let whole = node.parent.and_then(end_of);
                    let bounds = waiting.filter_map(|wait| match wait.kind {
                        DependencyType::FinishToStart => Some(start_of(wait.task)? - wait.lag),
                        DependencyType::FinishToFinish => Some(end_of(wait.task)? - wait.lag),
                        DependencyType::StartToStart => None,
                    });
                    let last = bounds.chain(whole).chain([end]).min();
                    (start_of(at), last)
                }
                Point::Start(_) if self.has_parts(at) => {
                    let parts = self.parts(at).filter_map(|(part, _)| start_of(part));
                    (parts.min(), end_of(at))
                }
                Point::Start(_) => {
                    let length = earliest
                        .get(at)
                        .and_then(|(start, end)| Some((*end)? - (*start)?));
                    let own = end_of(at).zip(length).map(|(end, length)| end - length);
                    let bounds = waiting.filter_map(|wait| match wait.kind {
                        DependencyType::StartToStart => Some(start_of(wait.task)? - wait.lag),
                        _ => None,
                    });
                    let start = bounds.chain(own).min();
                    (
                        start,
                        start.zip(length).map(|(start, length)| start + length),
                    )
                }
            };
            if let Some(own) = spans.get_mut(at) {
                *own = span;
            }
        }
        spans
    }

    /// Whether a task has parts that count.
    pub(crate) fn has_parts(&self, at: usize) -> bool {
        self.is_whole.get(at).copied().unwrap_or_default()
    }

    /// The tasks, in their places.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The first boundaries at which a task can begin and end by what it waits for itself.
    fn bounds(&self, at: usize, spans: &[Span]) -> Span {
        let (mut start, mut end) = (None, None);
        for wait in self.waits.iter().filter(|wait| wait.task == at) {
            let other = self.nodes.get(wait.predecessor);
            let Some(other) = other.filter(|node| node.days != Days::Gone) else {
                continue;
            };
            let (begins, ends) = spans.get(wait.predecessor).copied().unwrap_or_default();
            let ends = other.released.or(ends);
            let after = |bound: Option<i64>| bound.map(|bound| bound + wait.lag);
            match wait.kind {
                DependencyType::FinishToStart => start = start.max(after(ends)),
                DependencyType::StartToStart => start = start.max(after(begins)),
                DependencyType::FinishToFinish => end = end.max(after(ends)),
            }
        }
        (start, end)
    }

    /// Where a task lies that has parts.
    fn whole(&self, at: usize, spans: &[Span]) -> Span {
        let own = self.nodes.get(at);
        let parts = || {
            let parts = self.parts(at).filter(|(_, part)| part.days != Days::Gone);
            parts.filter_map(|(part, _)| spans.get(part))
        };
        let start = parts().filter_map(|span| span.0).min();
        let end = parts().filter_map(|span| span.1).max();
        match own {
            Some(own) if own.days == Days::Fixed => (own.start.or(start), own.end.or(end)),
            _ => (start, end),
        }
    }

    fn parts(&self, at: usize) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.parent == Some(at))
    }
}

/// Where a task without parts lies that cannot begin before `floor` and not end before `last`.
fn lie(node: &Node, floor: Option<i64>, last: Option<i64>, from: Option<i64>) -> Span {
    let own = (node.start, node.end);
    if node.days != Days::Movable {
        return own;
    }
    // As long as it was.
    let length = match own {
        (Some(start), Some(end)) => end - start,
        _ => node.length,
    };
    let start = own.0.or(own.1.map(|end| end - length));
    let by_end = last.map(|last| last - length);
    let bound = floor.max(by_end);
    let Some(start) = start.max(bound).or(from) else {
        return own;
    };
    (Some(start), Some(start + length))
}

/// The tasks of a circle in the graph, in the order of their places.
fn circle(graph: &DiGraph<Point, ()>) -> Vec<usize> {
    let circles = tarjan_scc(graph).into_iter();
    let mut circle = circles.filter(|points| points.len() > 1);
    let points = circle.next().unwrap_or_default();
    let mut tasks: Vec<usize> = points
        .iter()
        .filter(|at| {
            graph
                .neighbors_directed(**at, Direction::Incoming)
                .next()
                .is_some()
        })
        .filter_map(|at| graph.node_weight(*at))
        .map(|(Point::Start(at) | Point::End(at))| *at)
        .collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dependency::DependencyType::{FinishToFinish, FinishToStart, StartToStart};

    fn node(start: i64, length: i64) -> Node {
        Node {
            parent: None,
            start: Some(start),
            end: Some(start + length),
            released: None,
            length,
            days: Days::Movable,
        }
    }

    fn fixed(start: i64, length: i64) -> Node {
        Node {
            days: Days::Fixed,
            ..node(start, length)
        }
    }

    fn wait(predecessor: usize, task: usize, kind: DependencyType, lag: i64) -> Wait {
        Wait {
            predecessor,
            task,
            kind,
            lag,
        }
    }

    fn spans(spans: Vec<Span>) -> Vec<(i64, i64)> {
        let both = |(start, end): Span| (start.unwrap(), end.unwrap());
        spans.into_iter().map(both).collect()
    }

    #[test]
    fn what_waits_is_put_off_and_never_brought_forward() {
        let nodes = vec![
            fixed(0, 3),
            node(1, 2),
            node(20, 2),
            fixed(1, 1),
            node(0, 0),
        ];
        let waits = vec![
            wait(0, 1, FinishToStart, 1),
            wait(1, 2, FinishToStart, 0),
            // Days that people gave stay.
            wait(0, 3, FinishToStart, 0),
            wait(1, 4, FinishToStart, 0),
        ];
        let network = Network::new(nodes, waits).unwrap_or_else(|_| panic!());
        let earliest = spans(network.earliest(None));
        assert_eq!(earliest, [(0, 3), (4, 6), (20, 22), (1, 2), (6, 6)]);
    }

    #[test]
    fn what_is_done_holds_nothing_up_on_its_last_day() {
        let mut nodes = vec![fixed(0, 3), node(0, 2)];
        nodes[0].released = Some(2);
        let waits = vec![wait(0, 1, FinishToStart, 0)];
        let network = Network::new(nodes, waits).unwrap_or_else(|_| panic!());
        assert_eq!(spans(network.earliest(None)), [(0, 3), (2, 4)]);
    }

    #[test]
    fn tasks_may_begin_or_end_together() {
        let nodes = vec![fixed(5, 4), node(0, 2), node(0, 2)];
        let waits = vec![wait(0, 1, StartToStart, 1), wait(0, 2, FinishToFinish, -1)];
        let network = Network::new(nodes, waits).unwrap_or_else(|_| panic!());
        assert_eq!(spans(network.earliest(None)), [(5, 9), (6, 8), (6, 8)]);
    }

    #[test]
    fn what_a_whole_waits_for_keeps_its_parts_and_it_ends_when_they_do() {
        // 1 is a part of 0, 2 waits for the whole of 0, and 0 waits for 3.
        let mut nodes = vec![node(0, 1), node(0, 4), node(0, 2), fixed(0, 7)];
        nodes[1].parent = Some(0);
        let waits = vec![wait(0, 2, FinishToStart, 0), wait(3, 0, FinishToStart, 0)];
        let network = Network::new(nodes, waits).unwrap_or_else(|_| panic!());
        let earliest = network.earliest(None);
        assert_eq!(
            spans(earliest.clone()),
            [(7, 11), (7, 11), (11, 13), (0, 7)]
        );
        let latest = spans(network.latest(&earliest, 15));
        assert_eq!(latest[2], (13, 15));
        assert_eq!(latest[1], (9, 13));
    }

    #[test]
    fn circles_are_found_also_through_wholes() {
        let names = |nodes: Vec<Node>, waits| Network::new(nodes, waits).err();
        let three = || vec![node(0, 1), node(0, 1), node(0, 1)];
        let forth = [wait(0, 1, FinishToStart, 0), wait(1, 2, FinishToStart, 0)];
        assert_eq!(names(three(), forth.to_vec()), None);
        let mut round = forth.to_vec();
        round.push(wait(2, 0, StartToStart, 0));
        assert_eq!(names(three(), round), Some(vec![0, 1, 2]));
        // 1 is a part of 0, and neither can wait for the other.
        let mut parts = three();
        parts[1].parent = Some(0);
        for (first, then) in [(0, 1), (1, 0)] {
            let waits = vec![wait(first, then, FinishToStart, 0)];
            assert_eq!(names(parts.clone(), waits), Some(vec![0, 1]));
        }
        // 2 waits for the part, and the whole for 2.
        let waits = vec![wait(1, 2, FinishToStart, 0), wait(2, 0, FinishToStart, 0)];
        assert_eq!(names(parts, waits), Some(vec![0, 1, 2]));
    }

    /// Tasks without parts, each waiting for some before it.
    fn networks() -> impl Strategy<Value = (Vec<Node>, Vec<Wait>)> {
        let kinds = prop_oneof![
            Just(FinishToStart),
            Just(StartToStart),
            Just(FinishToFinish)
        ];
        let tasks = prop::collection::vec((0..20_i64, 0..6_i64, any::<bool>()), 1..12);
        let waits = prop::collection::vec((0..12_usize, 0..12_usize, kinds, -3..4_i64), 0..24);
        (tasks, waits).prop_map(|(tasks, waits)| {
            let count = tasks.len();
            let nodes = tasks.into_iter().map(|(start, length, moves)| match moves {
                true => node(start, length),
                false => fixed(start, length),
            });
            let waits = waits
                .into_iter()
                .filter(|(first, then, ..)| first < then && *then < count);
            let waits = waits.map(|(first, then, kind, lag)| wait(first, then, kind, lag));
            (nodes.collect(), waits.collect())
        })
    }

    proptest! {
        /// The same as putting off one task after the other until nothing has to be put off any more.
        #[test]
        fn the_earliest_days_are_those_that_a_plain_walk_comes_to((nodes, waits) in networks()) {
            let mut walked: Vec<(i64, i64)> =
                nodes.iter().map(|node| (node.start.unwrap(), node.end.unwrap())).collect();
            loop {
                let mut changed = false;
                for wait in &waits {
                    if nodes[wait.task].days == Days::Fixed {
                        continue;
                    }
                    let (before, own) = (walked[wait.predecessor], walked[wait.task]);
                    let by = match wait.kind {
                        FinishToStart => before.1 + wait.lag - own.0,
                        StartToStart => before.0 + wait.lag - own.0,
                        FinishToFinish => before.1 + wait.lag - own.1,
                    };
                    if by > 0 {
                        walked[wait.task] = (own.0 + by, own.1 + by);
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
            }
            let network = Network::new(nodes, waits).unwrap_or_else(|_| panic!());
            prop_assert_eq!(spans(network.earliest(None)), walked);
        }

        /// A task that is put off by all its slack, and no further, leaves the end of the whole where it is.
        #[test]
        fn slack_is_what_a_task_can_be_put_off_by((nodes, waits) in networks(), which in 0..12_usize) {
            let nodes: Vec<Node> = nodes.into_iter().map(|mut node| {
                node.days = Days::Movable;
                node
            }).collect();
            let which = which % nodes.len();
            let network = Network::new(nodes.clone(), waits.clone()).unwrap_or_else(|_| panic!());
            let earliest = network.earliest(None);
            let end = |spans: &[Span]| spans.iter().filter_map(|span| span.1).max().unwrap();
            let last = end(&earliest);
            let latest = network.latest(&earliest, last);
            let slack = latest[which].1.unwrap() - earliest[which].1.unwrap();
            prop_assert!(slack >= 0);
            for (more, is_late) in [(slack, false), (slack + 1, true)] {
                let mut nodes = nodes.clone();
                let length = nodes[which].length;
                let start = earliest[which].0.unwrap() + more;
                (nodes[which].start, nodes[which].end) = (Some(start), Some(start + length));
                let network = Network::new(nodes, waits.clone()).unwrap_or_else(|_| panic!());
                prop_assert_eq!(end(&network.earliest(None)) > last, is_late);
            }
        }
    }
}
