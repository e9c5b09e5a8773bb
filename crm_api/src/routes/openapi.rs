//! The API's own description.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{database::Database, openapi};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(document))
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value))
)]
async fn document() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi::text);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
