//! Changes of orders that wait for the end of their statement, guest by guest.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crm_core::scoring::Day;
use pgrx::callbacks::{
    PgSubXactCallbackEvent, PgXactCallbackEvent, register_subxact_callback, register_xact_callback,
};
use pgrx::datum::{Date, Time, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::venue_scoring::{self, VenueScoring};

/// What one change means for its guest.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// One order more: its total in hundredths, and its completion.
    Add { total: i64, completed_at: TimestampWithTimeZone },
    /// His orders must be read again.
    Reread,
}

struct Entry {
    /// Open subtransaction it is part of: undone with it.
    made_in: pg_sys::SubTransactionId,
    venue_ref: String,
    customer_ref: String,
    change: Change,
    /// The order's day, where that is closed and must be counted anew.
    noted_day: Option<Day>,
    order_ref: Option<String>,
}

type LastOrders = BTreeMap<[u8; 16], String>;

/// Entries that a subtransaction settled, which the undoing of it brings back. They are older than it: a statement
/// that a trigger of the platform runs also settles what the statement under way left.
struct Settled {
    settled_in: pg_sys::SubTransactionId,
    entries: Vec<Entry>,
}

thread_local! {
    /// In the order of their subtransactions, as the later is part of the innermost one that is open.
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    static SETTLED: RefCell<Vec<Settled>> = const { RefCell::new(Vec::new()) };
    /// The order that changed last, guest by guest, once it was asked for; until the entries change.
    static LAST_ORDERS: RefCell<Option<LastOrders>> = const { RefCell::new(None) };
    /// Whether this transaction's end and those of its parts will be told.
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

/// Collects a change; returns whether it is the first.
pub(crate) fn add(
    venue_ref: &str,
    customer_ref: &str,
    change: Change,
    noted_day: Option<Day>,
    order_ref: Option<&str>,
) -> bool {
    if !LISTENS.replace(true) {
        register_subxact_callback(PgSubXactCallbackEvent::CommitSub, part_committed);
        register_subxact_callback(PgSubXactCallbackEvent::AbortSub, |aborted, _parent| part_aborted(aborted));
        for end in [PgXactCallbackEvent::PreCommit, PgXactCallbackEvent::PrePrepare] {
            register_xact_callback(end, warn_of_unsettled);
        }
        for end in [PgXactCallbackEvent::Commit, PgXactCallbackEvent::Prepare, PgXactCallbackEvent::Abort] {
            register_xact_callback(end, || {
                ENTRIES.with_borrow_mut(Vec::clear);
                SETTLED.with_borrow_mut(Vec::clear);
                LAST_ORDERS.set(None);
                LISTENS.set(false);
            });
        }
    }
    let entry = Entry {
        // SAFETY: reads a number of this session.
        made_in: unsafe { pg_sys::GetCurrentSubTransactionId() },
        venue_ref: venue_ref.to_owned(),
        customer_ref: customer_ref.to_owned(),
        change,
        noted_day,
        order_ref: order_ref.map(str::to_owned),
    };
    LAST_ORDERS.set(None);
    ENTRIES.with_borrow_mut(|entries| {
        entries.push(entry);
        entries.len() == 1
    })
}

/// The platform's id of the order that changed last of a guest.
pub(crate) fn last_order(guest: Uuid) -> Option<String> {
    if !any() {
        return None;
    }
    LAST_ORDERS.with_borrow_mut(|kept| {
        let orders = kept.get_or_insert_with(|| {
            let of_guest = |entry: &Entry| {
                Some((*crm_core::key::key(&entry.customer_ref).as_bytes(), entry.order_ref.clone()?))
            };
            ENTRIES.with_borrow(|entries| entries.iter().filter_map(of_guest).collect())
        });
        orders.get(guest.as_bytes()).cloned()
    })
}

/// The platform's id of the order that was collected last for a guest.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn collected_order(guest: Uuid) -> Option<String> {
    last_order(guest)
}

/// Whether changes wait to be settled.
pub(crate) fn any() -> bool {
    ENTRIES.with_borrow(|entries| !entries.is_empty())
}

/// Forgets the changes, which are settled, unless the settling is undone.
pub(crate) fn forget() {
    let entries = ENTRIES.take();
    LAST_ORDERS.set(None);
    if !entries.is_empty() {
        // SAFETY: reads a number of this session.
        let settled_in = unsafe { pg_sys::GetCurrentSubTransactionId() };
        SETTLED.with_borrow_mut(|settled| settled.push(Settled { settled_in, entries }));
    }
}

fn part_committed(part: pg_sys::SubTransactionId, whole: pg_sys::SubTransactionId) {
    ENTRIES.with_borrow_mut(|entries| {
        for entry in entries.iter_mut().rev().take_while(|entry| entry.made_in == part) {
            entry.made_in = whole;
        }
    });
    SETTLED.with_borrow_mut(|settled| {
        for batch in settled.iter_mut().rev().take_while(|batch| batch.settled_in == part) {
            batch.settled_in = whole;
            // What is made and settled in one is undone with it or stays settled.
            batch.entries.retain(|entry| entry.made_in < whole);
        }
        settled.retain(|batch| !batch.entries.is_empty());
    });
}

