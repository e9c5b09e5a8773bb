//! Customers: the guests of the venues, and what is known of each.

mod capture;
mod contact;
mod dossier;
mod explanation;
mod list;
mod mark;
mod merge;
mod needs;
mod note;
mod preference;
mod profile;
mod timeline;
mod write;

use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::database::Database;

/// How the parameters of the functions are named in the requests.
const POINTERS: &[(&str, &str)] = &[("customer", "#/path/id")];

/// The same where the venue is asked for in the query string.
const POINTERS_OF_QUERY: &[(&str, &str)] = &[("customer", "#/path/id"), ("venue", "#/query/venue")];

/// What only a parameter refers to, which the router does not collect.
#[derive(OpenApi)]
#[openapi(components(schemas(list::Sort)))]
struct OfParameters;

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::with_openapi(OfParameters::openapi())
        .routes(routes!(list::list, write::create_customer))
        .routes(routes!(capture::search_customers))
        .routes(routes!(capture::capture_customer))
        .routes(routes!(profile::profile, write::update_customer))
        .routes(routes!(dossier::get_dossier))
        .routes(routes!(dossier::get_kitchen_card))
        .routes(routes!(dossier::get_lifetime))
        .routes(routes!(timeline::get_timeline))
        .routes(routes!(explanation::explain_scores))
        .routes(routes!(explanation::list_segments_of_customer))
        .routes(routes!(contact::add_contact))
        .routes(routes!(contact::remove_contact))
        .routes(routes!(mark::block_customer, mark::unblock_customer))
        .routes(routes!(mark::tag_customer, mark::untag_customer))
        .routes(routes!(note::list_notes, note::add_note))
        .routes(routes!(note::pin_note, note::unpin_note))
        .routes(routes!(
            preference::list_preferences,
            preference::state_preference,
            preference::withdraw_preference
        ))
        .routes(routes!(needs::list_health_needs, needs::set_health_needs))
        .routes(routes!(merge::merge_customers))
        .routes(routes!(merge::unmerge_customer))
        .routes(routes!(merge::attach_order))
}

/// What a guest is to a venue. For the documentation only: SQL decides which labels there are.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum Label {
    Champion,
    Loyal,
    Potential,
    New,
    AtRisk,
    Lost,
    Inactive,
}

/// The venue of a request, where one is needed.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AtVenue {
    /// The venue: its uuid, or the platform's own id.
    #[param(example = "12")]
    venue: String,
}

/// The venue of a request, where one may be left out.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MaybeAtVenue {
    /// The venue: its uuid, or the platform's own id; without it the whole organisation.
    #[param(example = "12")]
    venue: Option<String>,
}

/// A guest by his key.
#[derive(Debug, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
pub struct CustomerId {
    customer_id: uuid::Uuid,
}
