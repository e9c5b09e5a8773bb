//! Is the service alive, can it answer.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    database::Database,
    problem::{Body, Problem},
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
struct Alive {
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ready", "schema_version": 6}))]
struct Ready {
    status: &'static str,
    schema_version: i32,
}

/// Is the process alive
///
/// Does not ask the database.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, description = "It is", body = Alive)))]
async fn alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Can requests be answered
///
/// Asks the database, and whether its schema has the version this service knows.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    responses(
        (status = 200, description = "They can", body = Ready),
        (status = 503, description = "No database, or its schema is missing or of another version", body = Body,
            content_type = "application/problem+json",
            example = json!({
                "type": "about:blank", "title": "Service Unavailable", "status": 503,
                "detail": "The database has schema version 7, this service knows 6.", "code": "CR503",
                "hint": "Bring the service and the extension to the same release."
            }))
    )
)]
async fn ready(State(database): State<Database>) -> Result<Json<Ready>, Problem> {
    // Not ready is always a 503, so that whoever asks asks again.
    let schema_version = database.check_schema_version().await.map_err(|problem| match problem {
        Problem::Internal { sqlstate, reason } => Problem::Unavailable { sqlstate, reason },
        problem => problem,
    })?;
    Ok(Json(Ready { status: "ready", schema_version }))
}
