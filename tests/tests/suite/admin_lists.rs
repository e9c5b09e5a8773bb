//! Lists that the pages of the admin UI show: birthdays, sizes of segments, the ledger of consent, what waits, retention.
//! Expectations are computed by hand.

use std::sync::LazyLock;

use crm_tests::restaurant;
use crm_tests::{Service, Session, TestDatabase};
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("admin_lists"));

const NONE: Value = Value::Null;

/// At the bistro everybody ate once in February 2025, at the bar only Eve did.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, email, "dateOfBirth") VALUES ('ana', 'Ana', 'ana@example.com', '1990-03-01'), ('ben', 'Ben', NULL, '1984-02-29'),
             ('cy', 'Cy', NULL, '1970-02-27'), ('dan', 'Dan', NULL, '2000-02-28'), ('eve', 'Eve', NULL, '1999-03-01'), ('fay', 'Fay', NULL, NULL);
           SELECT dine(g, 'bistro', '2025-02-01 20:00', 10 + n) FROM unnest('{ana,ben,cy,dan,fay}'::text[]) WITH ORDINALITY AS u(g, n); SELECT dine('eve', 'bar', '2025-02-01 20:00', 50)"#,
    );
    sql.run("SET crm.as_of = '2025-02-27 23:30+00'");
    restaurant::bind(&mut sql);
    (database, sql)
}

#[test]
fn birthdays_come_in_the_order_of_the_venues_calendar() {
    let (_database, mut sql) = platform("birthdays");
    sql.run("SELECT crm.update_customer('fay', '{\"birthday\": \"--03-06\"}'), crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro')");
    // In Paris the 28th has begun: cy's day is over. 2025 has no 29 February.
    sql.expect_rows(
        "SELECT ref, falls_on, turns, total_spent, reachable FROM crm.upcoming_birthdays('bistro', 7)",
        &[
            "dan|2025-02-28|25|14.00|{}",
            "ben|2025-02-28|41|12.00|{}",
            "ana|2025-03-01|35|11.00|{EMAIL_MARKETING}",
            "fay|2025-03-06|null|15.00|{}",
        ],
    );
    sql.expect_rows("SELECT ref FROM crm.upcoming_birthdays('bistro', 0)", &["dan", "ben"]);
    sql.expect_rows("SELECT ref FROM crm.upcoming_birthdays('bar', 1)", &["eve"]);
    sql.run("SELECT crm.block_customer('dan', 'owes')");
    sql.run("SET crm.as_of = '2028-02-27 23:30+00'");
    // A leap year.
    sql.expect_rows(
        "SELECT ref, falls_on, turns FROM crm.upcoming_birthdays('bistro', 1)",
        &["ben|2028-02-29|44"],
    );
    sql.expect_refusal("SELECT * FROM crm.upcoming_birthdays('bistro', 91)", &["22023"], "days");
    sql.expect_refusal("SELECT * FROM crm.upcoming_birthdays('nowhere', 7)", &["CR404"], "nowhere");
}

