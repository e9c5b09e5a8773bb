//! A guest's rights over his data: export, objection, erasure; who read what.

use axum::{
    Json,
    http::{StatusCode, header},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, Id, Listing, NoParameters, Query, default_limit},
    json_rows,
    problem::Problem,
};

const POINTERS: &[(&str, &str)] = &[("customer", "#/path/id")];

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(export_customer))
        .routes(routes!(export_customer_csv))
        .routes(routes!(set_profiling))
        .routes(routes!(request_erasure, cancel_erasure))
        .routes(routes!(execute_erasure))
        .routes(routes!(list_erasures))
        .routes(routes!(list_accesses))
        .routes(routes!(get_pii_map))
        .routes(routes!(check_pii_map))
        .routes(routes!(preview_retention))
        .routes(routes!(get_retention, set_retention))
}

/// Everything that is held of a guest: per table the class of each column and the rows, what the platform's own tables hold,
/// receipts of his consents, and his orders.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, Value>)]
struct Held(serde_json::Map<String, Value>);

/// What was done, nothing personal: guests, searched_for, rows per table of the CRM and of the platform, and what a search for
/// his former values still finds.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, Value>)]
struct Report(serde_json::Map<String, Value>);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"allowed": false, "reason": "objected by letter"}))]
struct Profiling {
    allowed: bool,
    reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "asked by letter"}))]
struct ErasureReason {
    /// Names nobody.
    reason: String,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct RequestId {
    request_id: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Execution {
    /// At once, and without a request; needs a reason.
    #[serde(default)]
    force: bool,
    reason: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InState {
    /// REQUESTED, CANCELLED or EXECUTED.
    state: Option<String>,
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    limit: i32,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Erasure {
    request_id: i64,
    customer_id: Uuid,
    state: String,
    /// Who asked.
    #[schema(required)]
    origin: Option<String>,
    #[schema(required)]
    reason: Option<String>,
    requested_at: DateTime<Utc>,
    #[schema(required)]
    due_at: Option<DateTime<Utc>>,
    #[schema(required)]
    cancelled_at: Option<DateTime<Utc>>,
    #[schema(required)]
    executed_at: Option<DateTime<Utc>>,
    #[schema(required)]
    execution_reason: Option<String>,
    /// What was still found after it.
    #[schema(required)]
    residue: Option<i32>,
    /// When the platform sent his data again.
    #[schema(required)]
    reappeared_at: Option<DateTime<Utc>>,
    #[schema(required)]
    report: Option<Report>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfCustomer {
    /// Only of this guest: his uuid, or the platform's own id.
    customer: Option<String>,
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    limit: i32,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Access {
    access_id: i64,
    accessed_at: DateTime<Utc>,
    #[schema(required)]
    principal_id: Option<Uuid>,
    #[schema(required)]
    principal: Option<String>,
    #[schema(required)]
    role: Option<String>,
    #[schema(required)]
    db_user: Option<String>,
    /// Such as dossier, export or consent_history.
    what: String,
    #[schema(required)]
    customer_id: Option<Uuid>,
    #[schema(required)]
    guests: Option<i32>,
    #[schema(required)]
    venue_id: Option<Uuid>,
    #[schema(required)]
    details: Option<Value>,
}

/// A column, what it holds of guests, and what becomes of it when one is erased.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct MappedColumn {
    /// crm or platform.
    place: String,
    /// Table, with its schema.
    relation: String,
    column_name: String,
    /// personal; health; derived (inferred from orders); key (names a guest and nothing else of him); kept (nothing of guests).
    class: String,
    /// delete (with its row), keep, null, token, constant:…, mention:…, name:… or words.
    treatment: String,
    /// What becomes of the guest's rows: delete, redact, keep; mentions: rows of no guest, whose text may name one.
    #[schema(required)]
    rows: Option<String>,
    /// Columns that say whose a row is.
    #[schema(required)]
    guest_columns: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct MapProblem {
    relation: String,
    #[schema(required)]
    column_name: Option<String>,
    problem: String,
}

/// Null for never.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retention {
    #[schema(minimum = 1, maximum = 1200)]
    anonymise_after_months: Option<i32>,
    #[schema(minimum = 1, maximum = 1200)]
    drop_events_after_months: Option<i32>,
    /// Entries of the log of accesses that are older are dropped; null for never.
    #[schema(minimum = 1, maximum = 1200)]
    drop_accesses_after_months: Option<i32>,
}

/// How long guests, events and the log of accesses are kept, in months; null for ever.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct KeptRetention {
    #[schema(required)]
    anonymise_after_months: Option<i32>,
    #[schema(required)]
    drop_events_after_months: Option<i32>,
    #[schema(required)]
    drop_accesses_after_months: Option<i32>,
    /// Null where nobody has said so yet.
    #[schema(required)]
    set_at: Option<DateTime<Utc>>,
    #[schema(required)]
    set_by: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Touched {
    /// guests, or a table of events.
    touched: String,
    rows: i64,
    /// The hundred unseen longest.
    #[schema(required)]
    guests: Option<Vec<Uuid>>,
}

/// Everything that is held of a guest
///
/// GDPR articles 15 and 20. The hand-over is logged.
#[utoipa::path(get, path = "/customers/{id}/export", tag = "privacy",
    responses((status = 200, description = "All of it", body = Held)))]
async fn export_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Held>, Problem> {
    let held = caller.one("export_customer", "SELECT crm.export_customer($1::text)", &[&id]).await;
    held.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// Everything that is held of a guest, as CSV
///
/// A row for each value.
#[utoipa::path(get, path = "/customers/{id}/export.csv", tag = "privacy",
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")))]
async fn export_customer_csv(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<impl IntoResponse, Problem> {
    let lines = caller.lines("export_customer_csv", "SELECT crm.export_customer_csv($1::text)", &[&id]).await;
    let body = lines.map_err(|problem| problem.at(POINTERS))?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, r#"attachment; filename="guest.csv""#),
        ],
        body,
    ))
}

/// Record that a guest objects to profiling, or no longer
///
/// GDPR article 21: he has no scores, no label and no segment.
#[utoipa::path(put, path = "/customers/{id}/profiling", tag = "privacy", request_body = Profiling,
    responses((status = 204, description = "So it is")))]
