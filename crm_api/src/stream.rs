//! Rows as the lines of a response, read from the database only as fast as the client takes them: however many there are, the
//! service holds a few portions.

use std::{io::Error, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::stream::poll_fn;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_postgres::types::ToSql;

use crate::{
    credentials::Credentials,
    database::{Database, Lines},
    patience::Long,
    problem::Problem,
};

/// Bytes sent at a time, about.
const PORTION: usize = 64 * 1024;

/// Portions on their way to the client.
const AHEAD: usize = 2;

/// How long a client may leave a portion unread; then he is taken to have hung up, as he holds a connection to the database.
const STALLED: Duration = Duration::from_secs(30);

/// Parameters that outlive their request.
pub type OwnedParameters = Vec<Box<dyn ToSql + Sync + Send>>;

impl Database {
    /// The first column of each row of one statement in one transaction, a line each. What is refused is so before the first
    /// line; an error after it cuts the response off, so that nobody takes a part for the whole.
    ///
    /// A client who hangs up does not undo the transaction, in which it is kept that he read.
    pub async fn stream(
        &self,
        credentials: Credentials,
        sql: &'static str,
        parameters: OwnedParameters,
        long: Option<Long>,
    ) -> Result<Body, Problem> {
        let (sender, mut receiver) = mpsc::channel::<Result<Bytes, Error>>(AHEAD);
        let (started, start) = oneshot::channel();
        let database = self.clone();
        tokio::spawn(async move {
            let mut sending =
                Sending { sender, started: Some(started), portion: String::new(), hung_up: false };
            let result = database.read_lines(&credentials, sql, parameters, long, &mut sending).await;
            match (result, sending.started.take()) {
                (Ok(()), started) => {
                    if let Some(started) = started {
                        let _ = started.send(Ok(()));
                    }
                    sending.flush().await;
                }
                (Err(problem), Some(started)) => drop(started.send(Err(problem))),
                (Err(problem), None) => {
                    tracing::error!(reason = %problem, "a response was cut off");
                    let _ = sending.sender.send(Err(Error::other("the database failed"))).await;
                }
            }
        });
        match start.await {
            Ok(begun) => begun?,
            Err(_) => return Err(Problem::Internal { sqlstate: None, reason: "a stream panicked".into() }),
        }
        Ok(Body::from_stream(poll_fn(move |context| receiver.poll_recv(context))))
    }
}

struct Sending {
    sender: mpsc::Sender<Result<Bytes, Error>>,
    /// Told once there is a first line.
    started: Option<oneshot::Sender<Result<(), Problem>>>,
    portion: String,
    hung_up: bool,
}

impl Lines for Sending {
    async fn take(&mut self, line: &str) -> bool {
        // The last portion is held back until the transaction is committed.
        if self.portion.len() >= PORTION {
            if let Some(started) = self.started.take() {
                let _ = started.send(Ok(()));
            }
            self.flush().await;
        }
        self.portion += line;
        self.portion.push('\n');
        !self.hung_up
    }
}

impl Sending {
    async fn flush(&mut self) {
        let portion = std::mem::take(&mut self.portion);
        if portion.is_empty() || self.hung_up {
            return;
        }
        self.hung_up = !matches!(timeout(STALLED, self.sender.send(Ok(portion.into()))).await, Ok(Ok(())));
    }
}
