//! From a checked document to a predicate over a row of `crm.customer_facts`.
//!
//! Every node compiles to an expression that is true or false, never null: a positive operator is false where
//! its field is unknown, a negative one the exact complement of its positive. So De Morgan's laws hold, and
//! AND, OR and NOT mean in SQL what they mean in the document.

use super::date::{DayExpression, Duration, Window};
use super::field::{Field, Kind, Relation};
use super::number::{Number, Unit};
use super::operator::{Measure, Operator};
use super::sql::{Measured, Param, Sql};
use super::tree::{Leaf, Node, Operand};

/// The predicate of a node, in parentheses where it needs them.
pub(super) fn predicate(node: &Node) -> Sql {
    match node {
        Node::All(nodes) if nodes.is_empty() => Sql::of("true"),
        Node::All(nodes) => parenthesised(Sql::joined(nodes.iter().map(predicate).collect(), " AND ")),
        Node::Any(nodes) => parenthesised(Sql::joined(nodes.iter().map(predicate).collect(), " OR ")),
        Node::Not(inner) => Sql::of("(NOT ").then(predicate(inner)).text(")"),
        Node::Leaf(leaf) => condition(leaf),
    }
}

pub(super) fn parenthesised(inner: Sql) -> Sql {
    Sql::of("(").then(inner).text(")")
}

fn condition(leaf: &Leaf) -> Sql {
    let negative = leaf.operator.complement_of();
    let test = match leaf.field.kind {
        Kind::Relation(relation) => rows(leaf, relation, negative.unwrap_or(leaf.operator)),
        _ => test(leaf, negative.unwrap_or(leaf.operator)),
    };
    let total = !leaf.field.nullable || matches!(leaf.operator, Operator::IsNull | Operator::NotNull);
    match (negative, total) {
        (None, true) => parenthesised(test),
        (None, false) => Sql::of("((").then(test).text(") IS TRUE)"),
        (Some(_), true) => Sql::of("(NOT (").then(test).text("))"),
        (Some(_), false) => Sql::of("((").then(test).text(") IS NOT TRUE)"),
    }
}

/// What a positive operator asks; null where the field is.
fn test(leaf: &Leaf, operator: Operator) -> Sql {
    let field = leaf.field;
    match (operator, &leaf.operand) {
        (Operator::IsNull, _) => known(field).text(" IS NULL"),
        (Operator::IsEmpty, _) => Sql::of("cardinality(").then(set(field)).text(") = 0"),
        (Operator::Has, Operand::Text(text)) => {
            Sql::default().bind(Param::Text(text.clone())).text(" = ANY (").then(set(field)).text(")")
        }
        (Operator::HasAny, Operand::Texts(texts)) => {
            set(field).text(" && ").bind(Param::Texts(texts.clone()))
        }
        (Operator::HasAll, Operand::Texts(texts)) => {
            set(field).text(" @> ").bind(Param::Texts(texts.clone()))
        }
        (_, Operand::Number(number)) => value(field).text(comparison(operator)).bind(numeric(*number)),
        (_, Operand::NumberRange(from, to)) => {
            value(field).text(" BETWEEN ").bind(numeric(*from)).text(" AND ").bind(numeric(*to))
        }
        (_, Operand::Numbers(numbers)) => value(field).text(" = ANY (").bind(numerics(numbers)).text(")"),
        (_, Operand::Text(text)) => matches_text(field, operator, text),
        (_, Operand::Texts(texts)) => match field.kind {
            Kind::Text => lower(value(field))
                .text(" = ANY (ARRAY(SELECT lower(v) FROM unnest(")
                .bind(Param::Texts(texts.clone()))
                .text(") AS v))"),
            _ => value(field).text(" = ANY (").bind(Param::Texts(texts.clone())).text(")"),
        },
        (_, Operand::Boolean(expected)) => value(field).text(" = ").bind(Param::Bool(*expected)),
        (_, Operand::Day(day)) => value(field).text(comparison(operator)).then(day_expression(*day)),
        (_, Operand::DayRange(from, to)) => {
            value(field).text(" BETWEEN ").then(day_expression(*from)).text(" AND ").then(day_expression(*to))
        }
        (Operator::AnniversaryWithinNext, Operand::Duration(by)) => {
            next_anniversary(field).text(" < ").then(day_expression(DayExpression::Ahead(*by)))
        }
        (_, Operand::Duration(by)) => value(field).text(" > ").then(day_expression(DayExpression::Ago(*by))),
        (_, Operand::Month(month)) => Sql::of("EXTRACT(month FROM ")
            .then(known(field))
            .text(") = ")
            .bind(Param::Int4(i32::from(*month))),
        (_, Operand::Nothing) => next_anniversary(field).text(" = f.today"),
    }
}

