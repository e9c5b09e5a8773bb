//! The CRM broken on purpose: every sale commits, says so where it is not counted, and is counted after the mending.

use std::time::Duration;

use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase, oracle};

const A_SALE: Duration = Duration::from_millis(1500);

/// What is broken, by what statements, and how it is mended.
struct Fault {
    name: &'static str,
    breaking: &'static str,
    mending: &'static str,
    leaves: Leaves,
}

/// What is left of sales that could not be counted.
#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    /// A record, which a repair follows.
    Record,
    /// A warning alone: the night finds the gap.
    Warning,
    /// Where a difference is enough the sale is counted; a re-read leaves a record.
    RecordOfSome,
}

use Leaves::{Record, RecordOfSome, Warning};

const fn fault(name: &'static str, breaking: &'static str, mending: &'static str, leaves: Leaves) -> Fault {
    Fault { name, breaking, mending, leaves }
}

const STATS: [Fault; 11] = [
    fault("highest_order renamed", "ALTER TABLE crm.customer_venue_stats RENAME highest_order TO x",
        "ALTER TABLE crm.customer_venue_stats RENAME x TO highest_order", Record),
    fault("total_spent renamed", "ALTER TABLE crm.customer_venue_stats RENAME total_spent TO x",
        "ALTER TABLE crm.customer_venue_stats RENAME x TO total_spent", Record),
    fault("recounted_in renamed", "ALTER TABLE crm.customer_venue_stats RENAME recounted_in TO x",
        "ALTER TABLE crm.customer_venue_stats RENAME x TO recounted_in", Record),
    fault("a check violated", "ALTER TABLE crm.customer_venue_stats ADD CONSTRAINT few CHECK (total_orders < 2) NOT VALID",
        "ALTER TABLE crm.customer_venue_stats DROP CONSTRAINT few", Record),
    fault("no rights on the totals", "REVOKE ALL ON crm.customer_venue_stats FROM crm_owner",
        "GRANT ALL ON crm.customer_venue_stats TO crm_owner", Record),
    fault("a trigger before that raises",
        "CREATE FUNCTION public.raise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
         CREATE TRIGGER a BEFORE INSERT OR UPDATE ON crm.customer_venue_stats FOR EACH ROW EXECUTE FUNCTION public.raise()",
        "DROP FUNCTION public.raise() CASCADE", Record),
    fault("a trigger after that raises",
        "CREATE FUNCTION public.raise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
         CREATE TRIGGER z AFTER INSERT OR UPDATE ON crm.customer_venue_stats FOR EACH STATEMENT EXECUTE FUNCTION public.raise()",
        "DROP FUNCTION public.raise() CASCADE", Record),
    fault("no label is allowed",
        "ALTER TABLE crm.customer_venue_stats ADD CONSTRAINT none CHECK (label IS NULL) NOT VALID",
        "ALTER TABLE crm.customer_venue_stats DROP CONSTRAINT none", Record),
    fault("the rule renamed", "ALTER TABLE crm.venue_scoring RENAME rule TO x", "ALTER TABLE crm.venue_scoring RENAME x TO rule", Record),
    fault("a rule that cannot be read", "UPDATE crm.venue_scoring SET rule = 'x' || rule", "UPDATE crm.venue_scoring SET rule = substr(rule, 2)", Record),
    fault("changed days cannot be noted", "ALTER TABLE crm.changed_day RENAME day TO x", "ALTER TABLE crm.changed_day RENAME x TO day", RecordOfSome),
];

