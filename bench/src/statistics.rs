//! Medians of ratios: the machine's speed drifts, so only figures of one round are compared with each other.

/// The middle of some figures and the range of their middle half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Middle value; of an even number, the mean of the middle two.
    pub median: f64,
    /// First quartile, by nearest rank.
    pub low: f64,
    /// Third quartile, by nearest rank.
    pub high: f64,
    /// How many figures.
    pub rounds: usize,
}

/// Spread of some figures, which may be infinite but not NaN; none of no figures.
pub fn spread(figures: &[f64]) -> Option<Spread> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let (lower, upper) = (sorted.get(count.checked_sub(1)? / 2)?, sorted.get(count / 2)?);
    // Not their mean where both are infinite with opposite signs, which no ratio below gives.
    let median = if lower == upper { *lower } else { (lower + upper) / 2.0 };
    Some(Spread { median, low: percentile(&sorted, 25.0)?, high: percentile(&sorted, 75.0)?, rounds: count })
}

/// The ceil(p·n/100)-th smallest of sorted figures, p in percent; none of no figures.
pub fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent * sorted.len() as f64 / 100.0).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// `of[i] / to[i]`, round by round.
pub fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(a, b)| a / b).collect()
}

/// `(of − bare) / (to − bare)`, round by round: what one side adds to the bare work, against what the other adds.
/// Where noise leaves the other nothing added, the round counts as lost: infinite, unless nothing was added here
/// either, which counts as equal.
pub fn added_ratios(of: &[f64], to: &[f64], bare: &[f64]) -> Vec<f64> {
    of.iter()
        .zip(to)
        .zip(bare)
        .map(|((a, b), c)| match (a - c, b - c) {
            (ours, theirs) if theirs > 0.0 => ours / theirs,
            (ours, _) if ours > 0.0 => f64::INFINITY,
            _ => 1.0,
        })
        .collect()
}

/// `of[i] − bare[i]`, round by round.
pub fn differences(of: &[f64], bare: &[f64]) -> Vec<f64> {
    of.iter().zip(bare).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_value() {
        let found = spread(&[9.0, 1.0, 4.0, 2.0, 7.0]).unwrap();
        assert_eq!(found, Spread { median: 4.0, low: 2.0, high: 7.0, rounds: 5 });
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        let found = spread(&[8.0, 1.0, 3.0, 4.0]).unwrap();
        assert_eq!(found, Spread { median: 3.5, low: 1.0, high: 4.0, rounds: 4 });
    }

    #[test]
    fn one_figure_is_its_own_spread_and_none_has_none() {
        assert_eq!(spread(&[2.5]).unwrap(), Spread { median: 2.5, low: 2.5, high: 2.5, rounds: 1 });
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50.0), Some(50.0));
        assert_eq!(percentile(&hundred, 99.0), Some(99.0));
        assert_eq!(percentile(&hundred[..3], 99.0), Some(3.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    /// The machine slows down threefold in the middle: within a round both sides suffer alike.
    #[test]
    fn ratios_are_taken_within_a_round() {
        let (ours, bare) = ([20.0, 60.0, 66.0, 22.0, 20.0], [10.0, 30.0, 30.0, 10.0, 10.0]);
        assert_eq!(ratios(&ours, &bare), [2.0, 2.0, 2.2, 2.2, 2.0]);
        assert_eq!(spread(&ratios(&ours, &bare)).unwrap().median, 2.0);
    }

    #[test]
    fn added_time_is_compared_beyond_the_bare_time() {
        assert_eq!(added_ratios(&[130.0, 160.0], &[160.0, 220.0], &[100.0, 100.0]), [0.5, 0.5]);
        assert_eq!(differences(&[130.0, 160.0], &[100.0, 100.0]), [30.0, 60.0]);
    }

    #[test]
    fn a_round_in_which_noise_swallows_the_rival_is_lost() {
        assert_eq!(added_ratios(&[130.0, 99.0], &[100.0, 98.0], &[100.0, 100.0]), [f64::INFINITY, 1.0]);
        assert_eq!(
            spread(&added_ratios(&[130.0, 140.0], &[90.0, 90.0], &[100.0, 100.0])).unwrap().median,
            f64::INFINITY
        );
    }
}
