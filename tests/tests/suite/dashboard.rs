//! What a manager sees at a glance: overview, label flow, settings and their preview. Expectations are computed by hand.

use crm_tests::{Session, TestDatabase, restaurant};

const AS_OF: &str = "2025-06-30 12:00 Europe/Paris";

/// Seven guests of the bistro as of noon on 30 June 2025, below the cohort of 30, so by fixed thresholds.
/// The sixteen bills are 8, 12, 15, 15, 15, 25.50 (four times), 30, 30, 40, 40, 40, 50 and 60: the eighth is 25.50.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    for (guest, at, total) in [
        // AT_RISK: four visits, the last 39 days ago. 102.00.
        ("ana", "2025-05-01 20:00", "25.50"),
        ("ana", "2025-05-08 20:00", "25.50"),
        ("ana", "2025-05-15 20:00", "25.50"),
        ("ana", "2025-05-22 20:00", "25.50"),
        // LOYAL: three visits, the last 29 days ago; 120.00 are at least three median bills.
        ("ben", "2025-05-21 20:00", "40"),
        ("ben", "2025-05-25 20:00", "40"),
        ("ben", "2025-06-01 20:00", "40"),
        // NEW, all three: no regulars, first here less than 30 days ago. 130.00.
        ("cleo", "2025-06-29 20:00", "50"),
        ("dora", "2025-06-30 10:00", "12"),
        ("dora", "2025-06-30 11:00", "8"),
        ("ed", "2025-06-10 20:00", "30"),
        ("ed", "2025-06-30 09:00", "30"),
        // INACTIVE and LOST.
        ("fay", "2025-03-01 20:00", "60"),
        ("gus", "2025-01-10 20:00", "15"),
        ("gus", "2025-01-20 20:00", "15"),
        ("gus", "2025-02-01 20:00", "15"),
    ] {
        sql.run(&format!("SELECT dine('{guest}', 'bistro', '{at}', {total})"));
    }
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    restaurant::bind(&mut sql);
    (database, sql)
}

fn overview(sql: &mut Session, path: &str) -> String {
    sql.value(&format!("SELECT crm.overview('bistro') #>> '{{{path}}}'"))
}

/// One line a period: orders, revenue, average bill, visits, new guests, returning visits.
const SALES: &str = "SELECT p, x ->> 'from_day', x ->> 'to_day', x -> 'orders', x ->> 'revenue', x ->> 'average_bill', x -> 'visits', x -> 'new_guests',
           x -> 'returning_visits', x -> 'change' ->> 'orders', x -> 'change' ->> 'revenue', x -> 'change' ->> 'visits'
      FROM unnest('{today,last_7_days,previous_7_days,last_30_days,previous_30_days}'::text[]) WITH ORDINALITY AS u(p, n),
           LATERAL (SELECT crm.overview('bistro') -> 'sales' -> p) AS s(x) ORDER BY n";

const SALES_OF_30_JUNE: [&str; 5] = [
    // dora, new, twice at one visit, and ed: 12 + 8 + 30.
    "today|2025-06-30|2025-06-30|3|50.00|16.67|2|1|1|null|null|null",
    "last_7_days|2025-06-23|2025-06-29|1|50.00|50.00|1|1|0|null|null|null",
    "previous_7_days|2025-06-16|2025-06-22|0|0.00|null|0|0|0|null|null|null",
    // ben 40, ed 30 and cleo 50, the latter two new; 120 after 182.
    "last_30_days|2025-05-31|2025-06-29|3|120.00|40.00|3|2|1|-0.5000|-0.3407|-0.5000",
    // ana four times, ben twice, both new.
    "previous_30_days|2025-05-01|2025-05-30|6|182.00|30.33|6|2|4|null|null|null",
];

