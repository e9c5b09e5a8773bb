//! The example platform of sql/demo: many venues in many time zones, two years of orders.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crm_tests::database::demo_folder;
use crm_tests::{Session, TestDatabase, oracle};

const TODAY: &str = "2025-06-30";
const AS_OF: &str = "2025-06-30 23:00+00";

static DEMO: LazyLock<TestDatabase> = LazyLock::new(|| {
    let database = TestDatabase::new("demo");
    generate(&database, "42");
    database.psql_script(&demo_folder().join("bind.sql"), &[]);
    let mut sql = database.session();
    sql.run("CALL crm.backfill()");
    sql.run(&format!("CALL crm.run_night('{AS_OF}')"));
    oracle::install(&mut sql, oracle::Source::DemoTables);
    database
});

fn generate(database: &TestDatabase, seed: &str) {
    database.psql_script(&demo_folder().join("schema.sql"), &[]);
    database.psql_script(&demo_folder().join("generate.sql"), &[("seed", seed), ("today", TODAY)]);
}

fn checksums(sql: &mut Session) -> Vec<String> {
    ["Organization", "Venue", "Customer", "Product", "Order", "OrderItem"]
        .map(|table| sql.value(&format!(r#"SELECT '{table}', count(*), md5(string_agg(md5(t::text), '' ORDER BY t.id)) FROM public."{table}" t"#)))
        .to_vec()
}

/// Two trials at once would hold each other's guests for longer than a sale waits.
static ONE_TRIAL: Mutex<()> = Mutex::new(());

/// A transaction on the demo at its own day, undone at the end.
fn trial() -> (MutexGuard<'static, ()>, Session) {
    let turn = ONE_TRIAL.lock().unwrap_or_else(PoisonError::into_inner);
    let mut sql = DEMO.session();
    sql.run(&format!("SET crm.as_of = '{AS_OF}'; BEGIN"));
    (turn, sql)
}

/// A known guest and venue with at least five orders, in every organisation the same for every run.
const A_REGULAR: &str = "SELECT v.ref, c.ref FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id)
      WHERE s.total_visits >= 5 ORDER BY v.ref, c.ref LIMIT 1";

fn a_regular(sql: &mut Session) -> (String, String) {
    let row = sql.value(A_REGULAR);
    let (venue, guest) = row.split_once('|').expect("two columns");
    (venue.to_owned(), guest.to_owned())
}

fn orders_and_spend(sql: &mut Session, venue: &str, guest: &str) -> (i64, i64) {
    let row = sql.value(&format!(
        "SELECT total_orders, (total_spent * 100)::bigint FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id)
           JOIN crm.customer c USING (org_id, customer_id) WHERE v.ref = '{venue}' AND c.ref = '{guest}'"
    ));
    let (orders, cents) = row.split_once('|').expect("two columns");
    (orders.parse().expect("a count"), cents.parse().expect("an amount"))
}

#[test]
fn every_score_and_label_agrees_with_the_oracle() {
    oracle::expect_scores(&mut DEMO.session(), AS_OF);
}

#[test]
fn every_label_and_both_methods_occur() {
    let mut sql = DEMO.session();
    sql.expect_rows(
        "SELECT DISTINCT label FROM crm.customer_venue_stats ORDER BY 1",
        &["AT_RISK", "CHAMPION", "INACTIVE", "LOST", "LOYAL", "NEW", "POTENTIAL"],
    );
    sql.expect_rows("SELECT DISTINCT method FROM crm.venue_scoring ORDER BY 1", &["fixed", "quintile"]);
}

#[test]
fn every_venue_verifies() {
    let (_turn, mut sql) = trial();
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn completing_an_order_changes_its_guest_at_once_and_a_rollback_undoes_it() {
    let (_turn, mut sql) = trial();
    let (venue, guest) = a_regular(&mut sql);
    let before = orders_and_spend(&mut sql, &venue, &guest);
    sql.run(&format!(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, channel) VALUES ('trial', '{venue}', '{guest}', 'PENDING', 12.34, 'DINE_IN')"#
    ));
    assert_eq!(orders_and_spend(&mut sql, &venue, &guest), before);
    sql.run(
        r#"UPDATE "Order" SET status = 'COMPLETED', "completedAt" = '2025-06-30 20:00' WHERE id = 'trial'"#,
    );
    assert_eq!(orders_and_spend(&mut sql, &venue, &guest), (before.0 + 1, before.1 + 1234));
    sql.expect_none(&format!("SELECT * FROM crm.verify_stats('{venue}')"));
    oracle::expect_totals(&mut sql);
    sql.run("ROLLBACK");
    assert_eq!(orders_and_spend(&mut sql, &venue, &guest), before);
    sql.expect_none(&format!("SELECT * FROM crm.verify_stats('{venue}')"));
}

#[test]
fn a_refund_lowers_spend_and_a_full_refund_takes_the_order_out() {
    let (_turn, mut sql) = trial();
    let (venue, guest) = a_regular(&mut sql);
    let before = orders_and_spend(&mut sql, &venue, &guest);
    let order = sql.value(&format!(
        r#"SELECT id, (total * 100)::bigint FROM "Order" WHERE "venueId" = '{venue}' AND "customerId" = '{guest}'
            AND status = 'COMPLETED' AND "refundedAmount" = 0 AND total > 5 ORDER BY id LIMIT 1"#
    ));
    let (id, cents) = order.split_once('|').expect("two columns");
    let cents: i64 = cents.parse().expect("an amount");
    sql.run(&format!(r#"UPDATE "Order" SET "refundedAmount" = 1.50 WHERE id = '{id}'"#));
    assert_eq!(orders_and_spend(&mut sql, &venue, &guest), (before.0, before.1 - 150));
    sql.run(&format!(r#"UPDATE "Order" SET "refundedAmount" = total WHERE id = '{id}'"#));
    assert_eq!(orders_and_spend(&mut sql, &venue, &guest), (before.0 - 1, before.1 - cents));
    oracle::expect_totals(&mut sql);
    sql.run("ROLLBACK");
}

#[test]
fn a_days_sales_in_one_statement_leave_the_statistics_right() {
    let (_turn, mut sql) = trial();
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, channel, "completedAt")
           SELECT 'trial' || row_number() OVER (ORDER BY id), "venueId", "customerId", 'COMPLETED', total, channel, '2025-06-30 20:00'
             FROM "Order" WHERE "completedAt" >= '2025-06-01' AND status = 'COMPLETED'"#,
    );
    sql.run(r#"UPDATE "Order" SET status = 'CANCELLED' WHERE "completedAt" BETWEEN '2025-05-01' AND '2025-05-03'"#);
    sql.expect_none("SELECT * FROM crm.failed_change");
    oracle::expect_totals(&mut sql);
    sql.run("ROLLBACK");
}

#[test]
fn the_same_seed_and_day_give_the_same_data() {
    let again = TestDatabase::new("demo_again");
    generate(&again, "42");
    assert_eq!(checksums(&mut again.session()), checksums(&mut DEMO.session()));
}
