//! When time alone may change a verdict.
//!
//! A condition that moves with today flips on the day a moving bound passes the guest's own day. Each such day
//! later than today is a candidate; the earliest is the day to look at the guest again. It is never later than
//! the first true change, and may be earlier where other conditions keep the verdict.

use std::collections::BTreeSet;

use super::compile::{day_expression, next_anniversary, parenthesised, predicate, value};
use super::date::{DayExpression, Duration, Window};
use super::field::{Field, Kind, Relation};
use super::operator::Operator;
use super::sql::{Measured, Param, Sql};
use super::tree::{Leaf, Node, Operand};

/// The first local day after today on which time alone may change the verdict of a node for the guest `f`: an
/// expression of type date, null for never. `None` where time never can.
pub(super) fn next_change(node: &Node) -> Option<Sql> {
    let mut days = Vec::new();
    gather(node, &mut days);
    earliest(days)
}

fn gather(node: &Node, days: &mut Vec<Sql>) {
    match node {
        Node::Leaf(leaf) => days.extend(of_leaf(leaf)),
        _ => node.children().iter().for_each(|child| gather(child, days)),
    }
}

fn earliest(mut days: Vec<Sql>) -> Option<Sql> {
    match days.len() {
        0 | 1 => days.pop(),
        // LEAST leaves nulls aside.
        _ => Some(Sql::of("LEAST(").then(Sql::joined(days, ", ")).text(")")),
    }
}

fn of_leaf(leaf: &Leaf) -> Vec<Sql> {
    match (leaf.field.kind, leaf.field.days_since) {
        (Kind::Relation(relation), _) => of_rows(leaf, relation).into_iter().collect(),
        _ if !leaf.moves() => Vec::new(),
        (_, Some(from)) => counted_from(from, &leaf.operand, leaf.operator),
        (Kind::AnnualDate, _)
            if matches!(leaf.operator, Operator::AnniversaryToday | Operator::AnniversaryWithinNext) =>
        {
            anniversary(leaf.field, &leaf.operand)
        }
        _ => crossings(value(leaf.field), leaf.operator, &leaf.operand),
    }
}

/// Which day lets a moving bound pass a fixed day.
#[derive(Clone, Copy)]
enum Passing {
    /// The bound reaches the day.
    Reaches,
    /// The bound goes beyond the day.
    Exceeds,
}

use Passing::{Exceeds, Reaches};

fn crossings(day: Sql, operator: Operator, operand: &Operand) -> Vec<Sql> {
    let passings: Vec<(DayExpression, Passing)> = match (operator, operand) {
        (Operator::Before, Operand::Day(bound)) => vec![(*bound, Exceeds)],
        (Operator::After, Operand::Day(bound)) => vec![(*bound, Reaches)],
        (_, Operand::Day(bound)) => vec![(*bound, Reaches), (*bound, Exceeds)],
        (_, Operand::DayRange(from, to)) => vec![(*from, Exceeds), (*to, Reaches)],
        (_, Operand::Duration(by)) => vec![(DayExpression::Ago(*by), Reaches)],
        _ => Vec::new(),
    };
    passings.into_iter().filter_map(|(bound, passing)| passes(&day, bound, passing)).collect()
}

/// The day on which the bound passes, where that lies ahead.
fn passes(day: &Sql, bound: DayExpression, passing: Passing) -> Option<Sql> {
    first_day(day.clone(), bound, passing).map(ahead)
}

/// The first day of all on which the bound has passed a day; `None` for one that stands still.
fn first_day(day: Sql, bound: DayExpression, passing: Passing) -> Option<Sql> {
    let reached = match passing {
        Reaches => day,
        Exceeds => parenthesised(day.text(" + 1")),
    };
    Some(match bound {
        DayExpression::On(_) => return None,
        DayExpression::Today => reached,
        DayExpression::Ago(by) => reaching(reached, Duration { months: -by.months, days: -by.days }),
        DayExpression::Ahead(by) => reaching(reached, by),
    })
}