async fn set_profiling(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Profiling { allowed, reason }): Body<Profiling>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.set_profiling($1::text, $2::bool, $3::text)";
    let done = caller.run("set_profiling", SQL, &[&id, &allowed, &reason]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Record that a guest asked to be erased
///
/// From now on he is not reachable; after seven days the night erases him.
#[utoipa::path(post, path = "/customers/{id}/erasure", tag = "privacy", request_body = ErasureReason,
    responses((status = 201, description = "The number of the request; again that of the open one", body = RequestId)))]
async fn request_erasure(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(ErasureReason { reason }): Body<ErasureReason>,
) -> Result<(StatusCode, Json<RequestId>), Problem> {
    const SQL: &str = json_rows!("SELECT crm.request_erasure($1::text, $2::text) AS request_id");
    let made = caller.one("request_erasure", SQL, &[&id, &reason]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Take the request to erase a guest back
#[utoipa::path(delete, path = "/customers/{id}/erasure", tag = "privacy",
    responses((status = 204, description = "It is taken back")))]
async fn cancel_erasure(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("cancel_erasure", "SELECT crm.cancel_erasure($1::text)", &[&id]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(POINTERS))
}

/// Erase a guest, for good
///
/// The request that is due, or (force, with a reason) at once.
#[utoipa::path(post, path = "/customers/{id}/erasure/execute", tag = "privacy", request_body = Execution,
    responses((status = 200, description = "What was done", body = Report)))]
async fn execute_erasure(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Execution { force, reason }): Body<Execution>,
) -> Result<Json<Report>, Problem> {
    const SQL: &str = "SELECT crm.execute_erasure($1::text, $2::bool, $3::text)";
    let report = caller.one("execute_erasure", SQL, &[&id, &force, &reason]).await;
    report.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Requests for erasure
///
/// Latest first.
#[utoipa::path(get, path = "/erasures", tag = "privacy", params(InState),
    responses((status = 200, description = "A page of requests", body = Page<Erasure>)))]
