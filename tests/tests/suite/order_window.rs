//! Orders of a span of time: the same as those of the whole history within it, and read by the platform's own index.

use crm_tests::{Session, TestDatabase};

/// A sale every 37 minutes of the days around both changes of the clocks of 2025, kept as the given type.
fn shop(purpose: &str, column: &str, value: &str, mapped: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(&format!(
        r#"CREATE TABLE public.sale (id int PRIMARY KEY, shop text NOT NULL, guest text, total numeric(10,2), done {column});
           INSERT INTO public.sale
           SELECT row_number() OVER (), 'shop', 'g' || i % 5, i, {value}
             FROM unnest('{{2025-03-28 00:00+00,2025-10-24 00:00+00}}'::timestamptz[]) AS start(at), generate_series(0, 150) i,
                  LATERAL (SELECT start.at + i * interval '37 minutes' AS at) AS done;
           SELECT crm.bind('venue', NULL, '{{"ref":{{"constant":"shop"}},"name":{{"constant":"Shop"}},"timezone":{{"constant":"Europe/Paris"}},"currency":{{"constant":"EUR"}}}}');
           SELECT crm.bind('order', 'public.sale', '{{"ref":"id","venue":"shop","customer":"guest","total":"total","completed_at":{mapped},
                                                     "completed":{{"column":"done","not_null":true}}}}')"#,
    ));
    sql.run("CALL crm.backfill()");
    (database, sql)
}

#[track_caller]
fn expect_same_orders_and_an_index(sql: &mut Session) {
    // Spans of odd lengths from odd instants on.
    sql.expect_none(
        "SELECT w.n, w.from_at, w.before FROM (
           SELECT n, start.at + n * interval '31 minutes' AS from_at, start.at + n * interval '31 minutes' + (n % 7) * interval '97 minutes' AS before
             FROM unnest('{2025-03-27 20:00+00,2025-10-23 20:00+00}'::timestamptz[]) AS start(at), generate_series(0, 220) n) AS w
          WHERE (SELECT array_agg(o ORDER BY o.completed_at, o.customer_ref) FROM crm.counted_orders_within('shop', w.from_at, w.before) o)
                IS DISTINCT FROM
                (SELECT array_agg(o ORDER BY o.completed_at, o.customer_ref) FROM crm.counted_orders_at('shop') o
                  WHERE o.completed_at >= w.from_at AND o.completed_at < w.before)",
    );
    sql.expect_rows(
        "SELECT count(*) FROM crm.counted_orders_within('shop', '-infinity', 'infinity')",
        &["302"],
    );
    sql.run("CREATE INDEX ON public.sale (shop, done); ANALYZE public.sale; SET enable_seqscan = off; SET enable_bitmapscan = off");
    let plan = sql.rows("EXPLAIN SELECT * FROM crm.counted_orders_within('shop', '2025-03-29 00:00+00', '2025-03-30 00:00+00')").join("\n");
    assert!(
        plan.lines()
            .any(|line| line.contains("Index Cond") && line.contains("done >=") && line.contains("done <")),
        "{plan}"
    );
}

#[test]
fn orders_with_a_zone() {
    let (_database, mut sql) = shop("zoned", "timestamptz", "done.at", r#""done""#);
    expect_same_orders_and_an_index(&mut sql);
}

#[test]
fn orders_in_utc_without_a_zone() {
    let (_database, mut sql) =
        shop("utc", "timestamp", "done.at AT TIME ZONE 'UTC'", r#"{"column":"done","zone":"UTC"}"#);
    expect_same_orders_and_an_index(&mut sql);
}

#[test]
fn orders_in_local_time_without_a_zone() {
    let (_database, mut sql) = shop(
        "local",
        "timestamp",
        "done.at AT TIME ZONE 'Europe/Paris'",
        r#"{"column":"done","zone":"Europe/Paris"}"#,
    );
    expect_same_orders_and_an_index(&mut sql);
}

#[test]
fn orders_by_day() {
    let (_database, mut sql) =
        shop("dated", "date", "(done.at AT TIME ZONE 'Europe/Paris')::date", r#""done""#);
    expect_same_orders_and_an_index(&mut sql);
}

#[test]
fn a_missing_index_is_advised_and_one_that_serves_is_not() {
    let (_database, mut sql) = shop("advice", "timestamptz", "done.at", r#""done""#);
    let advice = "SELECT severity, hint FROM crm.check_binding('order') WHERE code = 'no_time_index'";
    sql.expect_rows(advice, &["info|CREATE INDEX CONCURRENTLY ON public.sale (shop, done);"]);
    sql.run("UPDATE pg_class SET reltuples = 5000000 WHERE oid = 'public.sale'::regclass");
    sql.expect_rows(&advice.replace("hint", "code"), &["warning|no_time_index"]);
    for index in ["(shop, done)", "(done)"] {
        sql.run(&format!("CREATE INDEX advised ON public.sale {index}"));
        sql.expect_none(advice);
        sql.run("DROP INDEX public.advised");
    }
    sql.run("CREATE INDEX of_little_use ON public.sale (shop)");
    assert_eq!(sql.rows(advice).len(), 1);
}
