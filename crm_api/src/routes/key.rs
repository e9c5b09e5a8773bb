//! Who may call: principals and their keys.

use axum::{Json, http::StatusCode};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{page::Page, session::Role};
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, NoParameters, Path},
    json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_principals, create_principal))
        .routes(routes!(change_principal))
        .routes(routes!(list_keys, create_key))
        .routes(routes!(revoke_key))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Principal {
    principal_id: Uuid,
    name: String,
    role: Role,
    /// Venues he is limited to; null for all.
    #[schema(required)]
    venue_ids: Option<Vec<Uuid>>,
    /// How many keys he has.
    keys: i64,
    created_at: DateTime<Utc>,
    /// How the platform's identity provider names him in its tokens.
    #[schema(required)]
    subject: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Front desk", "role": "staff", "venues": ["12"]}))]
struct NewPrincipal {
    #[schema(min_length = 1)]
    name: String,
    role: Role,
    /// The venues' uuids, or the platform's own ids; null for all.
    venues: Option<Vec<String>>,
    /// How the platform's identity provider names him in its tokens; null for callers by key.
    #[schema(max_length = 255)]
    subject: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "manager", "venues": ["12"]}))]
struct Reach {
    role: Role,
    /// The venues' uuids, or the platform's own ids; null for all.
    venues: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct PrincipalId {
    principal_id: Uuid,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Key {
    /// By which it is revoked; not the key.
    key_id: Uuid,
    #[schema(required)]
    name: Option<String>,
    principal_id: Uuid,
    /// Name of the principal.
    principal: String,
    role: Role,
    created_at: DateTime<Utc>,
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// Last day (UTC) on which it was used.
    #[schema(required)]
    last_used_on: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"principal": "0e0f6a0c-1a53-4c1b-8a43-3f8a5b0f4c11", "name": "till 3"}))]
struct NewKey {
    principal: Uuid,
    /// What it is used for.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Null for never.
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize, Serialize, ToSchema)]
struct MadeKey {
    key_id: Uuid,
    /// The key: shown this once, only its SHA-256 is kept.
    key: String,
}

/// Who may act for the organisation
#[utoipa::path(get, path = "/principals", tag = "operation",
    responses((status = 200, description = "All in one page", body = Page<Principal>)))]
async fn list_principals(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<Principal>>, Problem> {
    caller.list("principal_list", json_rows!("SELECT * FROM crm.principal_list()"), &[]).await
}

/// Let somebody act for the organisation
#[utoipa::path(post, path = "/principals", tag = "operation", request_body = NewPrincipal,
    responses((status = 201, description = "His key in the CRM", body = PrincipalId)))]
async fn create_principal(
    caller: Caller,
    NoParameters: NoParameters,
    Body(NewPrincipal { name, role, venues, subject }): Body<NewPrincipal>,
) -> Result<(StatusCode, Json<PrincipalId>), Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.add_principal($1::text, $2::text, $3::text[], $4::text) AS principal_id");
    let made = caller.one("add_principal", SQL, &[&name, &role.name(), &venues, &subject]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(&[]))
}

/// Give somebody another role and other venues
///
/// Both are what is given here, from his next request on.
#[utoipa::path(put, path = "/principals/{principal}/reach", tag = "operation", request_body = Reach,
    responses((status = 204, description = "So it is")))]
async fn change_principal(
    caller: Caller,
    Path(principal): Path<Uuid>,
    NoParameters: NoParameters,
    Body(Reach { role, venues }): Body<Reach>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.change_principal($1::uuid, $2::text, $3::text[])";
    let done = caller.run("change_principal", SQL, &[&principal, &role.name(), &venues]).await;
    done.map(|()| StatusCode::NO_CONTENT)
        .map_err(|problem| problem.at_or_body(&[("principal", "#/path/principal")]))
}

/// Keys of the organisation
#[utoipa::path(get, path = "/keys", tag = "operation",
    responses((status = 200, description = "All in one page", body = Page<Key>)))]
async fn list_keys(caller: Caller, NoParameters: NoParameters) -> Result<Json<Page<Key>>, Problem> {
    caller.list("key_list", json_rows!("SELECT * FROM crm.key_list()"), &[]).await
}

/// Make a key
///
/// It is shown this once.
#[utoipa::path(post, path = "/keys", tag = "operation", request_body = NewKey,
    responses((status = 201, description = "The key", body = MadeKey)))]
async fn create_key(
    caller: Caller,
    NoParameters: NoParameters,
    Body(NewKey { principal, name, expires_at }): Body<NewKey>,
) -> Result<(StatusCode, Json<MadeKey>), Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.add_key($1::uuid, $2::text, $3::timestamptz)");
    let made = caller.one("add_key", SQL, &[&principal, &name, &expires_at]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(&[]))
}

/// Revoke a key
///
/// And end the sessions opened with it.
#[utoipa::path(delete, path = "/keys/{key}", tag = "operation",
    responses((status = 204, description = "It is refused from now on")))]
async fn revoke_key(
    caller: Caller,
    Path(key): Path<Uuid>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let done = caller.run("revoke_key", "SELECT crm.revoke_key($1::uuid)", &[&key]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(&[("key", "#/path/key")]))
}
