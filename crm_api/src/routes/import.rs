//! Guests from CSV files: read, mapped, checked, loaded, taken back.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    http::{StatusCode, header},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Json as Jsonb;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, Listing, NoParameters, Path, Query, default_limit},
    json_rows,
    problem::Problem,
};

const POINTERS: &[(&str, &str)] = &[("import", "#/path/import")];

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_imports))
        .routes(routes!(get_import, map_import))
        .routes(routes!(check_import))
        .routes(routes!(start_import))
        .routes(routes!(undo_import))
        .routes(routes!(list_import_rows))
        .routes(routes!(get_import_rejects))
}

/// The one route that takes a large body.
pub fn upload_router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(create_import))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct ImportItem {
    import_id: i32,
    #[schema(required)]
    venue_id: Option<Uuid>,
    file_name: String,
    /// Such as mapped, checked, queued, running, done, undoing or undone.
    state: String,
    rows: i32,
    done: i32,
    created_at: DateTime<Utc>,
    #[schema(required)]
    created_by: Option<String>,
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Import {
    import_id: i32,
    file_name: String,
    #[schema(required)]
    venue_id: Option<Uuid>,
    /// Such as mapped, checked, queued, running, done, undoing or undone.
    state: String,
    /// As given: encoding, delimiter, header, day_first, overwrite.
    options: BTreeMap<String, Value>,
    #[schema(required)]
    day_first: Option<bool>,
    /// Names of the columns.
    header: Vec<String>,
    /// Number of the column that holds a field, from 1.
    mapping: BTreeMap<String, i32>,
    /// Columns that no field is read from.
    left_out: Vec<String>,
    /// The first five rows.
    sample: Vec<Vec<String>>,
    #[schema(required)]
    warnings: Option<Vec<String>>,
    rows: i32,
    done: i32,
    /// Rows by what came of them, or would come.
    counts: BTreeMap<String, i64>,
    #[schema(required)]
    failure: Option<String>,
    created_at: DateTime<Utc>,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct ImportId {
    import_id: i32,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Upload {
    /// Name of the file, to show.
    #[param(example = "guests.csv", max_length = 200)]
    file_name: String,
    /// The venue whose guests these are: its uuid, or the platform's own id; without it the organisation.
    venue: Option<String>,
    /// utf-8 unless a byte order mark tells.
    encoding: Option<String>,
    /// , ; | or a tab; found unless given.
    delimiter: Option<String>,
    /// Whether the first row names the columns; found unless given.
    header: Option<bool>,
    /// For days like 01/02/1990; found unless given.
    day_first: Option<bool>,
    /// Whether other values than those known are taken over; else only what is not known is filled in.
    overwrite: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_first: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overwrite: Option<bool>,
}

/// What the columns hold; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mapping": {"name": "Customer", "phone": "Mobile", "birthday": 4}}))]
struct Mapping {
    /// Fields, each with the name or the number of its column; null for the mapping as it is.
    mapping: Option<BTreeMap<String, ColumnName>>,
    #[serde(default)]
    options: MappingOptions,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
enum ColumnName {
    Number(i32),
    Name(String),
}

#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MappingOptions {
    /// For days like 01/02/1990.
    #[serde(skip_serializing_if = "Option::is_none")]
    day_first: Option<bool>,
    /// Whether other values than those known are taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    overwrite: Option<bool>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct ImportRow {
    row_no: i32,
    line: i32,
    cells: Vec<String>,
    /// new, matched, unchanged, duplicate, rejected, created, filled, undone or left.
    #[schema(required)]
    outcome: Option<String>,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    customer_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Rows {
    /// Only rows of this outcome: new, matched, unchanged, duplicate, rejected, created, filled, undone or left.
    outcome: Option<String>,
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    limit: i32,
}

/// Files of guests
#[utoipa::path(get, path = "/imports", tag = "transfer",
    responses((status = 200, description = "The latest first, all in one page", body = Page<ImportItem>)))]
async fn list_imports(caller: Caller, NoParameters: NoParameters) -> Result<Json<Page<ImportItem>>, Problem> {
    caller.list("import_list", json_rows!("SELECT * FROM crm.import_list()"), &[]).await
}

/// Upload a CSV file of guests
///
/// At most 50 MiB, 1,000,000 rows, 200 columns. Nothing is loaded yet: what its columns hold is guessed.
#[utoipa::path(post, path = "/imports", tag = "transfer", params(Upload),
    request_body(content = String, content_type = "text/csv", description = "The file"),
    responses((status = 201, description = "The number of the import", body = ImportId)))]
