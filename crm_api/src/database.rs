//! The one way into the database: [`Database::answer`].

mod lease;
pub mod refusal;

use std::{error::Error, pin::pin, sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Status, Timeouts, Transaction,
};
use futures_util::TryStreamExt;
use serde_json::value::RawValue;
use tokio_postgres::{
    NoTls, Row,
    types::{Json, ToSql, Type},
};

use crate::{
    config::Config, credentials::Credentials, limits::Limits, once::Once, patience::Long, problem::Problem,
    stream::OwnedParameters, token::Tokens,
};
use lease::Lease;
use refusal::Report;

/// The schema version this build knows, the number of the newest migration; `crm.schema_version()` must
/// answer the same.
pub const SCHEMA_VERSION: i32 = 23;

/// Tries of one transaction at most, when it fails with a serialization failure or a deadlock.
const MAX_TRIES: u32 = 3;

/// Pause between two looks for the database at the start.
const WAIT: Duration = Duration::from_secs(1);

/// Pause before another try, times the number of tries so far.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The roles that `crm.sign_in` can name. SET ROLE takes no bound parameter, so its text comes from here and
/// from nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Reader,
    Staff,
    Manager,
    Admin,
}

impl Role {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "crm_reader" => Some(Self::Reader),
            "crm_staff" => Some(Self::Staff),
            "crm_manager" => Some(Self::Manager),
            "crm_admin" => Some(Self::Admin),
            _ => None,
        }
    }

    fn set_local(self) -> &'static str {
        match self {
            Self::Reader => "SET LOCAL ROLE crm_reader",
            Self::Staff => "SET LOCAL ROLE crm_staff",
            Self::Manager => "SET LOCAL ROLE crm_manager",
            Self::Admin => "SET LOCAL ROLE crm_admin",
        }
    }
}

/// A pool of connections. Connects when first used, and anew after the database was away.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    limits: Arc<Limits>,
    tokens: Option<Arc<Tokens>>,
    jobs: Option<Arc<tokio_postgres::Config>>,
}

/// What the monitoring wants to know.
pub struct Figures {
    pub errors: i64,
    pub warnings: i64,
    pub outbox: i64,
}

/// What one request asks of the database.
pub struct Call<'a> {
    /// Stands for the operation in the log.
    pub name: &'static str,
    pub sql: &'static str,
    pub parameters: Parameters<'a>,
    /// A statement that comes first in the transaction and refuses it, or not.
    pub guard: Option<(&'static str, Parameters<'a>)>,
    /// Where the same request may come again.
    pub once: Option<&'a Once>,
    /// Where it may take longer than usual.
    pub long: Option<Long>,
}

pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What takes the lines of a statement, one after the other; false once it wants no more.
pub trait Lines {
    fn take(&mut self, line: &str) -> impl Future<Output = bool> + Send;
}

pub enum Reply {
    Rows(Vec<Row>),
    /// The rows' JSON, an array, of a call with [`Call::once`].
    Kept(String),
}

/// One row of `crm.health()`.
pub struct Finding {
    pub severity: String,
    pub subject: String,
    pub problem: String,
    pub remedy: Option<String>,
}

impl Database {
    /// A pool that has not connected yet.
    pub fn new(config: &Config) -> Result<Self, String> {
        let timeout = config.request_timeout;
        let tokens = config.tokens.clone().map(Tokens::new).transpose()?.map(Arc::new);
        let mut database = config.database.clone();
        if database.get_application_name().is_none() {
            database.application_name("crm_api");
        }
        if database.get_connect_timeout().is_none() {
            database.connect_timeout(timeout);
        }
        // JSON made by the database carries the session's offset; historic zones have offsets that RFC 3339
        // cannot write.
        let milliseconds = timeout.as_millis();
        let options = format!(
            "{} -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} -c TimeZone=UTC",
            database.get_options().unwrap_or_default()
        );
        database.options(options.trim());

        let manager =
            Manager::from_config(database, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        // Half the time a request has: the other half is left for its statement.
        let wait = Some(timeout / 2);
        Pool::builder(manager)
            .max_size(config.pool_size)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .runtime(Runtime::Tokio1)
            .build()
            .map(|pool| Self {
                pool,
                limits: Arc::new(Limits::new(config.requests_per_second)),
                tokens,
                jobs: config.jobs_database.clone().map(Arc::new),
            })
            .map_err(|error| format!("cannot make the connection pool: {error}"))
    }

    /// How much each caller may ask.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How tokens of the platform's identity provider are checked, where there is one.
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_deref()
    }

