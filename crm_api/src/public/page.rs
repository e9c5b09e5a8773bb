//! The pages' templates, and the headers they go with.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{
    Link,
    visitor::{Visitor, wanted_language},
    words::{self, Words},
};
use crate::problem::{Cause, Problem};

const STYLE: &str = include_str!("../../templates/public/style.css");

/// Nothing but the one style sheet, by its hash; forms go back to where they came from.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ))
    .expect("a hash in base64 is ASCII")
});

/// What every page has.
pub struct Frame<'a> {
    pub words: &'static Words,
    /// The venue's or the organisation's name.
    pub sender: Option<&'a str>,
}

impl<'a> Frame<'a> {
    /// In the language the visitor chose on the page, else the guest's own, else the browser's.
    pub fn new(visitor: &Visitor, link: &'a Link) -> Self {
        let guest = link.language.as_deref().and_then(Words::of);
        let words = visitor.chosen.or(guest).or(visitor.accepted).unwrap_or(words::ALL[0]);
        Self { words, sender: Some(&link.sender) }
    }

    fn style(&self) -> &'static str {
        STYLE
    }

    fn others(&self) -> impl Iterator<Item = &'static Words> {
        let code = self.words.code;
        words::ALL.into_iter().filter(move |words| words.code != code)
    }
}

#[derive(Template)]
#[template(path = "public/message.html")]
pub struct Message<'a> {
    pub frame: Frame<'a>,
    pub title: &'a str,
    pub text: &'a str,
}

#[derive(Template)]
#[template(path = "public/question.html")]
pub struct Question<'a> {
    pub frame: Frame<'a>,
    pub title: &'a str,
    pub text: &'a str,
    pub wording: Option<&'a str>,
    pub button: &'a str,
    pub danger: bool,
    pub note: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "public/preferences.html")]
pub struct Preferences<'a> {
    pub frame: Frame<'a>,
    pub token: &'a str,
    pub choices: Vec<Choice<'a>>,
    pub saved: bool,
    pub erasure_on: Option<&'a str>,
}

pub struct Choice<'a> {
    pub channel: &'a str,
    pub name: &'a str,
    pub granted: bool,
    pub pending: bool,
}

macro_rules! pages {
    ($($page:ident),+) => {$(
        impl IntoResponse for $page<'_> {
            fn into_response(self) -> Response {
                match self.render() {
                    Ok(html) => Html(html).into_response(),
                    Err(error) => {
                        Problem::Internal { sqlstate: None, reason: error.to_string().into() }.into_response()
                    }
                }
            }
        }
    )+};
}
pages!(Message, Question, Preferences);

/// Puts the headers of a page that is nobody else's business, and makes a page of every refusal.
pub async fn for_people(request: Request, next: Next) -> Response {
    let words = wanted_language(request.headers(), request.uri().query());
    let mut response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = refused(words.unwrap_or(words::ALL[0]), response);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    response
}

fn refused(words: &'static Words, mut problem: Response) -> Response {
    let (title, text, status) = match problem.status() {
        // Refused as it has expired, was cancelled, or belongs to an address that is no longer his.
        StatusCode::CONFLICT => (words.invalid_title, words.invalid_text, StatusCode::GONE),
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            (words.busy_title, words.busy_text, status)
        }
        status => (words.invalid_title, words.invalid_text, status),
    };
    let mut page = (status, Message { frame: Frame { words, sender: None }, title, text }).into_response();
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = problem.headers_mut().remove(&name) {
            page.headers_mut().insert(name, value);
        }
    }
    if let Some(cause) = problem.extensions_mut().remove::<Cause>() {
        page.extensions_mut().insert(cause);
    }
    page
}
