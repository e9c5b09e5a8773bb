//! The jobs, where no pg_cron runs them: the sweep every few minutes, the night at 03:30 UTC.
//!
//! Over one connection of their own, which takes the role `crm_owner`: the service's pool has no rights to run
//! them. Of several instances the one leads whose session holds the lock [`LEAD`]; the others try again at each
//! sweep. The database says when a night is due, so that a missed one is caught up.

use std::time::{Duration, Instant};

use tokio::{sync::watch::Receiver, time::sleep};
use tokio_postgres::{Client, Error, NoTls, error::SqlState};

use crate::{
    config::Jobs,
    database::{Database, with_source},
    problem::Problem,
};

const LEAD: &str = "SELECT pg_try_advisory_lock(hashtextextended('crm_api jobs', 0)), pg_backend_pid()";
/// Of a night that was asked for. Which session runs a night, this or the leader's, the night itself decides.
const NIGHT: &str = "SELECT pg_try_advisory_lock(hashtextextended('crm_api night', 0))";
const NIGHT_DUE: &str =
    "SELECT is_due, extract(epoch FROM next_at - clock_timestamp())::float8 FROM crm.night_due()";

/// Pause before connecting again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a job under way may take to end its chunk when the service stops; then it is cancelled.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the jobs until `stop` is true. An error is logged and what failed is tried again.
pub async fn run(jobs: Jobs, mut stop: Receiver<bool>) {
    let mut database = jobs.database.clone();
    database.application_name("crm_api jobs");
    database.options(format!("{} -c role=crm_owner", database.get_options().unwrap_or_default()).trim());
    if database.get_connect_timeout().is_none() {
        database.connect_timeout(LONGEST_PAUSE);
    }
    // A database whose machine is gone must not hold the jobs up for ever.
    database.keepalives_idle(LONGEST_PAUSE).tcp_user_timeout(LONGEST_PAUSE);
    let mut worker = Worker { database, sweep: jobs.sweep, leads: None, pause: FIRST_PAUSE };
    while let Err(error) = worker.work(&mut stop).await {
        log_failure("connection", &error);
        if paused(worker.pause, &mut stop).await.is_stopped() {
            break;
        }
        worker.pause = LONGEST_PAUSE.min(worker.pause * 2);
    }
}

struct Worker {
    database: tokio_postgres::Config,
    sweep: Duration,
    /// Process id of the session while it leads.
    leads: Option<i32>,
    pause: Duration,
}

#[derive(PartialEq)]
enum Outcome {
    GoesOn,
    Stopped,
}

impl Outcome {
    fn is_stopped(&self) -> bool {
        *self == Self::Stopped
    }
}

impl Worker {
    /// Works over one connection until told to stop; an error means that another connection is needed.
    async fn work(&mut self, stop: &mut Receiver<bool>) -> Result<(), Error> {
        self.leads = None;
        let client = tokio::select! {
            client = connect(&self.database) => client?,
            () = told(stop) => return Ok(()),
        };
        loop {
            let mut wait = self.sweep;
            match self.round(&client, stop).await {
                Ok((_, Outcome::Stopped)) => return Ok(()),
                Ok((until_night, Outcome::GoesOn)) => {
                    self.pause = FIRST_PAUSE;
                    wait = wait.min(until_night);
                }
                Err(error) if client.is_closed() => return Err(error),
                Err(error) => log_failure("jobs", &error),
            }
            if paused(wait, stop).await.is_stopped() {
                return Ok(());
            }
        }
    }

    /// The night if it is due, then the sweep; nothing while another instance leads. Returns the time until the
    /// next night.
    async fn round(
        &mut self,
        client: &Client,
        stop: &mut Receiver<bool>,
    ) -> Result<(Duration, Outcome), Error> {
        let session = match self.leads {
            Some(session) => session,
            None => {
                let row = client.query_one(LEAD, &[]).await?;
                if !row.try_get::<_, bool>(0)? {
                    return Ok((Duration::MAX, Outcome::GoesOn));
                }
                tracing::info!("leading the jobs");
                *self.leads.insert(row.try_get(1)?)
            }
        };
        let due = client.query_one(NIGHT_DUE, &[]).await?;
        let until_night = Duration::try_from_secs_f64(due.try_get(1)?).unwrap_or_default();
        if due.try_get(0)? {
            match self.call(client, session, "CALL crm.run_night()", stop).await {
                Ok(Outcome::GoesOn) => {}
                Ok(Outcome::Stopped) => return Ok((until_night, Outcome::Stopped)),
                Err(error) if client.is_closed() => return Err(error),
                // The sweep goes on without it.
                Err(error) => log_failure("night", &error),
            }
        }
        match self.call(client, session, "CALL crm.run_imports()", stop).await {
            Ok(Outcome::GoesOn) => {}
            Ok(Outcome::Stopped) => return Ok((until_night, Outcome::Stopped)),
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => log_failure("imports", &error),
        }
        Ok((until_night, self.call(client, session, "CALL crm.run_sweep()", stop).await?))
    }

