//! Making segments and changing them.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::POINTERS;
use crate::{
    caller::Caller,
    etag::IfMatch,
    extract::{Body, NoParameters, Path},
    json_rows,
    problem::Problem,
    routes::criteria::Criteria,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSegment {
    /// The venue's uuid, or the platform's own id; null for the organisation.
    venue: Option<String>,
    /// By which criteria of others may name it: lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z0-9][a-z0-9_]{0,62}$")]
    key: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    criteria: Criteria,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedSegment {
    /// Null keeps it.
    name: Option<String>,
    /// Null keeps them.
    criteria: Option<Criteria>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "regulars_2", "name": "Regulars, a copy"}))]
pub struct Copy {
    key: String,
    /// As the first unless given.
    name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SegmentId {
    segment_id: i32,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Size {
    members: i64,
}

/// Save criteria as a segment
///
/// Its members are found at once, or by the next sweep where more than 1,000 guests join: `computed_at` is null until then.
#[utoipa::path(post, path = "/segments", tag = "segment", request_body = NewSegment,
    responses((status = 201, description = "Its number", body = SegmentId)))]
pub async fn create_segment(
    caller: Caller,
    NoParameters: NoParameters,
    Body(NewSegment { venue, key, name, criteria }): Body<NewSegment>,
) -> Result<(StatusCode, Json<SegmentId>), Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.create_segment($1::text, $2::text, $3::text, $4::text) AS segment_id");
    let made = caller.one("create_segment", SQL, &[&venue, &key, &name, &criteria.text()]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(&[]))
}

/// Change a segment
#[utoipa::path(patch, path = "/segments/{segment}", tag = "segment", request_body = ChangedSegment,
    params(("If-Match" = Option<String>, Header, description = "The ETag that was read: refused where it was changed since")),
    responses((status = 204, description = "It is changed")))]
pub async fn update_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
    if_match: IfMatch,
    Body(ChangedSegment { name, criteria }): Body<ChangedSegment>,
) -> Result<StatusCode, Problem> {
    let criteria = criteria.as_ref().map(Criteria::text);
    const SQL: &str = "SELECT crm.update_segment($1::int, $2::text, $3::text)";
    const GUARD: &str = "SELECT crm.expect_version(crm.saved_version($1::text::int, true), $2::text[])";
    let caller = caller.if_match(GUARD, &segment.to_string(), if_match);
    let done = caller.run("update_segment", SQL, &[&segment, &name, &criteria]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Archive a segment
///
/// Its members leave; its history stays.
#[utoipa::path(delete, path = "/segments/{segment}", tag = "segment",
    responses((status = 204, description = "It is archived")))]
pub async fn archive_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("archive_segment", "SELECT crm.archive_segment($1::int)", &[&segment]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(POINTERS))
}

/// Copy a segment
///
/// Its criteria under a new key, without what was done by hand.
#[utoipa::path(post, path = "/segments/{segment}/duplicate", tag = "segment", request_body = Copy,
    responses((status = 201, description = "The copy's number", body = SegmentId)))]
pub async fn duplicate_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
    Body(Copy { key, name }): Body<Copy>,
) -> Result<(StatusCode, Json<SegmentId>), Problem> {
    const SQL: &str = json_rows!("SELECT crm.duplicate_segment($1::int, $2::text, $3::text) AS segment_id");
    let made = caller.one("duplicate_segment", SQL, &[&segment, &key, &name]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Look at all guests of a segment anew
#[utoipa::path(post, path = "/segments/{segment}/refresh", tag = "segment",
    responses((status = 200, description = "The number of members", body = Size)))]
pub async fn refresh_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
) -> Result<Json<Size>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.refresh_segment($1::int) AS members");
    caller.one("refresh_segment", SQL, &[&segment]).await.map(Json).map_err(|problem| problem.at(POINTERS))
}
