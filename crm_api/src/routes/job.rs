//! The jobs, and the health of the installation.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::page::Page;
use crate::{
    caller::Caller,
    credentials::Credentials,
    database::Database,
    extract::{Listing, NoParameters, Query},
    jobs, json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(list_job_runs))
        .routes(routes!(get_health))
        .routes(routes!(start_night))
}

/// How far a job is, or was when it last ended.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Job {
    /// Such as crm.run_night or night.
    job: String,
    venues_done: i32,
    venues_total: i32,
    /// Rows written so far.
    rows: i64,
    started_at: DateTime<Utc>,
    /// Last sign of life.
    updated_at: DateTime<Utc>,
    /// Null while it runs, or where it was cut off.
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct JobRun {
    run_id: i64,
    /// backfill, night, sweep, repair, segments, preferences or list.
    job: String,
    #[schema(required)]
    venue_id: Option<Uuid>,
    started_at: DateTime<Utc>,
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
    /// Rows written.
    rows: i64,
    #[schema(required)]
    milliseconds: Option<f64>,
    #[schema(required)]
    error: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct HealthFinding {
    /// error or warning.
    severity: String,
    subject: String,
    problem: String,
    #[schema(required)]
    remedy: Option<String>,
}

/// How far the jobs are
#[utoipa::path(get, path = "/jobs", tag = "operation",
    responses((status = 200, description = "All in one page", body = Page<Job>)))]
async fn list_jobs(caller: Caller, NoParameters: NoParameters) -> Result<Json<Page<Job>>, Problem> {
    caller.list("job_list", json_rows!("SELECT * FROM crm.job_list()"), &[]).await
}

/// Runs of jobs at the venues within reach
///
/// Latest first.
#[utoipa::path(get, path = "/jobs/runs", tag = "operation", params(Listing),
    responses((status = 200, description = "A page of runs", body = Page<JobRun>)))]
async fn list_job_runs(
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<JobRun>>, Problem> {
    const SQL: &str = "SELECT row_to_json(r), json_build_object('run', r.run_id)::text \
                         FROM crm.job_runs(($1::text::jsonb ->> 'run')::bigint, $2::int) AS r";
    caller.page("job_runs", SQL, &listing, &[]).await
}

/// What is wrong with the installation
#[utoipa::path(get, path = "/health", tag = "operation",
    responses((status = 200, description = "All in one page; none when all is well", body = Page<HealthFinding>)))]
async fn get_health(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<HealthFinding>>, Problem> {
    caller.list("health", json_rows!("SELECT * FROM crm.health()"), &[]).await
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job": "night"}))]
struct StartedJob {
    /// As `GET /v1/jobs` names it.
    job: &'static str,
}

/// Start the night
///
/// Now, in the background; `GET /v1/jobs` shows how far it is. Refused with 409 while one runs, and where the service may run no jobs.
#[utoipa::path(post, path = "/jobs/night", tag = "operation",
    responses((status = 202, description = "It runs", body = StartedJob)))]
async fn start_night(
    State(database): State<Database>,
    credentials: Credentials,
    NoParameters: NoParameters,
) -> Result<(StatusCode, Json<StartedJob>), Problem> {
    // Not a request that may be sent twice: the second start is another night.
    let caller = Caller::new(database.clone(), credentials);
    caller.run("night_may_start", "SELECT crm.night_may_start()", &[]).await?;
    jobs::start_night(&database).await?;
    Ok((StatusCode::ACCEPTED, Json(StartedJob { job: "night" })))
}
