//! Why a guest is what he is.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AtVenue, Label, POINTERS, POINTERS_OF_QUERY};
use crate::{
    caller::Caller,
    extract::{Id, NoParameters, Query},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

/// Why a guest has his scores and label at a venue.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Explanation {
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    #[schema(required, value_type = Option<Label>)]
    previous_label: Option<String>,
    #[schema(required)]
    label_changed_at: Option<DateTime<Utc>>,
    /// The rule that fired, in English.
    because: String,
    /// Whether he has come as often as a regular of the venue.
    regular: bool,
    /// False for who objected to profiling: he has no label.
    profiled: bool,
    /// The days of the venue's rule that the label goes by, where it goes by days.
    #[schema(required)]
    limit_days: Option<i32>,
    /// Whether a champion had to exceed the median regular too.
    #[schema(required)]
    above_median_regular: Option<bool>,
    /// Local day on which time alone changes label or recency.
    #[schema(required)]
    next_change_on: Option<NaiveDate>,
    /// Whether that day has come and the next sweep changes it.
    due: bool,
    as_of: DateTime<Utc>,
    /// How the venue scores: against its cohort, or by fixed thresholds.
    #[schema(required)]
    method: Option<String>,
    cohort: i64,
    currency: String,
    total_orders: i32,
    total_visits: i32,
    /// Median, in days.
    #[schema(required)]
    usual_gap_days: Option<i64>,
    recency: Recency,
    frequency: Frequency,
    monetary: Monetary,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Recency {
    #[schema(required)]
    score: Option<i16>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    /// Open local days since.
    #[schema(required)]
    days: Option<i32>,
    #[schema(required)]
    cut_points: Option<Vec<DateTime<Utc>>>,
    /// Share of the cohort strictly worse, 0 to 1.
    #[schema(required)]
    share_worse: Option<f64>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Frequency {
    #[schema(required)]
    score: Option<i16>,
    visits: i32,
    #[schema(required)]
    cut_points: Option<Vec<i64>>,
    #[schema(required)]
    share_worse: Option<f64>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Monetary {
    #[schema(required)]
    score: Option<i16>,
    #[schema(format = "decimal")]
    spent: String,
    #[schema(required, format = "decimal")]
    median_bill: Option<String>,
    /// Decimal strings.
    #[schema(required)]
    cut_points: Option<Vec<String>>,
    #[schema(required)]
    share_worse: Option<f64>,
}

/// A segment that the guest is in.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Membership {
    segment_id: i32,
    key: String,
    name: String,
    /// Null for a segment of the organisation.
    #[schema(required)]
    venue_id: Option<Uuid>,
    is_system: bool,
    /// What the segment says, in English.
    sentence: String,
    #[schema(required)]
    since: Option<DateTime<Utc>>,
    /// Such as order, time, tag, criteria or override.
    #[schema(required)]
    cause: Option<String>,
}

/// Why a guest has his scores and label
#[utoipa::path(get, path = "/customers/{id}/explanation", tag = "dossier", params(AtVenue),
    responses((status = 200, description = "The explanation", body = Explanation)))]
pub async fn explain_scores(
    caller: Caller,
    Id(id): Id,
    Query(AtVenue { venue }): Query<AtVenue>,
) -> Result<Json<Explanation>, Problem> {
    let why = caller.one("explain_rfm", "SELECT crm.explain_rfm($1::text, $2::text)", &[&id, &venue]).await;
    why.map(Json).map_err(|problem| problem.at(POINTERS_OF_QUERY))
}

/// The segments that a guest is in, and since when
///
/// Why in detail: `/v1/segments/{segment}/explanation`.
#[utoipa::path(get, path = "/customers/{id}/segments", tag = "dossier",
    responses((status = 200, description = "All in one page", body = Page<Membership>)))]
pub async fn list_segments_of_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Page<Membership>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.segments_of($1::text)");
    caller.list("segments_of", SQL, &[&id]).await.map_err(|problem| problem.at(POINTERS))
}