    /// Calls a job. When the service stops meanwhile, the job ends after the chunk it is at.
    async fn call(
        &self,
        client: &Client,
        session: i32,
        job: &'static str,
        stop: &mut Receiver<bool>,
    ) -> Result<Outcome, Error> {
        let started = Instant::now();
        let running = client.batch_execute(job);
        tokio::pin!(running);
        tokio::select! {
            result = &mut running => {
                result?;
                tracing::info!(job, milliseconds = started.elapsed().as_millis() as u64, "job");
                return Ok(Outcome::GoesOn);
            }
            () = told(stop) => {}
        }
        tracing::info!(job, "stopping after the present chunk");
        let chunk_ended = async {
            let asking = async {
                let asker = connect(&self.database).await?;
                asker.execute("SELECT crm.stop_job($1)", &[&session]).await?;
                // Its session holds what stops the job until that has ended.
                Ok::<_, Error>(asker)
            };
            let (asked, ended) = tokio::join!(asking, &mut running);
            match ended {
                Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => asked.map(drop),
                ended => asked.and(ended),
            }
        };
        match tokio::time::timeout(PATIENCE, chunk_ended).await {
            Ok(result) => result?,
            Err(_) => {
                tracing::warn!(job, "cancelled: the present chunk took too long");
                client.cancel_token().cancel_query(NoTls).await?;
            }
        }
        Ok(Outcome::Stopped)
    }
}

/// Starts the night over a connection of its own, which holds the lock [`NIGHT`] until it has ended; 409 where another does, or
/// where the service may run no jobs.
pub async fn start_night(database: &Database) -> Result<(), Problem> {
    let Some(config) = database.jobs() else {
        return Err(Problem::conflict("this service runs no jobs", "Set CRM_JOBS_DATABASE_URL."));
    };
    let mut config = config.clone();
    config.application_name("crm_api night");
    config.options(format!("{} -c role=crm_owner", config.get_options().unwrap_or_default()).trim());
    let unavailable = |error: Error| Problem::Unavailable {
        sqlstate: error.code().map(|code| code.code().to_owned()),
        reason: with_source(&error).into(),
    };
    let client = connect(&config).await.map_err(unavailable)?;
    if !client.query_one(NIGHT, &[]).await.and_then(|row| row.try_get(0)).map_err(unavailable)? {
        return Err(Problem::conflict("the night is running", "GET /v1/jobs shows how far it is."));
    }
    tokio::spawn(async move {
        let started = Instant::now();
        match client.batch_execute("CALL crm.run_night()").await {
            Ok(()) => {
                let milliseconds = started.elapsed().as_millis() as u64;
                tracing::info!(job = "CALL crm.run_night()", milliseconds, "job that was asked for");
            }
            Err(error) => log_failure("night that was asked for", &error),
        }
    });
    Ok(())
}

async fn connect(database: &tokio_postgres::Config) -> Result<Client, Error> {
    let (client, connection) = database.connect(NoTls).await?;
    // How a connection ended, the next statement over it says.
    tokio::spawn(connection);
    Ok(client)
}

async fn paused(time: Duration, stop: &mut Receiver<bool>) -> Outcome {
    tokio::select! {
        () = sleep(time) => Outcome::GoesOn,
        () = told(stop) => Outcome::Stopped,
    }
}

/// Returns when the service stops, or has ended.
async fn told(stop: &mut Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

fn log_failure(what: &str, error: &Error) {
    let sqlstate = error.code().map(|code| code.code());
    let reason = error.as_db_error().map_or_else(|| with_source(error), |error| error.message().to_owned());
    tracing::error!(what, sqlstate, reason, "jobs failed; they are tried again");
}
