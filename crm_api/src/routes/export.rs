//! Guests into files.

use axum::{http::header, response::IntoResponse};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    caller::Caller,
    database::Database,
    decimal::Decimal,
    extract::{Body, NoParameters},
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(export_customers))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"venue": "12", "labels": ["AT_RISK"]}, "format": "csv"}))]
struct Export {
    /// Only members of this segment.
    segment: Option<i32>,
    /// Only guests of the list under these filters.
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// RFC 4180; the first line names the columns.
    #[default]
    Csv,
    /// An object a line.
    Json,
}

/// As the parameters of `GET /v1/customers`.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spend_from: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spend_to: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders_from: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders_to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visits_from: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visits_to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_visit_from: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_visit_to: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<String>,
}

/// Export guests
///
/// Members of a segment, or guests of the list under filters, streamed as CSV or as lines of JSON. Every export is kept in a log.
#[utoipa::path(post, path = "/exports", tag = "transfer", request_body = Export,
    responses((status = 200, description = "The file", content(
        (String = "text/csv"),
        (String = "application/x-ndjson")))))]
async fn export_customers(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Export { segment, filter, format }): Body<Export>,
) -> Result<impl IntoResponse, Problem> {
    const SQL: &str = "SELECT crm.export_customers($1::int, $2::jsonb, $3::text)";
    let (name, media_type, file) = match format {
        Format::Csv => ("csv", "text/csv; charset=utf-8", r#"attachment; filename="guests.csv""#),
        Format::Json => ("json", "application/x-ndjson", r#"attachment; filename="guests.ndjson""#),
    };
    let body = caller.stream(SQL, vec![Box::new(segment), Box::new(Jsonb(filter)), Box::new(name)]).await;
    let body = body.map_err(|problem| {
        problem.at(&[("segment", "#/body/segment"), ("format", "#/body/format")]).at_member("#/body/filter")
    })?;
    Ok(([(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, file)], body))
}
