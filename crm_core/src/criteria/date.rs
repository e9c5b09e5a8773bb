//! Days, durations and windows as criteria write them.

use std::fmt;

use crate::scoring::Day;

/// A calendar duration: months first, then days, as PostgreSQL adds an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    /// Calendar months; a day that the month lacks becomes its last.
    pub months: i32,
    /// Days.
    pub days: i32,
}

/// A day that may move with today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayExpression {
    /// That day.
    On(Day),
    /// The local day of the evaluation.
    Today,
    /// So long before today.
    Ago(Duration),
    /// So long after today.
    Ahead(Duration),
}

/// The days in which rows of a relation count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Days after today − duration.
    Last(Duration),
    /// Days from today on, before today + duration.
    Next(Duration),
    /// Both days included.
    Between(DayExpression, DayExpression),
}

/// Longest duration in days, a hundred years, so that no date leaves PostgreSQL's calendar.
const LONGEST: i32 = 36_525;

impl Window {
    /// A day before which it has none.
    pub(super) fn since(self) -> DayExpression {
        match self {
            Window::Last(by) => DayExpression::Ago(by),
            Window::Next(_) => DayExpression::Today,
            Window::Between(from, _) => from,
        }
    }
}

impl Duration {
    /// Reads `30d`, `2w`, `6mo`, `1y`, or the date part of an ISO 8601 duration (`P30D`, `P1Y6M`).
    /// `None` for anything else, for nothing at all, and for more than a hundred years.
    pub(super) fn read(text: &str) -> Option<Self> {
        let duration = match text.strip_prefix('P') {
            Some(parts) => Self::read_iso(parts)?,
            None => {
                let end = text.find(|c: char| !c.is_ascii_digit())?;
                let (count, unit) = text.split_at(end);
                let unit = match unit {
                    "d" => 'D',
                    "w" => 'W',
                    "mo" => 'M',
                    "y" => 'Y',
                    _ => return None,
                };
                Self::of(count, unit)?
            }
        };
        (1..=i64::from(LONGEST)).contains(&duration.days_at_least()).then_some(duration)
    }

    fn read_iso(mut parts: &str) -> Option<Self> {
        let mut sum = Self { months: 0, days: 0 };
        let mut left = "YMWD";
        while !parts.is_empty() {
            let end = parts.find(|c: char| !c.is_ascii_digit())?;
            let (count, rest) = parts.split_at(end);
            let unit = rest.chars().next()?;
            left = &left[left.find(unit)? + 1..];
            let part = Self::of(count, unit)?;
            sum =
                Self { months: sum.months.checked_add(part.months)?, days: sum.days.checked_add(part.days)? };
            parts = &rest[unit.len_utf8()..];
        }
        Some(sum)
    }

    fn of(count: &str, unit: char) -> Option<Self> {
        let count: i32 = count.parse().ok()?;
        Some(match unit {
            'Y' => Self { months: count.checked_mul(12)?, days: 0 },
            'M' => Self { months: count, days: 0 },
            'W' => Self { months: 0, days: count.checked_mul(7)? },
            _ => Self { months: 0, days: count },
        })
    }

    /// The fewest days it can span: twelve months have at least 365, one at least 28.
    pub(super) fn days_at_least(self) -> i64 {
        let months = i64::from(self.months);
        months / 12 * 365 + months % 12 * 28 + i64::from(self.days)
    }

    /// The most days it can span.
    pub(super) fn days_at_most(self) -> i64 {
        let months = i64::from(self.months);
        months / 12 * 366 + months % 12 * 31 + i64::from(self.days)
    }

    /// In words: "30 days", "1 year", "1 month and 3 days".
    pub(super) fn in_words(self) -> String {
        let count = |count: i32, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        let parts: Vec<String> =
            [(self.months / 12, "year"), (self.months % 12, "month"), (self.days, "day")]
                .into_iter()
                .filter(|(number, _)| *number != 0)
                .map(|(number, unit)| count(number, unit))
                .collect();
        parts.join(" and ")
    }
}

/// The canonical form: `30d`, `12mo`, `P1M3D`.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.months, self.days) {
            (0, days) => write!(out, "{days}d"),
            (months, 0) => write!(out, "{months}mo"),
            (months, days) => write!(out, "P{months}M{days}D"),
        }
    }
}

impl DayExpression {
    /// Days before (negative) or after today, where that is a fixed number.
    pub(super) fn offset(self) -> Option<i64> {
        match self {
            DayExpression::Today => Some(0),
            DayExpression::Ago(Duration { months: 0, days }) => Some(-i64::from(days)),
            DayExpression::Ahead(Duration { months: 0, days }) => Some(i64::from(days)),
            _ => None,
        }
    }

