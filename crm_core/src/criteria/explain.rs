//! A document taken apart: every node with its sentence, its predicate and the guest's own value.

use super::compile::{measured_rows, predicate, set, value};
use super::field::{Field, Group, Kind};
use super::number::Unit;
use super::operator::Measure;
use super::place::Place;
use super::sentence;
use super::sql::Sql;
use super::tree::{Leaf, Node, Operand};

/// One node of a document. A relation's `where` is part of its node.
#[derive(Clone, Debug)]
pub struct ExplainedNode {
    /// JSON pointer to it in the document.
    pub pointer: String,
    /// What it says, in English.
    pub sentence: String,
    /// Whether it holds for the guest `f`: bool, never null.
    pub predicate: Sql,
    /// The field of a condition; `None` for a group.
    pub field: Option<&'static Field>,
    /// What the guest has in that field: jsonb, money as a decimal string, a timestamp as its local day, a
    /// relation as the number (or sum) of the rows that count. `None` for a group.
    pub value: Option<Sql>,
}

/// The nodes of a document, each before those below it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The root first.
    pub nodes: Vec<ExplainedNode>,
}

impl Explanation {
    pub(super) fn of(root: &Node) -> Self {
        let mut nodes = Vec::new();
        explain(root, &mut Place::at("/where"), &mut nodes);
        Self { nodes }
    }

    /// The verdicts of all nodes in their order: an expression of type bool[].
    pub fn verdicts(&self) -> Sql {
        array(self.nodes.iter().map(|node| node.predicate.clone()), "]::bool[]")
    }

    /// The values of all nodes in their order, null for a group: an expression of type jsonb[].
    pub fn values(&self) -> Sql {
        array(
            self.nodes.iter().map(|node| node.value.clone().unwrap_or_else(|| Sql::of("NULL"))),
            "]::jsonb[]",
        )
    }
}

fn array(elements: impl Iterator<Item = Sql>, end: &'static str) -> Sql {
    Sql::of("ARRAY[").then(Sql::joined(elements.collect(), ", ")).text(end)
}

fn explain(node: &Node, place: &mut Place, nodes: &mut Vec<ExplainedNode>) {
    let leaf = match node {
        Node::Leaf(leaf) => Some(leaf),
        _ => None,
    };
    nodes.push(ExplainedNode {
        pointer: place.pointer().to_owned(),
        sentence: sentence::of_node(node),
        predicate: predicate(node),
        field: leaf.map(|leaf| leaf.field),
        value: leaf.map(actual),
    });
    let key = match node {
        Node::All(_) => "all",
        Node::Any(_) => "any",
        Node::Not(inner) => {
            let outside = place.enter("not");
            explain(inner, place, nodes);
            return place.leave(outside);
        }
        Node::Leaf(_) => return,
    };
    let outside = place.enter(key);
    for (index, child) in node.children().iter().enumerate() {
        let group = place.enter(index);
        explain(child, place, nodes);
        place.leave(group);
    }
    place.leave(outside);
}

fn actual(leaf: &Leaf) -> Sql {
    let as_text = |sql: Sql| Sql::of("to_jsonb((").then(sql).text(")::text)");
    let plain = |sql: Sql| Sql::of("to_jsonb(").then(sql).text(")");
    match leaf.field.kind {
        Kind::Relation(relation) => {
            let operator = leaf.operator.complement_of().unwrap_or(leaf.operator);
            let measured = measured_rows(leaf, relation, operator);
            if operator.measure() == Measure::Sum { as_text(measured) } else { plain(measured) }
        }
        Kind::Number(Unit::Money, ..) => as_text(value(leaf.field)),
        Kind::Set(_) => plain(set(leaf.field)),
        _ => plain(value(leaf.field)),
    }
}

/// The keys of the segments a node refers to.
pub(super) fn segments(node: &Node) -> Vec<String> {
    let mut keys = Vec::new();
    node.each_leaf(&mut |leaf| match &leaf.operand {
        Operand::Text(key) if leaf.field.group == Group::Segments => keys.push(key.clone()),
        Operand::Texts(of) if leaf.field.group == Group::Segments => keys.extend(of.iter().cloned()),
        _ => {}
    });
    keys.sort_unstable();
    keys.dedup();
    keys
}
