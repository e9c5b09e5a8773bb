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
        // SAFETY: timestamptz_zone takes a text and a timestamptz, both given and not null, and returns a
        // timestamp, which is an i64; it keeps neither argument.
        let local: Option<i64> = unsafe {
            direct_function_call(pg_sys::timestamptz_zone, &[self.timezone.into_datum(), at.into_datum()])
        };
        let day = local.unwrap_or_default().saturating_sub(self.day_starts_at).div_euclid(DAY_MICROS);
        Day::try_from(day).unwrap_or(if day < 0 { Day::MIN } else { Day::MAX })
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
