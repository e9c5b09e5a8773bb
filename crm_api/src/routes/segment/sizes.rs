//! How segments grow and shrink.

use axum::Json;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{caller::Caller, extract::Query, json_rows, problem::Problem, routes::page::Page};

const POINTERS: &[(&str, &str)] = &[("venue", "#/query/venue"), ("days", "#/query/days")];

/// A segment on one day.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SizeOnDay {
    segment_id: i32,
    /// Calendar day of the segment's venue; of UTC for the organisation's.
    day: NaiveDate,
    /// Members at its end; today: now.
    members: i64,
    joined: i64,
    left: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Back {
    /// Only segments of this venue: its uuid, or the platform's own id.
    venue: Option<String>,
    /// Days to look back.
    #[serde(default = "a_month")]
    #[param(required = false, default = 30, minimum = 1, maximum = 366)]
    days: i32,
}

fn a_month() -> i32 {
    30
}

/// Members of the segments day by day
///
/// By the ledger of entries and exits.
#[utoipa::path(get, path = "/segments/sizes", tag = "segment", params(Back),
    responses((status = 200, description = "Each segment on each day, all in one page", body = Page<SizeOnDay>)))]
pub async fn list_segment_sizes(
    caller: Caller,
    Query(Back { venue, days }): Query<Back>,
) -> Result<Json<Page<SizeOnDay>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.segment_sizes($1::text, $2::int)");
    caller.list("segment_sizes", SQL, &[&venue, &days]).await.map_err(|problem| problem.at(POINTERS))
}
