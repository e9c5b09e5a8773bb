//! Sets of values, for finding what cannot be and what always is.

/// A set of integers, and perhaps null. The ranges are disjoint, in order, not adjacent, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    ranges: Vec<(i64, i64)>,
    null: bool,
}

/// Less than any value of a field.
pub(super) const LEAST: i64 = i64::MIN / 4;
/// More than any value of a field.
pub(super) const MOST: i64 = i64::MAX / 4;

impl Values {
    pub(super) fn of(mut ranges: Vec<(i64, i64)>, null: bool) -> Self {
        ranges.retain(|(from, to)| from <= to);
        ranges.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self { ranges: merged, null }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty() && !self.null
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self::of(self.ranges.iter().chain(&other.ranges).copied().collect(), self.null || other.null)
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let pairs =
            self.ranges.iter().flat_map(|a| other.ranges.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
        Self::of(pairs.collect(), self.null && other.null)
    }

    /// All values that are not in it.
    pub(super) fn complement(&self) -> Self {
        let mut ranges = Vec::new();
        let mut from = LEAST;
        for (first, last) in &self.ranges {
            ranges.push((from, first - 1));
            from = last + 1;
        }
        ranges.push((from, MOST));
        Self::of(ranges, !self.null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = Values> {
        let ranges = prop::collection::vec((-20i64..20, 0i64..8), 0..5);
        (ranges, any::<bool>()).prop_map(|(ranges, null)| {
            Values::of(ranges.into_iter().map(|(from, more)| (from, from + more)).collect(), null)
        })
    }

    fn holds(set: &Values, value: i64) -> bool {
        set.ranges.iter().any(|(from, to)| (*from..=*to).contains(&value))
    }

    proptest! {
        #[test]
        fn the_operations_are_those_of_sets(a in set(), b in set()) {
            for value in (-40..40).chain([LEAST, MOST]) {
                prop_assert_eq!(holds(&a.or(&b), value), holds(&a, value) || holds(&b, value));
                prop_assert_eq!(holds(&a.and(&b), value), holds(&a, value) && holds(&b, value));
                prop_assert_eq!(holds(&a.complement(), value), !holds(&a, value));
            }
            prop_assert_eq!(a.complement().null, !a.null);
            prop_assert_eq!(a.complement().complement(), a.clone());
            prop_assert_eq!(a.and(&a.complement()).is_empty(), true);
            prop_assert_eq!(a.and(&b).complement(), a.complement().or(&b.complement()));
        }
    }
}
