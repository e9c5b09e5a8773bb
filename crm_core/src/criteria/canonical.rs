//! The one form of a document that all its spellings share, and its hash.

use sha2::{Digest, Sha256};

use super::date::{DayExpression, Duration, Window, write_day};
use super::json::Json;
use super::number::{Number, Unit};
use super::tree::{Leaf, Node, Operand, Scope};

/// A document with its keys in the order of the grammar, values in one spelling and lists sorted.
pub(super) fn document(scope: Scope, root: &Node) -> Json {
    Json::object([
        ("v", Json::Number("1".to_owned())),
        ("scope", Json::text(scope.name())),
        ("where", node(root)),
    ])
}

/// SHA-256 of a text, in lower-case hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn node(of: &Node) -> Json {
    match of {
        Node::All(nodes) => Json::object([("all", Json::Array(nodes.iter().map(node).collect()))]),
        Node::Any(nodes) => Json::object([("any", Json::Array(nodes.iter().map(node).collect()))]),
        Node::Not(inner) => Json::object([("not", node(inner))]),
        Node::Leaf(leaf) => condition(leaf),
    }
}

fn condition(leaf: &Leaf) -> Json {
    let mut members = vec![("field", Json::text(leaf.field.name)), ("op", Json::text(leaf.operator.name()))];
    members.extend(operand(&leaf.operand).map(|value| ("value", value)));
    members.extend(leaf.within.map(|within| ("within", window(within))));
    members.extend(leaf.filter.as_ref().map(|filter| ("where", node(filter))));
    Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The value of a condition, where it has one.
pub(super) fn operand(of: &Operand) -> Option<Json> {
    Some(match of {
        Operand::Nothing => return None,
        Operand::Number(value) => number(value),
        Operand::NumberRange(from, to) => Json::Array(vec![number(from), number(to)]),
        Operand::Numbers(values) => Json::Array(values.iter().map(number).collect()),
        Operand::Text(value) => Json::text(value),
        Operand::Texts(values) => Json::Array(values.iter().map(Json::text).collect()),
        Operand::Boolean(value) => Json::Bool(*value),
        Operand::Day(value) => day(*value),
        Operand::DayRange(from, to) => Json::Array(vec![day(*from), day(*to)]),
        Operand::Duration(value) => duration(*value),
        Operand::Month(value) => Json::Number(value.to_string()),
    })
}

fn number(value: &Number) -> Json {
    match value.unit {
        Unit::Money => Json::Text(value.to_string()),
        _ => Json::Number(value.to_string()),
    }
}

fn duration(value: Duration) -> Json {
    Json::Text(value.to_string())
}

fn day(value: DayExpression) -> Json {
    match value {
        DayExpression::On(day) => Json::Text(write_day(day)),
        DayExpression::Today => Json::text("today"),
        DayExpression::Ago(by) => Json::object([("ago", duration(by))]),
        DayExpression::Ahead(by) => Json::object([("ahead", duration(by))]),
    }
}

pub(super) fn window(value: Window) -> Json {
    match value {
        Window::Last(by) => Json::object([("last", duration(by))]),
        Window::Next(by) => Json::object([("next", duration(by))]),
        Window::Between(from, to) => Json::object([("from", day(from)), ("to", day(to))]),
    }
}
