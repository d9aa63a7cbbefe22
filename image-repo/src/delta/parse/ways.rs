//! The ways that are still worth following, and where each came from.

use super::{Run, SHORTEST, SURE, common};

/// What the parts of a patch cost, in 64ths of a bit: with these the patches of two pairs of firmware became smallest.
mod cost {
    /// A byte told one by one.
    pub(super) const LITERAL: u64 = 384;
    /// A copied byte.
    pub(super) const SAME: u64 = 4;
    /// A copied byte that has changed, and one after another such.
    pub(super) const CHANGED: u64 = 512;
    pub(super) const CHANGED_AGAIN: u64 = 560;
    /// The number of bytes that are told one by one.
    pub(super) const LITERALS: u64 = 128;
    /// The number of bytes that are copied, and a source that needs no distance.
    pub(super) const COPY: u64 = 512;
    /// What a distance adds, and each of its bits.
    pub(super) const DISTANCE: u64 = 256;
    pub(super) const DISTANCE_BIT: u64 = 64;
    /// The most that a new run can cost.
    pub(super) const FARTHEST: u64 = COPY + DISTANCE + 32 * DISTANCE_BIT;
}

/// Ways that are followed at a time.
const WAYS: usize = 16;

/// Runs of a way that are looked at for alignments to return to.
const RECENT: usize = 8;

/// How bytes of a run are made: at this alignment, or one by one.
type Kind = Option<u32>;

/// A run that others follow.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    from: u32,
    before: Option<usize>,
}

/// A way that ends in a run of this kind.
#[derive(Clone, Copy, Debug)]
struct Way {
    cost: u64,
    kind: Kind,
    from: u32,
    before: Option<usize>,
    /// Its own node, if any other way follows it.
    node: Option<usize>,
    /// Whether its last byte was copied and changed.
    has_changed: bool,
}

pub(super) struct Ways<'o> {
    old: &'o [u8],
    nodes: Vec<Node>,
    ways: Vec<Way>,
    /// The last alignments of what is settled.
    settled: Vec<u32>,
}

impl<'o> Ways<'o> {
    pub(super) fn new(old: &'o [u8]) -> Self {
        let way = Way { cost: 0, kind: None, from: 0, before: None, node: None, has_changed: false };
        Self { old, nodes: Vec::new(), ways: vec![way], settled: vec![0] }
    }

    /// Goes over from the cheapest way to bytes told one by one, and to alignments it had before.
    pub(super) fn branch(&mut self, at: u32, rest: &[u8]) {
        let Some(best) = self.best() else { return };
        let cost = self.cost_of(best) + cost::LITERALS;
        self.follow(best, None, at, cost);
        for alignment in self.recent(best) {
            let old = self.old_at(at.wrapping_sub(alignment));
            if common(old, rest) >= SHORTEST {
                let cost = self.cost_of(best) + cost::COPY;
                self.follow(best, Some(alignment), at, cost);
            }
        }
    }

    /// Goes over from the cheapest way to a copy from this place.
    pub(super) fn offer(&mut self, at: u32, place: u32) {
        let Some(best) = self.best() else { return };
        let alignment = at.wrapping_sub(place);
        let near =
            self.recent(best).map(|recent| alignment.wrapping_sub(recent)).map(|far| far.min(far.wrapping_neg()));
        let bits = near.min().unwrap_or(place).checked_ilog2().unwrap_or_default();
        let cost = self.cost_of(best) + cost::COPY + cost::DISTANCE + cost::DISTANCE_BIT * u64::from(bits);
        self.follow(best, Some(alignment), at, cost);
    }

    /// For how many bytes the cheapest way goes on unchanged beyond doubt.
    pub(super) fn certain(&self, at: u32, rest: &[u8]) -> usize {
        let kind = self.best().and_then(|best| self.ways.get(best)).and_then(|way| way.kind);
        let same = kind.map_or(0, |alignment| common(self.old_at(at.wrapping_sub(alignment)), rest));
        same.saturating_sub(SURE)
    }

