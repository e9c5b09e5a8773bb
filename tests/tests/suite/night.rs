//! The nightly job and what the writer does with the rule it leaves behind.

use std::time::Duration;

use crm_tests::restaurant::{self, label_and_scores};
use crm_tests::{Session, TestDatabase, oracle};

const AS_OF: &str = "2025-06-30 20:00 Europe/Paris";

/// 100 guests of one bistro: 60 came once, 20 twice, 20 three times, all last at the same moment on 31 May, 10 a visit.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-01 20:00' - make_interval(days => k), 10)
           FROM generate_series(1, 100) i, generate_series(1, CASE WHEN i <= 60 THEN 1 WHEN i <= 80 THEN 2 ELSE 3 END) k",
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    sql.run("CALL crm.run_night()");
    (database, sql)
}

#[test]
fn the_night_follows_the_clock_and_stores_method_and_cut_points() {
    let (_database, mut sql) = bistro("cut_points");
    oracle::expect_scores(&mut sql, AS_OF);
    // The 20th, 40th, 60th and 80th smallest.
    sql.expect_rows(
        "SELECT method, cohort_size, frequency_cuts::int[], monetary_cuts::numeric(14,2)[] FROM crm.venue_scoring",
        &["quintile|100|{1,1,1,2}|{10.00,10.00,10.00,20.00}"],
    );
}

#[test]
fn the_writer_scores_with_the_stored_cut_points() {
    let (_database, mut sql) = bistro("stored_cuts");
    assert_eq!(label_and_scores(&mut sql, "bistro", "g1"), "POTENTIAL 1 1 1");
    // Later than all cut points → 5; two visits: three cut points of 1 below → 4; 20 likewise → 4.
    sql.run("SELECT dine('g1', 'bistro', '2025-06-29 20:00', 10)");
    assert_eq!(label_and_scores(&mut sql, "bistro", "g1"), "POTENTIAL 5 4 4");
    // A third visit makes a regular, above every cut point; but the median regular of the night has 3 visits and 30 too.
    sql.run("SELECT dine('g1', 'bistro', '2025-06-30 12:00', 10)");
    assert_eq!(label_and_scores(&mut sql, "bistro", "g1"), "LOYAL 5 5 5");
    // A fourth is above it.
    sql.run("SELECT dine('g1', 'bistro', '2025-06-28 12:00', 10)");
    assert_eq!(label_and_scores(&mut sql, "bistro", "g1"), "CHAMPION 5 5 5");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn a_second_night_rewrites_nothing() {
    let (_database, mut sql) = bistro("second_night");
    let versions =
        "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY customer_id) FROM crm.customer_venue_stats";
    let before = sql.value(versions);
    sql.expect_rows("SELECT crm.recompute_venue('bistro')", &["0"]);
    sql.run("CALL crm.run_night()");
    assert_eq!(sql.value(versions), before);
}

#[test]
fn recompute_returns_the_number_of_rows_changed() {
    let (_database, mut sql) = bistro("rows_changed");
    // Four months later everyone's label changes: the 20 regulars are LOST, the others INACTIVE; scores stay.
    sql.expect_rows("SELECT crm.recompute_venue('bistro', '2025-10-01 12:00+00')", &["100"]);
    sql.expect_rows(
        "SELECT label, count(*) FROM crm.customer_venue_stats GROUP BY 1 ORDER BY 1",
        &["INACTIVE|80", "LOST|20"],
    );
}

#[test]
fn every_run_is_logged() {
    let (_database, mut sql) = bistro("logged");
    let before = sql.number("SELECT count(*) FROM crm.job_run");
    assert!(before > 0);
    sql.run("CALL crm.run_night()");
    assert!(sql.number("SELECT count(*) FROM crm.job_run") > before);
}

#[test]
fn a_venue_that_fails_does_not_stop_the_others() {
    let (_database, mut sql) = bistro("failing_venue");
    sql.run(
        r#"INSERT INTO "Venue" (id, name, tz, currency) VALUES ('aaa', 'First', 'Europe/Paris', 'EUR'), ('zzz', 'Last', 'Europe/Paris', 'EUR');
           SELECT dine('regular', v, timestamp '2025-06-20 20:00' - make_interval(days => k), 10) FROM unnest(ARRAY['aaa', 'zzz']) v, generate_series(1, 3) k;
           CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this venue fails'; END $$"#,
    );
    // In October the bistro's rows are refused; the regulars of the other two venues become LOST all the same.
    sql.run(
        "DO $$ BEGIN EXECUTE format('CREATE TRIGGER refuse BEFORE UPDATE ON crm.customer_venue_stats FOR EACH ROW WHEN (NEW.venue_id = %L) EXECUTE FUNCTION refuse()',
                                    (SELECT venue_id FROM crm.venue WHERE ref = 'bistro')); END $$",
    );
    let _ = sql.attempt("CALL crm.run_night('2025-10-01 12:00+00')");
    assert!(label_and_scores(&mut sql, "aaa", "regular").starts_with("LOST"));
    assert!(label_and_scores(&mut sql, "zzz", "regular").starts_with("LOST"));
    assert!(label_and_scores(&mut sql, "bistro", "g1").starts_with("POTENTIAL"));
    assert!(
        sql.number(
            "SELECT count(*) FROM crm.job_run WHERE to_jsonb(job_run)::text LIKE '%this venue fails%'"
        ) > 0
    );
}

