//! `crm_api`: the HTTP service of pg_crm.
//!
//! A thin layer: each request is one transaction that calls one SQL function under the caller's role.
//! Every rule lives in the database.

mod admin;
mod caller;
mod check;
mod command;
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
mod mail;
mod mcp;
mod metrics;
mod observe;
mod once;
mod openapi;
mod patience;
mod problem;
mod public;
mod routes;
mod server;
mod stream;
mod token;

use std::process::ExitCode;

use config::Config;

const USAGE: &str = "\
usage: crm_api [serve | night | sweep | key … | mcp | check | openapi]

  serve        answer HTTP requests (default)
  night        run the night once, now
  sweep        run the sweep once, now
  key create NAME ROLE [--org REF] [--venues REF,REF…] [--expires DAYS]
               make a principal (reader, staff, manager or admin) and a key for it, shown this once
  key list     list the keys
  key revoke ID
               end a key, by its id
  mcp          answer a language model over standard input and output, under the key of CRM_MCP_KEY
  check        connect, check the schema version, print what crm.health() reports
  openapi      print the OpenAPI document

environment:
  CRM_DATABASE_URL             PostgreSQL connection string (required but by openapi)
  CRM_LISTEN                   address and port to listen on (default 127.0.0.1:8080)
  CRM_POOL_SIZE                connections at most (default 10)
  CRM_REQUEST_TIMEOUT_SECONDS  seconds a request may take (default 10)
  CRM_LONG_REQUEST_TIMEOUT_SECONDS
                               the same for exports, imports and what reads all guests of a venue (default 120)
  CRM_REQUESTS_PER_SECOND      requests of one caller a second, twice as many at once (default 200)
  CRM_MAX_REQUESTS             requests of all at a time (default 500)
  CRM_LOG                      log filter, e.g. info or crm_api=debug (default info)
  CRM_RUN_JOBS                 on: run the sweep and the night too, where no pg_cron does (default off)
  CRM_JOBS_DATABASE_URL        connection string of a login that may take the role crm_owner (required by CRM_RUN_JOBS=on, night and sweep;
               key takes that of a database administrator)
  CRM_SWEEP_SECONDS            seconds between sweeps, 1 to 3600 (default 300)
  CRM_JWT_SECRET, CRM_JWT_KEYS_FILE
                               secret for HS256, or a JWKS file: takes tokens of the platform's identity provider too
  CRM_JWT_ISSUER, CRM_JWT_AUDIENCE
                               what tokens must have as iss and aud
  CRM_JWT_SUBJECT_CLAIM        claim that holds a principal's subject (default sub)
  CRM_JWT_ORGANISATION_CLAIM   claim that holds the platform's id of the organisation (default: the only one there is)
  CRM_PUBLIC_URL               what links in mails begin with (default http://CRM_LISTEN; required by CRM_SMTP_URL)
  CRM_PUBLIC_REQUESTS_PER_MINUTE
                               requests of one address a minute to the pages behind those links (default 60)
  CRM_CLIENT_ADDRESS_HEADER    header in which a proxy in front tells that address, e.g. X-Forwarded-For (default: none, the peer counts)
  CRM_SEND_MAIL                off: leave the mails that guests are to confirm to another instance (default on)
  CRM_SMTP_URL                 mail server, e.g. smtps://user:password@mail.example.org or smtp://localhost
  CRM_MAIL_FROM                address that mails come from (required by CRM_SMTP_URL)
  CRM_MAILBOX_DIR              folder into which mails are written where there is no CRM_SMTP_URL (default mailbox)
  CRM_MCP_KEY                  key of crm_api mcp
  CRM_CONFIG_FILE              TOML file with any of these in lower case and without CRM_; the environment goes before it";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["serve"] => with_config(server::serve).await,
        ["night"] => with_config(|config| command::job(config, "CALL crm.run_night()")).await,
        ["sweep"] => with_config(|config| command::job(config, "CALL crm.run_sweep()")).await,
        ["key", ..] => match command::KeyCommand::parse(&arguments[1..]) {
            Some(wanted) => with_config(|config| command::key(config, wanted)).await,
            None => {
                eprintln!("{USAGE}");
                ExitCode::from(2)
            }
        },
        ["mcp"] => with_config(mcp::serve_stdio).await,
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
