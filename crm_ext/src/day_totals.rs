//! What orders add up to per local day: an aggregate, since a time zone asked for every order, and a sort to tell guests
//! apart, cost more than reading the orders.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crm_core::scoring::{Day, LocalDays};
use pgrx::PgMemoryContexts;
use pgrx::datum::{Date, Internal, Time};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::cohort::aggregate_context;
use crate::local_time::{ManyDays, POSTGRES_EPOCH};
use crate::money;

#[derive(Default)]
struct Totals {
    /// 128 bits of hash each: that two guests of a day share one will not be seen.
    guests: HashSet<(u64, u64)>,
    orders: i32,
    hundredths: i64,
}

struct State {
    days: ManyDays,
    totals: BTreeMap<Day, Totals>,
}

fn fingerprint(text: &str) -> (u64, u64) {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        text.hash(&mut hasher);
        hasher.finish()
    };
    (half(0), half(1))
}

/// Transition of the aggregate `crm.day_totals`.
#[pg_extern(schema = "crm", sql = false)]
fn day_totals_add(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal, ErrorReport> {
    let context = aggregate_context(fcinfo)?;
    // SAFETY: sql/stats/day_totals.sql declares six arguments of these types: a state that only this function makes, then
    // text, numeric, timestamptz, text and time. A datum is read as its type only where it is not null.
    unsafe {
        let datum = |n: usize| {
            (!pgrx::fcinfo::pg_arg_is_null(fcinfo, n)).then(|| pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, n))
        };
        let text = |n: usize| datum(n).and_then(|datum| <&str>::from_datum(datum, false));
        let state = match datum(0) {
            Some(state) => state.cast_mut_ptr::<State>(),
            None => {
                let starts =
                    datum(5).and_then(|datum| Time::from_datum(datum, false)).unwrap_or(Time::ALLBALLS);
                let days = ManyDays::new(text(4).unwrap_or("UTC"), starts);
                PgMemoryContexts::For(context)
                    .leak_and_drop_on_delete(State { days, totals: BTreeMap::new() })
            }
        };
        if let (Some(customer), Some(total), Some(at)) = (text(1), datum(2), datum(3)) {
            let hundredths = money::hundredths(total)?;
            let State { days, totals } = &mut *state;
            let day = days.day((at.value() as i64).saturating_add(POSTGRES_EPOCH));
            let totals = totals.entry(day).or_default();
            totals.guests.insert(fingerprint(customer));
            totals.orders = totals.orders.saturating_add(1);
            totals.hundredths = totals.hundredths.saturating_add(hundredths);
        }
        Ok(Internal::from(Some(pg_sys::Datum::from(state))))
    }
}

/// End of the aggregate `crm.day_totals`: day, guests, orders and hundredths, day after day.
#[pg_extern(schema = "crm", sql = false)]
fn day_totals_end(state: Internal) -> Vec<i64> {
    // SAFETY: only day_totals_add makes such states.
    let state = unsafe { state.get::<State>() };
    state
        .into_iter()
        .flat_map(|state| &state.totals)
        .flat_map(|(day, totals)| {
            let guests = i64::try_from(totals.guests.len()).unwrap_or(i64::MAX);
            [i64::from(*day), guests, i64::from(totals.orders), totals.hundredths]
        })
        .collect()
}

/// The rows of what the aggregate gives.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn day_totals_rows(
    packed: Vec<i64>,
) -> TableIterator<'static, (name!(day, Date), name!(guests, i64), name!(orders, i64), name!(hundredths, i64))>
{
    let rows: Vec<_> = packed
        .as_chunks::<4>()
        .0
        .iter()
        .filter_map(|[day, guests, orders, hundredths]| {
            let day = i32::try_from(*day).ok().and_then(|day| Date::try_from(day).ok())?;
            Some((day, *guests, *orders, *hundredths))
        })
        .collect();
    TableIterator::new(rows)
}
