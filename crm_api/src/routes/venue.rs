//! Venues: their figures, settings and statistics.

mod birthdays;
mod figures;
mod labels;
mod list;
mod organisation;
mod settings;
mod upkeep;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::database::Database;

/// How the parameters of the functions are named in the requests.
const POINTERS: &[(&str, &str)] = &[
    ("venue", "#/path/venue"),
    ("from_day", "#/query/from"),
    ("to_day", "#/query/to"),
    ("days", "#/query/days"),
    ("was", "#/query/from_label"),
    ("became", "#/query/to_label"),
];

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::get))
        .routes(routes!(figures::get_overview))
        .routes(routes!(figures::list_days))
        .routes(routes!(birthdays::list_birthdays))
        .routes(routes!(labels::list_upcoming_labels))
        .routes(routes!(labels::get_label_flow))
        .routes(routes!(labels::list_label_movers))
        .routes(routes!(settings::get_settings, settings::update_settings))
        .routes(routes!(settings::preview_settings))
        .routes(routes!(organisation::get_organisation_settings, organisation::update_organisation_settings))
        .routes(routes!(upkeep::recompute))
        .routes(routes!(upkeep::verify))
        .routes(routes!(upkeep::repair))
}

/// The days asked for, both included.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// First local day of the venue.
    from: chrono::NaiveDate,
    /// Last local day of the venue, at most three years later.
    to: chrono::NaiveDate,
}