#[test]
fn an_overview_has_the_labels_with_their_share_of_the_revenue() {
    let (_database, mut sql) = bistro("labels");
    sql.expect_rows(
        "SELECT l ->> 'label', l -> 'guests', l ->> 'spent', l -> 'share_of_revenue'
           FROM jsonb_array_elements(crm.overview('bistro') -> 'labels') WITH ORDINALITY AS x(l, n) ORDER BY n",
        &[
            "CHAMPION|0|0.00|0.0000",
            "LOYAL|1|120.00|0.2626",
            "POTENTIAL|0|0.00|0.0000",
            "NEW|3|130.00|0.2845",
            "AT_RISK|1|102.00|0.2232",
            "LOST|1|45.00|0.0985",
            "INACTIVE|1|60.00|0.1313",
        ],
    );
    assert_eq!(overview(&mut sql, "cohort"), "7");
    assert_eq!(overview(&mut sql, "orders"), "16");
    // Dora's two orders of one day are one visit.
    assert_eq!(
        (overview(&mut sql, "visits"), overview(&mut sql, "visits_per_guest")),
        ("15".into(), "2.14".into())
    );
    assert_eq!(overview(&mut sql, "revenue"), "457.00");
    // 457 / 16 = 28.5625; ana, ben, ed and gus of seven came on two days or more.
    assert_eq!(overview(&mut sql, "average_bill"), "28.56");
    assert_eq!(overview(&mut sql, "repeat_rate"), "0.5714");
    // ben, from tomorrow on.
    assert_eq!(
        overview(&mut sql, "at_risk_within_7_days"),
        r#"{"spent": "120.00", "guests": 1, "share_of_revenue": 0.2626}"#
    );
    sql.expect_rows(
        "SELECT (crm.overview('bistro') ->> 'scores_computed_at')::timestamptz AT TIME ZONE 'UTC', crm.overview('bistro') ->> 'changes_put_off'",
        &["2025-06-30 10:00:00|0"],
    );
}

#[test]
fn an_overview_compares_whole_days_with_the_days_before() {
    let (_database, mut sql) = bistro("sales");
    sql.expect_rows(SALES, &SALES_OF_30_JUNE);
}

#[test]
fn past_days_are_the_kept_ones_and_days_not_kept_yet_are_read_from_the_orders() {
    let (_database, mut sql) = bistro("kept");
    for closed_day in ["'2025-06-20'", "'2025-05-10'", "NULL"] {
        sql.run(&format!(
            "UPDATE crm.venue_scoring SET closed_day = {closed_day};
             DELETE FROM crm.venue_day WHERE (day <= {closed_day}) IS NOT TRUE"
        ));
        sql.expect_rows(SALES, &SALES_OF_30_JUNE);
    }
    sql.run("CALL crm.run_night()");
    sql.expect_rows(SALES, &SALES_OF_30_JUNE);
    // A kept day is not computed again for every look.
    sql.run("UPDATE crm.venue_day SET revenue = revenue + 1000 WHERE day = '2025-06-01'");
    sql.expect_rows("SELECT crm.overview('bistro') #>> '{sales,last_30_days,revenue}'", &["1120.00"]);
}

#[test]
fn a_sale_shows_at_once_and_one_put_off_is_told() {
    let (database, mut sql) = bistro("sale");
    sql.run("SELECT dine('cleo', 'bistro', '2025-06-30 11:30', 10)");
    assert_eq!(sql.rows(SALES)[0], "today|2025-06-30|2025-06-30|4|60.00|15.00|3|1|2|null|null|null");
    let mut holder = database.session();
    holder.run("BEGIN; SELECT FROM crm.customer_venue_stats FOR UPDATE");
    sql.run("SELECT dine('ana', 'bistro', '2025-06-30 11:45', 10)");
    holder.run("ROLLBACK");
    assert_eq!(overview(&mut sql, "changes_put_off"), "1");
}

#[test]
fn today_is_the_venues_own_business_day() {
    let (_database, mut sql) = bistro("business_day");
    sql.run("SELECT crm.update_venue_settings('bistro', '{\"day_starts_at\": \"04:00\"}'); SELECT crm.recompute_venue('bistro')");
    // One o'clock on 1 July is still 30 June there, three hours before the day starts.
    sql.run("SELECT dine('hal', 'bistro', '2025-07-01 00:30', 5); SET crm.as_of = '2025-07-01 01:00 Europe/Paris'");
    sql.run("CALL crm.run_night()");
    assert_eq!(sql.rows(SALES)[0], "today|2025-06-30|2025-06-30|4|55.00|13.75|3|2|1|null|null|null");
    sql.run("SET crm.as_of = '2025-07-01 04:00 Europe/Paris'");
    assert_eq!(sql.rows(SALES)[0], "today|2025-07-01|2025-07-01|0|0.00|null|0|0|0|null|null|null");
    assert_eq!(sql.rows(SALES)[1], "last_7_days|2025-06-24|2025-06-30|5|105.00|21.00|4|3|1|null|null|null");
}

