//! Cut points by exact selection: four order statistics and the lower median, in linear time.

/// Cut point k (1 to 4) is the ceil(k·N/5)-th smallest value. `None` for no values.
///
/// Scoring by these (`1 +` the number of cut points strictly below a value) equals
/// `1 + floor(5 × share of values strictly worse)`, so equal values always get equal scores.
/// The order of `values` is changed.
pub fn cut_points(values: &mut [i64]) -> Option<[i64; 4]> {
    if values.is_empty() {
        return None;
    }
    let rank = |k: usize| (k * values.len()).div_ceil(5) - 1;
    let ranks = [rank(1), rank(2), rank(3), rank(4)];
    let mut cuts = [0; 4];
    // From the highest rank down, each selection works on what the former left below it.
    let mut upper = values.len();
    for k in (0..4).rev() {
        let (_, cut, _) = values[..upper].select_nth_unstable(ranks[k]);
        cuts[k] = *cut;
        upper = ranks[k] + 1;
    }
    Some(cuts)
}

/// The ceil(n/2)-th smallest value. `None` for no values. The order of `values` is changed.
pub fn lower_median(values: &mut [i64]) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len().div_ceil(2) - 1;
    Some(*values.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::score::by_cut_points;
    use proptest::prelude::*;

    #[test]
    fn thirty_five_values_are_cut_at_the_7th_14th_21st_and_28th() {
        // In binary floating point 0.2 × 35 is a little more than 7, which would pick the 8th.
        let mut values: Vec<i64> = (1..=35).rev().collect();
        assert_eq!(cut_points(&mut values), Some([7, 14, 21, 28]));
    }

    #[test]
    fn one_value_is_every_cut_point() {
        assert_eq!(cut_points(&mut [9]), Some([9, 9, 9, 9]));
        assert_eq!(cut_points(&mut []), None);
    }

    #[test]
    fn the_lower_median_of_an_even_number_is_the_lower_middle() {
        assert_eq!(lower_median(&mut [4, 1, 3, 2]), Some(2));
        assert_eq!(lower_median(&mut [5, 1, 3]), Some(3));
        assert_eq!(lower_median(&mut []), None);
    }

    proptest! {
        #[test]
        fn scoring_by_cut_points_equals_scoring_by_the_share_strictly_worse(
            values in prop::collection::vec(-20i64..20, 1..200),
        ) {
            let cuts = cut_points(&mut values.clone()).unwrap();
            for value in &values {
                let worse = values.iter().filter(|other| *other < value).count();
                let expected = (1 + 5 * worse / values.len()).min(5);
                prop_assert_eq!(i32::from(by_cut_points(*value, &cuts)), expected as i32);
            }
        }

        #[test]
        fn the_cut_points_are_the_values_at_their_ranks(
            values in prop::collection::vec(any::<i64>(), 1..200),
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = |k: usize| sorted[(k * values.len()).div_ceil(5) - 1];
            let expected = [rank(1), rank(2), rank(3), rank(4)];
            prop_assert_eq!(cut_points(&mut values.clone()), Some(expected));
        }
    }
}
