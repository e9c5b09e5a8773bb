//! The routes, one file per resource; a route and its documentation are one declaration.

mod binding;
mod consent;
mod criteria;
mod customer;
mod duplicate;
mod export;
mod health;
mod import;
mod job;
mod key;
mod openapi;
pub mod page;
mod privacy;
mod segment;
pub mod session;
mod tag;
mod venue;

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{admin, database::Database, once, openapi::Frame};

/// Bytes of a request's body at most: ten thousand guests by their ids.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Bytes of a file of guests at most, as of `crm.create_import`.
const MAX_FILE_BYTES: usize = 50 * 1024 * 1024;

/// Every route of the service; all other paths are the admin UI's.
pub fn router(database: Database) -> Router {
    documented().split_for_parts().0.fallback_service(admin::router()).with_state(database)
}

/// The OpenAPI document of [`router`].
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Database> {
    let v1 = OpenApiRouter::new()
        .merge(session::router())
        .merge(venue::router())
        .merge(customer::router())
        .merge(duplicate::router())
        .merge(tag::router())
        .merge(segment::router())
        .merge(criteria::router())
        .merge(consent::router())
        .merge(privacy::router())
        .merge(import::router())
        .merge(export::router())
        .merge(job::router())
        .merge(binding::router())
        .merge(key::router())
        .layer(from_fn(once::read_key))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .merge(
            import::upload_router()
                .layer(DefaultBodyLimit::disable())
                .layer(from_fn(once::read_key))
                .layer(RequestBodyLimitLayer::new(MAX_FILE_BYTES)),
        );
    OpenApiRouter::with_openapi(Frame::openapi())
        .merge(health::router())
        .merge(openapi::router())
        .nest("/v1", v1)
}
