//! Promises about the schema itself, read from the catalogue.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Bound, so that generated functions and views are looked at too.
fn bound(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run("SELECT dine('ana', 'bistro', '2025-03-01 20:00', 10)");
    restaurant::bind(&mut sql);
    (database, sql)
}

#[test]
fn every_foreign_key_is_indexed() {
    let (_database, mut sql) = bound("foreign_keys");
    // The referencing columns must be, in some order, the leading columns of a complete index.
    sql.expect_none(
        "SELECT conrelid::regclass, conname FROM pg_constraint c
          WHERE contype = 'f' AND connamespace = 'crm'::regnamespace
            AND NOT EXISTS (
                SELECT 1 FROM pg_index i
                 WHERE i.indrelid = c.conrelid AND i.indpred IS NULL AND i.indisvalid
                   AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
                   AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] <@ c.conkey)",
    );
}

#[test]
fn the_tenant_leads_every_primary_key_and_foreign_key_of_a_tenant_table() {
    let (_database, mut sql) = bound("tenant");
    // A log of jobs is no tenant's: its org_id may be null.
    sql.expect_none(
        "SELECT c.conrelid::regclass, c.contype, c.conname
           FROM pg_constraint c
           JOIN pg_attribute o ON o.attrelid = c.conrelid AND o.attname = 'org_id' AND NOT o.attisdropped AND o.attnotnull
          WHERE c.connamespace = 'crm'::regnamespace AND c.contype IN ('p', 'f') AND c.conkey[1] <> o.attnum",
    );
    sql.expect_none(
        "SELECT oid::regclass FROM pg_class t WHERE relkind = 'r' AND relnamespace = 'crm'::regnamespace
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = t.oid AND contype = 'p')",
    );
    for table in ["venue", "venue_closure", "customer", "customer_venue_stats", "venue_scoring"] {
        sql.expect_rows(
            &format!(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_constraint, pg_attribute
                  WHERE contype = 'p' AND conrelid = 'crm.{table}'::regclass AND attrelid = conrelid AND attnum = conkey[1]"
            ),
            &["org_id|integer"],
        );
    }
}

#[test]
fn public_columns_have_their_names_and_types() {
    let (_database, mut sql) = bound("public_columns");
    for (relation, expected) in [
        (
            "customer_venue_stats",
            "org_id integer, venue_id uuid, customer_id uuid, total_orders integer, total_visits integer, total_spent numeric(14,2), \
             highest_order numeric(14,2), first_order_at timestamp with time zone, last_order_at timestamp with time zone, \
             recency_score smallint, frequency_score smallint, monetary_score smallint, label text, previous_label text, \
             label_changed_at timestamp with time zone, next_label_at timestamp with time zone",
        ),
        ("venue", "org_id integer, venue_id uuid, ref text, name text, timezone text, currency text"),
        (
            "customer",
            "org_id integer, customer_id uuid, ref text, name text, phone text, email text, birth_date date",
        ),
        ("organisation", "org_id integer, ref text, name text"),
        ("venue_closure", "org_id integer, venue_id uuid, from_day date, to_day date"),
        (
            "orders",
            "org_id integer, venue_id uuid, customer_id uuid, order_ref text, total numeric(14,2), completed_at timestamp with time zone, \
             placed_at timestamp with time zone, channel text, table_name text, payment_method text, promo_code text",
        ),
    ] {
        let found = sql.rows(&format!(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
              WHERE attrelid = 'crm.{relation}'::regclass AND attnum > 0 AND NOT attisdropped"
        ));
        for column in expected.split(", ") {
            assert!(found.iter().any(|f| f == column), "crm.{relation} has {found:#?}, not {column}");
        }
    }
}

#[test]
fn every_table_view_and_function_has_a_comment() {
    let (_database, mut sql) = bound("comments");
    sql.expect_none(
        "SELECT oid::regclass::text, relkind FROM pg_class
          WHERE relnamespace = 'crm'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND obj_description(oid, 'pg_class') IS NULL
         UNION ALL
         SELECT oid::regprocedure::text, prokind FROM pg_proc
          WHERE pronamespace = 'crm'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL",
    );
}

#[test]
fn every_column_has_a_comment() {
    let (_database, mut sql) = bound("column_comments");
    sql.expect_none(
        "SELECT attrelid::regclass, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
          WHERE relnamespace = 'crm'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped
            AND col_description(attrelid, attnum) IS NULL",
    );
}

