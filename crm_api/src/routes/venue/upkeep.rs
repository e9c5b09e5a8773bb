//! Statistics of a venue: recomputed, verified, repaired.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{NoParameters, Path},
    json_rows,
    problem::Problem,
    routes::{customer::Label, page::Page},
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Written {
    /// Rows changed.
    changed: i64,
}

/// A guest whose row is not what his orders say.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Difference {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    /// Null where there is no row.
    #[schema(required)]
    stored: Option<Totals>,
    expected: Totals,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Totals {
    total_orders: i32,
    total_visits: i32,
    #[schema(required, format = "decimal")]
    total_spent: Option<String>,
    #[schema(required, format = "decimal")]
    highest_order: Option<String>,
    #[schema(required)]
    first_order_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    #[schema(required)]
    recency_score: Option<i16>,
    #[schema(required)]
    frequency_score: Option<i16>,
    #[schema(required)]
    monetary_score: Option<i16>,
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    #[schema(required)]
    next_label_at: Option<DateTime<Utc>>,
}

/// Recompute the scores of a venue
///
/// Cut points anew, then the scores and labels that change.
#[utoipa::path(post, path = "/venues/{venue}/recompute", tag = "venue",
    responses((status = 200, description = "How many rows changed", body = Written)))]
pub async fn recompute(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
) -> Result<Json<Written>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.recompute_own_venue($1::text) AS changed");
    let written = caller.one("recompute_own_venue", SQL, &[&venue]).await;
    written.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// Verify the statistics of a venue
///
/// Recounts all its orders: the guests whose row differs, at most 200; none when all is well.
#[utoipa::path(get, path = "/venues/{venue}/verify", tag = "venue",
    responses((status = 200, description = "The guests, all in one page", body = Page<Difference>)))]
pub async fn verify(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
) -> Result<Json<Page<Difference>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.verify_own_venue($1::text)");
    caller.list("verify_own_venue", SQL, &[&venue]).await.map_err(|problem| problem.at(POINTERS))
}

/// Repair the statistics of a venue
///
/// Counts anew every guest whom the verification would name.
#[utoipa::path(post, path = "/venues/{venue}/repair", tag = "venue",
    responses((status = 200, description = "How many guests were counted anew", body = Written)))]
pub async fn repair(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
) -> Result<Json<Written>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.repair_own_venue($1::text) AS changed");
    let written = caller.one("repair_own_venue", SQL, &[&venue]).await;
    written.map(Json).map_err(|problem| problem.at(POINTERS))
}