#[test]
fn without_pg_cron_scheduling_says_how_to_run_the_jobs() {
    let (_database, mut sql) = bistro("no_cron");
    let Err(refusal) = sql.attempt("SELECT crm.schedule()") else {
        panic!("there is no pg_cron in this database")
    };
    assert!(refusal.hint.is_some_and(|hint| hint.contains("crm.run_night")), "the hint names the job");
}

#[test]
fn the_clock_may_be_set_for_one_session() {
    let (_database, mut sql) = bistro("clock");
    sql.expect_rows("SELECT crm.now() = timestamptz '2025-06-30 20:00 Europe/Paris'", &["t"]);
    sql.run("RESET crm.as_of");
    sql.expect_rows("SELECT crm.now() = now()", &["t"]);
    sql.run("SET crm.as_of = ''");
    sql.expect_rows("SELECT crm.now() = now()", &["t"]);
}

#[test]
fn a_run_that_was_cut_off_is_reported_until_it_is_run_again() {
    let (_database, mut sql) = bistro("cut_off");
    sql.expect_none("SELECT * FROM crm.health()");
    sql.run(
        "UPDATE crm.job_run SET finished_at = NULL, started_at = now() - interval '2 hours'
          WHERE run_id = (SELECT max(run_id) FROM crm.job_run WHERE job = 'night')",
    );
    sql.expect_rows("SELECT subject, remedy FROM crm.health()", &["night of Bistro|CALL crm.run_night();"]);
    sql.run("CALL crm.run_night()");
    sql.expect_none("SELECT * FROM crm.health()");
}

/// Three venues with two guests each, regulars who are LOST by October.
fn three_venues(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    for venue in ["one", "two", "three"] {
        restaurant::add_venue(&mut sql, venue, "Europe/Paris");
    }
    sql.run(
        "SELECT dine(g, v, timestamp '2025-06-20 20:00' - make_interval(days => k), 10)
           FROM unnest('{one,two,three}'::text[]) v, unnest('{ana,ben}'::text[]) g, generate_series(1, 3) k",
    );
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    restaurant::bind(&mut sql);
    (database, sql)
}

