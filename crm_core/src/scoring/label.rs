//! The label of a guest, and the day on which time alone changes it.

use super::score::FIXED_RECENCY_DAYS;
use super::{Day, Guest, Method, Rule};

/// The seven labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// A regular who is recent, frequent and spends, more than the venue's median regular.
    Champion,
    /// A regular with good frequency and spend.
    Loyal,
    /// Anyone active whom no other label fits.
    Potential,
    /// Not yet a regular, first order not long ago.
    New,
    /// A regular who has not been seen for a while.
    AtRisk,
    /// A regular who has not been seen for long.
    Lost,
    /// No counted order, or not a regular and not seen for long.
    Inactive,
}

impl Label {
    /// All of them, in their own order.
    pub const ALL: [Self; 7] =
        [Self::Champion, Self::Loyal, Self::Potential, Self::New, Self::AtRisk, Self::Lost, Self::Inactive];

    /// The label of a stored name; `None` for any other text.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    /// The name stored in tables.
    pub fn name(self) -> &'static str {
        match self {
            Label::Champion => "CHAMPION",
            Label::Loyal => "LOYAL",
            Label::Potential => "POTENTIAL",
            Label::New => "NEW",
            Label::AtRisk => "AT_RISK",
            Label::Lost => "LOST",
            Label::Inactive => "INACTIVE",
        }
    }
}

impl Rule {
    /// The label on a day: the first rule that matches.
    pub fn label(&self, guest: &Guest, today: Day) -> Label {
        let Some(scores) = self.scores(guest, today) else {
            return Label::Inactive;
        };
        let regular = guest.total_visits >= self.regular_visits;
        let days = self.days_since(guest.last_day, today);
        if days >= self.lost_days {
            return if regular { Label::Lost } else { Label::Inactive };
        }
        if regular {
            if days >= self.at_risk_days {
                Label::AtRisk
            } else if scores.recency.min(scores.frequency).min(scores.monetary) >= 4
                && self.exceeds_median_regular(guest)
            {
                Label::Champion
            } else if scores.frequency + scores.monetary >= 6 {
                Label::Loyal
            } else {
                Label::Potential
            }
        } else if i64::from(today) - i64::from(guest.first_day) < i64::from(self.new_days) {
            Label::New
        } else {
            Label::Potential
        }
    }

    fn exceeds_median_regular(&self, guest: &Guest) -> bool {
        self.champion_floor.is_none_or(|floor| {
            i64::from(guest.total_visits) > floor.visits && guest.total_spent > floor.spent
        })
    }
}

