//! Who calls, and the way to answer: one SQL function in one transaction under the caller's role.
//!
//! Statements have one column of JSON, so that what SQL returns and what the response is described as are one
//! type; a page has the cursor of each row as its second.

use axum::{Json, body::Body, extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;
use tokio_postgres::{
    Row,
    types::{Json as Jsonb, ToSql},
};

use crate::{
    credentials::Credentials,
    cursor,
    database::{Call, Database, Parameters, Reply},
    etag::IfMatch,
    extract::Listing,
    once::Once,
    patience::Long,
    problem::Problem,
    routes::page::Page,
    stream::OwnedParameters,
};

/// A statement whose rows come as one column of JSON.
#[macro_export]
macro_rules! json_rows {
    ($select:expr) => {
        concat!("SELECT row_to_json(r) FROM (", $select, ") AS r")
    };
}

pub struct Caller {
    database: Database,
    credentials: Credentials,
    once: Option<Once>,
    guard: Option<(&'static str, String, Vec<String>)>,
    long: Option<Long>,
}

impl Caller {
    pub fn new(database: Database, credentials: Credentials) -> Self {
        Self { database, credentials, once: None, guard: None, long: None }
    }

    /// The caller, who changes something only where `IfMatch` allows: a statement on the id and the versions wanted
    /// (`$1::text`, `$2::text[]`) refuses it or not, in the same transaction.
    pub fn if_match(mut self, sql: &'static str, id: &str, IfMatch(wanted): IfMatch) -> Self {
        self.guard = wanted.map(|wanted| (sql, id.to_owned(), wanted));
        self
    }

    /// All rows of a statement.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<T>, Problem> {
        match self.answer(name, sql, parameters).await? {
            Reply::Rows(rows) => rows.iter().map(read).collect(),
            Reply::Kept(answer) => serde_json::from_str(&answer).map_err(|error| Problem::Internal {
                sqlstate: None,
                reason: format!("{name}: a kept answer cannot be read: {error}").into(),
            }),
        }
    }

    async fn answer(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Reply, Problem> {
        let guarded: Vec<&(dyn ToSql + Sync)> = match &self.guard {
            Some((_, id, wanted)) => vec![id, wanted],
            None => Vec::new(),
        };
        let guard = self.guard.as_ref().map(|(sql, ..)| (*sql, guarded.as_slice()));
        let call = Call { name, sql, parameters, guard, once: self.once.as_ref(), long: self.long };
        let answered = self.database.answer(&self.credentials, call).await;
        answered.map_err(|problem| problem.at(&[("if_match", "#/header/If-Match")]))
    }

    /// The value of a statement that has one row.
    pub async fn one<T: DeserializeOwned>(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<T, Problem> {
        self.rows(name, sql, parameters)
            .await?
            .pop()
            .ok_or_else(|| Problem::Internal { sqlstate: None, reason: format!("{name} gave no row").into() })
    }

    /// A list that has no further pages.
    pub async fn list<T: DeserializeOwned>(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Json<Page<T>>, Problem> {
        let items = self.rows(name, sql, parameters).await?;
        Ok(Json(Page { items, next_cursor: None }))
    }

    /// A page of a statement that takes the cursor as its parameter `$1::text::jsonb` and the size of the page as
    /// `$2::int`; a page that is not full is the last.
    pub async fn page<T: DeserializeOwned>(
        &self,
        name: &'static str,
        sql: &'static str,
        listing: &Listing,
        parameters: Parameters<'_>,
    ) -> Result<Json<Page<T>>, Problem> {
        let after = listing.after()?;
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&after, &listing.limit];
        all.extend_from_slice(parameters);
        let rows =
            self.database.call(name, &self.credentials, sql, &all).await.map_err(|problem| {
                problem.at(&[("after", "#/query/cursor"), ("page_size", "#/query/limit")])
            })?;
        let full = i32::try_from(rows.len()) == Ok(listing.limit);
        let next_cursor = match rows.last() {
            Some(row) if full => row.try_get::<_, Option<&str>>(1)?.map(cursor::encode),
            _ => None,
        };
        Ok(Json(Page { items: rows.iter().map(read).collect::<Result<_, _>>()?, next_cursor }))
    }

    /// The lines of a file, one a row.
    pub async fn lines(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<String, Problem> {
        let rows = self.database.call(name, &self.credentials, sql, parameters).await?;
        let mut text = String::new();
        for row in &rows {
            text += row.try_get::<_, &str>(0)?;
            text.push('\n');
        }
        Ok(text)
    }

    /// The lines of a file of any length, sent while they are read.
    pub async fn stream(&self, sql: &'static str, parameters: OwnedParameters) -> Result<Body, Problem> {
        self.database.stream(self.credentials.clone(), sql, parameters, self.long).await
    }

    /// A statement whose result does not matter.
    pub async fn run(
        &self,
        name: &'static str,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<(), Problem> {
        self.answer(name, sql, parameters).await.map(drop)
    }
}

fn read<T: DeserializeOwned>(row: &Row) -> Result<T, Problem> {
    let Jsonb(value) = row.try_get(0)?;
    Ok(value)
}

impl FromRequestParts<Database> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, database: &Database) -> Result<Self, Problem> {
        let credentials = Credentials::from_request_parts(parts, database).await?;
        let (once, long) = (parts.extensions.get().cloned(), parts.extensions.get().copied());
        Ok(Self { once, long, ..Self::new(database.clone(), credentials) })
    }
}
