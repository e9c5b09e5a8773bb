//! The one error of the service, answered as RFC 9457 problem details (`application/problem+json`).
//!
//! A 4xx says what the caller can change, with a pointer to the parameter at fault where it is known. A 5xx
//! says nothing about the inside; its cause goes to the log.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::database::refusal::Refusal;

pub const CONTENT_TYPE: &str = "application/problem+json";

/// Seconds after which a 503 is worth another try.
pub const RETRY_AFTER_SECONDS: u16 = 2;

#[derive(Debug, Error)]
pub enum Problem {
    #[error("no bearer key")]
    MissingKey,
    #[error("a token that is not valid")]
    InvalidToken,
    #[error("too many requests of one caller")]
    TooManyRequests { seconds: u64 },
    #[error("a session's change without its header")]
    MissingCsrfHeader,
    #[error("invalid parameter {pointer}")]
    InvalidParameter { pointer: String, detail: String },
    /// The database refused what the caller asked.
    #[error("refused by the database with {}", .0.sqlstate)]
    Refused(Box<Refusal>),
    /// Worth another try: no connection free, connection lost, timeout, conflict. `reason` is for the log.
    #[error("{reason}")]
    Unavailable { sqlstate: Option<String>, reason: Cow<'static, str> },
    #[error("schema version {found}, this build knows {known}")]
    SchemaVersion { found: i32, known: i32 },
    /// Our own fault or the installation's. `reason` is for the log.
    #[error("{reason}")]
    Internal { sqlstate: Option<String>, reason: Cow<'static, str> },
    /// What the router or a layer answered with an empty or plain body.
    #[error("{0}")]
    Status(StatusCode),
}

/// RFC 9457 problem details. `type` is always `about:blank`: `status` and `code` tell problems apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "page_size must be between 1 and 200",
    "code": "22023",
    "pointer": "#/query/limit",
    "hint": "Ask for at most 200 rows and follow next_cursor."
}))]
pub struct Body {
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The HTTP status phrase.
    #[schema(example = "Bad Request")]
    title: &'static str,
    /// The HTTP status code.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong with this request, for a person.
    detail: Cow<'static, str>,
    /// SQLSTATE of the refusal: a standard one, or one of ours (CR401, CR404, CR409, CR412, CR422, CR425, CR503).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "22023", min_length = 5, max_length = 5)]
    code: Option<Cow<'static, str>>,
    /// JSON pointer, as a URI fragment, to what is at fault in the request: `#/query/<parameter>`,
    /// `#/path/<parameter>` or `#/body/<member>/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "#/query/limit")]
    pointer: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hint: Option<String>,
}

/// Attached to an error response for the log line of its request; never sent.
#[derive(Clone, Debug)]
pub struct Cause {
    pub sqlstate: Option<String>,
    /// Only of a 5xx: the message of a 4xx may quote what the caller sent.
    pub reason: Option<String>,
}

impl Problem {
    pub fn invalid_parameter(pointer: &str, detail: &str) -> Self {
        Self::InvalidParameter { pointer: pointer.to_owned(), detail: detail.to_owned() }
    }

    /// What the service itself cannot do as things are: 409.
    pub fn conflict(detail: &str, hint: &str) -> Self {
        Self::Refused(Box::new(Refusal {
            status: StatusCode::CONFLICT,
            sqlstate: "CR409".to_owned(),
            detail: detail.to_owned(),
            hint: Some(hint.to_owned()),
            parameter: None,
            pointer: None,
        }))
    }

    /// Names the request's parameter behind the SQL parameter that the database found at fault. `pointers`
    /// pairs the two; a name it does not list gives no pointer.
    pub fn at(mut self, pointers: &[(&str, &str)]) -> Self {
        if let Self::Refused(refusal) = &mut self
            && let Some(parameter) = &refusal.parameter
            && let Some((_, pointer)) = pointers.iter().find(|(name, _)| name == parameter)
        {
            refusal.pointer = Some((*pointer).to_owned());
        }
        self
    }

    /// As [`Problem::at`] for a request with a body, whose members are named as the SQL parameters are: what
    /// `pointers` does not list is `#/body/<name>`.
    pub fn at_or_body(self, pointers: &[(&str, &str)]) -> Self {
        self.at(pointers).at_member("#/body")
    }

