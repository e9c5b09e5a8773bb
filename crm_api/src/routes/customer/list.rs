//! `GET /v1/customers`: the guests of a venue, or of all venues, one row each.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::{Row, types::Json as Jsonb};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Label;
use crate::{
    credentials::Credentials, cursor, database::Database, decimal::Decimal, extract::Query, problem::Problem,
    routes::page::Page,
};

/// How the parameters of `crm.customer_list` are named in the request.
const POINTERS: &[(&str, &str)] = &[
    ("venue", "#/query/venue"),
    ("labels", "#/query/label"),
    ("search", "#/query/search"),
    ("sort", "#/query/sort"),
    ("after", "#/query/cursor"),
    ("page_size", "#/query/limit"),
    ("spend_from", "#/query/spend_from"),
    ("spend_to", "#/query/spend_to"),
    ("orders_from", "#/query/orders_from"),
    ("orders_to", "#/query/orders_to"),
    ("visits_from", "#/query/visits_from"),
    ("visits_to", "#/query/visits_to"),
    ("last_visit_from", "#/query/last_visit_from"),
    ("last_visit_to", "#/query/last_visit_to"),
    ("tags", "#/query/tag"),
    ("segment", "#/query/segment"),
    ("category", "#/query/category"),
    ("reachable", "#/query/reachable"),
];

// Money and the cursor travel as text: a number type or a JSON parser could change their digits.
const SQL: &str = "\
    SELECT customer_id, ref, name, phone, email, venues, venue_id, venue_name, currency, label, previous_label, label_changed_at, \
           recency_score, frequency_score, monetary_score, total_orders, total_visits, \
           total_spent::text AS total_spent, highest_order::text AS highest_order, spent_by_currency, \
           first_order_at, last_order_at, days_since_last_order, tags, cursor::text AS cursor \
      FROM crm.customer_list(venue => $1::text, labels => string_to_array($2::text, ','), search => $3::text, sort => $4::text, \
           after => $5::text::jsonb, page_size => $6::int, spend_from => $7::text::numeric, spend_to => $8::text::numeric, \
           orders_from => $9::int, orders_to => $10::int, visits_from => $11::int, visits_to => $12::int, \
           last_visit_from => $13::date, last_visit_to => $14::date, \
           tags => string_to_array($15::text, ','), segment => $16::int, category => $17::text, reachable => $18::text)";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only guests of this venue: its uuid, or the platform's own id. Without it, one row per guest with the totals over all
    /// venues within the key's reach; to sort or filter by spend then takes venues of one currency.
    #[param(example = "12")]
    venue: Option<String>,
    /// Only guests with one of these labels, separated by commas. Without a venue, the best of a guest's labels counts.
    #[param(example = "AT_RISK,LOST")]
    label: Option<String>,
    /// Only guests with this in their name, e-mail or phone, in any notation of the phone; one or two characters must begin a
    /// word. At most 200 characters, no NUL.
    #[param(example = "rossi", max_length = 200)]
    search: Option<String>,
    /// The order: a field, ascending, or with a leading - descending.
    #[serde(default = "default_sort")]
    #[param(value_type = Sort, required = false, default = "-last_visit")]
    sort: String,
    /// Spend at least, a decimal.
    #[param(example = "100.00")]
    spend_from: Option<Decimal>,
    /// Spend at most.
    spend_to: Option<Decimal>,
    /// Orders at least.
    orders_from: Option<i32>,
    /// Orders at most.
    orders_to: Option<i32>,
    /// Visits at least.
    visits_from: Option<i32>,
    /// Visits at most.
    visits_to: Option<i32>,
    /// Last visit on this local day of the venue, or later.
    last_visit_from: Option<NaiveDate>,
    /// Last visit on this local day of the venue, or earlier.
    last_visit_to: Option<NaiveDate>,
    /// Only guests who have all of these tags, by name, separated by commas.
    #[param(example = "VIP", max_length = 3200)]
    tag: Option<String>,
    /// Only members of the segment of this number.
    segment: Option<i32>,
    /// Only guests who favour this category of products, by what they said or by most of their orders.
    category: Option<String>,
    /// Only guests who may be written to on this channel, such as EMAIL_MARKETING, by the venue or, without one, the organisation.
    #[param(example = "EMAIL_MARKETING")]
    reachable: Option<String>,
    /// next_cursor of the page before, asked with the same other parameters.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// Rows in the page at most.
    #[serde(default = "default_limit")]
    #[param(required = false, default = 50, minimum = 1, maximum = 200)]
    limit: i32,
}

/// For the documentation only: SQL decides which orders there are.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its documentation is used")]
pub enum Sort {
    #[schema(rename = "-last_visit")]
    LastVisitFirst,
    #[schema(rename = "last_visit")]
    LastVisit,
    #[schema(rename = "-spend")]
    SpendFirst,
    #[schema(rename = "spend")]
    Spend,
    #[schema(rename = "-orders")]
    OrdersFirst,
    #[schema(rename = "orders")]
    Orders,
    #[schema(rename = "-visits")]
    VisitsFirst,
    #[schema(rename = "visits")]
    Visits,
    #[schema(rename = "-name")]
    NameLast,
    #[schema(rename = "name")]
    Name,
}

