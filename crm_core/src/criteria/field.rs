//! What a catalogue entry says about a field.

use super::number::Unit;
use super::operator::Operator;

/// The type of a field, from which its operators and values follow.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number of that unit, with the least and greatest it can be (in the unit's last decimal place).
    Number(Unit, Option<i64>, Option<i64>),
    /// A text, compared without regard to case.
    Text,
    /// One of these texts, or unknown.
    Enum(&'static [&'static str]),
    /// One of these texts, always.
    State(&'static [&'static str]),
    /// True or false.
    Boolean,
    /// An instant, compared by the local day it falls on. The expression is that day.
    Timestamp,
    /// A date that comes round every year. 29 February comes round on the 28th in other years.
    AnnualDate,
    /// Any number of these texts (where none are listed, of any), compared exactly. The expression is a text[]; null is
    /// empty.
    Set(&'static [&'static str]),
    /// Rows that belong to the guest.
    Relation(&'static Relation),
}

/// Rows that belong to a guest, or to a row of another relation.
#[derive(Debug)]
pub struct Relation {
    /// The fields of a row.
    pub fields: &'static [Field],
    /// What stands in FROM.
    pub(super) source: &'static str,
    /// The rows of all guests at once.
    pub(super) of_all: Option<&'static RowsOfAll>,
    /// The local day of a row, a date.
    pub(super) day: &'static str,
    /// The money of rows added up, numeric; null for none.
    pub(super) sum: &'static str,
    /// How many things rows stand for, numeric, null for none; where rows say.
    pub(super) quantity: Option<&'static str>,
    /// One row and several, in words.
    pub(super) noun: (&'static str, &'static str),
}

/// Where the rows of a relation are read once for all that is asked of them, and where what they add up to is found.
#[derive(Debug)]
pub struct RowsOfAll {
    /// The function that gives the rows of all guests of an organisation, at a venue, of a day or later; its column
    /// `guest` says whose a row is.
    pub function: &'static str,
    /// The rows of one guest, beside his facts `f`.
    pub of_guest: &'static str,
    /// The alias that both have.
    pub alias: &'static str,
    /// The column of `f` with an array of measures.
    pub measures: &'static str,
}

/// What may change a field's value. A segment is evaluated anew for a guest when a group it depends on changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The guest's row of totals, scores and label.
    Stats,
    /// The whole cohort: changes for many guests when the night has computed it anew.
    Cohort,
    /// The guest's profile.
    Profile,
    /// The guest's orders.
    Orders,
    /// The lines of the guest's orders, and the products.
    Items,
    /// Membership of other segments.
    Segments,
    /// The day.
    Time,
    /// What the guest needs, likes and is used to, as stated or derived at night.
    Preferences,
    /// Never changes for a guest.
    Fixed,
}

impl Group {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Group::Stats => "stats",
            Group::Cohort => "cohort",
            Group::Profile => "profile",
            Group::Orders => "orders",
            Group::Items => "items",
            Group::Segments => "segments",
            Group::Time => "time",
            Group::Preferences => "preferences",
            Group::Fixed => "fixed",
        }
    }
}

/// One field of the catalogue.
#[derive(Debug)]
pub struct Field {
    /// Its name in criteria.
    pub name: &'static str,
    /// A noun phrase for people, which sentences are made with.
    pub label: &'static str,
    /// What it is exactly.
    pub description: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What may change it.
    pub group: Group,
    /// Whether it can be unknown.
    pub nullable: bool,
    /// Whether it means something at one venue only.
    pub venue_only: bool,
    /// Whether it is personal data that a UI should guard.
    pub sensitive: bool,
    /// Whether it is health data, which has a purpose of its own.
    pub health: bool,
    /// Its value, over the row of the guest (`f`) or of its relation (`o`, `i`).
    pub(super) sql: &'static str,
    /// Where it counts days until today: the day it counts from.
    pub(super) days_since: Option<&'static str>,
    /// Where its year may be unknown: a date of any year that comes round on the same days.
    pub(super) comes_round: Option<&'static str>,
}

impl Field {
    /// A field that is always known, in venue and organisation alike.
    pub(super) const fn new(
        name: &'static str,
        label: &'static str,
        description: &'static str,
        kind: Kind,
        group: Group,
        sql: &'static str,
    ) -> Self {
        Self {
            name,
            label,
            description,
            kind,
            group,
            nullable: false,
            venue_only: false,
            sensitive: false,
            health: false,
            sql,
            days_since: None,
            comes_round: None,
        }
    }

    pub(super) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(super) const fn venue_only(self) -> Self {
        Self { venue_only: true, ..self }
    }

    pub(super) const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    pub(super) const fn health(self) -> Self {
        Self { sensitive: true, health: true, ..self }
    }

    pub(super) const fn coming_round(self, day: &'static str) -> Self {
        Self { comes_round: Some(day), ..self }
    }

    pub(super) const fn counting_days_since(self, day: &'static str) -> Self {
        Self { days_since: Some(day), ..self }
    }

    /// The operators it may be used with.
    pub fn operators(&self) -> &'static [Operator] {
        Operator::of(self.kind)
    }

    /// The name of its type in catalogue and schema.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Number(Unit::Money, ..) => "money",
            Kind::Number(..) => "number",
            Kind::Text => "text",
            Kind::Enum(_) => "enum",
            Kind::State(_) => "state",
            Kind::Boolean => "boolean",
            Kind::Timestamp => "timestamp",
            Kind::AnnualDate => "annual_date",
            Kind::Set(_) => "set",
            Kind::Relation(_) => "relation",
        }
    }

    /// The values it can take, where they are few.
    pub fn values(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Enum(values) | Kind::State(values) | Kind::Set(values) => values,
            _ => &[],
        }
    }
}

/// Two fields are the same when they are the same entry.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Field {}
