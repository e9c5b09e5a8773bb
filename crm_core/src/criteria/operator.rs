//! The operators, what they take, and their names elsewhere.

use super::field::Kind;
use super::number::Unit;

/// What a condition asks of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are those of the grammar")]
pub enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    IsNull,
    NotNull,
    On,
    Before,
    After,
    WithinLast,
    NotWithinLast,
    AnniversaryWithinNext,
    AnniversaryToday,
    MonthIs,
    StartsWith,
    Contains,
    Is,
    Has,
    HasAny,
    HasAll,
    HasNone,
    IsEmpty,
    AnyRow,
    NoRow,
    CountEq,
    CountGte,
    CountLte,
    SumGte,
    SumLte,
    QuantityGte,
    QuantityLte,
}

/// What a relation is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The number of rows.
    Count,
    /// The sum of the rows' money.
    Sum,
    /// The sum of the rows' quantity.
    Quantity,
}

/// What an operator takes as its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// No value.
    Nothing,
    /// One value of the field's type.
    One,
    /// Two values of the field's type, both included.
    Range,
    /// A list of values of the field's type.
    List,
    /// A duration.
    Duration,
    /// A month, 1 to 12.
    Month,
    /// A number of that unit.
    Number(Unit),
}

use Operator::*;

const NUMBER: &[Operator] = &[Eq, Neq, Lt, Lte, Gt, Gte, Between, In, NotIn, IsNull, NotNull];
const TEXT: &[Operator] = &[Eq, Neq, In, NotIn, StartsWith, Contains, IsNull, NotNull];
const ENUM: &[Operator] = &[Eq, Neq, In, NotIn, IsNull, NotNull];
const IS: &[Operator] = &[Is];
const TIMESTAMP: &[Operator] = &[On, Before, After, Between, WithinLast, NotWithinLast, IsNull, NotNull];
const ANNUAL_DATE: &[Operator] =
    &[AnniversaryWithinNext, AnniversaryToday, MonthIs, On, Before, After, Between, IsNull, NotNull];
const SET: &[Operator] = &[Has, HasAny, HasAll, HasNone, IsEmpty];
const RELATION: &[Operator] = &[AnyRow, NoRow, CountEq, CountGte, CountLte, SumGte, SumLte];
const RELATION_WITH_QUANTITY: &[Operator] =
    &[AnyRow, NoRow, CountEq, CountGte, CountLte, SumGte, SumLte, QuantityGte, QuantityLte];

impl Operator {
    /// The operators of a type, in the order a UI offers them.
    pub fn of(kind: Kind) -> &'static [Operator] {
        match kind {
            Kind::Number(..) => NUMBER,
            Kind::Text => TEXT,
            Kind::Enum(_) => ENUM,
            Kind::State(_) | Kind::Boolean => IS,
            Kind::Timestamp => TIMESTAMP,
            Kind::AnnualDate => ANNUAL_DATE,
            Kind::Set(_) => SET,
            Kind::Relation(relation) if relation.quantity.is_some() => RELATION_WITH_QUANTITY,
            Kind::Relation(_) => RELATION,
        }
    }

    /// Its name in criteria.
    pub fn name(self) -> &'static str {
        match self {
            Eq => "eq",
            Neq => "neq",
            Lt => "lt",
            Lte => "lte",
            Gt => "gt",
            Gte => "gte",
            Between => "between",
            In => "in",
            NotIn => "not_in",
            IsNull => "is_null",
            NotNull => "not_null",
            On => "on",
            Before => "before",
            After => "after",
            WithinLast => "within_last",
            NotWithinLast => "not_within_last",
            AnniversaryWithinNext => "anniversary_within_next",
            AnniversaryToday => "anniversary_today",
            MonthIs => "month_is",
            StartsWith => "starts_with",
            Contains => "contains",
            Is => "is",
            Has => "has",
            HasAny => "has_any",
            HasAll => "has_all",
            HasNone => "has_none",
            IsEmpty => "is_empty",
            AnyRow => "any",
            NoRow => "none",
            CountEq => "count_eq",
            CountGte => "count_gte",
            CountLte => "count_lte",
            SumGte => "sum_gte",
            SumLte => "sum_lte",
            QuantityGte => "quantity_gte",
            QuantityLte => "quantity_lte",
        }
    }

    /// Its name in react-querybuilder, where that has one of its own.
    pub(super) fn query_builder_name(self) -> &'static str {
        match self {
            Eq => "=",
            Neq => "!=",
            Lt => "<",
            Lte => "<=",
            Gt => ">",
            Gte => ">=",
            NotIn => "notIn",
            IsNull => "null",
            NotNull => "notNull",
            StartsWith => "beginsWith",
            other => other.name(),
        }
    }

    /// What it takes on a field of this type.
    pub fn takes(self) -> Takes {
        match self {
            Eq | Neq | Lt | Lte | Gt | Gte | On | Before | After | StartsWith | Contains | Is | Has => {
                Takes::One
            }
            Between => Takes::Range,
            In | NotIn | HasAny | HasAll | HasNone => Takes::List,
            WithinLast | NotWithinLast | AnniversaryWithinNext => Takes::Duration,
            MonthIs => Takes::Month,
            IsNull | NotNull | AnniversaryToday | IsEmpty | AnyRow | NoRow => Takes::Nothing,
            CountEq | CountGte | CountLte => Takes::Number(Unit::Whole),
            SumGte | SumLte => Takes::Number(Unit::Money),
            QuantityGte | QuantityLte => Takes::Number(QUANTITY),
        }
    }

    /// The operator that this one is the exact complement of, true also where nothing is known.
    pub(super) fn complement_of(self) -> Option<Operator> {
        match self {
            Neq => Some(Eq),
            NotIn => Some(In),
            NotNull => Some(IsNull),
            NotWithinLast => Some(WithinLast),
            HasNone => Some(HasAny),
            NoRow => Some(AnyRow),
            _ => None,
        }
    }

    /// What it measures of a relation.
    pub(super) fn measure(self) -> Measure {
        match self {
            SumGte | SumLte => Measure::Sum,
            QuantityGte | QuantityLte => Measure::Quantity,
            _ => Measure::Count,
        }
    }
}

/// Quantities may be weights: three decimals.
pub(super) const QUANTITY: Unit = Unit::Decimal(3);
