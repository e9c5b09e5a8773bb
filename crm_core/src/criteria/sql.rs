//! SQL with typed parameters. Its text can only be made of constants of this program.

use std::fmt::Write;

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

    /// The text, its parameters numbered from `offset + 1`, each cast to its type.
    pub fn render(&self, offset: usize) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(constant) => text.push_str(constant),
                Piece::Param(index) => {
                    let kind = self.params.get(*index).map_or("text", Param::type_name);
                    // Writing to a String cannot fail.
                    let _ = write!(text, "${}::{kind}", offset + index + 1);
                }
            }
        }
        text
    }

    /// The parameters, in the order of their numbers.
    pub fn params(&self) -> &[Param] {
        &self.params
    }
}
