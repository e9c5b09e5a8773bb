//! All guests of a venue in one pass: an aggregate that packs them, and what the night asks of the packed form.

use std::collections::HashMap;

use crm_core::scoring::{Cohort, Label, LocalDays, Member, Rating};
use pgrx::PgMemoryContexts;
use pgrx::datum::{Date, Internal, Time, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::local_time::{ManyDays, POSTGRES_EPOCH};
use crate::money;
use crate::scoring::{instant, rule, unix_micros};

/// What fits into one bytea.
const MOST_BYTES: usize = (1 << 30) - 1024;

fn refuse(code: PgSqlErrorCode, message: &str) -> ErrorReport {
    ErrorReport::new(code, message.to_owned(), "crm.cohort")
}

/// The memory of an aggregate's state.
pub(crate) fn aggregate_context(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<pg_sys::MemoryContext, ErrorReport> {
    let mut context: pg_sys::MemoryContext = std::ptr::null_mut();
    // SAFETY: PostgreSQL calls transitions with a valid fcinfo, and the context is only written to.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        return Err(refuse(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the transition of an aggregate is no function of its own",
        ));
    }
    Ok(context)
}

/// In the place of the label of a guest who is not profiled.
const UNPROFILED: &str = "-";

/// Transition of the aggregate `crm.cohort`. Its arguments are read as they lie: it runs for every guest of a venue, and
/// pgrx's conversions would cost more than all else.
#[pg_extern(schema = "crm", sql = false)]
fn cohort_add(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal, ErrorReport> {
    let context = aggregate_context(fcinfo)?;
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
        let label = datum(10).and_then(|datum| <&str>::from_datum(datum, false));
        let member = Member {
            key,
            total_orders: datum(2).filter(|_| complete).map_or(0, |datum| datum.value() as i32),
            total_visits: datum(3).map_or(0, |datum| datum.value() as i32),
            total_spent: datum(4).map_or(Ok(0), |datum| money::hundredths(datum))?,
            first_order_at: first.unwrap_or_default(),
            last_order_at: last.unwrap_or_default(),
            profiled: label != Some(UNPROFILED),
            stored: Rating {
                scores: [score(7), score(8), score(9)],
                label: label.and_then(Label::of_name),
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
fn cohort_end(state: Internal) -> &'static [u8] {
    // SAFETY: only cohort_add makes such states, and the bytes are copied into the result before the aggregate's memory goes.
    unsafe {
        state.get::<Vec<u8>>().map_or(&[], |packed| std::slice::from_raw_parts(packed.as_ptr(), packed.len()))
    }
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

/// What the guests of a packed cohort spent: its ceil(k·N/100)-th smallest for k = 1 to 99, in hundredths.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn cohort_spend(packed: &[u8]) -> Result<Vec<i64>, ErrorReport> {
    Ok(cohort(packed)?.spend_percentiles())
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

/// The guests of a packed cohort whose stored scores, label or next change differ under a rule, packed, in the order of
/// their keys.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_differing(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    as_of: TimestampWithTimeZone,
) -> Result<Vec<u8>, ErrorReport> {
    let mut differing = differing(packed, rule_text, timezone, day_starts_at, as_of)?;
    differing.sort_unstable_by_key(|(member, _)| member.key);
    let mut packed = Vec::with_capacity(differing.len() * Member::PACKED);
    differing.iter().for_each(|(member, _)| member.pack(&mut packed));
    Ok(packed)
}

/// Keys of the guests of a packed cohort.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn cohort_keys(packed: &[u8]) -> Result<Vec<pgrx::Uuid>, ErrorReport> {
    Ok(cohort(packed)?.members().map(|member| pgrx::Uuid::from_bytes(member.key)).collect())
}

/// How many guests a packed cohort has.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn cohort_count(packed: &[u8]) -> Result<i32, ErrorReport> {
    Ok(i32::try_from(cohort(packed)?.members().len()).unwrap_or(i32::MAX))
}

/// Part of a packed cohort: so many guests from the given one on, the first being 1.
#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn cohort_part(packed: &[u8], first: i32, guests: i32) -> Result<&[u8], ErrorReport> {
    cohort(packed)?;
    let at =
        |guest: i32| usize::try_from(guest).unwrap_or(0).saturating_mul(Member::PACKED).min(packed.len());
    let first = first.max(1) - 1;
    Ok(&packed[at(first)..at(first.saturating_add(guests.max(0)))])
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
        .map(|(member, rating)| {
            let next_label_at = rating.next_label_at.map(|at| instant(at - POSTGRES_EPOCH)).transpose()?;
            let [recency, frequency, monetary] = rating.scores.map(score);
            let label = rating.label.unwrap_or(Label::Inactive).name();
            Ok((pgrx::Uuid::from_bytes(member.key), recency, frequency, monetary, label, next_label_at))
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
) -> Result<Vec<(Member, Rating)>, ErrorReport> {
    let days = ManyDays::new(timezone, day_starts_at);
    let today = days.day(unix_micros(as_of));
    Ok(cohort(packed)?.differing(&*rule(rule_text)?, today, &days).collect())
}

/// Guests of a packed cohort per label under a rule, on a day and on the day before.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_labels(
    packed: &[u8],
    rule_text: &str,
    timezone: &str,
    day_starts_at: Time,
    today: Date,
) -> Result<TableIterator<'static, (name!(day, Date), name!(guests, Vec<i32>))>, ErrorReport> {
    let days = ManyDays::new(timezone, day_starts_at);
    let on = [today.to_pg_epoch_days(), today.to_pg_epoch_days().saturating_sub(1)];
    let counts = cohort(packed)?.labels(&*rule(rule_text)?, on, &days);
    let rows = on
        .into_iter()
        .zip(counts)
        .filter_map(|(day, counts)| Some((Date::try_from(day).ok()?, counts.into())));
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}

/// How many guests of a packed cohort had their first counted order on each of some days.
#[pg_extern(schema = "crm", stable, strict, parallel_safe)]
fn cohort_first_days(
    packed: &[u8],
    timezone: &str,
    day_starts_at: Time,
    of_days: Vec<Date>,
) -> Result<Vec<i32>, ErrorReport> {
    let days = ManyDays::new(timezone, day_starts_at);
    let mut counts: HashMap<_, _> = of_days.iter().map(|day| (day.to_pg_epoch_days(), 0)).collect();
    // Most guests came long before: two days before the first one are enough, whatever the zone.
    let since =
        counts.keys().min().and_then(|first| days.opening(first.saturating_sub(2))).unwrap_or(i64::MIN);
    for day in cohort(packed)?.first_days(since, &days) {
        if let Some(count) = counts.get_mut(&day) {
            *count += 1;
        }
    }
    Ok(of_days.iter().map(|day| counts[&day.to_pg_epoch_days()]).collect())
}
