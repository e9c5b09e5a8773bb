//! The order path: one change of an order.
//!
//! The first change of a statement is added to its guest's totals at once, where its difference is exact: one kept
//! plan, one row by its key. What is not exact, and the further changes of the same statement, are collected and
//! settled together at the statement's end (`crm.settle_orders`), each guest once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use crate::collected::{self, Change};
use crate::guest_totals::columns;
use crate::money;
use crate::patience::within_lock_timeout;
use crate::plan::{internal, kept};
use crate::score_guest::BecauseOf;
use crate::segment_follow;
use crate::venue_scoring::{self, VenueScoring};

// The parameters of a difference are the guest's key, the order's total and completion, and when the business day of that
// begins and ends.

/// One order more, on the day of the last one or later.
const ADD: &str = concat!(
    "
    UPDATE crm.customer_venue_stats AS t
    SET total_orders = t.total_orders + 1,
        total_visits = t.total_visits + CASE WHEN t.last_order_at < $6 THEN 1 ELSE 0 END,
        total_spent = t.total_spent + $4, highest_order = GREATEST(t.highest_order, $4),
        first_order_at = LEAST(t.first_order_at, $5), last_order_at = GREATEST(t.last_order_at, $5)
    WHERE t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = $3 AND t.total_orders > 0
      AND t.recounted_in IS DISTINCT FROM pg_catalog.pg_current_xact_id()
      AND t.last_order_at < $7
    RETURNING ",
    columns!()
);

/// One order less, neither the first, the last nor the highest, on a day that keeps another order.
const RETRACT: &str = concat!(
    "
    UPDATE crm.customer_venue_stats AS t
    SET total_orders = t.total_orders - 1, total_spent = t.total_spent - $4
    WHERE t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = $3
      AND t.recounted_in IS DISTINCT FROM pg_catalog.pg_current_xact_id()
      AND $4 < t.highest_order AND t.first_order_at < $5 AND t.last_order_at > $5
      AND (t.first_order_at >= $6 OR t.last_order_at < $7)
    RETURNING ",
    columns!()
);

/// Another total of an order, which was not the highest or is it now. An order higher than all was never counted: the
/// platform changed it before its own trigger fired, which will count its first version.
const AMEND: &str = concat!(
    "
    UPDATE crm.customer_venue_stats AS t
    SET total_spent = t.total_spent - $4 + $5, highest_order = GREATEST(t.highest_order, $5)
    WHERE t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = $3
      AND t.recounted_in IS DISTINCT FROM pg_catalog.pg_current_xact_id()
      AND t.total_orders > 0 AND ($4 < t.highest_order OR ($4 = t.highest_order AND $5 >= $4))
    RETURNING ",
    columns!()
);

thread_local! {
    static ADD_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static RETRACT_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static AMEND_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    /// The statement that had its first change last. Where statements were sent as one and no trigger ended the former,
    /// the first change of the next one is collected too, which is slower and as good.
    static HAD_ITS_FIRST: Cell<Statement> = const { Cell::new((0, 0)) };
}

/// Whether the end of the statement has something to do, for its trigger, which must not need the library to ask.
static COLLECTED: GucSetting<bool> = GucSetting::<bool>::new(false);
/// Whether the platform's partitioned table announced the statement under way, whose own trigger will end it.
static ANNOUNCED: GucSetting<bool> = GucSetting::<bool>::new(false);
/// Whether the transaction has waited for a lock in vain.
static PUTS_OFF: GucSetting<bool> = GucSetting::<bool>::new(false);

pub(crate) fn define_settings() {
    for (name, description, setting) in [
        (c"crm.collected", c"Whether changes of orders wait for the end of the statement.", &COLLECTED),
        (c"crm.announced", c"Whether a statement on a partitioned table is under way.", &ANNOUNCED),
        (c"crm.puts_off", c"Whether changes of orders are left to the next repair.", &PUTS_OFF),
    ] {
        GucRegistry::define_bool_guc(
            name,
            description,
            c"Set by pg_crm for one transaction.",
            setting,
            GucContext::Suset,
            GucFlags::NO_SHOW_ALL | GucFlags::DISALLOW_IN_FILE,
        );
    }
}

