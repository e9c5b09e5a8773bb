//! Scores, label and the time of their next change: written by one trigger of `crm.customer_venue_stats`, whoever
//! writes the totals, so that no row can hold scores that do not follow from its totals.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};

use crm_core::scoring::{Guest, Label, next_change};
use pgrx::datum::{TimestampWithTimeZone, UnboxDatum, Uuid};
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;
use pgrx::tupdesc::PgTupleDesc;
use pgrx::{AllocatedByPostgres, IntoDatum, WhoAllocated};

use crate::clock;
use crate::collected;
use crate::money;
use crate::outbox;
use crate::plan::{internal, kept};
use crate::scoring::unix_micros;
use crate::venue_scoring::{self, VenueScoring};

/// The ledger and the outbox.
const RECORD_CHANGE: &str = "
    WITH recorded AS (
      INSERT INTO crm.label_change (org_id, venue_id, customer_id, changed_at, from_label, to_label, labelled_at, cause, order_ref)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))
    INSERT INTO crm.outbox (org_id, topic, payload, occurred_at)
    VALUES ($1, 'customer.label', $10::pg_catalog.jsonb, $4)";

thread_local! {
    static RECORD_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static COLUMNS: Cell<Option<(pg_sys::Oid, usize, Columns)>> = const { Cell::new(None) };
    static ORDER: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While it lives, labels change because of one order.
pub(crate) struct BecauseOf(());

impl BecauseOf {
    pub(crate) fn order(order_ref: Option<&str>) -> Self {
        ORDER.set(order_ref.map(str::to_owned));
        Self(())
    }
}

impl Drop for BecauseOf {
    fn drop(&mut self) {
        ORDER.set(None);
    }
}

/// Why a guest's label changes, and the platform's id of the order that caused it: one under way, the last that was
/// collected for him, or none where the setting `crm.cause` names something else.
fn cause(customer_id: Uuid) -> (&'static str, Option<String>) {
    if let Some(order) = ORDER.with_borrow(Clone::clone) {
        return ("order", Some(order));
    }
    // SAFETY: the name is NUL-terminated; a missing setting gives a null pointer, and the text of one that is there is
    // compared before anything else can change it.
    let setting = unsafe {
        let value = pg_sys::GetConfigOption(c"crm.cause".as_ptr(), true, false);
        if value.is_null() { c"" } else { CStr::from_ptr(value) }
    };
    match ["night", "time", "merge", "objection"]
        .into_iter()
        .find(|cause| cause.as_bytes() == setting.to_bytes())
    {
        Some(cause) => (cause, None),
        None => ("order", collected::last_order(customer_id)),
    }
}

/// Where the table has its columns.
#[derive(Clone, Copy)]
struct Columns {
    org_id: usize,
    venue_id: usize,
    customer_id: usize,
    total_orders: usize,
    total_visits: usize,
    total_spent: usize,
    first_order_at: usize,
    last_order_at: usize,
    label: usize,
    previous_label: usize,
    label_changed_at: usize,
    listed: usize,
    profiled: usize,
    /// recency_score, frequency_score, monetary_score, label, next_label_at, listed, previous_label, label_changed_at
    written: [c_int; 8],
}

type Row<'a> = PgHeapTuple<'a, AllocatedByPostgres>;

/// Looked up by name once for a form of the table: a dropped column keeps its place, so a table of as many columns has
/// the same.
fn columns(table: pg_sys::Oid, row: &Row<'_>) -> Result<Columns, ErrorReport> {
    if let Some((known, count, columns)) = COLUMNS.get()
        && known == table
        && count == row.len()
    {
        return Ok(columns);
    }
    let place = |name: &str| {
        row.get_attribute_by_name(name).map(|(number, _)| number.get()).ok_or_else(|| {
            ErrorReport::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("crm.customer_venue_stats has no column \"{name}\""),
                "crm.score_guest",
            )
        })
    };
    let written = |name: &str| place(name).map(|number| c_int::try_from(number).unwrap_or_default());
    let columns = Columns {
        org_id: place("org_id")?,
        venue_id: place("venue_id")?,
        customer_id: place("customer_id")?,
        total_orders: place("total_orders")?,
        total_visits: place("total_visits")?,
        total_spent: place("total_spent")?,
        first_order_at: place("first_order_at")?,
        last_order_at: place("last_order_at")?,
        label: place("label")?,
        previous_label: place("previous_label")?,
        label_changed_at: place("label_changed_at")?,
        listed: place("listed")?,
        profiled: place("profiled")?,
        written: [
            written("recency_score")?,
            written("frequency_score")?,
            written("monetary_score")?,
            written("label")?,
            written("next_label_at")?,
            written("listed")?,
            written("previous_label")?,
            written("label_changed_at")?,
        ],
    };
    COLUMNS.set(Some((table, row.len(), columns)));
    Ok(columns)
}

