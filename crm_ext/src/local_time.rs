//! Local days of a venue, by PostgreSQL's own time zones.

use crm_core::scoring::Day;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call};

const DAY_MICROS: i64 = 86_400_000_000;

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
        let day = self.clock(at).saturating_sub(self.day_starts_at).div_euclid(DAY_MICROS);
        Day::try_from(day).unwrap_or(if day < 0 { Day::MIN } else { Day::MAX })
    }

    /// What the clock on the wall shows, in microseconds since 2000-01-01 00:00.
    fn clock(&self, at: TimestampWithTimeZone) -> i64 {
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
            Some(self.clock(TimestampWithTimeZone::try_from(instant).ok()?) - instant)
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
