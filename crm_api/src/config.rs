//! Configuration, read once from the environment. Every `CRM_*` key that is not known is refused: a misspelt
//! key would otherwise silently leave its default in force.

use std::{fmt, net::SocketAddr, num::NonZeroU32, str::FromStr, time::Duration};

use axum::http::HeaderName;
use thiserror::Error;
use tokio_postgres::config::SslMode;
use tracing_subscriber::filter::Targets;

use crate::{
    mail::settings::{self as mail, MailDraft, MailSettings},
    token::{TokenKeys, TokenSettings},
};

const DATABASE_URL: &str = "CRM_DATABASE_URL";
const LISTEN: &str = "CRM_LISTEN";
const POOL_SIZE: &str = "CRM_POOL_SIZE";
const REQUEST_TIMEOUT_SECONDS: &str = "CRM_REQUEST_TIMEOUT_SECONDS";
const LOG: &str = "CRM_LOG";
const RUN_JOBS: &str = "CRM_RUN_JOBS";
const JOBS_DATABASE_URL: &str = "CRM_JOBS_DATABASE_URL";
const SWEEP_SECONDS: &str = "CRM_SWEEP_SECONDS";
const REQUESTS_PER_SECOND: &str = "CRM_REQUESTS_PER_SECOND";
const MAX_REQUESTS: &str = "CRM_MAX_REQUESTS";
const JWT_SECRET: &str = "CRM_JWT_SECRET";
const JWT_KEYS_FILE: &str = "CRM_JWT_KEYS_FILE";
const JWT_ISSUER: &str = "CRM_JWT_ISSUER";
const JWT_AUDIENCE: &str = "CRM_JWT_AUDIENCE";
const JWT_SUBJECT_CLAIM: &str = "CRM_JWT_SUBJECT_CLAIM";
const JWT_ORGANISATION_CLAIM: &str = "CRM_JWT_ORGANISATION_CLAIM";
const MCP_KEY: &str = "CRM_MCP_KEY";
const CONFIG_FILE: &str = "CRM_CONFIG_FILE";
const PUBLIC_REQUESTS_PER_MINUTE: &str = "CRM_PUBLIC_REQUESTS_PER_MINUTE";
const CLIENT_ADDRESS_HEADER: &str = "CRM_CLIENT_ADDRESS_HEADER";
const LONG_REQUEST_TIMEOUT_SECONDS: &str = "CRM_LONG_REQUEST_TIMEOUT_SECONDS";
const KEYS: [&str; 26] = [
    LONG_REQUEST_TIMEOUT_SECONDS,
    PUBLIC_REQUESTS_PER_MINUTE,
    CLIENT_ADDRESS_HEADER,
    mail::SEND_MAIL,
    mail::SMTP_URL,
    mail::MAIL_FROM,
    mail::MAILBOX_DIR,
    mail::PUBLIC_URL,
    MCP_KEY,
    CONFIG_FILE,
    REQUESTS_PER_SECOND,
    MAX_REQUESTS,
    JWT_SECRET,
    JWT_KEYS_FILE,
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_SUBJECT_CLAIM,
    JWT_ORGANISATION_CLAIM,
    DATABASE_URL,
    LISTEN,
    POOL_SIZE,
    REQUEST_TIMEOUT_SECONDS,
    LOG,
    RUN_JOBS,
    JOBS_DATABASE_URL,
    SWEEP_SECONDS,
];

