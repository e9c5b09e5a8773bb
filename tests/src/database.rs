//! Throw-away databases with the extension installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::Config;
use postgres::config::Host;

use crate::session::Session;

static COUNTER: AtomicU32 = AtomicU32::new(0);
static TEMPLATE: LazyLock<String> = LazyLock::new(prepare_template);

/// Serialises the preparation of the template among test binaries that run at once.
const TEMPLATE_LOCK: &str = "7246301";

/// Serialises what tests that run at once change of the same role: PostgreSQL refuses the later of two.
const ROLE_LOCK: &str = "7246302";

/// A database that exists for one test, or for the tests of one file.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A fresh database with the extension created and `crm.install()` done.
    pub fn new(purpose: &str) -> Self {
        Self::create(purpose, Some(&TEMPLATE))
    }

    /// A fresh database without the extension, for installing or restoring into.
    pub fn empty(purpose: &str) -> Self {
        LazyLock::force(&TEMPLATE);
        Self::create(purpose, None)
    }

    fn create(purpose: &str, template: Option<&str>) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("crm_test_{}_{number}_{purpose}", std::process::id());
        assert!(name.len() < 64, "{name} is longer than an identifier may be");
        let template = template.unwrap_or("template0");
        maintenance().run(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name }
    }

    /// Its name in the cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A further connection, as the superuser of `CRM_TEST_URL`.
    pub fn session(&self) -> Session {
        Session::open(&self.config())
    }

    /// A connection as another login role.
    pub fn session_as(&self, role: &str) -> Session {
        Session::open(&self.config_as(role))
    }

    /// How to connect as another login role, which is given the cluster's own password, if it has one.
    pub fn config_as(&self, role: &str) -> Config {
        let mut config = self.config();
        if let Some(password) = config.get_password() {
            let password = String::from_utf8_lossy(password);
            let mut sql = maintenance();
            sql.run(&format!("SELECT pg_advisory_lock({ROLE_LOCK})"));
            sql.run(&format!("ALTER ROLE {role} PASSWORD '{password}'"));
        }
        config.user(role);
        config
    }

    /// How to connect to it.
    pub fn config(&self) -> Config {
        let mut config = cluster();
        config.dbname(&self.name);
        config
    }

    /// A client program (psql, pg_dump, …) aimed at this database through its environment.
    pub fn program(&self, program: &str) -> Command {
        let mut config = cluster();
        config.dbname(&self.name);
        client_program(program, &config)
    }

    /// Runs a psql script from its own folder and stops at the first error.
    pub fn psql_script(&self, script: &Path, variables: &[(&str, &str)]) {
        succeed(&mut self.psql(script, variables));
    }

    /// Runs a psql script that reads a gzipped file on its standard input.
    pub fn psql_script_reading(&self, script: &Path, gzipped: &Path) {
        let mut gzip = Command::new("gzip")
            .args(["-d", "-c"])
            .arg(gzipped)
            .stdout(Stdio::piped())
            .spawn()
            .expect("gzip starts");
        let plain = gzip.stdout.take().expect("its output is piped");
        succeed(self.psql(script, &[]).stdin(plain));
        assert!(gzip.wait().expect("gzip ends").success(), "{} is complete", gzipped.display());
    }

    fn psql(&self, script: &Path, variables: &[(&str, &str)]) -> Command {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        for (name, value) in variables {
            psql.args(["-v", &format!("{name}={value}")]);
        }
        let folder = script.parent().expect("a script has a folder");
        psql.current_dir(folder).arg("-f").arg(script);
        psql
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if std::env::var_os("CRM_TEST_KEEP").is_none() {
            maintenance().run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

/// The folder of the example platforms.
pub fn demo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sql/demo")
        .canonicalize()
        .expect("sql/demo stands beside tests")
}

/// Runs a program and fails with what it wrote to stderr.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{:?} ended with {}:\n{}",
        command.get_program(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A client program that connects as this says, by its environment.
pub fn client_program(program: &str, config: &Config) -> Command {
    let mut command = Command::new(program);
    command.env("PGOPTIONS", "-c client_min_messages=warning");
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => command.env("PGHOST", host),
        #[cfg(unix)]
        Some(Host::Unix(path)) => command.env("PGHOST", path),
        None => &mut command,
    };
    if let Some(port) = config.get_ports().first() {
        command.env("PGPORT", port.to_string());
    }
    if let Some(database) = config.get_dbname() {
        command.env("PGDATABASE", database);
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
    }
    command
}

fn cluster() -> Config {
    let url = std::env::var("CRM_TEST_URL")
        .expect("CRM_TEST_URL must name a superuser connection to a throw-away cluster with pg_crm");
    Config::from_str(&url).unwrap_or_else(|e| panic!("CRM_TEST_URL: {e}"))
}

fn maintenance() -> Session {
    Session::open(&cluster())
}

/// One template per build of the extension: installing takes longer than cloning, and installs at once would
/// race for the cluster-wide roles. The name follows the files' times, so a rebuilt extension gets a new one.
fn prepare_template() -> String {
    let mut sql = maintenance();
    sql.run(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"));
    drop_leftovers(&mut sql);
    let build = sql.value(
        "SELECT md5(string_agg(concat_ws(' ', file, s.modification, s.size), ',' ORDER BY file))
           FROM (SELECT setting || '/pg_crm.so' AS file FROM pg_config WHERE name = 'PKGLIBDIR'
                 UNION ALL
                 SELECT dir || name FROM (SELECT setting || '/extension/' AS dir FROM pg_config WHERE name = 'SHAREDIR') d,
                        pg_ls_dir(dir) AS name
                  WHERE name LIKE 'pg\\_crm%') f, pg_stat_file(file) s",
    );
    let name = format!("crm_template_{}", &build[..12]);
    if sql.value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")) == "0" {
        for old in sql.rows("SELECT datname FROM pg_database WHERE datname LIKE 'crm\\_template\\_%'") {
            sql.run(&format!("DROP DATABASE IF EXISTS {old} WITH (FORCE)"));
        }
        let unfinished = format!("{name}_unfinished");
        sql.run(&format!("CREATE DATABASE {unfinished} TEMPLATE template0"));
        let mut config = cluster();
        config.dbname(&unfinished);
        let mut inside = Session::open(&config);
        inside.run("CREATE EXTENSION pg_crm CASCADE");
        inside.run("SELECT crm.install()");
        // The service logs in as this role; set here, since tests at once would collide on a role of the cluster.
        inside.run("ALTER ROLE crm_service LOGIN");
        drop(inside);
        sql.run(&format!("ALTER DATABASE {unfinished} RENAME TO {name}"));
    }
    sql.run(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})"));
    name
}

/// Databases shared by the tests of one file live until the process ends and cannot drop themselves; the next
/// run drops those whose process is gone.
fn drop_leftovers(sql: &mut Session) {
    if std::env::var_os("CRM_TEST_KEEP").is_some() {
        return;
    }
    for name in sql.rows("SELECT datname FROM pg_database WHERE datname LIKE 'crm\\_test\\_%'") {
        let owner = name.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            sql.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
