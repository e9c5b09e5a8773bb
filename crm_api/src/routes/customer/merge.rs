//! Two guests who are one, and orders that are another's.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Id, NoParameters, Path},
    problem::Problem,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dropped": "C-2002", "reason": "same person, two numbers"}))]
pub struct Merge {
    /// Who is merged into the guest of the path: his uuid, or the platform's own id.
    dropped: String,
    reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer": "C-1001"}))]
pub struct Owner {
    /// Whose it is: the guest's uuid, or the platform's own id.
    customer: String,
}

/// Merge another guest into this one
///
/// The orders of both, past and to come, count for this one.
#[utoipa::path(post, path = "/customers/{id}/merge", tag = "customer", request_body = Merge,
    responses((status = 204, description = "They are merged")))]
pub async fn merge_customers(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Merge { dropped, reason }): Body<Merge>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.merge_customers($1::text, $2::text, $3::text)";
    let done = caller.run("merge_customers", SQL, &[&id, &dropped, &reason]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(&[("keep", "#/path/id")]))
}

/// Take back the merge of this guest
///
/// His orders count for him again.
#[utoipa::path(post, path = "/customers/{id}/unmerge", tag = "customer",
    responses((status = 204, description = "He is himself again")))]
pub async fn unmerge_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("unmerge_customer", "SELECT crm.unmerge_customer($1::text)", &[&id]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(POINTERS))
}

/// Give an order to a guest
///
/// In the platform's own table. To move another guest's order takes a manager.
#[utoipa::path(post, path = "/orders/{order}/customer", tag = "customer", request_body = Owner,
    responses((status = 204, description = "It is his")))]
pub async fn attach_order(
    caller: Caller,
    Path(order): Path<String>,
    NoParameters: NoParameters,
    Body(Owner { customer }): Body<Owner>,
) -> Result<StatusCode, Problem> {
    let done =
        caller.run("attach_order", "SELECT crm.attach_order($1::text, $2::text)", &[&order, &customer]).await;
    done.map(|()| StatusCode::NO_CONTENT)
        .map_err(|problem| problem.at_or_body(&[("order_ref", "#/path/order")]))
}
