//! All guests of a venue at once: what the night reads in one pass and works on in memory.

use super::{Day, Guest, Label, Rule, cut_points, lower_median, next_change};

/// Local days of a venue.
pub trait LocalDays {
    /// The business day an instant (microseconds since 1970-01-01 UTC) belongs to.
    fn day(&self, at: i64) -> Day;
    /// The instant at which a business day starts; `None` beyond the calendar.
    fn opening(&self, day: Day) -> Option<i64>;
}

/// What is stored about a guest's scores and label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    /// Recency, frequency and monetary score; zero for none.
    pub scores: [u8; 3],
    /// The label; `None` for a text that is none.
    pub label: Option<Label>,
    /// When time alone changes it, in microseconds since 1970-01-01 UTC.
    pub next_label_at: Option<i64>,
}

/// A guest's totals with instants for days, and his rating as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Key of the guest.
    pub key: [u8; 16],
    /// Counted orders; zero means outside the cohort.
    pub total_orders: i32,
    /// Distinct local days with a counted order.
    pub total_visits: i32,
    /// Sum of the order totals, in hundredths.
    pub total_spent: i64,
    /// Instant of the first counted order, in microseconds since 1970-01-01 UTC.
    pub first_order_at: i64,
    /// Instant of the last counted order.
    pub last_order_at: i64,
    /// Whether the guest may be rated; else he counts in sums of orders alone.
    pub profiled: bool,
    /// Scores and label as stored.
    pub stored: Rating,
}

/// Absent instants, which no order has.
const NEVER: i64 = i64::MIN;

/// In the place of the label: the guest is not profiled.
const UNPROFILED: u8 = u8::MAX - 1;

impl Member {
    /// Bytes of a member in a packed cohort.
    pub const PACKED: usize = 16 + 4 + 4 + 8 + 8 + 8 + 8 + 4;

    /// Appends the packed form.
    pub fn pack(&self, packed: &mut Vec<u8>) {
        packed.extend_from_slice(&self.key);
        packed.extend_from_slice(&self.total_orders.to_le_bytes());
        packed.extend_from_slice(&self.total_visits.to_le_bytes());
        packed.extend_from_slice(&self.total_spent.to_le_bytes());
        packed.extend_from_slice(&self.first_order_at.to_le_bytes());
        packed.extend_from_slice(&self.last_order_at.to_le_bytes());
        packed.extend_from_slice(&self.stored.next_label_at.unwrap_or(NEVER).to_le_bytes());
        packed.extend_from_slice(&self.stored.scores);
        let label = self.stored.label.map_or(u8::MAX, |label| label as u8);
        packed.push(if self.profiled { label } else { UNPROFILED });
    }

    fn unpack(bytes: &[u8; Self::PACKED]) -> Self {
        let int = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(eight)
        };
        let mut key = [0; 16];
        key.copy_from_slice(&bytes[..16]);
        Self {
            key,
            total_orders: int(16),
            total_visits: int(20),
            total_spent: long(24),
            first_order_at: long(32),
            last_order_at: long(40),
            profiled: bytes[59] != UNPROFILED,
            stored: Rating {
                scores: [bytes[56], bytes[57], bytes[58]],
                label: Label::ALL.get(usize::from(bytes[59])).copied(),
                next_label_at: Some(long(48)).filter(|at| *at != NEVER),
            },
        }
    }

    fn guest(&self, days: &impl LocalDays) -> Guest {
        Guest {
            total_orders: self.total_orders,
            total_visits: self.total_visits,
            total_spent: self.total_spent,
            first_day: days.day(self.first_order_at),
            last_day: days.day(self.last_order_at),
            last_order_at: self.last_order_at,
        }
    }
}

/// Scores, label and the time of its next change under a rule, on a day.
pub fn rate(rule: &Rule, guest: &Guest, today: Day, days: &impl LocalDays) -> Rating {
    let scores = rule.scores(guest, today).map_or([0; 3], |scores| {
        // A score is 1 to 5.
        [scores.recency, scores.frequency, scores.monetary].map(|score| score as u8)
    });
    Rating {
        scores,
        label: Some(rule.label(guest, today)),
        next_label_at: next_change(rule, guest, today).and_then(|day| days.opening(day)),
    }
}

