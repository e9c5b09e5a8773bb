//! Recency, frequency and monetary scores from 1 (worst) to 5.

use super::{Day, Guest, Method, Rule};

/// The three scores of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scores {
    /// How recently the guest ordered.
    pub recency: i16,
    /// How often the guest came.
    pub frequency: i16,
    /// How much the guest spent.
    pub monetary: i16,
}

/// `1 +` the number of cut points strictly below the value.
pub(super) fn by_cut_points(value: i64, cuts: &[i64; 4]) -> i16 {
    1 + cuts.iter().map(|cut| i16::from(*cut < value)).sum::<i16>()
}

/// Days without an order from which a fixed recency score drops to 4, 3, 2 and 1.
pub(super) const FIXED_RECENCY_DAYS: [i32; 4] = [8, 15, 30, 90];

fn fixed_recency(days: i32) -> i16 {
    5 - FIXED_RECENCY_DAYS.iter().map(|from| i16::from(days >= *from)).sum::<i16>()
}

fn fixed_frequency(visits: i32) -> i16 {
    const VISITS: [i32; 4] = [2, 3, 6, 10];
    1 + VISITS.iter().map(|from| i16::from(visits >= *from)).sum::<i16>()
}

fn fixed_monetary(spent: i64, median_bill: i64) -> i16 {
    // In halves of the median bill, so that one and a half stays an integer.
    const HALF_BILLS: [i128; 4] = [3, 6, 12, 24];
    let (spent, bill) = (i128::from(spent), i128::from(median_bill));
    1 + HALF_BILLS.iter().map(|times| i16::from(2 * spent >= times * bill)).sum::<i16>()
}

impl Rule {
    /// Open days since the last order, never negative.
    pub fn days_since(&self, last_day: Day, today: Day) -> i32 {
        self.closures.open_days_between(last_day, today)
    }

    /// The recency score of a guest whose last order was at `last_order_at` (microseconds since
    /// 1970-01-01 UTC), on the local day `last_day`.
    pub fn recency_score(&self, last_day: Day, last_order_at: i64, today: Day) -> i16 {
        match &self.method {
            Method::Quintile { recency_cuts, .. } => by_cut_points(last_order_at, recency_cuts),
            Method::Fixed { .. } => fixed_recency(self.days_since(last_day, today)),
        }
    }

    /// The frequency score of a guest with that many visits.
    pub fn frequency_score(&self, total_visits: i32) -> i16 {
        match &self.method {
            Method::Quintile { frequency_cuts, .. } => by_cut_points(i64::from(total_visits), frequency_cuts),
            Method::Fixed { .. } => fixed_frequency(total_visits),
        }
    }

    /// The monetary score of a guest who spent that many hundredths.
    pub fn monetary_score(&self, total_visits: i32, total_spent: i64) -> i16 {
        match &self.method {
            Method::Quintile { monetary_cuts, .. } => by_cut_points(total_spent, monetary_cuts),
            // A median of zero says nothing about spend: as if there were none.
            Method::Fixed { median_bill: Some(bill) } if *bill > 0 => fixed_monetary(total_spent, *bill),
            Method::Fixed { .. } => fixed_frequency(total_visits),
        }
    }

    /// The three scores; `None` for a guest without counted orders.
    pub fn scores(&self, guest: &Guest, today: Day) -> Option<Scores> {
        (guest.total_orders > 0).then(|| Scores {
            recency: self.recency_score(guest.last_day, guest.last_order_at, today),
            frequency: self.frequency_score(guest.total_visits),
            monetary: self.monetary_score(guest.total_visits, guest.total_spent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_recency_changes_at_8_15_30_and_90_days() {
        let scores: Vec<i16> = [0, 7, 8, 14, 15, 29, 30, 89, 90, 4000].map(fixed_recency).into();
        assert_eq!(scores, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
    }

    #[test]
    fn fixed_frequency_follows_the_published_bands() {
        let scores: Vec<i16> = [1, 2, 3, 5, 6, 9, 10, 400].map(fixed_frequency).into();
        assert_eq!(scores, [1, 2, 3, 3, 4, 4, 5, 5]);
    }

    #[test]
    fn fixed_monetary_compares_with_multiples_of_the_median_bill() {
        // A median bill of 20.01: 1.5 × is 30.015, so 30.01 misses it and 30.02 reaches it.
        let score = |spent| fixed_monetary(spent, 2001);
        assert_eq!([score(3001), score(3002)], [1, 2]);
        assert_eq!([score(6002), score(6003)], [2, 3]);
        assert_eq!([score(12005), score(12006)], [3, 4]);
        assert_eq!([score(24011), score(24012)], [4, 5]);
        assert_eq!(score(-500), 1);
    }
}
