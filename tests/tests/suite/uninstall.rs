//! Taking the CRM out leaves the platform as it was, byte by byte of its dump.

use crm_tests::database::succeed;
use crm_tests::{Session, TestDatabase, restaurant};

/// The platform's own dump: everything but the CRM's schemas and what the CRM leaves on purpose.
fn dump(database: &TestDatabase) -> String {
    let output = succeed(database.program("pg_dump").args(["-N", "crm_archive"]));
    String::from_utf8(output.stdout)
        .expect("a dump is text")
        .lines()
        // Newer programs write a random key into each dump.
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A platform with grants, a trigger and a sequence of its own, and pg_trgm as the only thing that the CRM needs.
fn platform(purpose: &str) -> (TestDatabase, Session, String) {
    let database = TestDatabase::empty(purpose);
    let mut sql = database.session();
    sql.run("CREATE EXTENSION pg_trgm");
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        r#"CREATE TABLE "Product" (id serial PRIMARY KEY, name text);
           CREATE TABLE "Item" (id serial PRIMARY KEY, "orderId" text, product int, quantity int, amount numeric);
           GRANT SELECT ON "Order" TO pg_monitor;
           CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE TRIGGER touched BEFORE UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION touched();
           SELECT dine('ana', 'bistro', '2025-05-01 20:00', 10); SELECT dine('ben', 'bistro', '2025-05-02 20:00', 20)"#,
    );
    let before = dump(&database);
    (database, sql, before)
}

fn bind(sql: &mut Session) {
    sql.run("CREATE EXTENSION pg_crm; SELECT crm.install()");
    restaurant::bind(sql);
    sql.run(
        r#"SELECT crm.bind('product', 'public."Product"', '{"ref":"id","name":"name"}');
           SELECT crm.bind('order_item', 'public."Item"', '{"order":"orderId","product":"product","quantity":"quantity","amount":"amount"}');
           SELECT crm.bind_pii('public."Order"', 'customerId', '{"note":"null"}');
           SELECT crm.tag_customers('{ana}', '{VIP}'); SELECT crm.sweep()"#,
    );
    sql.run("CALL crm.run_night()");
}

#[test]
fn the_platform_is_as_before() {
    let (database, mut sql, before) = platform("uninstall");
    bind(&mut sql);
    assert_ne!(dump(&database), before, "triggers and grants are there to be taken back");
    // In one transaction, so that a refusal changes nothing.
    sql.run("BEGIN; SELECT crm.uninstall(keep_data => false); DROP EXTENSION pg_crm; COMMIT");
    assert_eq!(dump(&database), before);
    sql.expect_none("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crm%'");
    sql.run("SELECT dine('ana', 'bistro', '2025-05-03 20:00', 10)");
    // And again: nothing is in the way of a second installation.
    bind(&mut sql);
    sql.expect_rows("SELECT total_orders FROM crm.customer_venue_stats ORDER BY 1", &["1", "2"]);
}

#[test]
fn the_data_stay_readable_where_they_are_kept() {
    let (database, mut sql, before) = platform("uninstall_kept");
    bind(&mut sql);
    sql.run("CREATE TABLE kept AS SELECT customer_id, total_orders, total_spent, label FROM crm.customer_venue_stats");
    let guests = sql.rows("SELECT ref, name FROM crm.customer ORDER BY ref");
    sql.run("SELECT crm.uninstall(keep_data => true); DROP EXTENSION pg_crm");
    sql.expect_none("SELECT * FROM kept EXCEPT SELECT customer_id, total_orders, total_spent, label FROM crm_archive.customer_venue_stats");
    assert_eq!(sql.rows("SELECT ref, name FROM crm_archive.customer ORDER BY ref"), guests);
    sql.expect_rows(
        "SELECT t.name FROM crm_archive.tag t JOIN crm_archive.customer_tag USING (org_id, tag_id)",
        &["VIP"],
    );
    // Keys and tokens are not.
    sql.expect_none("SELECT relname FROM pg_class WHERE relnamespace = 'crm_archive'::regnamespace AND relname IN ('secret', 'api_key', 'session', 'guest_link')");
    sql.run("DROP TABLE kept");
    assert_eq!(dump(&database), before);
}

#[test]
fn what_others_built_on_it_is_named_and_nothing_is_changed() {
    let (database, mut sql, _) = platform("uninstall_used");
    bind(&mut sql);
    sql.run("CREATE VIEW report AS SELECT label, count(*) FROM crm.customer_venue_stats GROUP BY label");
    let before = dump(&database);
    let refusal = sql.expect_refusal("SELECT crm.uninstall(false)", &["2BP01"], "cannot drop");
    assert!(refusal.detail.is_some_and(|detail| detail.contains("report")));
    assert_eq!(dump(&database), before);
    sql.expect_refusal("SELECT crm.uninstall(NULL)", &["22023"], "kept");
}
