//! Guests who may be one person.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, NoParameters, Query},
    json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(list_duplicates)).routes(routes!(keep_apart))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Most {
    /// Pairs at most.
    #[serde(default = "a_hundred")]
    #[param(required = false, default = 100, minimum = 1, maximum = 1000)]
    limit: i32,
}

fn a_hundred() -> i32 {
    100
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Pair {
    customer_id: Uuid,
    other_id: Uuid,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    other_name: Option<String>,
    /// 0 to 1.
    score: f64,
    /// Such as same phone.
    reasons: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer": "C-1001", "other": "C-2002"}))]
struct Apart {
    /// The guest's uuid, or the platform's own id.
    customer: String,
    other: String,
}

/// Pairs of guests who may be one person
///
/// Likeliest first.
#[utoipa::path(get, path = "/duplicates", tag = "customer", params(Most),
    responses((status = 200, description = "All in one page", body = Page<Pair>)))]
async fn list_duplicates(
    caller: Caller,
    Query(Most { limit }): Query<Most>,
) -> Result<Json<Page<Pair>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.duplicate_candidates($1::int)");
    let pairs = caller.list("duplicate_candidates", SQL, &[&limit]).await;
    pairs.map_err(|problem| problem.at(&[("most", "#/query/limit")]))
}

/// Say that two guests are two people
///
/// They are no longer shown as a pair.
#[utoipa::path(post, path = "/duplicates/keep-apart", tag = "customer", request_body = Apart,
    responses((status = 204, description = "It is noted")))]
async fn keep_apart(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Apart { customer, other }): Body<Apart>,
) -> Result<StatusCode, Problem> {
    let done =
        caller.run("keep_apart", "SELECT crm.keep_apart($1::text, $2::text)", &[&customer, &other]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(&[]))
}