/// Everything the service is told from outside.
#[derive(Clone)]
pub struct Config {
    /// Parsed `CRM_DATABASE_URL`. Holds the password.
    pub database: tokio_postgres::Config,
    pub listen: SocketAddr,
    /// Connections to the database at most, 1 to 1,000.
    pub pool_size: usize,
    /// How long a request may take, 1 to 300 seconds; the database's statement_timeout is the same.
    pub request_timeout: Duration,
    /// The same for the routes that may take long, 1 to 3,600 seconds, and no less than the others.
    pub long_request_timeout: Duration,
    pub log: Targets,
    /// Requests of one caller a second, 1 to 100,000; twice as many at once.
    pub requests_per_second: NonZeroU32,
    /// Requests of all at a time, 1 to 100,000; what comes above gets 503.
    pub max_requests: usize,
    /// Requests of one address a minute to the pages for guests, 1 to 100,000.
    pub public_requests_per_minute: u32,
    /// The header in which a proxy in front of the service tells the address of a client.
    pub client_address_header: Option<HeaderName>,
    /// Where mails are to be sent.
    pub mail: Option<MailSettings>,
    /// The key under which `crm_api mcp` asks.
    pub mcp_key: Option<String>,
    /// How tokens of the platform's identity provider are checked, where there is one.
    pub tokens: Option<TokenSettings>,
    /// Parsed `CRM_JOBS_DATABASE_URL`, for the commands that need more rights than the service. Holds the password.
    pub jobs_database: Option<tokio_postgres::Config>,
    /// Where `CRM_RUN_JOBS` is on.
    pub jobs: Option<Jobs>,
}

/// The jobs that the service runs besides answering requests.
#[derive(Clone)]
pub struct Jobs {
    /// Parsed `CRM_JOBS_DATABASE_URL`. Holds the password.
    pub database: tokio_postgres::Config,
    /// From the end of one sweep to the next, 1 second to an hour.
    pub sweep: Duration,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error("{0} is not a setting; the settings are {known}", known = KEYS.join(", "))]
    Unknown(String),
    #[error("the file that CRM_CONFIG_FILE names cannot be used: {0}")]
    File(String),
    #[error("{0} must be set")]
    Missing(&'static str),
    #[error("{key} must be {expected}")]
    Invalid { key: &'static str, expected: &'static str },
}

