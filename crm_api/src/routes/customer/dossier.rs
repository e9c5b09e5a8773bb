//! Everything that is known of one guest, for the host and for the kitchen.

use std::collections::BTreeMap;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    AtVenue, POINTERS, POINTERS_OF_QUERY, contact::Contact, needs::HealthNeed, note::Note,
    preference::Preference, profile::VenueStats,
};
use crate::{
    caller::Caller,
    extract::{Id, NoParameters, Query},
    json_rows,
    problem::Problem,
    routes::{consent::Consent, page::Page},
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Dossier {
    profile: FullProfile,
    contacts: Vec<Contact>,
    /// What a host should know at one glance.
    badges: Vec<Badge>,
    lifetime: Vec<Lifetime>,
    venues: Vec<VenueStats>,
    tags: Vec<TagOfGuest>,
    /// The 50 that count most: pinned, then latest.
    notes: Vec<Note>,
    health_needs: Vec<HealthNeed>,
    preferences: Vec<Preference>,
    /// Where he stands on each channel.
    consents: Vec<Consent>,
    /// Why he is not to be contacted at all; null where he may be.
    #[schema(required)]
    do_not_contact: Option<String>,
    segments: Vec<SegmentOfGuest>,
    /// What he had last; null without an order.
    #[schema(required)]
    last_order: Option<LastOrder>,
    /// The ten latest.
    recent_orders: Vec<RecentOrder>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct FullProfile {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    phone_e164: Option<String>,
    #[schema(required)]
    email: Option<String>,
    /// YYYY-MM-DD, or --MM-DD without the year.
    #[schema(required)]
    birthday: Option<String>,
    #[schema(required)]
    anniversary: Option<String>,
    #[schema(required)]
    gender: Option<String>,
    #[schema(required)]
    language: Option<String>,
    /// For managers only.
    #[schema(required)]
    document: Option<String>,
    #[schema(required)]
    photo_url: Option<String>,
    #[schema(required)]
    preferred_channel: Option<String>,
    #[schema(required)]
    preferred_venue: Option<Uuid>,
    #[schema(required)]
    kind: Option<String>,
    #[schema(example = "active")]
    status: String,
    #[schema(required)]
    blocked_reason: Option<String>,
    #[schema(required)]
    source: Option<String>,
    #[schema(required)]
    created_at: Option<DateTime<Utc>>,
    #[schema(required)]
    updated_at: Option<DateTime<Utc>>,
    /// Guests who were merged into him.
    merged_from: Vec<Uuid>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Badge {
    /// BLOCKED, BIRTHDAY or a label.
    badge: String,
    #[schema(required)]
    why: Option<String>,
}

/// Totals over all venues of the organisation in one currency.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Lifetime {
    currency: String,
    venues: i32,
    total_orders: i64,
    total_visits: i64,
    #[schema(format = "decimal")]
    total_spent: String,
    #[schema(required, format = "decimal")]
    highest_order: Option<String>,
    #[schema(required)]
    first_order_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct TagOfGuest {
    tag_id: i32,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    colour: Option<String>,
    /// hand or rule.
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct SegmentOfGuest {
    segment_id: i32,
    key: String,
    name: String,
    /// Null for a segment of the organisation.
    #[schema(required)]
    venue_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct RecentOrder {
    order_ref: String,
    venue_id: Uuid,
    #[schema(format = "decimal")]
    total: String,
    completed_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    table: Option<String>,
}

/// The latest counted order, with what he had.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct LastOrder {
    order_ref: String,
    venue_id: Uuid,
    completed_at: DateTime<Utc>,
    #[schema(format = "decimal")]
    total: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    table: Option<String>,
    items: Vec<OrderedItem>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct OrderedItem {
    /// Its name; the platform's id of a product without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quantity: Option<f64>,
}

/// What order taking and the kitchen ticket need.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct KitchenCard {
    customer_id: Uuid,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    allergens: Option<Vec<String>>,
    /// How grave an allergy is, by allergen, where he said so: intolerance, allergy or anaphylaxis.
    severities: BTreeMap<String, String>,
    #[schema(required)]
    diets: Option<Vec<String>>,
    /// All that he stated, and the five strongest derived.
    dislikes: Vec<String>,
    favourites: Vec<String>,
    seating: Vec<String>,
    #[schema(required)]
    usual_table: Option<String>,
    /// What he had last at the venue; null without an order.
    #[schema(required)]
    last_order: Option<LastOrder>,
}

/// Everything that is known of a guest
///
/// As far as the caller may see it; of one who was merged, his survivor.
#[utoipa::path(get, path = "/customers/{id}/dossier", tag = "dossier",
    responses((status = 200, description = "The dossier", body = Dossier)))]
pub async fn get_dossier(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Dossier>, Problem> {
    let dossier = caller.one("dossier", "SELECT crm.dossier($1::text)", &[&id]).await;
    dossier.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// What the kitchen needs to know of a guest
#[utoipa::path(get, path = "/customers/{id}/kitchen-card", tag = "dossier", params(AtVenue),
    responses((status = 200, description = "The card", body = KitchenCard)))]
pub async fn get_kitchen_card(
    caller: Caller,
    Id(id): Id,
    Query(AtVenue { venue }): Query<AtVenue>,
) -> Result<Json<KitchenCard>, Problem> {
    let card =
        caller.one("kitchen_card", "SELECT crm.kitchen_card($1::text, $2::text)", &[&id, &venue]).await;
    card.map(Json).map_err(|problem| problem.at(POINTERS_OF_QUERY))
}

/// Totals of a guest over all venues of the organisation
///
/// Whichever venues the caller is limited to.
#[utoipa::path(get, path = "/customers/{id}/lifetime", tag = "dossier",
    responses((status = 200, description = "One item a currency; none without counted orders", body = Page<Lifetime>)))]
pub async fn get_lifetime(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<Json<Page<Lifetime>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT currency, venues, total_orders, total_visits, total_spent::text, highest_order::text, first_order_at, last_order_at \
           FROM crm.lifetime($1::text)"
    );
    caller.list("lifetime", SQL, &[&id]).await.map_err(|problem| problem.at(POINTERS))
}