fn value<'row, T>(row: &'row Row<'_>, column: usize) -> Result<Option<T>, ErrorReport>
where
    T: FromDatum + IntoDatum + UnboxDatum<As<'row> = T> + 'row,
{
    let Some(column) = std::num::NonZeroUsize::new(column) else {
        return Ok(None);
    };
    row.get_by_index(column).map_err(|error| {
        ErrorReport::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, error.to_string(), "crm.score_guest")
    })
}

fn guest(venue: &VenueScoring, row: &Row<'_>, at: &Columns) -> Result<Option<Guest>, ErrorReport> {
    let (Some(total_orders), Some(total_visits), Some(spent), Some(first_at), Some(last_at)) = (
        value::<i32>(row, at.total_orders)?.filter(|orders| *orders > 0),
        value::<i32>(row, at.total_visits)?,
        value::<AnyNumeric>(row, at.total_spent)?,
        value::<TimestampWithTimeZone>(row, at.first_order_at)?,
        value::<TimestampWithTimeZone>(row, at.last_order_at)?,
    ) else {
        return Ok(None);
    };
    Ok(Some(Guest {
        total_orders,
        total_visits,
        total_spent: money::hundredths_in(spent)?,
        first_day: venue.day(first_at),
        last_day: venue.day(last_at),
        last_order_at: unix_micros(last_at),
    }))
}

/// Whether totals differ in what lists of guests sort and filter by; the first comparison decides for almost every order.
fn totals_differ(old: &Row<'_>, new: &Row<'_>, at: &Columns) -> Result<bool, ErrorReport> {
    let spent = |row| value::<AnyNumeric>(row, at.total_spent)?.map(money::hundredths_in).transpose();
    Ok(value::<i32>(old, at.total_orders)? != value::<i32>(new, at.total_orders)?
        || value::<i32>(old, at.total_visits)? != value::<i32>(new, at.total_visits)?
        || value::<TimestampWithTimeZone>(old, at.last_order_at)?
            != value::<TimestampWithTimeZone>(new, at.last_order_at)?
        || spent(old)? != spent(new)?)
}

