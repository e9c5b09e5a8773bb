//! What a request carries, extracted so that every refusal names the parameter at fault.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

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
    format!("#/query/{}", name.replace('~', "~0").replace('/', "~1"))
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
