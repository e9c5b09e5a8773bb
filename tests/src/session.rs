//! One connection, spoken to in plain SQL and read as text, so that an expectation reads like psql's output and
//! numerics keep every digit.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use postgres::error::DbError;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// A connection to one database.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<DbError>>>,
}

/// What the server answered to a refused statement.
#[derive(Debug)]
pub struct Refusal {
    /// SQLSTATE; empty when the connection itself failed.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The field DETAIL.
    pub detail: Option<Box<str>>,
    /// What to do about it.
    pub hint: Option<Box<str>>,
    /// The field COLUMN of the error: the parameter at fault.
    pub column: Option<Box<str>>,
    /// The server's call stack, for the reader of a failed test.
    pub context: Option<Box<str>>,
}

impl Session {
    /// Connects, or fails the test.
    pub fn open(config: &Config) -> Self {
        Self::try_open(config).unwrap_or_else(|e| panic!("cannot connect: {e}: {:?}", e.as_db_error()))
    }

    /// Connects, if it can.
    pub fn try_open(config: &Config) -> Result<Self, postgres::Error> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        let mut config = config.clone();
        config.notice_callback(move |notice| sink.lock().expect("no panic while held").push(notice));
        Ok(Self { client: config.connect(NoTls)?, notices })
    }

    /// Runs statements and expects them to succeed.
    #[track_caller]
    pub fn run(&mut self, sql: &str) {
        if let Err(refusal) = self.attempt(sql) {
            panic!("{refusal:#?}\nfrom: {sql}");
        }
    }

    /// Runs statements; the refusal, if any, is the caller's to judge.
    pub fn attempt(&mut self, sql: &str) -> Result<(), Refusal> {
        self.client.batch_execute(sql).map_err(refusal)
    }

    /// Rows as text, columns joined by `|`, SQL null as `null`.
    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<String> {
        self.try_rows(sql).unwrap_or_else(|refusal| panic!("{refusal:#?}\nfrom: {sql}"))
    }

    /// Rows as `rows` gives them; the refusal, if any, is the caller's to judge.
    pub fn try_rows(&mut self, sql: &str) -> Result<Vec<String>, Refusal> {
        let messages = self.client.simple_query(sql).map_err(refusal)?;
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|i| row.get(i).unwrap_or("null")).collect::<Vec<_>>().join("|"))
                }
                _ => None,
            })
            .collect())
    }

    /// What a COPY … TO STDOUT hands out.
    pub fn copy_out(&mut self, sql: &str) -> Result<String, Refusal> {
        let mut text = String::new();
        let mut reader = self.client.copy_out(sql).map_err(refusal)?;
        reader.read_to_string(&mut text).expect("the copy is text");
        Ok(text)
    }

    /// The single row of a query, as `rows` gives it.
    #[track_caller]
    pub fn value(&mut self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "one row expected of: {sql}\nfound: {rows:#?}");
        rows.into_iter().next().unwrap_or_default()
    }

    /// The single value of a query that counts.
    #[track_caller]
    pub fn number(&mut self, sql: &str) -> i64 {
        let value = self.value(sql);
        value.parse().unwrap_or_else(|_| panic!("a number expected, not {value}, of: {sql}"))
    }

    /// Fails with the rows if there are any.
    #[track_caller]
    pub fn expect_none(&mut self, sql: &str) {
        let rows = self.rows(sql);
        let shown = &rows[..rows.len().min(20)];
        assert!(
            rows.is_empty(),
            "{} rows where none were expected:\n{}\nof: {sql}",
            rows.len(),
            shown.join("\n")
        );
    }

    /// Fails unless the rows are these, in this order.
    #[track_caller]
    pub fn expect_rows(&mut self, sql: &str, expected: &[&str]) {
        let rows = self.rows(sql);
        assert_eq!(rows, expected, "of: {sql}");
    }

    /// Expects a refusal with one of the codes and a part of the message (compared without case).
    #[track_caller]
    pub fn expect_refusal(&mut self, sql: &str, codes: &[&str], part: &str) -> Refusal {
        let Err(refusal) = self.attempt(sql) else {
            panic!("accepted, but should be refused with {codes:?}: {sql}")
        };
        assert!(
            codes.contains(&refusal.code.as_str()),
            "{codes:?} expected, found {refusal:#?}\nfrom: {sql}"
        );
        assert!(
            refusal.message.to_lowercase().contains(&part.to_lowercase()),
            "a message with {part:?} expected, found {refusal:#?}\nfrom: {sql}"
        );
        refusal
    }

    /// Runs a statement that must succeed within the limit.
    #[track_caller]
    pub fn run_within(&mut self, limit: Duration, sql: &str) {
        let start = Instant::now();
        self.run(sql);
        let took = start.elapsed();
        assert!(took <= limit, "took {took:?}, not within {limit:?}: {sql}");
    }

    /// Warnings received since the last call.
    pub fn warnings(&mut self) -> Vec<String> {
        let notices = std::mem::take(&mut *self.notices.lock().expect("no panic while held"));
        notices.iter().filter(|n| n.severity() == "WARNING").map(|n| n.message().to_owned()).collect()
    }
}

fn refusal(error: postgres::Error) -> Refusal {
    match error.as_db_error() {
        Some(db) => Refusal {
            code: db.code().code().to_owned(),
            message: db.message().to_owned(),
            detail: db.detail().map(Into::into),
            hint: db.hint().map(Into::into),
            column: db.column().map(Into::into),
            context: db.where_().map(Into::into),
        },
        None => Refusal {
            code: String::new(),
            message: error.to_string(),
            detail: None,
            hint: None,
            column: None,
            context: None,
        },
    }
}
