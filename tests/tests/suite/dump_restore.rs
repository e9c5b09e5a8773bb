//! A bound database survives pg_dump: rows are equal, and the restored copy goes on counting.

use std::process::Stdio;
use std::sync::LazyLock;

use crm_tests::catalogue::{catalogue, contents, expect_same};
use crm_tests::database::succeed;
use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase, oracle};

/// Something of every kind that is kept beside the totals.
const WHAT_PEOPLE_DID: &str = r#"
    SELECT crm.save_wording('newsletter', 'en', 'Yes');
    SELECT crm.record_consent('g' || i, 'EMAIL_MARKETING', CASE i % 4 WHEN 0 THEN 'REVOKED' ELSE 'GRANTED' END, 'checkout', 'bistro', wording => 1, ip => '2001:db8::1')
      FROM generate_series(1, 20) i;
    SELECT crm.tag_customers('{g1,g2}', '{VIP}'), crm.add_note('g1', 'bistro', E'Window; \\N "quoted" \t', true);
    SELECT crm.set_health_needs('g1', '{nuts}', '{vegan}', 'bistro');
    SELECT crm.create_segment(NULL, 'often', 'Often', '{"v":1,"scope":"org","where":{"field":"total_orders","op":"gte","value":5}}');
    SELECT crm.create_principal('back office', NULL, 'admin');
    SELECT crm.request_erasure('g5', 'asked for it')"#;

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
    sql.run(WHAT_PEOPLE_DID);
    sql.run("SELECT crm.sweep()");
    sql.run("CALL crm.run_night('2025-05-10 12:00+00')");
    (database, sql)
}

/// What the tests that only dump it share: building one takes longer than restoring it.
static PLATFORM: LazyLock<Dumped> = LazyLock::new(|| {
    let (database, mut sql) = platform("dumped");
    Dumped { rows: contents(&mut sql), objects: catalogue(&mut sql), head: sql.value(HEAD), database }
});

struct Dumped {
    database: TestDatabase,
    rows: Vec<String>,
    objects: Vec<String>,
    head: String,
}

const HEAD: &str = "SELECT position, chain_hash FROM crm.consent_seal ORDER BY position DESC LIMIT 1";

fn expect_equal(restored: &mut Session) {
    expect_same(&contents(restored), &PLATFORM.rows);
    expect_same(&catalogue(restored), &PLATFORM.objects);
    assert_eq!(restored.value(HEAD), PLATFORM.head);
    restored.expect_none("SELECT * FROM crm.verify_consent_log()");
}

/// Completing, taking back and adding orders counts there once.
fn expect_alive(restored: &mut Session) {
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
    // Numbers go on where they stood, and so does the chain.
    restored.run("SELECT crm.add_note('g2', 'bar', 'After the restore'); SELECT crm.record_consent('g2', 'SMS_MARKETING', 'GRANTED', 'admin'); SELECT crm.sweep()");
    restored.expect_rows("SELECT unsealed FROM crm.consent_log_state()", &["0"]);
    restored.expect_none("SELECT * FROM crm.verify_consent_log()");
    restored.run("SELECT crm.rebind(); SELECT crm.migrate(); SELECT crm.unbind('order')");
}

#[test]
fn a_directory_dump_restores_in_parallel() {
    let original = &PLATFORM.database;
    let folder = std::env::temp_dir().join(format!("{}.dump", original.name()));
    succeed(original.program("pg_dump").args(["-Fd", "-j2", "-f"]).arg(&folder));
    let copy = TestDatabase::empty("restore_directory");
    succeed(copy.program("pg_restore").args(["-j4", "--exit-on-error", "-d", copy.name()]).arg(&folder));
    std::fs::remove_dir_all(&folder).expect("the dump is removed");
    expect_equal(&mut copy.session());
}

#[test]
fn a_plain_dump_restores_through_psql() {
    let original = &PLATFORM.database;
    let copy = TestDatabase::empty("restore_plain");
    pipe(original, &[], &copy);
    let mut restored = copy.session();
    expect_equal(&mut restored);
    expect_alive(&mut restored);
}

