//! The scoring of each venue, kept per session.
//!
//! A till hands in order after order of the same venue: reading `crm.venue_scoring` for each would cost a third of
//! what counting it costs. The rows change rarely, and every change of one, by whomever, tells all sessions through
//! PostgreSQL's own invalidation messages (`crm.forget_scoring`, a trigger of the table), so that a session reads anew
//! from its next statement on, as it would have seen the new row.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;
use std::thread::LocalKey;

use crm_core::scoring::{Day, Rule};
use pgrx::datum::{Date, DatumWithOid, Time, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError, WhoAllocated};

use crate::local_time::LocalTime;
use crate::plan::{LatestPlan, LatestRow, read_latest};
use crate::scoring::rule;

const BY_REF: &CStr = c"
    SELECT s.org_id, s.venue_id, s.ref, s.counting = 'live', s.timezone, s.day_starts_at, s.rule, s.tableoid,
           crm.noted_until(s.closed_day, s.timezone, s.day_starts_at)
    FROM crm.venue_scoring AS s WHERE s.ref = $1";
const BY_KEY: &CStr = c"
    SELECT s.org_id, s.venue_id, s.ref, s.counting = 'live', s.timezone, s.day_starts_at, s.rule, s.tableoid,
           crm.noted_until(s.closed_day, s.timezone, s.day_starts_at)
    FROM crm.venue_scoring AS s WHERE s.org_id = $1 AND s.venue_id = $2";

/// Venues kept per session; more than this are rarely at work in one.
const MOST: usize = 256;

/// A row of `crm.venue_scoring`.
pub(crate) struct VenueScoring {
    pub(crate) org_id: i32,
    pub(crate) venue_id: Uuid,
    pub(crate) venue_ref: String,
    /// Whether orders are counted as they change; else the backfill has yet to count the history.
    pub(crate) live: bool,
    pub(crate) timezone: String,
    pub(crate) day_starts_at: i64,
    pub(crate) rule: Rc<Rule>,
    /// A change of an order of this day or before must be noted for the night.
    noted_until: Option<Day>,
    /// The two instants asked for last and their days: an order is completed now, as a rule, and now is asked for often.
    days: Cell<[(i64, Day); 2]>,
    /// The day asked for last and when it begins and ends.
    bounds: Cell<Option<(Day, Option<DayBounds>)>>,
}

/// When a business day begins and when the next one does.
#[derive(Clone, Copy)]
pub(crate) struct DayBounds {
    pub(crate) opens: TimestampWithTimeZone,
    pub(crate) next_opens: TimestampWithTimeZone,
}

impl VenueScoring {
    pub(crate) fn local_time(&self) -> LocalTime<'_> {
        LocalTime { timezone: &self.timezone, day_starts_at: self.day_starts_at }
    }

    /// The business day an instant belongs to.
    pub(crate) fn day(&self, at: TimestampWithTimeZone) -> Day {
        let (instant, [newest, older]) = (at.into_inner(), self.days.get());
        if newest.0 == instant {
            return newest.1;
        }
        let day = if older.0 == instant { older.1 } else { self.local_time().day(at) };
        self.days.set([(instant, day), newest]);
        day
    }

    /// The business day of an order, where its change must be noted.
    pub(crate) fn noted_day_of(&self, completed_at: TimestampWithTimeZone) -> Option<Day> {
        let day = self.day(completed_at);
        self.noted_until.filter(|until| day <= *until).map(|_| day)
    }

    /// When a business day begins and ends, so that an instant's order with these bounds is its day's order with this
    /// day; `None` where the clocks change within hours of them, as the hand may then pass the boundary twice.
    pub(crate) fn bounds(&self, day: Day) -> Option<DayBounds> {
        if let Some((known, bounds)) = self.bounds.get()
            && known == day
        {
            return bounds;
        }
        let local = self.local_time();
        let bounds = local.steady_opening(day).zip(local.steady_opening(day.saturating_add(1)));
        let bounds = bounds.map(|(opens, next_opens)| DayBounds { opens, next_opens });
        self.bounds.set(Some((day, bounds)));
        bounds
    }
}

/// The rows read so far, and the table they came from.
#[derive(Default)]
struct Kept {
    by_ref: HashMap<String, Rc<VenueScoring>>,
    by_key: HashMap<(i32, [u8; 16]), Rc<VenueScoring>>,
    table: Option<pg_sys::Oid>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
    static REF_PLAN: LatestPlan = const { Cell::new(std::ptr::null_mut()) };
    static KEY_PLAN: LatestPlan = const { Cell::new(std::ptr::null_mut()) };
}

