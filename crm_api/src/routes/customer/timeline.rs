//! What happened to a guest.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Id, Listing, Query},
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Event {
    at: DateTime<Utc>,
    kind: EventKind,
    #[schema(required)]
    venue_id: Option<Uuid>,
    /// In English.
    #[schema(required)]
    summary: Option<String>,
    details: Details,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    Order,
    Note,
    Label,
    Segment,
    Profile,
    Merge,
    Consent,
}

/// What there is to tell, by the kind of event: order_ref, total, currency, channel, table, payment_method and promo_code of an
/// order; note_id, author, body, pinned and corrects of a note; from and to of a label; segment_id, event, cause and order_ref
/// of a segment; field, and for managers from and to, of the profile; customer_id, into_id and reason of a merge; entry_id, channel, action, source and occurred_at of a consent.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
pub struct Details(serde_json::Map<String, serde_json::Value>);

/// What happened to a guest
///
/// Latest first, as far as the caller may see it.
#[utoipa::path(get, path = "/customers/{id}/timeline", tag = "dossier", params(Listing),
    responses((status = 200, description = "A page of events", body = Page<Event>)))]
pub async fn get_timeline(
    caller: Caller,
    Id(id): Id,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<Event>>, Problem> {
    const SQL: &str = "SELECT json_build_object('at', at, 'kind', kind, 'venue_id', venue_id, 'summary', summary, 'details', details), cursor::text \
                         FROM crm.timeline($3::text, $1::text::jsonb, $2::int)";
    caller.page("timeline", SQL, &listing, &[&id]).await.map_err(|problem| problem.at(POINTERS))
}
