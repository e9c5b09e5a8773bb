//! What time alone changes between two nights, and the repair of what was put off.

use crm_tests::restaurant::{self, label_and_scores};
use crm_tests::{Session, TestDatabase};

/// One regular with three visits, the last on 1 June 2025 at 20:00 in Paris: AT_RISK from 1 July, LOST from 30 August,
/// each at midnight there (22:00 UTC of the day before).
fn regular(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('ana', 'bistro', timestamp '2025-06-01 20:00' - make_interval(days => 3 * k), 10) FROM generate_series(0, 2) k",
    );
    sql.run("SET crm.as_of = '2025-06-20 12:00+00'");
    restaurant::bind(&mut sql);
    (database, sql)
}

fn sweep_at(sql: &mut Session, at: &str) -> String {
    sql.value(&format!("SELECT crm.sweep('{at}')"))
}

#[test]
fn a_label_changes_at_local_midnight_and_not_before() {
    let (_database, mut sql) = regular("midnight");
    // Cohort of one, fixed thresholds, 19 days ago: recency 3; three visits: 3; three median bills: 3.
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "LOYAL 3 3 3");
    sql.expect_rows(
        "SELECT next_label_at AT TIME ZONE 'UTC' FROM crm.customer_venue_stats",
        &["2025-06-30 22:00:00"],
    );
    assert_eq!(sweep_at(&mut sql, "2025-06-30 21:59:59.999999+00"), "0");
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "LOYAL 3 3 3");
    assert_eq!(sweep_at(&mut sql, "2025-06-30 22:00+00"), "1");
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "AT_RISK 2 3 3");
    sql.expect_rows(
        "SELECT previous_label, next_label_at AT TIME ZONE 'UTC' FROM crm.customer_venue_stats",
        &["LOYAL|2025-08-29 22:00:00"],
    );
    assert_eq!(sweep_at(&mut sql, "2025-08-29 22:00+00"), "1");
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "LOST 1 3 3");
    assert_eq!(sweep_at(&mut sql, "2035-01-01 00:00+00"), "0", "LOST is for good");
}

#[test]
fn a_due_row_is_not_wrong_and_a_swept_one_verifies() {
    let (_database, mut sql) = regular("due");
    sql.run("SET crm.as_of = '2025-07-05 12:00+00'");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "AT_RISK 2 3 3");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.expect_rows("SELECT job, rows FROM crm.job_run WHERE job = 'sweep'", &["sweep|1"]);
}

#[test]
fn the_sweep_works_inside_a_transaction_and_rolls_back_with_it() {
    let (_database, mut sql) = regular("rollback");
    sql.run("BEGIN");
    assert_eq!(sweep_at(&mut sql, "2025-07-05 12:00+00"), "1");
    sql.run("ROLLBACK");
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "LOYAL 3 3 3");
}

#[test]
fn a_guest_whose_order_is_being_counted_is_left_to_it() {
    let (database, mut sql) = regular("locked");
    let mut sale = database.session();
    sale.run(
        "SET crm.as_of = '2025-07-05 12:00+00'; BEGIN; SELECT dine('ana', 'bistro', '2025-07-05 12:00', 10)",
    );
    assert_eq!(sweep_at(&mut sql, "2025-07-05 12:00+00"), "0");
    sale.run("COMMIT");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn more_than_a_thousand_due_guests_take_more_than_one_sweep() {
    let (_database, mut sql) = regular("many");
    sql.run(
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-10 20:00' - make_interval(days => k), 10)
           FROM generate_series(1, 1001) i, generate_series(0, 2) k",
    );
    sql.run("CALL crm.run_night('2025-06-20 12:00+00')");
    assert_eq!(sweep_at(&mut sql, "2025-07-15 12:00+00"), "1000");
    assert_eq!(sweep_at(&mut sql, "2025-07-15 12:00+00"), "2");
    assert_eq!(sweep_at(&mut sql, "2025-07-15 12:00+00"), "0");
    sql.expect_rows("SELECT label, count(*) FROM crm.customer_venue_stats GROUP BY 1", &["AT_RISK|1002"]);
}

#[test]
fn an_instant_without_end_is_refused() {
    let (_database, mut sql) = regular("infinite");
    sql.expect_refusal("SELECT crm.sweep('infinity')", &["22023"], "as_of");
}

#[test]
fn a_sweep_repairs_at_most_a_thousand_guests_and_the_next_goes_on() {
    let (_database, mut sql) = regular("bounded");
    sql.run("SELECT dine('g' || i, 'bistro', '2025-06-10 20:00', 10) FROM generate_series(1, 1500) i");
    sql.run(
        "INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, message) SELECT 'order', 'bistro', 'g' || i, 'planted' FROM generate_series(1, 1500) i",
    );
    assert_eq!(sweep_at(&mut sql, "2025-06-20 12:00+00"), "1000");
    assert_eq!(sweep_at(&mut sql, "2025-06-20 12:00+00"), "500");
    assert_eq!(sweep_at(&mut sql, "2025-06-20 12:00+00"), "0");
}

#[test]
fn changes_that_cannot_be_repaired_do_not_hold_up_the_others() {
    let (_database, mut sql) = regular("hopeless");
    sql.run(
        "INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, message) SELECT 'order', 'nowhere', 'n' || i, 'planted' FROM generate_series(1, 1200) i;
         INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, message) VALUES ('order', 'zzz bistro', 'ana', 'planted'), ('order', 'bistro', 'ana', 'planted');
         UPDATE crm.customer_venue_stats SET total_orders = 99",
    );
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_sweep()");
    sql.expect_none("SELECT * FROM crm.failed_change WHERE venue_ref = 'bistro'");
    sql.expect_rows("SELECT total_orders FROM crm.customer_venue_stats", &["3"]);
    sql.expect_rows("SELECT count(*), min(attempts) > 0 FROM crm.failed_change", &["1201|t"]);
}

#[test]
fn a_sweep_recounts_a_venue_whose_orders_were_truncated() {
    let (_database, mut sql) = regular("truncated");
    sql.run(r#"TRUNCATE "Order""#);
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows("SELECT total_orders, label FROM crm.customer_venue_stats", &["0|INACTIVE"]);
    sql.run("CALL crm.run_night()");
    sql.expect_rows("SELECT count(*) FROM crm.venue_day WHERE orders > 0", &["0"]);
}
