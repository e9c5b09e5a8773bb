//! The dashboard's figures on the example platform, against SQL of the tests' own over the platform's orders.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crm_tests::database::demo_folder;
use crm_tests::{Session, TestDatabase, oracle};

const AS_OF: &str = "2025-06-30 23:00+00";

static DEMO: LazyLock<TestDatabase> = LazyLock::new(|| {
    let database = TestDatabase::new("dashboard");
    database.psql_script(&demo_folder().join("schema.sql"), &[]);
    database.psql_script(&demo_folder().join("generate.sql"), &[("seed", "42"), ("today", "2025-06-30")]);
    database.psql_script(&demo_folder().join("bind.sql"), &[]);
    let mut sql = database.session();
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    sql.run("CALL crm.backfill()");
    oracle::install(&mut sql, oracle::Source::DemoTables);
    database
});

/// One test at a time writes: a recompute leaves alone whom another holds.
fn turn_to_write() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transaction at a moment of its own, undone with its session.
fn trial(as_of: &str) -> Session {
    let mut sql = DEMO.session();
    sql.run(&format!("SET crm.as_of = '{as_of}'; BEGIN"));
    sql
}

/// The venues with the fewest and with the most guests: fixed thresholds and quintiles.
fn smallest_and_largest() -> [String; 2] {
    let venues = DEMO.session().rows(
        "SELECT v.ref FROM crm.venue v JOIN crm.customer_venue_stats USING (org_id, venue_id) GROUP BY 1 ORDER BY count(*)",
    );
    [venues[0].clone(), venues[venues.len() - 1].clone()]
}

/// Every guest's label once a venue is recomputed, as one JSON object; then all is as before.
fn labels_after(sql: &mut Session, venue: &str, change: &str) -> String {
    sql.run(&format!("SAVEPOINT change; {change}; SELECT crm.recompute_venue('{venue}')"));
    let labels = sql.value(&format!(
        "SELECT jsonb_object_agg(s.customer_id, s.label) FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) WHERE v.ref = '{venue}'"
    ));
    sql.run("ROLLBACK TO change");
    labels
}

