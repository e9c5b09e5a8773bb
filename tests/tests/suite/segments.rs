//! Segments as a manager works with them.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

const LUNCH: &str = r#"{"v":1,"where":{"field":"total_orders","op":"gte","value":2}}"#;

/// Ana with two orders, Ben with one, at the bistro; the bar has no guests.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    sql.run("SELECT dine('ana', 'bistro', '2025-03-01 20:00', 10), dine('ana', 'bistro', '2025-03-05 20:00', 30), dine('ben', 'bistro', '2025-03-02 12:00', 20)");
    restaurant::bind(&mut sql);
    (database, sql)
}

fn make(sql: &mut Session, key: &str, criteria: &str) -> String {
    sql.value(&format!("SELECT crm.create_segment('bistro', '{key}', 'Name', '{criteria}')"))
}

fn members(sql: &mut Session, id: &str) -> String {
    sql.value(&format!(
        "SELECT COALESCE(string_agg(c.ref, ' ' ORDER BY c.ref), '') FROM crm.segment_member m JOIN crm.customer c USING (org_id, customer_id) WHERE segment_id = {id}"
    ))
}

#[test]
fn every_venue_has_six_segments_that_follow_the_labels() {
    let (_database, mut sql) = platform("system");
    restaurant::add_venue(&mut sql, "later", "Europe/Paris");
    sql.expect_rows("SELECT v.ref, count(*) FROM crm.segment s JOIN crm.venue v USING (org_id, venue_id) WHERE s.is_system GROUP BY 1 ORDER BY 1",
        &["bar|6", "bistro|6", "later|6"]);
    sql.expect_rows(
        "SELECT s.key, c.ref FROM crm.segment_member m JOIN crm.segment s USING (org_id, segment_id) JOIN crm.customer c USING (org_id, customer_id) ORDER BY 2",
        &["new|ana", "new|ben"],
    );
    sql.run("SET crm.as_of = '2025-05-10 12:00+00'");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(
        "SELECT c.ref, e.event, s.key, e.cause FROM crm.segment_event e JOIN crm.segment s USING (org_id, segment_id)
         JOIN crm.customer c USING (org_id, customer_id) WHERE occurred_at > '2025-05-01' ORDER BY 1, 2 DESC",
        &["ana|exited|new|time", "ana|entered|potential|time", "ben|exited|new|time", "ben|entered|potential|time"],
    );
}

#[test]
fn labels_that_a_night_changes_take_their_segments_along() {
    let (_database, mut sql) = platform("night_labels");
    let differing = "SELECT t.customer_id, t.label FROM crm.customer_venue_stats t
        FULL JOIN (SELECT m.*, s.key FROM crm.segment_member m JOIN crm.segment s USING (org_id, segment_id) WHERE s.is_system) m
          USING (org_id, venue_id, customer_id)
        WHERE NULLIF(lower(t.label), 'inactive') IS DISTINCT FROM m.key";
    sql.expect_none(differing);
    let looked_at = "SELECT count(*) FROM crm.job_run WHERE job = 'segments'";
    let before = sql.value(looked_at);
    for day in ["2025-04-20", "2025-09-01"] {
        sql.run(&format!("SET crm.as_of = '{day} 03:30+00'"));
        sql.run("CALL crm.run_night()");
        sql.expect_none(differing);
    }
    sql.expect_rows("SELECT DISTINCT label FROM crm.customer_venue_stats", &["INACTIVE"]);
    assert_eq!(sql.value(looked_at), before, "no venue was looked at as a whole");
    sql.expect_rows(
        "SELECT count(*) > 0 FROM crm.segment_event WHERE cause = 'night' AND event = 'exited'",
        &["t"],
    );
}

