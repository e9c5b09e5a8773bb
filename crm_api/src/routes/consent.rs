//! Consent: what guests said, on which channel, and whether they may be written to.

mod ledger;

use axum::{Json, http::StatusCode};
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
    extract::{Body, Id, NoParameters, Path, Query},
    json_rows,
    problem::Problem,
};

const POINTERS: &[(&str, &str)] = &[("customer", "#/path/id")];

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_consents, record_consent))
        .routes(routes!(list_consent_history))
        .routes(routes!(get_consent_receipt))
        .routes(routes!(request_opt_in))
        .routes(routes!(resend_opt_in))
        .routes(routes!(set_do_not_contact))
        .routes(routes!(count_reachable))
        .routes(routes!(ledger::list_consent_log))
        .routes(routes!(ledger::get_consent_log))
        .routes(routes!(ledger::verify_consent_log))
        .routes(routes!(ledger::list_pending_opt_ins))
        .routes(routes!(save_wording))
}

/// A channel on which guests are written to.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    EmailMarketing,
    SmsMarketing,
    WhatsappMarketing,
    ReviewRequest,
}

impl Channel {
    fn name(&self) -> &'static str {
        match self {
            Self::EmailMarketing => "EMAIL_MARKETING",
            Self::SmsMarketing => "SMS_MARKETING",
            Self::WhatsappMarketing => "WHATSAPP_MARKETING",
            Self::ReviewRequest => "REVIEW_REQUEST",
        }
    }
}

/// Where a guest stands on a channel.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Consent {
    /// Null or left out for the organisation.
    #[serde(default)]
    venue_id: Option<Uuid>,
    channel: Channel,
    /// GRANTED, PENDING, REVOKED or NEVER.
    state: String,
    #[serde(default)]
    since: Option<DateTime<Utc>>,
    #[serde(default)]
    source: Option<String>,
    /// The entry of the ledger that says so.
    #[serde(default)]
    entry_id: Option<i64>,
    /// Whether he may be written to now.
    #[serde(default)]
    reachable: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"channel": "EMAIL_MARKETING", "action": "GRANTED", "source": "checkout", "venue": "12"}))]
struct NewConsent {
    channel: Channel,
    action: ConsentAction,
    /// checkout, admin, preference_centre or import.
    source: String,
    /// The venue's uuid, or the platform's own id; null for the organisation.
    venue: Option<String>,
    /// marketing unless given.
    purpose: Option<String>,
    /// Number of the text that he was asked to consent to.
    wording: Option<i32>,
    /// When he said so, for what is recorded later.
    occurred_at: Option<DateTime<Utc>>,
    /// His address, as evidence.
    ip: Option<String>,
    /// His browser, as evidence.
    user_agent: Option<String>,
    /// What else proves it.
    detail: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ConsentAction {
    Granted,
    Revoked,
}

/// The entry made, and where he stands now.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Recorded {
    #[schema(required)]
    entry_id: Option<i64>,
    #[schema(required)]
    state: Option<String>,
}

/// What a guest said once, with its evidence.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct HistoryEntry {
    entry_id: i64,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    #[schema(required)]
    venue_id: Option<Uuid>,
    channel: Channel,
    action: String,
    #[schema(required)]
    source: Option<String>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(required)]
    wording_key: Option<String>,
    #[schema(required)]
    wording_locale: Option<String>,
    #[schema(required)]
    wording_version: Option<i32>,
    #[schema(required)]
    wording: Option<String>,
    /// Who recorded it.
    #[schema(required)]
    actor: Option<String>,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    #[schema(required)]
    detail: Option<String>,
    /// The guest it was recorded under, where that was another who was merged into him.
    #[schema(required)]
    recorded_for: Option<Uuid>,
    #[schema(required)]
    entry_hash: Option<String>,
    /// Place in the sealed chain; null until the next sweep.
    #[schema(required)]
    sealed_position: Option<i64>,
}

/// An entry of the ledger with all that its hashes are made of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, Value>)]
struct Receipt(serde_json::Map<String, Value>);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Until {
    /// Only what was said up to here.
    at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OptIn {
    /// The venue's uuid, or the platform's own id; null for the organisation.
    venue: Option<String>,
    /// admin unless given.
    source: Option<String>,
    /// Number of the text that he is asked to consent to.
    wording: Option<i32>,
    /// His address, as evidence.
    ip: Option<String>,
    /// His browser, as evidence.
    user_agent: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Asked {
    #[schema(required)]
    entry_id: Option<i64>,
    #[schema(required)]
    state: Option<String>,
    /// Until when he can confirm.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resend {
    /// The venue's uuid, or the platform's own id; null for the organisation.
    venue: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Resent {
    /// How often it was sent.
    times: i32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"banned": true, "reason": "asked on the phone"}))]
struct DoNotContact {
    banned: bool,
    reason: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ByVenue {
    /// The venue that writes: its uuid, or the platform's own id; without it the organisation.
    venue: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Reachable {
    channel: Channel,
    guests: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "newsletter", "locale": "en", "body": "Yes, send me news by e-mail."}))]
struct NewWording {
    key: String,
    /// A language tag.
    locale: String,
    body: String,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct WordingId {
    wording: i32,
}

/// Where a guest stands
///
/// On each channel, at each venue within reach and for the organisation.
#[utoipa::path(get, path = "/customers/{id}/consents", tag = "consent",
    responses((status = 200, description = "All in one page", body = Page<Consent>)))]
async fn list_consents(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Page<Consent>>, Problem> {
    let consents = caller.list("consents", json_rows!("SELECT * FROM crm.consents($1::text)"), &[&id]).await;
    consents.map_err(|problem| problem.at(POINTERS))
}

/// Record consent
#[utoipa::path(post, path = "/customers/{id}/consents", tag = "consent", request_body = NewConsent,
    responses((status = 201, description = "The entry of the ledger", body = Recorded)))]