fn set_for_transaction(name: &std::ffi::CStr, value: &std::ffi::CStr) {
    // SAFETY: both strings are NUL-terminated and outlive the call, which copies them; the setting was defined when
    // this library was loaded. It ends with the (sub)transaction, as what it stands for does.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// An order as it counts: with a guest, a total and a completion.
struct Version<'a> {
    venue_ref: &'a str,
    customer_ref: &'a str,
    total: AnyNumeric,
    completed_at: TimestampWithTimeZone,
    order_ref: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn counted(
        venue_ref: Option<&'a str>,
        customer_ref: Option<&'a str>,
        total: Option<AnyNumeric>,
        completed_at: Option<TimestampWithTimeZone>,
        order_ref: Option<&'a str>,
    ) -> Option<Self> {
        Some(Self {
            venue_ref: venue_ref?,
            customer_ref: customer_ref?,
            total: total?,
            completed_at: completed_at?,
            order_ref,
        })
    }

    fn same_guest(&self, other: &Self) -> bool {
        self.venue_ref == other.venue_ref && self.customer_ref == other.customer_ref
    }

    fn collect(&self, change: Change) -> Result<(), ErrorReport> {
        let noted_day =
            venue_scoring::by_ref(self.venue_ref)?.and_then(|venue| venue.noted_day_of(self.completed_at));
        if collected::add(self.venue_ref, self.customer_ref, change, noted_day, self.order_ref) {
            set_for_transaction(c"crm.collected", c"on");
        }
        Ok(())
    }
}

/// Follows one change of an order: the table it is in, its id, then venue, customer, net total and completion of the former
/// and of the new version, the total null where it does not count. Returns whether `crm.settle_orders` must be called
/// at once, because no trigger will do so at the end of the statement.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn take_order(
    table: pg_sys::Oid,
    order_ref: Option<&str>,
    old_venue: Option<&str>,
    old_customer: Option<&str>,
    old_total: Option<AnyNumeric>,
    old_completed_at: Option<TimestampWithTimeZone>,
    new_venue: Option<&str>,
    new_customer: Option<&str>,
    new_total: Option<AnyNumeric>,
    new_completed_at: Option<TimestampWithTimeZone>,
) -> Result<bool, ErrorReport> {
    let old = Version::counted(old_venue, old_customer, old_total, old_completed_at, order_ref);
    let new = Version::counted(new_venue, new_customer, new_total, new_completed_at, order_ref);
    if old.is_none() && new.is_none() {
        return Ok(false);
    }
    if PUTS_OFF.get() {
        return Err(ErrorReport::new(
            PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
            "an earlier change of this transaction waited long enough",
            "crm.take_order",
        ));
    }
    let settled_later = settled_at_end(table);
    let statement = statement_under_way();
    let at_once = HAD_ITS_FIRST.replace(statement) != statement || !settled_later;
    if at_once {
        within_lock_timeout(|| follow(old, new, true))?;
    } else {
        follow(old, new, false)?;
    }
    Ok(!settled_later && collected::any())
}

/// Adds what a change makes of its guests' totals, where it may be done at once and is exact; collects the rest.
fn follow(old: Option<Version<'_>>, new: Option<Version<'_>>, at_once: bool) -> Result<(), ErrorReport> {
    match (old, new) {
        (Some(old), Some(new)) if old.same_guest(&new) && old.completed_at == new.completed_at => {
            if old.total != new.total && !(at_once && amended(&old, &new)?) {
                new.collect(Change::Reread)?;
            }
        }
        (old, new) => {
            if let Some(old) = old
                && !(at_once && applied(&RETRACT_PLAN, RETRACT, &old)?)
            {
                old.collect(Change::Reread)?;
            }
            if let Some(new) = new
                && !(at_once && applied(&ADD_PLAN, ADD, &new)?)
            {
                new.collect(if at_once {
                    Change::Reread // it was tried
                } else {
                    let total = money::hundredths_in(new.total.clone())?;
                    Change::Add { total, completed_at: new.completed_at }
                })?;
            }
        }
    }
    Ok(())
}

/// A transaction, and when the client sent the statement under way. Statements of one function, or sent as one, share it.
type Statement = (u32, i64);

fn statement_under_way() -> Statement {
    // SAFETY: both read numbers of this session; a transaction that changes an order, or is to, has a number.
    unsafe { (pg_sys::GetTopTransactionId().into_inner(), pg_sys::GetCurrentStatementStartTimestamp()) }
}

