//! Local days and the days a venue was closed.

use serde::Deserialize;

/// Days since 2000-01-01, as PostgreSQL numbers them.
pub type Day = i32;

/// The days on which a venue is closed: inclusive ranges, in any order, overlaps allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<(Day, Day)>")]
pub struct Closures {
    /// Sorted, disjoint, inclusive.
    ranges: Vec<(Day, Day)>,
}

impl From<Vec<(Day, Day)>> for Closures {
    fn from(mut given: Vec<(Day, Day)>) -> Self {
        given.retain(|(from, to)| from <= to);
        given.sort_unstable();
        let mut ranges: Vec<(Day, Day)> = Vec::with_capacity(given.len());
        for (from, to) in given {
            match ranges.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => ranges.push((from, to)),
            }
        }
        Self { ranges }
    }
}

impl Closures {
    /// Open days after `from`, up to and including `to`; zero when `to` is not later.
    pub fn open_days_between(&self, from: Day, to: Day) -> i32 {
        if to <= from {
            return 0;
        }
        let closed: i64 = self
            .ranges
            .iter()
            .map(|&(first, last)| {
                let first = i64::from(first.max(from.saturating_add(1)));
                let last = i64::from(last.min(to));
                (last - first + 1).max(0)
            })
            .sum();
        let open = i64::from(to) - i64::from(from) - closed;
        i32::try_from(open).unwrap_or(i32::MAX)
    }

    /// The first day on which [`Self::open_days_between`] since `from` reaches `open_days` (at least 1).
    /// `None` when no such day can be numbered.
    pub fn day_after_open_days(&self, from: Day, open_days: i32) -> Option<Day> {
        let mut day = i64::from(from) + i64::from(open_days.max(1));
        for &(first, last) in &self.ranges {
            let first = i64::from(first).max(i64::from(from) + 1);
            let last = i64::from(last);
            if last < first {
                continue;
            }
            if first > day {
                break;
            }
            day += last - first + 1;
        }
        Day::try_from(day).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_closed_day_does_not_count() {
        let closures = Closures::from(vec![(11, 12)]);
        assert_eq!(closures.open_days_between(10, 12), 0);
        assert_eq!(closures.open_days_between(10, 13), 1);
        assert_eq!(closures.open_days_between(12, 13), 1);
        assert_eq!(closures.open_days_between(20, 10), 0);
    }

    #[test]
    fn extreme_days_do_not_overflow() {
        let closures = Closures::from(vec![(Day::MIN, Day::MAX)]);
        assert_eq!(closures.open_days_between(Day::MIN, Day::MAX), 0);
        assert_eq!(closures.day_after_open_days(0, 1), None);
        assert_eq!(Closures::default().open_days_between(Day::MIN, Day::MAX), i32::MAX);
    }

    proptest! {
        #[test]
        fn counting_day_by_day_agrees(
            ranges in prop::collection::vec((-40i32..40, 0i32..12), 0..6),
            from in -50i32..50,
            span in -5i32..80,
        ) {
            let ranges: Vec<(Day, Day)> = ranges.into_iter().map(|(f, n)| (f, f + n)).collect();
            let closures = Closures::from(ranges.clone());
            let open = |day: Day| !ranges.iter().any(|(f, t)| (*f..=*t).contains(&day));
            let expected = (from + 1..=from + span).filter(|day| open(*day)).count();
            prop_assert_eq!(closures.open_days_between(from, from + span), expected as i32);
        }

        #[test]
        fn the_day_found_is_the_first_that_reaches_the_count(
            ranges in prop::collection::vec((-40i32..40, 0i32..12), 0..6),
            from in -50i32..50,
            open_days in 1i32..60,
        ) {
            let closures = Closures::from(
                ranges.into_iter().map(|(f, n)| (f, f + n)).collect::<Vec<_>>(),
            );
            let day = closures.day_after_open_days(from, open_days).unwrap();
            prop_assert_eq!(closures.open_days_between(from, day), open_days);
            prop_assert_eq!(closures.open_days_between(from, day - 1), open_days - 1);
        }
    }
}
