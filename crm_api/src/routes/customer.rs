//! Customers: the list of guests per venue, and one guest's profile.

mod list;
mod profile;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::database::Database;

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(profile::profile))
}

/// What a guest is to a venue. For the documentation only: SQL decides which labels there are.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its documentation is used")]
enum Label {
    Champion,
    Loyal,
    Potential,
    New,
    AtRisk,
    Lost,
    Inactive,
}