const FUNCTIONS: [Fault; 9] = [
    fault(
        "take_order revoked",
        "REVOKE EXECUTE ON FUNCTION crm.take_order FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.take_order TO crm_owner",
        Record,
    ),
    fault(
        "settle_orders revoked",
        "REVOKE EXECUTE ON FUNCTION crm.settle_orders FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.settle_orders TO crm_owner",
        RecordOfSome,
    ),
    fault(
        "end_statement revoked",
        "REVOKE EXECUTE ON FUNCTION crm.end_statement FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.end_statement TO crm_owner",
        RecordOfSome,
    ),
    fault(
        "settle_additions revoked",
        "REVOKE EXECUTE ON FUNCTION crm.settle_additions FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.settle_additions TO crm_owner",
        RecordOfSome,
    ),
    fault(
        "collected_changes revoked",
        "REVOKE EXECUTE ON FUNCTION crm.collected_changes FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.collected_changes TO crm_owner",
        RecordOfSome,
    ),
    fault(
        "count_guests revoked",
        "REVOKE EXECUTE ON FUNCTION crm.count_guests FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.count_guests TO crm_owner",
        RecordOfSome,
    ),
    fault(
        "the schema closed",
        "REVOKE USAGE ON SCHEMA crm FROM crm_owner",
        "GRANT USAGE ON SCHEMA crm TO crm_owner",
        Warning,
    ),
    fault(
        "the library missing",
        "UPDATE pg_proc SET probin = replace(probin, 'pg_crm', 'pg_crm_gone') WHERE probin LIKE '%pg_crm'",
        "UPDATE pg_proc SET probin = replace(probin, 'pg_crm_gone', 'pg_crm') WHERE probin LIKE '%pg_crm_gone'",
        Record,
    ),
    fault(
        "change_failed revoked, and the totals",
        "REVOKE EXECUTE ON FUNCTION crm.change_failed, crm.guests_failed FROM crm_owner; REVOKE ALL ON crm.customer_venue_stats FROM crm_owner",
        "GRANT EXECUTE ON FUNCTION crm.change_failed, crm.guests_failed TO crm_owner; GRANT ALL ON crm.customer_venue_stats TO crm_owner",
        Warning,
    ),
];

const RECORDS: [Fault; 4] = [
    fault(
        "the record's message renamed, and the totals",
        "ALTER TABLE crm.failed_change RENAME message TO x; ALTER TABLE crm.customer_venue_stats RENAME total_orders TO x",
        "ALTER TABLE crm.failed_change RENAME x TO message; ALTER TABLE crm.customer_venue_stats RENAME x TO total_orders",
        Warning,
    ),
    fault(
        "a check on the record, and the totals",
        "ALTER TABLE crm.failed_change ADD CONSTRAINT none CHECK (false) NOT VALID; ALTER TABLE crm.customer_venue_stats RENAME total_orders TO x",
        "ALTER TABLE crm.failed_change DROP CONSTRAINT none; ALTER TABLE crm.customer_venue_stats RENAME x TO total_orders",
        Warning,
    ),
    fault(
        "a trigger on the record that raises, and the totals",
        "CREATE FUNCTION public.raise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
         CREATE TRIGGER z AFTER INSERT ON crm.failed_change FOR EACH ROW EXECUTE FUNCTION public.raise();
         ALTER TABLE crm.customer_venue_stats RENAME total_orders TO x",
        "DROP FUNCTION public.raise() CASCADE; ALTER TABLE crm.customer_venue_stats RENAME x TO total_orders",
        Warning,
    ),
    fault(
        "no rights on the record, and a check",
        "REVOKE ALL ON crm.failed_change FROM crm_owner; ALTER TABLE crm.customer_venue_stats ADD CONSTRAINT few CHECK (total_orders < 2) NOT VALID",
        "GRANT ALL ON crm.failed_change TO crm_owner; ALTER TABLE crm.customer_venue_stats DROP CONSTRAINT few",
        Warning,
    ),
];

/// Each with the platform's own migration, whose names the sales follow: id, status.
const PLATFORM: [Fault; 8] = [
    fault(
        "venueId renamed",
        r#"ALTER TABLE "Order" RENAME "venueId" TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO "venueId""#,
        Record,
    ),
    fault(
        "customerId renamed",
        r#"ALTER TABLE "Order" RENAME "customerId" TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO "customerId""#,
        Record,
    ),
    fault(
        "total renamed",
        r#"ALTER TABLE "Order" RENAME total TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO total"#,
        Record,
    ),
    fault(
        "refunded renamed",
        r#"ALTER TABLE "Order" RENAME refunded TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO refunded"#,
        Record,
    ),
    fault(
        "completedAt renamed",
        r#"ALTER TABLE "Order" RENAME "completedAt" TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO "completedAt""#,
        Record,
    ),
    fault(
        "status renamed",
        r#"ALTER TABLE "Order" RENAME status TO x"#,
        r#"ALTER TABLE "Order" RENAME x TO status"#,
        Record,
    ),
    fault(
        "orders that crm_owner may not read",
        r#"REVOKE SELECT ON "Order" FROM crm_owner"#,
        r#"GRANT SELECT ON "Order" TO crm_owner"#,
        RecordOfSome,
    ),
    fault(
        "customers that crm_owner may not read",
        r#"REVOKE SELECT ON "Customer" FROM crm_owner; DELETE FROM crm.customer AS c WHERE c.ref LIKE 'new%' AND NOT EXISTS (SELECT FROM crm.customer_venue_stats AS t WHERE t.customer_id = c.customer_id)"#,
        r#"GRANT SELECT ON "Customer" TO crm_owner"#,
        RecordOfSome,
    ),
];

