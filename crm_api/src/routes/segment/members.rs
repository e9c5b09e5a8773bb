//! Who is in a segment, who was, and who by hand.

use axum::{Json, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Listing, NoParameters, Path, Query},
    json_rows,
    problem::Problem,
    routes::{customer::Label, page::Page},
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Member {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    email: Option<String>,
    /// At the segment's venue, like the totals; null in a segment of the organisation.
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    #[schema(required)]
    total_visits: Option<i32>,
    #[schema(required, format = "decimal")]
    total_spent: Option<String>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Movement {
    #[schema(required)]
    occurred_at: Option<DateTime<Utc>>,
    /// entered or exited.
    event: String,
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    /// Such as order, time, tag, criteria, override or night.
    #[schema(required)]
    cause: Option<String>,
    #[schema(required)]
    order_ref: Option<String>,
    /// Of the criteria then in force.
    #[schema(required)]
    criteria_version: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct FormerMember {
    customer_id: Uuid,
    #[schema(required)]
    since: Option<DateTime<Utc>>,
    #[schema(required)]
    cause: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Override {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    /// True: put in; false: kept out.
    included: bool,
    reason: String,
    /// Name of the principal; null for a database administrator.
    #[schema(required)]
    set_by: Option<String>,
    set_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"included": true, "reason": "A friend of the house"}))]
pub struct NewOverride {
    /// True puts him in, false keeps him out, whatever the criteria say.
    included: bool,
    reason: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Instant {
    at: DateTime<Utc>,
}

/// Members of a segment
///
/// In the order of their ids. In another order, and filtered: `/v1/customers?segment=`.
#[utoipa::path(get, path = "/segments/{segment}/members", tag = "segment", params(Listing),
    responses((status = 200, description = "A page of members", body = Page<Member>)))]
pub async fn list_members(
    caller: Caller,
    Path(segment): Path<i32>,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<Member>>, Problem> {
    const SQL: &str = "SELECT row_to_json(r), json_build_object('id', r.customer_id)::text FROM ( \
                         SELECT customer_id, ref, name, phone, email, label, total_visits, total_spent::text, last_order_at \
                           FROM crm.segment_members($3::int, ($1::text::jsonb ->> 'id')::uuid, $2::int)) AS r";
    caller.page("segment_members", SQL, &listing, &[&segment]).await.map_err(|problem| problem.at(POINTERS))
}

/// Entries into a segment and exits
///
/// Latest first.
#[utoipa::path(get, path = "/segments/{segment}/events", tag = "segment", params(Listing),
    responses((status = 200, description = "A page of events", body = Page<Movement>)))]
pub async fn list_events(
    caller: Caller,
    Path(segment): Path<i32>,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<Movement>>, Problem> {
    const SQL: &str = "SELECT row_to_json(e), e.cursor::text FROM crm.segment_events($3::int, $1::text::jsonb, $2::int) AS e";
    caller.page("segment_events", SQL, &listing, &[&segment]).await.map_err(|problem| problem.at(POINTERS))
}

/// Who was in a segment at an instant
///
/// By the ledger of entries and exits.
#[utoipa::path(get, path = "/segments/{segment}/as-of", tag = "segment", params(Instant),
    responses((status = 200, description = "All in one page", body = Page<FormerMember>)))]
pub async fn list_members_as_of(
    caller: Caller,
    Path(segment): Path<i32>,
    Query(Instant { at }): Query<Instant>,
) -> Result<Json<Page<FormerMember>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.segment_as_of($1::int, $2::timestamptz)");
    caller.list("segment_as_of", SQL, &[&segment, &at]).await.map_err(|problem| problem.at(POINTERS))
}

/// Guests put into a segment or kept out of it by hand
#[utoipa::path(get, path = "/segments/{segment}/overrides", tag = "segment",
    responses((status = 200, description = "All in one page", body = Page<Override>)))]
pub async fn list_overrides(
    caller: Caller,
    Path(segment): Path<i32>,
    NoParameters: NoParameters,
) -> Result<Json<Page<Override>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.segment_overrides($1::int)");
    caller.list("segment_overrides", SQL, &[&segment]).await.map_err(|problem| problem.at(POINTERS))
}

/// Put a guest into a segment, or keep him out
#[utoipa::path(put, path = "/segments/{segment}/overrides/{id}", tag = "segment", request_body = NewOverride,
    responses((status = 204, description = "So it is")))]
pub async fn set_override(
    caller: Caller,
    Path((segment, id)): Path<(i32, String)>,
    NoParameters: NoParameters,
    Body(NewOverride { included, reason }): Body<NewOverride>,
) -> Result<StatusCode, Problem> {
    let sql = if included {
        "SELECT crm.include_in_segment($1::int, $2::text, $3::text)"
    } else {
        "SELECT crm.exclude_from_segment($1::int, $2::text, $3::text)"
    };
    let done = caller.run("set_segment_override", sql, &[&segment, &id, &reason]).await;
    done.map(|()| StatusCode::NO_CONTENT)
        .map_err(|problem| problem.at_or_body(&[("segment", "#/path/segment"), ("customer", "#/path/id")]))
}

/// Leave a guest to the criteria again
#[utoipa::path(delete, path = "/segments/{segment}/overrides/{id}", tag = "segment",
    responses((status = 204, description = "So it is")))]
pub async fn clear_override(
    caller: Caller,
    Path((segment, id)): Path<(i32, String)>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.clear_segment_override($1::int, $2::text)";
    let done = caller.run("clear_segment_override", SQL, &[&segment, &id]).await;
    done.map(|()| StatusCode::NO_CONTENT)
        .map_err(|problem| problem.at(&[("segment", "#/path/segment"), ("customer", "#/path/id")]))
}