async fn list_erasures(
    caller: Caller,
    Query(InState { state, cursor, limit }): Query<InState>,
) -> Result<Json<Page<Erasure>>, Problem> {
    const SQL: &str = "SELECT row_to_json(e), json_build_object('request', e.request_id)::text \
                         FROM crm.erasures($3::text, $2::int, ($1::text::jsonb ->> 'request')::bigint) AS e";
    let erasures = caller.page("erasures", SQL, &Listing::new(cursor, limit), &[&state]).await;
    erasures.map_err(|problem| problem.at(&[("of_state", "#/query/state"), ("most", "#/query/limit")]))
}

/// Who read what is sensitive
///
/// Latest first.
#[utoipa::path(get, path = "/access-log", tag = "privacy", params(OfCustomer),
    responses((status = 200, description = "A page of accesses", body = Page<Access>)))]
async fn list_accesses(
    caller: Caller,
    Query(OfCustomer { customer, cursor, limit }): Query<OfCustomer>,
) -> Result<Json<Page<Access>>, Problem> {
    const SQL: &str = "SELECT row_to_json(a), json_build_object('access', a.access_id)::text \
                         FROM crm.access_list($3::text, ($1::text::jsonb ->> 'access')::bigint, $2::int) AS a";
    let accesses = caller.page("access_list", SQL, &Listing::new(cursor, limit), &[&customer]).await;
    accesses.map_err(|problem| problem.at(&[("customer", "#/query/customer")]))
}

/// The map of personal data
///
/// Every column of the CRM, and every bound column of the platform.
#[utoipa::path(get, path = "/pii-map", tag = "privacy",
    responses((status = 200, description = "All in one page", body = Page<MappedColumn>)))]
async fn get_pii_map(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<MappedColumn>>, Problem> {
    caller.list("pii_columns", json_rows!("SELECT * FROM crm.pii_columns()"), &[]).await
}

/// What the map of personal data misses
///
/// None where every column is classified.
#[utoipa::path(get, path = "/pii-map/check", tag = "privacy",
    responses((status = 200, description = "All in one page", body = Page<MapProblem>)))]
async fn check_pii_map(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<MapProblem>>, Problem> {
    caller.list("check_pii_map", json_rows!("SELECT * FROM crm.check_pii_map()"), &[]).await
}

/// Whom a retention would touch
///
/// Writes nothing. Null for the retention of the organisation.
#[utoipa::path(post, path = "/retention/preview", tag = "privacy", request_body = Retention,
    responses((status = 200, description = "All in one page", body = Page<Touched>)))]
async fn preview_retention(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Retention { anonymise_after_months, drop_events_after_months, drop_accesses_after_months }): Body<
        Retention,
    >,
) -> Result<Json<Page<Touched>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.retention_preview($1::int, $2::int, $3::int)");
    let touched = caller
        .list(
            "retention_preview",
            SQL,
            &[&anonymise_after_months, &drop_events_after_months, &drop_accesses_after_months],
        )
        .await;
    touched.map_err(|problem| problem.at_or_body(&[]))
}

/// The retention of the organisation
#[utoipa::path(get, path = "/retention", tag = "privacy",
    responses((status = 200, description = "What the nights follow", body = KeptRetention)))]
async fn get_retention(caller: Caller, NoParameters: NoParameters) -> Result<Json<KeptRetention>, Problem> {
    caller.one("retention", json_rows!("SELECT * FROM crm.retention()"), &[]).await.map(Json)
}

/// Set the retention of the organisation
#[utoipa::path(put, path = "/retention", tag = "privacy", request_body = Retention,
    responses((status = 204, description = "The nights follow it")))]
async fn set_retention(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Retention { anonymise_after_months, drop_events_after_months, drop_accesses_after_months }): Body<
        Retention,
    >,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.set_retention($1::int, $2::int, $3::int)";
    let done = caller
        .run(
            "set_retention",
            SQL,
            &[&anonymise_after_months, &drop_events_after_months, &drop_accesses_after_months],
        )
        .await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(&[]))
}
