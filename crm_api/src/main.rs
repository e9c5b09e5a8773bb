//! `crm_api`: the HTTP service of pg_crm.
//!
//! A thin layer: each request is one transaction that calls one SQL function under the caller's role.
//! Every rule lives in the database.

mod admin;
mod caller;
mod check;
mod config;
mod credentials;
mod cursor;
mod database;
mod decimal;
mod docs;
mod etag;
mod extract;
mod jobs;
mod limits;
mod metrics;
mod observe;
mod once;
mod openapi;
mod problem;
mod routes;
mod server;
mod token;

use std::process::ExitCode;

use config::Config;

const USAGE: &str = "\
usage: crm_api [serve | check | openapi]

  serve     answer HTTP requests (default)
  check     connect, check the schema version, print what crm.health() reports
  openapi   print the OpenAPI document

environment:
  CRM_DATABASE_URL             PostgreSQL connection string (required by serve and check)
  CRM_LISTEN                   address and port to listen on (default 127.0.0.1:8080)
  CRM_POOL_SIZE                connections at most (default 10)
  CRM_REQUEST_TIMEOUT_SECONDS  seconds a request may take (default 10)
  CRM_LOG                      log filter, e.g. info or crm_api=debug (default info)
  CRM_RUN_JOBS                 on: run the sweep and the night too, where no pg_cron does (default off)
  CRM_JOBS_DATABASE_URL        connection string of a login that may take the role crm_owner (required by CRM_RUN_JOBS=on)
  CRM_SWEEP_SECONDS            seconds between sweeps, 1 to 3600 (default 300)";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["serve"] => with_config(server::serve).await,
        ["check"] => with_config(check::check).await,
        ["openapi"] => {
            println!("{}", openapi::text());
            ExitCode::SUCCESS
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Runs one command with the configuration of the environment; exit code 2 when that is refused, 1 when the
/// command fails.
async fn with_config<F>(command: impl FnOnce(Config) -> F) -> ExitCode
where
    F: Future<Output = Result<(), String>>,
{
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("crm_api: {error}");
            return ExitCode::from(2);
        }
    };
    match command(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("crm_api: {message}");
            ExitCode::FAILURE
        }
    }
}
