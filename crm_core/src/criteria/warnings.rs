//! What a document says that nobody can have meant.
//!
//! Each condition on one quantity is the set of values that meet it; AND, OR and NOT of conditions on the same
//! quantity are set operations. A set that is empty, or all there is, deserves a warning.

use std::collections::BTreeMap;

use super::canonical;
use super::date::DayExpression;
use super::field::Kind;
use super::json::Json;
use super::operator::{Measure, Operator};
use super::place::Place;
use super::sentence;
use super::tree::{Leaf, Node, Operand};
use super::values::{LEAST, MOST, Values};

/// What kind of warning it is; its name is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A condition that every guest meets.
    AlwaysTrue,
    /// Conditions of one group that exclude each other.
    Contradictory,
    /// A condition, or a whole document, that no guest can meet.
    MatchesNobody,
}

impl Doubt {
    /// The stable name, in snake_case.
    pub fn name(self) -> &'static str {
        match self {
            Doubt::AlwaysTrue => "always_true",
            Doubt::Contradictory => "contradictory",
            Doubt::MatchesNobody => "matches_nobody",
        }
    }
}

/// A doubt about a document that is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// JSON pointer (RFC 6901) to the node.
    pub pointer: String,
    /// What kind of doubt.
    pub code: Doubt,
    /// What is doubtful, in English.
    pub message: String,
}

/// The doubts about a document, those of inner nodes first.
pub(super) fn of(root: &Node) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let everyone_is_meant = matches!(root, Node::All(nodes) if nodes.is_empty());
    if !everyone_is_meant {
        let verdict = examine(root, &mut Place::at("/where"), &mut warnings);
        let told = |pointer: &str| warnings.iter().any(|warning: &Warning| warning.pointer == pointer);
        if !told("/where") {
            match verdict {
                Verdict::Nobody => {
                    warn(&mut warnings, "/where", Doubt::MatchesNobody, "no guest can meet these criteria")
                }
                Verdict::Everyone => {
                    warn(&mut warnings, "/where", Doubt::AlwaysTrue, "every guest meets these criteria")
                }
                _ => {}
            }
        }
    }
    warnings
}

fn warn(warnings: &mut Vec<Warning>, pointer: &str, code: Doubt, message: impl Into<String>) {
    warnings.push(Warning { pointer: pointer.to_owned(), code, message: message.into() });
}

/// What is known of who meets a node.
enum Verdict {
    Everyone,
    Nobody,
    /// Those in whom one quantity lies in a set that is neither empty nor everything.
    Those(Quantity, Values),
    Unknown,
}

/// A quantity and all the values it can have.
#[derive(Clone)]
struct Quantity {
    /// Field, and what else tells it from other quantities.
    key: String,
    /// In words.
    label: &'static str,
    everything: Values,
}

impl Verdict {
    fn among(quantity: Quantity, values: Values) -> Self {
        let values = values.and(&quantity.everything);
        if values.is_empty() {
            Verdict::Nobody
        } else if values == quantity.everything {
            Verdict::Everyone
        } else {
            Verdict::Those(quantity, values)
        }
    }
}

fn examine(node: &Node, place: &mut Place, warnings: &mut Vec<Warning>) -> Verdict {
    match node {
        Node::Leaf(leaf) => {
            let no_row_counts = examine_filter(leaf, place, warnings);
            let verdict = of_leaf(leaf, no_row_counts);
            match verdict {
                Verdict::Nobody => warn(
                    warnings,
                    place.pointer(),
                    Doubt::MatchesNobody,
                    format!("it never holds that {}", sentence::of_node(node)),
                ),
                Verdict::Everyone => warn(
                    warnings,
                    place.pointer(),
                    Doubt::AlwaysTrue,
                    format!("it always holds that {}", sentence::of_node(node)),
                ),
                _ => {}
            }
            verdict
        }
        Node::Not(inner) => {
            let outside = place.enter("not");
            let verdict = examine(inner, place, warnings);
            place.leave(outside);
            match verdict {
                Verdict::Everyone => Verdict::Nobody,
                Verdict::Nobody => Verdict::Everyone,
                Verdict::Those(quantity, values) => Verdict::among(quantity, values.complement()),
                Verdict::Unknown => Verdict::Unknown,
            }
        }
        Node::All(nodes) => {
            let verdicts = examine_children("all", nodes, place, warnings);
            group(verdicts, true, place, warnings)
        }
        Node::Any(nodes) => {
            let verdicts = examine_children("any", nodes, place, warnings);
            group(verdicts, false, place, warnings)
        }
    }
}

