//! Segments: saved criteria and their members.

mod edit;
mod list;
mod members;
mod preview;
mod sizes;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::database::Database;

/// How the parameters of the functions are named in the requests.
const POINTERS: &[(&str, &str)] = &[("segment", "#/path/segment")];

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list::list_segments, edit::create_segment))
        .routes(routes!(list::list_segment_templates))
        .routes(routes!(sizes::list_segment_sizes))
        .routes(routes!(preview::preview_segment))
        .routes(routes!(list::get_segment, edit::update_segment, edit::archive_segment))
        .routes(routes!(edit::duplicate_segment))
        .routes(routes!(edit::refresh_segment))
        .routes(routes!(members::list_members))
        .routes(routes!(members::list_events))
        .routes(routes!(members::list_members_as_of))
        .routes(routes!(members::list_overrides))
        .routes(routes!(members::set_override, members::clear_override))
        .routes(routes!(preview::explain_segment))
}
