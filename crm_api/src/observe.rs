//! Around every request: its id, its time limit, its line in the log.
//!
//! The log names the route's template, never the path or the query string: both can hold a guest's name,
//! telephone number or id.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    metrics::Metrics,
    patience::Patience,
    problem::{Cause, Problem},
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a caller's own request id at most; a longer one is replaced.
const MAX_REQUEST_ID: usize = 64;

/// Takes over or makes the request's id and answers it, logs one line, and forbids storing the response: it
/// is personal data.
pub async fn observe(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers().get(X_REQUEST_ID));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());

    let mut response = next.run(request).await;

    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_micros() as f64 / 1_000.0;
    metrics.answered(method.as_str(), &route, status, started.elapsed());
    let cause = response.extensions_mut().remove::<Cause>();
    let sqlstate = cause.as_ref().and_then(|cause| cause.sqlstate.as_deref());
    let reason = cause.as_ref().and_then(|cause| cause.reason.as_deref());
    let request_id = id.to_str().unwrap_or_default();
    if response.status().is_server_error() {
        tracing::error!(request_id, %method, route, status, milliseconds, sqlstate, reason, "request");
    } else {
        tracing::info!(request_id, %method, route, status, milliseconds, sqlstate, "request");
    }

    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers 503 to a request that takes longer than its route may.
pub async fn limit_time(State(patience): State<Patience>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let mut limit = patience.usual();
    if let Some(long) = patience.long(request.method(), route) {
        limit = long.0;
        request.extensions_mut().insert(long);
    }
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        Problem::Unavailable { sqlstate: None, reason: "request timed out".into() }.into_response()
    })
}

/// The caller's id if it is short and plain, else a new one.
fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=MAX_REQUEST_ID).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    given
        .filter(plain)
        .cloned()
        .unwrap_or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a uuid is ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(given: &str) -> HeaderValue {
        request_id(Some(&HeaderValue::from_bytes(given.as_bytes()).unwrap()))
    }

    #[test]
    fn a_plain_request_id_is_kept() {
        assert_eq!(answered("gateway-7.a_B"), "gateway-7.a_B");
    }

    #[test]
    fn any_other_request_id_is_replaced_by_a_uuid() {
        let long = "a".repeat(MAX_REQUEST_ID + 1);
        for given in ["", "a b", "{\"x\":1}", "né", &long] {
            let id = answered(given);
            assert!(Uuid::parse_str(id.to_str().unwrap()).is_ok(), "{given}");
        }
        assert!(Uuid::parse_str(request_id(None).to_str().unwrap()).is_ok());
    }
}
