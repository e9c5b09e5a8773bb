//! The rule that a session keeps is the one in force: after a night, a recomputation or a change of settings by
//! another session, in every isolation level, and after a change of its own that it took back.

use std::thread;
use std::time::Duration;

use crm_tests::restaurant::{self, label_and_scores, totals};
use crm_tests::{Session, TestDatabase, oracle};

const NOW: &str = "2025-06-30 12:00+00";

/// Ana and Ben came twice each in June; regulars come three times.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(&format!("SET crm.as_of = '{NOW}'"));
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    sql.run("SELECT dine(g, 'bistro', timestamp '2025-06-20 20:00' + d * interval '1 day', 10) FROM unnest('{ana,ben}'::text[]) g, generate_series(1, 2) d");
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

/// A session that has scored guests of the venue before.
fn till(database: &TestDatabase) -> Session {
    let mut till = database.session();
    till.run(&format!(r#"SET crm.as_of = '{NOW}'; UPDATE "Order" SET total = total + 1; UPDATE "Order" SET total = total - 1"#));
    assert_eq!(label_and_scores(&mut till, "bistro", "ana"), "NEW 4 2 2");
    till
}

/// A sale that leaves ana's visits and days as they are: of two visits, she is NEW, or a regular if two make one.
const SALE: &str = "SELECT dine('ana', 'bistro', '2025-06-22 21:00', 1)";

const TWO_VISITS_MAKE_A_REGULAR: &str = "UPDATE crm.venue SET regular_visits = 2";

#[track_caller]
fn expect_in_step(sql: &mut Session) {
    sql.expect_none("SELECT * FROM crm.failed_change");
    oracle::expect_totals(sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn a_rule_that_another_session_changes_holds_for_the_next_sale() {
    for change in ["CALL crm.run_night()", "SELECT crm.recompute_venue('bistro')"] {
        let (database, mut sql) = bistro("changed_elsewhere");
        let mut till = till(&database);
        sql.run(TWO_VISITS_MAKE_A_REGULAR);
        sql.run(change);
        till.run(SALE);
        // 21 is 2.1 times the median of 10: F + M = 4, no LOYAL; a regular is not NEW.
        assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "POTENTIAL 4 2 2", "after {change}");
        expect_in_step(&mut sql);
    }
}

#[test]
fn a_rule_that_another_session_changes_holds_within_a_transaction() {
    for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let (database, mut sql) = bistro("changed_within");
        let mut till = till(&database);
        till.run(&format!(r#"BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM "Order""#));
        sql.run(TWO_VISITS_MAKE_A_REGULAR);
        sql.run("SELECT crm.recompute_venue('bistro')");
        // A guest whom the recomputation did not see.
        till.run("SELECT dine('cleo', 'bistro', '2025-06-21 20:00', 10), dine('cleo', 'bistro', '2025-06-22 20:00', 10)");
        till.run("COMMIT");
        assert_eq!(label_and_scores(&mut sql, "bistro", "cleo"), "POTENTIAL 4 2 2", "{isolation}");
        expect_in_step(&mut sql);
    }
}

#[test]
fn a_rule_that_the_session_itself_takes_back_is_forgotten() {
    let (database, mut sql) = bistro("taken_back");
    let mut till = till(&database);
    let change = format!("{TWO_VISITS_MAKE_A_REGULAR}; SELECT crm.recompute_venue('bistro'); {SALE}");
    till.run(&format!("BEGIN; {change}"));
    assert_eq!(label_and_scores(&mut till, "bistro", "ana"), "POTENTIAL 4 2 2");
    till.run("ROLLBACK");
    till.run(SALE);
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "NEW 4 2 2");
    expect_in_step(&mut sql);

    till.run(&format!("BEGIN; SAVEPOINT s; {change}; ROLLBACK TO s; SELECT dine('ben', 'bistro', '2025-06-22 21:00', 1); COMMIT"));
    assert_eq!(label_and_scores(&mut sql, "bistro", "ben"), "NEW 4 2 2");
    expect_in_step(&mut sql);

    till.run(&format!(
        "BEGIN; SAVEPOINT s; {change}; RELEASE s; SELECT dine('ben', 'bistro', '2025-06-22 22:00', 1); COMMIT"
    ));
    assert_eq!(label_and_scores(&mut sql, "bistro", "ben"), "POTENTIAL 4 2 2");
    expect_in_step(&mut sql);
}

#[test]
fn a_venue_that_was_never_committed_is_forgotten() {
    let (database, mut sql) = bistro("never_committed");
    let mut till = till(&database);
    let night = r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
                     ('a', 'new', 'ana', 'COMPLETED', 1, '2025-06-22 21:30+00'), ('b', 'new', 'ana', 'COMPLETED', 1, '2025-06-22 22:30+00')"#;
    let venue = |zone: &str| {
        format!(r#"INSERT INTO "Venue" (id, name, tz, currency) VALUES ('new', 'New', '{zone}', 'EUR')"#)
    };
    // Half past eleven and half past midnight in Berlin; the same evening in London's winter time.
    till.run(&format!("BEGIN; {}; {night}", venue("Europe/Berlin")));
    assert_eq!(totals(&mut till, "new", "ana"), "2 2 2.00");
    till.run("ROLLBACK");
    till.run(&format!("{}; {night}", venue("Atlantic/Reykjavik")));
    assert_eq!(totals(&mut sql, "new", "ana"), "2 1 2.00");
    expect_in_step(&mut sql);
}

#[test]
fn another_time_zone_counts_from_the_night_on() {
    let (database, mut sql) = bistro("time_zone");
    let mut till = till(&database);
    sql.run(r#"UPDATE "Venue" SET tz = 'Asia/Tokyo'; UPDATE crm.venue SET day_starts_at = '04:00'"#);
    sql.run("CALL crm.run_night()");
    // In Tokyo it is 05:00 of the 24th and 03:59 of the 25th: one business day.
    till.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('a', 'bistro', 'ana', 'COMPLETED', 1, '2025-06-23 20:00+00');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('b', 'bistro', 'ana', 'COMPLETED', 1, '2025-06-24 18:59+00')"#,
    );
    assert_eq!(totals(&mut sql, "bistro", "ana"), "4 3 22.00");
    expect_in_step(&mut sql);
}

#[test]
fn a_session_of_many_venues_scores_each_by_its_own_rule() {
    let (database, mut sql) = bistro("many_venues");
    let mut till = till(&database);
    sql.run(
        r#"INSERT INTO "Venue" (id, name, tz, currency) SELECT 'v' || i, 'V', CASE i % 2 WHEN 0 THEN 'Asia/Tokyo' ELSE 'America/New_York' END, 'EUR' FROM generate_series(1, 400) i;
           UPDATE crm.venue SET regular_visits = 1 WHERE ref ~ '^v.*[05]$'"#,
    );
    sql.run("SELECT crm.recompute_venue(ref) FROM crm.venue");
    for at in ["2025-06-22 21:30+00", "2025-06-23 01:30+00", "2025-06-23 12:30+00"] {
        till.run(&format!(
            r#"INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt") SELECT 'v' || i, 'ana', 'COMPLETED', 1, '{at}' FROM generate_series(1, 400) i"#
        ));
    }
    expect_in_step(&mut sql);
    sql.expect_rows(
        "SELECT v.timezone, v.regular_visits, s.label, s.total_visits, count(*) FROM crm.venue v JOIN crm.customer_venue_stats s USING (org_id, venue_id)
          WHERE v.ref LIKE 'v%' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2",
        // Evening, later evening and next morning in New York; one day in Tokyo.
        &["America/New_York|1|POTENTIAL|2|40", "America/New_York|3|NEW|2|160", "Asia/Tokyo|1|POTENTIAL|1|40", "Asia/Tokyo|3|NEW|1|160"],
    );
}

#[test]
fn a_sale_under_way_while_the_local_time_changes_is_recounted_by_the_next_sweep() {
    let (database, mut sql) = bistro("local_time");
    let mut till = till(&database);
    // Half past midnight: a day of its own, or that of the evening before where days begin at four.
    till.run("BEGIN; SELECT dine('ana', 'bistro', '2025-06-23 00:30', 10)");
    sql.run("UPDATE crm.venue SET day_starts_at = '04:00'");
    let mut night = database.session();
    night.run(&format!("SET crm.as_of = '{NOW}'"));
    thread::scope(|scope| {
        scope.spawn(|| night.run("CALL crm.run_night()"));
        // It waits for this sale.
        thread::sleep(Duration::from_millis(700));
        till.run("COMMIT");
    });
    sql.run("CALL crm.run_sweep()");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "3 2 30.00");
    expect_in_step(&mut sql);
}
