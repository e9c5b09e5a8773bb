//! crm.health() names each problem with its remedy; where that is SQL, running it as it stands heals.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// What is broken, and what health says of it.
struct Case {
    name: &'static str,
    breaking: &'static str,
    severity: &'static str,
    problem: &'static str,
    remedy: &'static str,
    /// Where the remedy needs a human, what he does.
    by_hand: Option<&'static str>,
}

const fn case(
    name: &'static str,
    breaking: &'static str,
    severity: &'static str,
    problem: &'static str,
    remedy: &'static str,
) -> Case {
    Case { name, breaking, severity, problem, remedy, by_hand: None }
}

const REBIND: &str = "SELECT crm.rebind('order'); SELECT crm.repair_failed();";

const CASES: [Case; 10] = [
    case("a trigger disabled", r#"ALTER TABLE "Order" DISABLE TRIGGER USER"#, "error", "disabled", REBIND),
    case(
        "a trigger dropped",
        r#"DROP TRIGGER crm_order_statement ON "Order""#,
        "error",
        "the trigger crm_order_statement of",
        REBIND,
    ),
    case(
        "the table replaced by another of its name",
        r#"ALTER TABLE "Order" RENAME TO "OrderBefore"; CREATE TABLE "Order" (LIKE "OrderBefore" INCLUDING ALL);
           GRANT SELECT, UPDATE ON "Order" TO crm_owner; INSERT INTO "Order" SELECT * FROM "OrderBefore""#,
        "error",
        "missing",
        REBIND,
    ),
    case(
        "orders that may not be read",
        r#"REVOKE SELECT ON "Order" FROM crm_owner"#,
        "error",
        r#"crm_owner may not read public."Order""#,
        r#"GRANT USAGE ON SCHEMA public TO crm_owner; GRANT SELECT ON public."Order" TO crm_owner;"#,
    ),
    case(
        "customers that may not be written",
        r#"REVOKE INSERT, UPDATE ON "Customer" FROM crm_owner"#,
        "warning",
        "guests cannot be made, edited or attached",
        "SELECT crm.rebind('customer');",
    ),
    case(
        "an index dropped",
        r#"DO $$ BEGIN EXECUTE (SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = '"Order"'::regclass AND NOT indisprimary LIMIT 1); END $$"#,
        "warning",
        r#"no index of public."Order" leads with column "customerId""#,
        r#"CREATE INDEX CONCURRENTLY ON public."Order" ("customerId");"#,
    ),
    case(
        "a type changed",
        r#"ALTER TABLE "Order" ALTER total TYPE double precision"#,
        "warning",
        "is now of type double precision",
        "SELECT crm.rebind('order');",
    ),
    case(
        "a sale put off",
        "ALTER TABLE crm.customer_venue_stats ADD CONSTRAINT few CHECK (total_orders < 0) NOT VALID;
         SELECT dine('ana', 'bistro', now()::timestamp, 5);
         ALTER TABLE crm.customer_venue_stats DROP CONSTRAINT few",
        "warning",
        "since",
        "SELECT crm.repair_failed();",
    ),
    Case {
        name: "a column dropped",
        breaking: r#"ALTER TABLE "Customer" DROP email"#,
        severity: "error",
        problem: r#"column email of public."Customer" is gone (field "email")"#,
        remedy: "Put it back and SELECT crm.rebind('customer'); or SELECT crm.unbind('customer') and bind with another column.",
        by_hand: Some(r#"ALTER TABLE "Customer" ADD email text; SELECT crm.rebind('customer')"#),
    },
    Case {
        name: "a column renamed",
        breaking: r#"ALTER TABLE "Order" RENAME "completedAt" TO "doneAt""#,
        severity: "error",
        problem: r#"column "completedAt" of public."Order" is gone (field "completed_at")"#,
        remedy: "Put it back and SELECT crm.rebind('order'); or SELECT crm.unbind('order') and bind with another column.",
        by_hand: Some(r#"ALTER TABLE "Order" RENAME "doneAt" TO "completedAt"; SELECT crm.rebind('order')"#),
    },
];

/// A sale that the platform makes whatever is broken.
fn sell(sql: &mut Session, number: usize) {
    sql.run(&format!(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", total) VALUES ('n{number}', 'bistro', 'ana', 7);
           UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'n{number}'"#
    ));
}

fn listed(sql: &mut Session, case: &Case) -> Vec<String> {
    sql.rows("SELECT severity, problem, remedy FROM crm.health()")
        .into_iter()
        .filter(|row| row.starts_with(case.severity) && row.contains(case.problem))
        .collect()
}

#[test]
fn each_problem_is_listed_with_a_remedy_that_heals() {
    for (number, case) in CASES.iter().enumerate() {
        let database = TestDatabase::new("remedies");
        let mut sql = database.session();
        restaurant::create(&mut sql);
        restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
        sql.run(r#"ALTER TABLE "Order" ALTER "completedAt" SET DEFAULT now(); SELECT dine('ana', 'bistro', now()::timestamp - interval '3 days', 10)"#);
        restaurant::bind(&mut sql);
        sql.expect_none("SELECT * FROM crm.health() WHERE severity = 'error'");
        assert!(listed(&mut sql, case).is_empty(), "{}: listed before", case.name);

        sql.run(case.breaking);
        sell(&mut sql, number);
        let found = listed(&mut sql, case);
        assert!(!found.is_empty(), "{}: {:#?}", case.name, sql.rows("SELECT * FROM crm.health()"));
        for row in &found {
            assert!(row.ends_with(case.remedy), "{}: {row}", case.name);
        }
        // Statement by statement, as an operator pastes them: some refuse a transaction around them.
        for statement in case.by_hand.unwrap_or(case.remedy).split("; ") {
            sql.run(statement);
        }
        assert!(listed(&mut sql, case).is_empty(), "{}: listed after", case.name);
        sell(&mut sql, 100 + number);
        // What nobody noted while the trigger was away is a gap that the night finds.
        sql.run("CALL crm.run_sweep(); ");
        sql.run("CALL crm.run_night()");
        sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
        sql.expect_none("SELECT * FROM crm.failed_change");
        sql.expect_none("SELECT * FROM crm.health() WHERE severity = 'error'");
    }
}