    /// How a login that may run jobs connects, where there is one.
    pub fn jobs(&self) -> Option<&tokio_postgres::Config> {
        self.jobs.as_deref()
    }

    pub fn pool_status(&self) -> Status {
        self.pool.status()
    }

    pub async fn figures(&self) -> Result<Figures, Problem> {
        const SQL: &str = "SELECT count(*) FILTER (WHERE h.severity = 'error'), count(*) FILTER (WHERE h.severity = 'warning'), \
                                  crm.outbox_length() FROM crm.health() AS h";
        let rows = self.as_service(SQL, &[]).await?;
        let row = rows.first().ok_or(Problem::Status(axum::http::StatusCode::INTERNAL_SERVER_ERROR))?;
        Ok(Figures { errors: row.try_get(0)?, warnings: row.try_get(1)?, outbox: row.try_get(2)? })
    }

    /// Returns once the database answers with the schema that this build knows; errors at once for another.
    pub async fn wait_for_schema(&self) -> Result<(), String> {
        loop {
            match self.check_schema_version().await {
                Ok(_) => return Ok(()),
                Err(problem @ Problem::SchemaVersion { .. }) => return Err(problem.to_string()),
                Err(problem) => tracing::warn!(reason = %problem, "waiting for the database"),
            }
            tokio::time::sleep(WAIT).await;
        }
    }

    /// Calls one SQL function in one transaction as the caller behind `credentials`; see [`Database::answer`].
    pub async fn call(
        &self,
        name: &'static str,
        credentials: &Credentials,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Problem> {
        match self
            .answer(credentials, Call { name, sql, parameters, guard: None, once: None, long: None })
            .await?
        {
            Reply::Rows(rows) => Ok(rows),
            Reply::Kept(_) => unreachable!("only a call with once is kept"),
        }
    }

    /// One transaction as the caller behind `credentials`: signs in, takes the caller's role, runs the statement,
    /// commits.
    ///
    /// A serialization failure or a deadlock (40001, 40P01) starts the transaction again, [`MAX_TRIES`] times
    /// in all. Errors: 401 for an unknown key; what [`Report`] makes of the SQLSTATE; 503 when there is no
    /// connection to be had.
    pub async fn answer(&self, credentials: &Credentials, call: Call<'_>) -> Result<Reply, Problem> {
        let mut tries = 1;
        loop {
            let result = self.try_answer(credentials, &call).await;
            let sqlstate = result.as_ref().err().and_then(Problem::sqlstate);
            if tries == MAX_TRIES || !matches!(sqlstate, Some("40001" | "40P01")) {
                return result;
            }
            tracing::info!(operation = call.name, tries, sqlstate, "transaction again");
            tokio::time::sleep(RETRY_PAUSE * tries).await;
            tries += 1;
        }
    }

    async fn try_answer(&self, credentials: &Credentials, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let tx = lease.client().transaction().await.map_err(sign_in_error)?;
            sign_in(&tx, credentials).await?;
            take_time(&tx, call.long).await?;
            if let Some(once) = call.once
                && let Some(kept) = recall(&tx, once).await?
            {
                return Ok(Reply::Kept(kept));
            }
            if let Some((sql, parameters)) = call.guard {
                let statement = tx.prepare_cached(sql).await?;
                tx.query(&statement, parameters).await?;
            }
            let statement = tx.prepare_cached(call.sql).await?;
            let rows = tx.query(&statement, call.parameters).await?;
            let reply = match call.once {
                Some(once) => Reply::Kept(keep(&tx, once, &rows).await?),
                None => Reply::Rows(rows),
            };
            tx.commit().await?;
            Ok(reply)
        }
        .await;
        lease.end(&result);
        result
    }