/// Regulars g0 to g5 with orders of today and of long ago, and as many pending ones.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run("SELECT dine('g' || i, 'bistro', timestamp '2025-06-01 20:00' + d * interval '1 day', 10 + d) FROM generate_series(0, 5) i, generate_series(1, 4) d");
    restaurant::bind_with_refunds(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantWithRefunds);
    (database, sql)
}

/// Pending orders of today for six guests, and one of a guest who has none; completed by the sales.
#[track_caller]
fn open_orders(sql: &mut Session, fault: usize) {
    sql.run(&format!(
        r#"INSERT INTO "Customer" (id) VALUES ('new{fault}');
           INSERT INTO "Order" (id, "venueId", "customerId", total, "completedAt")
           SELECT 'f{fault}-' || i || s, 'bistro', CASE WHEN i = 6 THEN 'new{fault}' ELSE 'g' || i END, 7, now() - s * interval '1 hour'
             FROM generate_series(0, 6) i, generate_series(1, 2) s"#
    ));
}

/// One sale, and one statement of several, by a session at work before and by a new one.
#[track_caller]
fn sell(database: &TestDatabase, at_work: &mut Session, fault: usize, status: &str) -> Vec<String> {
    let mut new = database.session();
    let mut warnings = Vec::new();
    for (session, half) in [(at_work, 1), (&mut new, 2)] {
        session.warnings();
        session.run_within(
            A_SALE,
            &format!(r#"UPDATE "Order" SET {status} = 'COMPLETED' WHERE id = 'f{fault}-0{half}'"#),
        );
        session.run_within(A_SALE, &format!(r#"UPDATE "Order" SET {status} = 'COMPLETED' WHERE id LIKE 'f{fault}-_{half}' AND id <> 'f{fault}-0{half}'"#));
        session.run_within(A_SALE, &format!(r#"DELETE FROM "Order" WHERE id = 'f{fault}-1{half}'"#));
        warnings.extend(session.warnings());
    }
    warnings
}

#[track_caller]
fn expect_in_step(sql: &mut Session) {
    sql.expect_none("SELECT * FROM crm.failed_change");
    oracle::expect_totals(sql);
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

/// Breaks, sells, mends and repairs, fault after fault.
fn survives(purpose: &str, faults: &[Fault]) {
    let (database, mut sql) = bistro(purpose);
    let mut at_work = database.session();
    at_work.run(r#"UPDATE "Order" SET total = total + 1"#);
    expect_in_step(&mut sql);
    for (n, fault) in faults.iter().enumerate() {
        println!("{}", fault.name);
        open_orders(&mut sql, n);
        sql.run(fault.breaking);
        let status = if fault.name == "status renamed" { "x" } else { "status" };
        let warnings = sell(&database, &mut at_work, n, status);
        sql.run(fault.mending);
        sql.expect_rows(
            &format!(r#"SELECT count(*) FROM "Order" WHERE id LIKE 'f{n}-%' AND status = 'COMPLETED'"#),
            &["12"],
        );
        assert!(!warnings.is_empty(), "{}: a warning says so", fault.name);
        let recorded = sql.number("SELECT count(*) FROM crm.failed_change");
        let uncounted = sql.rows("SELECT customer_ref FROM crm.verify_stats('bistro')").len();
        // Six guests of seven: what g1 ordered is deleted again.
        match fault.leaves {
            Record => assert!(
                recorded > 0 && uncounted == 6,
                "{}: {recorded} records, {uncounted} guests uncounted",
                fault.name
            ),
            RecordOfSome => assert!(recorded > 0, "{}: no record", fault.name),
            Warning => assert_eq!(recorded, 0, "{}: a record", fault.name),
        }
        sql.run(if fault.leaves == Warning { "CALL crm.run_night()" } else { "SELECT crm.repair_failed()" });
        expect_in_step(&mut sql);
        // Both go on as if nothing had been.
        at_work.run(r#"UPDATE "Order" SET total = total + 1"#);
        assert!(at_work.warnings().is_empty(), "{}: a warning after the mending", fault.name);
        expect_in_step(&mut sql);
    }
}

#[test]
fn sales_survive_broken_totals() {
    survives("broken_totals", &STATS);
}

#[test]
fn sales_survive_broken_functions_and_a_missing_library() {
    survives("broken_functions", &FUNCTIONS);
}

#[test]
fn sales_survive_when_not_even_their_failure_can_be_recorded() {
    survives("broken_records", &RECORDS);
}

#[test]
fn sales_survive_the_platforms_own_migrations() {
    survives("broken_platform", &PLATFORM);
}

#[test]
fn a_dropped_column_of_the_totals_is_filled_by_the_night_once_it_is_back() {
    for (column, definition) in [
        ("highest_order", "numeric(14,2)"),
        ("label", "text NOT NULL DEFAULT 'INACTIVE'"),
        ("next_label_at", "timestamptz"),
    ] {
        let (database, mut sql) = bistro(&format!("dropped_{column}"));
        let mut at_work = database.session();
        at_work.run(r#"UPDATE "Order" SET total = total + 1"#);
        open_orders(&mut sql, 0);
        sql.run(&format!("ALTER TABLE crm.customer_venue_stats DROP COLUMN {column} CASCADE"));
        sell(&database, &mut at_work, 0, "status");
        sql.run(&format!("ALTER TABLE crm.customer_venue_stats ADD COLUMN {column} {definition}"));
        sql.expect_rows(
            r#"SELECT count(*) FROM "Order" WHERE id LIKE 'f0-%' AND status = 'COMPLETED'"#,
            &["12"],
        );
        sql.run("CALL crm.run_night(recount => true)");
        expect_in_step(&mut sql);
        at_work.run(r#"UPDATE "Order" SET total = total + 1"#);
        expect_in_step(&mut sql);
    }
}

#[test]
fn a_dropped_statement_trigger_is_warned_of_reported_and_mended() {
    for gone in ["DROP TRIGGER crm_order_statement ON", "ALTER TABLE"] {
        let (database, mut sql) = bistro("no_statement");
        open_orders(&mut sql, 0);
        let mut at_work = database.session();
        let breaking = match gone {
            "ALTER TABLE" => r#"ALTER TABLE "Order" DISABLE TRIGGER crm_order_statement"#.to_owned(),
            _ => format!(r#"{gone} "Order""#),
        };
        sql.warnings();
        sql.run(&breaking);
        assert!(!sql.warnings().is_empty(), "{breaking} is noticed");
        assert!(!sell(&database, &mut at_work, 0, "status").is_empty(), "a sale warns");
        assert!(!sql.rows("SELECT * FROM crm.check_binding('order') WHERE severity = 'error'").is_empty());
        assert!(!sql.rows("SELECT * FROM crm.health() WHERE severity = 'error'").is_empty());
        sql.run("SELECT crm.rebind('order')");
        sql.run("SELECT crm.repair_failed()");
        expect_in_step(&mut sql);
    }
}

#[test]
fn a_statement_of_many_orders_waits_once_for_locked_totals() {
    let (database, mut sql) = bistro("totals_locked");
    open_orders(&mut sql, 0);
    let mut other = database.session();
    for locked in [
        "LOCK TABLE crm.customer_venue_stats IN ACCESS EXCLUSIVE MODE",
        "LOCK TABLE crm.customer_venue_stats, crm.venue_scoring, crm.customer IN ACCESS EXCLUSIVE MODE",
    ] {
        other.run(&format!("BEGIN; {locked}"));
        let mut new = database.session();
        new.run_within(
            A_SALE,
            r#"BEGIN; UPDATE "Order" SET status = 'COMPLETED'; UPDATE "Order" SET total = total + 1; COMMIT"#,
        );
        other.run("COMMIT");
        sql.run("SELECT crm.repair_failed()");
        expect_in_step(&mut sql);
        sql.run(r#"UPDATE "Order" SET status = 'PENDING' WHERE id LIKE 'f0%'"#);
        expect_in_step(&mut sql);
    }
}

#[test]
fn a_locked_rule_keeps_no_sale_from_being_counted() {
    let (database, mut sql) = bistro("rule_locked");
    let mut other = database.session();
    other.run("BEGIN; SELECT FROM crm.venue_scoring FOR UPDATE; SELECT FROM crm.venue FOR UPDATE");
    let mut new = database.session();
    new.run_within(A_SALE, r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('now', 'bistro', 'g0', 'COMPLETED', 7, now())"#);
    assert!(new.warnings().is_empty());
    assert_eq!(totals(&mut sql, "bistro", "g0"), "5 5 57.00");
    other.run("COMMIT");
    expect_in_step(&mut sql);
}
