//! What is the same for all guests of a venue.

use serde::Deserialize;

use super::calendar::Closures;

/// How the scores of a venue are found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Method {
    /// By cut points within the cohort.
    Quintile {
        /// Instants, in microseconds since 1970-01-01 UTC.
        recency_cuts: [i64; 4],
        /// Visits.
        frequency_cuts: [i64; 4],
        /// Hundredths.
        monetary_cuts: [i64; 4],
    },
    /// By fixed thresholds, where the cohort is too small for quintiles.
    Fixed {
        /// The venue's median bill in hundredths; without one, monetary equals frequency.
        median_bill: Option<i64>,
    },
}

/// What a champion must exceed where the venue has enough regulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChampionFloor {
    /// Visits of the median regular.
    pub visits: i64,
    /// Spend of the median regular, in hundredths.
    pub spent: i64,
}

/// Thresholds, cut points and closures of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// How scores are found.
    #[serde(flatten)]
    pub method: Method,
    /// Visits from which a guest is a regular.
    pub regular_visits: i32,
    /// Open days without an order after which a regular is at risk.
    pub at_risk_days: i32,
    /// Open days without an order after which a guest is lost.
    pub lost_days: i32,
    /// Days since the first order during which a guest is new.
    pub new_days: i32,
    /// The medians of the venue's regulars, where it has enough of them and a full cohort.
    pub champion_floor: Option<ChampionFloor>,
    /// Days that do not count as days without an order.
    #[serde(default)]
    pub closures: Closures,
}

/// A rule that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("scoring rule cannot be read: {0}")]
pub struct RuleError(#[from] serde_json::Error);

impl Rule {
    /// Reads a rule from its JSON form.
    pub fn parse(json: &str) -> Result<Self, RuleError> {
        Ok(serde_json::from_str(json)?)
    }
}