#[test]
fn an_empty_venue_has_an_overview() {
    let (_database, mut sql) = bistro("empty");
    restaurant::add_venue(&mut sql, "bar", "America/New_York");
    sql.expect_rows(
        "SELECT o -> 'cohort', o ->> 'revenue', o ->> 'repeat_rate', o ->> 'average_bill', o #> '{sales,today,orders}', jsonb_array_length(o -> 'labels')
           FROM crm.overview('bar') AS o",
        &["0|0.00|null|null|0|7"],
    );
    sql.expect_refusal("SELECT crm.overview('nowhere')", &["CR404"], "nowhere");
}

#[test]
fn who_becomes_at_risk_comes_first_the_longest_overdue_before_the_others() {
    let (_database, mut sql) = bistro("order");
    // AT_RISK from 1, 3 and 2 July; usual gaps of 14, 2 and 7 days; 29, 27 and 28 days since. ana is LOST from 20 August.
    sql.run(
        "SELECT dine('slow', 'bistro', timestamp '2025-06-01 20:00' - make_interval(days => 14 * k), 20) FROM generate_series(0, 2) k;
         SELECT dine('fast', 'bistro', timestamp '2025-06-03 20:00' - make_interval(days => 2 * k), 20) FROM generate_series(0, 2) k;
         SELECT dine('weekly', 'bistro', timestamp '2025-06-02 20:00' - make_interval(days => 7 * k), 20) FROM generate_series(0, 2) k",
    );
    sql.expect_rows(
        "SELECT ref, next_label, changes_on, overdue, total_spent FROM crm.upcoming_labels('bistro', 7)",
        &[
            "fast|AT_RISK|2025-07-03|13.50|60.00",
            // 29 days are 5.27 times the mean of 4 and 7.
            "ben|AT_RISK|2025-07-01|5.27|120.00",
            "weekly|AT_RISK|2025-07-02|4.00|60.00",
            "slow|AT_RISK|2025-07-01|2.07|60.00",
        ],
    );
    sql.expect_rows(
        "SELECT string_agg(ref || ' ' || next_label, ', ') FROM crm.upcoming_labels('bistro', 60) WHERE ref IN ('ana', 'cleo', 'fast')",
        &["fast AT_RISK, ana LOST, cleo POTENTIAL"],
    );
    // A change that is due, and not swept yet, is today's.
    sql.run("SET crm.as_of = '2025-07-01 12:00 Europe/Paris'");
    sql.expect_rows(
        "SELECT changes_on FROM crm.upcoming_labels('bistro', 7) WHERE ref = 'ben'",
        &["2025-07-01"],
    );
    // Days on which nobody could come count neither in the gap nor since: 22 of the 27 days from 3 to 30 June, one of fast's two gaps of two days.
    sql.run(
        "SET crm.as_of = '2025-06-30 12:00 Europe/Paris';
         SELECT crm.update_venue_settings('bistro', '{\"closures\": [{\"from_day\": \"2025-06-02\", \"to_day\": \"2025-06-02\"}, {\"from_day\": \"2025-06-04\", \"to_day\": \"2025-06-25\"}]}');
         SELECT crm.recompute_venue('bistro')",
    );
    sql.expect_rows(
        "SELECT changes_on, days_since_last_order, usual_gap_days, overdue FROM crm.upcoming_labels('bistro', 60) WHERE ref = 'fast'",
        &["2025-07-25|5|1.5|3.33"],
    );
}

