//! A guest who objects to profiling has totals, and nothing that follows from them.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Sixty guests at two venues; eve is one of the best at both.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    for venue in ["bistro", "bar", "cafe"] {
        restaurant::add_venue(&mut sql, venue, "Europe/Berlin");
    }
    sql.run(
        "SELECT dine('g' || n, v, timestamp '2026-07-01 20:00' + n % 50 * interval '1 day' + o * interval '6 days', 10 + n)
           FROM generate_series(1, 60) n, generate_series(1, 4) o, unnest('{bistro,bar}'::text[]) v;
         SELECT dine('eve', v, timestamp '2026-07-01 20:00' + o * interval '7 days', 90) FROM generate_series(1, 10) o, unnest('{bistro,bar}'::text[]) v;
         SET crm.as_of = '2026-09-15 12:00+00'",
    );
    restaurant::bind(&mut sql);
    sql.run(
        r#"SELECT crm.create_segment('bistro', 'spent', 'Spent', '{"v":1,"where":{"field":"total_spent","op":"gte","value":50}}');
           SELECT crm.create_segment('bistro', 'others', 'Others', '{"v":1,"where":{"not":{"field":"name","op":"eq","value":"nobody"}}}');
           SELECT crm.create_segment(NULL, 'all', 'All', '{"v":1,"scope":"org","where":{"all":[]}}')"#,
    );
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_night()");
    (database, sql)
}

const ROW: &str = "SELECT v.ref, s.total_orders, s.total_spent, s.recency_score, s.label, s.previous_label, s.next_label_at, s.profiled
   FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) WHERE s.customer_id = crm.key('eve') ORDER BY v.ref";
const SEGMENTS: &str = "SELECT s.key FROM crm.segment_member m JOIN crm.segment s USING (org_id, segment_id) WHERE m.customer_id = crm.key('eve') ORDER BY 1";

#[track_caller]
fn expect_all_right(sql: &mut Session) {
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_venue_days(v.ref) d");
    sql.expect_none("SELECT * FROM crm.verify_list()");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.job_run WHERE error IS NOT NULL");
}

#[test]
fn who_objects_has_neither_label_nor_scores_nor_segments_at_any_venue() {
    let (_database, mut sql) = platform("profiling");
    assert!(sql.rows(SEGMENTS).iter().any(|key| key == "spent"));
    sql.run("SELECT crm.set_profiling('eve', false, 'letter of 1 September')");
    let without = ["bar|10|900.00|null|null|null|null|f", "bistro|10|900.00|null|null|null|null|f"];
    sql.expect_rows(ROW, &without);
    sql.expect_rows(SEGMENTS, &[]);
    // The record says how she left.
    sql.expect_rows(
        "SELECT DISTINCT e.event FROM crm.segment_event e JOIN crm.segment s USING (org_id, segment_id)
          WHERE e.customer_id = crm.key('eve') AND s.key = 'spent' AND e.cause = 'objection'",
        &["exited"],
    );
    sql.expect_rows(
        "SELECT count(*) FROM crm.label_change WHERE customer_id = crm.key('eve') AND to_label IS NULL AND cause = 'objection'",
        &["2"],
    );
    expect_all_right(&mut sql);
    // Orders, sweeps and nights keep it so, at venues to come too.
    sql.run("SELECT dine('eve', 'bistro', '2026-09-14 20:00', 100); SELECT dine('eve', 'cafe', '2026-09-14 21:00', 40)");
    let later = [
        "bar|10|900.00|null|null|null|null|f",
        "bistro|11|1000.00|null|null|null|null|f",
        "cafe|1|40.00|null|null|null|null|f",
    ];
    sql.expect_rows(ROW, &later);
    sql.expect_rows(SEGMENTS, &[]);
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_night(recount => true)");
    sql.expect_rows(ROW, &later);
    sql.expect_rows(SEGMENTS, &[]);
    sql.expect_none("SELECT * FROM crm.derived_preference WHERE customer_id = crm.key('eve')");
    expect_all_right(&mut sql);
    // She is still found and served.
    sql.run("INSERT INTO crm.principal (org_id, name, role, db_user) SELECT org_id, 'Boss', 'admin', current_user FROM crm.organisation");
    sql.expect_rows(
        "SELECT (l).total_orders, (l).label FROM crm.customer_list('bistro', search => 'eve') l",
        &["11|null"],
    );
    sql.expect_rows(
        "SELECT (l).total_orders, (l).label FROM crm.customer_list(search => 'eve') l",
        &["22|null"],
    );
    sql.expect_rows(
        "SELECT crm.explain_rfm('eve', 'bistro') ->> 'because'",
        &["the guest objects to profiling"],
    );
}

