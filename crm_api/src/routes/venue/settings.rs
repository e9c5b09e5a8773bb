//! The settings of a venue.

use axum::Json;
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    etag::{IfMatch, Versioned},
    extract::{Body, NoParameters, Path},
    json_rows,
    problem::Problem,
    routes::{customer::Label, page::Page},
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({
    "min_cohort": 30, "regular_visits": 3, "at_risk_days": 30, "lost_days": 90, "new_days": 30, "day_starts_at": "04:00:00",
    "require_double_opt_in": true, "crm_enabled": true, "loyalty_enabled": true, "quiet_hours": {"from": "21:00:00", "to": "09:00:00"},
    "closures": [{"from_day": "2026-08-04", "to_day": "2026-08-17"}]
}))]
pub struct Settings {
    /// Guests from which on they are scored against each other.
    min_cohort: i32,
    /// Visits that make a regular.
    regular_visits: i32,
    at_risk_days: i32,
    lost_days: i32,
    new_days: i32,
    /// Local time at which a business day starts.
    day_starts_at: String,
    /// Whether consent to e-mail given here counts only once it was confirmed from the mail box.
    require_double_opt_in: bool,
    /// Whether orders are counted and guests rated here, where the organisation has it enabled too.
    crm_enabled: bool,
    /// Whether the platform runs its loyalty programme here, where the organisation has it enabled too.
    loyalty_enabled: bool,
    /// When guests are not written to; null for the organisation's quiet hours.
    #[schema(required)]
    quiet_hours: Option<QuietHours>,
    closures: Vec<Closure>,
}

/// Local times from which on and until which guests are not written to; past midnight where `to` is before `from`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "21:00", "to": "09:00"}))]
pub struct QuietHours {
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")]
    from: String,
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")]
    to: String,
}

/// What is given in a change: absent stays, null is none.
#[allow(clippy::option_option, reason = "both are told apart")]
pub(super) fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<QuietHours>>, D::Error> {
    Option::deserialize(field).map(Some)
}

/// Days on which the venue is closed, both included.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    from_day: NaiveDate,
    to_day: NaiveDate,
}

/// Settings to change; what is left out stays.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"at_risk_days": 45}))]
pub struct ChangedSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    min_cohort: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    regular_visits: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 36500)]
    at_risk_days: Option<i32>,
    /// At least at_risk_days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 36500)]
    lost_days: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 36500)]
    new_days: Option<i32>,
    /// HH:MM, local.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "04:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")]
    day_starts_at: Option<String>,
    /// Takes effect at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    require_double_opt_in: Option<bool>,
    /// False: orders are not counted from now on; once it is true again, the next sweep counts what changed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    crm_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    loyalty_enabled: Option<bool>,
    /// Take effect at once; null for those of the organisation.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<QuietHours>)]
    #[allow(clippy::option_option, reason = "absent and null are told apart")]
    quiet_hours: Option<Option<QuietHours>>,
    /// Replaces all closures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 1000)]
    closures: Option<Vec<Closure>>,
}

/// Guests whose label the next recompute would change.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SettingsEffect {
    #[schema(required, value_type = Option<Label>)]
    from_label: Option<String>,
    #[schema(required, value_type = Option<Label>)]
    to_label: Option<String>,
    guests: i64,
    /// How many of them the next recompute moves so in any case.
    guests_anyway: i64,
    /// The ten with the highest spend.
    sample: Vec<SampleGuest>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct SampleGuest {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "decimal")]
    total_spent: Option<String>,
}

/// The settings of a venue
#[utoipa::path(get, path = "/venues/{venue}/settings", tag = "venue",
    responses((status = 200, description = "The settings", body = Settings,
        headers(("ETag" = String, description = "Their version, for If-Match")))))]
pub async fn get_settings(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
) -> Result<Versioned<Settings>, Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.venue_settings($1::text) AS value, crm.settings_version($1::text) AS version");
    caller.one("venue_settings", SQL, &[&venue]).await.map_err(|problem| problem.at(POINTERS))
}

/// Change settings of a venue
///
/// Those of the scores take effect at the next recompute.
#[utoipa::path(patch, path = "/venues/{venue}/settings", tag = "venue", request_body = ChangedSettings,
    params(("If-Match" = Option<String>, Header, description = "The ETag that was read: refused where it was changed since")),
    responses((status = 200, description = "All settings as they are now", body = Settings)))]
pub async fn update_settings(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
    if_match: IfMatch,
    Body(settings): Body<ChangedSettings>,
) -> Result<Json<Settings>, Problem> {
    const GUARD: &str = "SELECT crm.expect_version(crm.settings_version($1::text, true), $2::text[])";
    const SQL: &str = "SELECT crm.update_venue_settings($1::text, $2::jsonb)";
    let caller = caller.if_match(GUARD, &venue, if_match);
    let settings = caller.one("update_venue_settings", SQL, &[&venue, &Jsonb(settings)]).await;
    settings.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}

/// What settings would change
///
/// Which labels a recompute would change now, were these the settings ({} for those the venue has). Writes nothing.
#[utoipa::path(post, path = "/venues/{venue}/settings-preview", tag = "venue", request_body = ChangedSettings,
    responses((status = 200, description = "The changes, all in one page", body = Page<SettingsEffect>)))]
pub async fn preview_settings(
    caller: Caller,
    Path(venue): Path<String>,
    NoParameters: NoParameters,
    Body(settings): Body<ChangedSettings>,
) -> Result<Json<Page<SettingsEffect>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.preview_settings($1::text, $2::jsonb)");
    let effects = caller.list("preview_settings", SQL, &[&venue, &Jsonb(settings)]).await;
    effects.map_err(|problem| problem.at_or_body(POINTERS))
}
