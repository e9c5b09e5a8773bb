//! Refused bindings leave nothing behind; odd data are skipped and recorded, never in the way of a sale.

use crm_tests::database::succeed;
use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase};

/// The restaurant's tables with one venue and one guest; nothing is bound.
fn unbound(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run("SELECT dine('ana', 'bistro', '2025-03-01 20:00', 10)");
    (database, sql)
}

/// All that a binding may create: triggers and indexes on host tables, rows of crm, functions, views and types of crm.
const TRACES: &str = "
    SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
    UNION ALL SELECT 'function ' || oid::regprocedure || ' ' || md5(coalesce(prosrc, '')) FROM pg_proc WHERE pronamespace = 'crm'::regnamespace
    UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE relnamespace = 'crm'::regnamespace
    UNION ALL SELECT 'view ' || oid::regclass || ' ' || md5(pg_get_viewdef(oid)) FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relkind = 'v'
    UNION ALL SELECT 'host relation ' || oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'bound ' || entity FROM crm.binding
    UNION ALL SELECT 'rows ' || count(*) FROM crm.customer_venue_stats
    UNION ALL SELECT 'customers ' || count(*) FROM crm.customer
    UNION ALL SELECT 'venues ' || count(*) FROM crm.venue
    ORDER BY 1";

/// Runs a bind that must be refused, and finds the database as before.
#[track_caller]
fn expect_refused_bind(sql: &mut Session, bind: &str, codes: &[&str], part: &str) {
    let before = sql.rows(TRACES);
    let refusal = sql.expect_refusal(bind, codes, part);
    assert!(!refusal.message.is_empty());
    assert_eq!(sql.rows(TRACES), before, "a refused bind leaves nothing behind: {bind}");
}

fn bind_order_with(mapping: &str) -> String {
    format!(r#"SELECT crm.bind('order', 'public."Order"', '{mapping}')"#)
}

#[test]
fn a_missing_table_is_refused_by_name() {
    let (_database, mut sql) = unbound("no_table");
    let mapping = r#"{"ref":"id","name":"name","timezone":"tz","currency":"currency"}"#;
    expect_refused_bind(
        &mut sql,
        &format!("SELECT crm.bind('venue', 'public.nowhere', '{mapping}')"),
        &["CR422", "42P01"],
        "nowhere",
    );
    expect_refused_bind(
        &mut sql,
        &format!("SELECT crm.bind('venue', 'no_schema.nowhere', '{mapping}')"),
        &["CR422", "42P01", "3F000"],
        "no",
    );
}

#[test]
fn a_missing_column_is_refused_by_name() {
    let (_database, mut sql) = unbound("no_column");
    restaurant::bind_venues_and_customers(&mut sql);
    let bind = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"grandTotal","completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &bind, &["CR422", "42703"], "grandTotal");
}

#[test]
fn a_missing_required_field_is_refused_by_name() {
    let (_database, mut sql) = unbound("no_field");
    restaurant::bind_venues_and_customers(&mut sql);
    let bind = bind_order_with(
        r#"{"ref":"id","venue":"venueId","completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &bind, &["CR422"], "total");
}

#[test]
fn a_column_that_will_not_cast_is_refused() {
    let (_database, mut sql) = unbound("no_cast");
    restaurant::bind_venues_and_customers(&mut sql);
    let swapped = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"completedAt","completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &swapped, &["CR422", "42846"], "completedAt");
    let text_as_time = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"total","completed_at":"note","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &text_as_time, &["CR422", "42846"], "note");
}

#[test]
fn an_entity_is_bound_once() {
    let (_database, mut sql) = unbound("twice");
    restaurant::bind_venues_and_customers(&mut sql);
    restaurant::bind_orders_and_backfill(&mut sql);
    expect_refused_bind(&mut sql, restaurant::BIND_ORDER, &["CR409"], "order");
}

#[test]
fn an_unknown_entity_is_refused() {
    let (_database, mut sql) = unbound("entity");
    expect_refused_bind(
        &mut sql,
        r#"SELECT crm.bind('waiter', 'public."Order"', '{"ref":"id"}')"#,
        &["CR422", "22023"],
        "waiter",
    );
}

#[test]
fn an_unknown_key_of_a_mapping_is_refused() {
    let (_database, mut sql) = unbound("keys");
    restaurant::bind_venues_and_customers(&mut sql);
    let field = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"total","completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]},"tip":"note"}"#,
    );
    expect_refused_bind(&mut sql, &field, &["CR422"], "tip");
    let option = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":{"column":"total","minor_unit":2},"completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &option, &["CR422"], "minor_unit");
    let shape = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":["total"],"completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &shape, &["CR422"], "total");
    expect_refused_bind(&mut sql, &bind_order_with("[]"), &["CR422"], "");
}