    /// Takes every way over one byte of the new image.
    pub(super) fn step(&mut self, at: u32, byte: u8) {
        let old = self.old;
        self.ways.retain_mut(|way| {
            let Some(alignment) = way.kind else {
                way.cost += cost::LITERAL;
                return true;
            };
            let place = usize::try_from(at.wrapping_sub(alignment)).ok();
            let Some(copied) = place.and_then(|place| old.get(place)) else { return false };
            let has_changed = *copied != byte;
            way.cost += match (way.has_changed, has_changed) {
                (_, false) => cost::SAME,
                (false, true) => cost::CHANGED,
                (true, true) => cost::CHANGED_AGAIN,
            };
            way.has_changed = has_changed;
            true
        });
        let cheapest = self.ways.iter().map(|way| way.cost).min().unwrap_or_default();
        // From the cheapest one could go over for less. Telling one by one is possible everywhere, and so is kept.
        self.ways.retain(|way| way.kind.is_none() || way.cost <= cheapest + cost::FARTHEST);
    }

    /// Tells the cheapest way up to this byte, and begins anew there.
    pub(super) fn settle(&mut self, at: u32, tell: &mut impl FnMut(Run)) {
        let Some(Way { kind, from, before, .. }) = self.best().and_then(|best| self.ways.get(best)).copied() else {
            return;
        };
        let mut told = vec![Node { kind, from, before }];
        while let Some(node) = told.last().and_then(|node| self.nodes.get(node.before?)) {
            told.push(*node);
        }
        let ends = told.iter().rev().skip(1).map(|node| node.from).chain([at]);
        for (node, end) in told.iter().rev().zip(ends).filter(|(node, end)| node.from < *end) {
            tell(Run { old: node.kind.map(|alignment| node.from.wrapping_sub(alignment)), length: end - node.from });
        }
        self.settled =
            told.iter().filter_map(|node| node.kind).take(RECENT).chain(self.settled.drain(..)).take(RECENT).collect();
        self.nodes.clear();
        let way = |cost, kind| Way { cost, kind, from: at, before: None, node: None, has_changed: false };
        self.ways = vec![way(0, kind)];
        self.ways.extend(kind.map(|_| way(cost::LITERALS, None)));
    }

    /// Lets a run of this kind follow the way, if that is the cheapest way to it.
    fn follow(&mut self, way: usize, kind: Kind, at: u32, cost: u64) {
        let there = self.ways.iter().position(|way| way.kind == kind);
        let is_cheaper = there.and_then(|there| self.ways.get(there)).is_none_or(|there| cost < there.cost);
        if !is_cheaper || (there.is_none() && self.ways.len() >= WAYS) {
            return;
        }
        let before = self.node(way);
        let way = Way { cost, kind, from: at, before, node: None, has_changed: false };
        match there.and_then(|there| self.ways.get_mut(there)) {
            Some(there) => *there = way,
            None => self.ways.push(way),
        }
    }

    /// The node of a way's last run, for others to follow it.
    fn node(&mut self, way: usize) -> Option<usize> {
        let way = self.ways.get_mut(way)?;
        let Way { kind, from, before, .. } = *way;
        Some(*way.node.get_or_insert_with(|| {
            self.nodes.push(Node { kind, from, before });
            self.nodes.len() - 1
        }))
    }

    /// The alignments of a way, the last one first.
    fn recent(&self, way: usize) -> impl Iterator<Item = u32> + use<> {
        let way = self.ways.get(way);
        let mut kinds = [None; RECENT];
        let mut next = way.map(|way| Node { kind: way.kind, from: way.from, before: way.before });
        for place in &mut kinds {
            let Some(node) = next else { break };
            *place = node.kind;
            next = node.before.and_then(|before| self.nodes.get(before)).copied();
        }
        let mut settled = [None; RECENT];
        settled.iter_mut().zip(&self.settled).for_each(|(place, known)| *place = Some(*known));
        kinds.into_iter().chain(settled).flatten()
    }

    fn best(&self) -> Option<usize> {
        (0..self.ways.len()).min_by_key(|way| self.cost_of(*way))
    }

    fn cost_of(&self, way: usize) -> u64 {
        self.ways.get(way).map_or(u64::MAX / 2, |way| way.cost)
    }

    /// The old image from this place on.
    fn old_at(&self, place: u32) -> &'o [u8] {
        usize::try_from(place).ok().and_then(|place| self.old.get(place..)).unwrap_or_default()
    }
}
