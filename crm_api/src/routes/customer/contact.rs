//! Further phones, e-mails and addresses of a guest.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json as Jsonb;
use utoipa::ToSchema;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Id, NoParameters, Path},
    json_rows,
    problem::Problem,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Contact {
    contact_id: i64,
    kind: ContactKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    label: Option<String>,
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    country: Option<String>,
    /// Whether it is the one to use of its kind.
    is_default: bool,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactKind {
    Phone,
    Email,
    Address,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "email", "value": "giulia@work.example", "label": "work"}))]
pub struct NewContact {
    kind: ContactKind,
    value: String,
    /// Such as work.
    label: Option<String>,
    #[serde(default)]
    is_default: bool,
    /// Of an address.
    #[serde(default)]
    details: Place,
}

#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ContactId {
    contact_id: i64,
}

/// Add a contact
#[utoipa::path(post, path = "/customers/{id}/contacts", tag = "dossier", request_body = NewContact,
    responses((status = 201, description = "Its number", body = ContactId)))]
pub async fn add_contact(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(contact): Body<NewContact>,
) -> Result<(StatusCode, Json<ContactId>), Problem> {
    const SQL: &str = json_rows!(
        "SELECT crm.add_contact($1::text, $2::text, $3::text, $4::text, $5::bool, $6::jsonb) AS contact_id"
    );
    let NewContact { kind, value, label, is_default, details } = contact;
    let kind = match kind {
        ContactKind::Phone => "phone",
        ContactKind::Email => "email",
        ContactKind::Address => "address",
    };
    let made =
        caller.one("add_contact", SQL, &[&id, &kind, &value, &label, &is_default, &Jsonb(details)]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Remove a contact
#[utoipa::path(delete, path = "/contacts/{contact}", tag = "dossier",
    responses((status = 204, description = "It is removed")))]
pub async fn remove_contact(
    caller: Caller,
    Path(contact): Path<i64>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    let removed = caller.run("remove_contact", "SELECT crm.remove_contact($1::bigint)", &[&contact]).await;
    removed.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(&[("contact", "#/path/contact")]))
}