async fn create_import(
    caller: Caller,
    Query(upload): Query<Upload>,
    headers: axum::http::HeaderMap,
    content: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<(StatusCode, Json<ImportId>), Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.create_import($1::text, $2::bytea, $3::text, $4::jsonb) AS import_id");
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !matches!(kind.split(';').next().map(str::trim), Some("text/csv" | "application/octet-stream")) {
        return Err(Problem::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let content = content.map_err(|rejection| Problem::Status(rejection.status()))?;
    let options = Jsonb(Options {
        encoding: upload.encoding.as_deref(),
        delimiter: upload.delimiter.as_deref(),
        header: upload.header,
        day_first: upload.day_first,
        overwrite: upload.overwrite,
    });
    let made = caller
        .one("create_import", SQL, &[&upload.file_name, &content.as_ref(), &upload.venue, &options])
        .await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| {
        problem
            .at(&[("content", "#/body"), ("file_name", "#/query/file_name"), ("venue", "#/query/venue")])
            .at_member("#/query")
    })
}

/// A file of guests, and how far it is
#[utoipa::path(get, path = "/imports/{import}", tag = "transfer",
    responses((status = 200, description = "The import", body = Import)))]
async fn get_import(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
) -> Result<Json<Import>, Problem> {
    let status = caller.one("import_status", "SELECT crm.import_status($1::int)", &[&import]).await;
    status.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// Say what the columns of a file hold
#[utoipa::path(patch, path = "/imports/{import}", tag = "transfer", request_body = Mapping,
    responses((status = 200, description = "The import", body = Import)))]
async fn map_import(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
    Body(Mapping { mapping, options }): Body<Mapping>,
) -> Result<Json<Import>, Problem> {
    const SQL: &str = "SELECT crm.map_import($1::int, $2::jsonb, $3::jsonb)";
    let status = caller.one("map_import", SQL, &[&import, &mapping.map(Jsonb), &Jsonb(options)]).await;
    status.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}

/// What would come of a file
///
/// Reads every row and looks for the guests, without changing any.
#[utoipa::path(post, path = "/imports/{import}/check", tag = "transfer",
    responses((status = 200, description = "The import, with the counts", body = Import)))]
async fn check_import(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
) -> Result<Json<Import>, Problem> {
    let status = caller.one("check_import", "SELECT crm.check_import($1::int)", &[&import]).await;
    status.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// Load a file that was checked
#[utoipa::path(post, path = "/imports/{import}/start", tag = "transfer",
    responses((status = 202, description = "The jobs load it")))]
async fn start_import(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("start_import", "SELECT crm.start_import($1::int)", &[&import]).await;
    done.map(|()| StatusCode::ACCEPTED).map_err(|problem| problem.at(POINTERS))
}

/// Take a file back
///
/// Fields that nobody changed since get their former values; what stays, and why, the rows with the outcome `left` say.
#[utoipa::path(post, path = "/imports/{import}/undo", tag = "transfer",
    responses((status = 202, description = "The jobs take it back")))]
async fn undo_import(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("undo_import", "SELECT crm.undo_import($1::int)", &[&import]).await;
    done.map(|()| StatusCode::ACCEPTED).map_err(|problem| problem.at(POINTERS))
}

/// Rows of a file, with what came of each
#[utoipa::path(get, path = "/imports/{import}/rows", tag = "transfer", params(Rows),
    responses((status = 200, description = "A page of rows", body = Page<ImportRow>)))]
async fn list_import_rows(
    caller: Caller,
    Path(import): Path<i32>,
    Query(Rows { outcome, cursor, limit }): Query<Rows>,
) -> Result<Json<Page<ImportRow>>, Problem> {
    const SQL: &str = "SELECT row_to_json(r), json_build_object('row', r.row_no)::text \
                         FROM crm.import_rows($3::int, $4::text, ($1::text::jsonb ->> 'row')::int, $2::int) AS r";
    let listing = Listing::new(cursor, limit);
    let rows = caller.page("import_rows", SQL, &listing, &[&import, &outcome]).await;
    rows.map_err(|problem| problem.at(&[("import", "#/path/import"), ("wanted", "#/query/outcome")]))
}

/// Rejected rows of a file as CSV
///
/// As they were, with the line of each and the reason, to be mended and uploaded again.
#[utoipa::path(get, path = "/imports/{import}/rejects", tag = "transfer",
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")))]
async fn get_import_rejects(
    caller: Caller,
    Path(import): Path<i32>,
    NoParameters: NoParameters,
) -> Result<impl IntoResponse, Problem> {
    const SQL: &str = "SELECT crm.import_rejects_csv($1::int)";
    let body =
        caller.lines("import_rejects_csv", SQL, &[&import]).await.map_err(|problem| problem.at(POINTERS))?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, r#"attachment; filename="rejects.csv""#),
        ],
        body,
    ))
}
