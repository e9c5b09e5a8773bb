//! The segments that stand for labels: the label is the membership, its record the ledger, and no row is kept beside them.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Ana with two orders, Ben with one, at the bistro, both NEW by 10 March.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    sql.run("SELECT dine('ana', 'bistro', '2025-03-01 20:00', 10), dine('ana', 'bistro', '2025-03-05 20:00', 30), dine('ben', 'bistro', '2025-03-02 12:00', 20)");
    restaurant::bind(&mut sql);
    (database, sql)
}

/// A third visit makes a regular; three visits score 3, and 90 is from three to six times the median bill of 20, so 3 as well:
/// LOYAL.
const THIRD_VISIT: &str = r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('third', 'bistro', 'ana', 'COMPLETED', 50, '2025-03-11 20:00+01')"#;

fn segment(sql: &mut Session, key: &str) -> String {
    sql.value(&format!("SELECT segment_id FROM crm.segment WHERE key = '{key}'"))
}

/// The members by the view and one by one, which must agree with the size.
#[track_caller]
fn members(sql: &mut Session, key: &str) -> String {
    let id = segment(sql, key);
    let by_view = sql.value(&format!(
        "SELECT COALESCE(string_agg(c.ref, ' ' ORDER BY c.ref), '') FROM crm.segment_member m JOIN crm.customer c USING (org_id, customer_id) WHERE segment_id = {id}"
    ));
    let one_by_one = sql.value(&format!(
        "SELECT COALESCE(string_agg(ref, ' ' ORDER BY ref), '') FROM crm.customer WHERE crm.is_member({id}, ref)"
    ));
    assert_eq!(one_by_one, by_view, "{key}");
    let size = by_view.split_whitespace().count().to_string();
    assert_eq!(sql.value(&format!("SELECT crm.segment_size({id})")), size, "{key}");
    assert_eq!(
        sql.value(&format!("SELECT members FROM crm.segment_list('bistro') WHERE segment_id = {id}")),
        size,
        "{key}"
    );
    by_view
}

#[test]
fn a_label_is_a_membership_and_leaves_no_row_of_one() {
    let (_database, mut sql) = platform("membership");
    assert_eq!(members(&mut sql, "new"), "ana ben");
    sql.run(THIRD_VISIT);
    assert_eq!((members(&mut sql, "new").as_str(), members(&mut sql, "loyal").as_str()), ("ben", "ana"));
    sql.run("CALL crm.run_sweep()");
    assert_eq!((members(&mut sql, "new").as_str(), members(&mut sql, "loyal").as_str()), ("ben", "ana"));
    sql.run("SET crm.as_of = '2025-04-20 12:00+00'");
    sql.run("CALL crm.run_sweep()");
    assert_eq!((members(&mut sql, "new").as_str(), members(&mut sql, "potential").as_str()), ("", "ben"));
    sql.run("SELECT crm.merge_customers('ana', 'ben', 'one person')");
    assert_eq!((members(&mut sql, "potential").as_str(), members(&mut sql, "at_risk").as_str()), ("", "ana"));
    sql.run("CALL crm.run_night()");
    assert_eq!(members(&mut sql, "at_risk"), "ana");
    for table in ["guest_segments", "segment_change", "segment_tally"] {
        sql.expect_none(&format!("SELECT * FROM crm.{table}"));
    }
    sql.expect_none("SELECT * FROM crm.job_run WHERE job = 'segments'");
}

