//! Notes about a guest, kept for good.

use axum::{Json, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::POINTERS;
use crate::{
    caller::Caller,
    extract::{Body, Id, Listing, NoParameters, Path, Query},
    json_rows,
    problem::Problem,
    routes::page::Page,
};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Note {
    note_id: i64,
    venue_id: Uuid,
    body: String,
    pinned: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    author: Option<String>,
    created_at: DateTime<Utc>,
    /// The note that this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    corrects: Option<i64>,
    /// The latest note that corrects this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    corrected_by: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"venue": "12", "body": "Prefers the quiet corner."}))]
pub struct NewNote {
    /// Whose staff reads it: the venue's uuid, or the platform's own id.
    venue: String,
    #[schema(min_length = 1, max_length = 4000)]
    body: String,
    #[serde(default)]
    pinned: bool,
    /// The note that this one corrects.
    corrects: Option<i64>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct NoteId {
    note_id: i64,
}

/// Notes about a guest
///
/// Latest first, of the caller's venues.
#[utoipa::path(get, path = "/customers/{id}/notes", tag = "dossier", params(Listing),
    responses((status = 200, description = "A page of notes", body = Page<Note>)))]
pub async fn list_notes(
    caller: Caller,
    Id(id): Id,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<Note>>, Problem> {
    const SQL: &str = "SELECT row_to_json(n), json_build_object('note', n.note_id)::text \
                         FROM crm.note_list($3::text, ($1::text::jsonb ->> 'note')::bigint, $2::int) AS n";
    caller.page("note_list", SQL, &listing, &[&id]).await.map_err(|problem| problem.at(POINTERS))
}

/// Write a note
#[utoipa::path(post, path = "/customers/{id}/notes", tag = "dossier", request_body = NewNote,
    responses((status = 201, description = "Its number", body = NoteId)))]
pub async fn add_note(
    caller: Caller,
    Id(id): Id,
    NoParameters: NoParameters,
    Body(NewNote { venue, body, pinned, corrects }): Body<NewNote>,
) -> Result<(StatusCode, Json<NoteId>), Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.add_note($1::text, $2::text, $3::text, $4::bool, $5::bigint) AS note_id");
    let made = caller.one("add_note", SQL, &[&id, &venue, &body, &pinned, &corrects]).await;
    made.map(|made| (StatusCode::CREATED, Json(made))).map_err(|problem| problem.at_or_body(POINTERS))
}

/// Pin a note
#[utoipa::path(put, path = "/customers/{id}/notes/{note}/pin", tag = "dossier",
    responses((status = 204, description = "It is pinned")))]
pub async fn pin_note(
    caller: Caller,
    Path((_, note)): Path<(String, i64)>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    set_pin(caller, note, true).await
}

/// Take the pin off a note
#[utoipa::path(delete, path = "/customers/{id}/notes/{note}/pin", tag = "dossier",
    responses((status = 204, description = "It is not pinned")))]
pub async fn unpin_note(
    caller: Caller,
    Path((_, note)): Path<(String, i64)>,
    NoParameters: NoParameters,
) -> Result<StatusCode, Problem> {
    set_pin(caller, note, false).await
}

async fn set_pin(caller: Caller, note: i64, pinned: bool) -> Result<StatusCode, Problem> {
    let done = caller.run("pin_note", "SELECT crm.pin_note($1::bigint, $2::bool)", &[&note, &pinned]).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|problem| problem.at(&[("note", "#/path/note")]))
}