/// A guest: at the venue asked for, or over all venues within the key's reach. Then venue, label and scores are those of the
/// venue where his label is best, all else is summed up. A guest who never ordered has no venue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Guest, example = json!({
    "customer_id": "0e0f6a0c-1a53-5c1b-8a43-3f8a5b0f4c11", "ref": "C-1001", "name": "Giulia Rossi",
    "phone": "+39 06 5550100", "email": "giulia@example.com",
    "venues": 1, "venue_id": "5f2f0f0e-6d0c-5a5e-9d55-0d6c2e6a6a01", "venue_name": "Trattoria Roma", "currency": "EUR",
    "label": "CHAMPION", "previous_label": "LOYAL", "label_changed_at": "2026-03-01T19:22:05Z",
    "recency_score": 5, "frequency_score": 5, "monetary_score": 4,
    "total_orders": 19, "total_visits": 17, "total_spent": "1204.50", "highest_order": "142.00",
    "spent_by_currency": {"EUR": "1204.50"},
    "first_order_at": "2024-05-11T18:03:00Z", "last_order_at": "2026-03-01T19:22:05Z", "days_since_last_order": 4,
    "tags": [{"name": "VIP", "colour": "#8b5cf6"}]
}))]
pub struct Guest {
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
    /// Venues summed up.
    venues: i32,
    #[schema(required)]
    venue_id: Option<Uuid>,
    #[schema(required)]
    venue_name: Option<String>,
    /// ISO 4217 code of the amounts; null for a guest of several currencies.
    #[schema(required)]
    currency: Option<String>,
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
    /// Distinct local days with an order, at each venue.
    total_visits: i32,
    /// Decimal string; null for a guest of several currencies.
    #[schema(required, format = "decimal")]
    total_spent: Option<String>,
    /// Decimal string; null for a guest of several currencies.
    #[schema(required, format = "decimal")]
    highest_order: Option<String>,
    /// Decimal strings by ISO 4217 code: amounts of several currencies are never added.
    spent_by_currency: BTreeMap<String, String>,
    #[schema(required)]
    first_order_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    /// Local days of the venue he visited last.
    #[schema(required)]
    days_since_last_order: Option<i32>,
    /// Those that he has now, by hand or by a rule, in the order of their names.
    tags: Vec<ShownTag>,
}

/// A tag as lists show it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ShownTag {
    name: String,
    /// #rrggbb
    #[schema(required)]
    colour: Option<String>,
}

impl TryFrom<&Row> for Guest {
    type Error = tokio_postgres::Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            customer_id: row.try_get("customer_id")?,
            reference: row.try_get("ref")?,
            name: row.try_get("name")?,
            phone: row.try_get("phone")?,
            email: row.try_get("email")?,
            venues: row.try_get("venues")?,
            venue_id: row.try_get("venue_id")?,
            venue_name: row.try_get("venue_name")?,
            currency: row.try_get("currency")?,
            label: row.try_get("label")?,
            previous_label: row.try_get("previous_label")?,
            label_changed_at: row.try_get("label_changed_at")?,
            recency_score: row.try_get("recency_score")?,
            frequency_score: row.try_get("frequency_score")?,
            monetary_score: row.try_get("monetary_score")?,
            total_orders: row.try_get("total_orders")?,
            total_visits: row.try_get("total_visits")?,
            total_spent: row.try_get("total_spent")?,
            highest_order: row.try_get("highest_order")?,
            spent_by_currency: row.try_get::<_, Jsonb<_>>("spent_by_currency")?.0,
            first_order_at: row.try_get("first_order_at")?,
            last_order_at: row.try_get("last_order_at")?,
            days_since_last_order: row.try_get("days_since_last_order")?,
            tags: row.try_get::<_, Jsonb<_>>("tags")?.0,
        })
    }
}

/// Guests of a venue, or of all
#[utoipa::path(
    get,
    path = "/customers",
    operation_id = "list_customers",
    tag = "customer",
    params(Parameters),
    responses((status = 200, description = "A page of guests", body = Page<Guest>))
)]
pub async fn list(
    credentials: Credentials,
    Query(parameters): Query<Parameters>,
    State(database): State<Database>,
) -> Result<Json<Page<Guest>>, Problem> {
    let after = parameters
        .cursor
        .as_deref()
        .map(cursor::decode)
        .transpose()
        .map_err(|error| Problem::invalid_parameter("#/query/cursor", &error.to_string()))?;

    let rows = database
        .call(
            "customer_list",
            &credentials,
            SQL,
            &[
                &parameters.venue,
                &parameters.label,
                &parameters.search,
                &parameters.sort,
                &after,
                &parameters.limit,
                &parameters.spend_from.as_ref().map(Decimal::as_str),
                &parameters.spend_to.as_ref().map(Decimal::as_str),
                &parameters.orders_from,
                &parameters.orders_to,
                &parameters.visits_from,
                &parameters.visits_to,
                &parameters.last_visit_from,
                &parameters.last_visit_to,
                &parameters.tag,
                &parameters.segment,
                &parameters.category,
                &parameters.reachable,
            ],
        )
        .await
        .map_err(|problem| problem.at(POINTERS))?;

    // A page that is not full is the last one.
    let full = i32::try_from(rows.len()) == Ok(parameters.limit);
    let next_cursor = match rows.last() {
        Some(row) if full => row.try_get::<_, Option<&str>>("cursor")?.map(cursor::encode),
        _ => None,
    };
    let items = rows.iter().map(Guest::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor }))
}

fn default_sort() -> String {
    "-last_visit".to_owned()
}

fn default_limit() -> i32 {
    50
}
