//! The pages behind the links that guests are mailed: plain HTML, no script, no cookie. GET shows and changes nothing, as mail
//! scanners follow links; POST acts. The token in the address is all the right there is, so an answer never says more than its
//! holder knows.

mod page;
mod visitor;
pub mod words;

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_postgres::types::{Json as Jsonb, ToSql};

use crate::{config::Config, database::Database, limits::Limits, problem::Problem};
pub use page::for_people;
use page::{Choice, Frame, Message, Preferences, Question};
use visitor::Visitor;

/// Bytes of a form at most.
const MAX_FORM_BYTES: usize = 16 * 1024;

#[derive(Clone)]
struct Pages {
    database: Database,
    /// Per address of a visitor.
    limits: Arc<Limits>,
    /// The header in which a proxy in front tells that address.
    address_header: Option<axum::http::HeaderName>,
}

/// The pages, to be nested under `/public` and within [`for_people`]; none of them a part of the documented interface: they are for people.
pub fn router(database: Database, config: &Config) -> Router {
    let per_minute = NonZeroU32::new(config.public_requests_per_minute).unwrap_or(NonZeroU32::MIN);
    let pages = Pages {
        database,
        limits: Arc::new(Limits::per_minute(per_minute)),
        address_header: config.client_address_header.clone(),
    };
    Router::new()
        .route("/confirm/{token}", get(show_opt_in).post(confirm_opt_in))
        .route("/unsubscribe/{token}", get(show_unsubscribe).post(unsubscribe))
        .route("/preferences/{token}", get(show_preferences).post(save_preferences))
        .route("/preferences/{token}/erasure", get(show_erasure).post(ask_erasure))
        .route("/erasure/{token}", get(show_erasure_request).post(confirm_erasure))
        .fallback(async || Problem::Status(axum::http::StatusCode::NOT_FOUND))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .with_state(pages)
}

/// As of `crm.public_link`.
#[derive(Deserialize)]
struct Link {
    kind: String,
    channel: Option<String>,
    state: Option<String>,
    sender: String,
    language: Option<String>,
    wording: Option<String>,
    channels: Map<String, Value>,
    /// From when he is erased, where he asked for it.
    erasure_on: Option<DateTime<Utc>>,
}

impl Pages {
    async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<T, Problem> {
        let rows = self.database.as_public(sql, parameters).await?;
        let row = rows.first().ok_or(Problem::Status(axum::http::StatusCode::NOT_FOUND))?;
        Ok(row.try_get(0)?)
    }

    /// What a link stands for; 404 where that is not `kind`.
    async fn link(&self, token: &str, kind: &str) -> Result<Link, Problem> {
        // Most of what is made up does not reach the database.
        if token.len() != 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Problem::Status(axum::http::StatusCode::NOT_FOUND));
        }
        let Jsonb(link): Jsonb<Link> = self.value("SELECT crm.public_link($1::text)", &[&token]).await?;
        if link.kind == kind { Ok(link) } else { Err(Problem::Status(axum::http::StatusCode::NOT_FOUND)) }
    }
}

type Shown = Result<Response, Problem>;

const GONE: Problem = Problem::Status(axum::http::StatusCode::GONE);

async fn show_opt_in(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let link = pages.link(&token, "confirm_opt_in").await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    match link.state.as_deref() {
        Some("CONFIRMED") => {
            Ok(Message { frame, title: words.confirmed_title, text: words.confirmed_text }.into_response())
        }
        Some("PENDING") => Ok(Question {
            frame,
            title: words.confirm_title,
            text: words.confirm_text,
            wording: link.wording.as_deref(),
            button: words.confirm_button,
            danger: false,
            note: Some(words.confirm_note),
        }
        .into_response()),
        _ => Err(GONE),
    }
}

async fn confirm_opt_in(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    const SQL: &str = "SELECT crm.confirm_opt_in($1::text, $2::inet, $3::text)";
    let link = pages.link(&token, "confirm_opt_in").await?;
    pages.value::<String>(SQL, &[&token, &visitor.address, &visitor.user_agent]).await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    Ok(Message { frame, title: words.confirmed_title, text: words.confirmed_text }.into_response())
}

async fn show_unsubscribe(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let link = pages.link(&token, "unsubscribe").await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    let channel = link.channel.as_deref().unwrap_or_default();
    Ok(Question {
        frame,
        title: words.unsubscribe_title,
        text: words.unsubscribe_text,
        wording: Some(words.channel(channel)),
        button: words.unsubscribe_button,
        danger: false,
        note: None,
    }
    .into_response())
}

