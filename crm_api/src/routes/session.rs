//! Sessions: how a browser signs in with a key, and who calls.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    caller::Caller,
    credentials::{self, Credentials},
    database::Database,
    extract::{Body, NoParameters},
    problem::Problem,
};

/// Name of the session's cookie.
pub const COOKIE: &str = "crm_session";

const WHOAMI: &str = "SELECT crm.whoami()";

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(open_session, get_session, close_session))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "crm_…"}))]
struct SignIn {
    /// An API key.
    #[schema(max_length = 200)]
    key: String,
}

/// Who calls.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Identity {
    principal_id: Uuid,
    name: String,
    role: Role,
    organisation: Organisation,
    /// Whether he acts for all venues of the organisation, those to come too.
    all_venues: bool,
    /// The venues within reach.
    venues: Vec<KnownVenue>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RoleName)]
pub enum Role {
    Reader,
    Staff,
    Manager,
    Admin,
}

impl Role {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Staff => "staff",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Organisation {
    /// The platform's own id; null where the platform has no organisations.
    #[schema(required)]
    r#ref: Option<String>,
    name: String,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct KnownVenue {
    venue_id: Uuid,
    r#ref: String,
    name: String,
    timezone: String,
    currency: String,
}

/// Open a session
///
/// With a key; the answer sets the cookie `crm_session` (HttpOnly, SameSite=Strict, and Secure unless the host is
/// the local one), which then stands for the key for twelve hours, or until the key ends. Requests by cookie that
/// change anything need the header `X-CRM-CSRF: 1`.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignIn,
    responses((status = 201, description = "Who calls", body = Identity,
        headers(("Set-Cookie" = String, description = "The session")))))]
async fn open_session(
    State(database): State<Database>,
    NoParameters: NoParameters,
    headers: HeaderMap,
    Body(SignIn { key }): Body<SignIn>,
) -> Result<impl IntoResponse, Problem> {
    let credentials = Credentials::new(key.trim());
    database.limits().admit(credentials.digest())?;
    let rows = database
        .as_service(
            "SELECT token, expires_at FROM crm.open_session($1::bytea)",
            &[&credentials.digest().as_slice()],
        )
        .await?;
    let row = rows.first().ok_or(Problem::MissingKey)?;
    let token: &str = row.try_get(0)?;
    let expires_at: DateTime<Utc> = row.try_get(1)?;
    let lives = (expires_at - Utc::now()).num_seconds().max(0);
    let identity: Identity = Caller::new(database, credentials).one("whoami", WHOAMI, &[]).await?;
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie(&headers, token, lives))], Json(identity)))
}

/// Who calls
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, description = "The caller, by session or key", body = Identity)))]
async fn get_session(caller: Caller, NoParameters: NoParameters) -> Result<Json<Identity>, Problem> {
    caller.one("whoami", WHOAMI, &[]).await.map(Json)
}

/// Close the session
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204, description = "It is closed",
        headers(("Set-Cookie" = String, description = "Takes the session's cookie back")))))]
async fn close_session(
    State(database): State<Database>,
    _caller: Credentials,
    NoParameters: NoParameters,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if let Some(token) = credentials::session_token(&headers) {
        let session = Credentials::new(token);
        database.as_service("SELECT crm.close_session($1::bytea)", &[&session.digest().as_slice()]).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&headers, "", 0))]))
}

/// Not for scripts, not for other sites, and over TLS only; but for the local host, where there may be none.
fn cookie(headers: &HeaderMap, token: &str, seconds: i64) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.contains(']') { host } else { name });
    let secure = if matches!(name, "localhost" | "127.0.0.1" | "[::1]") { "" } else { "; Secure" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_local_host_may_do_without_tls() {
        for (host, secure) in [
            ("localhost:8080", false),
            ("127.0.0.1", false),
            ("[::1]:80", false),
            ("crm.example", true),
            ("localhost.example:80", true),
            ("", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            let cookie = cookie(&headers, "t", 60);
            assert_eq!(cookie.contains("; Secure"), secure, "{host}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
        }
    }
}
