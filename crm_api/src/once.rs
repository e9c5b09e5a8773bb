//! `Idempotency-Key`: a POST that may be sent twice and is done once.
//!
//! What the statement returned is kept in its own transaction, so that either both are there or neither; a request
//! with the same key by the same caller within a day gets it again. Refusals are not kept.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The caller's name for the request, and what it asks for.
#[derive(Clone, Debug)]
pub struct Once {
    pub key: String,
    /// SHA-256 of method, path, query and body.
    pub digest: [u8; 32],
}

/// Reads the key of a POST and the body that it stands for; the body's size is limited further out.
pub async fn read_key(request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    let key = request.headers()[HEADER].to_str().unwrap_or_default().to_owned();
    if key.is_empty() || key.len() > 255 {
        let detail = "An idempotency key has 1 to 255 printable ASCII characters.";
        return Problem::invalid_parameter("#/header/Idempotency-Key", detail).into_response();
    }
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::Status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    let mut hash = Sha256::new();
    // The query may hold any character but this one.
    hash.update(format!(
        "{} {}\0",
        parts.method,
        parts.uri.path_and_query().map_or("", |path| path.as_str())
    ));
    hash.update(&body);
    parts.extensions.insert(Once { key, digest: hash.finalize().into() });
    next.run(Request::from_parts(parts, Body::from(body))).await
}