#[test]
fn a_segment_is_made_edited_duplicated_and_archived() {
    let (_database, mut sql) = platform("lifecycle");
    let id = make(&mut sql, "twice", LUNCH);
    assert_eq!(members(&mut sql, &id), "ana");
    sql.run("SELECT dine('ben', 'bistro', '2025-03-10 12:00', 20)");
    assert_eq!(members(&mut sql, &id), "ana ben");
    let copy = sql.value(&format!("SELECT crm.duplicate_segment({id}, 'twice_too')"));
    assert_eq!(members(&mut sql, &copy), "ana ben");
    sql.run("SET crm.as_of = '2025-03-11 12:00+00'");
    sql.run(&format!(r#"SELECT crm.update_segment({id}, criteria => '{{"v":1,"where":{{"field":"total_spent","op":"gt","value":"40"}}}}')"#));
    assert_eq!(members(&mut sql, &id), "", "both spent 40");
    assert_eq!(members(&mut sql, &copy), "ana ben");
    sql.expect_rows(&format!("SELECT count(*) FROM crm.segment_as_of({id}, '2025-03-10 23:00+00')"), &["2"]);
    sql.expect_rows(
        &format!("SELECT count(DISTINCT criteria_version) FROM crm.segment_event WHERE segment_id = {id}"),
        &["2"],
    );
    sql.run(&format!("SELECT crm.archive_segment({copy})"));
    assert_eq!(members(&mut sql, &copy), "");
    sql.expect_refusal(&format!("SELECT crm.refresh_segment({copy})"), &["CR409"], "archived");
    sql.expect_refusal(
        &format!("SELECT crm.create_segment('bistro', 'twice_too', 'N', '{LUNCH}')"),
        &["CR409"],
        "already",
    );
    sql.expect_rows("SELECT key, members FROM crm.segment_list('bistro') WHERE NOT is_system", &["twice|0"]);
}

#[test]
fn what_was_done_by_hand_stands_until_it_is_taken_back() {
    let (_database, mut sql) = platform("override");
    let id = make(&mut sql, "twice", LUNCH);
    sql.run(&format!("SELECT crm.exclude_from_segment({id}, 'ana', 'asked not to be'), crm.include_in_segment({id}, 'ben', 'a friend of the house')"));
    assert_eq!(members(&mut sql, &id), "ben");
    sql.run("SELECT dine('ana', 'bistro', '2025-03-10 20:00', 10)");
    sql.run("CALL crm.run_night()");
    assert_eq!(members(&mut sql, &id), "ben");
    sql.expect_rows(
        &format!("SELECT pointer, verdict, value FROM crm.explain_segment('ana', {id})"),
        &["/override|f|null", "/where|t|3"],
    );
    sql.run(&format!(
        "SELECT crm.clear_segment_override({id}, 'ana'), crm.clear_segment_override({id}, 'ben')"
    ));
    assert_eq!(members(&mut sql, &id), "ana");
    let refusal =
        sql.expect_refusal(&format!("SELECT crm.include_in_segment({id}, 'ben', ' ')"), &["22023"], "reason");
    assert_eq!(refusal.column.as_deref(), Some("reason"));
    let refusal = sql.expect_refusal(
        &format!("SELECT crm.include_in_segment({id}, 'nobody', 'x')"),
        &["CR404"],
        "nobody",
    );
    assert_eq!(refusal.column.as_deref(), Some("customer"));
}

#[test]
fn segments_that_would_refer_in_a_circle_or_to_none_are_refused() {
    let (_database, mut sql) = platform("circle");
    let a = make(&mut sql, "a", LUNCH);
    let b = make(&mut sql, "b", r#"{"v":1,"where":{"field":"in_segment","op":"has","value":"a"}}"#);
    assert_eq!(members(&mut sql, &b), "ana");
    sql.expect_refusal(&format!(r#"SELECT crm.update_segment({a}, criteria => '{{"v":1,"where":{{"field":"in_segment","op":"has","value":"b"}}}}')"#), &["22023"], "1 problem");
    sql.expect_refusal(&format!(r#"SELECT crm.update_segment({a}, criteria => '{{"v":1,"where":{{"field":"in_segment","op":"has","value":"a"}}}}')"#), &["22023"], "1 problem");
    sql.expect_refusal(&format!(r#"SELECT crm.update_segment({a}, criteria => '{{"v":1,"where":{{"field":"in_segment","op":"is_empty"}}}}')"#), &["22023"], "1 problem");
    sql.expect_refusal(r#"SELECT crm.create_segment('bistro', 'c', 'C', '{"v":1,"where":{"field":"in_segment","op":"has","value":"nowhere"}}')"#, &["22023"], "1 problem");
    sql.expect_refusal(&format!("SELECT crm.archive_segment({a})"), &["CR409"], "named by others");
    sql.run("SELECT dine('ben', 'bistro', '2025-03-10 12:00', 20)");
    assert_eq!(
        members(&mut sql, &b),
        "ana ben",
        "who becomes a member of the one becomes a member of the other at once"
    );
}

#[test]
fn bad_input_is_refused_with_everything_that_is_wrong() {
    let (_database, mut sql) = platform("bad_input");
    let refusal = sql.expect_refusal(
        r#"SELECT crm.create_segment('bistro', 'bad', 'Bad', '{"v":1,"where":{"all":[{"field":"total_order","op":"gte","value":3},{"field":"label","op":"eq","value":"BEST"}]}}')"#,
        &["22023"],
        "2 problems",
    );
    assert_eq!(refusal.column.as_deref(), Some("criteria"));
    for (call, code, column) in [
        ("crm.create_segment('nowhere', 'k', 'N', '{}')", "CR404", "venue"),
        ("crm.create_segment('bistro', 'Not A Key', 'N', '{}')", "22023", "key"),
        ("crm.create_segment('bistro', NULL, 'N', '{}')", "22023", "key"),
        ("crm.create_segment('bistro', 'k', '  ', '{}')", "22023", "name"),
        ("crm.create_segment('bistro', 'k', 'N', NULL)", "22023", "criteria"),
        ("crm.create_segment('bistro', 'k', 'N', '')", "22023", "criteria"),
        ("crm.create_segment('bistro', 'k', 'N', repeat('[', 100000))", "22023", "criteria"),
        (
            r#"crm.create_segment('bistro', 'k', 'N', '{"v":1,"scope":"org","where":{"all":[]}}')"#,
            "22023",
            "criteria",
        ),
        (r#"crm.create_segment(NULL, 'k', 'N', '{"v":1,"where":{"all":[]}}')"#, "22023", "criteria"),
        ("crm.update_segment(999)", "CR404", "segment"),
        ("crm.update_segment(NULL)", "CR404", "segment"),
        ("crm.is_member(999, 'ana')", "CR404", "segment"),
        ("crm.preview_segment('{', 'bistro')", "22023", "criteria"),
        ("crm.explain_segment('nobody', (SELECT min(segment_id) FROM crm.segment))", "CR404", "customer"),
        (
            "crm.recipients((SELECT min(segment_id) FROM crm.segment), 'EMAIL_MARKETING', NULL, 0)",
            "22023",
            "max_rows",
        ),
        ("crm.recipients((SELECT min(segment_id) FROM crm.segment), 'PIGEON')", "22023", "channel"),
        ("crm.segment_as_of((SELECT min(segment_id) FROM crm.segment), NULL)", "22023", "at"),
    ] {
        let refusal = sql.expect_refusal(&format!("SELECT {call}"), &[code], "");
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}: {refusal:?}");
    }
    sql.expect_refusal(
        "SELECT crm.archive_segment((SELECT min(segment_id) FROM crm.segment))",
        &["CR409"],
        "system",
    );
}

#[test]
fn recipients_come_page_by_page_and_the_preview_counts_them() {
    let (_database, mut sql) = platform("recipients");
    sql.run("SELECT dine('g' || n, 'bistro', '2025-03-06 12:00', n) FROM generate_series(1, 25) n");
    let everyone = r#"{"v":1,"where":{"any":[{"field":"total_spent","op":"lte","value":"20"},{"field":"name","op":"eq","value":"ana"}]}}"#;
    sql.expect_rows(
        &format!("SELECT p ->> 'members', p ->> 'base', p ->> 'share', p ->> 'estimated', jsonb_array_length(p -> 'samples'), p #>> '{{nodes,2,members}}' FROM crm.preview_segment('{everyone}', 'bistro') p"),
        &["22|27|0.8148|false|10|1"],
    );
    let id = make(&mut sql, "most", everyone);
    // Every second one has a mail box, and consented at the venue; of those one refused the organisation, later.
    sql.run(
        r#"UPDATE "Customer" SET email = id || '@example.org' WHERE right(id, 1) IN ('0', '2', '4', '6', '8');
           SELECT crm.record_consent(id, 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro') FROM "Customer" WHERE id ~ '^g[0-9]+$';
           SELECT crm.record_consent('g2', 'EMAIL_MARKETING', 'REVOKED', 'admin')"#,
    );
    sql.expect_rows(
        &format!("SELECT p -> 'reachable' ->> 'EMAIL_MARKETING', p -> 'reachable' ->> 'SMS_MARKETING' FROM crm.preview_segment('{everyone}', 'bistro') p"),
        &["9|0"],
    );
    sql.expect_rows(
        &format!("SELECT members FROM crm.reachable_members({id}) WHERE channel = 'EMAIL_MARKETING'"),
        &["9"],
    );
    let mut after = "NULL".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = sql.rows(&format!(
            "SELECT customer_id, ref FROM crm.recipients({id}, 'EMAIL_MARKETING', {after}, 10)"
        ));
        let Some(last) = page.last() else { break };
        after = format!("'{}'", last.split('|').next().unwrap_or_default());
        seen.extend(page);
    }
    assert_eq!(seen.len(), 9);
    sql.expect_rows(&format!("SELECT crm.segment_size({id})"), &["22"]);
    let fewer = r#"{"v":1,"where":{"field":"total_spent","op":"lte","value":"5"}}"#;
    sql.expect_rows(&format!("SELECT p ->> 'members', p ->> 'joining', p ->> 'leaving' FROM crm.preview_segment('{fewer}', 'bistro', {id}) p"), &["5|0|17"]);
}

#[test]
fn a_manager_sees_and_edits_his_own_venues_only() {
    let (database, mut sql) = platform("isolation");
    let id = make(&mut sql, "twice", LUNCH);
    let other = sql.value(&format!("SELECT crm.create_segment('bar', 'twice', 'N', '{LUNCH}')"));
    sql.run(
        "DROP ROLE IF EXISTS segment_manager; DROP ROLE IF EXISTS segment_staff;
         CREATE ROLE segment_manager LOGIN; CREATE ROLE segment_staff LOGIN;
         SELECT crm.create_principal('M', NULL, 'manager', '{bar}', 'segment_manager'), crm.create_principal('S', NULL, 'staff', '{bistro}', 'segment_staff')",
    );
    let mut manager = database.session_as("segment_manager");
    manager.expect_rows(
        "SELECT count(*), min(venue_id::text) = crm.key('bar')::text FROM crm.segment_list()",
        &["7|t"],
    );
    manager.expect_rows("SELECT count(DISTINCT venue_id) FROM crm.segment", &["1"]);
    manager.expect_none("SELECT * FROM crm.segment_member");
    for call in [
        "refresh_segment({})",
        "archive_segment({})",
        "is_member({}, 'ana')",
        "segment_size({})",
        "duplicate_segment({}, 'x')",
    ] {
        manager.expect_refusal(
            &format!("SELECT crm.{}", call.replace("{}", &id)),
            &["CR404"],
            "unknown segment",
        );
    }
    manager.expect_refusal(
        r#"SELECT crm.create_segment(NULL, 'k', 'N', '{"v":1,"scope":"org","where":{"all":[]}}')"#,
        &["42501"],
        "organisation",
    );
    manager.run(&format!("SELECT crm.update_segment({other}, 'Another name')"));
    let mut staff = database.session_as("segment_staff");
    staff.expect_rows(&format!("SELECT crm.is_member({id}, 'ana'), crm.is_member({id}, 'ben')"), &["t|f"]);
    staff.expect_rows(&format!("SELECT count(*) FROM crm.segment_member WHERE segment_id = {id}"), &["1"]);
    staff.expect_refusal(&format!("SELECT crm.update_segment({id}, 'x')"), &["42501"], "");
    staff.expect_refusal(&format!("SELECT * FROM crm.recipients({id}, 'EMAIL_MARKETING')"), &["42501"], "");
    drop((manager, staff));
    sql.run("DROP OWNED BY segment_manager, segment_staff; DROP ROLE segment_manager, segment_staff");
}

#[test]
fn an_edit_that_concerns_many_guests_holds_none_of_them() {
    let (database, mut sql) = platform("many");
    sql.run("SELECT dine('g' || i, 'bistro', '2025-03-01 20:00', 10) FROM generate_series(1, 1500) i");
    sql.run("CALL crm.run_sweep()");
    sql.run("BEGIN");
    let id = make(&mut sql, "all", r#"{"v":1,"where":{"field":"total_orders","op":"gte","value":1}}"#);
    sql.expect_rows(&format!("SELECT computed_at IS NULL FROM crm.segment WHERE segment_id = {id}"), &["t"]);
    let mut till = database.session();
    till.run("SET crm.as_of = '2025-03-10 12:00+00'; SELECT dine('g7', 'bistro', '2025-03-09 20:00', 10)");
    till.expect_none("SELECT * FROM crm.failed_change");
    sql.run("COMMIT");
    // Who orders is a member at once, the others with the sweep.
    till.run("SELECT dine('g8', 'bistro', '2025-03-09 20:00', 10)");
    assert_eq!(members(&mut sql, &id), "g8");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(&format!("SELECT crm.segment_size({id})"), &["1502"]);
    sql.expect_rows(
        &format!("SELECT DISTINCT event, cause FROM crm.segment_event WHERE segment_id = {id} ORDER BY 2"),
        &["entered|criteria", "entered|order"],
    );
    sql.run(&format!("SELECT crm.archive_segment({id})"));
    sql.run("CALL crm.run_sweep()");
    assert_eq!(members(&mut sql, &id), "");
    sql.expect_none(
        "SELECT s.key FROM crm.segment s JOIN crm.venue v USING (org_id, venue_id) WHERE v.ref = 'bistro' AND s.computed_at IS NULL",
    );
}

#[test]
fn switched_off_membership_follows_at_the_next_sweep() {
    let (_database, mut sql) = platform("inline_off");
    let id = make(&mut sql, "twice", LUNCH);
    sql.run("SELECT crm.set_inline_segments(false); SELECT dine('ben', 'bistro', '2025-03-10 12:00', 20)");
    assert_eq!(members(&mut sql, &id), "ana");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(members(&mut sql, &id), "ana ben");
    sql.run("SELECT crm.set_inline_segments(true); DELETE FROM \"Order\" WHERE \"customerId\" = 'ben'");
    assert_eq!(members(&mut sql, &id), "ana");
}

#[test]
fn a_segment_that_fails_stops_no_sale() {
    let (_database, mut sql) = platform("failing");
    make(&mut sql, "x", r#"{"v":1,"where":{"field":"orders","op":"any"}}"#);
    sql.run("CREATE OR REPLACE FUNCTION crm.weekday(day date) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT (1 / 0)::text'");
    sql.run("SELECT dine('ben', 'bistro', '2025-03-10 12:00', 20)");
    sql.run("SELECT dine('cleo', 'bistro', '2025-03-10 12:00', 20)");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(restaurant::totals(&mut sql, "bistro", "ben"), "2 2 40.00");
    assert_eq!(restaurant::totals(&mut sql, "bistro", "cleo"), "1 1 20.00");
}

#[test]
fn a_merged_guest_leaves_his_segments_to_the_one_kept() {
    let (_database, mut sql) = platform("merged");
    let id = make(&mut sql, "thrice", r#"{"v":1,"where":{"field":"total_orders","op":"gte","value":3}}"#);
    sql.run("SELECT crm.merge_customers('ana', 'ben', 'one person')");
    assert_eq!(members(&mut sql, &id), "ana");
    sql.expect_none("SELECT m.* FROM crm.segment_member m JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ben'");
    sql.run("SELECT crm.unmerge_customer('ben')");
    assert_eq!(members(&mut sql, &id), "");
}

/// Rows that say nothing where a pass finds a member; what it found is written a moment later, unless the guest changed meanwhile.
#[test]
fn what_a_pass_found_of_a_guest_who_changed_since_is_not_written() {
    let (database, mut sql) = platform("found");
    let twice = make(&mut sql, "twice", LUNCH);
    let named = make(&mut sql, "named", r#"{"v":1,"where":{"field":"name","op":"eq","value":"Ana"}}"#);
    let by_hand = make(&mut sql, "by_hand", LUNCH);
    let mut other = database.session();
    other.run("SET crm.as_of = '2025-03-10 12:00+00'");
    let exclude = format!("SELECT crm.exclude_from_segment({by_hand}, 'ana', 'asked not to be')");
    let edit = format!(
        r#"SELECT crm.update_segment({twice}, criteria => '{{"v":1,"where":{{"field":"total_orders","op":"gte","value":5}}}}')"#
    );
    for (change, expected) in [
        ("SELECT 1", ["ana", "ana", "ana"]),
        (exclude.as_str(), ["ana", "ana", ""]),
        (r#"UPDATE "Customer" SET name = 'Zoe' WHERE id = 'ana'"#, ["ana", "", ""]),
        (edit.as_str(), ["", "", ""]),
        (r#"UPDATE "Customer" SET name = 'Ana' WHERE id = 'ana'"#, ["", "ana", ""]),
        (r#"DELETE FROM "Order" WHERE "customerId" = 'ana'"#, ["", "ana", ""]),
    ] {
        sql.run("UPDATE crm.guest_segments SET segments = '{}'");
        let found = sql
            .value("SELECT crm.guests_to_follow(org_id, venue_id, NULL) FROM crm.venue WHERE ref = 'bistro'");
        other.run(change);
        sql.run(&format!(
            "SELECT crm.follow_chunk(org_id, venue_id, crm.now(), '{found}', 'night', true, true) FROM crm.venue WHERE ref = 'bistro'"
        ));
        let members = [&twice, &named, &by_hand].map(|id| members(&mut sql, id));
        assert_eq!(members, expected, "{change}");
    }
}