    /// What [`Problem::at`] found no pointer for is a member of this one.
    pub fn at_member(mut self, parent: &str) -> Self {
        if let Self::Refused(refusal) = &mut self
            && refusal.pointer.is_none()
            && let Some(parameter) = &refusal.parameter
        {
            refusal.pointer = Some(format!("{parent}/{parameter}"));
        }
        self
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingKey | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MissingCsrfHeader => StatusCode::FORBIDDEN,
            Self::InvalidParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => refusal.status,
            Self::Unavailable { .. } | Self::SchemaVersion { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Status(status) => *status,
        }
    }

    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::MissingKey | Self::InvalidToken => Some("CR401"),
            Self::TooManyRequests { .. } => None,
            Self::MissingCsrfHeader => Some("42501"),
            Self::InvalidParameter { .. } => Some("22023"),
            Self::SchemaVersion { .. } => Some("CR503"),
            Self::Refused(refusal) => Some(&refusal.sqlstate),
            Self::Unavailable { sqlstate, .. } | Self::Internal { sqlstate, .. } => sqlstate.as_deref(),
            Self::Status(_) => None,
        }
    }

    /// The problem as the JSON of its body.
    pub fn describe(self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn cause(&self) -> Cause {
        Cause {
            sqlstate: self.sqlstate().map(str::to_owned),
            reason: self.status().is_server_error().then(|| self.to_string()),
        }
    }

    fn body(self) -> Body {
        let status = self.status();
        let code = self.sqlstate().map(|code| Cow::Owned(code.to_owned()));
        let (detail, pointer, hint): (Cow<'static, str>, _, Option<String>) = match self {
            Self::MissingKey => (
                "This needs an API key.".into(),
                None,
                Some("Send the header Authorization: Bearer <key>.".to_owned()),
            ),
            Self::InvalidToken => ("This token is not valid here and now.".into(), None, None),
            Self::TooManyRequests { .. } => (
                "This key asks too often.".into(),
                None,
                Some("Wait as long as the header Retry-After says.".to_owned()),
            ),
            Self::MissingCsrfHeader => (
                "A session's requests that change anything need a header that other sites cannot send."
                    .into(),
                None,
                Some("Send the header X-CRM-CSRF: 1.".to_owned()),
            ),
            Self::InvalidParameter { pointer, detail } => (detail.into(), Some(pointer), None),
            Self::Refused(refusal) => (refusal.detail.into(), refusal.pointer, refusal.hint),
            Self::Unavailable { .. } => ("The service cannot answer now; try again.".into(), None, None),
            Self::SchemaVersion { found, known } => (
                format!("The database has schema version {found}, this service knows {known}.").into(),
                None,
                Some("Bring the service and the extension to the same release.".to_owned()),
            ),
            Self::Internal { .. } => (
                "Something went wrong inside; it has been logged.".into(),
                None,
                Some("Report it with the response's x-request-id.".to_owned()),
            ),
            Self::Status(StatusCode::NOT_FOUND) => ("There is no such path.".into(), None, None),
            Self::Status(StatusCode::METHOD_NOT_ALLOWED) => (
                "This path does not take this method.".into(),
                None,
                Some("The header allow lists the methods.".to_owned()),
            ),
            Self::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE) => (
                "This takes another kind of body.".into(),
                None,
                Some("Send the header Content-Type: application/json.".to_owned()),
            ),
            Self::Status(status) => (title(status).into(), None, None),
        };
        Body {
            kind: "about:blank",
            title: title(status),
            status: status.as_u16(),
            detail,
            code,
            pointer,
            hint,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let cause = self.cause();
        let retry_after = match &self {
            Self::TooManyRequests { seconds } => Some(*seconds),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER_SECONDS.into()),
            _ => None,
        };
        let challenge = match &self {
            Self::InvalidToken => Some(r#"Bearer realm="crm", error="invalid_token""#),
            Self::MissingKey => Some(r#"Bearer realm="crm""#),
            Self::Refused(refusal) if refusal.status == StatusCode::UNAUTHORIZED => {
                Some(r#"Bearer realm="crm", error="invalid_token""#)
            }
            _ => None,
        };
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(cause);
        response
    }
}

/// Gives every error response that is not a problem yet (no such path, method not allowed, body too large)
/// the form of one; pages for people stay what they are.
pub async fn ensure(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_told = |kind: &HeaderValue| kind == CONTENT_TYPE || kind.as_bytes().starts_with(b"text/html");
    if !is_error || content_type.is_some_and(is_told) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = Problem::Status(status).into_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}
