//! What a venue sold, and to whom.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Days, POINTERS};
use crate::{
    caller::Caller,
    extract::{NoParameters, Path, Query},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

/// A venue at a glance. Money in its currency; shares from 0 to 1, null where there is nothing to divide by.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Overview {
    venue_id: Uuid,
    r#ref: String,
    name: String,
    currency: String,
    timezone: String,
    as_of: DateTime<Utc>,
    /// Guests with an order.
    cohort: i64,
    /// The seven labels, best first.
    labels: Vec<LabelFigures>,
    /// Share of the cohort with two visits or more.
    #[schema(required)]
    repeat_rate: Option<f64>,
    /// Counted orders of all time.
    orders: i64,
    /// A guest on a local day, of all time.
    visits: i64,
    #[schema(required)]
    visits_per_guest: Option<f64>,
    #[schema(required, format = "decimal")]
    revenue: Option<String>,
    #[schema(required, format = "decimal")]
    average_bill: Option<String>,
    sales: Sales,
    at_risk_within_7_days: AtRiskSoon,
    /// When the night last computed the cut points.
    #[schema(required)]
    scores_computed_at: Option<DateTime<Utc>>,
    /// Changes of orders that wait for the next sweep.
    changes_put_off: i64,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct LabelFigures {
    #[schema(value_type = crate::routes::customer::Label)]
    label: String,
    guests: i64,
    #[schema(required, format = "decimal")]
    spent: Option<String>,
    #[schema(required)]
    share_of_revenue: Option<f64>,
}

/// Figures of today so far, of the last 7 and 30 whole days, and of as many before.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Sales {
    today: Period,
    last_7_days: Period,
    previous_7_days: Period,
    last_30_days: Period,
    previous_30_days: Period,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Period {
    from_day: NaiveDate,
    to_day: NaiveDate,
    orders: i64,
    #[schema(required, format = "decimal")]
    revenue: Option<String>,
    #[schema(required, format = "decimal")]
    average_bill: Option<String>,
    /// A guest on a day.
    visits: i64,
    new_guests: i64,
    /// Visits but a guest's first.
    returning_visits: i64,
    /// Against the days before, for the last 7 and 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    change: Option<Change>,
}

/// 0.1 is a tenth more.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Change {
    #[schema(required)]
    orders: Option<f64>,
    #[schema(required)]
    revenue: Option<f64>,
    #[schema(required)]
    visits: Option<f64>,
}

/// Regulars who become AT_RISK within seven days if they do not come.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct AtRiskSoon {
    guests: i64,
    /// What they have spent.
    #[schema(required, format = "decimal")]
    spent: Option<String>,
    #[schema(required)]
    share_of_revenue: Option<f64>,
}

/// A local day of a venue, as the night keeps it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Day {
    day: NaiveDate,
    guests: i32,
    new_guests: i32,
    returning_guests: i32,
    orders: i32,
    #[schema(format = "decimal")]
    revenue: String,
    /// Guests of each label at the close of the day; null for days before the CRM kept them.
    #[schema(required)]
    champions: Option<i32>,
    #[schema(required)]
    loyal: Option<i32>,
    #[schema(required)]
    potential: Option<i32>,
    #[schema(required)]
    new: Option<i32>,
    #[schema(required)]
    at_risk: Option<i32>,
    #[schema(required)]
    lost: Option<i32>,
    #[schema(required)]
    inactive: Option<i32>,
}

/// A venue at a glance
#[utoipa::path(get, path = "/venues/{venue}/overview", tag = "venue",
    responses((status = 200, description = "The overview", body = Overview)))]
pub async fn get_overview(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
) -> Result<Json<Overview>, Problem> {
    let overview = caller.one("overview", "SELECT crm.overview($1::text)", &[&venue]).await;
    overview.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// A venue day by day
///
/// Days with orders, and those that had a night. The last two are as the last night found them.
#[utoipa::path(get, path = "/venues/{venue}/days", tag = "venue", params(Days),
    responses((status = 200, description = "The days, all in one page", body = Page<Day>)))]
pub async fn list_days(
    caller: Caller,
    Path(venue): Path<String>,
    Query(Days { from, to }): Query<Days>,
) -> Result<Json<Page<Day>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT day, guests, new_guests, returning_guests, orders, revenue::text, champions, loyal, potential, new, at_risk, lost, inactive \
           FROM crm.venue_days($1::text, $2::date, $3::date)"
    );
    caller.list("venue_days", SQL, &[&venue, &from, &to]).await.map_err(|problem| problem.at(POINTERS))
}
