//! A connection while a request has it.

use deadpool_postgres::{Client, Object, Pool, PoolError};
use tokio_postgres::NoTls;

use super::{database_report, unavailable, with_source};
use crate::problem::Problem;

/// A connection on loan. It goes back to the pool only when [`Lease::end`] sees success or a refusal: after a
/// server error its prepared statements may be stale. A lease that is dropped without, as by a timeout or by
/// a client that hung up, cancels what may still be running, or abandoned statements would pile up in the
/// database.
pub struct Lease {
    client: Option<Client>,
}

impl Lease {
    /// Waits for a connection, or makes one; 503 when there is none to be had.
    pub async fn new(pool: &Pool) -> Result<Self, Problem> {
        match pool.get().await {
            Ok(client) => Ok(Self { client: Some(client) }),
            Err(PoolError::Backend(error)) => Err(match database_report(&error) {
                Some(report) => Problem::Unavailable {
                    reason: format!("cannot connect: {}", report.message).into(),
                    sqlstate: Some(report.sqlstate),
                },
                None => unavailable(format!("cannot connect: {}", with_source(&error))),
            }),
            Err(error) => Err(unavailable(format!("no connection to be had: {error}"))),
        }
    }

    pub fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("taken only by end and drop")
    }

    pub fn end<T>(mut self, result: &Result<T, Problem>) {
        let reusable = match result {
            Ok(_) => true,
            Err(problem) => problem.status().is_client_error(),
        };
        if let Some(client) = self.client.take()
            && !reusable
        {
            drop(Object::take(client));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let token = Object::take(client).cancel_token();
            // Best effort: statement_timeout ends what the cancel does not reach.
            tokio::spawn(async move { token.cancel_query(NoTls).await });
        }
    }
}