/// Three guests counted on 15 June, all bills 10: ana and ben LOYAL, cat NEW; what happens later is recorded as it happens.
#[test]
fn label_flow_tells_moves_from_where_guests_ended_up() {
    let database = TestDatabase::new("flow");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('ana', 'bistro', timestamp '2025-06-01 20:00' + make_interval(days => k), 10) FROM generate_series(0, 2) k;
         SELECT dine('ben', 'bistro', timestamp '2025-06-10 20:00' + make_interval(days => k), 10) FROM generate_series(0, 2) k;
         SELECT dine('cat', 'bistro', '2025-06-01 20:00', 10);
         SET crm.as_of = '2025-06-15 12:00 Europe/Paris'",
    );
    restaurant::bind(&mut sql);
    for step in [
        // As the day opens: ana is at risk after 30 days, cat not new any more.
        "CALL crm.run_night('2025-07-03 00:00 Europe/Paris')",
        "SET crm.as_of = '2025-07-05 21:00 Europe/Paris'; SELECT dine('ana', 'bistro', '2025-07-05 20:00', 10)",
        "CALL crm.run_night('2025-07-12 05:30 Europe/Paris')",
        "SET crm.as_of = '2025-07-20 21:00 Europe/Paris'; SELECT dine('dan', 'bistro', '2025-07-20 20:00', 10)",
        "CALL crm.run_night('2025-08-04 05:30 Europe/Paris')",
        "CALL crm.run_night('2025-08-20 05:30 Europe/Paris')",
    ] {
        sql.run(step);
    }
    sql.run("SET TimeZone = 'Asia/Tokyo'");
    // July: ana and ben fell back, ana came back; dan came, and was still new when July ended.
    sql.expect_rows(
        "SELECT * FROM crm.label_flow('bistro', '2025-07-01', '2025-07-31')",
        &["null|NEW|0|0|1", "AT_RISK|LOYAL|1|1|0", "LOYAL|AT_RISK|2|2|1", "NEW|POTENTIAL|1|1|1"],
    );
    // July and August: ana fell back twice, and dan, who was no guest before, ends as POTENTIAL.
    sql.expect_rows(
        "SELECT * FROM crm.label_flow('bistro', '2025-07-01', '2025-08-31')",
        &["null|POTENTIAL|0|0|1", "AT_RISK|LOYAL|1|1|0", "LOYAL|AT_RISK|3|2|2", "NEW|POTENTIAL|2|2|1"],
    );
    // The guests behind these numbers.
    let movers = "SELECT was, string_agg(ref || ' ' || to_label, ',' ORDER BY ref)
       FROM unnest(ARRAY[NULL, 'AT_RISK', 'LOYAL', 'NEW']) AS was, crm.label_movers('bistro', '2025-07-01', '2025-08-31', was)
       GROUP BY was ORDER BY was NULLS FIRST";
    sql.expect_rows(movers, &["null|dan POTENTIAL", "LOYAL|ana AT_RISK,ben AT_RISK", "NEW|cat POTENTIAL"]);
    sql.expect_rows(
        "SELECT ref FROM crm.label_movers('bistro', '2025-07-01', '2025-07-31', 'LOYAL', 'AT_RISK')",
        &["ben"],
    );
    sql.expect_refusal(
        "SELECT crm.label_movers('bistro', '2025-07-01', '2025-07-31', 'GONE')",
        &["22023"],
        "GONE",
    );
    // Midnight in Paris opens the day.
    sql.expect_none("SELECT * FROM crm.label_flow('bistro', '2025-06-16', '2025-07-02')");
    sql.expect_rows(
        "SELECT * FROM crm.label_flow('bistro', '2025-07-03', '2025-07-03')",
        &["LOYAL|AT_RISK|1|1|1", "NEW|POTENTIAL|1|1|1"],
    );
    for (from, to, column) in [
        ("'2025-07-02'", "'2025-07-01'", "to_day"),
        ("NULL", "'2025-07-01'", "from_day"),
        ("'2025-07-01'", "NULL", "to_day"),
        ("'-infinity'", "'2025-07-01'", "from_day"),
        ("'2025-07-01'", "'infinity'", "to_day"),
    ] {
        let refusal =
            sql.expect_refusal(&format!("SELECT crm.label_flow('bistro', {from}, {to})"), &["22023"], column);
        assert_eq!(refusal.column.as_deref(), Some(column));
    }
    sql.expect_refusal("SELECT crm.label_flow('nowhere', '2025-07-01', '2025-07-31')", &["CR404"], "nowhere");
}

