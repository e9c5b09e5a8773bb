//! What a guest likes, dislikes and is used to.

use axum::{Json, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{MaybeAtVenue, POINTERS, POINTERS_OF_QUERY};
use crate::{
    caller::Caller,
    decimal::Decimal,
    extract::{Body, Id, NoParameters, Query},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Preference {
    /// Such as seating, favourite_product or disliked_category.
    kind: String,
    value: String,
    /// Of a product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    source: PreferenceSource,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    strength: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    orders: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    of_orders: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    first_seen: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_seen: Option<DateTime<Utc>>,
    /// Left out for the whole organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    venue_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PreferenceSource {
    /// He said so.
    Explicit,
    /// His orders tell.
    Derived,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "seating", "value": "terrace"}))]
pub struct Statement {
    /// seating, favourite_product, disliked_product, favourite_category or disliked_category.
    kind: String,
    /// A product by the platform's id, or by a name that only one has.
    value: String,
    /// The venue's uuid, or the platform's own id; null for the whole organisation.
    venue: Option<String>,
    /// From 0 to 1, a decimal.
    strength: Option<Decimal>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Withdrawn {
    kind: String,
    value: String,
    /// The venue: its uuid, or the platform's own id; without it the whole organisation.
    venue: Option<String>,
}

/// What a guest likes
///
/// At a venue, or at each of the caller's.
#[utoipa::path(get, path = "/customers/{id}/preferences", tag = "dossier", params(MaybeAtVenue),
    responses((status = 200, description = "All in one page", body = Page<Preference>)))]
pub async fn list_preferences(
    caller: Caller,
    Id(id): Id,
    Query(MaybeAtVenue { venue }): Query<MaybeAtVenue>,
) -> Result<Json<Page<Preference>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.preferences($1::text, $2::text)");
    let known = caller.list("preferences", SQL, &[&id, &venue]).await;
    known.map_err(|problem| problem.at(POINTERS_OF_QUERY))
}

/// Record what a guest said
#[utoipa::path(post, path = "/customers/{id}/preferences", tag = "dossier", request_body = Statement,
    responses((status = 204, description = "It is recorded")))]
pub async fn state_preference(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Statement { kind, value, venue, strength }): Body<Statement>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.state_preference($1::text, $2::text, $3::text, $4::text, COALESCE($5::text, '1')::numeric)";
    let strength = strength.as_ref().map(Decimal::as_str);
    let done = caller.run("state_preference", SQL, &[&id, &kind, &value, &venue, &strength]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Take back what a guest said
#[utoipa::path(delete, path = "/customers/{id}/preferences", tag = "dossier", params(Withdrawn),
    responses((status = 204, description = "It is taken back")))]
pub async fn withdraw_preference(
    caller: Caller,
    Id(id): Id,
    Query(Withdrawn { kind, value, venue }): Query<Withdrawn>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.withdraw_preference($1::text, $2::text, $3::text, $4::text)";
    let done = caller.run("withdraw_preference", SQL, &[&id, &kind, &value, &venue]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| {
        problem.at(&[
            ("customer", "#/path/id"),
            ("kind", "#/query/kind"),
            ("value", "#/query/value"),
            ("venue", "#/query/venue"),
        ])
    })
}
