//! What is switched on and off for a venue or its organisation, and when guests are left in peace.

use crm_tests::restaurant::{self, totals};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Two venues with some history.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    restaurant::add_venue(&mut sql, "bar", "Asia/Tokyo");
    sql.run(
        "SELECT dine(guest, venue, '2025-05-01 20:00', 10) FROM unnest('{ana,ben,cleo}'::text[]) guest, unnest('{bistro,bar}'::text[]) venue",
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

fn switch(sql: &mut Session, venue: &str, on: bool) {
    sql.run(&format!(r#"SELECT crm.update_venue_settings('{venue}', '{{"crm_enabled": {on}}}')"#));
}

const TOTALS: &str = "SELECT v.ref, t.* FROM crm.customer_venue_stats t JOIN crm.venue v USING (org_id, venue_id) WHERE v.ref = 'bistro' ORDER BY 1, 4";
const STATE: &str =
    "SELECT v.ref, s.counting FROM crm.venue_scoring s JOIN crm.venue v USING (org_id, venue_id) ORDER BY 1";

#[test]
fn a_venue_that_is_off_counts_nothing_and_catches_up_once_it_is_on() {
    let (database, mut sql) = platform("off");
    switch(&mut sql, "bistro", false);
    sql.expect_rows(STATE, &["bar|live", "bistro|off"]);
    let before = sql.rows(TOTALS);
    let mut till = database.session();
    // Orders of all kinds: new, of a new guest, changed, gone, many at once, and one that another session began before.
    till.run(
        r#"SELECT dine('ana', 'bistro', '2025-06-01 20:00', 20); SELECT dine('dan', 'bistro', '2025-06-01 21:00', 30);
           SELECT dine('dan', 'bar', '2025-06-01 21:00', 30);
           UPDATE "Order" SET total = 99 WHERE "customerId" = 'ben'; DELETE FROM "Order" WHERE "customerId" = 'cleo' AND "venueId" = 'bistro';
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
             SELECT 'bulk' || n, 'bistro', 'eve', 'COMPLETED', n, '2025-06-02 12:00 Europe/Berlin'::timestamptz + n * interval '1 hour' FROM generate_series(1, 50) n"#,
    );
    // Ben's order at the bar was changed too, and the bar goes on counting.
    assert_eq!(totals(&mut sql, "bar", "ben"), "1 1 99.00");
    assert_eq!(totals(&mut sql, "bar", "dan"), "1 1 30.00");
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_night(recount => true)");
    assert_eq!(sql.rows(TOTALS), before, "neither sweep nor night touches what is off");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_refusal("SELECT * FROM crm.verify_stats('bistro')", &["55000"], "not counted");
    switch(&mut sql, "bistro", true);
    sql.expect_rows(STATE, &["bar|live", "bistro|resuming"]);
    till.run("SELECT dine('ana', 'bistro', '2025-06-03 20:00', 1)");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(STATE, &["bar|live", "bistro|live"]);
    oracle::expect_totals(&mut sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.verify_list()");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "3 3 31.00");
    till.run("SELECT dine('ana', 'bistro', '2025-06-04 20:00', 1)");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "4 4 32.00");
}

#[test]
fn sales_that_straddle_the_switches_count_exactly_once() {
    let (database, mut sql) = platform("straddle");
    let (mut off, mut on, mut resumed) = (database.session(), database.session(), database.session());
    // Counted inline, but not committed before the venue is on again.
    off.run("BEGIN; SELECT dine('ana', 'bistro', '2025-06-01 20:00', 20)");
    switch(&mut sql, "bistro", false);
    // Left out, and not committed before either.
    on.run("BEGIN; SELECT dine('ben', 'bistro', '2025-06-01 20:00', 40)");
    switch(&mut sql, "bistro", true);
    resumed.run("BEGIN; SELECT dine('cleo', 'bistro', '2025-06-01 20:00', 80)");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(STATE, &["bar|live", "bistro|resuming"]);
    for session in [&mut off, &mut on, &mut resumed] {
        session.run("COMMIT");
    }
    sql.run("CALL crm.run_sweep()");
    sql.run("SELECT crm.sweep()");
    sql.expect_rows(STATE, &["bar|live", "bistro|live"]);
    oracle::expect_totals(&mut sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    for (guest, spent) in [("ana", "30.00"), ("ben", "50.00"), ("cleo", "90.00")] {
        assert_eq!(totals(&mut sql, "bistro", guest), format!("2 2 {spent}"));
    }
}

#[test]
fn random_orders_and_switches_end_where_the_oracle_does() {
    let (_database, mut sql) = platform("random_switches");
    let mut random = Sequence::from_seed(20);
    for step in 0..60 {
        let (guest, venue) = (random.below(6), ["bistro", "bar"][random.below(2) as usize]);
        match random.below(10) {
            0 => switch(&mut sql, venue, false),
            1 => switch(&mut sql, venue, true),
            2 => sql.run("CALL crm.run_sweep()"),
            3 => sql.run(r#"DELETE FROM "Order" WHERE id = (SELECT max(id) FROM "Order")"#),
            _ => sql.run(&format!(
                "SELECT dine('g{guest}', '{venue}', timestamp '2025-06-01 12:00' + {step} * interval '5 hours', {step})"
            )),
        }
    }
    for venue in ["bistro", "bar"] {
        switch(&mut sql, venue, true);
    }
    sql.run("CALL crm.run_sweep()");
    oracle::expect_totals(&mut sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.expect_none("SELECT * FROM crm.failed_change");
}

#[test]
fn the_organisation_switches_all_its_venues_and_new_ones_too() {
    let (_database, mut sql) = platform("organisation_off");
    sql.expect_rows(
        "SELECT crm.organisation_settings()",
        &[r#"{"crm_enabled": true, "quiet_hours": null, "default_region": null, "loyalty_enabled": false}"#],
    );
    switch(&mut sql, "bar", false);
    sql.run(r#"SELECT crm.update_organisation_settings('{"crm_enabled": false}')"#);
    restaurant::add_venue(&mut sql, "cafe", "Europe/Paris");
    sql.expect_rows(STATE, &["bar|off", "bistro|off", "cafe|off"]);
    sql.run("SELECT dine('ana', v, '2025-06-01 20:00', 20) FROM unnest('{bar,bistro,cafe}'::text[]) v");
    sql.run(r#"SELECT crm.update_organisation_settings('{"crm_enabled": true}')"#);
    sql.run("CALL crm.run_night()");
    sql.expect_rows(STATE, &["bar|off", "bistro|live", "cafe|live"]);
    assert_eq!(totals(&mut sql, "bistro", "ana"), "2 2 30.00");
    assert_eq!(totals(&mut sql, "cafe", "ana"), "1 1 20.00");
    assert_eq!(totals(&mut sql, "bar", "ana"), "1 1 10.00");
    switch(&mut sql, "bar", true);
    sql.run("CALL crm.run_sweep()");
    oracle::expect_totals(&mut sql);
    for (settings, column) in [
        (r#"{"crm_enabled": 1}"#, "crm_enabled"),
        (r#"{"quiet_hours": {"from": "9"}}"#, "quiet_hours"),
        (r#"{"crm": true}"#, "crm"),
        ("[]", "settings"),
    ] {
        let refused = sql.expect_refusal(
            &format!("SELECT crm.update_organisation_settings('{settings}')"),
            &["22023"],
            "",
        );
        assert_eq!(refused.column.as_deref(), Some(column));
    }
}

#[test]
fn labels_do_not_age_where_orders_are_not_counted_and_guests_who_come_are_kept() {
    let (_database, mut sql) = platform("frozen");
    let labels = "SELECT v.ref, t.label FROM crm.customer_venue_stats t JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ana' ORDER BY 1";
    sql.run("SET crm.as_of = '2025-05-02 12:00+00'");
    sql.run("CALL crm.run_night()");
    sql.expect_rows(labels, &["bar|NEW", "bistro|NEW"]);
    switch(&mut sql, "bistro", false);
    sql.run("SET crm.as_of = '2025-07-01 12:00+00'");
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(labels, &["bar|POTENTIAL", "bistro|NEW"]);
    sql.run("CALL crm.run_night()");
    sql.expect_rows(labels, &["bar|POTENTIAL", "bistro|NEW"]);
    switch(&mut sql, "bistro", true);
    sql.run("CALL crm.run_sweep()");
    sql.expect_rows(labels, &["bar|POTENTIAL", "bistro|POTENTIAL"]);
    // Retention looks into the orders themselves where they are not counted.
    sql.run("RESET crm.as_of");
    switch(&mut sql, "bistro", false);
    sql.run("SELECT dine('ana', 'bistro', (now() - interval '1 day')::timestamp, 20)");
    let unseen = "SELECT c.ref FROM crm.guests_unseen(1, now() - interval '2 months') JOIN crm.customer c USING (customer_id) ORDER BY 1";
    sql.expect_rows(unseen, &["ben", "cleo"]);
    sql.expect_rows("SELECT crm.retire_guest(1, crm.key('ana'), now() - interval '2 months')", &["f"]);
}

#[test]
fn loyalty_is_on_where_the_venue_and_the_organisation_say_so() {
    let (database, mut sql) = platform("loyalty");
    sql.run(
        "DROP ROLE IF EXISTS reader_of_settings; CREATE ROLE reader_of_settings LOGIN; SELECT crm.create_principal('reader', NULL, 'reader', NULL, 'reader_of_settings')",
    );
    let mut reader = database.session_as("reader_of_settings");
    let list = "SELECT ref, crm_enabled, loyalty_enabled FROM crm.venue_list() ORDER BY 1";
    reader.expect_rows(list, &["bar|t|f", "bistro|t|f"]);
    sql.run(
        r#"SELECT crm.update_organisation_settings('{"loyalty_enabled": true}'), crm.update_venue_settings('bar', '{"loyalty_enabled": false, "crm_enabled": false}')"#,
    );
    reader.expect_rows(list, &["bar|f|f", "bistro|t|t"]);
}

/// Minutes of two days around each change of the clocks, and of plain days, that are quiet by the hands of the clock.
#[test]
fn quiet_hours_follow_the_venues_clock_through_its_changes() {
    let (_database, mut sql) = platform("quiet_clock");
    sql.expect_none(
        "SELECT zone, hours, m.at FROM unnest('{Europe/Berlin,Asia/Tokyo,America/New_York,Asia/Kathmandu}'::text[]) AS zone,
           unnest(ARRAY['21:00-09:00', '13:00-15:30', '22:15-02:30', '00:00-06:00']) AS hours,
           LATERAL (SELECT split_part(hours, '-', 1)::time AS f, split_part(hours, '-', 2)::time AS t) AS q,
           unnest('{2026-03-07 12:00Z,2026-03-28 12:00Z,2026-07-01 00:00Z,2026-10-24 12:00Z,2026-10-31 12:00Z}'::timestamptz[]) AS d,
           LATERAL generate_series(d, d + interval '2 days', '7 minutes') AS m(at),
           LATERAL (SELECT (m.at AT TIME ZONE zone)::time AS clock, crm.quiet_end(q.f, q.t, zone, m.at) AS ends) AS e
         WHERE (e.ends IS NOT NULL) <> (CASE WHEN q.f < q.t THEN e.clock >= q.f AND e.clock < q.t ELSE e.clock >= q.f OR e.clock < q.t END)
            OR e.ends <= m.at OR e.ends > m.at + interval '13 hours' OR crm.quiet_end(q.f, q.t, zone, e.ends) IS NOT NULL",
    );
    // By hand: 21:00 to 09:00 in Berlin, in winter, in summer, and over both nights on which the clocks change.
    sql.expect_rows(
        "SELECT crm.quiet_end('21:00', '09:00', 'Europe/Berlin', at::timestamptz) AT TIME ZONE 'UTC'
           FROM unnest('{2026-01-15 19:59Z,2026-01-15 20:00Z,2026-07-15 19:00Z,2026-03-28 22:00Z,2026-10-24 22:00Z,2026-07-15 07:00Z}'::text[]) WITH ORDINALITY u(at, n) ORDER BY n",
        &["null", "2026-01-16 08:00:00", "2026-07-16 07:00:00", "2026-03-29 07:00:00", "2026-10-25 08:00:00", "null"],
    );
}

#[test]
fn nobody_is_handed_out_in_quiet_hours() {
    let (_database, mut sql) = platform("quiet");
    sql.run(
        r#"UPDATE "Customer" SET email = id || '@example.com';
           SELECT crm.record_consent(ref, 'EMAIL_MARKETING', 'GRANTED', 'checkout') FROM crm.customer;
           SELECT crm.update_organisation_settings('{"quiet_hours": {"from": "21:00", "to": "09:00"}}')"#,
    );
    let segment =
        sql.value(r#"SELECT crm.create_segment('bistro', 'all', 'All', '{"v":1,"where":{"all":[]}}')"#);
    let at_bistro = "SELECT count(*) FROM crm.reachable('EMAIL_MARKETING', 'bistro')";
    let members = format!("SELECT count(*) FROM crm.recipients({segment}, 'EMAIL_MARKETING')");
    let anywhere = "SELECT count(*) FROM crm.reachable('EMAIL_MARKETING')";
    // 20:30 in Berlin, 03:30 in Tokyo.
    sql.run("SET crm.as_of = '2026-01-15 19:30+00'");
    sql.expect_rows(at_bistro, &["3"]);
    sql.expect_rows(&members, &["3"]);
    for call in ["SELECT count(*) FROM crm.reachable('EMAIL_MARKETING', 'bar')", anywhere] {
        sql.expect_refusal(call, &["CR425"], "quiet");
    }
    sql.expect_rows(
        "SELECT crm.quiet_until('bistro'), crm.quiet_until('bar') AT TIME ZONE 'UTC'",
        &["null|2026-01-16 00:00:00"],
    );
    // Tokyo's night ends at midnight UTC, when it is 01:00 in Berlin, whose night ends at 08:00 UTC.
    sql.expect_rows("SELECT crm.quiet_until() AT TIME ZONE 'UTC'", &["2026-01-16 08:00:00"]);
    sql.run("SET crm.as_of = '2026-01-15 20:00+00'");
    for call in [at_bistro, &members] {
        sql.expect_refusal(call, &["CR425"], "quiet");
    }
    // A venue's own hours stand for the organisation's.
    sql.run(
        r#"SELECT crm.update_venue_settings('bistro', '{"quiet_hours": {"from": "23:00", "to": "06:00"}}')"#,
    );
    sql.expect_rows(at_bistro, &["3"]);
    sql.run(r#"SELECT crm.update_venue_settings('bistro', '{"quiet_hours": null}')"#);
    sql.expect_refusal(at_bistro, &["CR425"], "quiet");
    sql.run(r#"SELECT crm.update_venue_settings('bistro', '{"quiet_hours": {"from": "09:00", "to": "08:59"}}'), crm.update_venue_settings('bar', '{"quiet_hours": {"from": "08:59", "to": "08:58"}}')"#);
    sql.expect_rows("SELECT crm.quiet_until()", &["infinity"]);
    sql.run(r#"SELECT crm.update_organisation_settings('{"quiet_hours": null}'), crm.update_venue_settings(v, '{"quiet_hours": null}') FROM unnest('{bar,bistro}'::text[]) v"#);
    sql.expect_rows(anywhere, &["3"]);
}