#[test]
fn a_segments_size_is_told_day_by_day_from_the_ledger() {
    let (_database, mut sql) = platform("sizes");
    let twice = r#"{"v":1,"where":{"field":"last_order_at","op":"within_last","value":"3d"}}"#;
    let id = sql.value(&format!("SELECT crm.create_segment('bistro', 'lately', 'Lately', '{twice}')"));
    // Days of Paris: ana and ben come on 1 March, cy on the 3rd; who does not come again is out three days later.
    for (now, guests) in
        [("2025-03-01 20:00", "{ana,ben}"), ("2025-03-03 20:00", "{cy}"), ("2025-03-04 12:00", "{}")]
    {
        sql.run(&format!("SET crm.as_of = '{now} Europe/Paris'"));
        sql.run(&format!("SELECT dine(g, 'bistro', '{now}', 10) FROM unnest('{guests}'::text[]) AS g"));
        sql.run("CALL crm.run_sweep()");
    }
    sql.expect_rows(
        &format!("SELECT day, members, joined, \"left\" FROM crm.segment_sizes('bistro', 4) WHERE segment_id = {id}"),
        &["2025-03-01|2|2|0", "2025-03-02|2|0|0", "2025-03-03|3|1|0", "2025-03-04|1|0|2"],
    );
    // At each day's end as of the ledger, whichever segment.
    sql.expect_none(
        "SELECT s.segment_id, s.day FROM crm.segment_sizes(NULL, 10) AS s
         WHERE s.day < '2025-03-04' AND s.members <> (SELECT count(*) FROM crm.segment_as_of(s.segment_id, (s.day + 1)::timestamp AT TIME ZONE 'Europe/Paris' - interval '1 microsecond'))",
    );
    sql.expect_refusal("SELECT * FROM crm.segment_sizes('bistro', 0)", &["22023"], "days");
}

#[test]
fn the_ledger_of_consent_is_read_by_channel_action_venue_and_time() {
    let (_database, mut sql) = platform("ledger");
    for (guest, channel, action, venue, at) in [
        ("ana", "EMAIL_MARKETING", "GRANTED", "'bistro'", "2025-01-05"),
        ("ana", "EMAIL_MARKETING", "REVOKED", "'bistro'", "2025-02-05"),
        ("eve", "SMS_MARKETING", "GRANTED", "'bar'", "2025-02-06"),
        ("cy", "SMS_MARKETING", "GRANTED", "NULL", "2025-01-07"),
    ] {
        sql.run(&format!(
            "SELECT crm.record_consent('{guest}', '{channel}', '{action}', 'checkout', {venue}, occurred_at => '{at} 12:00+00')"
        ));
    }
    let mut read = |given: &str, expected: &[&str]| {
        sql.expect_rows(&format!("SELECT name, channel, action FROM crm.consent_log({given})"), expected);
    };
    read(
        "",
        &[
            "Cy|SMS_MARKETING|GRANTED",
            "Eve|SMS_MARKETING|GRANTED",
            "Ana|EMAIL_MARKETING|REVOKED",
            "Ana|EMAIL_MARKETING|GRANTED",
        ],
    );
    read("'SMS_MARKETING'", &["Cy|SMS_MARKETING|GRANTED", "Eve|SMS_MARKETING|GRANTED"]);
    read("of_action => 'REVOKED'", &["Ana|EMAIL_MARKETING|REVOKED"]);
    read("venue => 'bar'", &["Eve|SMS_MARKETING|GRANTED"]);
    read(
        "since => '2025-01-06', until => '2025-02-06'",
        &["Cy|SMS_MARKETING|GRANTED", "Ana|EMAIL_MARKETING|REVOKED"],
    );
    read(
        "after => (SELECT entry_id FROM crm.consent_log('EMAIL_MARKETING', 'REVOKED'))",
        &["Ana|EMAIL_MARKETING|GRANTED"],
    );
    sql.expect_refusal("SELECT * FROM crm.consent_log('POST')", &["22023"], "POST");
    sql.expect_refusal("SELECT * FROM crm.consent_log(of_action => 'MAYBE')", &["22023"], "MAYBE");
}

