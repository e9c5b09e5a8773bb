//! One connection, with the few shapes of call that a measurement needs.

use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::Failure;

/// A connection to one database.
pub struct Session {
    pub client: Client,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Session {
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        let mut config = config.clone();
        config.notice_callback(move |notice| {
            if let Ok(mut held) = sink.lock() {
                held.push(format!("{}: {}", notice.severity(), notice.message()));
            }
        });
        Ok(Self { client: config.connect(NoTls).map_err(|e| explained(&e, "connecting"))?, notices })
    }

    pub fn run(&mut self, sql: &str) -> Result<(), Failure> {
        self.client.batch_execute(sql).map_err(|e| explained(&e, sql))
    }

    /// Vacuums some tables, or all, and writes out what is dirty: neither falls into what is measured next.
    pub fn settle(&mut self, tables: &str) -> Result<(), Failure> {
        self.run(&format!("VACUUM (ANALYZE) {tables}"))?;
        self.run("CHECKPOINT")
    }

    /// Runs one statement and says how long it took.
    pub fn timed(&mut self, sql: &str) -> Result<Duration, Failure> {
        let start = Instant::now();
        self.run(sql)?;
        Ok(start.elapsed())
    }

    /// Milliseconds of one statement.
    pub fn milliseconds(&mut self, sql: &str) -> Result<f64, Failure> {
        Ok(self.timed(sql)?.as_secs_f64() * 1e3)
    }

    /// Milliseconds of each of so many calls of a statement, prepared as an application has it.
    pub fn prepared(&mut self, sql: &str, calls: usize) -> Result<Vec<f64>, Failure> {
        let explain = |error: postgres::Error| explained(&error, sql);
        let statement = self.client.prepare(sql).map_err(explain)?;
        self.client.query(&statement, &[]).map_err(explain)?;
        (0..calls)
            .map(|_| {
                let start = Instant::now();
                self.client.query(&statement, &[]).map_err(explain)?;
                Ok(start.elapsed().as_secs_f64() * 1e3)
            })
            .collect()
    }

    /// Rows as text, null as an empty string.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Failure> {
        let messages = self.client.simple_query(sql).map_err(|e| explained(&e, sql))?;
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|i| row.get(i).unwrap_or_default().to_owned()).collect())
                }
                _ => None,
            })
            .collect())
    }

    /// The first column of each row.
    pub fn column(&mut self, sql: &str) -> Result<Vec<String>, Failure> {
        Ok(self.rows(sql)?.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    /// The first value of the first row.
    pub fn value<T: FromStr>(&mut self, sql: &str) -> Result<T, Failure> {
        let text = self.column(sql)?.into_iter().next().ok_or_else(|| format!("no row of: {sql}"))?;
        text.parse().map_err(|_| format!("\"{text}\" is not the value expected of: {sql}").into())
    }

    /// Fails unless a query that counts what is wrong finds nothing.
    pub fn expect_none(&mut self, what: &str, count: &str) -> Result<(), Failure> {
        match self.value::<i64>(count)? {
            0 => Ok(()),
            wrong => Err(format!("{what}: {wrong} rows").into()),
        }
    }

    /// Messages received since the last call.
    pub fn notices(&mut self) -> Vec<String> {
        self.notices.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default()
    }

    /// Fails with the warnings received since the last call: a measurement of work that failed is none.
    pub fn expect_no_warning(&mut self) -> Result<(), Failure> {
        match self.notices().into_iter().find(|notice| notice.starts_with("WARNING")) {
            Some(warning) => Err(warning.into()),
            None => Ok(()),
        }
    }
}

/// What the server said, and to what.
pub fn explained(error: &postgres::Error, sql: &str) -> Failure {
    let said = match error.as_db_error() {
        Some(db) => format!("{} {} {}", db.code().code(), db.message(), db.detail().unwrap_or_default()),
        None => error.to_string(),
    };
    let start: String = sql.trim().chars().take(300).collect();
    format!("{said} (in: {start})").into()
}
