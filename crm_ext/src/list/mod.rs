//! A page of `crm.customer_list`: which guests, in which order.
//!
//! The guests of a label stand in the order of each sort in an index. A page that nothing is filtered out of merges the labels
//! asked for. Else it walks them side by side, a limited number of rows at a time, and keeps those who pass the filters; it is right once it is full and no label is left
//! that could still yield somebody before its last guest. Where filters are narrow, walking on finds nobody for long: then
//! the guests of a label are also looked up by the range of the filter itself, or by the text searched for, up to a
//! limit. If that ends, the label is known completely. Both limits grow, so that a page costs a few times the better way,
//! and nothing needs to be known beforehand of how many there are.

mod merged;
mod query;
pub(crate) mod signature;
mod statement;
mod streams;

use std::collections::HashSet;

use pgrx::datum::{Date, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use query::{Row, Value, each_row};
use statement::Shape;
use streams::{Found, Step, Streams, budget};

/// A guest's key.
type Guest = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    LastVisit,
    Spend,
    Orders,
    Visits,
    Name,
}

impl Sort {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "last_visit" => Sort::LastVisit,
            "spend" => Sort::Spend,
            "orders" => Sort::Orders,
            "visits" => Sort::Visits,
            "name" => Sort::Name,
            _ => return None,
        })
    }
}

/// The ends of a range; nothing is bounded where both are the least and the greatest number.
#[derive(Clone, Copy)]
struct Range {
    low: i64,
    high: i64,
}

impl Range {
    fn new(low: Option<i64>, high: Option<i64>) -> Self {
        Self { low: low.unwrap_or(i64::MIN), high: high.unwrap_or(i64::MAX) }
    }

    fn is_bounded(self) -> bool {
        self.low > i64::MIN || self.high < i64::MAX
    }
}

/// Where a page begins: behind a guest.
enum Place {
    Number { key: i64, guest: Guest },
    Name { unnamed: bool, name: String, guest: Guest },
}

impl Place {
    /// Three parameters: the key, or whether he has no name and the name, and the guest.
    fn values(&self, sort: Sort) -> [Value; 3] {
        match self {
            Place::Number { key, guest } => {
                [Value::number(sort.type_oid(), *key), Value::of(false), uuid(*guest)]
            }
            Place::Name { unnamed, name, guest } => {
                [Value::of(*unnamed), Value::of(name.clone()), uuid(*guest)]
            }
        }
    }
}

struct Request {
    shape: Shape,
    of_organisation: bool,
    page_size: usize,
    labels: Vec<i16>,
    spent: Range,
    orders: Range,
    visits: Range,
    seen: Range,
    after: Place,
    /// Parameters 1 to 22 of every statement.
    given: Vec<Value>,
}

const FIRST: Guest = [0; 16];
const LAST: Guest = [u8::MAX; 16];

impl Request {
    fn range(&self, sort: Sort) -> Range {
        match sort {
            Sort::LastVisit => self.seen,
            Sort::Spend => self.spent,
            Sort::Orders => self.orders,
            Sort::Visits => self.visits,
            Sort::Name => Range::new(None, None),
        }
    }

    /// The ranges that are no bounds of the walk itself.
    fn filters(&self) -> Vec<Sort> {
        [Sort::Spend, Sort::Orders, Sort::Visits, Sort::LastVisit]
            .into_iter()
            .filter(|sort| *sort != self.shape.sort && self.range(*sort).is_bounded())
            .collect()
    }

    fn run(&self, text: &str, own: &[Value], take: impl FnMut(&Row)) -> Result<(), ErrorReport> {
        let values: Vec<&Value> = self.given.iter().chain(own).collect();
        each_row(text, &values, take)
    }

    /// The rows of a statement that reads up to a limit.
    fn steps(&self, text: &str, own: &[Value]) -> Result<Vec<Step>, ErrorReport> {
        let mut steps = Vec::new();
        self.run(text, own, |row| steps.extend(Step::read(row, self.shape.sort)))?;
        Ok(steps)
    }

    /// Whether a guest comes after the place where the page begins.
    fn is_behind(&self, found: Found) -> bool {
        match &self.after {
            Place::Number { key, guest } => {
                let start = Found { key: *key, guest: *guest };
                found.position(self.shape.descending) > start.position(self.shape.descending)
            }
            Place::Name { .. } => true,
        }
    }

    /// Guests whose rows of totals must be read, as the list does not know them as they are.
    fn unlisted(&self) -> Result<HashSet<Guest>, ErrorReport> {
        let mut guests = HashSet::new();
        self.run(&statement::unlisted(self.of_organisation), &[], |row| {
            guests.extend(row.get::<Uuid>(1).map(|guest| *guest.as_bytes()));
        })?;
        Ok(guests)
    }

    /// The first guests of those given, or of all with a row at the venues, by their rows of totals.
    fn live(&self, guests: Option<&HashSet<Guest>>) -> Result<Vec<Found>, ErrorReport> {
        let text = self.shape.live(guests.is_none(), guests.is_none() || !self.of_organisation);
        let mut own = vec![budget(self.page_size)];
        own.extend(self.after.values(self.shape.sort));
        own.push(uuids(guests.into_iter().flatten()));
        let mut found = Vec::new();
        self.run(&text, &own, |row| found.extend(Found::read(row, self.shape.sort)))?;
        Ok(found)
    }

    /// Whether anything but the sort's own range leaves guests out.
    fn is_filtered(&self) -> bool {
        self.shape.search || self.shape.exact_days || !self.filters().is_empty()
    }

