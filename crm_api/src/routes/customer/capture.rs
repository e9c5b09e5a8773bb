//! Finding a guest, or making him where nobody is found.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Label;
use crate::{
    caller::Caller,
    extract::{Body, NoParameters, Query},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Part of a name, accents forgiven; a phone in any notation, or its last three digits and more; the beginning of an e-mail
    /// address; a document; a tag.
    #[param(example = "giulia ros", max_length = 200)]
    q: String,
    /// Guests at most.
    #[serde(default = "twenty")]
    #[param(required = false, default = 20, minimum = 1, maximum = 200)]
    limit: i32,
}

fn twenty() -> i32 {
    20
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct FoundCustomer {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    email: Option<String>,
    status: String,
    /// Why hosts should not serve him.
    #[schema(required)]
    blocked_reason: Option<String>,
    /// What he was found by.
    matched: String,
    /// The best of his venues'.
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    #[schema(required)]
    total_orders: Option<i32>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "0171 5550199", "name": "Zoë", "venue": "12"}))]
pub struct Capture {
    /// In any notation, as dialled at the venue.
    phone: String,
    /// Filled in where it was not known.
    name: Option<String>,
    /// Filled in where it was not known.
    email: Option<String>,
    /// Where he is: the venue's uuid, or the platform's own id.
    venue: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Captured {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    customer_name: Option<String>,
    status: String,
    /// Whether he was made by this.
    created: bool,
    /// How many others have the number.
    others: i32,
}

/// Find guests
///
/// Best first. Where nobody is found, names spelt nearly so.
#[utoipa::path(get, path = "/customers/search", tag = "customer", params(Search),
    responses((status = 200, description = "Guests, all in one page", body = Page<FoundCustomer>)))]
pub async fn search_customers(
    caller: Caller,
    Query(Search { q, limit }): Query<Search>,
) -> Result<Json<Page<FoundCustomer>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.find_customers($1::text, $2::int)");
    let found = caller.list("find_customers", SQL, &[&q, &limit]).await;
    found.map_err(|problem| problem.at(&[("query", "#/query/q"), ("page_size", "#/query/limit")]))
}

/// Find the guest of a phone number, or make him
///
/// Any number of callers at once get one guest.
#[utoipa::path(post, path = "/customers/capture", tag = "customer", request_body = Capture,
    responses((status = 200, description = "The guest", body = Captured)))]
pub async fn capture_customer(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Capture { phone, name, email, venue }): Body<Capture>,
) -> Result<Json<Captured>, Problem> {
    const SQL: &str =
        json_rows!("SELECT * FROM crm.capture_customer($1::text, $2::text, $3::text, $4::text)");
    let captured = caller.one("capture_customer", SQL, &[&phone, &name, &email, &venue]).await;
    captured.map(Json).map_err(|problem| problem.at_or_body(&[]))
}