#[test]
fn the_others_are_scored_as_if_she_were_not_there_and_every_sum_has_her() {
    let (_database, mut sql) = platform("profiling_others");
    sql.run("SELECT crm.set_profiling('eve', false, 'letter')");
    sql.run("CALL crm.run_night()");
    let rule = "SELECT v.ref, s.cohort_size, s.frequency_cuts, s.monetary_cuts, s.regulars, s.median_regular_spent FROM crm.venue_scoring s JOIN crm.venue v USING (org_id, venue_id) WHERE v.ref <> 'cafe' ORDER BY 1";
    let with_objection = sql.rows(rule);
    // The same house, which she never entered.
    let (_other, mut without) = platform("profiling_without");
    without.run(r#"DELETE FROM "Order" WHERE "customerId" = 'eve'"#);
    without.run("CALL crm.run_night()");
    assert_eq!(with_objection, without.rows(rule));
    // Counted by the platform's own orders.
    sql.expect_rows(
        r#"SELECT (o ->> 'cohort')::int, (o ->> 'orders')::int = (SELECT count(*) FROM "Order" WHERE "venueId" = 'bistro'),
                  (o ->> 'revenue')::numeric = (SELECT sum(total) FROM "Order" WHERE "venueId" = 'bistro'), jsonb_array_length(o -> 'labels'),
                  (SELECT sum((l ->> 'guests')::int) FROM jsonb_array_elements(o -> 'labels') l)
             FROM crm.overview('bistro') o"#,
        &["61|t|t|7|60"],
    );
    sql.expect_rows(
        r#"SELECT sum(d.orders) = (SELECT count(*) FROM "Order" WHERE "venueId" = 'bistro'), sum(d.new_guests) FROM crm.venue_day d WHERE d.venue_id = crm.key('bistro')"#,
        &["t|61"],
    );
}

#[test]
fn an_objection_is_taken_back_and_everything_is_as_it_was() {
    let (_database, mut sql) = platform("profiling_back");
    let (row, segments) = (sql.rows(&ROW.replace("s.previous_label, ", "")), sql.rows(SEGMENTS));
    sql.run("SELECT crm.set_profiling('eve', false, 'letter'); SELECT crm.set_profiling('eve', false, 'letter again')");
    sql.run("SELECT crm.set_profiling('eve', true, 'she likes the birthday cake')");
    sql.run("CALL crm.run_night()");
    assert_eq!(sql.rows(&ROW.replace("s.previous_label, ", "")), row);
    assert_eq!(sql.rows(SEGMENTS), segments);
    expect_all_right(&mut sql);
    sql.expect_rows(
        "SELECT allowed, reason FROM crm.profiling_change ORDER BY change_id",
        &["f|letter", "t|she likes the birthday cake"],
    );
    sql.expect_refusal("SELECT crm.set_profiling('eve', false, ' ')", &["22023"], "reason");
    sql.expect_refusal("SELECT crm.set_profiling('eve', NULL, 'x')", &["22004"], "profiled");
    sql.expect_refusal("SELECT crm.set_profiling('nobody', false, 'x')", &["CR404"], "unknown");
}

#[test]
fn who_is_merged_with_her_is_not_profiled_while_he_is() {
    let (_database, mut sql) = platform("profiling_merge");
    sql.run("SELECT crm.set_profiling('eve', false, 'letter')");
    sql.run("SELECT crm.merge_customers('g1', 'eve', 'one person')");
    let g1 = "SELECT bool_and(s.label IS NULL), sum(s.total_orders) FROM crm.customer_venue_stats s WHERE s.customer_id = crm.key('g1')";
    sql.expect_rows(g1, &["t|28"]);
    expect_all_right(&mut sql);
    sql.run("SELECT crm.unmerge_customer('eve')");
    sql.expect_rows(g1, &["f|8"]);
    expect_all_right(&mut sql);
    sql.run("SELECT crm.merge_customers('g1', 'eve', 'one person')");
    sql.run("SELECT crm.set_profiling('g1', true, 'says the one person')");
    sql.expect_rows(g1, &["f|28"]);
}

#[test]
fn a_backfill_knows_the_objection() {
    let (_database, mut sql) = platform("profiling_backfill");
    sql.run("SELECT crm.set_profiling('eve', false, 'letter')");
    sql.run("SELECT crm.unbind('order')");
    restaurant::bind_orders_and_backfill(&mut sql);
    sql.expect_rows(
        "SELECT DISTINCT label, profiled FROM crm.customer_venue_stats WHERE customer_id = crm.key('eve')",
        &["null|f"],
    );
    expect_all_right(&mut sql);
}
