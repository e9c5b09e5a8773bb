//! The OpenAPI 3.1 document, generated from the handlers.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        Object, ObjectBuilder, OpenApi as Document, RefOr, Required, Response, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{problem::Body, routes, routes::session};

/// Names of the security schemes.
const BEARER: &str = "bearer";
const SESSION: &str = "session";

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
        (name = "session", description = "Who calls"),
        (name = "venue", description = "Places with guests of their own, their figures and settings"),
        (name = "customer", description = "Guests, and what they are to each venue"),
        (name = "dossier", description = "What is known of one guest"),
        (name = "tag", description = "Tags, put on by hand or given by a segment"),
        (name = "segment", description = "Saved criteria and their members"),
        (name = "criteria", description = "The language in which segments are written"),
        (name = "consent", description = "What guests consented to, and whom may be written to"),
        (name = "privacy", description = "Export, objection, erasure, retention, and who read what"),
        (name = "transfer", description = "Guests from files and into files"),
        (name = "operation", description = "Jobs, health, bindings, and who may call"),
        (name = "service", description = "The service itself; no key needed")
    ),
    components(schemas(Body))
)]
pub struct Frame;

struct Everywhere;

/// What holds for every operation under `/v1` is said here once: the credentials, the path's parameters, and what
/// a request can be refused with.
impl Modify for Everywhere {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("crm_ and 64 hexadecimal digits".to_owned());
        bearer.description = Some("An API key, shown once when it was made; or a JWT of the platform's identity provider, where the service is configured for one.".to_owned());
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
        let session = ApiKeyValue::with_description(
            session::COOKIE,
            "A session, opened by POST /v1/session with a key. Requests that change anything also need the header X-CRM-CSRF: 1.",
        );
        components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        for (path, item) in document.paths.paths.iter_mut().filter(|(path, _)| path.starts_with("/v1/")) {
            let changes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in changes.into_iter().flatten() {
                complete(path, operation, true);
            }
            if let Some(operation) = &mut item.post
                && !matches!(
                    operation.operation_id.as_deref(),
                    Some("open_session" | "export_customers" | "start_night")
                )
            {
                operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
            }
            if let Some(operation) = &mut item.get {
                complete(path, operation, false);
            }
        }
    }
}

fn complete(path: &str, operation: &mut Operation, changes: bool) {
    if operation.security.is_none() {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new(BEARER, none), SecurityRequirement::new(SESSION, none)]);
    }
    let parameters = operation.parameters.get_or_insert_default();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        if parameters.iter().all(|known| !matches!(known, RefOr::T(known) if known.name == name)) {
            parameters.push(RefOr::T(path_parameter(name)));
        }
    }
    let mut add = |responses: BTreeMap<String, RefOr<Response>>| {
        for (status, response) in responses {
            operation.responses.responses.entry(status).or_insert(response);
        }
    };
    add(Refused::responses());
    add(NotFound::responses());
    if changes {
        add(Conflict::responses());
    }
    if operation.request_body.is_some() {
        add(BadBody::responses());
    }
    let has =
        |name: &str| parameters.iter().any(|known| matches!(known, RefOr::T(known) if known.name == name));
    if has("If-Match") {
        add(Changed::responses());
    }
    if parameters.is_empty() {
        operation.parameters = None;
    }
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A name for this request, new for each: sent again within a day, it gets the first answer and does nothing twice.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255))))
        .build()
}

fn path_parameter(name: &str) -> Parameter {
    let (description, kind, example) = match name {
        "id" => ("The guest's uuid, or the platform's own id", Type::String, json!("C-1001")),
        "venue" => ("The venue's uuid, or the platform's own id", Type::String, json!("12")),
        "order" => ("The platform's id of the order", Type::String, json!("9001")),
        "tag" => ("The tag's name", Type::String, json!("VIP")),
        "principal" => ("The principal's uuid", Type::String, json!("0e0f6a0c-1a53-4c1b-8a43-3f8a5b0f4c11")),
        "key" => (
            "The key's uuid, which is not the key",
            Type::String,
            json!("0e0f6a0c-1a53-4c1b-8a43-3f8a5b0f4c12"),
        ),
        "segment" => ("The segment's number", Type::Integer, json!(7)),
        "note" => ("The note's number", Type::Integer, json!(31)),
        "contact" => ("The contact's number", Type::Integer, json!(12)),
        "entry" => ("The entry's number in the ledger of consent", Type::Integer, json!(1)),
        "import" => ("The import's number", Type::Integer, json!(3)),
        other => unreachable!("the path parameter {other} is described here"),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(Object::with_type(kind)))
        .example(Some(example))
        .build()
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
    /// This key asks too often.
    #[response(status = 429, content_type = "application/problem+json",
        headers(("Retry-After" = u64, description = "Seconds to wait")), example = json!({
        "type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "This key asks too often."
    }))]
    TooMany(Body),
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

#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum Conflict {
    /// What is there forbids it: a name that is taken, a guest who was merged, a change under way.
    #[response(status = 409, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Conflict", "status": 409, "detail": "the key \"regulars\" is taken",
        "code": "CR409", "pointer": "#/body/key"
    }))]
    Conflict(Body),
    /// It is well-formed and still cannot be done.
    #[response(status = 422, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "a value is missing", "code": "CR422"
    }))]
    Unprocessable(Body),
}

#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum Changed {
    /// It was changed since it was read.
    #[response(status = 412, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Precondition Failed", "status": 412, "detail": "it was changed since it was read",
        "code": "CR412", "pointer": "#/header/If-Match"
    }))]
    Changed(Body),
}

#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum BadBody {
    /// The body is too long.
    #[response(status = 413, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Payload Too Large", "status": 413, "detail": "Payload Too Large"
    }))]
    TooLarge(Body),
    /// The body is of another kind than this takes.
    #[response(status = 415, content_type = "application/problem+json", example = json!({
        "type": "about:blank", "title": "Unsupported Media Type", "status": 415, "detail": "This takes another kind of body."
    }))]
    UnsupportedMediaType(Body),
}

/// The document of all routes.
pub fn document() -> Document {
    let mut document = routes::document();
    // After the routes, which the frame does not have yet.
    Everywhere.modify(&mut document);
    document
}

/// The document as pretty-printed JSON.
pub fn text() -> String {
    document().to_pretty_json().expect("the document has string keys only")
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
                let open = !path.starts_with("/v1/") || operation["operationId"] == "open_session";
                let asks = operation["security"]
                    .as_array()
                    .is_some_and(|schemes| schemes.iter().all(|s| s != &json!({})));
                assert_eq!(asks, !open, "{path}");
            }
        }
    }
}
