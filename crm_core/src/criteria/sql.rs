//! SQL with typed parameters. Its text can only be made of constants of this program.

use std::fmt::Write;

use super::compile::day_expression;
use super::date::DayExpression;
use super::field::{Relation, RowsOfAll};
use super::number::Number;
use crate::scoring::Day;

/// A parameter of a statement, with its PostgreSQL type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    /// int4
    Int4(i32),
    /// int4[]
    Int4s(Vec<i32>),
    /// int8
    Int8(i64),
    /// int8[]
    Int8s(Vec<i64>),
    /// numeric, whose text is that of the number
    Numeric(Number),
    /// numeric[]
    Numerics(Vec<Number>),
    /// text, without U+0000
    Text(String),
    /// text[]
    Texts(Vec<String>),
    /// bool
    Bool(bool),
    /// date, as days since 2000-01-01
    Date(Day),
}

impl Param {
    /// The PostgreSQL type it must be bound as.
    pub fn type_name(&self) -> &'static str {
        match self {
            Param::Int4(_) => "int4",
            Param::Int4s(_) => "int4[]",
            Param::Int8(_) => "int8",
            Param::Int8s(_) => "int8[]",
            Param::Numeric(_) => "numeric",
            Param::Numerics(_) => "numeric[]",
            Param::Text(_) => "text",
            Param::Texts(_) => "text[]",
            Param::Bool(_) => "bool",
            Param::Date(_) => "date",
        }
    }
}

/// A SQL expression and its parameters.
///
/// Expressions of several documents go into one statement by rendering each after the parameters of those before:
///
/// ```
/// # use crm_core::criteria::{Criteria, Sql};
/// let regulars = Criteria::parse(r#"{"v":1,"where":{"field":"total_visits","op":"gte","value":3}}"#).unwrap();
/// let spenders = Criteria::parse(r#"{"v":1,"where":{"field":"aov","op":"gt","value":"50.00"}}"#).unwrap();
/// let (a, b) = (regulars.predicate(), spenders.predicate());
/// assert_eq!(a.render(0), "(f.total_visits >= $1::int8)");
/// assert_eq!(b.render(a.params().len()), "((f.aov > $2::numeric) IS TRUE)");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sql {
    pieces: Vec<Piece>,
    params: Vec<Param>,
}

/// `&'static str` alone: no value of a document can become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    Param(usize),
    /// What rows of a relation come to: up to its `Where` stands the expression whose least value is meant, if one is;
    /// up to its `End` the condition on the rows, if there is one.
    Rows(Rows),
    Where,
    End,
}

#[derive(Clone, Copy, Debug)]
struct Rows {
    relation: &'static Relation,
    measure: Measure,
    /// No row before this day counts.
    since: Option<DayExpression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Any,
    Count,
    Sum,
    Quantity,
    Earliest,
}

/// What is asked of rows.
pub(super) enum Measured {
    /// Whether there are any.
    Any,
    /// How many there are.
    Count,
    /// Their money added up; 0 for none.
    Sum,
    /// The things they stand for; 0 for none.
    Quantity,
    /// The earliest of a day that each has; null for none.
    Earliest(Sql),
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.relation, other.relation)
            && (self.measure, self.since) == (other.measure, other.since)
    }
}

impl Eq for Rows {}

impl Rows {
    /// What the rows are measured by, where that is no expression of the document's.
    fn aggregate(self) -> &'static str {
        match self.measure {
            Measure::Any | Measure::Count => "count(*)",
            Measure::Sum => self.relation.sum,
            Measure::Quantity => self.relation.quantity.unwrap_or("count(*)"),
            Measure::Earliest => "min",
        }
    }
}

