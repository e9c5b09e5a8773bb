//! `GET /v1/customers/{id}`: one guest at every venue within the key's reach.

use axum::response::IntoResponse;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Label;
use crate::{
    caller::Caller,
    etag::Versioned,
    extract::{Id, NoParameters},
    json_rows,
    problem::Problem,
};

const SQL: &str =
    json_rows!("SELECT crm.customer_profile($1::text) AS value, crm.guest_version($1::text) AS version");

/// How the parameter of `crm.customer_profile` is named in the request.
const POINTERS: &[(&str, &str)] = &[("customer", "#/path/id")];

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0e0f6a0c-1a53-5c1b-8a43-3f8a5b0f4c11", "ref": "C-1001", "name": "Giulia Rossi",
    "phone": "+39 06 5550100", "email": "giulia@example.com", "birth_date": "1988-04-02",
    "created_at": "2024-05-11T18:03:00Z",
    "venues": [{
        "venue_id": "5f2f0f0e-6d0c-5a5e-9d55-0d6c2e6a6a01", "venue_name": "Trattoria Roma", "currency": "EUR",
        "label": "CHAMPION", "previous_label": "LOYAL", "label_changed_at": "2026-03-01T19:22:05Z",
        "recency_score": 5, "frequency_score": 5, "monetary_score": 4,
        "total_orders": 19, "total_visits": 17, "total_spent": "1204.50", "highest_order": "142.00",
        "first_order_at": "2024-05-11T18:03:00Z", "last_order_at": "2026-03-01T19:22:05Z",
        "next_label_at": "2026-03-31T22:00:00Z", "days_since_last_order": 4
    }]
}))]
pub struct Profile {
    customer_id: Uuid,
    /// The platform's own id.
    #[serde(rename = "ref")]
    #[schema(required)]
    reference: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    birth_date: Option<NaiveDate>,
    #[schema(required)]
    created_at: Option<DateTime<Utc>>,
    venues: Vec<VenueStats>,
}

/// What the guest is to one venue.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct VenueStats {
    venue_id: Uuid,
    venue_name: String,
    /// ISO 4217 code of the amounts.
    currency: String,
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    #[schema(required, value_type = Option<Label>)]
    previous_label: Option<String>,
    #[schema(required)]
    label_changed_at: Option<DateTime<Utc>>,
    /// 1 to 5, 5 the best; null without counted orders.
    #[schema(required, minimum = 1, maximum = 5)]
    recency_score: Option<i16>,
    /// 1 to 5, 5 the best; null without counted orders.
    #[schema(required, minimum = 1, maximum = 5)]
    frequency_score: Option<i16>,
    /// 1 to 5, 5 the best; null without counted orders.
    #[schema(required, minimum = 1, maximum = 5)]
    monetary_score: Option<i16>,
    total_orders: i32,
    /// Distinct local days with an order.
    total_visits: i32,
    /// Decimal string.
    #[schema(format = "decimal")]
    total_spent: String,
    /// Decimal string.
    #[schema(required, format = "decimal")]
    highest_order: Option<String>,
    #[schema(required)]
    first_order_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    /// When time alone next changes the label or the recency score.
    #[schema(required)]
    next_label_at: Option<DateTime<Utc>>,
    /// The venue's local days.
    #[schema(required)]
    days_since_last_order: Option<i32>,
}

/// One guest
#[utoipa::path(
    get,
    path = "/customers/{id}",
    operation_id = "get_customer",
    tag = "customer",
    responses((status = 200, description = "The guest", body = Profile,
        headers(("ETag" = String, description = "Version of his profile, for If-Match"))))
)]
pub async fn profile(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
) -> Result<impl IntoResponse, Problem> {
    let found: Versioned<Profile> =
        caller.one("customer_profile", SQL, &[&id]).await.map_err(|problem| problem.at(POINTERS))?;
    Ok(found.into_response())
}
