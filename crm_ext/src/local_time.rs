//! Local days of a venue, by PostgreSQL's own time zones.

use std::cell::RefCell;
use std::collections::HashMap;

use crm_core::scoring::{Day, LocalDays};
use pgrx::datum::{Time, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call};

const DAY_MICROS: i64 = 86_400_000_000;

/// Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's own epoch.
pub(crate) const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// How a venue counts its days.
pub(crate) struct LocalTime<'a> {
    /// IANA name.
    pub(crate) timezone: &'a str,
    /// Start of the business day, in microseconds since local midnight.
    pub(crate) day_starts_at: i64,
}

impl LocalTime<'_> {
    /// The business day an instant belongs to.
    pub(crate) fn day(&self, at: TimestampWithTimeZone) -> Day {
        business_day(self.local(at), self.day_starts_at)
    }

    /// Local time in microseconds since 2000-01-01.
    fn local(&self, at: TimestampWithTimeZone) -> i64 {
        // SAFETY: timestamptz_zone takes a text and a timestamptz, both given and not null, and returns a
        // timestamp, which is an i64; it keeps neither argument.
        let local: Option<i64> = unsafe {
            direct_function_call(pg_sys::timestamptz_zone, &[self.timezone.into_datum(), at.into_datum()])
        };
        local.unwrap_or_default()
    }

    /// The instant at which a business day starts, where no clock change is near: none can then show a time of the
    /// day before after it, or of this day before it.
    pub(crate) fn steady_opening(&self, day: Day) -> Option<TimestampWithTimeZone> {
        /// More than any zone has ever put its clocks back or forward but for whole days.
        const NEAR: i64 = 6 * 3_600_000_000;
        let opening = self.opening(day)?;
        let shift = |by: i64| {
            let instant = opening.into_inner().checked_add(by)?;
            Some(self.local(TimestampWithTimeZone::try_from(instant).ok()?) - instant)
        };
        (shift(-NEAR)? == shift(NEAR)? && self.day(opening) == day).then_some(opening)
    }

    /// The instant at which a business day starts; `None` beyond PostgreSQL's calendar.
    pub(crate) fn opening(&self, day: Day) -> Option<TimestampWithTimeZone> {
        let local = i64::from(day) * DAY_MICROS + self.day_starts_at;
        let local = Timestamp::try_from(local).ok()?;
        // SAFETY: timestamp_zone takes a text and a timestamp, both given and not null, and returns a timestamptz;
        // it keeps neither argument.
        unsafe {
            direct_function_call(pg_sys::timestamp_zone, &[self.timezone.into_datum(), local.into_datum()])
        }
    }
}

fn business_day(local: i64, day_starts_at: i64) -> Day {
    let day = local.saturating_sub(day_starts_at).div_euclid(DAY_MICROS);
    Day::try_from(day).unwrap_or(if day < 0 { Day::MIN } else { Day::MAX })
}

/// Span within which a zone keeps its offset where it is the same at both ends.
const SPAN_MICROS: i64 = DAY_MICROS / 4;

/// Spans since 2000-01-01 whose offsets are kept: until 2090; others are asked for each time.
const KEPT_SPANS: usize = 4 * 365 * 90;

/// Local days of many instants: PostgreSQL is asked for the offset from UTC once in six hours, not for every guest.
pub(crate) struct ManyDays {
    timezone: String,
    day_starts_at: i64,
    /// By span: not known yet, or the offset, none where it changes within.
    offsets: RefCell<Vec<Option<Option<i64>>>>,
    openings: RefCell<HashMap<Day, Option<i64>>>,
}

impl ManyDays {
    pub(crate) fn new(timezone: &str, day_starts_at: Time) -> Self {
        Self {
            timezone: timezone.to_owned(),
            day_starts_at: day_starts_at.into(),
            offsets: RefCell::default(),
            openings: RefCell::default(),
        }
    }

    fn local(&self) -> LocalTime<'_> {
        LocalTime { timezone: &self.timezone, day_starts_at: self.day_starts_at }
    }

    fn offset_at(&self, at: i64) -> Option<i64> {
        let instant = TimestampWithTimeZone::try_from(at).ok()?;
        self.local().local(instant).checked_sub(at)
    }

    fn offset_throughout(&self, span: usize) -> Option<i64> {
        let mut offsets = self.offsets.borrow_mut();
        if offsets.len() <= span {
            offsets.resize(span + 1, None);
        }
        *offsets[span].get_or_insert_with(|| {
            let start = i64::try_from(span).ok()? * SPAN_MICROS;
            self.offset_at(start).filter(|offset| self.offset_at(start + SPAN_MICROS) == Some(*offset))
        })
    }
}

impl LocalDays for ManyDays {
    fn day(&self, at: i64) -> Day {
        let at = at.saturating_sub(POSTGRES_EPOCH);
        let offset = usize::try_from(at.div_euclid(SPAN_MICROS))
            .ok()
            .filter(|span| *span < KEPT_SPANS)
            .and_then(|span| self.offset_throughout(span))
            .or_else(|| self.offset_at(at));
        business_day(at.saturating_add(offset.unwrap_or_default()), self.day_starts_at)
    }

    fn opening(&self, day: Day) -> Option<i64> {
        *self.openings.borrow_mut().entry(day).or_insert_with(|| {
            self.local().opening(day).map(|at| at.into_inner().saturating_add(POSTGRES_EPOCH))
        })
    }
}