/// The page's own button, or a mail program's `List-Unsubscribe=One-Click` (RFC 8058): whatever the body, the POST is the wish.
async fn unsubscribe(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    const SQL: &str = "SELECT crm.unsubscribe($1::text, $2::inet, $3::text)::text";
    let link = pages.link(&token, "unsubscribe").await?;
    pages.value::<Option<String>>(SQL, &[&token, &visitor.address, &visitor.user_agent]).await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    let text = format!(
        "{} {}.",
        words.unsubscribed_text,
        words.channel(link.channel.as_deref().unwrap_or_default())
    );
    Ok(Message { frame, title: words.unsubscribed_title, text: &text }.into_response())
}

async fn show_preferences(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    preferences(&pages, &visitor, &token, false).await
}

async fn preferences(pages: &Pages, visitor: &Visitor, token: &str, saved: bool) -> Shown {
    let link = pages.link(token, "preferences").await?;
    let frame = Frame::new(visitor, &link);
    let words = frame.words;
    let choices = link
        .channels
        .iter()
        .map(|(channel, state)| Choice {
            channel,
            name: words.channel(channel),
            granted: state == "GRANTED",
            pending: state == "PENDING",
        })
        .collect();
    let erasure_on = link.erasure_on.map(|at| words.date(at));
    Ok(Preferences { frame, token, choices, saved, erasure_on: erasure_on.as_deref() }.into_response())
}

async fn save_preferences(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(token): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Shown {
    const SQL: &str = "SELECT crm.save_link_preferences($1::text, $2::jsonb, $3::inet, $4::text)::text";
    let link = pages.link(&token, "preferences").await?;
    let none = fields.iter().any(|(name, value)| name == "all" && value == "none");
    let mut choices = Map::new();
    for (channel, state) in &link.channels {
        let ticked = !none && fields.iter().any(|(name, value)| name == "channel" && value == channel);
        // A box left empty is no answer where he was asked and has yet to confirm, unless he wants nothing at all.
        if ticked || none || state != "PENDING" {
            choices.insert(channel.clone(), Value::Bool(ticked));
        }
    }
    pages
        .value::<Option<String>>(SQL, &[&token, &Jsonb(choices), &visitor.address, &visitor.user_agent])
        .await?;
    preferences(&pages, &visitor, &token, true).await
}

async fn show_erasure(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let link = pages.link(&token, "preferences").await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    if let Some(at) = link.erasure_on {
        return Ok(erasure_opened(frame, at));
    }
    Ok(Question {
        frame,
        title: words.erasure_title,
        text: words.erasure_ask_text,
        wording: None,
        button: words.erasure_ask_button,
        danger: false,
        note: None,
    }
    .into_response())
}

async fn ask_erasure(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let link = pages.link(&token, "preferences").await?;
    let asked: String = pages.value("SELECT crm.ask_erasure_by_link($1::text)", &[&token]).await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    Ok(match (asked.as_str(), link.erasure_on) {
        ("REQUESTED", Some(at)) => erasure_opened(frame, at),
        ("NO_ADDRESS", _) => {
            Message { frame, title: words.erasure_title, text: words.erasure_no_address }.into_response()
        }
        _ => Message { frame, title: words.erasure_mailed_title, text: words.erasure_mailed_text }
            .into_response(),
    })
}

async fn show_erasure_request(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Shown {
    let link = pages.link(&token, "confirm_erasure").await?;
    let frame = Frame::new(&visitor, &link);
    let words = frame.words;
    match (link.state.as_deref(), link.erasure_on) {
        (Some("UNCONFIRMED"), _) => Ok(Question {
            frame,
            title: words.erasure_title,
            text: words.erasure_confirm_text,
            wording: None,
            button: words.erasure_confirm_button,
            danger: true,
            note: None,
        }
        .into_response()),
        (Some("REQUESTED"), Some(at)) => Ok(erasure_opened(frame, at)),
        _ => Err(GONE),
    }
}

async fn confirm_erasure(State(pages): State<Pages>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let link = pages.link(&token, "confirm_erasure").await?;
    if link.state.as_deref() == Some("EXPIRED") {
        return Err(GONE);
    }
    let at = pages.value("SELECT crm.confirm_erasure($1::text)", &[&token]).await?;
    Ok(erasure_opened(Frame::new(&visitor, &link), at))
}

fn erasure_opened(frame: Frame<'_>, at: DateTime<Utc>) -> Response {
    let words = frame.words;
    let text = words.erasure_done_text.replace("{day}", &words.date(at));
    Message { frame, title: words.erasure_done_title, text: &text }.into_response()
}