#[test]
fn a_preview_agrees_with_the_recompute_that_follows_the_same_settings() {
    let _turn = turn_to_write();
    // Three days after the night: some labels are due already.
    let mut sql = trial("2025-07-03 23:00+00");
    let mut moves = 0;
    for venue in smallest_and_largest() {
        let anyway = labels_after(&mut sql, &venue, "");
        for (settings, change) in [
            (r#"{"at_risk_days": 45}"#, "UPDATE crm.venue SET at_risk_days = 45"),
            (
                r#"{"lost_days": 60, "at_risk_days": 14}"#,
                "UPDATE crm.venue SET lost_days = 60, at_risk_days = 14",
            ),
            (
                r#"{"regular_visits": 6, "new_days": 10}"#,
                "UPDATE crm.venue SET regular_visits = 6, new_days = 10",
            ),
            (r#"{"min_cohort": 5}"#, "UPDATE crm.venue SET min_cohort = 5"),
            (r#"{"min_cohort": 1000000}"#, "UPDATE crm.venue SET min_cohort = 1000000"),
            (
                r#"{"closures": [{"from_day": "2025-06-01", "to_day": "2025-06-14"}]}"#,
                "INSERT INTO crm.venue_closure SELECT org_id, venue_id, '2025-06-01', '2025-06-14' FROM crm.venue",
            ),
        ] {
            let then = labels_after(&mut sql, &venue, change);
            sql.run(&format!(
                "CREATE TEMP TABLE moved ON COMMIT DROP AS
                 SELECT s.customer_id, s.total_spent, s.label AS from_label, t.value AS to_label, a.value AS anyway
                   FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id)
                   JOIN jsonb_each_text('{then}') t ON t.key = s.customer_id::text
                   JOIN jsonb_each_text('{anyway}') a ON a.key = s.customer_id::text
                  WHERE v.ref = '{venue}' AND s.label <> t.value;
                 CREATE TEMP TABLE preview ON COMMIT DROP AS SELECT * FROM crm.preview_settings('{venue}', '{settings}')"
            ));
            sql.expect_none(
                "SELECT * FROM (SELECT from_label, to_label, guests, guests_anyway FROM preview) p
                   FULL JOIN (SELECT from_label, to_label, count(*) AS guests, count(*) FILTER (WHERE anyway = to_label) AS guests_anyway
                                FROM moved GROUP BY 1, 2) m USING (from_label, to_label, guests, guests_anyway)
                  WHERE p IS NULL OR m IS NULL",
            );
            // The sample is of those who moved so, and nobody else of them spent more.
            sql.expect_none(
                "SELECT p.from_label, p.to_label FROM preview p
                  WHERE (SELECT array_agg((x ->> 'customer_id')::uuid ORDER BY n) FROM jsonb_array_elements(p.sample) WITH ORDINALITY AS s(x, n))
                        IS DISTINCT FROM
                        (SELECT array_agg(customer_id ORDER BY total_spent DESC, customer_id)
                           FROM (SELECT * FROM moved m WHERE (m.from_label, m.to_label) = (p.from_label, p.to_label)
                                  ORDER BY total_spent DESC, customer_id LIMIT 10) best)",
            );
            moves += sql.number("SELECT count(*) FROM moved WHERE to_label <> anyway");
            sql.run("DROP TABLE moved, preview");
        }
    }
    assert!(moves > 1000, "the settings make a difference: {moves}");
    sql.run("ROLLBACK");
}

#[test]
fn the_sales_of_every_venue_agree_with_the_platforms_orders() {
    for as_of in [AS_OF, "2025-06-30 05:00+00", "2025-06-28 12:00+00"] {
        let mut sql = trial(as_of);
        let sales = format!(
            "WITH dated AS (
               SELECT v.ref, o.customer_id, o.total, ((o.completed_at AT TIME ZONE v.timezone) - v.day_starts_at::interval)::date AS day,
                      ((timestamptz '{as_of}' AT TIME ZONE v.timezone) - v.day_starts_at::interval)::date AS today
                 FROM oracle.counted_order o JOIN crm.venue v USING (org_id, venue_id)
             ), aged AS (
               SELECT *, today - day AS age, min(day) OVER (PARTITION BY ref, customer_id) = day AS first FROM dated
             ), expected AS (
               SELECT a.ref, p.name, count(*) AS orders, sum(total)::text AS revenue, count(DISTINCT (customer_id, day)) AS visits,
                      count(DISTINCT customer_id) FILTER (WHERE first) AS new_guests
                 FROM aged a JOIN (VALUES ('today', 0, 0), ('last_7_days', 1, 7), ('previous_7_days', 8, 14), ('last_30_days', 1, 30),
                                          ('previous_30_days', 31, 60)) p(name, youngest, oldest) ON a.age BETWEEN p.youngest AND p.oldest
                GROUP BY 1, 2
             ), found AS (
               SELECT v.ref, s.key AS name, (s.value ->> 'orders')::bigint AS orders, s.value ->> 'revenue' AS revenue,
                      (s.value ->> 'visits')::bigint AS visits, (s.value ->> 'new_guests')::bigint AS new_guests
                 FROM crm.venue v, jsonb_each(crm.overview(v.ref) -> 'sales') s
             )"
        );
        sql.expect_none(&format!(
            "{sales} SELECT * FROM (SELECT * FROM found WHERE orders > 0) f FULL JOIN expected e USING (ref, name, orders, revenue, visits, new_guests)
              WHERE f IS NULL OR e IS NULL"
        ));
        assert!(
            sql.number(&format!("{sales} SELECT count(*) FROM expected")) >= 20,
            "most venues sold in most periods"
        );
    }
}

#[test]
fn the_all_time_figures_of_every_venue_agree_with_the_platforms_orders() {
    let mut sql = trial(AS_OF);
    sql.expect_none(
        "SELECT ref, o, n FROM (
           SELECT v.ref, concat_ws(' ', o -> 'cohort', o -> 'orders', o ->> 'revenue', o ->> 'average_bill', o ->> 'repeat_rate') AS o
             FROM crm.venue v, crm.overview(v.ref) o) found
         JOIN (
           SELECT v.ref, concat_ws(' ', count(*), sum(total_orders), sum(total_spent), round(sum(total_spent) / sum(total_orders), 2),
                                   round(count(*) FILTER (WHERE total_visits > 1)::numeric / count(*), 4)) AS n
             FROM oracle.guest JOIN crm.venue v USING (org_id, venue_id) GROUP BY 1) expected USING (ref)
         WHERE o <> n",
    );
}

