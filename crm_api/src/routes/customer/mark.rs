//! Marks on a guest: blocked, tags.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Id, NoParameters, Path},
    problem::Problem,
};

/// How the parameters of the functions on tags are named in the requests.
const TAG_POINTERS: &[(&str, &str)] = &[("customers", "#/path/id"), ("tags", "#/path/tag")];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Left without paying twice"}))]
pub struct Block {
    /// What hosts see.
    reason: String,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagOn {
    /// Until when; null for good.
    expires_at: Option<DateTime<Utc>>,
}

/// Block a guest
///
/// His orders count as before.
#[utoipa::path(put, path = "/customers/{id}/block", tag = "dossier", request_body = Block,
    responses((status = 204, description = "He is blocked")))]
pub async fn block_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Block { reason }): Body<Block>,
) -> Result<StatusCode, Problem> {
    let done =
        caller.run("block_customer", "SELECT crm.block_customer($1::text, $2::text)", &[&id, &reason]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Take a guest's block back
#[utoipa::path(delete, path = "/customers/{id}/block", tag = "dossier",
    responses((status = 204, description = "He is not blocked")))]
pub async fn unblock_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("unblock_customer", "SELECT crm.unblock_customer($1::text)", &[&id]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(POINTERS))
}

/// Put a tag on a guest
///
/// A tag that is not there yet is made.
#[utoipa::path(put, path = "/customers/{id}/tags/{tag}", tag = "dossier", request_body = TagOn,
    responses((status = 204, description = "He has it")))]
pub async fn tag_customer(
    caller: Caller,
    Path((id, tag)): Path<(String, String)>,
    NoParameters: NoParameters,
    Body(TagOn { expires_at }): Body<TagOn>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.tag_customers(ARRAY[$1::text], ARRAY[$2::text], $3::timestamptz)";
    let done = caller.run("tag_customers", SQL, &[&id, &tag, &expires_at]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(TAG_POINTERS))
}

/// Take a tag off a guest
#[utoipa::path(delete, path = "/customers/{id}/tags/{tag}", tag = "dossier",
    responses((status = 204, description = "He does not have it")))]
pub async fn untag_customer(
    caller: Caller,
    Path((id, tag)): Path<(String, String)>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.untag_customers(ARRAY[$1::text], ARRAY[$2::text])";
    let done = caller.run("untag_customers", SQL, &[&id, &tag]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(TAG_POINTERS))
}
