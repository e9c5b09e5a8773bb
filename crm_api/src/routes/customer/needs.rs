//! Allergens and diets: health data, for the staff of the venues.

use std::collections::BTreeMap;

use axum::{Json, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Id, NoParameters},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct HealthNeed {
    /// allergen or diet.
    kind: String,
    value: String,
    /// Of an allergen, where he said so: intolerance, allergy or anaphylaxis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    severity: Option<String>,
    /// Left out for the whole organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    venue_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recorded_by: Option<Uuid>,
    recorded_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"allergens": ["nuts"], "severities": {"nuts": "anaphylaxis"}, "diets": ["vegan"], "venue": "12"}))]
pub struct HealthNeeds {
    /// The 14 of Regulation (EU) 1169/2011, Annex II. Null leaves them, an empty list removes all.
    #[schema(max_items = 50)]
    allergens: Option<Vec<String>>,
    /// How grave the allergens given are: intolerance, allergy, anaphylaxis, or null for not said. Of those left out it stays.
    severities: Option<BTreeMap<String, Option<String>>>,
    /// Null leaves them, an empty list removes all.
    #[schema(max_items = 50)]
    diets: Option<Vec<String>>,
    /// Whose staff may know: the venue's uuid, or the platform's own id; null for the whole organisation.
    venue: Option<String>,
}

/// Allergens and diets of a guest
#[utoipa::path(get, path = "/customers/{id}/health-needs", tag = "dossier",
    responses((status = 200, description = "Those that the caller may know, all in one page", body = Page<HealthNeed>)))]
pub async fn list_health_needs(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Page<HealthNeed>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.health_needs($1::text)");
    caller.list("health_needs", SQL, &[&id]).await.map_err(|problem| problem.at(POINTERS))
}

/// Set allergens and diets of a guest
///
/// Only what he asked to be kept.
#[utoipa::path(put, path = "/customers/{id}/health-needs", tag = "dossier", request_body = HealthNeeds,
    responses((status = 204, description = "They are set")))]
pub async fn set_health_needs(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(HealthNeeds { allergens, severities, diets, venue }): Body<HealthNeeds>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.set_health_needs($1::text, $2::text[], $3::text[], $4::text, $5::jsonb)";
    let done =
        caller.run("set_health_needs", SQL, &[&id, &allergens, &diets, &venue, &severities.map(Jsonb)]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}
