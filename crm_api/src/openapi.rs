//! The OpenAPI 3.1 document, generated from the handlers.

use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{problem::Body, routes};

/// Name of the security scheme that the handlers refer to.
pub const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "pg_crm",
        description = "A restaurant CRM inside the platform's own PostgreSQL: guests, their RFM scores and labels, per venue.\n\n\
            Money is a decimal string in the venue's currency, times are RFC 3339. Lists come in pages: \
            `next_cursor` is opaque, goes back in as `cursor` with the same other parameters, and is null on the last page. \
            Unknown query parameters are refused. Errors are RFC 9457 problem details; `code` is a SQLSTATE, \
            `pointer` names the parameter at fault as `#/query/<parameter>` or `#/path/<parameter>`. \
            Every response carries `x-request-id`, the caller's own if it sent a plain one."
    ),
    tags(
        (name = "venue", description = "Places with guests of their own"),
        (name = "customer", description = "Guests, and what they are to each venue"),
        (name = "service", description = "The service itself; no key needed")
    ),
    modifiers(&BearerScheme),
    components(schemas(Body))
)]
pub struct Frame;

struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, document: &mut Document) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("crm_ and 64 hexadecimal digits".to_owned());
        scheme.description =
            Some("An API key, made by crm.create_api_key() and shown there once.".to_owned());
        document.components.get_or_insert_default().add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// What any request under `/v1` can be refused with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum Refused {
    /// A parameter is unknown, repeated, malformed or out of range; `pointer` names it.
    #[response(status = 400, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Bad Request", "status": 400,
        "detail": "page: unknown field `page`, expected one of `venue`, `label`, …",
        "code": "22023", "pointer": "#/query/page"
    }))]
    BadRequest(Body),
    /// The key is missing, unknown or expired.
    #[response(status = 401, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "Bearer, with error=\"invalid_token\" when a key was sent")), example = json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "This needs an API key.",
        "code": "CR401", "hint": "Send the header Authorization: Bearer <key>."
    }))]
    Unauthorized(Body),
    /// The key's role may not do this.
    #[response(status = 403, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Forbidden", "status": 403,
        "detail": "permission denied for function customer_list", "code": "42501"
    }))]
    Forbidden(Body),
    /// Something went wrong inside; the log says what.
    #[response(status = 500, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Internal Server Error", "status": 500,
        "detail": "Something went wrong inside; it has been logged.", "code": "XX000",
        "hint": "Report it with the response's x-request-id."
    }))]
    Internal(Body),
    /// No connection to be had, a timeout, or a lasting conflict.
    #[response(status = 503, content_type = "application/problem+json",
        headers(("Retry-After" = u16, description = "Seconds to wait")), example = json!({
        "type": "about:blank", "title": "Service Unavailable", "status": 503,
        "detail": "The service cannot answer now; try again.", "code": "57014"
    }))]
    Unavailable(Body),
}

#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum NotFound {
    /// There is no such venue or customer within the key's reach.
    #[response(status = 404, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Not Found", "status": 404, "detail": "unknown customer",
        "code": "CR404", "pointer": "#/path/id"
    }))]
    NotFound(Body),
}

/// The document as pretty-printed JSON.
pub fn text() -> String {
    routes::document().to_pretty_json().expect("the document has string keys only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_document_is_the_generated_one() {
        let published = include_str!("../openapi.json");
        assert!(
            published.trim_end() == text(),
            "crm_api/openapi.json is stale; refresh it with: cargo run -p crm_api -- openapi > crm_api/openapi.json"
        );
    }

    #[test]
    fn every_route_under_v1_asks_for_a_key() {
        let document: serde_json::Value = serde_json::from_str(&text()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                assert_eq!(operation.get("security").is_some(), path.starts_with("/v1/"), "{path}");
            }
        }
    }
}
