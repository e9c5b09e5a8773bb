//! The segments, and those to start from.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    etag::Versioned,
    extract::{NoParameters, Path, Query},
    json_rows,
    problem::Problem,
    routes::{criteria::Criteria, page::Page},
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Segment {
    segment_id: i32,
    /// Null for a segment of the organisation.
    #[schema(required)]
    venue_id: Option<Uuid>,
    /// By which criteria of others name it.
    key: String,
    name: String,
    /// What it says, in English.
    sentence: String,
    criteria: Criteria,
    /// SHA-256 of the canonical form of the criteria.
    criteria_version: String,
    /// Whether it stands for a label, and cannot be changed.
    is_system: bool,
    members: i64,
    /// Null while a large change waits for the next sweep.
    #[schema(required)]
    computed_at: Option<DateTime<Utc>>,
    #[schema(required)]
    archived_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Template {
    key: String,
    name: String,
    /// Whether every venue has it.
    system: bool,
    criteria: Criteria,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only of this venue: its uuid, or the platform's own id. Without it all within reach, those of the organisation too.
    venue: Option<String>,
    /// Those that were archived too.
    #[serde(default)]
    #[param(required = false, default = false)]
    archived: bool,
}

/// The segments
#[utoipa::path(get, path = "/segments", tag = "segment", params(Which),
    responses((status = 200, description = "All in one page", body = Page<Segment>)))]
pub async fn list_segments(
    caller: Caller,
    Query(Which { venue, archived }): Query<Which>,
) -> Result<Json<Page<Segment>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT segment_id, venue_id, key, name, sentence, criteria::json, criteria_version, is_system, members, computed_at, archived_at \
           FROM crm.segment_list($1::text, $2::bool)"
    );
    let segments = caller.list("segment_list", SQL, &[&venue, &archived]).await;
    segments.map_err(|problem| problem.at(&[("venue", "#/query/venue")]))
}

/// A segment
#[utoipa::path(get, path = "/segments/{segment}", tag = "segment",
    responses((status = 200, description = "The segment", body = Segment,
        headers(("ETag" = String, description = "Its version, for If-Match")))))]
pub async fn get_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
) -> Result<Versioned<Segment>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT row_to_json(s) AS value, crm.saved_version($1::int) AS version FROM (SELECT segment_id, venue_id, key, name, sentence, criteria::json, criteria_version, is_system, members, computed_at, archived_at \
           FROM crm.one_segment($1::int)) AS s"
    );
    caller.one("one_segment", SQL, &[&segment]).await.map_err(|problem| problem.at(POINTERS))
}

/// Segments to start from
#[utoipa::path(get, path = "/segments/templates", tag = "segment",
    responses((status = 200, description = "All in one page", body = Page<Template>)))]
pub async fn list_segment_templates(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<Template>>, Problem> {
    const SQL: &str = json_rows!("SELECT key, name, system, criteria::json FROM crm.segment_templates()");
    caller.list("segment_templates", SQL, &[]).await
}