    /// Gives the first column of each row of a statement in a transaction as the caller to `lines`, until they want no more, and
    /// commits.
    pub async fn read_lines(
        &self,
        credentials: &Credentials,
        sql: &'static str,
        parameters: OwnedParameters,
        long: Option<Long>,
        lines: &mut impl Lines,
    ) -> Result<(), Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let tx = lease.client().transaction().await.map_err(sign_in_error)?;
            sign_in(&tx, credentials).await?;
            take_time(&tx, long).await?;
            let statement = tx.prepare_cached(sql).await?;
            {
                let mut rows = pin!(tx.query_raw(&statement, parameters).await?);
                while let Some(row) = rows.try_next().await? {
                    if !lines.take(row.try_get(0)?).await {
                        break;
                    }
                }
            }
            tx.commit().await?;
            Ok(())
        }
        .await;
        lease.end(&result);
        result
    }

    /// Asks as the service itself, without a caller: to open a session and to close it.
    pub async fn as_service(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let client = lease.client();
            let statement = client.prepare_cached(sql).await.map_err(sign_in_error)?;
            client.query(&statement, parameters).await.map_err(sign_in_error)
        }
        .await;
        lease.end(&result);
        result
    }

    /// Asks as the service itself for somebody whose right is a token among the parameters, so that a refusal is his.
    pub async fn as_public(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let client = lease.client();
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, parameters).await?)
        }
        .await;
        lease.end(&result);
        result
    }

    /// The version of the schema, asked as the service itself.
    pub async fn schema_version(&self) -> Result<i32, Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let client = lease.client();
            let statement =
                client.prepare_cached("SELECT crm.schema_version()").await.map_err(sign_in_error)?;
            let row = client.query_one(&statement, &[]).await;
            row.and_then(|row| row.try_get(0)).map_err(sign_in_error)
        }
        .await;
        lease.end(&result);
        result
    }

    /// Errors unless the schema has the version this build knows.
    pub async fn check_schema_version(&self) -> Result<i32, Problem> {
        match self.schema_version().await? {
            SCHEMA_VERSION => Ok(SCHEMA_VERSION),
            found => Err(Problem::SchemaVersion { found, known: SCHEMA_VERSION }),
        }
    }

    /// What `crm.health()` reports, asked in the role of an administrator without a caller: health concerns
    /// the installation.
    pub async fn health(&self) -> Result<Vec<Finding>, Problem> {
        let mut lease = Lease::new(&self.pool).await?;
        let result = async {
            let tx = lease.client().transaction().await?;
            tx.batch_execute(Role::Admin.set_local()).await?;
            let rows = tx.query("SELECT severity, subject, problem, remedy FROM crm.health()", &[]).await?;
            tx.commit().await?;
            rows.iter()
                .map(|row| {
                    Ok(Finding {
                        severity: row.try_get(0)?,
                        subject: row.try_get(1)?,
                        problem: row.try_get(2)?,
                        remedy: row.try_get(3)?,
                    })
                })
                .collect::<Result<Vec<_>, tokio_postgres::Error>>()
        }
        .await
        .map_err(sign_in_error);
        lease.end(&result);
        result
    }
}

/// Gives the statements of this transaction as long as its request has.
async fn take_time(tx: &Transaction<'_>, long: Option<Long>) -> Result<(), Problem> {
    match long {
        Some(Long(time)) => {
            Ok(tx.batch_execute(&format!("SET LOCAL statement_timeout = {}", time.as_millis())).await?)
        }
        None => Ok(()),
    }
}