impl Config {
    /// Reads the process environment, and before it the file that its `CRM_CONFIG_FILE` names.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let environment: Vec<_> = std::env::vars_os()
            .filter_map(|(key, value)| {
                // A value that is not UTF-8 becomes one that no setting accepts, so that it is refused, not
                // skipped.
                let key = key.into_string().ok()?;
                Some((key, value.into_string().unwrap_or_else(|_| "\0".to_owned())))
            })
            .collect();
        let file = match environment.iter().find(|(key, _)| key == CONFIG_FILE) {
            Some((_, path)) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| ConfigError::File(error.to_string()))?;
                settings_of_file(&text)?
            }
            None => Vec::new(),
        };
        let set = |key: &String| environment.iter().any(|(name, _)| name == key);
        let file: Vec<_> = file.into_iter().filter(|(key, _)| !set(key)).collect();
        Self::from_variables(file.into_iter().chain(environment))
    }

    /// Reads settings from pairs of name and value; names that do not start with `CRM_` are not ours.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut database = None;
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let mut pool_size = 10;
        let mut request_timeout = 10;
        let mut long_request_timeout = 120;
        let mut log = Targets::new().with_default(tracing::Level::INFO);
        let mut run_jobs = false;
        let mut jobs_database = None;
        let mut sweep = 300;
        let mut requests_per_second = 200;
        let mut max_requests = 500;
        let mut public_requests_per_minute = 60;
        let mut client_address_header = None;
        let mut mail = MailDraft::default();
        let mut mcp_key = None;
        let mut token_keys = None;
        let mut tokens = TokenSettings {
            keys: TokenKeys::Secret(Vec::new()),
            issuer: None,
            audience: None,
            subject_claim: "sub".to_owned(),
            organisation_claim: None,
        };

        for (key, value) in variables {
            match key.as_str() {
                DATABASE_URL => database = Some(database_url(DATABASE_URL, &value)?),
                LISTEN => {
                    listen = parse(LISTEN, &value, "an address and port, such as 127.0.0.1:8080")?;
                }
                POOL_SIZE => {
                    pool_size = within(POOL_SIZE, &value, 1..=1_000, "a number from 1 to 1000")?;
                }
                REQUEST_TIMEOUT_SECONDS => {
                    let expected = "a number of seconds from 1 to 300";
                    request_timeout = within(REQUEST_TIMEOUT_SECONDS, &value, 1..=300, expected)?;
                }
                LONG_REQUEST_TIMEOUT_SECONDS => {
                    let expected = "a number of seconds from 1 to 3600";
                    long_request_timeout = within(LONG_REQUEST_TIMEOUT_SECONDS, &value, 1..=3_600, expected)?;
                }
                LOG => log = parse(LOG, &value, "a log filter, such as info or crm_api=debug")?,
                RUN_JOBS => {
                    run_jobs = match value.as_str() {
                        "on" => true,
                        "off" => false,
                        _ => return Err(ConfigError::Invalid { key: RUN_JOBS, expected: "on or off" }),
                    };
                }
                JOBS_DATABASE_URL => jobs_database = Some(database_url(JOBS_DATABASE_URL, &value)?),
                SWEEP_SECONDS => {
                    let expected = "a number of seconds from 1 to 3600";
                    sweep = within(SWEEP_SECONDS, &value, 1..=3_600, expected)?;
                }
                REQUESTS_PER_SECOND => {
                    let expected = "a number from 1 to 100000";
                    requests_per_second = within(REQUESTS_PER_SECOND, &value, 1..=100_000, expected)? as u32;
                }
                MAX_REQUESTS => {
                    max_requests = within(MAX_REQUESTS, &value, 1..=100_000, "a number from 1 to 100000")?;
                }
                JWT_SECRET if value.len() < 32 => {
                    return Err(ConfigError::Invalid { key: JWT_SECRET, expected: "at least 32 bytes long" });
                }
                JWT_SECRET | JWT_KEYS_FILE if token_keys.is_some() => {
                    return Err(ConfigError::Invalid {
                        key: JWT_KEYS_FILE,
                        expected: "left out where CRM_JWT_SECRET is set",
                    });
                }
                JWT_SECRET => token_keys = Some(TokenKeys::Secret(value.into_bytes())),
                JWT_KEYS_FILE => token_keys = Some(TokenKeys::File(value.into())),
                JWT_ISSUER => tokens.issuer = Some(value),
                JWT_AUDIENCE => tokens.audience = Some(value),
                JWT_SUBJECT_CLAIM => tokens.subject_claim = value,
                JWT_ORGANISATION_CLAIM => tokens.organisation_claim = Some(value),
                MCP_KEY => mcp_key = Some(value),
                PUBLIC_REQUESTS_PER_MINUTE => {
                    let expected = "a number from 1 to 100000";
                    public_requests_per_minute =
                        within(PUBLIC_REQUESTS_PER_MINUTE, &value, 1..=100_000, expected)? as u32;
                }
                CLIENT_ADDRESS_HEADER => {
                    let expected = "the name of a header, such as X-Forwarded-For";
                    client_address_header = Some(parse(CLIENT_ADDRESS_HEADER, &value, expected)?);
                }
                CONFIG_FILE => {}
                key if mail.take(key, &value)? => {}
                _ if key.starts_with("CRM_") => return Err(ConfigError::Unknown(key)),
                _ => {}
            }
        }
        Ok(Self {
            database: database.ok_or(ConfigError::Missing(DATABASE_URL))?,
            listen,
            pool_size,
            request_timeout: Duration::from_secs(request_timeout as u64),
            long_request_timeout: Duration::from_secs(long_request_timeout as u64),
            log,
            requests_per_second: NonZeroU32::new(requests_per_second).unwrap_or(NonZeroU32::MIN),
            max_requests,
            public_requests_per_minute,
            client_address_header,
            mail: mail.finish(listen)?,
            mcp_key,
            tokens: token_keys.map(|keys| TokenSettings { keys, ..tokens }),
            jobs_database: jobs_database.clone(),
            jobs: if run_jobs {
                let database = jobs_database.ok_or(ConfigError::Missing(JOBS_DATABASE_URL))?;
                Some(Jobs { database, sweep: Duration::from_secs(sweep as u64) })
            } else {
                None
            },
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database", &"[redacted]")
            .field("listen", &self.listen)
            .field("pool_size", &self.pool_size)
            .field("request_timeout", &self.request_timeout)
            .field("log", &self.log.to_string())
            .field("requests_per_second", &self.requests_per_second)
            .field("max_requests", &self.max_requests)
            .field("mail", &self.mail)
            .field("tokens", &self.tokens.as_ref().map(|_| "[redacted]"))
            .field("jobs", &self.jobs)
            .finish()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("database", &"[redacted]").field("sweep", &self.sweep).finish()
    }
}