/// Waits until a night stands at a lock that another session holds, and returns its process id.
fn blocked_night(sql: &mut Session) -> String {
    for _ in 0..200 {
        let found = sql.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CALL crm.run_night%' AND wait_event_type = 'Lock'",
        );
        if let Some(pid) = found.into_iter().next() {
            return pid;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no night came to the lock");
}

const OCTOBER: &str = "2025-10-01 12:00+00";

#[test]
fn a_night_that_was_killed_is_gone_on_with_where_it_stopped() {
    cut_off("killed", "pg_terminate_backend");
}

#[test]
fn a_night_that_was_cancelled_is_gone_on_with_where_it_stopped() {
    cut_off("cancelled", "pg_cancel_backend");
}

fn cut_off(purpose: &str, by: &str) {
    let (database, mut sql) = three_venues(purpose);
    let (mut night, mut other) = (database.session(), database.session());
    // The second venue in the order of the night is held.
    other.run(
        "BEGIN; SELECT FROM crm.venue_scoring WHERE venue_id = (SELECT venue_id FROM crm.venue ORDER BY org_id, venue_id OFFSET 1 LIMIT 1) FOR UPDATE",
    );
    let runs = "SELECT count(*) FROM crm.job_run r WHERE r.job = 'night' AND r.venue_id = v.venue_id";
    let per_venue = format!("SELECT ({runs}) FROM crm.venue v ORDER BY org_id, venue_id");
    let before: Vec<i64> = sql.rows(&per_venue).iter().map(|n| n.parse().expect("a count")).collect();
    std::thread::scope(|threads| {
        let killed = threads.spawn(move || night.attempt(&format!("CALL crm.run_night('{OCTOBER}')")));
        let pid = blocked_night(&mut sql);
        sql.expect_rows(
            "SELECT venues_done, venues_total, venue_id = (SELECT venue_id FROM crm.venue ORDER BY org_id, venue_id OFFSET 1 LIMIT 1), finished_at IS NULL
               FROM crm.job_progress WHERE job = 'night'",
            &["1|3|t|t"],
        );
        // A second night does not start beside it.
        sql.run_within(Duration::from_secs(5), &format!("CALL crm.run_night('{OCTOBER}')"));
        sql.run(&format!("SELECT {by}({pid})"));
        assert!(killed.join().expect("the thread ends").is_err(), "the night was killed");
    });
    other.run("COMMIT");
    sql.expect_rows("SELECT finished_at IS NULL FROM crm.job_progress WHERE job = 'night'", &["t"]);
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    let after: Vec<i64> = sql.rows(&per_venue).iter().map(|n| n.parse().expect("a count")).collect();
    let more: Vec<i64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    assert_eq!(more, [1, 2, 1], "runs of the three venues: the first was done, the second was begun twice");
    sql.expect_rows(
        "SELECT venues_done, venues_total, venue_id, finished_at IS NOT NULL FROM crm.job_progress WHERE job = 'night'",
        &["3|3|null|t"],
    );
    sql.expect_rows("SELECT DISTINCT label FROM crm.customer_venue_stats", &["LOST"]);
    // What is done is done: the next night is one of its own.
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    let last: Vec<i64> = sql.rows(&per_venue).iter().map(|n| n.parse().expect("a count")).collect();
    assert_eq!(last.iter().sum::<i64>(), after.iter().sum::<i64>() + 3);
}

#[test]
fn another_session_with_the_number_of_the_one_that_was_killed_does_not_stop_the_night() {
    let (database, mut sql) = three_venues("same_number");
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    // As if the server had started again since, and given the number to this session's neighbour.
    let mut other = database.session();
    let pid = other.value("SELECT pg_backend_pid()");
    sql.run(&format!(
        "UPDATE crm.job_progress SET finished_at = NULL, pid = {pid}, updated_at = now() - interval '1 hour', started_at = now() - interval '1 hour' WHERE job = 'night'"
    ));
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    sql.expect_rows("SELECT finished_at IS NOT NULL FROM crm.job_progress WHERE job = 'night'", &["t"]);
}

#[test]
fn a_night_cut_off_for_one_instant_is_not_gone_on_with_for_another() {
    let (_database, mut sql) = three_venues("another_instant");
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    sql.run("UPDATE crm.job_progress SET finished_at = NULL, pid = 0 WHERE job = 'night'");
    sql.run("CALL crm.run_night('2025-06-30 20:00+00')");
    sql.expect_rows("SELECT DISTINCT label FROM crm.customer_venue_stats", &["LOYAL"]);
}

#[test]
fn no_transaction_of_a_night_writes_more_than_a_thousand_rows() {
    let (_database, mut sql) = bistro("chunks");
    sql.run("SELECT dine('more' || i, 'bistro', '2025-06-20 20:00', 10) FROM generate_series(1, 2500) i");
    sql.run(&format!("CALL crm.run_night('{OCTOBER}')"));
    sql.expect_rows(
        "SELECT count(*) FROM crm.customer_venue_stats WHERE label IN ('LOST', 'INACTIVE')",
        &["2600"],
    );
    sql.expect_rows(
        "SELECT max(n), count(*) >= 3 FROM (SELECT count(*) AS n FROM crm.label_change GROUP BY xmin::text) AS w",
        &["1000|t"],
    );
    // Nor does listing them.
    sql.expect_rows(
        "SELECT max(n) <= 1000 FROM (SELECT count(*) AS n FROM crm.customer_venue_stats GROUP BY xmin::text) AS w",
        &["t"],
    );
    // So does one that must recount everybody.
    sql.run("UPDATE crm.customer_venue_stats SET total_visits = total_visits + 1");
    sql.run(&format!("SET crm.as_of = '{OCTOBER}'"));
    sql.run("CALL crm.run_night(recount => true)");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.expect_rows(
        "SELECT max(n), count(*) FROM (SELECT count(*) AS n FROM crm.customer_venue_stats GROUP BY recounted_in) AS w",
        &["1000|3"],
    );
}

#[test]
fn a_guest_whom_a_sale_holds_keeps_nobody_waiting() {
    let (database, mut sql) = bistro("held");
    let mut sale = database.session();
    sale.run("BEGIN; SELECT FROM crm.customer_venue_stats WHERE customer_id = crm.key('g1') FOR UPDATE");
    let mut night = database.session();
    std::thread::scope(|threads| {
        threads.spawn(move || night.run(&format!("CALL crm.run_night('{OCTOBER}')")));
        for _ in 0..200 {
            if sql.number("SELECT count(*) FROM crm.customer_venue_stats WHERE label IN ('LOST', 'INACTIVE')")
                == 99
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(label_and_scores(&mut sql, "bistro", "g2").starts_with("INACTIVE"));
        assert!(label_and_scores(&mut sql, "bistro", "g1").starts_with("POTENTIAL"));
        // Let go unchanged, he is found all the same.
        sale.run("ROLLBACK");
    });
    assert!(label_and_scores(&mut sql, "bistro", "g1").starts_with("INACTIVE"));
}

#[test]
fn a_sale_of_an_older_snapshot_is_scored_anew_though_it_wrote_nothing_before_the_night() {
    let (database, mut sql) = bistro("older_snapshot");
    let mut sale = database.session();
    sale.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    sale.run("SELECT count(*) FROM crm.venue_scoring");
    // Everybody comes again and spends much more: other cut points.
    sql.run("SELECT dine('g' || i, 'bistro', '2025-06-29 20:00', 500) FROM generate_series(2, 100) i");
    let mut night = database.session();
    std::thread::scope(|threads| {
        threads.spawn(move || night.run(&format!("CALL crm.run_night('{AS_OF}')")));
        std::thread::sleep(Duration::from_millis(1500));
        sale.run(&format!(
            "SET crm.as_of = '{AS_OF}'; SELECT dine('g1', 'bistro', '2025-06-30 12:00', 15); COMMIT"
        ));
    });
    sql.run("SELECT crm.repair_failed()");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}
