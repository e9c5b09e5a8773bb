//! The cluster that is measured, and the databases made in it.

use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::sync::Mutex;

use postgres::Config;
use postgres::config::Host;

use crate::Failure;
use crate::session::Session;

/// The role whose pages are listed: no superuser, as in a platform.
pub const STAFF: &str = "crm_bench_staff";

/// The night after the last day of the generated history: 03:30 at its venues.
pub const CLOCK: &str = "2026-07-01 00:30+00";

/// A superuser's way into a throw-away cluster.
pub struct Cluster {
    config: Config,
    databases: Mutex<Vec<String>>,
}

impl Cluster {
    pub fn from_environment() -> Result<Self, Failure> {
        let url = std::env::var("CRM_BENCH_URL").map_err(
            |_| "CRM_BENCH_URL must name a superuser connection to a throw-away cluster with pg_crm",
        )?;
        Ok(Self { config: Config::from_str(&url)?, databases: Mutex::default() })
    }

    /// A superuser's connection to a database.
    pub fn open(&self, database: &str) -> Result<Session, Failure> {
        Session::open(self.config.clone().dbname(database))
    }

    /// A connection of the listing role.
    pub fn open_as_staff(&self, database: &str) -> Result<Session, Failure> {
        Session::open(self.config.clone().dbname(database).user(STAFF))
    }

    fn maintenance(&self) -> Result<Session, Failure> {
        Session::open(&self.config)
    }

    /// Makes the listing role, with the password of the cluster's superuser if there is one.
    pub fn make_staff(&self) -> Result<(), Failure> {
        let password =
            self.config.get_password().map(String::from_utf8_lossy).unwrap_or_default().replace('\'', "''");
        self.maintenance()?
            .run(&format!("DROP ROLE IF EXISTS {STAFF}; CREATE ROLE {STAFF} LOGIN PASSWORD '{password}'"))
    }

    /// A copy of a database, or of the empty template, whose clock stands still.
    pub fn create(&self, purpose: &str, template: &str) -> Result<String, Failure> {
        let name = format!("crm_bench_{}_{purpose}", std::process::id());
        // Known before it exists: what fails half-way is dropped all the same.
        if let Ok(mut databases) = self.databases.lock() {
            databases.push(name.clone());
        }
        let mut sql = self.maintenance()?;
        // Ranges of ids are byte ranges, whatever the cluster's own locale. Large files are copied, not logged.
        let locale = if template == "template0" { "LOCALE 'C.UTF-8' ENCODING 'UTF8'" } else { "" };
        let large =
            sql.value::<String>(&format!("SELECT pg_database_size('{template}') > 100000000"))? == "t";
        let strategy = if large { "FILE_COPY" } else { "WAL_LOG" };
        sql.run(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY {strategy} {locale}"))?;
        sql.run(&format!("ALTER DATABASE {name} SET crm.as_of = '{CLOCK}'"))?;
        Ok(name)
    }

    pub fn drop_database(&self, name: &str) -> Result<(), Failure> {
        self.maintenance()?.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    }

    /// Drops what was made so far.
    pub fn drop_all(&self) -> Result<(), Failure> {
        let names = self.databases.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default();
        for name in names {
            self.drop_database(&name)?;
        }
        self.maintenance()?.run(&format!("DROP ROLE IF EXISTS {STAFF}"))
    }

    /// Runs a psql script in a database.
    pub fn psql(&self, database: &str, script: &Path, variables: &[(&str, String)]) -> Result<(), Failure> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(script);
        for (name, value) in variables {
            psql.args(["-v", &format!("{name}={value}")]);
        }
        psql.env("PGDATABASE", database).env("PGOPTIONS", "-c client_min_messages=warning");
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => psql.env("PGHOST", host),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => psql.env("PGHOST", folder),
            None => &mut psql,
        };
        if let Some(port) = self.config.get_ports().first() {
            psql.env("PGPORT", port.to_string());
        }
        if let Some(user) = self.config.get_user() {
            psql.env("PGUSER", user);
        }
        if let Some(password) = self.config.get_password() {
            psql.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
        }
        let output = psql.output().map_err(|e| format!("psql: {e}"))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("{}: {}", script.display(), String::from_utf8_lossy(&output.stderr)).into())
        }
    }
}
