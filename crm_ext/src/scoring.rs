//! Scores, labels and cut points: SQL signatures over `crm_core::scoring`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crm_core::scoring::{Guest, Rule, cut_points, lower_median, next_change};
use pgrx::datum::{Date, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::local_time::POSTGRES_EPOCH;

/// Rules kept per session; more venues than this are rarely at work in one.
const KEPT_RULES: usize = 64;

thread_local! {
    /// Rules by their text: a pass over a venue, or a till, hands the same text again and again.
    static RULES: RefCell<HashMap<String, Rc<Rule>>> = RefCell::new(HashMap::new());
}

pub(crate) fn rule(text: &str) -> Result<Rc<Rule>, ErrorReport> {
    RULES.with_borrow_mut(|rules| {
        if let Some(rule) = rules.get(text) {
            return Ok(Rc::clone(rule));
        }
        let rule = Rule::parse(text).map(Rc::new).map_err(|error| {
            ErrorReport::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                error.to_string(),
                "crm.scoring_rule",
            )
        })?;
        if rules.len() >= KEPT_RULES {
            rules.clear();
        }
        rules.insert(text.to_owned(), Rc::clone(&rule));
        Ok(rule)
    })
}

pub(crate) fn unix_micros(at: TimestampWithTimeZone) -> i64 {
    at.into_inner().saturating_add(POSTGRES_EPOCH)
}

fn guest(
    total_orders: i32,
    total_visits: i32,
    spent_hundredths: i64,
    first_day: Date,
    last_day: Date,
    last_order_at: TimestampWithTimeZone,
) -> Guest {
    Guest {
        total_orders,
        total_visits,
        total_spent: spent_hundredths,
        first_day: first_day.to_pg_epoch_days(),
        last_day: last_day.to_pg_epoch_days(),
        last_order_at: unix_micros(last_order_at),
    }
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn recency_score(
    rule_text: &str,
    last_day: Date,
    last_order_at: TimestampWithTimeZone,
    today: Date,
) -> Result<i16, ErrorReport> {
    Ok(rule(rule_text)?.recency_score(
        last_day.to_pg_epoch_days(),
        unix_micros(last_order_at),
        today.to_pg_epoch_days(),
    ))
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn frequency_score(rule_text: &str, total_visits: i32) -> Result<i16, ErrorReport> {
    Ok(rule(rule_text)?.frequency_score(total_visits))
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn monetary_score(rule_text: &str, total_visits: i32, spent_hundredths: i64) -> Result<i16, ErrorReport> {
    Ok(rule(rule_text)?.monetary_score(total_visits, spent_hundredths))
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn label(
    rule_text: &str,
    total_orders: i32,
    total_visits: i32,
    spent_hundredths: i64,
    first_day: Date,
    last_day: Date,
    last_order_at: TimestampWithTimeZone,
    today: Date,
) -> Result<&'static str, ErrorReport> {
    let guest = guest(total_orders, total_visits, spent_hundredths, first_day, last_day, last_order_at);
    Ok(rule(rule_text)?.label(&guest, today.to_pg_epoch_days()).name())
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn next_label_day(
    rule_text: &str,
    total_orders: i32,
    total_visits: i32,
    spent_hundredths: i64,
    first_day: Date,
    last_day: Date,
    last_order_at: TimestampWithTimeZone,
    today: Date,
) -> Result<Option<Date>, ErrorReport> {
    let guest = guest(total_orders, total_visits, spent_hundredths, first_day, last_day, last_order_at);
    let day = next_change(&*rule(rule_text)?, &guest, today.to_pg_epoch_days());
    // A day beyond what a PostgreSQL timestamp holds is as good as never.
    const LAST_DAY: i32 = 100_000_000;
    Ok(day.filter(|day| *day < LAST_DAY).and_then(|day| Date::try_from(day).ok()))
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn open_days_between(rule_text: &str, from_day: Date, to_day: Date) -> Result<i32, ErrorReport> {
    let rule = rule(rule_text)?;
    Ok(rule.closures.open_days_between(from_day.to_pg_epoch_days(), to_day.to_pg_epoch_days()))
}

#[pg_extern(schema = "crm", name = "cut_points", immutable, strict, parallel_safe)]
fn cut_points_of_numbers(values: Array<'_, i64>) -> Option<Vec<i64>> {
    let mut values: Vec<i64> = values.iter().flatten().collect();
    cut_points(&mut values).map(Into::into)
}

#[pg_extern(schema = "crm", name = "cut_points", immutable, strict, parallel_safe)]
fn cut_points_of_times(
    values: Array<'_, TimestampWithTimeZone>,
) -> Result<Option<Vec<TimestampWithTimeZone>>, ErrorReport> {
    let mut values: Vec<i64> = values.iter().flatten().map(TimestampWithTimeZone::into_inner).collect();
    cut_points(&mut values).map(|cuts| cuts.into_iter().map(instant).collect()).transpose()
}

pub(crate) fn instant(postgres_micros: i64) -> Result<TimestampWithTimeZone, ErrorReport> {
    TimestampWithTimeZone::try_from(postgres_micros).map_err(|_| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            "timestamp out of range",
            "crm.cut_points",
        )
    })
}

#[pg_extern(schema = "crm", name = "lower_median", immutable, strict, parallel_safe)]
fn lower_median_of_numbers(values: Array<'_, i64>) -> Option<i64> {
    let mut values: Vec<i64> = values.iter().flatten().collect();
    lower_median(&mut values)
}
