//! The ledger of consent of the organisation, and what waits to be confirmed.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Channel;
use crate::{
    caller::Caller,
    extract::{Listing, NoParameters, Query, default_limit},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LogState {
    entries: i64,
    sealed: i64,
    unsealed: i64,
    #[schema(required)]
    oldest_unsealed_at: Option<DateTime<Utc>>,
}

/// What is wrong with the ledger.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LogProblem {
    #[schema(required)]
    organisation: Option<String>,
    #[schema(required)]
    position: Option<i64>,
    #[schema(required)]
    entry_id: Option<i64>,
    problem: String,
}

/// What a guest said, as the ledger has it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LedgerEntry {
    entry_id: i64,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    customer_id: Uuid,
    /// Null for who was erased.
    #[schema(required)]
    name: Option<String>,
    /// Null for the organisation.
    #[schema(required)]
    venue_id: Option<Uuid>,
    channel: Channel,
    /// GRANTED, REVOKED, PENDING or EXPIRED.
    action: String,
    source: String,
    #[schema(required)]
    actor: Option<String>,
    #[schema(required)]
    wording_key: Option<String>,
    #[schema(required)]
    wording_version: Option<i32>,
    /// Its place in the chain; null until the next sweep.
    #[schema(required)]
    sealed_position: Option<i64>,
}

/// A consent that waits for its confirmation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct PendingOptIn {
    customer_id: Uuid,
    #[schema(required)]
    name: Option<String>,
    /// Null for the organisation.
    #[schema(required)]
    venue_id: Option<Uuid>,
    channel: Channel,
    requested_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// How often the mail went out.
    sends: i32,
    last_sent_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LedgerFilter {
    /// Only on this channel, such as EMAIL_MARKETING.
    channel: Option<String>,
    /// GRANTED, REVOKED, PENDING or EXPIRED.
    action: Option<String>,
    /// Only to this venue: its uuid, or the platform's own id.
    venue: Option<String>,
    /// Said at this instant or later.
    since: Option<DateTime<Utc>>,
    /// Said before this instant.
    until: Option<DateTime<Utc>>,
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    limit: i32,
}

/// The ledger of consent
///
/// What was recorded last comes first. The reading is logged.
#[utoipa::path(get, path = "/consent-log/entries", tag = "consent", params(LedgerFilter),
    responses((status = 200, description = "A page of entries", body = Page<LedgerEntry>)))]
pub async fn list_consent_log(
    caller: Caller,
    Query(filter): Query<LedgerFilter>,
) -> Result<Json<Page<LedgerEntry>>, Problem> {
    const SQL: &str = "SELECT row_to_json(e), json_build_object('entry', e.entry_id)::text \
                         FROM crm.consent_log($3::text, $4::text, $5::text, $6::timestamptz, $7::timestamptz, \
                                              ($1::text::jsonb ->> 'entry')::bigint, $2::int) AS e";
    let LedgerFilter { channel, action, venue, since, until, cursor, limit } = filter;
    let listing = Listing::new(cursor, limit);
    let entries =
        caller.page("consent_log", SQL, &listing, &[&channel, &action, &venue, &since, &until]).await;
    entries.map_err(|problem| {
        problem.at(&[
            ("of_channel", "#/query/channel"),
            ("of_action", "#/query/action"),
            ("venue", "#/query/venue"),
            ("page_size", "#/query/limit"),
        ])
    })
}

/// How much of the ledger of consent is sealed
#[utoipa::path(get, path = "/consent-log", tag = "consent",
    responses((status = 200, description = "Its state", body = LogState)))]
pub async fn get_consent_log(caller: Caller, NoParameters: NoParameters) -> Result<Json<LogState>, Problem> {
    caller.one("consent_log_state", json_rows!("SELECT * FROM crm.consent_log_state()"), &[]).await.map(Json)
}

/// Verify the ledger of consent
///
/// The first broken or missing link first; none where all is as it was written.
#[utoipa::path(get, path = "/consent-log/verify", tag = "consent",
    responses((status = 200, description = "All in one page", body = Page<LogProblem>)))]
pub async fn verify_consent_log(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<LogProblem>>, Problem> {
    caller.list("verify_consent_log", json_rows!("SELECT * FROM crm.verify_consent_log()"), &[]).await
}

/// Consents that wait for their confirmation
///
/// Those whose time runs out first before the others.
#[utoipa::path(get, path = "/opt-ins", tag = "consent",
    responses((status = 200, description = "At most 200, all in one page", body = Page<PendingOptIn>)))]
pub async fn list_pending_opt_ins(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<PendingOptIn>>, Problem> {
    caller.list("pending_opt_ins", json_rows!("SELECT * FROM crm.pending_opt_ins()"), &[]).await
}
