//! Making a guest, and changing his profile.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;

use super::{CustomerId, POINTERS};
use crate::{
    caller::Caller,
    etag::IfMatch,
    extract::{Body, Id, NoParameters},
    json_rows,
    problem::Problem,
};

/// A member that was left out is None, one that is null is Some(None).
type Change = Option<Option<String>>;

/// Fields of a profile; what is left out stays, null clears.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Giulia Rossi", "birthday": "1988-04-02", "language": "it"}))]
pub struct ProfileFields {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200)]
    name: Change,
    /// In any notation.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    phone: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    email: Change,
    /// YYYY-MM-DD, or --MM-DD without the year.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1988-04-02")]
    birthday: Change,
    /// YYYY-MM-DD, or --MM-DD without the year.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "--06-14")]
    anniversary: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    gender: Change,
    /// BCP 47.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "it")]
    language: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    document: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    photo_url: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    preferred_channel: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    preferred_venue: Change,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    kind: Change,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    profile: ProfileFields,
    /// Where his number was written down, which tells its region: the venue's uuid, or the platform's own id.
    venue: Option<String>,
}

/// Make a guest
///
/// Whoever else has the same number; to find or make one, capture him.
#[utoipa::path(post, path = "/customers", tag = "customer", request_body = NewCustomer,
    responses((status = 201, description = "His key", body = CustomerId)))]
pub async fn create_customer(
    caller: Caller,
    NoParameters: NoParameters,
    Body(NewCustomer { profile, venue }): Body<NewCustomer>,
) -> Result<(StatusCode, Json<CustomerId>), Problem> {
    const SQL: &str = json_rows!("SELECT crm.create_customer($1::jsonb, $2::text) AS customer_id");
    let made = caller.one("create_customer", SQL, &[&Jsonb(profile), &venue]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| {
        problem.at(&[("venue", "#/body/venue"), ("profile", "#/body/profile")]).at_member("#/body/profile")
    })
}

/// Change a guest's profile
///
/// Staff may fill in phone, email, birthday and document; to change one takes a manager.
#[utoipa::path(patch, path = "/customers/{id}", tag = "customer", request_body = ProfileFields,
    params(("If-Match" = Option<String>, Header, description = "The ETag that was read: refused where it was changed since")),
    responses((status = 204, description = "It is changed")))]
pub async fn update_customer(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    if_match: IfMatch,
    Body(profile): Body<ProfileFields>,
) -> Result<StatusCode, Problem> {
    const SQL: &str = "SELECT crm.update_customer($1::text, $2::jsonb)";
    const GUARD: &str = "SELECT crm.expect_version(crm.guest_version($1::text, true), $2::text[])";
    caller
        .if_match(GUARD, &id, if_match)
        .run("update_customer", SQL, &[&id, &Jsonb(profile)])
        .await
        .map_err(|problem| problem.at_or_body(POINTERS))?;
    Ok(StatusCode::NO_CONTENT)
}