/// The first day after `today` on which the label or the recency score differs from today's though
/// nothing but time passed; `None` when it never will.
pub fn next_change(rule: &Rule, guest: &Guest, today: Day) -> Option<Day> {
    if guest.total_orders <= 0 {
        return None;
    }
    let fixed: &[i32] = match rule.method {
        Method::Fixed { .. } => &FIXED_RECENCY_DAYS,
        Method::Quintile { .. } => &[],
    };
    let recency = |day| rule.recency_score(guest.last_day, guest.last_order_at, day);
    let state = |day| (rule.label(guest, day), recency(day));
    let now = state(today);
    [rule.at_risk_days, rule.lost_days]
        .iter()
        .chain(fixed)
        .filter_map(|days| rule.closures.day_after_open_days(guest.last_day, *days))
        .chain(guest.first_day.checked_add(rule.new_days))
        .filter(|day| *day > today && state(*day) != now)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::{ChampionFloor, Closures};
    use proptest::prelude::*;

    fn rule(method: Method) -> Rule {
        Rule {
            method,
            regular_visits: 3,
            at_risk_days: 30,
            lost_days: 90,
            new_days: 30,
            champion_floor: None,
            closures: Closures::default(),
        }
    }

    fn guest(visits: i32, spent: i64, first_day: Day, last_day: Day) -> Guest {
        Guest {
            total_orders: visits,
            total_visits: visits,
            total_spent: spent,
            first_day,
            last_day,
            last_order_at: i64::from(last_day) * 86_400_000_000,
        }
    }

    fn fixed() -> Rule {
        rule(Method::Fixed { median_bill: Some(2000) })
    }

    #[test]
    fn a_guest_without_orders_is_inactive() {
        assert_eq!(fixed().label(&guest(0, 0, 0, 0), 10), Label::Inactive);
    }

    #[test]
    fn a_regular_is_at_risk_from_30_days_and_lost_from_90() {
        let regular = guest(3, 6000, 0, 100);
        let labels = [129, 130, 189, 190].map(|today| fixed().label(&regular, today));
        assert_eq!(labels, [Label::Loyal, Label::AtRisk, Label::AtRisk, Label::Lost]);
    }

    #[test]
    fn a_one_time_guest_is_new_then_potential_then_inactive() {
        let once = guest(1, 2000, 100, 100);
        let labels = [100, 129, 130, 189, 190].map(|today| fixed().label(&once, today));
        assert_eq!(labels, [Label::New, Label::New, Label::Potential, Label::Potential, Label::Inactive]);
    }

    #[test]
    fn a_weekly_regular_is_a_champion_unless_the_median_regular_is_as_good() {
        let weekly = guest(10, 24_000, 30, 100);
        assert_eq!(fixed().label(&weekly, 101), Label::Champion);
        for floor in [(10, 1), (1, 24_000)] {
            let mut strict = fixed();
            strict.champion_floor = Some(ChampionFloor { visits: floor.0, spent: floor.1 });
            assert_eq!(strict.label(&weekly, 101), Label::Loyal);
        }
    }

    #[test]
    fn a_closure_stops_the_clock() {
        let regular = guest(3, 6000, 0, 100);
        let mut closed = fixed();
        closed.closures = Closures::from(vec![(101, 220)]);
        assert_eq!(closed.label(&regular, 222), Label::Loyal);
        assert_eq!(closed.label(&regular, 249), Label::Loyal);
        assert_eq!(closed.label(&regular, 250), Label::AtRisk);
        assert_eq!(next_change(&closed, &regular, 220), Some(228));
    }

    #[test]
    fn a_rule_is_read_from_its_json_form() {
        let parsed = Rule::parse(
            r#"{"method":"quintile","recency_cuts":[1,2,3,4],"frequency_cuts":[1,1,2,3],
                "monetary_cuts":[100,200,300,400],"regular_visits":3,"at_risk_days":30,"lost_days":90,
                "new_days":30,"champion_floor":{"visits":5,"spent":9000},"closures":[[7,9],[8,12]]}"#,
        )
        .unwrap();
        assert_eq!(parsed.closures, Closures::from(vec![(7, 12)]));
        assert_eq!(parsed.champion_floor, Some(ChampionFloor { visits: 5, spent: 9000 }));
        assert!(Rule::parse(r#"{"method":"guess"}"#).is_err());
    }

    proptest! {
        /// Between today and the day found nothing changes; on that day something does.
        #[test]
        fn the_next_change_is_the_first_day_that_differs(
            visits in 0i32..14,
            spent in 0i64..60_000,
            first_day in 0i32..60,
            stay in 0i32..200,
            wait in -3i32..120,
            quintile in any::<bool>(),
            new_days in 1i32..80,
            closures in prop::collection::vec((0i32..400, 0i32..30), 0..3),
        ) {
            let mut rule = if quintile {
                rule(Method::Quintile {
                    recency_cuts: [50, 100, 150, 200].map(|day| day * 86_400_000_000),
                    frequency_cuts: [1, 2, 4, 8],
                    monetary_cuts: [2000, 4000, 8000, 16_000],
                })
            } else {
                fixed()
            };
            rule.new_days = new_days;
            rule.closures = Closures::from(
                closures.into_iter().map(|(from, days)| (from, from + days)).collect::<Vec<_>>(),
            );
            let guest = guest(visits, spent, first_day, first_day + stay);
            let today = first_day + stay + wait;
            let state = |day| (rule.label(&guest, day), rule.scores(&guest, day));
            let expected = (today + 1..today + 600).find(|day| state(*day) != state(today));
            prop_assert_eq!(next_change(&rule, &guest, today), expected);
        }
    }
}