#[test]
fn a_change_of_label_is_announced_in_its_transaction() {
    let (_database, mut sql) = platform("announced");
    sql.expect_none("SELECT * FROM crm.outbox");
    let announced = "SELECT o.topic, o.payload ->> 'cause', o.payload ->> 'venue_id' = crm.key('bistro')::text,
                            c.ref, e ->> 'from', e ->> 'to', e ->> 'order_ref', o.occurred_at AT TIME ZONE 'UTC'
                     FROM crm.outbox o, jsonb_array_elements(o.payload -> 'changes') e JOIN crm.customer c ON c.customer_id = (e ->> 'customer_id')::uuid
                     ORDER BY o.event_id, c.ref";
    sql.run(&format!("BEGIN; {THIRD_VISIT}"));
    assert_eq!(sql.rows(announced).len(), 1);
    sql.run("ROLLBACK");
    sql.expect_none(announced);
    sql.run("SET crm.as_of = '2025-03-11 20:00+00'");
    sql.run(THIRD_VISIT);
    // Two at once, one of a guest who is new, one of a guest who keeps his label.
    sql.run(
        r#"INSERT INTO "Customer" (id) VALUES ('cleo');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('first', 'bistro', 'cleo', 'COMPLETED', 5, '2025-03-11 20:00+01'), ('second', 'bistro', 'ben', 'COMPLETED', 5, '2025-03-11 20:00+01')"#,
    );
    // 30 days after their first visits Ben and Cleo, who are no regulars, are NEW no more.
    sql.run("SET crm.as_of = '2025-04-02 12:00+00'");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(
        announced,
        &[
            "customer.label|order|t|ana|NEW|LOYAL|third|2025-03-11 20:00:00",
            "customer.label|order|t|cleo|null|NEW|first|2025-03-11 20:00:00",
            "customer.label|time|t|ben|NEW|POTENTIAL|null|2025-04-02 12:00:00",
        ],
    );
    // The first order of a statement counts at once, and is Ben's third visit; Cleo's are settled together, and the last named.
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
           SELECT x || n, 'bistro', x, 'COMPLETED', 100, timestamptz '2025-04-02 10:00+00' - n * interval '1 day' FROM unnest('{ben,cleo}'::text[]) x, generate_series(0, 2) n"#,
    );
    sql.expect_rows(
        "SELECT e ->> 'from', e ->> 'to', e ->> 'order_ref' FROM crm.outbox o, jsonb_array_elements(o.payload -> 'changes') e
         WHERE o.event_id > (SELECT max(event_id) FROM crm.outbox WHERE payload ->> 'cause' = 'time') ORDER BY 3",
        &["POTENTIAL|LOYAL|ben0", "NEW|LOYAL|cleo2"],
    );
}

#[test]
fn who_was_a_member_when_is_in_the_record_of_labels() {
    let (_database, mut sql) = platform("history");
    sql.run("SET crm.as_of = '2025-03-12 12:00+00'");
    sql.run(THIRD_VISIT);
    sql.run("SELECT dine('cleo', 'bistro', '2025-03-12 12:00', 5)");
    sql.run("SET crm.as_of = '2025-04-20 12:00+00'");
    sql.run("CALL crm.run_night()");
    for (key, at, expected) in [
        ("new", "2025-03-10 11:59:59+00", &[][..]),
        ("new", "2025-03-10 12:00+00", &["ana|order|2025-03-10", "ben|order|2025-03-10"]),
        ("new", "2025-03-12 12:00+00", &["ben|order|2025-03-10", "cleo|order|2025-03-12"]),
        ("new", "infinity", &[]),
        ("loyal", "2025-03-12 11:59+00", &[]),
        ("loyal", "2025-03-12 12:00+00", &["ana|order|2025-03-12"]),
        ("at_risk", "infinity", &["ana|night|2025-04-20"]),
        ("potential", "infinity", &["ben|night|2025-04-20", "cleo|night|2025-04-20"]),
    ] {
        let id = segment(&mut sql, key);
        sql.expect_rows(
            &format!("SELECT c.ref, a.cause, (a.since AT TIME ZONE 'UTC')::date FROM crm.segment_as_of({id}, '{at}') a JOIN crm.customer c USING (customer_id) ORDER BY 1"),
            expected,
        );
    }
    sql.expect_rows(
        "SELECT s.key, e.event, (e.occurred_at AT TIME ZONE 'UTC')::date, e.cause, e.order_ref, e.change_id IS NULL, e.criteria_version = s.criteria_version
         FROM crm.segment_event e JOIN crm.segment s USING (org_id, segment_id) JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ana' ORDER BY 3, 2 DESC",
        &[
            "new|entered|2025-03-10|order|null|t|t",
            "new|exited|2025-03-12|order|third|f|t",
            "loyal|entered|2025-03-12|order|third|f|t",
            "loyal|exited|2025-04-20|night|null|f|t",
            "at_risk|entered|2025-04-20|night|null|f|t",
        ],
    );
}

