//! Whose birthday comes.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{POINTERS, labels::Ahead};
use crate::{
    caller::Caller,
    extract::{Path, Query},
    json_rows,
    problem::Problem,
    routes::{consent::Channel, customer::Label, page::Page},
};

/// A guest whose birthday comes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Birthday {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    /// Calendar day of the venue.
    falls_on: NaiveDate,
    /// His age then, where the year is known.
    #[schema(required)]
    turns: Option<i32>,
    /// At the venue, like the totals.
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    total_visits: i32,
    #[schema(format = "decimal")]
    total_spent: String,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    /// Channels on which the venue may write to him.
    reachable: Vec<Channel>,
}

/// Guests whose birthday comes
///
/// Soonest first; blocked guests are left out.
#[utoipa::path(get, path = "/venues/{venue}/birthdays", tag = "venue", params(Ahead),
    responses((status = 200, description = "The guests, all in one page", body = Page<Birthday>)))]
pub async fn list_birthdays(
    caller: Caller,
    Path(venue): Path<String>,
    Query(Ahead { days }): Query<Ahead>,
) -> Result<Json<Page<Birthday>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT customer_id, ref, name, phone, falls_on, turns, label, total_visits, total_spent::text, last_order_at, reachable \
           FROM crm.upcoming_birthdays($1::text, $2::int)"
    );
    caller.list("upcoming_birthdays", SQL, &[&venue, &days]).await.map_err(|problem| problem.at(POINTERS))
}
