//! The routes, one file per resource; a route and its documentation are one declaration.

mod customer;
mod health;
mod openapi;
mod page;
mod venue;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{admin, database::Database, openapi::Frame};

/// Every route of the service; all other paths are the admin UI's.
pub fn router(database: Database) -> Router {
    documented().split_for_parts().0.fallback(admin::serve).with_state(database)
}

/// The OpenAPI document of [`router`].
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Database> {
    let v1 = OpenApiRouter::new().merge(venue::router()).merge(customer::router());
    OpenApiRouter::with_openapi(Frame::openapi())
        .merge(health::router())
        .merge(openapi::router())
        .nest("/v1", v1)
}