#[test]
fn what_waits_and_how_long_all_is_kept_is_told() {
    let (_database, mut sql) = platform("waits");
    sql.run(r#"SELECT crm.update_venue_settings('bistro', '{"require_double_opt_in":true}'), crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro')"#);
    sql.expect_rows(
        "SELECT name, venue_id = crm.key('bistro'), channel, sends, expires_at - requested_at FROM crm.pending_opt_ins()",
        &["Ana|t|EMAIL_MARKETING|1|7 days"],
    );
    let token = sql.value("SELECT token FROM crm.take_mail()");
    sql.run(&format!("SELECT crm.confirm_opt_in('{token}')"));
    sql.expect_none("SELECT * FROM crm.pending_opt_ins()");
    const KEPT: &str = "SELECT anonymise_after_months, drop_events_after_months, drop_accesses_after_months, set_at IS NULL FROM crm.retention()";
    sql.expect_rows(KEPT, &["null|null|null|t"]);
    sql.run("SELECT crm.set_retention(36, NULL)");
    sql.expect_rows(KEPT, &["36|null|null|f"]);
}

#[test]
fn the_service_answers_with_them() {
    let (s, admin, manager) = (&*SERVICE, SERVICE.admin.as_str(), SERVICE.manager.as_str());
    let items = |path: &str| s.done(manager, "GET", path, &NONE)["items"].as_array().expect("items").clone();
    let soon = s
        .database
        .session()
        .value("SELECT to_char(crm.now() AT TIME ZONE 'Europe/Paris' + interval '3 days', '--MM-DD')");
    s.done(admin, "PATCH", "/v1/customers/g3", &json!({"birthday": soon}));
    let birthdays = items("/v1/venues/bar/birthdays?days=7");
    assert_eq!(birthdays.len(), 1);
    assert_eq!(birthdays[0]["ref"], "g3");
    s.refused(&s.rival, "GET", "/v1/venues/bar/birthdays", &NONE, 404, "#/path/venue");
    s.refused(&s.reader, "GET", "/v1/venues/bar/birthdays", &NONE, 403, "");
    s.refused(manager, "GET", "/v1/venues/bar/birthdays?days=91", &NONE, 400, "#/query/days");

    let sizes = items("/v1/segments/sizes?venue=bar&days=3");
    let segments = items("/v1/segments?venue=bar");
    for segment in &segments {
        let last = sizes.iter().rfind(|size| size["segment_id"] == segment["segment_id"]).expect("a size");
        assert_eq!(last["members"], segment["members"]);
    }
    s.refused(manager, "GET", "/v1/segments/sizes?venue=rival", &NONE, 404, "#/query/venue");
    s.refused(&s.one_venue, "GET", "/v1/segments/sizes?venue=bar", &NONE, 403, "");

    for action in ["GRANTED", "REVOKED"] {
        let said =
            json!({"channel": "SMS_MARKETING", "action": action, "source": "checkout", "venue": "bar"});
        s.done(manager, "POST", "/v1/customers/g6/consents", &said);
    }
    let page =
        s.done(manager, "GET", "/v1/consent-log/entries?channel=SMS_MARKETING&venue=bar&limit=1", &NONE);
    assert_eq!(page["items"][0]["action"], "REVOKED");
    let next = page["next_cursor"].as_str().expect("another page");
    let page = s.done(
        manager,
        "GET",
        &format!("/v1/consent-log/entries?channel=SMS_MARKETING&venue=bar&limit=1&cursor={next}"),
        &NONE,
    );
    assert_eq!(page["items"][0]["action"], "GRANTED");
    s.refused(manager, "GET", "/v1/consent-log/entries?action=MAYBE", &NONE, 400, "#/query/action");
    s.refused(&s.one_venue, "GET", "/v1/consent-log/entries", &NONE, 403, "");
    assert!(items("/v1/opt-ins").is_empty());

    s.done(
        admin,
        "PUT",
        "/v1/retention",
        &json!({"anonymise_after_months": 48, "drop_events_after_months": null}),
    );
    let kept = s.done(admin, "GET", "/v1/retention", &NONE);
    assert_eq!((&kept["anonymise_after_months"], &kept["drop_events_after_months"]), (&json!(48), &NONE));
    s.refused(manager, "GET", "/v1/retention", &NONE, 403, "");
    let preview = s.done(
        manager,
        "POST",
        "/v1/segments/preview",
        &json!({"criteria": {"v": 1, "where": {"all": []}}, "venue": "bar"}),
    );
    assert!(preview["reachable"]["EMAIL_MARKETING"].is_number());
}
