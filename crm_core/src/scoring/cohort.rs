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
    /// Scores and label as stored.
    pub stored: Rating,
}

/// Absent instants, which no order has.
const NEVER: i64 = i64::MIN;

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
        packed.push(self.stored.label.map_or(u8::MAX, |label| label as u8));
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
    pub fn members(self) -> impl Iterator<Item = Member> {
        self.0.as_chunks::<{ Member::PACKED }>().0.iter().map(Member::unpack)
    }

    /// Counted orders and spend, in hundredths, of all guests.
    pub fn totals(self) -> (i64, i128) {
        self.members().fold((0, 0), |(orders, spent), member| {
            (orders + i64::from(member.total_orders), spent + i128::from(member.total_spent))
        })
    }

    /// Cut points and medians.
    pub fn summary(self, regular_visits: i32) -> Summary {
        let guests = self.0.len() / Member::PACKED;
        let mut last = Vec::with_capacity(guests);
        let mut visits = Vec::with_capacity(guests);
        let mut spent = Vec::with_capacity(guests);
        let mut regular: (Vec<i64>, Vec<i64>) = Default::default();
        for member in self.members() {
            if member.total_orders <= 0 {
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

    /// The guests whose stored rating is another than that under the rule on a day, with the new one, in the order of
    /// their keys.
    pub fn differing(self, rule: &Rule, today: Day, days: &impl LocalDays) -> Vec<([u8; 16], Rating)> {
        let mut differing: Vec<_> = self
            .members()
            .filter_map(|member| {
                let rating = rate(rule, &member.guest(days), today, days);
                (rating != member.stored).then_some((member.key, rating))
            })
            .collect();
        differing.sort_unstable_by_key(|(key, _)| *key);
        differing
    }

    /// How many guests have each label under the rule on a day, in the order of [`Label::ALL`].
    pub fn labels(self, rule: &Rule, today: Day, days: &impl LocalDays) -> [i32; Label::ALL.len()] {
        let mut counts = [0; Label::ALL.len()];
        for member in self.members() {
            counts[rule.label(&member.guest(days), today) as usize] += 1;
        }
        counts
    }

    /// The day of each guest's first counted order.
    pub fn first_days(self, days: &impl LocalDays) -> impl Iterator<Item = Day> {
        self.members().filter(|member| member.total_orders > 0).map(|member| days.day(member.first_order_at))
    }
}
