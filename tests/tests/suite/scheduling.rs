//! The jobs that pg_cron runs: what is scheduled, and that a dump brings it back.

use std::process::Command;

use crm_tests::database::{client_program, succeed};
use crm_tests::torture::cluster::{CAREFUL, PrivateCluster};
use crm_tests::{TestDatabase, restaurant};

/// By hand, from docs/dba.md: the night at 03:30, the sweep every five minutes, imports every minute.
const SCHEDULED: [&str; 3] = [
    "pg_crm imports|* * * * *|CALL crm.run_imports()|app|postgres|t",
    "pg_crm night|30 3 * * *|CALL crm.run_night()|app|postgres|t",
    "pg_crm sweep|*/5 * * * *|CALL crm.run_sweep()|app|postgres|t",
];
const JOBS: &str =
    "SELECT jobname, schedule, command, database, username, active FROM cron.job ORDER BY jobname";
const PG_CRON: &[&str] =
    &["shared_preload_libraries=pg_cron", "cron.database_name=app", "cron.use_background_workers=on"];

/// Whether the tested server has pg_cron, which it must wherever a distribution's packages are.
fn there_is_pg_cron() -> bool {
    let database = TestDatabase::empty("cron_there");
    database.session().number("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'") > 0
}

#[test]
fn the_jobs_of_pg_cron_survive_dump_and_restore() {
    if !there_is_pg_cron() {
        eprintln!("this PostgreSQL has no pg_cron: not tried");
        return;
    }
    let cluster = PrivateCluster::start("cron", &[CAREFUL, PG_CRON].concat());
    let mut server = cluster.session("postgres");
    server.run("CREATE DATABASE app");
    let mut sql = cluster.session("app");
    sql.run("CREATE EXTENSION pg_cron; CREATE EXTENSION pg_crm CASCADE; SELECT crm.install()");
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::bind(&mut sql);
    // Twice, as after an upgrade: no job is there twice.
    sql.run("SELECT crm.schedule(); SELECT crm.schedule()");
    sql.expect_rows(JOBS, &SCHEDULED);

    let file = std::env::temp_dir().join(format!("pg_crm-cron-{}.dump", std::process::id()));
    succeed(client_program("pg_dump", &cluster.config("app")).args(["-Fc", "-f"]).arg(&file));
    drop(sql);
    server.run("DROP DATABASE app WITH (FORCE)");
    server.run("CREATE DATABASE app");
    let mut restore: Command = client_program("pg_restore", &cluster.config("app"));
    succeed(restore.args(["-j4", "--exit-on-error", "-d", "app"]).arg(&file));
    std::fs::remove_file(&file).expect("the dump is removed");
    let mut sql = cluster.session("app");
    sql.expect_rows(JOBS, &SCHEDULED);
    sql.run("SELECT crm.schedule()");
    sql.expect_rows(JOBS, &SCHEDULED);
    for job in sql.rows("SELECT command FROM cron.job") {
        sql.run(&job);
    }
    sql.expect_none("SELECT * FROM crm.health() WHERE severity = 'error'");

    // The platform's own jobs stay when the CRM goes.
    sql.run("SELECT cron.schedule('theirs', '0 4 * * *', 'ANALYZE'); SELECT crm.unschedule()");
    sql.expect_rows("SELECT jobname FROM cron.job", &["theirs"]);
    sql.run("SELECT crm.schedule(); SELECT crm.uninstall(keep_data => false); DROP EXTENSION pg_crm");
    sql.expect_rows("SELECT jobname FROM cron.job", &["theirs"]);
}