/// Whether the statement's own trigger will fire after those of its rows: not for what a subscription applies, nor for
/// a statement that names a partition.
fn settled_at_end(table: pg_sys::Oid) -> bool {
    // SAFETY: reads a plain integer of this session.
    if unsafe { pg_sys::SessionReplicationRole } == SESSION_REPLICATION_ROLE_REPLICA {
        return false;
    }
    // SAFETY: looks the oid up in the catalog; false for one that is not there.
    ANNOUNCED.get() || !unsafe { pg_sys::get_rel_relispartition(table) }
}

const SESSION_REPLICATION_ROLE_REPLICA: i32 = pg_sys::SESSION_REPLICATION_ROLE_REPLICA as i32;

/// The venue of an order, where its difference may be applied: a change of a closed day must be noted as well.
fn open_venue(order: &Version<'_>) -> Result<Option<Rc<VenueScoring>>, ErrorReport> {
    let venue = venue_scoring::by_ref(order.venue_ref)?;
    Ok(venue.filter(|venue| venue.live && venue.noted_day_of(order.completed_at).is_none()))
}

fn guest_of(version: &Version<'_>) -> Uuid {
    Uuid::from_bytes(*crm_core::key::key(version.customer_ref).as_bytes())
}

fn applied(
    plan: &'static std::thread::LocalKey<RefCell<Option<OwnedPreparedStatement>>>,
    statement: &str,
    order: &Version<'_>,
) -> Result<bool, ErrorReport> {
    let Some(venue) = open_venue(order)? else {
        return Ok(false);
    };
    let Some(bounds) = venue.bounds(venue.day(order.completed_at)) else {
        return Ok(false);
    };
    let parameters: [DatumWithOid<'_>; 7] = [
        venue.org_id.into(),
        venue.venue_id.into(),
        guest_of(order).into(),
        order.total.clone().into(),
        order.completed_at.into(),
        bounds.opens.into(),
        bounds.next_opens.into(),
    ];
    written(plan, statement, &parameters, &venue, order)
}

/// Writes a guest's totals, and has his segments follow; returns whether a row was written.
fn written(
    plan: &'static std::thread::LocalKey<RefCell<Option<OwnedPreparedStatement>>>,
    statement: &str,
    parameters: &[DatumWithOid<'_>],
    venue: &VenueScoring,
    order: &Version<'_>,
) -> Result<bool, ErrorReport> {
    Spi::connect_mut(|client| {
        let rows = plan.with_borrow_mut(|plan| {
            let types: Vec<PgOid> = parameters.iter().map(|value| PgOid::from(value.oid())).collect();
            let plan = kept(plan, client, statement, &types)?;
            let _cause = BecauseOf::order(order.order_ref);
            client.update(plan, None, parameters).map_err(internal)
        })?;
        let written = rows.len() == 1;
        if written {
            segment_follow::after_totals(venue.org_id, venue.venue_id, order.order_ref, &rows.first())?;
        }
        Ok(written)
    })
}

fn amended(old: &Version<'_>, new: &Version<'_>) -> Result<bool, ErrorReport> {
    let Some(venue) = open_venue(new)? else {
        return Ok(false);
    };
    let parameters: [DatumWithOid<'_>; 5] = [
        venue.org_id.into(),
        venue.venue_id.into(),
        guest_of(new).into(),
        old.total.clone().into(),
        new.total.clone().into(),
    ];
    written(&AMEND_PLAN, AMEND, &parameters, &venue, new)
}

/// Announces a statement on the platform's partitioned table, whose end will settle what its rows leave.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn announce_statement() {
    set_for_transaction(c"crm.announced", c"on");
    set_for_transaction(c"crm.collected", c"on");
}

/// Ends a statement; returns whether changes are left to be settled.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn end_statement() -> bool {
    HAD_ITS_FIRST.set((0, 0));
    if ANNOUNCED.get() {
        set_for_transaction(c"crm.announced", c"off");
    }
    let left = collected::any();
    if !left {
        set_for_transaction(c"crm.collected", c"off");
    }
    left
}

/// Forgets the collected changes, once they are settled or recorded as put off.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn forget_collected() {
    collected::forget();
    set_for_transaction(c"crm.collected", c"off");
}

/// Leaves the further changes of this transaction to the next repair.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn put_off() {
    set_for_transaction(c"crm.puts_off", c"on");
}
