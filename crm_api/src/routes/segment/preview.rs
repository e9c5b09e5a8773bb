//! Whom criteria would mean, and why a guest is in a segment or not.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    caller::Caller,
    extract::{Body, NoParameters, Path, Query},
    json_rows,
    problem::Problem,
    routes::{criteria::Criteria, page::Page},
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    criteria: Criteria,
    /// The venue's uuid, or the platform's own id; null for the organisation.
    venue: Option<String>,
    /// A saved segment to compare with: who would join, who would leave.
    segment: Option<i32>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Preview {
    members: i64,
    /// Guests looked at.
    base: i64,
    #[schema(required)]
    share: Option<f64>,
    /// Whether the figures are estimated from a part of the guests.
    estimated: bool,
    /// What the criteria say, in English.
    sentence: String,
    nodes: Vec<NodeCount>,
    /// Members who may be written to, by channel.
    reachable: std::collections::BTreeMap<String, i64>,
    /// Ten of them.
    samples: Vec<Sample>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    joining: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    leaving: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    joining_samples: Option<Vec<Sample>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    leaving_samples: Option<Vec<Sample>>,
}

/// How many guests a node of the criteria holds for, taken by itself.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct NodeCount {
    /// JSON pointer to the node.
    pointer: String,
    sentence: String,
    members: i64,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Sample {
    customer_id: Uuid,
    #[schema(required)]
    r#ref: Option<String>,
    #[schema(required)]
    name: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfCustomer {
    /// The guest: his uuid, or the platform's own id.
    customer: String,
}

/// A node of the criteria, for one guest.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Verdict {
    /// JSON pointer to the node, or /override for what was done by hand.
    pointer: String,
    sentence: String,
    #[schema(required)]
    field: Option<String>,
    #[schema(required)]
    verdict: Option<bool>,
    /// What the guest has there: a number, a text, a list, or null.
    #[schema(required)]
    value: Option<Value>,
}

/// Whom criteria would mean
///
/// What takes longer than two seconds is estimated from a part of the guests, and says so.
#[utoipa::path(post, path = "/segments/preview", tag = "segment", request_body = PreviewRequest,
    responses((status = 200, description = "The preview", body = Preview)))]
pub async fn preview_segment(
    caller: Caller,
    NoParameters: NoParameters,
    Body(PreviewRequest { criteria, venue, segment }): Body<PreviewRequest>,
) -> Result<Json<Preview>, Problem> {
    const SQL: &str = "SELECT crm.preview_segment($1::text, $2::text, $3::int)";
    let preview = caller.one("preview_segment", SQL, &[&criteria.text(), &venue, &segment]).await;
    preview.map(Json).map_err(|problem| problem.at_or_body(&[]))
}

/// Why a guest is in a segment or not
///
/// What was done by hand, then each node of the criteria.
#[utoipa::path(get, path = "/segments/{segment}/explanation", tag = "segment", params(OfCustomer),
    responses((status = 200, description = "All in one page", body = Page<Verdict>)))]
pub async fn explain_segment(
    caller: Caller,
    Path(segment): Path<i32>,
    Query(OfCustomer { customer }): Query<OfCustomer>,
) -> Result<Json<Page<Verdict>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.explain_segment($1::text, $2::int)");
    let why = caller.list("explain_segment", SQL, &[&customer, &segment]).await;
    why.map_err(|problem| problem.at(&[("segment", "#/path/segment"), ("customer", "#/query/customer")]))
}