    fn page(&self) -> Result<Vec<Guest>, ErrorReport> {
        let unlisted = self.unlisted()?;
        let by_name = self.shape.sort == Sort::Name;
        let mut found = if by_name || !self.is_filtered() {
            self.merged(&unlisted)?
        } else {
            Streams::new(self, &unlisted).read()?
        };
        if !unlisted.is_empty() {
            found.extend(self.live(Some(&unlisted))?);
            if by_name {
                found = self.sorted_by_name(&found)?;
            } else {
                found.sort_unstable_by_key(|found| found.position(self.shape.descending));
            }
        }
        found.truncate(self.page_size);
        Ok(found.into_iter().map(|found| found.guest).collect())
    }
}

fn uuid(guest: Guest) -> Value {
    Value::of(Uuid::from_bytes(guest))
}

fn uuids<'a>(guests: impl Iterator<Item = &'a Guest>) -> Value {
    Value::of(guests.map(|guest| Uuid::from_bytes(*guest)).collect::<Vec<_>>())
}

/// Guests of a page in order. The scope is a venue, nil for the organisation, or null for some of its venues: then all rows of
/// totals at them are added up. With guests given, only of those, by their rows of totals. The request is read and checked by `crm.customer_list`, under whose settings the plans are made.
#[pg_extern(schema = "crm", stable, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn list_page(
    org_id: i32,
    scope: Option<Uuid>,
    venues: Vec<Uuid>,
    sort: &str,
    descending: bool,
    page_size: i32,
    labels: Vec<i16>,
    spent_from: Option<i64>,
    spent_to: Option<i64>,
    orders_from: Option<i32>,
    orders_to: Option<i32>,
    visits_from: Option<i32>,
    visits_to: Option<i32>,
    seen_from: Option<TimestampWithTimeZone>,
    seen_to: Option<TimestampWithTimeZone>,
    surely_from: Option<TimestampWithTimeZone>,
    surely_to: Option<TimestampWithTimeZone>,
    day_from: Option<Date>,
    day_to: Option<Date>,
    pattern: Option<&str>,
    digits: Option<&str>,
    after_number: Option<i64>,
    after_time: Option<TimestampWithTimeZone>,
    after_name: Option<&str>,
    after_guest: Option<Uuid>,
    only: Option<Vec<Uuid>>,
) -> Result<Vec<Uuid>, ErrorReport> {
    let sort = Sort::named(sort).ok_or_else(|| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("cannot sort by \"{sort}\""),
            "crm.list_page",
        )
    })?;
    let number = |value: Option<i32>| value.map(i64::from);
    let time = |value: Option<TimestampWithTimeZone>| value.map(TimestampWithTimeZone::into_inner);
    // An end in time is the instant before which it lies.
    let before = |value: Option<TimestampWithTimeZone>| time(value).map(|end| end.saturating_sub(1));
    let (spent, orders, visits, seen) = (
        Range::new(spent_from, spent_to),
        Range::new(number(orders_from), number(orders_to)),
        Range::new(number(visits_from), number(visits_to)),
        Range::new(time(seen_from), before(seen_to)),
    );
    let surely = Range::new(time(surely_from), before(surely_to));
    let exact_days = seen.is_bounded() && (seen.low, seen.high) != (surely.low, surely.high);
    let extreme = if descending { LAST } else { FIRST };
    let after = match (sort, after_guest) {
        (Sort::Name, guest) => Place::Name {
            unnamed: if guest.is_some() { after_name.is_none() } else { descending },
            name: after_name.unwrap_or_default().to_owned(),
            guest: guest.map_or(extreme, |guest| *guest.as_bytes()),
        },
        (_, Some(guest)) => Place::Number {
            key: after_number.or(time(after_time)).unwrap_or_default(),
            guest: *guest.as_bytes(),
        },
        (_, None) => Place::Number { key: if descending { i64::MAX } else { i64::MIN }, guest: extreme },
    };
    let timestamp = |number| Value::number(pg_sys::TIMESTAMPTZOID, number);
    let count = |number| Value::number(pg_sys::INT4OID, number);
    // Without a second pattern, the first one's again.
    let bits = [pattern, digits.or(pattern)]
        .map(|pattern| pattern.map_or([0, 0], |pattern| signature::signature(&signature::wanted(pattern))));
    let request = Request {
        shape: Shape { sort, descending, search: pattern.is_some(), exact_days },
        of_organisation: scope.is_some_and(|scope| *scope.as_bytes() == FIRST),
        page_size: usize::try_from(page_size).unwrap_or(1),
        given: vec![
            Value::of(org_id),
            Value::of(scope.unwrap_or(Uuid::from_bytes(FIRST))),
            Value::of(spent.low),
            Value::of(spent.high),
            count(orders.low),
            count(orders.high),
            count(visits.low),
            count(visits.high),
            timestamp(seen.low),
            timestamp(seen.high),
            timestamp(surely.low),
            timestamp(surely.high),
            Value::of(day_from),
            Value::of(day_to),
            Value::of(pattern.map(ToOwned::to_owned)),
            Value::of(digits.map(ToOwned::to_owned)),
            Value::of(labels.clone()),
            Value::of(venues),
            Value::of(bits[0][0]),
            Value::of(bits[0][1]),
            Value::of(bits[1][0]),
            Value::of(bits[1][1]),
        ],
        labels,
        spent,
        orders,
        visits,
        seen,
        after,
    };
    let keys = |found: Vec<Found>| found.into_iter().map(|found| found.guest).collect();
    let guests: Vec<Guest> = match (only, scope) {
        (Some(only), _) => keys(request.live(Some(&only.iter().map(|guest| *guest.as_bytes()).collect()))?),
        (None, Some(_)) => request.page()?,
        (None, None) => keys(request.live(None)?),
    };
    Ok(guests.into_iter().map(Uuid::from_bytes).collect())
}