    /// Whether this day is later than the other whatever today is.
    pub(super) fn always_after(self, other: Self) -> bool {
        match (self, other) {
            (DayExpression::On(a), DayExpression::On(b)) => a > b,
            (DayExpression::On(_), _) | (_, DayExpression::On(_)) => false,
            (a, b) => a.offsets().0 > b.offsets().1,
        }
    }

    /// The least and the greatest distance from today in days.
    fn offsets(self) -> (i64, i64) {
        match self {
            DayExpression::On(_) => (i64::MIN, i64::MAX),
            DayExpression::Today => (0, 0),
            DayExpression::Ago(by) => (-by.days_at_most(), -by.days_at_least()),
            DayExpression::Ahead(by) => (by.days_at_least(), by.days_at_most()),
        }
    }

    /// Whether it moves with today.
    pub(super) fn moves(self) -> bool {
        !matches!(self, DayExpression::On(_))
    }
}

/// 2000-01-01 as a number of days since 0000-03-01.
const EPOCH: i64 = 730_425;

/// Reads `YYYY-MM-DD`, a day of the Gregorian calendar from 0001-01-01 to 9999-12-31.
pub(super) fn read_day(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    let year: i64 = text[..4].parse().ok()?;
    let month: i64 = text[5..7].parse().ok()?;
    let day: i64 = text[8..].parse().ok()?;
    if year < 1 || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let number = day_number(year, month, day);
    // A day that the month lacks would come back as one of the next month.
    (year_month_day(number) == (year, month, day)).then_some(())?;
    Day::try_from(number).ok()
}

/// Writes a day as `YYYY-MM-DD`.
pub(super) fn write_day(day: Day) -> String {
    let (year, month, day) = year_month_day(i64::from(day));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days since 2000-01-01 of a civil date, counting years from March so that the leap day comes last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let shifted = (month + 9) % 12;
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

fn year_month_day(day: i64) -> (i64, i64, i64) {
    let since = day + EPOCH;
    let era = since.div_euclid(146_097);
    let of_era = since.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_in_both_forms() {
        for (text, canonical) in [
            ("30d", "30d"),
            ("P30D", "30d"),
            ("2w", "14d"),
            ("P2W", "14d"),
            ("6mo", "6mo"),
            ("1y", "12mo"),
            ("P1Y6M", "18mo"),
            ("P1M3D", "P1M3D"),
            ("P1Y2W1D", "P12M15D"),
            ("100y", "1200mo"),
        ] {
            assert_eq!(Duration::read(text).map(|d| d.to_string()).as_deref(), Some(canonical), "{text}");
            assert_eq!(Duration::read(canonical), Duration::read(text), "{canonical}");
        }
        let no_durations = [
            "",
            "d",
            "30",
            "30 d",
            "-30d",
            "+3d",
            "0d",
            "0y",
            "P",
            "P0D",
            "PT5H",
            "P1D1M",
            "P1M1M",
            "P-1D",
            "30D",
            "30m",
            "1.5y",
            "99999999999d",
            "40000d",
            "101y",
            "2147483647y",
            "P2147483647D1D",
            "٣d",
            "Pé",
            "3é",
        ];
        for text in no_durations {
            assert_eq!(Duration::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn days_are_numbered_as_postgresql_does() {
        // SELECT day - date '2000-01-01'
        for (text, number) in [
            ("2000-01-01", 0),
            ("1999-12-31", -1),
            ("2024-02-29", 8825),
            ("2025-03-01", 9191),
            ("0001-01-01", -730_119),
            ("9999-12-31", 2_921_939),
        ] {
            assert_eq!(read_day(text), Some(number), "{text}");
            assert_eq!(write_day(number), text);
        }
        for text in [
            "2025-02-29",
            "1900-02-29",
            "2025-04-31",
            "2025-13-01",
            "2025-00-10",
            "2025-01-00",
            "0000-01-01",
            "2025-1-1",
            "20250101",
            "2025-01-01T",
            "+025-01-01",
            "２０25-01",
        ] {
            assert_eq!(read_day(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_of_moving_days_is_reversed_only_where_it_always_is() {
        let ago = |text| DayExpression::Ago(Duration::read(text).unwrap());
        assert!(DayExpression::Today.always_after(ago("1d")));
        assert!(ago("1mo").always_after(ago("32d")));
        assert!(!ago("1mo").always_after(ago("30d")));
        assert!(!ago("30d").always_after(ago("1mo")));
        assert!(!DayExpression::On(0).always_after(DayExpression::Today));
    }

    proptest! {
        #[test]
        fn every_day_of_the_calendar_is_written_and_read(day in -730_119..=2_921_939) {
            prop_assert_eq!(read_day(&write_day(day)), Some(day));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            let _ = (read_day(&text), Duration::read(&text));
        }
    }
}