#[test]
fn installing_twice_is_harmless() {
    let (_database, mut sql) = bound("install_twice");
    let state = "SELECT string_agg(m::text, ',' ORDER BY m::text) FROM crm.migration m
        UNION ALL SELECT string_agg(s::text, ',' ORDER BY s::text) FROM crm.customer_venue_stats s
        UNION ALL SELECT string_agg(b::text, ',' ORDER BY b::text) FROM crm.binding b";
    let before = sql.rows(state);
    sql.run("SELECT crm.install()");
    sql.run("SELECT crm.migrate()");
    assert_eq!(sql.rows(state), before);
    sql.run(r#"INSERT INTO "Order" VALUES ('o2', 'bistro', 'ana', 'COMPLETED', 5, '2025-03-02 20:00+00')"#);
    sql.expect_rows("SELECT total_orders FROM crm.customer_venue_stats", &["2"]);
}

#[test]
fn the_extension_cannot_be_dropped_from_under_its_tables() {
    let (_database, mut sql) = bound("drop_extension");
    sql.expect_refusal("DROP EXTENSION pg_crm", &["2BP01"], "");
    sql.expect_rows("SELECT total_orders FROM crm.customer_venue_stats", &["1"]);
}

#[test]
fn the_data_are_ordinary_tables() {
    let (_database, mut sql) = bound("ordinary");
    sql.expect_none(
        "SELECT objid::regclass FROM pg_depend
          WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
            AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_crm')
            AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'r')",
    );
}

#[test]
fn functions_refuse_a_database_without_the_schema() {
    let database = TestDatabase::empty("not_installed");
    let mut sql = database.session();
    sql.run("CREATE EXTENSION pg_crm CASCADE");
    sql.expect_refusal("SELECT crm.recompute_venue('bistro')", &["CR503"], "install");
    sql.expect_refusal(
        r#"SELECT crm.bind('venue', NULL, '{"ref":{"constant":"a"},"name":{"constant":"A"},"timezone":{"constant":"UTC"},"currency":{"constant":"EUR"}}')"#,
        &["CR503"],
        "install",
    );
}

#[test]
fn an_unused_extension_can_be_dropped() {
    let database = TestDatabase::empty("unused");
    let mut sql = database.session();
    sql.run("CREATE EXTENSION pg_crm CASCADE");
    sql.run("DROP EXTENSION pg_crm");
}

#[test]
fn plpgsql_check_finds_no_error() {
    let (_database, mut sql) = bound("plpgsql_check");
    sql.run("CREATE SCHEMA tools; CREATE EXTENSION plpgsql_check SCHEMA tools");
    // What pg_cron 1.6 would bring, since the functions that call it run only where it is.
    sql.run(
        "CREATE SCHEMA cron;
         CREATE TABLE cron.job (jobid bigint, schedule text, command text, nodename text, nodeport int, database text, username text, active boolean, jobname text);
         CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE FUNCTION cron.schedule_in_database(job_name text, schedule text, command text, database text, username text DEFAULT NULL, active boolean DEFAULT true)
           RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE FUNCTION cron.unschedule(job_id bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE FUNCTION cron.unschedule(job_name text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    );
    let found = "SELECT DISTINCT f.functionid, f.lineno, f.sqlstate, f.message, f.hint
          FROM pg_proc p
          JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
          LEFT JOIN pg_trigger t ON t.tgfoid = p.oid AND NOT t.tgisinternal
         CROSS JOIN LATERAL tools.plpgsql_check_function_tb(
             p.oid, coalesce(t.tgrelid, 0), fatal_errors := false, other_warnings := false, extra_warnings := false,
             performance_warnings := false, oldtable := t.tgoldtable, newtable := t.tgnewtable) f
         WHERE p.pronamespace = 'crm'::regnamespace
           AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
           AND f.level = 'error'
           -- A temporary table of the function's own is there only while it runs.
           AND f.message NOT LIKE 'relation \"pg_temp.%'";
    sql.expect_none(found);
}

#[test]
fn the_bodies_of_sql_functions_are_valid() {
    let (_database, mut sql) = bound("sql_bodies");
    sql.run("BEGIN; SET check_function_bodies = on");
    let functions = sql.rows(
        "SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'sql'
          WHERE p.pronamespace = 'crm'::regnamespace AND p.prokind IN ('f', 'p')",
    );
    assert!(!functions.is_empty());
    for function in functions {
        sql.run(&format!("DO $do$ BEGIN EXECUTE pg_get_functiondef({function}); END $do$"));
    }
    sql.run("ROLLBACK");
}