/// Signs the caller in for this transaction and takes the role that comes back.
async fn sign_in(tx: &Transaction<'_>, credentials: &Credentials) -> Result<(), Problem> {
    let digest = credentials.digest().as_slice();
    let (sql, parameters): (_, [&(dyn ToSql + Sync); 2]) = match credentials.subject() {
        None => ("SELECT role FROM crm.sign_in($1::bytea)", [&digest, &digest]),
        Some(named) => (
            "SELECT role FROM crm.sign_in_subject($1::text, $2::text)",
            [&named.subject, &named.organisation],
        ),
    };
    let parameters = if credentials.subject().is_none() { &parameters[..1] } else { &parameters[..] };
    let statement = tx.prepare_cached(sql).await.map_err(sign_in_error)?;
    let row = tx.query_one(&statement, parameters).await.map_err(sign_in_error)?;
    let name: String = row.try_get(0).map_err(sign_in_error)?;
    let role = Role::parse(&name).ok_or_else(|| Problem::Internal {
        sqlstate: None,
        reason: format!("sign-in named the role {name:?}").into(),
    })?;
    tx.batch_execute(role.set_local()).await.map_err(sign_in_error)
}

/// What was answered to the same request before.
async fn recall(tx: &Transaction<'_>, once: &Once) -> Result<Option<String>, Problem> {
    let statement = tx.prepare_cached("SELECT crm.recall_answer($1::text, $2::bytea)").await?;
    let row = tx.query_one(&statement, &[&once.key, &once.digest.as_slice()]).await;
    let row = row.map_err(|e| Problem::from(e).at(&[("idempotency_key", "#/header/Idempotency-Key")]))?;
    Ok(row.try_get(0)?)
}

/// Keeps an answer and returns it: the JSON of the rows' first column, null where that is none.
async fn keep(tx: &Transaction<'_>, once: &Once, rows: &[Row]) -> Result<String, Problem> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        values.push(match *row.columns()[0].type_() {
            Type::JSON | Type::JSONB => row.try_get::<_, Json<Box<RawValue>>>(0)?.0,
            _ => RawValue::NULL.to_owned(),
        });
    }
    let answer = serde_json::to_string(&values).map_err(|error| Problem::Internal {
        sqlstate: None,
        reason: format!("an answer cannot be kept: {error}").into(),
    })?;
    let statement = tx.prepare_cached("SELECT crm.keep_answer($1::text, $2::bytea, $3::text)").await?;
    tx.query(&statement, &[&once.key, &once.digest.as_slice(), &answer]).await?;
    Ok(answer)
}

fn database_report(error: &tokio_postgres::Error) -> Option<Report> {
    error.as_db_error().map(Report::from)
}

/// An error while the caller's role is in force.
impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        match database_report(&error) {
            Some(report) => report.into_problem(),
            None => client_error(&error),
        }
    }
}

/// An error outside the caller's role.
fn sign_in_error(error: tokio_postgres::Error) -> Problem {
    match database_report(&error) {
        Some(report) => report.into_sign_in_problem(),
        None => client_error(&error),
    }
}

/// An error of the connection itself, or a column that does not have the type this build expects.
fn client_error(error: &tokio_postgres::Error) -> Problem {
    let lost = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
    if lost {
        unavailable(format!("connection lost: {}", with_source(error)))
    } else {
        Problem::Internal { sqlstate: None, reason: with_source(error).into() }
    }
}

/// What went wrong, and beneath it why.
pub fn with_source(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn unavailable(reason: String) -> Problem {
    Problem::Unavailable { sqlstate: None, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_schema_version_is_the_newest_migration() {
        let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/migrations");
        let newest = std::fs::read_dir(migrations)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.split_once('_')?.0.parse().ok())
            .max();
        assert_eq!(newest, Some(SCHEMA_VERSION));
    }

    #[test]
    fn only_the_four_roles_can_be_taken() {
        assert_eq!(Role::parse("crm_staff"), Some(Role::Staff));
        for name in ["crm_owner", "postgres", "CRM_STAFF", "crm_staff; RESET ROLE", ""] {
            assert_eq!(Role::parse(name), None);
        }
    }
}