async fn record_consent(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(said): Body<NewConsent>,
) -> Result<(StatusCode, Json<Recorded>), Problem> {
    const SQL: &str = json_rows!(
        "SELECT * FROM crm.record_consent(customer => $1::text, channel => $2::text, action => $3::text, source => $4::text, \
           venue => $5::text, purpose => COALESCE($6::text, 'marketing'), wording => $7::int, occurred_at => $8::timestamptz, \
           ip => $9::text::inet, user_agent => $10::text, detail => $11::text)"
    );
    let action = match said.action {
        ConsentAction::Granted => "GRANTED",
        ConsentAction::Revoked => "REVOKED",
    };
    let recorded = caller
        .one(
            "record_consent",
            SQL,
            &[
                &id,
                &said.channel.name(),
                &action,
                &said.source,
                &said.venue,
                &said.purpose,
                &said.wording,
                &said.occurred_at,
                &said.ip,
                &said.user_agent,
                &said.detail,
            ],
        )
        .await;
    recorded.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// All that a guest ever said about consent
///
/// The first first.
#[utoipa::path(get, path = "/customers/{id}/consents/history", tag = "consent", params(Until),
    responses((status = 200, description = "All in one page", body = Page<HistoryEntry>)))]
async fn list_consent_history(
    caller: Caller,
    Id(id): Id,
    Query(Until { at }): Query<Until>,
) -> Result<Json<Page<HistoryEntry>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.consent_history($1::text, $2::timestamptz)");
    let history = caller.list("consent_history", SQL, &[&id, &at]).await;
    history.map_err(|problem| problem.at(&[("customer", "#/path/id"), ("at", "#/query/at")]))
}

/// A receipt for an entry of the ledger
#[utoipa::path(get, path = "/consents/{entry}/receipt", tag = "consent",
    responses((status = 200, description = "The receipt", body = Receipt)))]
async fn get_consent_receipt(
    caller: Caller,
    Path(entry): Path<i64>,
    NoParameters: NoParameters,
) -> Result<Json<Receipt>, Problem> {
    let receipt = caller.one("consent_receipt", "SELECT crm.consent_receipt($1::bigint)", &[&entry]).await;
    receipt.map(Json).map_err(|problem| problem.at(&[("entry", "#/path/entry")]))
}

/// Have a guest confirm his consent by mail
///
/// His consent is PENDING for seven days, until he does.
#[utoipa::path(post, path = "/customers/{id}/opt-in", tag = "consent", request_body = OptIn,
    responses((status = 202, description = "He is asked", body = Asked)))]
async fn request_opt_in(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(OptIn { venue, source, wording, ip, user_agent }): Body<OptIn>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    const SQL: &str = json_rows!(
        "SELECT * FROM crm.request_opt_in(customer => $1::text, venue => $2::text, source => COALESCE($3::text, 'admin'), \
           wording => $4::int, ip => $5::text::inet, user_agent => $6::text)"
    );
    let asked = caller.one("request_opt_in", SQL, &[&id, &venue, &source, &wording, &ip, &user_agent]).await;
    asked.map(|asked| (StatusCode::ACCEPTED, Json(asked))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Send the mail that asks for confirmation again
#[utoipa::path(post, path = "/customers/{id}/opt-in/resend", tag = "consent", request_body = Resend,
    responses((status = 202, description = "It is sent", body = Resent)))]
async fn resend_opt_in(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(Resend { venue }): Body<Resend>,
) -> Result<(StatusCode, Json<Resent>), Problem> {
    const SQL: &str = json_rows!("SELECT crm.resend_opt_in($1::text, $2::text) AS times");
    let sent = caller.one("resend_opt_in", SQL, &[&id, &venue]).await;
    sent.map(|sent| (StatusCode::ACCEPTED, Json(sent))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Have a guest not contacted at all
///
/// Whatever he consented to; or lift that.
#[utoipa::path(put, path = "/customers/{id}/do-not-contact", tag = "consent", request_body = DoNotContact,
    responses((status = 204, description = "So it is")))]
async fn set_do_not_contact(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(DoNotContact { banned, reason }): Body<DoNotContact>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.set_do_not_contact($1::text, $2::bool, $3::text)";
    let done = caller.run("set_do_not_contact", SQL, &[&id, &banned, &reason]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at_or_body(POINTERS))
}

/// How many guests may be written to
///
/// On each channel.
#[utoipa::path(get, path = "/reachable", tag = "consent", params(ByVenue),
    responses((status = 200, description = "All in one page", body = Page<Reachable>)))]
async fn count_reachable(
    caller: Caller,
    Query(ByVenue { venue }): Query<ByVenue>,
) -> Result<Json<Page<Reachable>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.reachable_counts($1::text)");
    let counts = caller.list("reachable_counts", SQL, &[&venue]).await;
    counts.map_err(|problem| problem.at(&[("venue", "#/query/venue")]))
}

/// Keep a text that guests are asked to consent to
#[utoipa::path(post, path = "/wordings", tag = "consent", request_body = NewWording,
    responses((status = 201, description = "Its number", body = WordingId)))]
async fn save_wording(
    caller: Caller,
    NoParameters: NoParameters,
    Body(NewWording { key, locale, body }): Body<NewWording>,
) -> Result<(StatusCode, Json<WordingId>), Problem> {
    const SQL: &str = json_rows!("SELECT crm.save_wording($1::text, $2::text, $3::text) AS wording");
    let saved = caller.one("save_wording", SQL, &[&key, &locale, &body]).await;
    saved.map(|saved| (StatusCode::CREATED, Json(saved))).map_err(|problem| problem.at_or_body(&[]))
}
