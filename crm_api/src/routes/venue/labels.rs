//! How the labels of a venue move.

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Days, POINTERS};
use crate::{
    caller::Caller,
    extract::{Path, Query},
    json_rows,
    problem::Problem,
    routes::{customer::Label, page::Page},
};

/// A guest whose label changes if he does not come.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct UpcomingLabel {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(value_type = Label)]
    label: String,
    #[schema(value_type = Label)]
    next_label: String,
    /// Local day.
    changes_on: NaiveDate,
    /// Open days.
    #[schema(required)]
    days_since_last_order: Option<i32>,
    /// Mean, in open days.
    #[schema(required)]
    usual_gap_days: Option<f64>,
    /// How often the usual gap has passed since.
    #[schema(required)]
    overdue: Option<f64>,
    total_visits: i32,
    #[schema(format = "decimal")]
    total_spent: String,
}

/// Guests who went from one label to another.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LabelMove {
    /// Null for guests whose first order lies in these days.
    #[schema(required, value_type = Option<Label>)]
    from_label: Option<String>,
    #[schema(required, value_type = Option<Label>)]
    to_label: Option<String>,
    /// Changes recorded from one to the other.
    moves: i64,
    /// Guests who made such a change, once or more often.
    guests_moved: i64,
    /// Guests who had the one at the start and the other at the end, whatever lay between.
    net_guests: i64,
}

/// A guest whose label changed, or who came first, in some days.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LabelMover {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    /// Null for who came first in these days.
    #[schema(required, value_type = Option<Label>)]
    from_label: Option<String>,
    #[schema(required, value_type = Option<Label>)]
    to_label: Option<String>,
    /// Today's.
    #[schema(required, value_type = Option<Label>)]
    label: Option<String>,
    /// Since when he has today's.
    #[schema(required)]
    changed_at: Option<DateTime<Utc>>,
    total_visits: i32,
    #[schema(format = "decimal")]
    total_spent: String,
    #[schema(required)]
    last_order_at: Option<DateTime<Utc>>,
    /// Local days of the venue.
    #[schema(required)]
    days_since_last_order: Option<i32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Moved {
    /// First local day.
    from: NaiveDate,
    /// Last local day.
    to: NaiveDate,
    /// The label before; without it, guests who came first in these days.
    #[param(value_type = Option<Label>)]
    from_label: Option<String>,
    /// The label after; without it, any other.
    #[param(value_type = Option<Label>)]
    to_label: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ahead {
    /// Days to look ahead.
    #[serde(default = "a_week")]
    #[param(required = false, default = 7, minimum = 1, maximum = 90)]
    pub(super) days: i32,
}

fn a_week() -> i32 {
    7
}

/// Guests whose label is about to change
///
/// First who becomes AT_RISK, then LOST, then the others, each with the longest overdue first.
#[utoipa::path(get, path = "/venues/{venue}/upcoming-labels", tag = "venue", params(Ahead),
    responses((status = 200, description = "The guests, all in one page", body = Page<UpcomingLabel>)))]
pub async fn list_upcoming_labels(
    caller: Caller,
    Path(venue): Path<String>,
    Query(Ahead { days }): Query<Ahead>,
) -> Result<Json<Page<UpcomingLabel>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT customer_id, ref, name, phone, label, next_label, changes_on, days_since_last_order, usual_gap_days, overdue, \
                total_visits, total_spent::text FROM crm.upcoming_labels($1::text, $2::int)"
    );
    caller.list("upcoming_labels", SQL, &[&venue, &days]).await.map_err(|problem| problem.at(POINTERS))
}

/// How labels moved
#[utoipa::path(get, path = "/venues/{venue}/label-flow", tag = "venue", params(Days),
    responses((status = 200, description = "The moves, all in one page", body = Page<LabelMove>)))]
pub async fn get_label_flow(
    caller: Caller,
    Path(venue): Path<String>,
    Query(Days { from, to }): Query<Days>,
) -> Result<Json<Page<LabelMove>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.label_flow($1::text, $2::date, $3::date)");
    caller.list("label_flow", SQL, &[&venue, &from, &to]).await.map_err(|problem| problem.at(POINTERS))
}

/// Guests whose label moved
///
/// The guests behind net_guests of how labels moved; who spent most comes first.
#[utoipa::path(get, path = "/venues/{venue}/label-movers", tag = "venue", params(Moved),
    responses((status = 200, description = "The guests, all in one page", body = Page<LabelMover>)))]
pub async fn list_label_movers(
    caller: Caller,
    Path(venue): Path<String>,
    Query(Moved { from, to, from_label, to_label }): Query<Moved>,
) -> Result<Json<Page<LabelMover>>, Problem> {
    const SQL: &str = json_rows!(
        "SELECT customer_id, ref, name, phone, from_label, to_label, label, changed_at, total_visits, total_spent::text, last_order_at, \
                days_since_last_order FROM crm.label_movers($1::text, $2::date, $3::date, $4::text, $5::text)"
    );
    let movers = caller.list("label_movers", SQL, &[&venue, &from, &to, &from_label, &to_label]).await;
    movers.map_err(|problem| problem.at(POINTERS))
}
