//! What a request carries, extracted so that every refusal names the parameter at fault.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request,
        path::{ErrorKind, Path as AxumPath},
        rejection::PathRejection,
    },
    http::{StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::{cursor, problem::Problem};

/// Bytes of one query or path parameter at most, after decoding: far above any key, cursor or search, far
/// below what would burden the database.
const MAX_PARAMETER_BYTES: usize = 2_048;

/// The query string as `T`. Refused with 400 and a pointer such as `#/query/limit`: an unknown or repeated
/// parameter, a value of the wrong type, a NUL, more than [`MAX_PARAMETER_BYTES`].
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// An empty query string: the operation takes no parameter, so any is refused.
pub struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}

        query(parts.uri.query().unwrap_or_default()).map(|Nothing {}| Self)
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    pub limit: i32,
}

impl Listing {
    pub fn new(cursor: Option<String>, limit: i32) -> Self {
        Self { cursor, limit }
    }

    /// The cursor as SQL gave it. Refused with 400: what is no cursor, a limit out of range.
    pub fn after(&self) -> Result<Option<String>, Problem> {
        if !(1..=200).contains(&self.limit) {
            return Err(Problem::invalid_parameter("#/query/limit", "limit is from 1 to 200"));
        }
        let after = self.cursor.as_deref().map(cursor::decode).transpose();
        after.map_err(|error| Problem::invalid_parameter("#/query/cursor", &error.to_string()))
    }
}

pub fn default_limit() -> i32 {
    50
}

/// The path's parameters as `T`, in the order of the path. Refused with 400 and a pointer such as
/// `#/path/segment`: what is no number where one is due, a NUL, more than [`MAX_PARAMETER_BYTES`].
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid_parameter("#/path", "The path is not valid UTF-8."))?;
        for (name, value) in &raw {
            check_text(value)
                .map_err(|detail| Problem::invalid_parameter(&format!("#/path/{name}"), detail))?;
        }
        let parsed = AxumPath::<T>::from_request_parts(parts, state).await;
        parsed.map(|AxumPath(value)| Self(value)).map_err(|rejection| {
            let at = match &rejection {
                PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
                    ErrorKind::ParseErrorAtIndex { index, .. } => *index,
                    _ => 0,
                },
                _ => 0,
            };
            let name = raw.iter().nth(at).map(|(name, _)| name).unwrap_or_default();
            Problem::invalid_parameter(
                &format!("#/path/{name}"),
                &format!("{name} is not a number it can be."),
            )
        })
    }
}

/// The body, JSON, as `T`. Refused with 415 unless it says that it is JSON, with 413 when it is too long, else
/// with 400 and a pointer such as `#/body/profile/email`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let media_type = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::Status(StatusCode::PAYLOAD_TOO_LARGE),
                _ => Problem::invalid_parameter("#/body", "The body ended early."),
            })?;
        json(&bytes).map(Self)
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let refuse = |pointer: &str, message: String| Err(Problem::invalid_parameter(pointer, &message));
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => match deserializer.end() {
            Ok(()) => Ok(value),
            Err(error) => refuse("#/body", error.to_string()),
        },
        Err(error) => {
            use serde_path_to_error::Segment::{Enum, Map, Seq, Unknown};
            let mut pointer = "#/body".to_owned();
            for segment in error.path().iter() {
                match segment {
                    Map { key } => pointer += &format!("/{}", escaped(key)),
                    Seq { index } => pointer += &format!("/{index}"),
                    Enum { .. } | Unknown => {}
                }
            }
            refuse(&pointer, error.into_inner().to_string())
        }
    }
}

/// The one path parameter `{id}`: text, the CRM's uuid or the platform's own id. Refused like a query
/// parameter, with `#/path/id`.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let invalid = |detail: &str| Problem::invalid_parameter("#/path/id", detail);
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| invalid("The identifier is not valid UTF-8."))?;
        let (_, id) = parameters
            .iter()
            .find(|(name, _)| *name == "id")
            .ok_or_else(|| invalid("The identifier is missing."))?;
        check_text(id).map_err(invalid)?;
        Ok(Self(id.to_owned()))
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    for (name, value) in pairs {
        check_text(&name).map_err(|detail| Problem::invalid_parameter("#/query", detail))?;
        check_text(&value).map_err(|detail| Problem::invalid_parameter(&pointer(&name), detail))?;
    }
    let deserializer = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let name = error.path().to_string();
        let message = error.into_inner().to_string();
        // A repeated parameter is reported without a path, as "duplicate field `limit`".
        let name = match message.strip_prefix("duplicate field `") {
            Some(rest) => rest.trim_end_matches('`').to_owned(),
            None => name,
        };
        let detail = format!("{name}: {message}");
        Problem::invalid_parameter(&pointer(&name), &detail)
    })
}

/// The JSON pointer, as a URI fragment, of a query parameter: `~` and `/` escaped (RFC 6901).
fn pointer(name: &str) -> String {
    format!("#/query/{}", escaped(name))
}

/// A name in a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// PostgreSQL text holds no NUL.
fn check_text(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') {
        Err("A parameter cannot hold a NUL character.")
    } else if text.len() > MAX_PARAMETER_BYTES {
        Err("A parameter is at most 2,048 bytes long.")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        search: Option<String>,
        limit: Option<i32>,
    }

    fn pointer_of(text: &str) -> String {
        match query::<Sample>(text).unwrap_err() {
            Problem::InvalidParameter { pointer, .. } => pointer,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn parameters_are_percent_decoded() {
        let sample = query::<Sample>("search=Jos%C3%A9+B&limit=5").unwrap();
        assert_eq!(sample.search.as_deref(), Some("José B"));
        assert_eq!(sample.limit, Some(5));
    }

    #[test]
    fn an_empty_query_leaves_every_parameter_out() {
        assert_eq!(query::<Sample>("").unwrap(), Sample { search: None, limit: None });
    }

    #[test]
    fn a_refused_body_points_to_the_value() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            #[expect(dead_code, reason = "only read")]
            inner: Vec<Sample>,
        }
        for (text, expected) in [
            (r#"{"inner": [{"limit": 1}, {"limit": "x"}]}"#, "#/body/inner/1/limit"),
            (r#"{"inner": [], "o/ther": 1}"#, "#/body/o~1ther"),
            (r#"{"inner": []} {}"#, "#/body"),
            ("", "#/body"),
        ] {
            match json::<Outer>(text.as_bytes()).unwrap_err() {
                Problem::InvalidParameter { pointer, .. } => assert_eq!(pointer, expected, "{text}"),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_refusal_points_to_the_parameter() {
        assert_eq!(pointer_of("limit=ten"), "#/query/limit");
        assert_eq!(pointer_of("limit=99999999999"), "#/query/limit");
        assert_eq!(pointer_of("limit=1&limit=2"), "#/query/limit");
        assert_eq!(pointer_of("limti=1"), "#/query/limti");
        assert_eq!(pointer_of("a%2Fb=1"), "#/query/a~1b");
        assert_eq!(pointer_of("search=a%00b"), "#/query/search");
        assert_eq!(pointer_of(&format!("search={}", "x".repeat(2_049))), "#/query/search");
    }
}