/// Warns about a relation's `where`; says whether no row can meet it.
fn examine_filter(leaf: &Leaf, place: &mut Place, warnings: &mut Vec<Warning>) -> bool {
    let Some(filter) = &leaf.filter else { return false };
    let outside = place.enter("where");
    let verdict = examine(filter, place, warnings);
    place.leave(outside);
    matches!(verdict, Verdict::Nobody)
}

fn examine_children(
    key: &str,
    nodes: &[Node],
    place: &mut Place,
    warnings: &mut Vec<Warning>,
) -> Vec<Verdict> {
    let outside = place.enter(key);
    let mut verdicts = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let group = place.enter(index);
        verdicts.push(examine(node, place, warnings));
        place.leave(group);
    }
    place.leave(outside);
    verdicts
}

/// Joins the verdicts of a group, quantity by quantity.
fn group(verdicts: Vec<Verdict>, all: bool, place: &Place, warnings: &mut Vec<Warning>) -> Verdict {
    let mut by_quantity: BTreeMap<String, (Quantity, Values)> = BTreeMap::new();
    let (mut decided, mut unknown) = (false, false);
    for verdict in verdicts {
        match verdict {
            Verdict::Nobody => decided |= all,
            Verdict::Everyone => decided |= !all,
            Verdict::Unknown => unknown = true,
            Verdict::Those(quantity, values) => {
                let joined = match by_quantity.get(&quantity.key) {
                    None => values,
                    Some((_, others)) if all => others.and(&values),
                    Some((_, others)) => others.or(&values),
                };
                by_quantity.insert(quantity.key.clone(), (quantity, joined));
            }
        }
    }
    for (quantity, values) in by_quantity.values() {
        if all && values.is_empty() {
            warn(
                warnings,
                place.pointer(),
                Doubt::Contradictory,
                format!("no value of {} meets all of these conditions", quantity.label),
            );
            decided = true;
        } else if !all && *values == quantity.everything {
            warn(
                warnings,
                place.pointer(),
                Doubt::AlwaysTrue,
                format!("every value of {} meets one of these conditions", quantity.label),
            );
            decided = true;
        }
    }
    let mut quantities = by_quantity.into_values();
    match (decided, all, unknown, quantities.next(), quantities.next()) {
        (true, true, ..) => Verdict::Nobody,
        (true, false, ..) => Verdict::Everyone,
        (false, true, false, None, _) => Verdict::Everyone,
        (false, false, false, None, _) => Verdict::Nobody,
        (false, _, false, Some((quantity, values)), None) => Verdict::among(quantity, values),
        _ => Verdict::Unknown,
    }
}

fn of_leaf(leaf: &Leaf, no_row_counts: bool) -> Verdict {
    match quantity_and_values(leaf) {
        Some((mut quantity, values)) => {
            let values = if leaf.operator.complement_of().is_some() { values.complement() } else { values };
            if no_row_counts {
                quantity.everything = Values::of(vec![(0, 0)], false);
            }
            Verdict::among(quantity, values)
        }
        None => Verdict::Unknown,
    }
}