#[test]
fn segments_that_name_that_of_a_label_follow_it() {
    let (_database, mut sql) = platform("named");
    for (key, criteria) in [
        (
            "spending_loyal",
            r#"{"all":[{"field":"in_segment","op":"has","value":"loyal"},{"field":"total_spent","op":"gt","value":"80"}]}"#,
        ),
        ("not_new", r#"{"not":{"field":"in_segment","op":"has","value":"new"}}"#),
        ("deeper", r#"{"field":"in_segment","op":"has_all","value":["not_new","loyal"]}"#),
        ("by_label", r#"{"field":"label","op":"in","value":["LOYAL","AT_RISK"]}"#),
    ] {
        sql.run(&format!(
            r#"SELECT crm.create_segment('bistro', '{key}', 'N', '{{"v":1,"where":{criteria}}}')"#
        ));
    }
    sql.run(r#"SELECT crm.create_segment('bistro', 'in_none', 'N', '{"v":1,"where":{"field":"in_segment","op":"is_empty"}}')"#);
    let of_each = |sql: &mut Session| {
        ["spending_loyal", "not_new", "deeper", "by_label", "in_none"].map(|key| members(sql, key)).join(", ")
    };
    assert_eq!(of_each(&mut sql), ", , , , ");
    sql.run(THIRD_VISIT);
    assert_eq!(of_each(&mut sql), "ana, ana, ana, ana, ");
    sql.run("SET crm.as_of = '2025-04-20 12:00+00'");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(of_each(&mut sql), ", ana ben, , ana, ");
    // Without an order nobody has a label that has a segment.
    sql.run(r#"DELETE FROM "Order" WHERE "customerId" = 'ana'"#);
    assert_eq!(of_each(&mut sql), ", ana ben, , , ");
    let id = segment(&mut sql, "not_new");
    sql.run(&format!(r#"SELECT crm.update_segment({id}, criteria => '{{"v":1,"where":{{"field":"total_orders","op":"gte","value":1}}}}')"#));
    assert_eq!(of_each(&mut sql), ", ben, , , ana");
    sql.run("CALL crm.run_night()");
    assert_eq!(of_each(&mut sql), ", ben, , , ana");
    // Only they have rows.
    sql.expect_none("SELECT * FROM crm.guest_segments g JOIN crm.segment s ON s.segment_id = ANY (g.segments) WHERE s.is_system");
    sql.expect_none("SELECT * FROM crm.segment_change g JOIN crm.segment s ON s.segment_id = ANY (g.entered || g.exited) WHERE s.is_system");
    // Who is asked why, and what a preview says, sees both kinds.
    sql.expect_rows(
        "SELECT verdict, value FROM crm.explain_segment('ben', (SELECT segment_id FROM crm.segment WHERE key = 'spending_loyal')) WHERE field = 'in_segment'",
        &[r#"f|["not_new", "potential"]"#],
    );
}

#[test]
fn the_segment_of_a_label_cannot_be_changed_but_duplicated() {
    let (_database, mut sql) = platform("refused");
    let id = segment(&mut sql, "new");
    for call in [
        format!("crm.include_in_segment({id}, 'ben', 'a friend')"),
        format!("crm.exclude_from_segment({id}, 'ana', 'asked not to be')"),
        format!("crm.clear_segment_override({id}, 'ana')"),
        format!("crm.update_segment({id}, 'Newcomers')"),
        format!("crm.archive_segment({id})"),
    ] {
        let refusal = sql.expect_refusal(&format!("SELECT {call}"), &["CR409"], "label NEW");
        assert_eq!(refusal.column.as_deref(), Some("segment"), "{call}");
    }
    sql.expect_rows(&format!("SELECT crm.refresh_segment({id})"), &["2"]);
    let copy = sql.value(&format!("SELECT crm.duplicate_segment({id}, 'newcomers')"));
    assert_eq!(members(&mut sql, "newcomers"), "ana ben");
    sql.run(&format!("SELECT crm.exclude_from_segment({copy}, 'ana', 'asked not to be')"));
    assert_eq!(
        (members(&mut sql, "newcomers").as_str(), members(&mut sql, "new").as_str()),
        ("ben", "ana ben")
    );
    let with_two = r#"{"v":1,"where":{"field":"total_orders","op":"gte","value":2}}"#;
    sql.expect_rows(
        &format!("SELECT p ->> 'members', p ->> 'joining', p ->> 'leaving' FROM crm.preview_segment('{with_two}', 'bistro', {id}) p"),
        &["1|0|1"],
    );
}

#[test]
fn an_old_snapshot_follows_the_segments_there_are_and_keeps_them() {
    let (database, mut sql) = platform("repeatable");
    let mut till = database.session();
    till.run(
        "SET crm.as_of = '2025-03-10 12:00+00'; LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
         SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = warning",
    );
    till.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM crm.segment");
    sql.run(r#"SELECT crm.create_segment('bistro', 'twice', 'N', '{"v":1,"where":{"field":"total_orders","op":"gte","value":2}}')"#);
    till.warnings();
    let mut reads = Vec::new();
    for guest in ["ben", "cleo", "cleo", "cleo"] {
        till.run(&format!("SELECT dine('{guest}', 'bistro', '2025-03-10 12:00', 20)"));
        let plans = till.warnings().join("\n");
        reads.push(plans.matches("SELECT o.segments_inline").count());
    }
    till.run("COMMIT");
    sql.expect_none("SELECT * FROM crm.failed_change");
    assert_eq!(members(&mut sql, "twice"), "ana ben cleo");
    assert!(reads[0] > 0, "the segments are read where they changed: {reads:?}");
    assert_eq!(reads[1..].iter().sum::<usize>(), 0, "and kept: {reads:?}");
}
