//! The host's own migrations always pass; sales go on; the CRM says what is wrong and is mended afterwards.

use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase, oracle};

fn bound(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        r#"SELECT dine('ana', 'bistro', '2025-03-01 20:00', 10);
           INSERT INTO "Order" VALUES ('next', 'bistro', 'ana', 'PENDING', 25, '2025-03-02 20:00 Europe/Paris')"#,
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::BoundOrders);
    (database, sql)
}

#[track_caller]
fn sell(sql: &mut Session) {
    sql.run(r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'next'"#);
    sql.expect_rows(r#"SELECT status FROM "Order" WHERE id = 'next'"#, &["COMPLETED"]);
}

/// A sale under drift: it succeeds with a warning and leaves a record to repair.
#[track_caller]
fn sell_unseen(sql: &mut Session) {
    sql.warnings();
    sell(sql);
    assert!(!sql.warnings().is_empty(), "the failure is raised as a warning");
    assert!(sql.number("SELECT count(*) FROM crm.failed_change") > 0, "and recorded");
}

#[track_caller]
fn expect_reported(sql: &mut Session) {
    let findings = sql.rows("SELECT * FROM crm.check_binding('order') WHERE severity = 'error'");
    assert!(!findings.is_empty(), "check_binding reports the drift");
    assert!(!sql.rows("SELECT * FROM crm.health()").is_empty(), "health reports the drift");
}

#[track_caller]
fn expect_repaired(sql: &mut Session) {
    sql.run("SELECT crm.repair_failed()");
    sql.expect_none("SELECT * FROM crm.check_binding('order') WHERE severity = 'error'");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    oracle::expect_totals(sql);
    assert_eq!(totals(sql, "bistro", "ana"), "2 2 35.00");
}

#[test]
fn a_bound_platform_is_healthy() {
    let (_database, mut sql) = bound("healthy");
    sql.run("SELECT crm.recompute_venue('bistro')");
    sql.expect_none("SELECT * FROM crm.check_binding() WHERE severity = 'error'");
    sql.expect_none("SELECT * FROM crm.health() WHERE severity = 'error'");
}

#[test]
fn a_renamed_column_does_not_stop_sales_and_is_mended_by_renaming_back() {
    let (_database, mut sql) = bound("rename_back");
    sql.run(r#"ALTER TABLE "Order" RENAME COLUMN total TO amount"#);
    sell_unseen(&mut sql);
    expect_reported(&mut sql);
    sql.run(r#"ALTER TABLE "Order" RENAME COLUMN amount TO total"#);
    sql.run("SELECT crm.rebind('order')");
    expect_repaired(&mut sql);
}

#[test]
fn a_renamed_column_is_mended_by_binding_its_new_name() {
    let (_database, mut sql) = bound("rename");
    sql.run(r#"ALTER TABLE "Order" RENAME COLUMN total TO amount"#);
    sell_unseen(&mut sql);
    sql.run("SELECT crm.unbind('order')");
    sql.run(&restaurant::BIND_ORDER.replace(r#""total":"total""#, r#""total":"amount""#));
    sql.run("CALL crm.backfill()");
    expect_repaired(&mut sql);
}

#[test]
fn a_dropped_column_does_not_stop_sales_and_is_mended_by_another() {
    let (_database, mut sql) = bound("drop");
    sql.run(r#"ALTER TABLE "Order" ADD cents bigint; UPDATE "Order" SET cents = total * 100; ALTER TABLE "Order" DROP COLUMN total"#);
    sell_unseen(&mut sql);
    expect_reported(&mut sql);
    sql.run("SELECT crm.unbind('order')");
    sql.run(
        &restaurant::BIND_ORDER
            .replace(r#""total":"total""#, r#""total":{"column":"cents","minor_units":2}"#),
    );
    sql.run("CALL crm.backfill()");
    expect_repaired(&mut sql);
}

#[test]
fn changed_types_pass_and_count_after_a_rebind() {
    let (_database, mut sql) = bound("types");
    sql.run(
        r#"ALTER TABLE "Order" ALTER COLUMN total TYPE double precision;
           ALTER TABLE "Order" ALTER COLUMN id DROP DEFAULT, ALTER COLUMN "customerId" TYPE varchar(80);
           CREATE TYPE order_status AS ENUM ('PENDING', 'COMPLETED', 'CANCELLED');
           ALTER TABLE "Order" ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE order_status USING status::order_status;
           ALTER TABLE "Order" ALTER COLUMN "completedAt" TYPE timestamptz(0)"#,
    );
    sell(&mut sql);
    sql.run("SELECT crm.rebind('order')");
    expect_repaired(&mut sql);
}

#[test]
fn a_column_that_becomes_uncastable_is_reported() {
    let (_database, mut sql) = bound("uncastable");
    sql.run(r#"ALTER TABLE "Order" ALTER COLUMN "completedAt" TYPE text USING 'soon'"#);
    sell_unseen(&mut sql);
    expect_reported(&mut sql);
    sql.run(
        r#"ALTER TABLE "Order" ALTER COLUMN "completedAt" TYPE timestamptz
             USING CASE id WHEN 'next' THEN timestamptz '2025-03-02 20:00+00' ELSE '2025-03-01 20:00+00' END;
           SELECT crm.rebind('order')"#,
    );
    expect_repaired(&mut sql);
}

#[test]
fn a_renamed_table_goes_on_or_is_reported() {
    let (_database, mut sql) = bound("rename_table");
    sql.run(r#"ALTER TABLE "Order" RENAME TO "Sale""#);
    sql.run(r#"UPDATE "Sale" SET status = 'COMPLETED' WHERE id = 'next'"#);
    sql.run(r#"ALTER TABLE "Sale" RENAME TO "Order""#);
    sql.run("SELECT crm.rebind()");
    expect_repaired(&mut sql);
}

#[test]
fn a_dropped_table_is_reported() {
    let (_database, mut sql) = bound("drop_table");
    sql.run(r#"DROP TABLE "Order""#);
    expect_reported(&mut sql);
    sql.run("SELECT crm.unbind('order')");
}

#[test]
fn a_renamed_customer_column_does_not_stop_the_platform() {
    let (_database, mut sql) = bound("customer_rename");
    sql.run(r#"ALTER TABLE "Customer" RENAME COLUMN email TO mail"#);
    sql.run(r#"UPDATE "Customer" SET mail = 'ana@example.org'; INSERT INTO "Customer" (id, name) VALUES ('eva', 'Eva')"#);
    sell(&mut sql);
    assert!(!sql.rows("SELECT * FROM crm.check_binding('customer') WHERE severity = 'error'").is_empty());
    sql.run(r#"ALTER TABLE "Customer" RENAME COLUMN mail TO email; SELECT crm.rebind('customer')"#);
    sql.run("CALL crm.backfill()");
    expect_repaired(&mut sql);
    sql.expect_rows("SELECT ref, email FROM crm.customer ORDER BY 1", &["ana|ana@example.org", "eva|null"]);
}

#[test]
fn a_truncated_orders_table_is_counted_anew_by_the_sweep() {
    let (_database, mut sql) = bound("truncate");
    sql.run(r#"TRUNCATE "Order""#);
    assert!(!sql.rows("SELECT * FROM crm.verify_stats('bistro')").is_empty());
    sql.run("CALL crm.run_sweep()");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "0 0 0.00");
}
