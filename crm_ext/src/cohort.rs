//! All guests of a venue in one pass: an aggregate that packs them, and what the night asks of the packed form.

use std::collections::HashMap;

use crm_core::scoring::{Cohort, Label, LocalDays, Member, Rating};
use pgrx::PgMemoryContexts;
use pgrx::datum::{Date, Internal, Time, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::local_time::{LocalTime, ManyDays, POSTGRES_EPOCH};
use crate::money;
use crate::scoring::{instant, rule, unix_micros};

/// What fits into one bytea.
const MOST_BYTES: usize = (1 << 30) - 1024;

fn refuse(code: PgSqlErrorCode, message: &str) -> ErrorReport {
    ErrorReport::new(code, message.to_owned(), "crm.cohort")
}

/// Transition of the aggregate `crm.cohort`. Its arguments are read as they lie: it runs for every guest of a venue, and
/// pgrx's conversions would cost more than all else.
#[pg_extern(schema = "crm", sql = false)]
fn cohort_add(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal, ErrorReport> {
    let mut context: pg_sys::MemoryContext = std::ptr::null_mut();
    // SAFETY: PostgreSQL calls this with a valid fcinfo, and the context is only written to.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        return Err(refuse(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "crm.cohort_add is part of an aggregate",
        ));
    }
    // SAFETY: sql/stats/cohort.sql declares twelve arguments of these types: a state that only this function makes,
    // then uuid, integer, integer, numeric, two timestamptz, three smallint, text and timestamptz. A datum is read as its
    // type only where it is not null.
    let (state, member) = unsafe {
        let datum = |n: usize| {
            (!pgrx::fcinfo::pg_arg_is_null(fcinfo, n)).then(|| pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, n))
        };
        let micros = |n: usize| datum(n).map(|datum| (datum.value() as i64).saturating_add(POSTGRES_EPOCH));
        let score =
            |n: usize| datum(n).map_or(0, |datum| u8::try_from(datum.value() as i16).unwrap_or(u8::MAX));
        let state = match datum(0) {
            Some(state) => state.cast_mut_ptr::<Vec<u8>>(),
            None => PgMemoryContexts::For(context).leak_and_drop_on_delete(Vec::<u8>::new()),
        };
        let key = datum(1).map_or([0; 16], |datum| *datum.cast_mut_ptr::<[u8; 16]>());
        let (first, last) = (micros(5), micros(6));
        let complete = first.is_some() && last.is_some();
        let member = Member {
            key,
            total_orders: datum(2).filter(|_| complete).map_or(0, |datum| datum.value() as i32),
            total_visits: datum(3).map_or(0, |datum| datum.value() as i32),
            total_spent: datum(4).map_or(Ok(0), |datum| money::hundredths(datum))?,
            first_order_at: first.unwrap_or_default(),
            last_order_at: last.unwrap_or_default(),
            stored: Rating {
                scores: [score(7), score(8), score(9)],
                label: datum(10).and_then(|datum| <&str>::from_datum(datum, false)).and_then(Label::of_name),
                next_label_at: micros(11),
            },
        };
        (state, member)
    };
    // SAFETY: made above or in a former call, it lives as long as the aggregate's context, and nobody else holds it.
    let packed = unsafe { &mut *state };
    if packed.len() > MOST_BYTES {
        return Err(refuse(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "more guests than one pass over a venue can hold",
        ));
    }
    member.pack(packed);
    Ok(Internal::from(Some(pg_sys::Datum::from(state))))
}

/// End of the aggregate `crm.cohort`.
#[pg_extern(schema = "crm", sql = false)]
fn cohort_end(state: Internal) -> Vec<u8> {
    // SAFETY: only cohort_add makes such states.
    unsafe { state.get::<Vec<u8>>() }.cloned().unwrap_or_default()
}

fn cohort(packed: &[u8]) -> Result<Cohort<'_>, ErrorReport> {
    Cohort::new(packed)
        .ok_or_else(|| refuse(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "not a packed cohort"))
}

/// Counted orders and spend, in hundredths, of all guests of a packed cohort.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn cohort_totals(
    packed: &[u8],
) -> Result<TableIterator<'static, (name!(orders, i64), name!(spent, AnyNumeric))>, ErrorReport> {
    let (orders, spent) = cohort(packed)?.totals();
    Ok(TableIterator::once((orders, AnyNumeric::from(spent))))
}

