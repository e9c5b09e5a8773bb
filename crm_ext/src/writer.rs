//! The order path: one more order added to a guest's totals.
//!
//! Two kept plans, one to lock and read the guest's row and one to write it, and everything between them
//! computed here: a single statement that scores in its SET list spends three times as long setting up its
//! expressions as running them.

use std::cell::RefCell;

use crm_core::scoring::{Day, Guest, next_change};
use pgrx::datum::{Date, DatumWithOid, Time, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiError};

use crate::local_time::LocalTime;
use crate::scoring::{rule, unix_micros};

const READ: &str = "
    SELECT t.total_orders, t.total_visits, (t.total_spent * 100)::bigint, t.first_order_at, t.last_order_at,
           s.rule, s.timezone, s.day_starts_at, t.org_id, t.venue_id, crm.now(), s.closed_day
    FROM crm.venue_scoring AS s
    JOIN crm.customer_venue_stats AS t ON t.org_id = s.org_id AND t.venue_id = s.venue_id
    WHERE s.ref = $1 AND s.counting = 'live' AND t.customer_id = $2
      AND t.total_orders > 0
      AND t.recounted_in IS DISTINCT FROM pg_catalog.pg_current_xact_id()
    FOR UPDATE OF t";

const WRITE: &str = "
    UPDATE crm.customer_venue_stats
    SET total_orders = $4, total_visits = $5, total_spent = total_spent + $6, highest_order = GREATEST(highest_order, $6),
        first_order_at = $7, last_order_at = $8,
        recency_score = $9, frequency_score = $10, monetary_score = $11, label = $12, next_label_at = $13,
        previous_label = CASE WHEN label <> $12 THEN label ELSE previous_label END,
        label_changed_at = CASE WHEN label <> $12 THEN $14 ELSE label_changed_at END
    WHERE org_id = $1 AND venue_id = $2 AND customer_id = $3";

thread_local! {
    static READ_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static WRITE_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

/// Makes a plan at its first use in a session and keeps it.
fn kept<'a>(
    slot: &'a mut Option<OwnedPreparedStatement>,
    client: &SpiClient<'_>,
    query: &str,
    types: &[PgOid],
) -> Result<&'a OwnedPreparedStatement, SpiError> {
    if slot.is_none() {
        *slot = Some(client.prepare_mut(query, types)?.keep());
    }
    slot.as_ref().ok_or(SpiError::PreparedStatementArgumentMismatch { expected: types.len(), got: 0 })
}

fn internal(error: SpiError) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string(), "crm.add_order")
}

/// Adds an order to its guest's row where its difference is exact: the venue's orders are counted as they change, the
/// guest has counted orders, none of them on a later day, and was not re-read in this transaction. Returns whether it
/// was added; an order that lacks a customer, a total or a completion is not.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn add_order(
    venue_ref: Option<&str>,
    customer_ref: Option<&str>,
    order_total: Option<AnyNumeric>,
    completed_at: Option<TimestampWithTimeZone>,
) -> Result<bool, ErrorReport> {
    let (Some(venue_ref), Some(customer_ref), Some(order_total), Some(completed_at)) =
        (venue_ref, customer_ref, order_total, completed_at)
    else {
        return Ok(false);
    };
    let customer_id = pgrx::Uuid::from_bytes(*crm_core::key::key(customer_ref).as_bytes());
    let total_hundredths = i64::try_from(order_total.clone() * AnyNumeric::from(100)).map_err(|_| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            "order total out of range",
            "crm.add_order",
        )
    })?;
    let uuid = PgOid::BuiltIn(PgBuiltInOids::UUIDOID);
    let int4 = PgOid::BuiltIn(PgBuiltInOids::INT4OID);
    let int2 = PgOid::BuiltIn(PgBuiltInOids::INT2OID);
    let instant = PgOid::BuiltIn(PgBuiltInOids::TIMESTAMPTZOID);
    let numeric = PgOid::BuiltIn(PgBuiltInOids::NUMERICOID);
    let text = PgOid::BuiltIn(PgBuiltInOids::TEXTOID);

    Spi::connect_mut(|client| {
        let found = READ_PLAN.with_borrow_mut(|plan| -> Result<_, ErrorReport> {
            let plan = kept(plan, client, READ, &[text, uuid]).map_err(internal)?;
            let row = client
                .update(plan, Some(1), &[venue_ref.into(), customer_id.into()])
                .map_err(internal)?
                .first();
            if row.is_empty() {
                return Ok(None);
            }
            Ok(Some((
                row.get::<i32>(1).map_err(internal)?.unwrap_or_default(),
                row.get::<i32>(2).map_err(internal)?.unwrap_or_default(),
                row.get::<i64>(3).map_err(internal)?.unwrap_or_default(),
                row.get::<TimestampWithTimeZone>(4).map_err(internal)?,
                row.get::<TimestampWithTimeZone>(5).map_err(internal)?,
                row.get::<String>(6).map_err(internal)?.unwrap_or_default(),
                row.get::<String>(7).map_err(internal)?.unwrap_or_default(),
                row.get::<Time>(8).map_err(internal)?.map_or(0, i64::from),
                row.get::<i32>(9).map_err(internal)?,
                row.get::<pgrx::Uuid>(10).map_err(internal)?,
                row.get::<TimestampWithTimeZone>(11).map_err(internal)?,
                row.get::<Date>(12).map_err(internal)?.map_or(Day::MIN, |day| day.to_pg_epoch_days()),
            )))
        })?;
        let Some((
            orders,
            visits,
            spent,
            Some(first_at),
            Some(last_at),
            rule_text,
            timezone,
            day_starts_at,
            Some(org_id),
            Some(venue_id),
            Some(as_of),
            closed_day,
        )) = found
        else {
            return Ok(false);
        };
        let local = LocalTime { timezone: &timezone, day_starts_at };
        let (order_day, former_last_day) = (local.day(completed_at), local.day(last_at));
        // An order of a closed day must be noted for the night, which is not done here.
        if order_day < former_last_day || order_day <= closed_day {
            return Ok(false);
        }

        let first_at = if completed_at < first_at { completed_at } else { first_at };
        let last_at = if completed_at > last_at { completed_at } else { last_at };
        let guest = Guest {
            total_orders: orders + 1,
            total_visits: visits + i32::from(order_day > former_last_day),
            total_spent: spent + total_hundredths,
            first_day: local.day(first_at),
            last_day: order_day,
            last_order_at: unix_micros(last_at),
        };
        let today = local.day(as_of);
        let rule = rule(&rule_text)?;
        let next_label_at = next_change(&rule, &guest, today).and_then(|day| local.opening(day));

        WRITE_PLAN.with_borrow_mut(|plan| {
            let plan = kept(
                plan,
                client,
                WRITE,
                &[
                    int4, uuid, uuid, int4, int4, numeric, instant, instant, int2, int2, int2, text, instant,
                    instant,
                ],
            )
            .map_err(internal)?;
            let values: [DatumWithOid<'_>; 14] = [
                org_id.into(),
                venue_id.into(),
                customer_id.into(),
                guest.total_orders.into(),
                guest.total_visits.into(),
                order_total.into(),
                first_at.into(),
                last_at.into(),
                rule.recency_score(guest.last_day, guest.last_order_at, today).into(),
                rule.frequency_score(guest.total_visits).into(),
                rule.monetary_score(guest.total_visits, guest.total_spent).into(),
                rule.label(&guest, today).name().into(),
                next_label_at.into(),
                as_of.into(),
            ];
            client.update(plan, None, &values).map_err(internal)?;
            Ok(true)
        })
    })
}