#[test]
fn a_timestamp_without_zone_must_say_whose_it_is() {
    let (_database, mut sql) = unbound("zone");
    restaurant::bind_venues_and_customers(&mut sql);
    sql.run(r#"ALTER TABLE "Order" ADD closed timestamp"#);
    let without = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"total","completed_at":"closed","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &without, &["CR422"], "zone");
    let unknown = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"total","completed_at":{"column":"closed","zone":"Mars/Olympus"},"completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &unknown, &["CR422", "22023"], "Mars/Olympus");
}

#[test]
fn minor_units_need_whole_numbers() {
    let (_database, mut sql) = unbound("minor_units");
    restaurant::bind_venues_and_customers(&mut sql);
    let text = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":{"column":"note","minor_units":2},"completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &text, &["CR422"], "note");
    let negative = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":{"column":"total","minor_units":-1},"completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &negative, &["CR422"], "minor");
}

#[test]
fn a_value_the_status_cannot_have_is_refused() {
    let (_database, mut sql) = unbound("enum_value");
    restaurant::bind_venues_and_customers(&mut sql);
    sql.run(
        r#"CREATE TYPE state AS ENUM ('OPEN', 'DONE');
           ALTER TABLE "Order" ADD state state"#,
    );
    let bind = bind_order_with(
        r#"{"ref":"id","venue":"venueId","total":"total","completed_at":"completedAt","completed":{"column":"state","in":["COMPLETED"]}}"#,
    );
    expect_refused_bind(&mut sql, &bind, &["CR422", "22P02"], "COMPLETED");
}

