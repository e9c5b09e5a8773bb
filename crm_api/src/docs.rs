//! `GET /docs`: the document of the interface as pages to read and to try, from this program alone: nothing is loaded from
//! elsewhere.

use axum::Router;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The document is served by its own route; the validator of a third party is not asked.
    SwaggerUi::new("/docs").config(Config::from("/openapi.json").validator_url("none")).into()
}