/// The settings of a TOML file: those of the environment without `CRM_`, in lower case.
fn settings_of_file(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    // The parser's own message may quote the file, and so a password.
    let table: toml::Table = text.parse().map_err(|_| ConfigError::File("it is not TOML".to_owned()))?;
    table
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(true) => "on".to_owned(),
                toml::Value::Boolean(false) => "off".to_owned(),
                _ => {
                    return Err(ConfigError::File(format!(
                        "{name} must be a text, a number, or true or false"
                    )));
                }
            };
            Ok((format!("CRM_{}", name.to_uppercase()), text))
        })
        .collect()
}

/// The parser's own message may quote part of the string, and so the password: it is not passed on.
fn database_url(key: &'static str, value: &str) -> Result<tokio_postgres::Config, ConfigError> {
    let invalid = |expected| ConfigError::Invalid { key, expected };
    let config: tokio_postgres::Config = value.parse().map_err(|_| {
        invalid("a PostgreSQL connection string, such as postgresql://crm_service@127.0.0.1/shop")
    })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(invalid(
            "without sslmode=require: this build has no TLS towards the database; use a Unix socket, loopback or a tunnel",
        ));
    }
    if config.get_hosts().is_empty() {
        return Err(invalid("a connection string that names a host (for a Unix socket its directory)"));
    }
    Ok(config)
}

fn parse<T: FromStr>(key: &'static str, value: &str, expected: &'static str) -> Result<T, ConfigError> {
    value.parse().map_err(|_| ConfigError::Invalid { key, expected })
}

