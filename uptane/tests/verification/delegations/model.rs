//! Any small graph of delegations, resolved as the text of §5.4.4.7 and §5.4.4.8 says it: anew at every turn, with nothing
//! remembered but the way there.

use proptest::prelude::*;
use uptane::Error;
use uptane::sign::DelegationBuilder;
use uptane::testing::{Draft, role_keys};

use super::{NAME, paths, role};

const ROLES: usize = 5;

/// What a role says and delegates.
#[derive(Clone, Debug)]
struct Node {
    /// What it says of the image, if it lists it.
    says: Option<u64>,
    is_missing: bool,
    delegations: Vec<Edge>,
}

#[derive(Clone, Debug)]
struct Edge {
    /// One role, or several.
    to: Vec<usize>,
    needed: usize,
    terminating: bool,
}

/// The delegations of top-level Targets, and every role.
#[derive(Clone, Debug)]
struct Graph {
    top: Vec<Edge>,
    roles: Vec<Node>,
}

fn edges() -> impl Strategy<Value = Vec<Edge>> {
    let edge = (prop::collection::btree_set(0..ROLES, 1..=3), 1..=3_usize, prop::bool::weighted(0.2));
    let edge = edge.prop_map(|(to, needed, terminating)| {
        let to: Vec<_> = to.into_iter().collect();
        Edge { needed: needed.min(to.len()), to, terminating }
    });
    // A file names a role once, and so must the name of a set be new.
    prop::collection::vec(edge, 0..=2).prop_map(|mut edges| {
        edges.dedup_by(|one, other| one.to == other.to);
        edges
    })
}

fn graph() -> impl Strategy<Value = Graph> {
    let node = (prop::option::weighted(0.35, 1..=2_u64), prop::bool::weighted(0.1), edges());
    let node = node.prop_map(|(says, is_missing, delegations)| Node { says, is_missing, delegations });
    let top = edges().prop_filter("somebody must be asked", |edges| !edges.is_empty());
    (top, prop::collection::vec(node, ROLES)).prop_map(|(top, roles)| Graph { top, roles })
}

fn name(index: usize) -> String {
    format!("role-{index}")
}

impl Edge {
    fn build(&self) -> DelegationBuilder {
        let covers = paths(&["fw/*"]);
        let roles = self.to.iter().map(|index| (role(&name(*index)), role_keys(&name(*index))));
        let built = match *self.to.as_slice() {
            [one] => DelegationBuilder::role(role(&name(one)), role_keys(&name(one)), covers),
            _ => DelegationBuilder::roles(role(&format!("set-{:?}", self.to)), self.needed, roles.collect(), covers),
        };
        if self.terminating { built.terminating() } else { built }
    }
}

impl Graph {
    fn publish(&self, image: &mut Draft) {
        image.redelegate("targets", self.top.iter().map(Edge::build));
        image.supply("nobody", &[0]);
        for (index, node) in self.roles.iter().enumerate() {
            let name = name(index);
            image.redelegate(&name, node.delegations.iter().map(Edge::build));
            image.supply(&name, if node.says.is_some() { &[0] } else { &[] });
            if let Some(says) = node.says {
                image.set(role(&name), &["targets", NAME, "length"], says);
            }
            if node.is_missing {
                image.withhold(&name);
            }
        }
    }

    /// The lengths the image may be said to have; an error where the search ends before it is found.
    fn search(&self, of: Option<usize>, terminating: bool, way: &[usize]) -> Result<Option<u64>, ()> {
        let delegations = match of.map(|index| &self.roles[index]) {
            None => &self.top,
            Some(node) if node.is_missing => return Err(()),
            Some(Node { says: Some(says), .. }) => return Ok(Some(*says)),
            Some(_) if terminating => return Err(()),
            Some(node) => &node.delegations,
        };
        for edge in delegations {
            let found = match *edge.to.as_slice() {
                [one] => self.visit(one, edge.terminating, way)?,
                _ => {
                    let votes = edge.to.iter().filter_map(|one| self.visit(*one, false, way).ok().flatten());
                    let votes: Vec<_> = votes.collect();
                    let agree = |vote: &&u64| votes.iter().filter(|other| other == vote).count() >= edge.needed;
                    votes.iter().find(agree).copied()
                }
            };
            match found {
                Some(found) => return Ok(Some(found)),
                None if edge.terminating => return Err(()),
                None => {}
            }
        }
        Ok(None)
    }

    /// A role on the way there says no more the second time.
    fn visit(&self, to: usize, terminating: bool, way: &[usize]) -> Result<Option<u64>, ()> {
        if way.contains(&to) {
            return Ok(None);
        }
        self.search(Some(to), terminating, &[way, &[to]].concat())
    }
}

/// What the vehicle makes of the graph: the length it believes, none if it finds nothing.
fn resolved(graph: &Graph) -> Result<u64, Error> {
    let (repo, mut vehicle) = super::changed(|image| graph.publish(image));
    let director = vehicle.refresh_director(repo.director())?;
    let wanted = director.wanted_for(repo.ecus()[0].ecu)?;
    let image = vehicle.refresh_image_for(repo.image(), wanted.clone())?;
    Ok(image.find(&wanted[0])?.view().file(NAME)?.unwrap().length().get())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_graph_is_resolved_as_the_standard_says(graph in graph()) {
        let resolved = resolved(&graph);
        prop_assume!(!matches!(resolved, Err(Error::Limit { .. })));
        let said = graph.search(None, false, &[]).ok().flatten();
        prop_assert_eq!(resolved.ok(), said);
    }
}
