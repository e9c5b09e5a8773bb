//! Documents in plain English.

use super::date::{DayExpression, Window, write_day};
use super::field::{Kind, Relation};
use super::number::Number;
use super::operator::Operator;
use super::tree::{Leaf, Node, Operand};

/// The sentence of a whole document.
pub(super) fn of_document(root: &Node) -> String {
    match root {
        Node::All(nodes) if nodes.is_empty() => "Every guest.".to_owned(),
        root => format!("Guests for whom {}.", of_node(root)),
    }
}

/// A node as a clause.
pub(super) fn of_node(node: &Node) -> String {
    match node {
        Node::All(nodes) if nodes.is_empty() => "everything holds".to_owned(),
        Node::All(nodes) => combined(nodes, " and "),
        Node::Any(nodes) => combined(nodes, " or "),
        Node::Not(inner) => format!("it is not so that {}", inside(inner)),
        Node::Leaf(leaf) => condition(leaf),
    }
}

fn combined(nodes: &[Node], word: &str) -> String {
    match nodes {
        [only] => of_node(only),
        several => several.iter().map(inside).collect::<Vec<_>>().join(word),
    }
}

/// A clause within another, in parentheses where it could be misread.
fn inside(node: &Node) -> String {
    match node {
        Node::Leaf(leaf) if leaf.filter.is_none() => condition(leaf),
        other => format!("({})", of_node(other)),
    }
}

fn condition(leaf: &Leaf) -> String {
    match leaf.field.kind {
        Kind::Relation(relation) => rows(leaf, relation),
        Kind::Set(_) => format!("{} {}", leaf.field.label, set(leaf)),
        _ => format!("{} {}", leaf.field.label, compared(leaf)),
    }
}

fn compared(leaf: &Leaf) -> String {
    use Operator::*;
    let operand = value(&leaf.operand, "and");
    match leaf.operator {
        Eq | Is => format!("is {operand}"),
        Neq => format!("is not {operand}"),
        Lt => format!("is less than {operand}"),
        Lte => format!("is at most {operand}"),
        Gt => format!("is more than {operand}"),
        Gte => format!("is at least {operand}"),
        Between => format!("is from {operand}"),
        In => format!("is {}", value(&leaf.operand, "or")),
        NotIn => format!("is none of {operand}"),
        IsNull => "is unknown".to_owned(),
        NotNull => "is known".to_owned(),
        On => format!("is on {operand}"),
        Before => format!("is before {operand}"),
        After => format!("is after {operand}"),
        WithinLast => format!("is within the last {operand}"),
        NotWithinLast => format!("is not within the last {operand}"),
        AnniversaryWithinNext => format!("comes round within the next {operand}"),
        AnniversaryToday => "comes round today".to_owned(),
        MonthIs => format!("falls in {operand}"),
        StartsWith => format!("starts with {operand}"),
        Contains => format!("contains {operand}"),
        other => format!("{} {operand}", other.name().replace('_', " ")),
    }
}

fn set(leaf: &Leaf) -> String {
    let operand = value(&leaf.operand, "and");
    match leaf.operator {
        Operator::Has => format!("include {operand}"),
        Operator::HasAny => format!("include {}", value(&leaf.operand, "or")),
        Operator::HasAll => format!("include {operand}"),
        Operator::HasNone => format!("include none of {operand}"),
        _ => "are none".to_owned(),
    }
}

fn rows(leaf: &Leaf, relation: &Relation) -> String {
    use Operator::*;
    let (one, several) = relation.noun;
    let operand = value(&leaf.operand, "and");
    let noun = if operand == "1" { one } else { several };
    let (before, after) = match leaf.operator {
        AnyRow => (format!("there is {} {one}", article(one)), String::new()),
        NoRow => (format!("there is no {one}"), String::new()),
        CountEq => (format!("there are exactly {operand} {noun}"), String::new()),
        CountGte => (format!("there are at least {operand} {noun}"), String::new()),
        CountLte => (format!("there are at most {operand} {noun}"), String::new()),
        SumGte => (several.to_owned(), format!(" add up to at least {operand}")),
        SumLte => (several.to_owned(), format!(" add up to at most {operand}")),
        QuantityGte => (several.to_owned(), format!(" come to a quantity of at least {operand}")),
        _ => (several.to_owned(), format!(" come to a quantity of at most {operand}")),
    };
    let within = leaf.within.map(window).unwrap_or_default();
    let filter = leaf.filter.as_ref().map(|filter| format!(" where {}", inside(filter))).unwrap_or_default();
    format!("{before}{within}{filter}{after}")
}

fn window(window: Window) -> String {
    match window {
        Window::Last(by) => format!(" within the last {}", by.in_words()),
        Window::Next(by) => format!(" within the next {}", by.in_words()),
        Window::Between(from, to) => format!(" from {} to {}", day(from), day(to)),
    }
}

/// A value in words; the word joins the last two of a list.
fn value(operand: &Operand, word: &str) -> String {
    match operand {
        Operand::Nothing => String::new(),
        Operand::Number(number) => number.to_string(),
        Operand::NumberRange(from, to) => format!("{from} to {to}"),
        Operand::Numbers(numbers) => listed(numbers.iter().map(Number::to_string), word),
        Operand::Text(text) => quoted(text),
        Operand::Texts(texts) => listed(texts.iter().map(|text| quoted(text)), word),
        Operand::Boolean(value) => if *value { "yes" } else { "no" }.to_owned(),
        Operand::Day(value) => day(*value),
        Operand::DayRange(from, to) => format!("{} to {}", day(*from), day(*to)),
        Operand::Duration(by) => by.in_words(),
        Operand::Month(month) => MONTHS[usize::from(month.saturating_sub(1).min(11))].to_owned(),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Most values of a list that are spelt out.
const MOST_LISTED: usize = 8;

fn listed(values: impl ExactSizeIterator<Item = String>, word: &str) -> String {
    let more = values.len().saturating_sub(MOST_LISTED);
    let mut words: Vec<String> = values.take(MOST_LISTED).collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} {word} {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn quoted(text: &str) -> String {
    format!("“{text}”")
}

fn day(day: DayExpression) -> String {
    match day {
        DayExpression::On(day) => write_day(day),
        DayExpression::Today => "today".to_owned(),
        DayExpression::Ago(by) => format!("{} ago", by.in_words()),
        DayExpression::Ahead(by) => format!("{} from today", by.in_words()),
    }
}

/// The indefinite article of a noun.
pub(super) fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