fn part_aborted(part: pg_sys::SubTransactionId) {
    LAST_ORDERS.set(None);
    ENTRIES.with_borrow_mut(|entries| {
        entries.retain(|entry| entry.made_in < part);
        SETTLED.with_borrow_mut(|settled| {
            while let Some(batch) = settled.pop_if(|batch| batch.settled_in >= part) {
                let mut revived = batch.entries;
                revived.retain(|entry| entry.made_in < part);
                revived.append(entries);
                *entries = revived;
            }
        });
    });
}

/// The trigger that ends a statement was dropped or disabled.
fn warn_of_unsettled() {
    if any() {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            "pg_crm: changes of orders were neither counted nor recorded: no trigger ended their statement",
            "crm.take_order",
        )
        .set_hint("SELECT crm.rebind('order') puts the missing trigger back and has the orders looked at.")
        .report(PgLogLevel::WARNING);
    }
}

/// The closed days that the changes collected so far touch, by the platform's ids of their venues.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn collected_days() -> TableIterator<'static, (name!(venue_ref, String), name!(day, Date))> {
    let days: BTreeSet<(String, Day)> = ENTRIES.with_borrow(|entries| {
        entries.iter().filter_map(|entry| Some((entry.venue_ref.clone(), entry.noted_day?))).collect()
    });
    TableIterator::new(
        days.into_iter().filter_map(|(venue_ref, day)| Some((venue_ref, Date::try_from(day).ok()?))),
    )
}

/// What the changes of one guest add up to.
#[derive(Default)]
struct Sum {
    reread: bool,
    orders: i32,
    days: BTreeSet<i32>,
    spent: i64,
    highest: i64,
    first_at: Option<i64>,
    last_at: Option<i64>,
}

impl Sum {
    fn add(&mut self, total: i64, at: i64, day: i32) {
        self.highest = if self.orders == 0 { total } else { self.highest.max(total) };
        self.orders = self.orders.saturating_add(1);
        self.days.insert(day);
        self.spent = self.spent.saturating_add(total);
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
    }
}

/// By their keys: the platform's id and what the changes add up to.
type Guests = BTreeMap<[u8; 16], (String, Sum)>;

/// The changes collected so far, one row a guest, in the order of venues and keys, so that statements that touch the
/// same guests lock them in the same order. The amounts are in hundredths. A guest whose orders must be read again has
/// no orders here; a venue that is not known has no key.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn collected_changes() -> Result<
    TableIterator<
        'static,
        (
            name!(org_id, Option<i32>),
            name!(venue_id, Option<Uuid>),
            name!(customer_id, Uuid),
            name!(venue_ref, String),
            name!(customer_ref, String),
            name!(live, bool),
            name!(orders, Option<i32>),
            name!(days, i32),
            name!(first_day, Option<Date>),
            name!(spent, i64),
            name!(highest, i64),
            name!(first_order_at, Option<TimestampWithTimeZone>),
            name!(last_order_at, Option<TimestampWithTimeZone>),
            name!(timezone, Option<String>),
            name!(day_starts_at, Option<Time>),
        ),
    >,
    ErrorReport,
> {
    let refs: BTreeSet<String> =
        ENTRIES.with_borrow(|entries| entries.iter().map(|entry| entry.venue_ref.clone()).collect());
    let mut venues: BTreeMap<String, (Option<Rc<VenueScoring>>, Guests)> = BTreeMap::new();
    for venue_ref in refs {
        let venue = venue_scoring::by_ref(&venue_ref)?;
        venues.insert(venue_ref, (venue, Guests::new()));
    }
    ENTRIES.with_borrow(|entries| {
        for entry in entries {
            let Some((venue, guests)) = venues.get_mut(&entry.venue_ref) else {
                continue;
            };
            let (_, sum) = guests
                .entry(*crm_core::key::key(&entry.customer_ref).as_bytes())
                .or_insert_with(|| (entry.customer_ref.clone(), Sum::default()));
            match (entry.change, venue) {
                (Change::Add { total, completed_at }, Some(venue)) => {
                    sum.add(total, completed_at.into_inner(), venue.day(completed_at));
                }
                _ => sum.reread = true,
            }
        }
    });
    let instant = |at: Option<i64>| at.and_then(|at| TimestampWithTimeZone::try_from(at).ok());
    let mut rows = Vec::new();
    for (venue_ref, (venue, guests)) in venues {
        for (key, (customer_ref, mut sum)) in guests {
            // Near a change of clocks the latest order may be of an earlier day than the one before it.
            if let (Some(venue), Some(first_day)) = (&venue, sum.days.first()) {
                sum.reread |= venue.bounds(*first_day).is_none();
            }
            rows.push((
                venue.as_ref().map(|venue| venue.org_id),
                venue.as_ref().map(|venue| venue.venue_id),
                Uuid::from_bytes(key),
                venue_ref.clone(),
                customer_ref,
                venue.as_ref().is_some_and(|venue| venue.live),
                (!sum.reread).then_some(sum.orders),
                i32::try_from(sum.days.len()).unwrap_or(i32::MAX),
                sum.days.first().and_then(|day| Date::try_from(*day).ok()),
                sum.spent,
                sum.highest,
                instant(sum.first_at),
                instant(sum.last_at),
                venue.as_ref().map(|venue| venue.timezone.clone()),
                venue.as_ref().and_then(|venue| Time::try_from(venue.day_starts_at).ok()),
            ));
        }
    }
    Ok(TableIterator::new(rows))
}
