//! Versions of what can be edited: `ETag` where it is read, `If-Match` where it is changed (RFC 9110, sections 8.8.3
//! and 13.1.1).

use axum::{
    Json,
    extract::FromRequestParts,
    http::{
        header::{ETAG, IF_MATCH},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// The versions that a change may find; None for any.
pub struct IfMatch(pub Option<Vec<String>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut wanted = Vec::new();
        let mut headers = parts.headers.get_all(IF_MATCH).iter().peekable();
        if headers.peek().is_none() {
            return Ok(Self(None));
        }
        for header in headers {
            let text = header.to_str().unwrap_or_default();
            if text.trim() == "*" {
                return Ok(Self(None));
            }
            for tag in text.split(',').map(str::trim) {
                // A weak tag matches nothing here.
                match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) {
                    Some(version) => wanted.push(version.to_owned()),
                    None if tag.starts_with("W/\"") => {}
                    None => {
                        let detail = "If-Match holds entity tags, such as \"5f2f\".";
                        return Err(Problem::invalid_parameter("#/header/If-Match", detail));
                    }
                }
            }
        }
        Ok(Self(Some(wanted)))
    }
}

/// A value with its version; the answer has it as its entity tag.
#[derive(Deserialize)]
pub struct Versioned<T> {
    value: T,
    version: String,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        ([(ETAG, format!("\"{}\"", self.version))], Json(self.value)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn read(header: Option<&str>) -> Result<Option<Vec<String>>, Problem> {
        let mut request = Request::builder();
        if let Some(header) = header {
            request = request.header(IF_MATCH, header);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.map(|IfMatch(wanted)| wanted)
    }

    #[tokio::test]
    async fn tags_are_read_and_weak_ones_match_nothing() {
        assert_eq!(read(None).await.unwrap(), None);
        assert_eq!(read(Some("*")).await.unwrap(), None);
        assert_eq!(read(Some(r#""a", "b""#)).await.unwrap(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read(Some(r#"W/"a""#)).await.unwrap(), Some(vec![]));
        assert!(read(Some("a")).await.is_err());
    }
}