/// Fills what follows from the totals, records a change of the label, and marks the row as not listed where lists of guests
/// do not know it as it is now.
#[pg_trigger(
    sql = "CREATE FUNCTION crm.score_guest() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'score_guest_wrapper';"
)]
fn score_guest<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, ErrorReport> {
    let data = trigger.trigger_data();
    let Some(row) = trigger.new() else {
        return Err(ErrorReport::new(
            PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "crm.score_guest fires before a row of crm.customer_venue_stats is inserted or updated",
            "crm.score_guest",
        ));
    };
    // SAFETY: the relation of a trigger that fires is open.
    let table = unsafe { (*data.tg_relation).rd_id };
    let at = columns(table, &row)?;
    let old = trigger.old();
    let listed = value::<bool>(&row, at.listed)? == Some(true);
    let moved = match &old {
        Some(old) if listed => totals_differ(old, &row, &at)?,
        _ => true,
    };
    // What only marks a row as listed leaves its scores alone: the lists have been given this label.
    if let Some(old) = &old
        && !moved
        && value::<bool>(old, at.listed)? == Some(false)
    {
        return Ok(Some(row));
    }
    let (Some(org_id), Some(venue_id), Some(customer_id)) = (
        value::<i32>(&row, at.org_id)?,
        value::<Uuid>(&row, at.venue_id)?,
        value::<Uuid>(&row, at.customer_id)?,
    ) else {
        return Ok(Some(row)); // the NOT NULL constraints say it better
    };
    let venue = venue_scoring::by_key(org_id, venue_id)?.ok_or_else(|| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION,
            format!("venue {venue_id} has no scoring"),
            "crm.score_guest",
        )
    })?;
    let as_of = clock::now()?;
    let today = venue.day(as_of);
    let guest = guest(&venue, &row, &at)?;

    // Who objects to profiling has totals, and nothing that follows from them.
    let profiled = value::<bool>(&row, at.profiled)? != Some(false);
    let rated = guest.as_ref().filter(|_| profiled);
    let scores = rated.and_then(|guest| venue.rule.scores(guest, today));
    let label = profiled
        .then(|| rated.map_or(Label::Inactive, |guest| venue.rule.label(guest, today)))
        .map(|label| label.name());
    let next = rated
        .and_then(|guest| next_change(&venue.rule, guest, today))
        .and_then(|day| venue.local_time().opening(day));
    let former = match &old {
        Some(old) => value::<String>(old, at.label)?,
        None => None,
    };
    let same = old.is_some() && former.as_deref() == label;
    let changed_from = former.as_deref().filter(|_| !same);

    let values = [
        scores.and_then(|s| s.recency.into_datum()),
        scores.and_then(|s| s.frequency.into_datum()),
        scores.and_then(|s| s.monetary.into_datum()),
        label.into_datum(),
        next.into_datum(),
        (!moved && same).into_datum(),
        // A label got anew after none is a first one again.
        changed_from.filter(|_| profiled).into_datum(),
        as_of.into_datum(),
    ];
    let mut nulls = values.map(|value| value.is_none());
    let mut values = values.map(|value| value.unwrap_or(pg_sys::Datum::from(0)));
    let mut written = at.written;
    // A label that stays keeps its history; a new row's starts now.
    let count = if same { 6 } else { 8 };
    if let (Some(former), Some(old)) = (changed_from, &old) {
        let labelled_at = match value::<String>(old, at.previous_label)? {
            Some(_) => None,
            None => value::<TimestampWithTimeZone>(old, at.label_changed_at)?,
        };
        let (cause, order_ref) = cause(customer_id);
        let change = outbox::label(customer_id, former, label, order_ref.as_deref());
        let payload = outbox::payload(venue_id, cause, &[change]);
        Spi::connect_mut(|client| {
            RECORD_PLAN.with_borrow_mut(|plan| {
                let types = [
                    PgBuiltInOids::INT4OID,
                    PgBuiltInOids::UUIDOID,
                    PgBuiltInOids::UUIDOID,
                    PgBuiltInOids::TIMESTAMPTZOID,
                    PgBuiltInOids::TEXTOID,
                    PgBuiltInOids::TEXTOID,
                    PgBuiltInOids::TIMESTAMPTZOID,
                    PgBuiltInOids::TEXTOID,
                    PgBuiltInOids::TEXTOID,
                    PgBuiltInOids::TEXTOID,
                ]
                .map(PgOid::BuiltIn);
                let plan = kept(plan, client, RECORD_CHANGE, &types)?;
                let parameters = [
                    org_id.into(),
                    venue_id.into(),
                    customer_id.into(),
                    as_of.into(),
                    former.into(),
                    label.into(),
                    labelled_at.into(),
                    cause.into(),
                    order_ref.as_deref().into(),
                    payload.into(),
                ];
                client.update(plan, None, &parameters).map_err(internal).map(|_| ())
            })
        })?;
    }
    // SAFETY: the row and its descriptor are the trigger's own; the columns were looked up in that descriptor, and the
    // first `count` entries of each array are a column, its value and whether it is null. The values are of the
    // columns' types and copied into the new tuple.
    unsafe {
        let descriptor = (*data.tg_relation).rd_att;
        let tuple = pg_sys::heap_modify_tuple_by_cols(
            row.into_pg(),
            descriptor,
            count,
            written.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        Ok(Some(PgHeapTuple::from_heap_tuple(PgTupleDesc::from_pg_unchecked(descriptor), tuple)))
    }
}