/// The first day that, moved by so much, is `reached` or later.
fn reaching(reached: Sql, by: Duration) -> Sql {
    match by.months {
        0 => parenthesised(reached.text(" - ").bind(Param::Int4(by.days))),
        months => Sql::of("crm.first_day_reaching(")
            .then(reached)
            .text(", ")
            .bind(Param::Int4(months))
            .text(", ")
            .bind(Param::Int4(by.days))
            .text(")"),
    }
}

fn ahead(day: Sql) -> Sql {
    Sql::of("CASE WHEN ").then(day.clone()).text(" > f.today THEN ").then(day).text(" END")
}

/// Greatest count of days that is looked ahead, so that no date leaves PostgreSQL's calendar.
const FARTHEST: i64 = 10_000_000;

/// Days since grow by one a day: a comparison with n changes n or n + 1 days after the day counted from.
fn counted_from(from: &'static str, operand: &Operand, operator: Operator) -> Vec<Sql> {
    use Operator::*;
    let numbers: Vec<i64> = match (operator, operand) {
        (Lt | Gte, Operand::Number(n)) => vec![n.minor],
        (Lte | Gt, Operand::Number(n)) => vec![n.minor + 1],
        (_, Operand::Number(n)) => vec![n.minor, n.minor + 1],
        (_, Operand::NumberRange(a, b)) => vec![a.minor, b.minor + 1],
        (_, Operand::Numbers(numbers)) => numbers.iter().flat_map(|n| [n.minor, n.minor + 1]).collect(),
        _ => Vec::new(),
    };
    let days: BTreeSet<i32> =
        numbers.into_iter().map(|n| i32::try_from(n.clamp(0, FARTHEST)).unwrap_or_default()).collect();
    let after = |days| parenthesised(Sql::of(from).text(" + ").bind(Param::Int4(days)));
    days.into_iter().map(|days| ahead(after(days))).collect()
}

/// Enters when the window reaches the next anniversary, leaves the day after it.
fn anniversary(field: &Field, operand: &Operand) -> Vec<Sql> {
    let next = || next_anniversary(field);
    let after = || parenthesised(next().text(" + 1"));
    let enters = match operand {
        Operand::Duration(by) => reaching(after(), *by),
        _ => next(),
    };
    vec![ahead(enters), ahead(after())]
}

fn of_rows(leaf: &Leaf, relation: &'static Relation) -> Option<Sql> {
    let passings = leaf.within.map(passings).unwrap_or_default();
    match leaf.filter.as_deref() {
        Some(filter) if filter.moves() => {
            let day = Sql::of(relation.day);
            let mut days: Vec<Sql> = passings.into_iter().filter_map(|(b, p)| passes(&day, b, p)).collect();
            gather(filter, &mut days);
            Some(Sql::rows(relation, Measured::Earliest(earliest(days)?), Sql::default(), None))
        }
        filter => {
            let counted = |(bound, passing)| earliest_row(relation, filter, bound, passing);
            earliest(passings.into_iter().filter_map(counted).collect())
        }
    }
}

fn passings(window: Window) -> Vec<(DayExpression, Passing)> {
    match window {
        Window::Last(by) => vec![(DayExpression::Ago(by), Reaches)],
        Window::Next(by) => vec![(DayExpression::Today, Exceeds), (DayExpression::Ahead(by), Exceeds)],
        Window::Between(from, to) => vec![(from, Exceeds), (to, Reaches)],
    }
}

/// When the bound passes the first of the rows that it has yet to pass: a later row is passed later, so that only the
/// first need be found. Rows that never count need not be waited for.
fn earliest_row(
    relation: &'static Relation,
    filter: Option<&Node>,
    bound: DayExpression,
    passing: Passing,
) -> Option<Sql> {
    let day = Sql::of(relation.day);
    let to_be_passed = day
        .clone()
        .text(match passing {
            Reaches => " > ",
            Exceeds => " >= ",
        })
        .then(day_expression(bound));
    let conditions = [Some(to_be_passed), filter.map(predicate)].into_iter().flatten().collect();
    let rows = Sql::rows(relation, Measured::Earliest(day), Sql::joined(conditions, " AND "), Some(bound));
    first_day(rows, bound, passing)
}
