//! A checked document.

use super::date::{DayExpression, Duration, Window};
use super::field::{Field, Group};
use super::number::Number;
use super::operator::Operator;

/// Whose guests a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The guests of one venue, by what they did there.
    Venue,
    /// The guests of the organisation, by what they did at all its venues.
    Org,
}

impl Scope {
    /// Its name in criteria.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Venue => "venue",
            Scope::Org => "org",
        }
    }
}

/// A condition, or conditions combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// All hold; empty, at the root only, everyone.
    All(Vec<Node>),
    /// At least one holds.
    Any(Vec<Node>),
    /// The other does not hold.
    Not(Box<Node>),
    /// A condition on one field.
    Leaf(Leaf),
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The field.
    pub field: &'static Field,
    /// What is asked of it; one of the field's operators.
    pub operator: Operator,
    /// What it is compared with; fits field and operator.
    pub operand: Operand,
    /// Which rows count by their day; relations only.
    pub within: Option<Window>,
    /// Which rows count by their fields; relations only.
    pub filter: Option<Box<Node>>,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The operator takes nothing.
    Nothing,
    /// A number or an amount of money.
    Number(Number),
    /// From and to, both included.
    NumberRange(Number, Number),
    /// Sorted, no number twice.
    Numbers(Vec<Number>),
    /// A text, a value of an enum, a member of a set.
    Text(String),
    /// Sorted, no text twice.
    Texts(Vec<String>),
    /// True or false.
    Boolean(bool),
    /// A day.
    Day(DayExpression),
    /// From and to, both included.
    DayRange(DayExpression, DayExpression),
    /// A duration.
    Duration(Duration),
    /// 1 to 12.
    Month(u8),
}

impl Node {
    /// The nodes directly below in the same row: not those of a relation's `where`.
    pub(super) fn children(&self) -> &[Node] {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes,
            Node::Not(node) => std::slice::from_ref(node),
            Node::Leaf(_) => &[],
        }
    }

    /// Shows every leaf, those in a relation's `where` too.
    pub(super) fn each_leaf<'a>(&'a self, show: &mut impl FnMut(&'a Leaf)) {
        if let Node::Leaf(leaf) = self {
            show(leaf);
            if let Some(filter) = &leaf.filter {
                filter.each_leaf(show);
            }
        }
        for child in self.children() {
            child.each_leaf(show);
        }
    }

    /// Whether time alone can change the verdict.
    pub(super) fn moves(&self) -> bool {
        let mut moves = false;
        self.each_leaf(&mut |leaf| moves |= leaf.moves());
        moves
    }
}

impl Leaf {
    /// Whether time alone can change the verdict, its `where` apart.
    pub(super) fn moves(&self) -> bool {
        let window = match self.within {
            Some(Window::Last(_) | Window::Next(_)) => true,
            Some(Window::Between(from, to)) => from.moves() || to.moves(),
            None => false,
        };
        let value = match &self.operand {
            Operand::Duration(_) => true,
            Operand::Day(day) => day.moves(),
            Operand::DayRange(from, to) => from.moves() || to.moves(),
            _ => false,
        };
        let known = matches!(self.operator, Operator::IsNull | Operator::NotNull);
        window
            || value
            || self.operator == Operator::AnniversaryToday
            || (self.field.days_since.is_some() && !known)
    }

    /// What may change the verdict, its `where` apart.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group> {
        [Some(self.field.group), self.moves().then_some(Group::Time)].into_iter().flatten()
    }
}
