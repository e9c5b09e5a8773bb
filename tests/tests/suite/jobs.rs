//! The service as the one who runs the jobs. `CRM_API_BIN` names the program.

use std::time::{Duration, Instant};

use crm_tests::program::connection_string;
use crm_tests::{Program, Session, TestDatabase, restaurant};

/// A bound restaurant and a login that may run its jobs, as docs/dba.md makes one.
struct Restaurant {
    sql: Session,
    login: String,
    database: TestDatabase,
}

impl Restaurant {
    /// Regulars with three visits each, the last 40 days ago, counted 20 days ago: LOYAL then, AT_RISK for ten days now.
    fn with_due_regulars(purpose: &str, regulars: u32) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        restaurant::create(&mut sql);
        restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
        sql.run(&format!(
            "SELECT dine('g' || i, 'bistro', now()::timestamp - make_interval(days => 40 + k), 10)
               FROM generate_series(1, {regulars}) i, generate_series(0, 2) k;
             SELECT set_config('crm.as_of', (now() - interval '20 days')::text, false)"
        ));
        restaurant::bind(&mut sql);
        sql.run("RESET crm.as_of");
        assert_eq!(labelled(&mut sql, "AT_RISK"), 0);
        let login = format!("{}_jobs", database.name());
        sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN NOINHERIT IN ROLE crm_owner"
        ));
        Self { sql, login, database }
    }

    fn serve(&self, sweep_seconds: &str) -> Program {
        let url = connection_string(&self.database, &self.login);
        let settings =
            [("CRM_RUN_JOBS", "on"), ("CRM_JOBS_DATABASE_URL", &url), ("CRM_SWEEP_SECONDS", sweep_seconds)];
        Program::start(&self.database, &settings)
    }

    /// One more visit of a guest 35 days ago, which leaves a label behind that is due.
    fn add_due_regular(&mut self, guest: &str) {
        self.sql.run(&format!(
            "SELECT set_config('crm.as_of', (now() - interval '20 days')::text, false);
             SELECT dine('{guest}', 'bistro', now()::timestamp - make_interval(days => 35 + k), 10) FROM generate_series(0, 2) k;
             RESET crm.as_of"
        ));
    }

    #[track_caller]
    fn await_rows(&mut self, count: i64, what: &str) {
        let start = Instant::now();
        while self.sql.number(&format!("SELECT count(*) FROM {what}")) != count {
            assert!(start.elapsed() < Duration::from_secs(30), "{count} rows of {what} within 30 seconds");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Restaurant {
    fn drop(&mut self) {
        // A login that still has a connection stays; the cluster is thrown away.
        let _ = self.sql.attempt(&format!("DROP ROLE {}", self.login));
    }
}

const AT_RISK: &str = "crm.customer_venue_stats WHERE label = 'AT_RISK'";
const SESSIONS: &str =
    "pg_stat_activity WHERE application_name = 'crm_api jobs' AND datname = current_database()";
const LEADERS: &str = "pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint << 32 | objid::bigint = hashtextextended('crm_api jobs', 0)";

fn labelled(sql: &mut Session, label: &str) -> i64 {
    sql.number(&format!("SELECT count(*) FROM crm.customer_venue_stats WHERE label = '{label}'"))
}

#[test]
fn a_due_label_is_swept_at_start_and_at_each_interval() {
    let mut house = Restaurant::with_due_regulars("jobs_sweep", 3);
    let _service = house.serve("1");
    house.await_rows(3, AT_RISK);
    house.add_due_regular("late");
    house.await_rows(4, AT_RISK);
    house.sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn a_night_that_was_missed_is_caught_up_at_start_and_one_that_was_not_is_left() {
    let mut house = Restaurant::with_due_regulars("jobs_night", 3);
    // The backfill ended with a night: none is missed, whatever the hour.
    house.sql.run("UPDATE crm.venue SET created_at = now() - interval '3 days'; UPDATE crm.job_run SET started_at = now()");
    {
        let _service = house.serve("3600");
        house.await_rows(3, AT_RISK);
    }
    house.await_rows(0, SESSIONS);
    house.sql.expect_rows("SELECT count(*) FROM crm.job_run WHERE job = 'night'", &["1"]);
    house.sql.run(
        "UPDATE crm.job_run SET started_at = started_at - interval '2 days', finished_at = finished_at - interval '2 days'",
    );
    let _service = house.serve("3600");
    house.await_rows(2, "crm.job_run WHERE job = 'night' AND finished_at IS NOT NULL AND error IS NULL");
}

#[test]
fn of_two_instances_one_leads_and_the_other_takes_over() {
    let mut house = Restaurant::with_due_regulars("jobs_leader", 1);
    let mut first = house.serve("1");
    house.await_rows(1, LEADERS);
    let leader = house.sql.value(&format!("SELECT pid FROM {LEADERS}"));
    let _second = house.serve("1");
    house.await_rows(2, SESSIONS);
    house.await_rows(1, LEADERS);
    assert_eq!(house.sql.value(&format!("SELECT pid FROM {LEADERS}")), leader);
    first.stop();
    house.await_rows(1, SESSIONS);
    house.await_rows(1, LEADERS);
    assert_ne!(house.sql.value(&format!("SELECT pid FROM {LEADERS}")), leader);
    house.add_due_regular("late");
    house.await_rows(2, AT_RISK);
}

#[test]
fn a_connection_that_is_lost_is_made_anew() {
    let mut house = Restaurant::with_due_regulars("jobs_reconnect", 1);
    let _service = house.serve("1");
    house.await_rows(1, AT_RISK);
    house.sql.run(&format!("SELECT pg_terminate_backend(pid) FROM {SESSIONS}"));
    house.add_due_regular("late");
    house.await_rows(2, AT_RISK);
}

#[test]
fn a_failing_job_is_tried_again_and_requests_are_answered_meanwhile() {
    let mut house = Restaurant::with_due_regulars("jobs_failing", 1);
    house.sql.run("ALTER TABLE crm.failed_change RENAME TO away");
    let service = house.serve("1");
    house.await_rows(1, SESSIONS);
    let ready = minreq::get(format!("{}/readyz", service.base)).with_timeout(10).send().expect("an answer");
    assert_eq!(ready.status_code, 200, "{:?}", ready.as_str());
    assert_eq!(labelled(&mut house.sql, "AT_RISK"), 0);
    house.sql.run("ALTER TABLE crm.away RENAME TO failed_change");
    house.await_rows(1, AT_RISK);
}

#[test]
fn stopping_lets_the_present_chunk_commit_and_begins_no_other() {
    let mut house = Restaurant::with_due_regulars("jobs_stop", 2001);
    let mut holder = house.database.session();
    holder.run("BEGIN; LOCK TABLE crm.job_run IN SHARE MODE");
    let mut service = house.serve("3600");
    // The first chunk has rewritten its rows and waits to log its run.
    house.await_rows(1, &format!("{SESSIONS} AND wait_event = 'relation'"));
    service.stop();
    // Another session asks it to stop, and waits for its end.
    house.await_rows(1, &format!("{SESSIONS} AND wait_event = 'advisory'"));
    assert!(service.ended().is_none(), "the service waits for the chunk");
    holder.run("COMMIT");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = service.ended() {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(15), "the service ends within 15 seconds");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
    assert_eq!(labelled(&mut house.sql, "AT_RISK"), 1000);
    house.sql.expect_rows("SELECT rows FROM crm.job_run WHERE job = 'sweep'", &["1000"]);
    house.await_rows(0, SESSIONS);
}

#[test]
fn the_services_own_login_may_not_run_the_jobs() {
    let mut house = Restaurant::with_due_regulars("jobs_rights", 1);
    let refusal = house.sql.expect_refusal("SELECT crm.stop_job(0)", &["22023"], "process id 0");
    assert_eq!(refusal.column.as_deref(), Some("session"));
    let mut service = house.database.session_as("crm_service");
    for job in
        ["CALL crm.run_sweep()", "CALL crm.run_night()", "SET ROLE crm_owner", "SELECT crm.stop_job(1)"]
    {
        service.expect_refusal(job, &["42501"], "");
    }
}

#[test]
fn a_night_is_due_from_half_past_three_until_it_has_run() {
    let mut house = Restaurant::with_due_regulars("jobs_due", 1);
    house.sql.run(
        "UPDATE crm.venue SET created_at = '2025-06-01 12:00+00';
         UPDATE crm.job_run SET started_at = '2025-06-09 03:30+00', finished_at = '2025-06-09 03:31+00' WHERE job = 'night';
         SET TimeZone = 'America/New_York'",
    );
    for (at, expected) in [
        ("2025-06-09 03:45+00", "f|2025-06-10 03:30:00"),
        ("2025-06-10 03:29:59+00", "f|2025-06-10 03:30:00"),
        ("2025-06-10 03:30+00", "t|2025-06-11 03:30:00"),
        ("2025-06-15 12:00+00", "t|2025-06-16 03:30:00"),
        // Clocks go back in New York that day: UTC does not.
        ("2025-11-02 12:00+00", "t|2025-11-03 03:30:00"),
    ] {
        house.sql.expect_rows(
            &format!("SELECT is_due, next_at AT TIME ZONE 'UTC' FROM crm.night_due('{at}')"),
            &[expected],
        );
    }
    // A run that was cut off is none; a venue that came later has missed nothing.
    house.sql.run("UPDATE crm.job_run SET finished_at = NULL");
    house.sql.expect_rows("SELECT is_due FROM crm.night_due('2025-06-09 03:45+00')", &["t"]);
    house.sql.run("UPDATE crm.venue SET created_at = '2025-06-09 03:40+00'");
    house.sql.expect_rows("SELECT is_due FROM crm.night_due('2025-06-09 03:45+00')", &["f"]);
}
