//! The venues within reach.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use tokio_postgres::{Row, types::Json as Jsonb};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    credentials::Credentials,
    database::Database,
    extract::{NoParameters, Path},
    problem::Problem,
    routes::page::Page,
};

const SQL: &str = "SELECT venue_id, ref, name, timezone, currency, crm_enabled, loyalty_enabled, guests, labels FROM crm.venue_list()";

#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "venue_id": "5f2f0f0e-6d0c-5a5e-9d55-0d6c2e6a6a01", "ref": "12", "name": "Trattoria Roma",
    "timezone": "Europe/Rome", "currency": "EUR", "crm_enabled": true, "loyalty_enabled": false, "guests": 1204,
    "labels": {"CHAMPION": 41, "LOYAL": 180, "NEW": 95}
}))]
pub struct Venue {
    venue_id: Uuid,
    /// The platform's own id.
    #[serde(rename = "ref")]
    reference: String,
    name: String,
    /// IANA time zone; the venue's days are counted in it.
    timezone: String,
    /// ISO 4217 code of its money.
    currency: String,
    /// Whether its orders are counted: enabled by its settings and the organisation's.
    crm_enabled: bool,
    /// Whether the platform runs its loyalty programme here: enabled by its settings and the organisation's.
    loyalty_enabled: bool,
    /// Guests with a row of statistics at this venue.
    guests: i64,
    /// How many of them have each label.
    labels: BTreeMap<String, i64>,
}

impl TryFrom<&Row> for Venue {
    type Error = tokio_postgres::Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let labels: Option<Jsonb<_>> = row.try_get("labels")?;
        Ok(Self {
            venue_id: row.try_get("venue_id")?,
            reference: row.try_get("ref")?,
            name: row.try_get("name")?,
            timezone: row.try_get("timezone")?,
            currency: row.try_get("currency")?,
            crm_enabled: row.try_get("crm_enabled")?,
            loyalty_enabled: row.try_get("loyalty_enabled")?,
            guests: row.try_get("guests")?,
            labels: labels.map(|Jsonb(labels)| labels).unwrap_or_default(),
        })
    }
}

/// The venues within the key's reach
///
/// All of them in one page.
#[utoipa::path(
    get,
    path = "/venues",
    operation_id = "list_venues",
    tag = "venue",
    responses((status = 200, description = "The venues", body = Page<Venue>))
)]
pub async fn list(
    credentials: Credentials,
    NoParameters: NoParameters,
    State(database): State<Database>,
) -> Result<Json<Page<Venue>>, Problem> {
    let rows = database.call("venue_list", &credentials, SQL, &[]).await?;
    let items = rows.iter().map(Venue::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// One venue
#[utoipa::path(
    get,
    path = "/venues/{venue}",
    operation_id = "get_venue",
    tag = "venue",
    responses((status = 200, description = "The venue", body = Venue))
)]
pub async fn get(
    credentials: Credentials,
    NoParameters: NoParameters,
    State(database): State<Database>,
    Path(venue): Path<String>,
) -> Result<Json<Venue>, Problem> {
    const SQL: &str = "SELECT * FROM crm.venue_entry($1::text)";
    let rows = database.call("venue_entry", &credentials, SQL, &[&venue]).await;
    let rows = rows.map_err(|problem| problem.at(super::POINTERS))?;
    let row = rows.first().ok_or(Problem::Status(axum::http::StatusCode::NOT_FOUND))?;
    Ok(Json(Venue::try_from(row)?))
}