#[test]
fn a_plan_shows_statements_and_runs_none() {
    let (_database, mut sql) = unbound("plan");
    restaurant::bind_venues_and_customers(&mut sql);
    let before = sql.rows(TRACES);
    let plan = sql.rows(&restaurant::BIND_ORDER.replacen(
        "SELECT crm.bind(",
        "SELECT statement FROM crm.bind_plan(",
        1,
    ));
    assert!(
        plan.iter().any(|statement| statement.contains("TRIGGER") && statement.contains(r#""Order""#)),
        "{plan:#?}"
    );
    assert_eq!(sql.rows(TRACES), before);
}

#[test]
fn unbinding_removes_every_trace_from_the_host() {
    let (_database, mut sql) = unbound("unbind");
    let host = "SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE '\"%' UNION ALL
                SELECT oid::regclass, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2";
    let before = sql.rows(host);
    restaurant::bind(&mut sql);
    assert_ne!(sql.rows(host), before);
    for entity in ["order", "customer", "venue"] {
        sql.run(&format!("SELECT crm.unbind('{entity}')"));
    }
    assert_eq!(sql.rows(host), before);
    sql.expect_none("SELECT * FROM crm.binding");
    sql.run(
        r#"UPDATE "Order" SET total = 11; DELETE FROM "Order"; DELETE FROM "Customer"; DELETE FROM "Venue""#,
    );
    assert_eq!(sql.warnings(), [""; 0]);
}

/// Schema, table and columns named to break whoever forgets to quote.
const HOSTILE_HOST: &str = r#"
    CREATE SCHEMA "a""b; drop";
    CREATE TABLE "a""b; drop"."v'; DROP TABLE crm.venue; --" ("select" text PRIMARY KEY, "n$$ame" text, "t""z" text, "cur'r" text);
    INSERT INTO "a""b; drop"."v'; DROP TABLE crm.venue; --" VALUES ('bistro', 'Bistro', 'Europe/Paris', 'EUR');
    CREATE TABLE "a""b; drop"."c%1$s {}" ("i d" text PRIMARY KEY, "na\me" text);
    INSERT INTO "a""b; drop"."c%1$s {}" VALUES ('ana', 'Ana'), ('o''brien"; --', 'Ben');
    CREATE TABLE "a""b; drop"."o""r; drop" (
        "a""b; drop" text PRIMARY KEY, "$1" text, "NEW" text, "to
tal" numeric, "$function$" timestamptz, "sta'tus" text);
    INSERT INTO "a""b; drop"."o""r; drop" VALUES ('1', 'bistro', 'ana', 10, '2025-03-01 20:00+00', 'it''s "done"; --')
"#;

#[test]
fn hostile_names_and_values_bind_count_and_unbind() {
    let database = TestDatabase::new("hostile");
    let mut sql = database.session();
    sql.run(HOSTILE_HOST);
    sql.run(
        r#"SELECT crm.bind('venue', '"a""b; drop"."v''; DROP TABLE crm.venue; --"',
             '{"ref":"select","name":"n$$ame","timezone":"t\"z","currency":"cur''r"}');
           SELECT crm.bind('customer', '"a""b; drop"."c%1$s {}"', '{"ref":"i d","name":"na\\me"}');
           SELECT crm.bind('order', '"a""b; drop"."o""r; drop"',
             '{"ref":"a\"b; drop","venue":"$1","customer":"NEW","total":"to\ntal","completed_at":"$function$",
               "completed":{"column":"sta''tus","in":["it''s \"done\"; --"]}}')"#,
    );
    sql.run("CALL crm.backfill()");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "1 1 10.00");
    sql.run(
        r#"INSERT INTO "a""b; drop"."o""r; drop" VALUES ('2', 'bistro', 'o''brien"; --', 20, '2025-03-02 20:00+00', 'open');
           UPDATE "a""b; drop"."o""r; drop" SET "sta'tus" = 'it''s "done"; --' WHERE "a""b; drop" = '2'"#,
    );
    sql.expect_none("SELECT * FROM crm.failed_change");
    assert_eq!(totals(&mut sql, "bistro", "o''brien\"; --"), "1 1 20.00");
    sql.expect_none("SELECT * FROM crm.check_binding() WHERE severity = 'error'");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    restored_sells_on(&database);
    sql.run("SELECT crm.rebind()");
    for entity in ["order", "customer", "venue"] {
        sql.run(&format!("SELECT crm.unbind('{entity}')"));
    }
    sql.expect_none("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = '\"a\"\"b; drop\".\"o\"\"r; drop\"'::regclass");
}

/// A dump of that, restored, counts the next order.
fn restored_sells_on(database: &TestDatabase) {
    let dump = std::env::temp_dir().join(format!("{}.sql", database.name()));
    succeed(database.program("pg_dump").arg("-f").arg(&dump));
    let restored = TestDatabase::empty("hostile_restored");
    restored.psql_script(&dump, &[]);
    std::fs::remove_file(&dump).expect("the dump is ours");
    let mut sql = restored.session();
    sql.run(
        r#"INSERT INTO "a""b; drop"."o""r; drop" VALUES ('3', 'bistro', 'o''brien"; --', 5, '2025-03-02 21:00+00', 'it''s "done"; --')"#,
    );
    assert_eq!(totals(&mut sql, "bistro", "o''brien\"; --"), "2 1 25.00");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.run("SELECT crm.rebind()");
    sql.expect_none("SELECT * FROM crm.check_binding() WHERE severity = 'error'");
}

#[test]
fn an_unknown_venue_is_not_found() {
    let (_database, mut sql) = unbound("unknown_venue");
    restaurant::bind(&mut sql);
    sql.expect_refusal("SELECT crm.recompute_venue('nowhere')", &["CR404"], "nowhere");
    sql.expect_refusal("SELECT * FROM crm.verify_stats('nowhere')", &["CR404"], "nowhere");
}

#[test]
fn a_venue_is_found_by_its_own_id_and_by_the_crms() {
    let (_database, mut sql) = unbound("venue_ids");
    restaurant::bind(&mut sql);
    sql.run("SELECT crm.recompute_venue('bistro')");
    sql.run("SELECT crm.recompute_venue(crm.key('bistro')::text)");
}

#[test]
fn orders_that_cannot_count_are_skipped_with_a_reason_and_sold() {
    let (_database, mut sql) = unbound("skipped");
    restaurant::bind(&mut sql);
    sql.run(
        r#"INSERT INTO "Order" VALUES
             ('no-total', 'bistro',  'ana', 'COMPLETED', NULL, '2025-03-02 20:00+00'),
             ('no-time',  'bistro',  'ana', 'COMPLETED', 10,   NULL),
             ('walk-in',  'bistro',  NULL,  'COMPLETED', 10,   '2025-03-02 20:00+00'),
             ('nowhere',  'nowhere', 'ana', 'COMPLETED', 10,   '2025-03-02 20:00+00'),
             ('pending',  'bistro',  'ana', 'PENDING',   NULL, NULL)"#,
    );
    sql.expect_rows(
        "SELECT order_ref, venue_ref, customer_ref, reason FROM crm.skipped_orders ORDER BY order_ref",
        &[
            "no-time|bistro|ana|no_completion_time",
            "no-total|bistro|ana|no_total",
            "nowhere|nowhere|ana|unknown_venue",
            "walk-in|bistro|null|walk_in",
        ],
    );
    assert_eq!(totals(&mut sql, "bistro", "ana"), "1 1 10.00");
    // An order may be ahead of its venue: that one may wait for a repair.
    sql.expect_none("SELECT * FROM crm.failed_change WHERE order_ref <> 'nowhere'");
    // Mended on the platform, they count.
    sql.run(r#"UPDATE "Order" SET total = 5, "completedAt" = '2025-03-02 20:00+00' WHERE id IN ('no-total', 'no-time')"#);
    assert_eq!(totals(&mut sql, "bistro", "ana"), "3 2 20.00");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn an_order_ahead_of_its_venue_counts_once_the_venue_is_there() {
    let (_database, mut sql) = unbound("early_order");
    restaurant::bind(&mut sql);
    sql.run(
        r#"INSERT INTO "Order" VALUES ('early', 'annex', 'ana', 'COMPLETED', 10, '2025-03-02 20:00+00')"#,
    );
    // Still unknown, it waits, and keeps nothing else from being repaired.
    sql.run("SELECT crm.repair_failed()");
    restaurant::add_venue(&mut sql, "annex", "Europe/Paris");
    sql.run("SELECT crm.repair_failed()");
    sql.expect_none("SELECT * FROM crm.failed_change");
    assert_eq!(totals(&mut sql, "annex", "ana"), "1 1 10.00");
}
