//! Several connections at once: nothing counts twice, nothing is lost for good, and a sale never waits.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crm_tests::restaurant::{self, totals};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Longer than the 100 ms a sale may wait for a lock, shorter than any wait for another transaction.
const A_SALE: Duration = Duration::from_millis(1500);

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(0, 199) i;
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
           SELECT 'h' || i, CASE i % 2 WHEN 0 THEN 'bistro' ELSE 'bar' END, 'g' || (i % 200), 'COMPLETED', i % 90,
                  timestamptz '2024-01-01 12:00+00' + i * interval '1 hour'
             FROM generate_series(1, 6000) i"#,
    );
    (database, sql)
}

/// An application that opens, completes, corrects and refunds orders of few guests until told to stop.
fn sell(mut app: Session, worker: u32, stop: &AtomicBool, sold: &AtomicU32) {
    let mut random = Sequence::from_seed(u64::from(worker));
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let id = format!("w{worker}-{number}");
        let guest = random.below(20);
        let venue = ["bistro", "bar"][random.below(2) as usize];
        app.run(&format!(
            r#"INSERT INTO "Order" VALUES ('{id}', '{venue}', 'g{guest}', 'PENDING', {}, now())"#,
            random.below(100)
        ));
        app.run(&format!(r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = '{id}'"#));
        match random.below(6) {
            0 => app.run(&format!(r#"DELETE FROM "Order" WHERE id = '{id}'"#)),
            1 => app.run(&format!(r#"UPDATE "Order" SET total = total + 1 WHERE id = '{id}'"#)),
            2 => app.run(&format!(r#"UPDATE "Order" SET "customerId" = 'g{}' WHERE id = '{id}'"#, (guest + 1) % 20)),
            3 => app.run(&format!(
                r#"BEGIN; UPDATE "Order" SET status = 'PENDING' WHERE id = '{id}'; UPDATE "Order" SET status = 'COMPLETED' WHERE id = '{id}'; COMMIT"#
            )),
            _ => {}
        }
        sold.fetch_add(1, Ordering::Relaxed);
    }
}

/// Repairs until nothing is left to repair; a repair may itself meet a lock and stay for the next.
fn repair(sql: &mut Session) {
    for _ in 0..10 {
        sql.run("SELECT crm.repair_failed()");
        if sql.number("SELECT count(*) FROM crm.failed_change") == 0 {
            return;
        }
    }
}

#[track_caller]
fn expect_in_step(sql: &mut Session) {
    oracle::expect_totals(sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn orders_sold_during_bind_and_backfill_count_once() {
    let (database, mut sql) = platform("bind_under_load");
    restaurant::bind_venues_and_customers(&mut sql);
    let (stop, sold) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for worker in 0..4 {
            let app = database.session();
            let (stop, sold) = (&stop, &sold);
            scope.spawn(move || sell(app, worker, stop, sold));
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            thread::sleep(Duration::from_millis(300));
            sql.run(restaurant::BIND_ORDER);
            thread::sleep(Duration::from_millis(300));
            sql.run("CALL crm.backfill()");
            thread::sleep(Duration::from_millis(500));
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(sold.load(Ordering::Relaxed) > 40, "the load was a load");
    repair(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    expect_in_step(&mut sql);
}

#[test]
fn orders_sold_during_nights_count_once() {
    let (database, mut sql) = platform("night_under_load");
    restaurant::bind(&mut sql);
    let (stop, sold) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for worker in 0..4 {
            let app = database.session();
            let (stop, sold) = (&stop, &sold);
            scope.spawn(move || sell(app, worker, stop, sold));
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..5 {
                sql.run("CALL crm.run_night()");
                thread::sleep(Duration::from_millis(200));
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(sold.load(Ordering::Relaxed) > 40, "the load was a load");
    repair(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    expect_in_step(&mut sql);
    let as_of = sql.value("SELECT now()");
    sql.run(&format!("SELECT crm.recompute_venue(ref, '{as_of}') FROM crm.venue"));
    oracle::expect_scores(&mut sql, &as_of);
}

#[test]
fn a_bind_that_cannot_have_the_table_says_how_to_retry_and_leaves_nothing() {
    let (database, mut sql) = platform("bind_locked");
    restaurant::bind_venues_and_customers(&mut sql);
    let traces = r#"SELECT tgname FROM pg_trigger WHERE tgrelid = '"Order"'::regclass AND NOT tgisinternal
                    UNION ALL SELECT entity FROM crm.binding UNION ALL SELECT oid::regprocedure::text || md5(prosrc) FROM pg_proc WHERE pronamespace = 'crm'::regnamespace
                    ORDER BY 1"#;
    let before = sql.rows(traces);
    let mut other = database.session();
    other.run(r#"BEGIN; UPDATE "Order" SET note = 'still typing' WHERE id = 'h1'"#);
    let start = std::time::Instant::now();
    let refusal = sql.expect_refusal(restaurant::BIND_ORDER, &["55P03"], "");
    let waited = start.elapsed();
    assert!(refusal.hint.is_some_and(|hint| !hint.is_empty()), "a hint says how to retry");
    assert!(
        waited > Duration::from_millis(1500) && waited < Duration::from_secs(4),
        "waited {waited:?}, two seconds were due"
    );
    assert_eq!(sql.rows(traces), before);
    other.run("COMMIT");
    restaurant::bind_orders_and_backfill(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    expect_in_step(&mut sql);
}

/// A bound platform with a pending order of g1.
fn with_pending_order(purpose: &str) -> (TestDatabase, Session) {
    let (database, mut sql) = platform(purpose);
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    sql.run(r#"INSERT INTO "Order" VALUES ('next', 'bar', 'g1', 'PENDING', 500, '2025-05-01 12:00+00')"#);
    (database, sql)
}

const COMPLETE: &str = r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'next'"#;

#[test]
fn a_sale_does_not_wait_for_a_locked_guest() {
    let (database, mut sql) = with_pending_order("locked_guest");
    let mut other = database.session();
    other.run("BEGIN; SELECT 1 FROM crm.customer_venue_stats FOR UPDATE");
    sql.run_within(A_SALE, COMPLETE);
    assert!(!sql.warnings().is_empty());
    sql.expect_rows("SELECT count(*) > 0 FROM crm.failed_change", &["t"]);
    other.run("COMMIT");
    repair(&mut sql);
    sql.expect_none("SELECT * FROM crm.failed_change");
    expect_in_step(&mut sql);
}

#[test]
fn a_sale_does_not_wait_for_a_locked_statistics_table() {
    let (database, mut sql) = with_pending_order("locked_table");
    let mut other = database.session();
    other.run("BEGIN; LOCK TABLE crm.customer_venue_stats IN ACCESS EXCLUSIVE MODE");
    sql.run_within(A_SALE, COMPLETE);
    other.run("COMMIT");
    repair(&mut sql);
    expect_in_step(&mut sql);
}

#[test]
fn a_sale_survives_when_even_its_failure_cannot_be_recorded() {
    let (database, mut sql) = with_pending_order("locked_record");
    let mut other = database.session();
    other.run("BEGIN; LOCK TABLE crm.customer_venue_stats, crm.failed_change IN ACCESS EXCLUSIVE MODE");
    sql.run_within(A_SALE, COMPLETE);
    other.run("COMMIT");
    sql.expect_rows(r#"SELECT status FROM "Order" WHERE id = 'next'"#, &["COMPLETED"]);
    assert!(
        !sql.rows("SELECT * FROM crm.verify_stats('bar')").is_empty(),
        "verification finds what no record tells"
    );
    sql.run("SELECT crm.repair_stats('bar')");
    expect_in_step(&mut sql);
}

#[test]
fn a_repeatable_read_sale_that_meets_another_becomes_a_repair() {
    let (database, mut sql) = with_pending_order("repeatable_read");
    sql.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    let mut other = database.session();
    other.run(r#"INSERT INTO "Order" VALUES ('other', 'bar', 'g1', 'COMPLETED', 7, '2025-05-02 12:00+00')"#);
    sql.run(&format!("{COMPLETE}; COMMIT"));
    sql.expect_rows(r#"SELECT status FROM "Order" WHERE id = 'next'"#, &["COMPLETED"]);
    repair(&mut sql);
    expect_in_step(&mut sql);
}

#[test]
fn a_serializable_sale_alone_counts() {
    let (_database, mut sql) = with_pending_order("serializable");
    sql.run(&format!("BEGIN ISOLATION LEVEL SERIALIZABLE; {COMPLETE}; COMMIT"));
    sql.expect_none("SELECT * FROM crm.failed_change");
    expect_in_step(&mut sql);
}

#[test]
fn a_role_without_rights_in_the_crm_sells_and_is_counted() {
    let (_database, mut sql) = with_pending_order("no_rights");
    // It outlives the test: roles belong to the cluster, which is thrown away.
    sql.run(
        r#"DO $$ BEGIN CREATE ROLE crm_test_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
           GRANT ALL ON ALL TABLES IN SCHEMA public TO crm_test_app;
           SET ROLE crm_test_app"#,
    );
    sql.run(COMPLETE);
    sql.run("RESET ROLE");
    sql.expect_none("SELECT * FROM crm.failed_change");
    expect_in_step(&mut sql);
}

#[test]
fn the_first_orders_of_one_guest_may_arrive_together() {
    let (database, mut sql) = platform("first_together");
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    sql.run(r#"INSERT INTO "Customer" (id) VALUES ('newcomer')"#);
    thread::scope(|scope| {
        for worker in 0..4 {
            let mut app = database.session();
            scope.spawn(move || {
                for i in 0..10 {
                    app.run(&format!(r#"INSERT INTO "Order" VALUES ('n{worker}-{i}', 'bar', 'newcomer', 'COMPLETED', 1, now())"#));
                }
            });
        }
    });
    repair(&mut sql);
    expect_in_step(&mut sql);
    assert!(totals(&mut sql, "bar", "newcomer").starts_with("40 "));
}