/// What statements over all guests at once read of relations: each once, added up by guest.
#[derive(Debug, Default)]
pub struct RowsAddedUp {
    measures: Vec<(&'static RowsOfAll, String)>,
    /// From when on each of these measures counts rows; from the first on where none is named.
    since: Vec<(&'static RowsOfAll, Option<DayExpression>)>,
}

impl RowsAddedUp {
    /// The measures of the rows of a relation, in the order of their places in the array; none where nothing asks.
    pub fn of(&self, rows: &'static RowsOfAll) -> Vec<&str> {
        self.measures
            .iter()
            .filter(|(of, _)| std::ptr::eq(*of, rows))
            .map(|(_, text)| text.as_str())
            .collect()
    }

    /// The day before which no row of a relation is asked for, over the days `f` of a scope.
    pub fn since(&self, rows: &'static RowsOfAll) -> Sql {
        let days = self.since.iter().filter(|(of, _)| std::ptr::eq(*of, rows));
        let days: Option<Vec<Sql>> = days.map(|(_, day)| day.map(day_expression)).collect();
        match days {
            Some(days) => Sql::of("LEAST(").then(Sql::joined(days, ", ")).text(")"),
            None => Sql::of("date '-infinity'"),
        }
    }

    fn add(&mut self, rows: &'static RowsOfAll, measure: String, since: Option<DayExpression>) -> usize {
        if !self.since.iter().any(|(of, day)| std::ptr::eq(*of, rows) && *day == since) {
            self.since.push((rows, since));
        }
        self.measures.push((rows, measure));
        self.of(rows).len()
    }
}

impl Sql {
    pub(super) fn of(text: &'static str) -> Self {
        Self::default().text(text)
    }

    pub(super) fn text(mut self, text: &'static str) -> Self {
        self.pieces.push(Piece::Text(text));
        self
    }

    pub(super) fn bind(mut self, param: Param) -> Self {
        self.pieces.push(Piece::Param(self.params.len()));
        self.params.push(param);
        self
    }

    pub(super) fn then(mut self, other: Sql) -> Self {
        let before = self.params.len();
        self.pieces.extend(other.pieces.into_iter().map(|piece| match piece {
            Piece::Param(index) => Piece::Param(before + index),
            text => text,
        }));
        self.params.extend(other.params);
        self
    }

    pub(super) fn joined(parts: Vec<Sql>, separator: &'static str) -> Self {
        let mut whole = Self::default();
        for (index, part) in parts.into_iter().enumerate() {
            whole = if index == 0 { part } else { whole.text(separator).then(part) };
        }
        whole
    }

    /// What rows of a relation come to, those that a condition holds for, all where it is empty; it holds for none before
    /// a day.
    pub(super) fn rows(
        relation: &'static Relation,
        measured: Measured,
        condition: Sql,
        since: Option<DayExpression>,
    ) -> Self {
        let (measure, day) = match measured {
            Measured::Any => (Measure::Any, None),
            Measured::Count => (Measure::Count, None),
            Measured::Sum => (Measure::Sum, None),
            Measured::Quantity => (Measure::Quantity, None),
            Measured::Earliest(day) => (Measure::Earliest, Some(day)),
        };
        let mut rows = Self::default();
        rows.pieces.push(Piece::Rows(Rows { relation, measure, since }));
        rows = rows.then(day.unwrap_or_default());
        rows.pieces.push(Piece::Where);
        rows = rows.then(condition);
        rows.pieces.push(Piece::End);
        rows
    }

    /// The text, its parameters numbered from `offset + 1`, each cast to its type. Rows of relations are read in
    /// subqueries of the guest.
    pub fn render(&self, offset: usize) -> String {
        self.text_of(&self.pieces, offset, None)
    }

    /// The same over all guests: rows of relations are read once, and what they come to is found in arrays of `f`.
    pub fn render_added_up(&self, offset: usize, rows: &mut RowsAddedUp) -> String {
        self.text_of(&self.pieces, offset, Some(rows))
    }

    fn text_of(&self, pieces: &[Piece], offset: usize, mut added_up: Option<&mut RowsAddedUp>) -> String {
        let mut text = String::new();
        let mut rest = pieces;
        while let [piece, after @ ..] = rest {
            rest = after;
            match piece {
                Piece::Text(constant) => text.push_str(constant),
                Piece::Param(index) => {
                    let kind = self.params.get(*index).map_or("text", Param::type_name);
                    // Writing to a String cannot fail.
                    let _ = write!(text, "${}::{kind}", offset + index + 1);
                }
                Piece::Rows(rows) => {
                    let (day, condition, after) = parts(rest);
                    rest = after;
                    let day = self.text_of(day, offset, None);
                    let condition = self.text_of(condition, offset, None);
                    text.push_str(&match (added_up.as_deref_mut(), rows.relation.of_all) {
                        (Some(added_up), Some(of_all)) => rows.found(of_all, &day, &condition, added_up),
                        _ => rows.subquery(&day, &condition),
                    });
                }
                Piece::Where | Piece::End => {}
            }
        }
        text
    }

    /// The parameters, in the order of their numbers.
    pub fn params(&self) -> &[Param] {
        &self.params
    }
}

/// What follows a `Rows`: the pieces up to its `Where`, up to its `End`, and the rest.
fn parts(pieces: &[Piece]) -> (&[Piece], &[Piece], &[Piece]) {
    let (mut depth, mut middle) = (0, 0);
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Rows(_) => depth += 1,
            Piece::Where if depth == 0 => middle = place,
            Piece::End if depth == 0 => {
                return (&pieces[..middle], &pieces[middle + 1..place], &pieces[place + 1..]);
            }
            Piece::End => depth -= 1,
            _ => {}
        }
    }
    (&[], &[], &[])
}

impl Rows {
    fn subquery(self, day: &str, condition: &str) -> String {
        let keyword = if condition.is_empty() { "" } else { " WHERE " };
        let (aggregate, source) = (self.aggregate(), self.relation.source);
        match self.measure {
            Measure::Any => format!("EXISTS (SELECT FROM {source}{keyword}{condition})"),
            Measure::Count => format!("(SELECT count(*) FROM {source}{keyword}{condition})"),
            Measure::Sum | Measure::Quantity => {
                format!("(SELECT COALESCE({aggregate}, 0) FROM {source}{keyword}{condition})")
            }
            Measure::Earliest => format!("(SELECT {aggregate}({day}) FROM {source}{keyword}{condition})"),
        }
    }

    fn found(
        self,
        of_all: &'static RowsOfAll,
        day: &str,
        condition: &str,
        added_up: &mut RowsAddedUp,
    ) -> String {
        let aggregate = self.aggregate();
        let filter =
            if condition.is_empty() { String::new() } else { format!(" FILTER (WHERE {condition})") };
        let measure = match self.measure {
            // Days as numbers: one array holds all measures.
            Measure::Earliest => format!("({aggregate}({day}){filter} - date '2000-01-01')::numeric"),
            _ => format!("{aggregate}{filter}"),
        };
        let place = format!("f.{}[{}]", of_all.measures, added_up.add(of_all, measure, self.since));
        match self.measure {
            Measure::Any => format!("(COALESCE({place}, 0) > 0)"),
            Measure::Earliest => format!("(date '2000-01-01' + {place}::int)"),
            _ => format!("COALESCE({place}, 0)"),
        }
    }
}