#[test]
fn one_table_is_restored_from_a_dump() {
    let (original, mut sql) = platform("dump_table");
    // One of the CRM's, emptied by accident, is filled from the backup without its triggers.
    let rows = contents(&mut sql);
    let file = std::env::temp_dir().join(format!("{}.dump", original.name()));
    succeed(original.program("pg_dump").args(["-Fc", "-f"]).arg(&file));
    sql.run("SET session_replication_role = replica; DELETE FROM crm.customer_tag; DELETE FROM crm.profile_change; RESET session_replication_role");
    let mut restore = original.program("pg_restore");
    restore.args(["--data-only", "--disable-triggers", "--exit-on-error", "-d", original.name()]);
    succeed(restore.args(["-n", "crm", "-t", "customer_tag", "-t", "profile_change"]).arg(&file));
    std::fs::remove_file(&file).expect("the dump is removed");
    expect_same(&contents(&mut sql), &rows);

    // One of the platform's is loaded while its triggers exist, and counts once.
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

#[test]
fn a_backup_role_dumps_everything_in_custom_format() {
    let original = &PLATFORM.database;
    let role = format!("{}_backup", original.name());
    let mut sql = original.session();
    sql.run(&format!("CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data"));
    let file = std::env::temp_dir().join(format!("{}.custom", original.name()));
    drop(original.config_as(&role));
    let mut dump = original.program("pg_dump");
    dump.env("PGUSER", &role).args(["-Fc", "-f"]).arg(&file);
    // Without BYPASSRLS the dump is refused: it would lack rows.
    let refused = dump.output().expect("pg_dump runs");
    assert!(!refused.status.success(), "a dump that lacks rows is not taken for a whole one");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("row-level security"), "{refused:?}");
    sql.run(&format!("ALTER ROLE {role} BYPASSRLS"));
    succeed(&mut dump);
    sql.run(&format!("DROP ROLE {role}"));

    let copy = TestDatabase::empty("restore_custom");
    succeed(copy.program("pg_restore").args(["-j4", "--exit-on-error", "-d", copy.name()]).arg(&file));
    std::fs::remove_file(&file).expect("the dump is removed");
    expect_equal(&mut copy.session());
}

#[test]
fn the_schema_alone_restores_to_a_platform_that_starts_anew() {
    let original = &PLATFORM.database;
    let copy = TestDatabase::empty("restore_schema");
    pipe(original, &["--schema-only"], &copy);
    let mut restored = copy.session();
    expect_same(&catalogue(&mut restored), &PLATFORM.objects);
    restored.expect_none("SELECT * FROM crm.customer_venue_stats");
    // The CRM's tables are there and empty, which is as good as none: installing again says what there is to do.
    restored.expect_refusal("SELECT crm.rebind()", &["CR503"], "version");
    restored.run("DROP EXTENSION pg_crm CASCADE");
    restored.run("CREATE EXTENSION pg_crm; SELECT crm.install()");
    restaurant::add_venue(&mut restored, "bistro", "Europe/Paris");
    restored.run(
        r#"INSERT INTO "Customer" (id) VALUES ('ana'); SELECT dine('ana', 'bistro', '2025-05-01 20:00', 10)"#,
    );
    restaurant::bind(&mut restored);
    assert_eq!(totals(&mut restored, "bistro", "ana"), "1 1 10.00");
}

#[test]
fn a_dump_of_an_older_schema_is_migrated_after_the_restore() {
    let older = TestDatabase::empty("dump_older");
    let mut before = older.session();
    before.run("CREATE EXTENSION pg_crm CASCADE");
    // The library as it was one migration ago.
    let known = before.number("SELECT crm.library_schema_version()");
    before.run(&format!(
        "CREATE OR REPLACE FUNCTION crm.compiled_migrations_then() RETURNS TABLE (version int, name text, statements text) LANGUAGE sql AS
           'SELECT version, name, statements FROM crm.compiled_migrations() WHERE version < {known}';
         CREATE OR REPLACE FUNCTION crm.library_schema_version() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT {}'",
        known - 1
    ));
    let migrate = before.value("SELECT pg_get_functiondef('crm.migrate()'::regprocedure)");
    before.run(&migrate.replace("crm.compiled_migrations()", "crm.compiled_migrations_then()"));
    before.run("SELECT crm.install(); DROP FUNCTION crm.compiled_migrations_then()");
    restaurant::create(&mut before);
    restaurant::add_venue(&mut before, "bistro", "Europe/Paris");
    before.run("SELECT dine('ana', 'bistro', '2025-05-01 20:00', 10)");
    restaurant::bind(&mut before);

    let copy = TestDatabase::empty("restore_older");
    pipe(&older, &[], &copy);
    let mut restored = copy.session();
    let refusal = restored.expect_refusal("SELECT * FROM crm.dossier('ana')", &["CR503"], "version");
    assert!(refusal.hint.is_some_and(|hint| hint.contains("crm.migrate()")));
    // Sales go on meanwhile, and count.
    restored.run("SELECT dine('ana', 'bistro', '2025-05-02 20:00', 5)");
    assert_eq!(restored.number("SELECT crm.migrate()"), 1);
    assert_eq!(totals(&mut restored, "bistro", "ana"), "2 2 15.00");
    restored.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    restored.run("SELECT crm.dossier('ana')");

    // What a migration makes of an old schema is what a new installation has.
    let fresh = TestDatabase::new("dump_older_fresh");
    let mut sql = fresh.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run("SELECT dine('ana', 'bistro', '2025-05-01 20:00', 10)");
    restaurant::bind(&mut sql);
    expect_same(&catalogue(&mut restored), &catalogue(&mut sql));
}

/// Pipes a plain dump into psql.
fn pipe(from: &TestDatabase, options: &[&str], into: &TestDatabase) {
    let mut dump =
        from.program("pg_dump").args(options).stdout(Stdio::piped()).spawn().expect("pg_dump starts");
    let script = dump.stdout.take().expect("its output is piped");
    succeed(into.program("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).stdin(script));
    assert!(dump.wait().expect("pg_dump ends").success());
}
