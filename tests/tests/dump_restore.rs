//! A bound database survives pg_dump: rows are equal, and the restored copy goes on counting.

use std::process::Stdio;

use crm_tests::database::succeed;
use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase, oracle};

/// A bound platform with 300 guests, 3,000 orders, settings that a DBA changed, and a night behind it.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "America/Los_Angeles");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email) SELECT 'g' || i, 'Guest ' || i, '+33 ' || i, i || '@example.org' FROM generate_series(0, 299) i;
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
           SELECT 'o' || i, CASE i % 3 WHEN 0 THEN 'bar' ELSE 'bistro' END, 'g' || (i * 7 % 300),
                  CASE WHEN i % 10 = 0 THEN 'PENDING' ELSE 'COMPLETED' END, i % 90,
                  timestamptz '2025-01-01 12:00+00' + i * interval '1 hour'
             FROM generate_series(1, 3000) i"#,
    );
    restaurant::bind(&mut sql);
    sql.run("UPDATE crm.venue SET at_risk_days = 45 WHERE ref = 'bar'");
    sql.run("INSERT INTO crm.venue_closure (org_id, venue_id, from_day, to_day) SELECT org_id, venue_id, '2025-02-01', '2025-02-10' FROM crm.venue");
    sql.run("CALL crm.run_night('2025-05-10 12:00+00')");
    (database, sql)
}

/// One line a table: name, rows, checksum of the rows in text order.
fn contents(sql: &mut Session) -> Vec<String> {
    let tables = sql.rows(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('crm'::regnamespace, 'public'::regnamespace) ORDER BY oid::regclass::text",
    );
    assert!(tables.len() > 10, "{tables:?}");
    tables
        .iter()
        .map(|table| {
            sql.value(&format!(
                "SELECT '{table}', count(*), md5(string_agg(t::text, e'\\n' ORDER BY t::text)) FROM {table} t"
            ))
        })
        .collect()
}

/// The restored database equals the dumped one, and completing, taking back and adding orders counts there once.
fn expect_equal_and_alive(original: &mut Session, restored: &mut Session) {
    let (rows, original_rows) = (contents(restored), contents(original));
    let objects = "SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'policy ' || polrelid::regclass || ' ' || polname FROM pg_policy
        UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'crm'::regnamespace
        UNION ALL SELECT 'function ' || oid::regprocedure || ' ' || md5(prosrc) || coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(proacl) a), '') FROM pg_proc WHERE pronamespace = 'crm'::regnamespace
        UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
        UNION ALL SELECT 'relation ' || oid::regclass || ' ' || relkind::text || ' ' || coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a), '') || relrowsecurity || relforcerowsecurity FROM pg_class WHERE relnamespace = 'crm'::regnamespace
        ORDER BY 1";
    let (catalogue, original_catalogue) = (restored.rows(objects), original.rows(objects));

    oracle::install(restored, oracle::Source::RestaurantTables);
    oracle::expect_scores(restored, "2025-05-10 12:00+00");
    restored.run(
        r#"INSERT INTO "Customer" (id) VALUES ('late');
           INSERT INTO "Order" VALUES ('after', 'bistro', 'late', 'PENDING', 12.50, '2025-05-10 11:00+00');
           UPDATE "Order" SET status = 'COMPLETED' WHERE status = 'PENDING';
           DELETE FROM "Order" WHERE id = 'o1'"#,
    );
    assert_eq!(totals(restored, "bistro", "late"), "1 1 12.50");
    restored.expect_none("SELECT * FROM crm.failed_change");
    oracle::expect_totals(restored);
    restored.run("CALL crm.run_night('2025-05-11 12:00+00')");
    oracle::expect_scores(restored, "2025-05-11 12:00+00");
    restored.expect_none("SELECT * FROM crm.health() WHERE severity = 'error'");
    restored.run("SELECT crm.rebind(); SELECT crm.migrate(); SELECT crm.unbind('order')");

    assert_eq!(catalogue, original_catalogue);
    assert_eq!(rows, original_rows);
}

#[test]
fn a_directory_dump_restores_in_parallel() {
    let (original, mut before) = platform("dump_directory");
    let folder = std::env::temp_dir().join(format!("{}.dump", original.name()));
    succeed(original.program("pg_dump").args(["-Fd", "-j2", "-f"]).arg(&folder));
    let copy = TestDatabase::empty("restore_directory");
    succeed(copy.program("pg_restore").args(["-j4", "--exit-on-error", "-d", copy.name()]).arg(&folder));
    std::fs::remove_dir_all(&folder).expect("the dump is removed");
    expect_equal_and_alive(&mut before, &mut copy.session());
}

#[test]
fn a_plain_dump_restores_through_psql() {
    let (original, mut before) = platform("dump_plain");
    let copy = TestDatabase::empty("restore_plain");
    let mut dump = original.program("pg_dump").stdout(Stdio::piped()).spawn().expect("pg_dump starts");
    let script = dump.stdout.take().expect("its output is piped");
    succeed(copy.program("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).stdin(script));
    assert!(dump.wait().expect("pg_dump ends").success());
    expect_equal_and_alive(&mut before, &mut copy.session());
}

#[test]
fn data_restored_over_a_fresh_install_is_not_counted_twice() {
    // A restore that loads rows while the triggers of the host exist, as a restore of one table would.
    let (original, mut sql) = platform("dump_table");
    let dump = succeed(original.program("pg_dump").args(["--data-only", "-t", r#"public."Order""#])).stdout;
    sql.run(r#"DELETE FROM "Order""#);
    sql.expect_rows("SELECT sum(total_orders) FROM crm.customer_venue_stats", &["0"]);
    let mut psql = original
        .program("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("psql starts");
    std::io::Write::write_all(&mut psql.stdin.take().expect("its input is piped"), &dump)
        .expect("psql reads");
    assert!(psql.wait().expect("psql ends").success());
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    oracle::expect_totals(&mut sql);
}