/// The scoring of the venue that the platform calls so.
pub(crate) fn by_ref(venue_ref: &str) -> Result<Option<Rc<VenueScoring>>, ErrorReport> {
    if let Some(venue) = KEPT.with_borrow(|kept| kept.by_ref.get(venue_ref).map(Rc::clone)) {
        return Ok(Some(venue));
    }
    read(&REF_PLAN, BY_REF, &[venue_ref.into()])
}

/// The scoring of a venue.
pub(crate) fn by_key(org_id: i32, venue_id: Uuid) -> Result<Option<Rc<VenueScoring>>, ErrorReport> {
    if let Some(venue) =
        KEPT.with_borrow(|kept| kept.by_key.get(&(org_id, *venue_id.as_bytes())).map(Rc::clone))
    {
        return Ok(Some(venue));
    }
    read(&KEY_PLAN, BY_KEY, &[org_id.into(), venue_id.into()])
}

/// Reads a row as it is now: a guest whom a REPEATABLE READ transaction is the first to write would keep the former rule's
/// scores until the next night.
fn read(
    plan: &'static LocalKey<LatestPlan>,
    query: &CStr,
    parameters: &[DatumWithOid<'_>],
) -> Result<Option<Rc<VenueScoring>>, ErrorReport> {
    let mut found = None;
    read_latest(plan, query, parameters, |row| {
        // SAFETY: the columns of both queries are of the types they are read as.
        found = unsafe { keep(row) }?;
        Ok(())
    })?;
    Ok(found)
}

/// Keeps a row of the columns that both queries name.
unsafe fn keep(row: &LatestRow) -> Result<Option<Rc<VenueScoring>>, ErrorReport> {
    // SAFETY: the types are those of the columns.
    let columns = unsafe {
        (
            row.get::<i32>(1),
            row.get::<Uuid>(2),
            row.get::<String>(3),
            row.get::<bool>(4),
            row.get::<String>(5),
            row.get::<Time>(6),
            row.get::<String>(7),
            row.get::<pg_sys::Oid>(8),
            row.get::<Date>(9),
        )
    };
    let (
        Some(org_id),
        Some(venue_id),
        Some(venue_ref),
        Some(live),
        Some(timezone),
        Some(opening),
        Some(text),
        table,
        noted_until,
    ) = columns
    else {
        return Ok(None);
    };
    let venue = Rc::new(VenueScoring {
        org_id,
        venue_id,
        venue_ref,
        live,
        timezone,
        day_starts_at: i64::from(opening),
        rule: rule(&text)?,
        noted_until: noted_until.map(|day| day.to_pg_epoch_days()),
        days: Cell::new([(i64::MIN, 0); 2]),
        bounds: Cell::new(None),
    });
    KEPT.with_borrow_mut(|kept| {
        if kept.by_key.len() >= MOST {
            kept.forget();
        }
        kept.table = table;
        kept.by_key.insert((org_id, *venue_id.as_bytes()), Rc::clone(&venue));
        kept.by_ref.insert(venue.venue_ref.clone(), Rc::clone(&venue));
    });
    Ok(Some(venue))
}

impl Kept {
    fn forget(&mut self) {
        self.by_ref.clear();
        self.by_key.clear();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    KEPT.with(|kept| {
        // Nothing here runs while the rows are borrowed: they are only ever borrowed to look one up or to add one.
        if let Ok(mut kept) = kept.try_borrow_mut()
            && (relation == pg_sys::InvalidOid || Some(relation) == kept.table)
        {
            kept.forget();
        }
    });
}

/// Has PostgreSQL tell this session of changes; runs when the library is loaded.
pub(crate) fn listen() {
    // SAFETY: registers a function that lives as long as the library, which is never unloaded; the argument is unused.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0)) }
}

/// Tells every session, at commit, that the scoring of a venue changed.
#[pg_trigger(
    sql = "CREATE FUNCTION crm.forget_scoring() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'forget_scoring_wrapper';"
)]
fn forget_scoring<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, PgTriggerError> {
    // SAFETY: takes the oid of the table that the trigger fires for, which is open.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(trigger.relid()?) };
    Ok(None::<PgHeapTuple<'a, AllocatedByRust>>)
}
