//! The admin UI: the files of `admin/dist`, compiled in.
//!
//! Any path outside the API answers with the page, whose own router reads the address. A file whose name holds
//! its hash never changes and may be kept; the page itself names those files and is asked for anew.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use tower_http::compression::CompressionLayer;
use uuid::Uuid;

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../admin/dist"]
#[allow_missing = true]
struct Files;

const PAGE: &str = "index.html";
/// Stands in the page where the nonce of its style sheets goes.
const NONCE: &str = "__NONCE__";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>pg_crm</title>\
    <h1>The admin UI is not part of this build</h1>\
    <p>Run <code>scripts/admin.sh</code>, then build the service again. \
    The API is there all the same: <a href=\"/openapi.json\">/openapi.json</a>.</p>";

/// What no route of the API takes. Compressed, unlike the API's answers: what is here is no secret, so its length may tell of it.
pub fn router() -> Router {
    Router::new().fallback(serve).layer(CompressionLayer::new())
}

async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "v1" || path.starts_with("v1/") {
        return Problem::Status(StatusCode::NOT_FOUND).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let mut refused = Problem::Status(StatusCode::METHOD_NOT_ALLOWED).into_response();
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match Files::get(path).filter(|_| path != PAGE) {
        Some(file) => {
            let kept =
                if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            let kind = file.metadata.mimetype().to_owned();
            secured([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept.to_owned())], file.data, None)
        }
        // A page that is out of date asks for a file that is gone: that is no address of a page.
        None if path.starts_with("assets/") => Problem::Status(StatusCode::NOT_FOUND).into_response(),
        None => page(),
    }
}

fn page() -> Response {
    let nonce = Uuid::new_v4().simple().to_string();
    let html = Files::get(PAGE).map_or_else(
        || NOT_BUILT.to_owned(),
        |file| String::from_utf8_lossy(&file.data).replace(NONCE, &nonce),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    secured(headers, html, Some(&nonce))
}

/// With the headers that keep a page to itself: nothing from elsewhere, no inline script, no frame around it.
/// The components put style sheets into the page; the nonce allows those and no others.
fn secured(fields: [(HeaderName, String); 2], body: impl IntoResponse, nonce: Option<&str>) -> Response {
    let mut response = (fields, body).into_response();
    let styles = nonce.map_or_else(|| "'self'".to_owned(), |nonce| format!("'self' 'nonce-{nonce}'"));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