/// Cut points and medians of a packed cohort; money in hundredths.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn cohort_summary(
    packed: &[u8],
    regular_visits: i32,
) -> Result<
    TableIterator<
        'static,
        (
            name!(cohort_size, i64),
            name!(recency_cuts, Option<Vec<TimestampWithTimeZone>>),
            name!(frequency_cuts, Option<Vec<i64>>),
            name!(monetary_cuts, Option<Vec<i64>>),
            name!(regulars, i64),
            name!(median_regular_visits, Option<i64>),
            name!(median_regular_spent, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let summary = cohort(packed)?.summary(regular_visits);
    let recency_cuts = summary
        .recency_cuts
        .map(|cuts| cuts.into_iter().map(|cut| instant(cut - POSTGRES_EPOCH)).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(TableIterator::once((
        count(summary.size),
        recency_cuts,
        summary.frequency_cuts.map(Into::into),
        summary.monetary_cuts.map(Into::into),
        count(summary.regulars),
        summary.median_regular_visits,
        summary.median_regular_spent,
    )))
}

/// Guests of a packed cohort whose stored scores, label or next change differ under a rule, in the order of their keys.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_differing(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    as_of: TimestampWithTimeZone,
) -> Result<Vec<pgrx::Uuid>, ErrorReport> {
    let differing = differing(packed, rule_text, timezone, day_starts_at, as_of)?;
    Ok(differing.into_iter().map(|(key, _)| pgrx::Uuid::from_bytes(key)).collect())
}

/// The same guests with the scores, label and next change they should have.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn cohort_ratings(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    as_of: TimestampWithTimeZone,
) -> Result<
    TableIterator<
        'static,
        (
            name!(customer_id, pgrx::Uuid),
            name!(recency_score, Option<i16>),
            name!(frequency_score, Option<i16>),
            name!(monetary_score, Option<i16>),
            name!(label, &'static str),
            name!(next_label_at, Option<TimestampWithTimeZone>),
        ),
    >,
    ErrorReport,
> {
    let score = |score: u8| (score > 0).then_some(i16::from(score));
    let rows = differing(packed, rule_text, timezone, day_starts_at, as_of)?
        .into_iter()
        .map(|(key, rating)| {
            let next_label_at = rating.next_label_at.map(|at| instant(at - POSTGRES_EPOCH)).transpose()?;
            let [recency, frequency, monetary] = rating.scores.map(score);
            let label = rating.label.unwrap_or(Label::Inactive).name();
            Ok((pgrx::Uuid::from_bytes(key), recency, frequency, monetary, label, next_label_at))
        })
        .collect::<Result<Vec<_>, ErrorReport>>()?;
    Ok(TableIterator::new(rows))
}

fn differing(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    as_of: TimestampWithTimeZone,
) -> Result<Vec<([u8; 16], Rating)>, ErrorReport> {
    let days = ManyDays::new(LocalTime { timezone, day_starts_at: day_starts_at.into() });
    let today = days.day(unix_micros(as_of));
    Ok(cohort(packed)?.differing(&*rule(rule_text)?, today, &days))
}

/// Guests of a packed cohort per label under a rule, on a day.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_labels(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    today: Date,
) -> Result<Vec<i32>, ErrorReport> {
    let days = ManyDays::new(LocalTime { timezone, day_starts_at: day_starts_at.into() });
    Ok(cohort(packed)?.labels(&*rule(rule_text)?, today.to_pg_epoch_days(), &days).into())
}

/// How many guests of a packed cohort had their first counted order on each of some days.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_first_days(
    packed: &[u8],
    timezone: &str,
    day_starts_at: Time,
    of_days: Vec<Date>,
) -> Result<Vec<i32>, ErrorReport> {
    let days = ManyDays::new(LocalTime { timezone, day_starts_at: day_starts_at.into() });
    let wanted: Vec<_> = of_days.iter().map(Date::to_pg_epoch_days).collect();
    let mut counts = HashMap::with_capacity(wanted.len());
    counts.extend(wanted.iter().map(|day| (*day, 0)));
    for day in cohort(packed)?.first_days(&days) {
        if let Some(count) = counts.get_mut(&day) {
            *count += 1;
        }
    }
    Ok(wanted.iter().map(|day| counts[day]).collect())
}