/// The guests of a venue, packed: [`Member::PACKED`] bytes each.
#[derive(Clone, Copy, Debug)]
pub struct Cohort<'a>(&'a [u8]);

/// What the rule of a venue needs to know about all its guests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Guests with counted orders.
    pub size: usize,
    /// Cut points of the instants of the last orders; `None` for no guests.
    pub recency_cuts: Option<[i64; 4]>,
    /// Cut points of the visits.
    pub frequency_cuts: Option<[i64; 4]>,
    /// Cut points of the spend in hundredths.
    pub monetary_cuts: Option<[i64; 4]>,
    /// Guests with at least `regular_visits` visits.
    pub regulars: usize,
    /// Lower median of their visits.
    pub median_regular_visits: Option<i64>,
    /// Lower median of their spend in hundredths.
    pub median_regular_spent: Option<i64>,
}

impl<'a> Cohort<'a> {
    /// Reads a packed cohort; `None` for bytes that are none.
    pub fn new(packed: &'a [u8]) -> Option<Self> {
        packed.len().is_multiple_of(Member::PACKED).then_some(Self(packed))
    }

    /// Its members, those without counted orders included.
    pub fn members(self) -> impl ExactSizeIterator<Item = Member> {
        self.0.as_chunks::<{ Member::PACKED }>().0.iter().map(Member::unpack)
    }

    /// Counted orders and spend, in hundredths, of all guests.
    pub fn totals(self) -> (i64, i128) {
        self.members().fold((0, 0), |(orders, spent), member| {
            (orders + i64::from(member.total_orders), spent + i128::from(member.total_spent))
        })
    }

    /// What its guests with orders spent: the ceil(k·N/100)-th smallest for k = 1 to 99, in hundredths; none without any.
    pub fn spend_percentiles(self) -> Vec<i64> {
        let mut spent: Vec<i64> = self
            .members()
            .filter(|member| member.total_orders > 0 && member.profiled)
            .map(|member| member.total_spent)
            .collect();
        spent.sort_unstable();
        (1..100).filter_map(|k| spent.get((k * spent.len()).div_ceil(100).checked_sub(1)?).copied()).collect()
    }

    /// Cut points and medians.
    pub fn summary(self, regular_visits: i32) -> Summary {
        let guests = self.0.len() / Member::PACKED;
        let mut last = Vec::with_capacity(guests);
        let mut visits = Vec::with_capacity(guests);
        let mut spent = Vec::with_capacity(guests);
        let mut regular: (Vec<i64>, Vec<i64>) = Default::default();
        for member in self.members() {
            if member.total_orders <= 0 || !member.profiled {
                continue;
            }
            last.push(member.last_order_at);
            visits.push(i64::from(member.total_visits));
            spent.push(member.total_spent);
            if member.total_visits >= regular_visits {
                regular.0.push(i64::from(member.total_visits));
                regular.1.push(member.total_spent);
            }
        }
        Summary {
            size: last.len(),
            recency_cuts: cut_points(&mut last),
            frequency_cuts: cut_points(&mut visits),
            monetary_cuts: cut_points(&mut spent),
            regulars: regular.0.len(),
            median_regular_visits: lower_median(&mut regular.0),
            median_regular_spent: lower_median(&mut regular.1),
        }
    }

    /// The guests whose stored rating is another than that under the rule on a day, with the new one.
    pub fn differing(
        self,
        rule: &Rule,
        today: Day,
        days: &impl LocalDays,
    ) -> impl Iterator<Item = (Member, Rating)> {
        self.members().filter(|member| member.profiled).filter_map(move |member| {
            let rating = rate(rule, &member.guest(days), today, days);
            (rating != member.stored).then_some((member, rating))
        })
    }

