//! How long guests and events are kept.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Old was there 30 months ago, new last week, bin long ago and last week, shy never ordered.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "UTC");
    sql.run(
        r#"SELECT dine('old', 'bistro', (now() - interval '30 months')::timestamp, 10); SELECT dine('new', 'bistro', (now() - interval '1 week')::timestamp, 20);
           SELECT dine('bin', 'bistro', (now() - interval '40 months')::timestamp, 30); SELECT dine('bin', 'bistro', (now() - interval '1 week')::timestamp, 40);
           INSERT INTO "Customer" (id, name) VALUES ('shy', 'Shy Guest')"#,
    );
    restaurant::bind(&mut sql);
    (database, sql)
}

const STATES: &str = "SELECT ref, status, name FROM crm.customer ORDER BY ref";

#[test]
fn the_night_erases_whom_the_preview_names_and_nobody_else() {
    let (_database, mut sql) = platform("retention");
    let before = sql.rows(STATES);
    sql.run("CALL crm.run_night()");
    assert_eq!(sql.rows(STATES), before, "nothing is said: all are kept");
    let touched =
        "SELECT rows, guests = ARRAY[crm.key('old')] FROM crm.retention_preview(24) WHERE touched = 'guests'";
    sql.expect_rows(touched, &["1|t"]);
    sql.expect_rows("SELECT rows FROM crm.retention_preview(36) WHERE touched = 'guests'", &["0"]);
    assert_eq!(sql.rows(STATES), before, "a preview writes nothing");
    sql.run("SELECT crm.set_retention(24, NULL)");
    sql.expect_rows("SELECT rows FROM crm.retention_preview() WHERE touched = 'guests'", &["1"]);
    sql.run("CALL crm.run_night()");
    sql.expect_rows(STATES, &["bin|active|Bin", "new|active|New", "old|erased|null", "shy|active|Shy Guest"]);
    sql.expect_rows(r#"SELECT name FROM "Customer" WHERE id = 'old'"#, &["null"]);
    sql.expect_rows("SELECT origin, state, residue FROM crm.erasure_request", &["retention|EXECUTED|0"]);
    sql.expect_rows(
        "SELECT total_orders, total_spent FROM crm.customer_venue_stats WHERE customer_id = crm.key('old')",
        &["1|10.00"],
    );
    sql.expect_rows("SELECT rows, guests FROM crm.retention_preview() WHERE touched = 'guests'", &["0|null"]);
    sql.expect_rows("SELECT rows, error FROM crm.job_run WHERE job = 'retention'", &["1|null"]);
    // One who never came is kept as long as one who came when he was first seen.
    sql.run("UPDATE crm.customer SET created_at = now() - interval '25 months' WHERE ref = 'shy'");
    sql.run("CALL crm.run_night()");
    sql.expect_rows("SELECT status FROM crm.customer WHERE ref = 'shy'", &["erased"]);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn a_guest_who_came_meanwhile_is_kept_and_a_failing_one_does_not_stop_the_others() {
    let (_database, mut sql) = platform("retention_fail");
    sql.expect_rows("SELECT crm.retire_guest(1, crm.key('new'), now() - interval '24 months')", &["f"]);
    sql.run(
        r#"UPDATE crm.customer SET created_at = now() - interval '25 months' WHERE ref = 'shy';
           ALTER TABLE "Customer" ADD CONSTRAINT old_has_a_name CHECK (id <> 'old' OR name IS NOT NULL); SELECT crm.set_retention(24, NULL)"#,
    );
    sql.run("CALL crm.run_night()");
    sql.expect_rows(STATES, &["bin|active|Bin", "new|active|New", "old|active|Old", "shy|erased|null"]);
    sql.expect_rows("SELECT rows, error ~ '^CR409 guest' FROM crm.job_run WHERE job = 'retention'", &["1|t"]);
}

#[test]
fn old_events_are_dropped_but_for_what_still_holds() {
    let (_database, mut sql) = platform("retention_events");
    sql.run(
        "DELETE FROM crm.outbox; DELETE FROM crm.label_change; DELETE FROM crm.profile_change; DELETE FROM crm.segment_change;
         INSERT INTO crm.outbox (org_id, topic, payload, occurred_at) SELECT 1, 'x', '{}', now() - n * interval '1 month' FROM unnest('{1,13,14}'::int[]) n;
         INSERT INTO crm.profile_change (org_id, customer_id, field, new_value, changed_at) SELECT 1, crm.key('new'), 'name', n::text, now() - n * interval '1 month' FROM unnest('{2,13}'::int[]) n;
         INSERT INTO crm.label_change (org_id, venue_id, customer_id, changed_at, from_label, to_label, cause)
           SELECT 1, crm.key('bistro'), crm.key('new'), now() - n * interval '1 month', 'NEW', 'LOYAL', 'order' FROM unnest('{20,15,14,3}'::int[]) n ORDER BY n DESC;
         INSERT INTO crm.segment_change (org_id, scope_id, customer_id, occurred_at, entered, exited, cause) VALUES
           (1, crm.key('bistro'), crm.key('new'), now() - interval '20 months', '{1,2}', '{}', 'order'),
           (1, crm.key('bistro'), crm.key('new'), now() - interval '19 months', '{3}', '{1}', 'order'),
           (1, crm.key('bistro'), crm.key('new'), now() - interval '18 months', '{}', '{3,2}', 'order'),
           (1, crm.key('bistro'), crm.key('new'), now() - interval '1 month', '{1}', '{}', 'order')",
    );
    sql.expect_rows(
        "SELECT touched, rows FROM crm.retention_preview(NULL, 12) ORDER BY 1",
        &[
            "crm.access_log|0",
            "crm.label_change|2",
            "crm.outbox|2",
            "crm.profile_change|1",
            "crm.segment_change|1",
            "guests|0",
        ],
    );
    sql.run("SELECT crm.set_retention(NULL, 12)");
    sql.run("CALL crm.run_retention('crm.run_night')");
    // Of segment 1 the exit 19 months ago, of 2 and 3 that of 18 months ago say what held a year ago.
    sql.expect_rows(
        "SELECT (SELECT count(*) FROM crm.outbox), (SELECT count(*) FROM crm.profile_change),
                (SELECT string_agg(round(extract(epoch FROM now() - changed_at) / 2629746)::text, ',' ORDER BY changed_at) FROM crm.label_change),
                (SELECT string_agg(round(extract(epoch FROM now() - occurred_at) / 2629746)::text, ',' ORDER BY occurred_at) FROM crm.segment_change)",
        &["1|1|14,3|19,18,1"],
    );
    // What is missing, is missing by rule.
    sql.expect_rows(
        "SELECT relation, rows, older_than < now() - interval '11 months' FROM crm.dropped_events ORDER BY 1",
        &["label_change|2|t", "outbox|2|t", "profile_change|1|t", "segment_change|1|t"],
    );
    sql.expect_refusal("DELETE FROM crm.dropped_events", &["55000"], "evidence");
    for (months, column) in [("0, 5", "guests"), ("5, 1201", "events"), ("5, 5, 0", "accesses")] {
        sql.expect_refusal(&format!("SELECT crm.set_retention({months})"), &["22023"], column);
    }
}

#[test]
fn the_log_of_accesses_is_dropped_by_its_own_rule_and_by_nobody_else() {
    let (_database, mut sql) = platform("retention_accesses");
    sql.run(
        "INSERT INTO crm.access_log (org_id, accessed_at, principal_id, principal, role, db_user, what, guests)
         SELECT 1, now() - n * interval '1 month', gen_random_uuid(), 'p', 'staff', 'x', 'dossier', 1 FROM unnest('{1,13,14,40}'::int[]) n",
    );
    let left = "SELECT string_agg(round(extract(epoch FROM now() - accessed_at) / 2629746)::text, ',' ORDER BY accessed_at) FROM crm.access_log";
    // Neither without a rule, nor with one for other events.
    sql.expect_refusal("DELETE FROM crm.access_log", &["55000"], "kept");
    sql.run("SELECT crm.set_retention(NULL, 12)");
    sql.run("CALL crm.run_retention('crm.run_night')");
    sql.expect_rows(left, &["40,14,13,1"]);
    sql.run("SELECT crm.set_retention(NULL, NULL, 24)");
    sql.expect_rows("SELECT rows FROM crm.retention_preview() WHERE touched = 'crm.access_log'", &["1"]);
    sql.expect_rows(
        "SELECT rows FROM crm.retention_preview(drop_accesses_after_months => 12) WHERE touched = 'crm.access_log'",
        &["3"],
    );
    sql.expect_refusal(
        "DELETE FROM crm.access_log WHERE accessed_at > now() - interval '15 months'",
        &["55000"],
        "kept",
    );
    sql.run("CALL crm.run_retention('crm.run_night')");
    sql.expect_rows(left, &["14,13,1"]);
    sql.expect_rows("SELECT relation, rows FROM crm.dropped()", &["crm.access_log|1"]);
}