#[test]
fn upcoming_labels_are_the_oracles_labels_of_the_coming_days() {
    let mut sql = trial(AS_OF);
    sql.run(&format!(
        "CREATE TEMP TABLE coming ON COMMIT DROP AS
         SELECT DISTINCT ON (v.ref, s.customer_id) v.ref, s.customer_id, s.total_spent, s.label, e.label AS next_label,
                (timestamptz '{AS_OF}' AT TIME ZONE v.timezone)::date + n AS changes_on
           FROM generate_series(0, 7) n
          CROSS JOIN LATERAL oracle.expected(NULL, timestamptz '{AS_OF}' + make_interval(days => n)) e
           JOIN crm.customer_venue_stats s USING (org_id, venue_id, customer_id)
           JOIN crm.venue v USING (org_id, venue_id)
          WHERE s.label <> e.label
          ORDER BY v.ref, s.customer_id, n"
    ));
    sql.expect_none(
        "SELECT * FROM (SELECT v.ref, u.customer_id, u.label, u.next_label, u.changes_on, u.total_spent FROM crm.venue v, crm.upcoming_labels(v.ref, 7) u) u
           FULL JOIN coming c USING (ref, customer_id, label, next_label, changes_on, total_spent) WHERE u IS NULL OR c IS NULL",
    );
    assert!(sql.number("SELECT count(*) FROM coming WHERE next_label = 'AT_RISK'") > 50);
    sql.expect_none(
        "SELECT * FROM (
           SELECT v.ref, (o #>> '{at_risk_within_7_days,guests}')::bigint AS guests, o #>> '{at_risk_within_7_days,spent}' AS spent
             FROM crm.venue v, crm.overview(v.ref) o) o
         FULL JOIN (SELECT ref, count(*) AS guests, sum(total_spent)::text AS spent FROM coming WHERE next_label = 'AT_RISK' GROUP BY 1) c
           USING (ref, guests, spent)
         WHERE (o IS NULL OR c IS NULL) AND guests > 0",
    );
}

#[test]
fn who_was_there_and_who_moved_in_make_who_is_there() {
    let _turn = turn_to_write();
    let mut sql = trial("2025-07-20 23:00+00");
    sql.run("CREATE TEMP TABLE start ON COMMIT DROP AS SELECT org_id, venue_id, customer_id, label FROM crm.customer_venue_stats");
    // Every third guest comes again in July, and some for the first time.
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, channel, "completedAt")
           SELECT 'again' || s.customer_id || v.ref, v.ref, c.ref, 'COMPLETED', 20, 'DINE_IN', '2025-07-20 20:00'
             FROM start s JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id)
            WHERE hashtext(c.ref) % 3 = 0;
           INSERT INTO "Customer" (id, name) SELECT 'first' || i, 'First' FROM generate_series(1, 40) i;
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, channel, "completedAt")
           SELECT 'first' || i || v.ref, v.ref, 'first' || i, 'COMPLETED', 20, 'DINE_IN', '2025-07-20 20:00' FROM generate_series(1, 40) i, crm.venue v;
           SELECT crm.recompute_venue(ref) FROM crm.venue;
           SET crm.as_of = '2025-08-25 23:00+00';
           SELECT crm.recompute_venue(ref) FROM crm.venue"#,
    );
    sql.expect_none(
        "WITH moved AS (
           SELECT v.org_id, v.venue_id, f.* FROM crm.venue v, crm.label_flow(v.ref, '2025-07-02', '2025-08-31') f WHERE f.net_guests > 0
         ), balance AS (
           SELECT org_id, venue_id, label, 1 AS guests FROM start
           UNION ALL SELECT org_id, venue_id, to_label, net_guests FROM moved
           UNION ALL SELECT org_id, venue_id, from_label, -net_guests FROM moved WHERE from_label IS NOT NULL
         ), there AS (
           SELECT org_id, venue_id, label, count(*) AS guests FROM crm.customer_venue_stats GROUP BY 1, 2, 3
         )
         SELECT * FROM (SELECT org_id, venue_id, label, sum(guests) AS guests FROM balance GROUP BY 1, 2, 3 HAVING sum(guests) <> 0) b
           FULL JOIN there t USING (org_id, venue_id, label, guests) WHERE b IS NULL OR t IS NULL",
    );
    // Each number has as many guests behind it.
    sql.expect_none(
        "SELECT v.ref, f.from_label, f.to_label, f.net_guests FROM crm.venue v, crm.label_flow(v.ref, '2025-07-02', '2025-08-31') f
         WHERE f.to_label IS NOT NULL AND f.net_guests <>
           (SELECT count(DISTINCT m.customer_id) FROM crm.label_movers(v.ref, '2025-07-02', '2025-08-31', f.from_label, f.to_label) m)",
    );
    // A guest who moves there and back is in the moves, not in the net.
    assert!(sql.number("SELECT sum(f.guests_moved - f.net_guests) FROM crm.venue v, crm.label_flow(v.ref, '2025-07-02', '2025-08-31') f WHERE f.from_label IS NOT NULL") > 100);
    assert_eq!(
        sql.number("SELECT sum(f.net_guests) FROM crm.venue v, crm.label_flow(v.ref, '2025-07-02', '2025-08-31') f WHERE f.from_label IS NULL"),
        40 * sql.number("SELECT count(*) FROM crm.venue")
    );
    sql.run("ROLLBACK");
}