fn within(
    key: &'static str,
    value: &str,
    range: std::ops::RangeInclusive<usize>,
    expected: &'static str,
) -> Result<usize, ConfigError> {
    let number = parse(key, value, expected)?;
    if range.contains(&number) { Ok(number) } else { Err(ConfigError::Invalid { key, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgresql://crm_service:hunter2@db.example/shop";

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    fn refused_key(pairs: &[(&str, &str)]) -> &'static str {
        match config(pairs).unwrap_err() {
            ConfigError::Invalid { key, .. } => key,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn only_the_database_is_required() {
        let config = config(&[(DATABASE_URL, URL), ("HOME", "/root")]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.pool_size, 10);
        assert_eq!(config.request_timeout, Duration::from_secs(10));
    }

    #[test]
    fn a_missing_database_is_refused() {
        assert_eq!(config(&[]).unwrap_err(), ConfigError::Missing(DATABASE_URL));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = config(&[(DATABASE_URL, URL), ("CRM_POOLSIZE", "5")]).unwrap_err();
        assert_eq!(error, ConfigError::Unknown("CRM_POOLSIZE".to_owned()));
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for value in ["0", "1001", "-1", "ten", ""] {
            assert_eq!(refused_key(&[(DATABASE_URL, URL), (POOL_SIZE, value)]), POOL_SIZE);
        }
        for value in ["0", "301", "1.5"] {
            assert_eq!(
                refused_key(&[(DATABASE_URL, URL), (REQUEST_TIMEOUT_SECONDS, value)]),
                REQUEST_TIMEOUT_SECONDS
            );
        }
        assert_eq!(refused_key(&[(DATABASE_URL, URL), (LISTEN, "localhost")]), LISTEN);
    }

    #[test]
    fn required_tls_is_refused_rather_than_ignored() {
        let url = format!("{URL}?sslmode=require");
        assert_eq!(refused_key(&[(DATABASE_URL, &url)]), DATABASE_URL);
    }

    #[test]
    fn jobs_run_only_when_switched_on_and_need_a_database_of_their_own() {
        assert!(config(&[(DATABASE_URL, URL), (JOBS_DATABASE_URL, URL)]).unwrap().jobs.is_none());
        assert!(config(&[(DATABASE_URL, URL), (RUN_JOBS, "off")]).unwrap().jobs.is_none());
        assert_eq!(
            config(&[(DATABASE_URL, URL), (RUN_JOBS, "on")]).unwrap_err(),
            ConfigError::Missing(JOBS_DATABASE_URL)
        );
        let on = [(DATABASE_URL, URL), (RUN_JOBS, "on"), (JOBS_DATABASE_URL, URL)];
        assert_eq!(config(&on).unwrap().jobs.unwrap().sweep, Duration::from_secs(300));
    }

    #[test]
    fn a_jobs_setting_that_cannot_be_is_refused_though_they_are_off() {
        for value in ["", "ON", "true", "1"] {
            assert_eq!(refused_key(&[(DATABASE_URL, URL), (RUN_JOBS, value)]), RUN_JOBS);
        }
        for value in ["0", "3601", "5m"] {
            assert_eq!(refused_key(&[(DATABASE_URL, URL), (SWEEP_SECONDS, value)]), SWEEP_SECONDS);
        }
        assert_eq!(
            refused_key(&[(DATABASE_URL, URL), (JOBS_DATABASE_URL, "postgresql://")]),
            JOBS_DATABASE_URL
        );
    }

    #[test]
    fn a_file_has_the_same_settings() {
        let file =
            settings_of_file("database_url = \"postgresql://h/shop\"\npool_size = 5\nrun_jobs = false")
                .unwrap();
        assert_eq!(Config::from_variables(file).unwrap().pool_size, 5);
        let unknown = settings_of_file("database_url = \"postgresql://h/shop\"\npoolsize = 5").unwrap();
        assert_eq!(
            Config::from_variables(unknown).unwrap_err(),
            ConfigError::Unknown("CRM_POOLSIZE".to_owned())
        );
        let secret = settings_of_file("database_url = \"hunter2").unwrap_err();
        assert!(!secret.to_string().contains("hunter2"));
        assert!(settings_of_file("pool_size = [5]").is_err());
    }

    #[test]
    fn a_token_secret_is_long_and_the_only_one() {
        assert_eq!(refused_key(&[(DATABASE_URL, URL), (JWT_SECRET, "short")]), JWT_SECRET);
        let secret = "x".repeat(32);
        let both = [(DATABASE_URL, URL), (JWT_SECRET, secret.as_str()), (JWT_KEYS_FILE, "keys.json")];
        assert_eq!(refused_key(&both), JWT_KEYS_FILE);
        assert!(config(&[(DATABASE_URL, URL), (JWT_SECRET, &secret)]).unwrap().tokens.is_some());
        assert!(config(&[(DATABASE_URL, URL)]).unwrap().tokens.is_none());
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_password() {
        let on = [(DATABASE_URL, URL), (RUN_JOBS, "on"), (JOBS_DATABASE_URL, URL)];
        let accepted = format!("{:?}", config(&on).unwrap());
        assert!(accepted.contains("[redacted]") && !accepted.contains("hunter2"));
        let refused = config(&[(DATABASE_URL, "postgresql://x:hunter2@h:port/")]).unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
    }
}
