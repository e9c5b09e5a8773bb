//! The settings of the organisation.

use axum::Json;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;

use super::settings::{QuietHours, given};
use crate::{
    caller::Caller,
    extract::{Body, NoParameters},
    problem::Problem,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({
    "crm_enabled": true, "loyalty_enabled": false, "quiet_hours": {"from": "21:00:00", "to": "09:00:00"}, "default_region": "DE"
}))]
pub struct OrganisationSettings {
    /// Whether orders are counted and guests rated, at the venues where that is enabled too.
    crm_enabled: bool,
    /// Whether the platform runs its loyalty programme, at the venues where that is enabled too.
    loyalty_enabled: bool,
    /// When guests are not written to, by each venue's clock, where a venue has none of its own.
    #[schema(required)]
    quiet_hours: Option<QuietHours>,
    /// Region (ISO 3166-1) in which numbers without a country's code are dialled.
    #[schema(required)]
    default_region: Option<String>,
}

/// Settings to change; what is left out stays.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"loyalty_enabled": true}))]
pub struct ChangedOrganisationSettings {
    /// False: orders are not counted from now on; once it is true again, the next sweep counts what changed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    crm_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    loyalty_enabled: Option<bool>,
    /// Null for none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<QuietHours>)]
    #[allow(clippy::option_option, reason = "absent and null are told apart")]
    quiet_hours: Option<Option<QuietHours>>,
}

/// The settings of the organisation
#[utoipa::path(get, path = "/organisation/settings", tag = "venue",
    responses((status = 200, description = "The settings", body = OrganisationSettings)))]
pub async fn get_organisation_settings(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<OrganisationSettings>, Problem> {
    caller.one("organisation_settings", "SELECT crm.organisation_settings()", &[]).await.map(Json)
}

/// Change settings of the organisation
#[utoipa::path(patch, path = "/organisation/settings", tag = "venue", request_body = ChangedOrganisationSettings,
    responses((status = 200, description = "All settings as they are now", body = OrganisationSettings)))]
pub async fn update_organisation_settings(
    caller: Caller,
    NoParameters: NoParameters,
    Body(settings): Body<ChangedOrganisationSettings>,
) -> Result<Json<OrganisationSettings>, Problem> {
    const SQL: &str = "SELECT crm.update_organisation_settings($1::jsonb)";
    let settings = caller.one("update_organisation_settings", SQL, &[&Jsonb(settings)]).await;
    settings.map(Json).map_err(|problem| problem.at_or_body(&[]))
}