    /// How many guests have each label under the rule on each of some days, in the order of [`Label::ALL`].
    pub fn labels<const N: usize>(
        self,
        rule: &Rule,
        on: [Day; N],
        days: &impl LocalDays,
    ) -> [[i32; Label::ALL.len()]; N] {
        let mut counts = [[0; Label::ALL.len()]; N];
        for member in self.members().filter(|member| member.profiled) {
            let guest = member.guest(days);
            for (counts, day) in counts.iter_mut().zip(on) {
                counts[rule.label(&guest, day) as usize] += 1;
            }
        }
        counts
    }

    /// The guests with counted orders whose first one came at or after an instant, by the day of it.
    pub fn first_days(self, since: i64, days: &impl LocalDays) -> impl Iterator<Item = Day> {
        self.members()
            .filter(move |member| member.total_orders > 0 && member.first_order_at >= since)
            .map(|member| days.day(member.first_order_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::{ChampionFloor, Closures, Method};
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    /// Days as in UTC.
    struct Utc;

    impl LocalDays for Utc {
        fn day(&self, at: i64) -> Day {
            (at.div_euclid(DAY)) as Day
        }
        fn opening(&self, day: Day) -> Option<i64> {
            Some(i64::from(day) * DAY)
        }
    }

    fn pack(members: &[Member]) -> Vec<u8> {
        let mut packed = Vec::new();
        members.iter().for_each(|member| member.pack(&mut packed));
        packed
    }

    fn rating() -> impl Strategy<Value = Rating> {
        (prop::array::uniform3(0u8..6), prop::option::of(0usize..7), prop::option::of(-9i64..9)).prop_map(
            |(scores, label, next)| Rating {
                scores,
                label: label.map(|n| Label::ALL[n]),
                next_label_at: next.map(|day| day * DAY),
            },
        )
    }

    fn member() -> impl Strategy<Value = Member> {
        // Few distinct values, so that there are ties; the stay makes first and last differ.
        (any::<[u8; 16]>(), 0i32..9, 0i64..12, 0i64..200, 0i64..60, rating()).prop_map(
            |(key, visits, spent, first, stay, stored)| Member {
                key,
                total_orders: visits,
                total_visits: visits,
                total_spent: spent * 1000,
                first_order_at: first * DAY + 1,
                last_order_at: (first + stay) * DAY + 2,
                profiled: true,
                stored,
            },
        )
    }

    fn rule(summary: &Summary, closures: Vec<(Day, Day)>) -> Rule {
        Rule {
            method: match (summary.recency_cuts, summary.frequency_cuts, summary.monetary_cuts) {
                (Some(recency_cuts), Some(frequency_cuts), Some(monetary_cuts)) => {
                    Method::Quintile { recency_cuts, frequency_cuts, monetary_cuts }
                }
                _ => Method::Fixed { median_bill: Some(2000) },
            },
            regular_visits: 3,
            at_risk_days: 30,
            lost_days: 90,
            new_days: 30,
            champion_floor: summary
                .median_regular_visits
                .zip(summary.median_regular_spent)
                .map(|(visits, spent)| ChampionFloor { visits, spent }),
            closures: Closures::from(closures),
        }
    }

    #[test]
    fn an_incomplete_member_is_refused() {
        assert!(Cohort::new(&[0; Member::PACKED - 1]).is_none());
        assert_eq!(Cohort::new(&[]).map(|cohort| cohort.summary(3)), Some(Summary::default()));
    }

    #[test]
    fn spending_is_cut_into_hundredths_by_those_who_have_orders() {
        let spending = |spent: &[i64]| {
            let of = |total_spent: &i64| Member {
                key: [0; 16],
                total_orders: i32::from(*total_spent != 999),
                total_visits: 1,
                total_spent: *total_spent,
                first_order_at: 0,
                last_order_at: 0,
                profiled: true,
                stored: Rating { scores: [0; 3], label: None, next_label_at: None },
            };
            let packed = pack(&spent.iter().map(of).collect::<Vec<_>>());
            Cohort::new(&packed).expect("whole members").spend_percentiles()
        };
        assert!(spending(&[]).is_empty() && spending(&[999]).is_empty());
        assert_eq!(spending(&[7]), [7; 99]);
        let of_three = spending(&[30, 999, 10, 20]);
        assert_eq!((of_three[32], of_three[33], of_three[65], of_three[66]), (10, 20, 20, 30));
        assert_eq!(spending(&(1..=200).rev().collect::<Vec<_>>())[..3], [2, 4, 6]);
    }

    #[test]
    fn who_is_not_profiled_counts_in_sums_of_orders_alone() {
        let of = |key: u8, spent: i64, profiled: bool| Member {
            key: [key; 16],
            total_orders: 3,
            total_visits: 3,
            total_spent: spent,
            first_order_at: DAY,
            last_order_at: 9 * DAY,
            profiled,
            stored: Rating { scores: [0; 3], label: None, next_label_at: None },
        };
        let packed = pack(&[of(1, 10, true), of(2, 1000, false)]);
        let cohort = Cohort::new(&packed).expect("whole members");
        let summary = cohort.summary(3);
        let rule = rule(&summary, Vec::new());
        assert_eq!(cohort.totals(), (6, 1010));
        assert_eq!(cohort.first_days(0, &Utc).count(), 2);
        assert_eq!((summary.size, summary.regulars, summary.median_regular_spent), (1, 1, Some(10)));
        assert_eq!(cohort.spend_percentiles(), [10; 99]);
        let rated: Vec<_> = cohort.differing(&rule, 9, &Utc).map(|(member, _)| member.key[0]).collect();
        assert_eq!(rated, [1]);
        assert_eq!(cohort.labels(&rule, [9], &Utc)[0].iter().sum::<i32>(), 1);
    }

    proptest! {
        #[test]
        fn packing_keeps_every_member(members in prop::collection::vec(member(), 0..20)) {
            let packed = pack(&members);
            let cohort = Cohort::new(&packed).unwrap();
            prop_assert_eq!(cohort.members().collect::<Vec<_>>(), members);
        }

        #[test]
        fn a_rewritten_cohort_has_nothing_left_to_rewrite_and_was_rewritten_only_where_it_differed(
            members in prop::collection::vec(member(), 1..60),
            today in 100i32..320,
            closed in 90i32..300,
        ) {
            let packed = pack(&members);
            let cohort = Cohort::new(&packed).unwrap();
            let rule = rule(&cohort.summary(3), vec![(closed, closed + 9)]);
            let differing: Vec<_> = cohort.differing(&rule, today, &Utc).collect();
            let rewritten: Vec<_> = members
                .iter()
                .map(|member| match differing.iter().find(|(other, _)| other == member) {
                    Some((_, stored)) => Member { stored: *stored, ..*member },
                    None => *member,
                })
                .collect();
            for (before, after) in members.iter().zip(&rewritten) {
                // The rules themselves, guest by guest, are the measure.
                let guest = before.guest(&Utc);
                let scores = rule.scores(&guest, today);
                let expected = scores.map_or([0; 3], |s| [s.recency as u8, s.frequency as u8, s.monetary as u8]);
                prop_assert_eq!(after.stored.scores, expected);
                prop_assert_eq!(after.stored.label, Some(rule.label(&guest, today)));
                prop_assert_eq!(after.stored.next_label_at, next_change(&rule, &guest, today).map(|day| i64::from(day) * DAY));
                prop_assert_eq!(before == after, !differing.iter().any(|(other, _)| other == before));
            }
            let packed = pack(&rewritten);
            prop_assert_eq!(Cohort::new(&packed).unwrap().differing(&rule, today, &Utc).count(), 0);
            let [labels] = Cohort::new(&packed).unwrap().labels(&rule, [today], &Utc);
            for (label, count) in Label::ALL.iter().zip(labels) {
                let found = rewritten.iter().filter(|member| member.stored.label == Some(*label)).count();
                prop_assert_eq!(found as i32, count);
            }
        }
    }
}