/// The field over its row.
pub(super) fn value(field: &Field) -> Sql {
    Sql::of(field.sql)
}

/// What is known of the field at least: of a date, perhaps all but the year.
fn known(field: &Field) -> Sql {
    Sql::of(field.comes_round.unwrap_or(field.sql))
}

/// The members of a set; a set that is not there is empty.
pub(super) fn set(field: &Field) -> Sql {
    Sql::of("COALESCE(").then(value(field)).text(", '{}'::text[])")
}

pub(super) fn next_anniversary(field: &Field) -> Sql {
    Sql::of("crm.next_anniversary(").then(known(field)).text(", f.today)")
}

fn lower(text: Sql) -> Sql {
    Sql::of("lower(").then(text).text(")")
}

fn matches_text(field: &Field, operator: Operator, text: &str) -> Sql {
    let bound = Sql::default().bind(Param::Text(text.to_owned()));
    match (field.kind, operator) {
        (Kind::Text, Operator::StartsWith) => {
            Sql::of("starts_with(").then(lower(value(field))).text(", ").then(lower(bound)).text(")")
        }
        (Kind::Text, Operator::Contains) => {
            Sql::of("strpos(").then(lower(value(field))).text(", ").then(lower(bound)).text(") > 0")
        }
        (Kind::Text, _) => lower(value(field)).text(" = ").then(lower(bound)),
        _ => value(field).text(" = ").then(bound),
    }
}

/// How two values compare. Measures of relations compare like the numbers they are.
fn comparison(operator: Operator) -> &'static str {
    use Operator::*;
    match operator {
        Lt | Before => " < ",
        Lte | CountLte | SumLte | QuantityLte => " <= ",
        Gt | After => " > ",
        Gte | CountGte | SumGte | QuantityGte => " >= ",
        _ => " = ",
    }
}

fn numeric(number: Number) -> Param {
    match number.unit {
        Unit::Whole => Param::Int8(number.minor),
        _ => Param::Numeric(number),
    }
}

fn numerics(numbers: &[Number]) -> Param {
    if numbers.iter().all(|number| number.unit == Unit::Whole) {
        Param::Int8s(numbers.iter().map(|number| number.minor).collect())
    } else {
        Param::Numerics(numbers.to_vec())
    }
}

/// A day, as a date.
pub(super) fn day_expression(day: DayExpression) -> Sql {
    match day {
        DayExpression::On(day) => Sql::default().bind(Param::Date(day)),
        DayExpression::Today => Sql::of("f.today"),
        DayExpression::Ago(by) => moved(by, "(f.today - "),
        DayExpression::Ahead(by) => moved(by, "(f.today + "),
    }
}

fn moved(by: Duration, from: &'static str) -> Sql {
    let today = Sql::of(from);
    match by.months {
        0 => today.bind(Param::Int4(by.days)).text(")"),
        months => today
            .text("make_interval(months => ")
            .bind(Param::Int4(months))
            .text(", days => ")
            .bind(Param::Int4(by.days))
            .text("))::date"),
    }
}

fn rows(leaf: &Leaf, relation: &'static Relation, operator: Operator) -> Sql {
    match &leaf.operand {
        Operand::Number(number) => {
            measured_rows(leaf, relation, operator).text(comparison(operator)).bind(numeric(*number))
        }
        _ => Sql::rows(relation, Measured::Any, counted_rows(leaf, relation), leaf.within.map(Window::since)),
    }
}

/// How many the rows of a condition are, or what they add up to; unknown amounts count as nothing.
pub(super) fn measured_rows(leaf: &Leaf, relation: &'static Relation, operator: Operator) -> Sql {
    let measured = match operator.measure() {
        Measure::Count => Measured::Count,
        Measure::Sum => Measured::Sum,
        Measure::Quantity => Measured::Quantity,
    };
    Sql::rows(relation, measured, counted_rows(leaf, relation), leaf.within.map(Window::since))
}

/// Which rows a condition is about.
fn counted_rows(leaf: &Leaf, relation: &Relation) -> Sql {
    let within = leaf.within.map(|window| within(relation, window));
    let filter = leaf.filter.as_deref().map(predicate);
    Sql::joined(within.into_iter().chain(filter).collect(), " AND ")
}

fn within(relation: &Relation, window: Window) -> Sql {
    let day = || Sql::of(relation.day);
    match window {
        Window::Last(by) => day().text(" > ").then(day_expression(DayExpression::Ago(by))),
        Window::Next(by) => parenthesised(
            day()
                .text(" >= f.today AND ")
                .then(day())
                .text(" < ")
                .then(day_expression(DayExpression::Ahead(by))),
        ),
        Window::Between(from, to) => parenthesised(
            day().text(" BETWEEN ").then(day_expression(from)).text(" AND ").then(day_expression(to)),
        ),
    }
}