#[test]
fn a_preview_names_who_would_move_and_writes_nothing() {
    let (_database, mut sql) = bistro("preview");
    let rows = "string_agg(md5(t::text), ',' ORDER BY t::text)";
    let state = format!(
        "SELECT {rows} FROM crm.customer_venue_stats t UNION ALL SELECT {rows} FROM crm.venue t UNION ALL SELECT {rows} FROM crm.venue_scoring t"
    );
    let before = sql.rows(&state);
    sql.expect_none("SELECT * FROM crm.preview_settings('bistro', '{}')");
    // From 40 days on: ana, 39 days away, is not at risk. 102.00 are four median bills: LOYAL.
    sql.expect_rows(
        "SELECT from_label, to_label, guests, guests_anyway, sample #>> '{0,ref}', sample #>> '{0,name}' FROM crm.preview_settings('bistro', '{\"at_risk_days\": 40}')",
        &["AT_RISK|LOYAL|1|0|ana|Ana"],
    );
    // With two visits ed is a regular: 60.00 are two bills, two visits and 2 + 2 points make no LOYAL. With one, everybody is.
    sql.expect_rows(
        "SELECT from_label, to_label, guests FROM crm.preview_settings('bistro', '{\"regular_visits\": 2}')",
        &["NEW|POTENTIAL|1"],
    );
    sql.expect_rows(
        "SELECT from_label, to_label, guests FROM crm.preview_settings('bistro', '{\"regular_visits\": 1}')",
        &["NEW|POTENTIAL|3", "INACTIVE|LOST|1"],
    );
    // All of June closed: d is 9 for ana, and ed's and cleo's first days still count by the calendar.
    sql.expect_rows(
        "SELECT from_label, to_label, guests FROM crm.preview_settings('bistro', '{\"closures\": [{\"from_day\": \"2025-06-01\", \"to_day\": \"2025-06-30\"}]}')",
        &["AT_RISK|LOYAL|1"],
    );
    assert_eq!(sql.rows(&state), before);
    // What the next recompute moves anyway is told apart: on 1 July ben is at risk, whatever the settings.
    sql.run("SET crm.as_of = '2025-07-01 12:00 Europe/Paris'");
    sql.expect_rows(
        "SELECT from_label, to_label, guests, guests_anyway FROM crm.preview_settings('bistro', '{\"new_days\": 20}')",
        &["LOYAL|AT_RISK|1|1", "NEW|POTENTIAL|1|0"],
    );
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_name_in_preview_and_in_earnest() {
    let (_database, mut sql) = bistro("refused");
    for (settings, column) in [
        ("[]", "settings"),
        ("null", "settings"),
        (r#"{"at_risk_day": 40}"#, "at_risk_day"),
        (r#"{"at_risk_days": "40"}"#, "at_risk_days"),
        (r#"{"at_risk_days": null}"#, "at_risk_days"),
        (r#"{"at_risk_days": 40.5}"#, "at_risk_days"),
        (r#"{"at_risk_days": 0}"#, "at_risk_days"),
        (r#"{"at_risk_days": 1e400}"#, "at_risk_days"),
        (r#"{"at_risk_days": 91}"#, "at_risk_days"),
        (r#"{"lost_days": 29}"#, "lost_days"),
        (r#"{"lost_days": 36501}"#, "lost_days"),
        (r#"{"min_cohort": 0}"#, "min_cohort"),
        (r#"{"min_cohort": 2147483648}"#, "min_cohort"),
        (r#"{"regular_visits": 0}"#, "regular_visits"),
        (r#"{"new_days": -1}"#, "new_days"),
        (r#"{"day_starts_at": "24:00"}"#, "day_starts_at"),
        (r#"{"day_starts_at": 4}"#, "day_starts_at"),
        (r#"{"quiet_hours": {"from": "21:00"}}"#, "quiet_hours"),
        (r#"{"quiet_hours": {"from": "21:00", "to": "24:00"}}"#, "quiet_hours"),
        (r#"{"quiet_hours": {"from": "21:00", "to": "21:00"}}"#, "quiet_hours"),
        (r#"{"quiet_hours": ["21:00", "09:00"]}"#, "quiet_hours"),
        (r#"{"closures": {}}"#, "closures"),
        (r#"{"closures": [1]}"#, "closures"),
        (r#"{"closures": [{"from_day": "2025-08-01"}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "2025-08-01", "to_day": null}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "2025-08-01", "to_day": "2025-07-31"}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "2025-02-30", "to_day": "2025-03-01"}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "1899-12-31", "to_day": "2025-03-01"}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "infinity", "to_day": "infinity"}]}"#, "closures"),
        (r#"{"closures": [{"from_day": "2025-08-01", "to_day": "2025-08-02", "why": ""}]}"#, "closures"),
        (
            r#"{"closures": [{"from_day": "2025-08-01", "to_day": "2025-08-02"}, {"from_day": "2025-08-01", "to_day": "2025-08-03"}]}"#,
            "closures",
        ),
    ] {
        for function in ["preview_settings", "update_venue_settings"] {
            let refusal =
                sql.expect_refusal(&format!("SELECT crm.{function}('bistro', '{settings}')"), &["22023"], "");
            assert_eq!(refusal.column.as_deref(), Some(column), "{function} {settings}: {refusal:?}");
            assert!(refusal.hint.is_some(), "{function} {settings}: {refusal:?}");
        }
    }
    let refusal = sql.expect_refusal(
        r#"SELECT crm.preview_settings('bistro', '{"day_starts_at": "04:00"}')"#,
        &["22023"],
        "recounted",
    );
    assert_eq!(refusal.column.as_deref(), Some("day_starts_at"));
    sql.expect_none(r#"SELECT * FROM crm.preview_settings('bistro', '{"day_starts_at": "00:00"}')"#);
    for function in ["preview_settings", "update_venue_settings"] {
        sql.expect_refusal(&format!("SELECT crm.{function}('nowhere', '{{}}')"), &["CR404"], "nowhere");
    }
}

#[test]
fn settings_are_changed_together_returned_and_take_effect_at_the_next_recompute() {
    let (_database, mut sql) = bistro("settings");
    let defaults = r#"{"closures": [], "new_days": 30, "lost_days": 90, "min_cohort": 30, "crm_enabled": true, "quiet_hours": null, "at_risk_days": 30, "day_starts_at": "00:00:00", "regular_visits": 3, "loyalty_enabled": true, "require_double_opt_in": false}"#;
    assert_eq!(sql.value("SELECT crm.venue_settings('bistro')"), defaults);
    assert_eq!(sql.value("SELECT crm.update_venue_settings('bistro', '{}')"), defaults);
    let changed = r#"{"closures": [{"to_day": "2025-08-17", "from_day": "2025-08-04"}], "new_days": 30, "lost_days": 120, "min_cohort": 7, "crm_enabled": true, "quiet_hours": {"to": "09:00:00", "from": "21:30:00"}, "at_risk_days": 100, "day_starts_at": "04:30:00", "regular_visits": 3, "loyalty_enabled": false, "require_double_opt_in": true}"#;
    let given = r#"{"at_risk_days": 100, "lost_days": 120, "min_cohort": 7.0, "day_starts_at": "04:30", "closures": [{"from_day": "2025-08-04", "to_day": "2025-08-17"}], "require_double_opt_in": true, "loyalty_enabled": false, "quiet_hours": {"from": "21:30", "to": "09:00"}}"#;
    assert_eq!(sql.value(&format!("SELECT crm.update_venue_settings('bistro', '{given}')")), changed);
    assert_eq!(sql.value("SELECT crm.venue_settings('bistro')"), changed);
    // Settings go in as they come out.
    assert_eq!(sql.value(&format!("SELECT crm.update_venue_settings('bistro', '{changed}')")), changed);
    assert_eq!(restaurant::label_and_scores(&mut sql, "bistro", "ana"), "AT_RISK 2 3 3");
    sql.expect_refusal("SELECT * FROM crm.preview_settings('bistro', '{}')", &["55000"], "not recounted");
    sql.run("SELECT crm.recompute_venue('bistro')");
    sql.expect_rows("SELECT method FROM crm.venue_scoring", &["quintile"]);
    // Of seven, two ordered longer ago, six came less often and five spent less: 1 + 10/7, 1 + 30/7, 1 + 25/7, rounded down.
    assert_eq!(restaurant::label_and_scores(&mut sql, "bistro", "ana"), "LOYAL 2 5 4");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    assert_eq!(
        sql.value(r#"SELECT crm.update_venue_settings('bistro', '{"closures": []}') -> 'closures'"#),
        "[]"
    );
}