/// The values that the leaf's positive operator asks for.
fn quantity_and_values(leaf: &Leaf) -> Option<(Quantity, Values)> {
    use Operator::*;
    let field = leaf.field;
    let quantity = |frame: &str, least: i64, most: i64| Quantity {
        key: format!("{}{frame}", field.name),
        label: field.label,
        everything: Values::of(vec![(least, most)], field.nullable),
    };
    let ranges = |ranges: Vec<(i64, i64)>| Values::of(ranges, false);
    if matches!(leaf.operator, IsNull | NotNull) {
        let (least, most) = bounds(field.kind);
        return Some((quantity("", least, most), Values::of(Vec::new(), true)));
    }
    match (&leaf.operand, field.kind) {
        (operand, Kind::Relation(_)) => {
            // Not part of the quantity: which rows it measures.
            let rows = Json::Array(vec![
                leaf.within.map_or(Json::Null, canonical::window),
                leaf.filter.as_ref().map_or(Json::Null, |filter| canonical::node(filter)),
            ]);
            let measure = leaf.operator.measure();
            let least = if measure == Measure::Count { 0 } else { LEAST };
            let values = match (operand, leaf.operator) {
                (Operand::Number(n), operator) => compared(operator, n.minor),
                _ => vec![(1, MOST)],
            };
            Some((quantity(&format!(" {measure:?} {rows}"), least, MOST), ranges(values)))
        }
        (Operand::Number(n), kind) => {
            Some((quantity("", bounds(kind).0, bounds(kind).1), ranges(compared(leaf.operator, n.minor))))
        }
        (Operand::NumberRange(a, b), kind) => {
            Some((quantity("", bounds(kind).0, bounds(kind).1), ranges(vec![(a.minor, b.minor)])))
        }
        (Operand::Numbers(numbers), kind) => Some((
            quantity("", bounds(kind).0, bounds(kind).1),
            ranges(numbers.iter().map(|n| (n.minor, n.minor)).collect()),
        )),
        (Operand::Boolean(value), kind) => {
            let value = i64::from(*value);
            Some((quantity("", bounds(kind).0, bounds(kind).1), ranges(vec![(value, value)])))
        }
        // Membership of one segment at a time; lists say too little about each.
        (Operand::Text(member), Kind::Set(_)) => {
            Some((quantity(&format!(" {member}"), 0, 1), ranges(vec![(1, 1)])))
        }
        (Operand::Texts(members), Kind::Set(_)) => match members.as_slice() {
            [member] => Some((quantity(&format!(" {member}"), 0, 1), ranges(vec![(1, 1)]))),
            _ => None,
        },
        (Operand::Text(_), _) if matches!(leaf.operator, StartsWith | Contains) => None,
        (Operand::Text(text), kind) => {
            let point = point(kind, text);
            Some((quantity("", bounds(kind).0, bounds(kind).1), ranges(vec![(point, point)])))
        }
        (Operand::Texts(texts), kind) => {
            let points = texts.iter().map(|text| (point(kind, text), point(kind, text))).collect();
            Some((quantity("", bounds(kind).0, bounds(kind).1), ranges(points)))
        }
        (Operand::Month(month), _) => {
            Some((quantity(" month", 1, 12), ranges(vec![(i64::from(*month), i64::from(*month))])))
        }
        (Operand::Day(day), _) => {
            let (frame, day) = number_of(*day)?;
            Some((quantity(frame, LEAST, MOST), ranges(compared(leaf.operator, day))))
        }
        (Operand::DayRange(from, to), _) => {
            let ((frame, from), (other, to)) = (number_of(*from)?, number_of(*to)?);
            (frame == other).then(|| (quantity(frame, LEAST, MOST), ranges(vec![(from, to)])))
        }
        (Operand::Duration(by), Kind::Timestamp) => {
            let (frame, day) = number_of(DayExpression::Ago(*by))?;
            Some((quantity(frame, LEAST, MOST), ranges(vec![(day + 1, MOST)])))
        }
        _ => None,
    }
}

/// The values that compare so with a number.
fn compared(operator: Operator, with: i64) -> Vec<(i64, i64)> {
    use Operator::*;
    match operator {
        Lt | Before => vec![(LEAST, with - 1)],
        Lte | CountLte | SumLte | QuantityLte => vec![(LEAST, with)],
        Gt | After => vec![(with + 1, MOST)],
        Gte | CountGte | SumGte | QuantityGte => vec![(with, MOST)],
        _ => vec![(with, with)],
    }
}

/// The least and the greatest value of a type.
fn bounds(kind: Kind) -> (i64, i64) {
    match kind {
        Kind::Number(_, least, most) => (least.unwrap_or(LEAST), most.unwrap_or(MOST)),
        Kind::Enum(values) | Kind::State(values) => (0, i64::try_from(values.len()).unwrap_or(MOST) - 1),
        Kind::Boolean => (0, 1),
        _ => (LEAST, MOST),
    }
}

/// A text as a number: its place among an enum's values, else a hash of its lower-case form.
fn point(kind: Kind, text: &str) -> i64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    match kind {
        Kind::Enum(values) | Kind::State(values) => {
            values.iter().position(|value| *value == text).and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
        }
        _ => {
            let mut hasher = DefaultHasher::new();
            text.to_lowercase().hash(&mut hasher);
            // Well inside the bounds, so that its neighbours are too.
            (hasher.finish() >> 8) as i64
        }
    }
}

/// A day as a number, and what it is counted from; `None` where its distance from today varies.
fn number_of(day: DayExpression) -> Option<(&'static str, i64)> {
    match day {
        DayExpression::On(day) => Some(("", i64::from(day))),
        moving => moving.offset().map(|offset| (" from today", offset)),
    }
}
