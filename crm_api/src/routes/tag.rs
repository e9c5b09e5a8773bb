//! Tags of the organisation.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, NoParameters, Path},
    json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_tags))
        .routes(routes!(save_tag, delete_tag))
        .routes(routes!(tag_customers))
        .routes(routes!(untag_customers))
}

const POINTERS: &[(&str, &str)] = &[("name", "#/path/tag"), ("tags", "#/path/tag")];

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Tag {
    tag_id: i32,
    name: String,
    /// #rrggbb
    #[schema(required)]
    colour: Option<String>,
    /// The segment whose members have it; null where it is put on by hand.
    #[schema(required)]
    segment_id: Option<i32>,
    /// Guests who have it now.
    guests: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"colour": "#8844aa"}))]
struct TagContent {
    /// #rrggbb
    colour: Option<String>,
    /// The segment whose members have it; null: it is put on by hand.
    segment: Option<i32>,
    /// To rename it.
    new_name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct TagId {
    tag_id: i32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customers": ["C-1001", "C-1002"]}))]
struct Customers {
    /// The guests' uuids, or the platform's own ids.
    #[schema(min_items = 1, max_items = 10000)]
    customers: Vec<String>,
    /// Until when; null for good.
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomersOnly {
    /// The guests' uuids, or the platform's own ids.
    #[schema(min_items = 1, max_items = 10000)]
    customers: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Guests {
    /// For how many guests this changed something.
    guests: i32,
}

/// The tags
#[utoipa::path(get, path = "/tags", tag = "tag",
    responses((status = 200, description = "All in one page", body = Page<Tag>)))]
async fn list_tags(caller: Caller, NoParameters: NoParameters) -> Result<Json<Page<Tag>>, Problem> {
    caller.list("tag_list", json_rows!("SELECT * FROM crm.tag_list()"), &[]).await
}

/// Make a tag, or change it
#[utoipa::path(put, path = "/tags/{tag}", tag = "tag", request_body = TagContent,
    responses((status = 200, description = "Its number", body = TagId)))]
async fn save_tag(
    caller: Caller,
    Path(tag): Path<String>,
    NoParameters: NoParameters,
    Body(TagContent { colour, segment, new_name }): Body<TagContent>,
) -> Result<Json<TagId>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.save_tag($1::text, $2::text, $3::int, $4::text) AS tag_id");
    let saved = caller.one("save_tag", SQL, &[&tag, &colour, &segment, &new_name]).await;
    saved.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Delete a tag
///
/// And take it off all guests.
#[utoipa::path(delete, path = "/tags/{tag}", tag = "tag",
    responses((status = 200, description = "How many guests had it by hand", body = Guests)))]
async fn delete_tag(
    caller: Caller,
    Path(tag): Path<String>,
    NoParameters: NoParameters,
) -> Result<Json<Guests>, Problem> {
    let deleted =
        caller.one("delete_tag", json_rows!("SELECT crm.delete_tag($1::text) AS guests"), &[&tag]).await;
    deleted.map(Json).map_err(|problem| problem.at(POINTERS))
}

/// Put a tag on many guests
///
/// All or nothing.
#[utoipa::path(post, path = "/tags/{tag}/customers", tag = "tag", request_body = Customers,
    responses((status = 200, description = "On how many it was put, or changed", body = Guests)))]
async fn tag_customers(
    caller: Caller,
    Path(tag): Path<String>,
    NoParameters: NoParameters,
    Body(Customers { customers, expires_at }): Body<Customers>,
) -> Result<Json<Guests>, Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.tag_customers($1::text[], ARRAY[$2::text], $3::timestamptz) AS guests");
    let tagged = caller.one("tag_customers", SQL, &[&customers, &tag, &expires_at]).await;
    tagged.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Take a tag off many guests
#[utoipa::path(post, path = "/tags/{tag}/customers/remove", tag = "tag", request_body = CustomersOnly,
    responses((status = 200, description = "Off how many it was taken", body = Guests)))]
async fn untag_customers(
    caller: Caller,
    Path(tag): Path<String>,
    NoParameters: NoParameters,
    Body(CustomersOnly { customers }): Body<CustomersOnly>,
) -> Result<Json<Guests>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.untag_customers($1::text[], ARRAY[$2::text]) AS guests");
    let untagged = caller.one("untag_customers", SQL, &[&customers, &tag]).await;
    untagged.map(Json).map_err(|problem| problem.at_or_body(POINTERS))
}
