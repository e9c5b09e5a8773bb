//! RFM scores and labels of one guest at one venue.
//!
//! A [`Rule`] holds everything that is the same for all guests of a venue: thresholds, cut points,
//! closures. A [`Guest`] holds what the orders say. Every score and label is a function of the two
//! and of a day.

mod calendar;
mod cohort;
mod cut_points;
mod label;
mod rule;
mod score;

pub use calendar::{Closures, Day};
pub use cohort::{Cohort, LocalDays, Member, Rating, Summary, rate};
pub use cut_points::{cut_points, lower_median};
pub use label::{Label, next_change};
pub use rule::{ChampionFloor, Method, Rule, RuleError};
pub use score::Scores;

/// What the counted orders of one guest at one venue add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Counted orders; zero means outside the cohort.
    pub total_orders: i32,
    /// Distinct local days with a counted order.
    pub total_visits: i32,
    /// Sum of the order totals, in hundredths.
    pub total_spent: i64,
    /// Local day of the first counted order.
    pub first_day: Day,
    /// Local day of the last counted order.
    pub last_day: Day,
    /// Instant of the last counted order, in microseconds since 1970-01-01 UTC.
    pub last_order_at: i64,
}
