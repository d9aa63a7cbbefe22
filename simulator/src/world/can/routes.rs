//! Which nodes a frame is for.

use proto::can::Id;

use super::node::Node;

/// The nodes that may accept an identifier, without asking each of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    /// Identifiers that nodes accept one by one, in order, each with its node.
    exact: Vec<(Id, usize)>,
    /// Nodes in all.
    nodes: usize,
    /// Whether some node accepts whole ranges.
    are_wide: bool,
}

impl Routes {
    /// The next node is attached.
    pub(super) fn add(&mut self, node: &Node) {
        match node.exact_ids() {
            Some(ids) => self.exact.extend(ids.map(|id| (id, self.nodes))),
            None => self.are_wide = true,
        }
        self.nodes = self.nodes.saturating_add(1);
        self.exact.sort_unstable();
        self.exact.dedup();
    }

    /// Nodes that may accept it, in the order of their attachment.
    pub(super) fn of(&self, id: Id) -> impl Iterator<Item = usize> {
        let from = self.exact.partition_point(|(other, _)| *other < id);
        let exact = self.exact.get(from..).unwrap_or_default().iter();
        let exact = exact.take_while(move |(other, _)| *other == id).map(|(_, node)| *node);
        let (all, exact) = if self.are_wide { (0..self.nodes, None) } else { (0..0, Some(exact)) };
        all.chain(exact.into_iter().flatten())
    }
}
