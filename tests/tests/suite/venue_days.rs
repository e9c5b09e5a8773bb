//! What crm.venue_day says of each local day, compared with the platform's own orders.

use crm_tests::restaurant;
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Venue, local day, guests, new guests, orders and revenue, straight from the platform's tables.
const DAYS: &str = r#"
    WITH sold AS (
      SELECT v.ref, o."customerId" AS guest, o.total, ((o."completedAt" AT TIME ZONE v.timezone) - v.day_starts_at::interval)::date AS day
        FROM public."Order" o JOIN crm.venue v ON v.ref = o."venueId"
       WHERE o.status = 'COMPLETED' AND o."customerId" IS NOT NULL AND o.total IS NOT NULL AND o."completedAt" IS NOT NULL)
    SELECT ref, day, count(DISTINCT guest) AS guests,
           count(DISTINCT guest) FILTER (WHERE NOT EXISTS (SELECT FROM sold e WHERE e.ref = s.ref AND e.guest = s.guest AND e.day < s.day)) AS new_guests,
           count(*) AS orders, sum(total)::numeric(14,2) AS revenue
      FROM sold s GROUP BY ref, day"#;

const KEPT: &str = "SELECT v.ref, d.day, d.guests, d.new_guests, d.orders, d.revenue FROM crm.venue_day d JOIN crm.venue v USING (org_id, venue_id) WHERE d.orders > 0";

/// Every day, open ones too: right after a night.
#[track_caller]
fn expect_days(sql: &mut Session) {
    sql.expect_none(&format!(
        "(SELECT * FROM ({DAYS}) AS expected EXCEPT {KEPT}) UNION ALL ({KEPT} EXCEPT SELECT * FROM ({DAYS}) AS expected)"
    ));
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_venue_days(v.ref) d");
    sql.expect_none("SELECT * FROM crm.venue_day WHERE returning_guests <> guests - new_guests");
}

fn venue(purpose: &str, timezone: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", timezone);
    (database, sql)
}

fn night_of(sql: &mut Session, at: &str) {
    sql.run(&format!("SET crm.as_of = '{at}'"));
    sql.run("CALL crm.run_night()");
}

/// ana on 1, 2 and 3 May (twice), ben on 2 May and 10 June, cleo on 29 June; all at 20:00 in Paris.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let (database, mut sql) = venue(purpose, "Europe/Paris");
    for (guest, day, total) in [
        ("ana", "05-01", 10),
        ("ana", "05-02", 20),
        ("ana", "05-03", 30),
        ("ana", "05-03", 5),
        ("ben", "05-02", 40),
        ("ben", "06-10", 50),
        ("cleo", "06-29", 60),
    ] {
        sql.run(&format!("SELECT dine('{guest}', 'bistro', '2025-{day} 20:00', {total})"));
    }
    sql.run("SET crm.as_of = '2025-06-30 05:30 Europe/Paris'");
    restaurant::bind(&mut sql);
    (database, sql)
}

const ROWS: &str = "SELECT day, guests, new_guests, returning_guests, orders, revenue FROM crm.venue_day WHERE orders > 0 ORDER BY day";

#[test]
fn the_backfill_counts_every_day_of_the_history() {
    let (_database, mut sql) = bistro("history");
    sql.expect_rows(
        ROWS,
        &[
            "2025-05-01|1|1|0|1|10.00",
            "2025-05-02|2|1|1|2|60.00",
            "2025-05-03|1|0|1|2|35.00",
            "2025-06-10|1|0|1|1|50.00",
            "2025-06-29|1|1|0|1|60.00",
        ],
    );
    expect_days(&mut sql);
}

#[test]
fn a_night_leaves_a_row_for_its_day_with_the_labels() {
    let (_database, mut sql) = bistro("labels");
    // ana, three visits, last seen 57 days ago: AT_RISK; ben, twice, and cleo are no regulars; ben's first is 59 days ago.
    let labels = "SELECT day, champions, loyal, potential, new, at_risk, lost, inactive FROM crm.venue_day WHERE champions IS NOT NULL ORDER BY day";
    sql.expect_rows(labels, &["2025-06-30|0|0|1|1|1|0|0"]);
    // The next night has the last word about the 30th, on which dora came; as of the 31st day cleo is still NEW.
    sql.run("SELECT dine('dora', 'bistro', '2025-06-30 20:00', 70)");
    night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
    sql.expect_rows(labels, &["2025-06-30|0|0|1|2|1|0|0", "2025-07-01|0|0|1|2|1|0|0"]);
    // Later in the day a night looks again at the day itself, no more at the day before: dora's second order changes nothing, eve is new.
    sql.run("SELECT dine('eve', 'bistro', '2025-07-01 12:00', 70)");
    night_of(&mut sql, "2025-07-01 18:00 Europe/Paris");
    sql.expect_rows(labels, &["2025-06-30|0|0|1|2|1|0|0", "2025-07-01|0|0|1|3|1|0|0"]);
    expect_days(&mut sql);
}

#[test]
fn what_changes_on_a_closed_day_is_counted_anew_by_the_next_night() {
    for (n, change) in [
        r#"DELETE FROM "Order" WHERE total = 40"#,
        r#"UPDATE "Order" SET total = 41 WHERE total = 40"#,
        r#"UPDATE "Order" SET status = 'REFUNDED' WHERE total = 10"#,
        r#"UPDATE "Order" SET "completedAt" = "completedAt" - interval '9 days' WHERE total = 20"#,
        r#"UPDATE "Order" SET "customerId" = 'cleo' WHERE total = 40"#,
        r#"UPDATE "Order" SET "customerId" = NULL WHERE total = 30"#,
        "SELECT dine('ana', 'bistro', '2025-05-09 20:00', 7)",
        "SELECT dine('late', 'bistro', '2025-05-02 20:00', 7)",
        "SELECT dine('ben', 'bistro', '2025-06-20 20:00', 7)",
        "SELECT crm.merge_customers('ana', 'ben', 'the same person')",
    ]
    .into_iter()
    .enumerate()
    {
        let (_database, mut sql) = bistro(&format!("closed_{n}"));
        night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
        sql.run(change);
        assert!(sql.number("SELECT count(*) FROM crm.changed_day") > 0, "{change}");
        let recounted = sql.value("SELECT recounted_at FROM crm.venue_scoring");
        night_of(&mut sql, "2025-07-02 05:30 Europe/Paris");
        sql.expect_none("SELECT * FROM crm.verify_venue_days('bistro')");
        sql.expect_none("SELECT * FROM crm.changed_day");
        assert_eq!(
            sql.value("SELECT recounted_at FROM crm.venue_scoring"),
            recounted,
            "no gap was seen after: {change}"
        );
        if !change.contains("merge") {
            expect_days(&mut sql);
        }
    }
}

#[test]
fn a_late_refund_shows_on_its_own_day() {
    let (_database, mut sql) = bistro("refund");
    sql.run(r#"UPDATE "Order" SET status = 'REFUNDED' WHERE total = 10"#);
    night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
    // ana's first visit is now the second day.
    sql.expect_rows(
        &ROWS.replace("orders > 0", "day < '2025-05-03'"),
        &["2025-05-01|0|0|0|0|0.00", "2025-05-02|2|2|0|2|60.00"],
    );
}

#[test]
fn an_error_in_a_kept_day_is_found() {
    for column in ["guests", "new_guests", "orders", "revenue"] {
        let (_database, mut sql) = bistro(&format!("planted_{column}"));
        sql.run(&format!("UPDATE crm.venue_day SET {column} = {column} + 1 WHERE day = '2025-05-02'"));
        sql.expect_rows("SELECT day FROM crm.verify_venue_days('bistro')", &["2025-05-02"]);
        sql.run("CALL crm.run_night(recount => true)");
        sql.expect_none("SELECT * FROM crm.verify_venue_days('bistro')");
    }
    let (_database, mut sql) = bistro("missing_day");
    sql.run("DELETE FROM crm.venue_day WHERE day = '2025-05-02'");
    sql.expect_rows("SELECT day FROM crm.verify_venue_days('bistro')", &["2025-05-02"]);
    // The orders of a day do not go missing without the sums telling.
    sql.run("CALL crm.run_night()");
    sql.expect_none("SELECT * FROM crm.verify_venue_days('bistro')");
}

/// Changes orders behind the CRM's back.
fn unseen(sql: &mut Session, change: &str) {
    sql.run(&format!(r#"BEGIN; ALTER TABLE "Order" DISABLE TRIGGER USER; {change}"#));
    for trigger in sql.rows(r#"SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = '"Order"'::regclass AND NOT tgisinternal"#) {
        sql.run(&format!(r#"ALTER TABLE "Order" ENABLE ALWAYS TRIGGER {trigger}"#));
    }
    sql.run("COMMIT");
}

#[test]
fn a_recent_order_lost_without_a_trace_is_noticed_by_the_next_night() {
    for (n, change) in [
        r#"DELETE FROM "Order" WHERE total = 60"#,
        r#"UPDATE "Order" SET total = 61 WHERE total = 60"#,
        "SELECT dine('ben', 'bistro', '2025-06-30 20:00', 31)",
        r#"TRUNCATE "Order""#,
    ]
    .into_iter()
    .enumerate()
    {
        let (_database, mut sql) = bistro(&format!("gap_{n}"));
        unseen(&mut sql, change);
        assert!(!sql.rows("SELECT * FROM crm.verify_stats('bistro')").is_empty(), "{change}");
        night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
        sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
        expect_days(&mut sql);
    }
}

#[test]
fn an_old_order_lost_without_a_trace_is_noticed_within_a_week() {
    let (_database, mut sql) = bistro("old_gap");
    unseen(&mut sql, r#"DELETE FROM "Order" WHERE total = 30"#);
    night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
    assert_eq!(sql.rows("SELECT * FROM crm.verify_stats('bistro')").len(), 1);
    sql.run("UPDATE crm.venue_scoring SET recounted_at = now() - interval '8 days'");
    night_of(&mut sql, "2025-07-02 05:30 Europe/Paris");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    expect_days(&mut sql);
}

#[test]
fn what_the_sums_hide_is_found_once_a_week_or_when_asked_for() {
    let (_database, mut sql) = bistro("weekly");
    let plant = "UPDATE crm.customer_venue_stats SET total_visits = total_visits + 1 WHERE total_orders = 4";
    sql.run(plant);
    night_of(&mut sql, "2025-07-01 05:30 Europe/Paris");
    assert_eq!(sql.rows("SELECT * FROM crm.verify_stats('bistro')").len(), 1, "all sums are right");
    sql.run("UPDATE crm.venue_scoring SET recounted_at = now() - interval '8 days'");
    night_of(&mut sql, "2025-07-02 05:30 Europe/Paris");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.run(plant);
    sql.run("CALL crm.run_night('2025-07-03 05:30 Europe/Paris', recount => true)");
    sql.run("SET crm.as_of = '2025-07-03 05:30 Europe/Paris'");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    expect_days(&mut sql);
}

#[test]
fn days_are_the_venues_own_whatever_its_clocks_do() {
    for (n, (timezone, day_starts_at, from)) in [
        ("Europe/Paris", "00:00", "2024-03-29 18:00+00"),
        ("Europe/Paris", "02:30", "2024-03-29 18:00+00"),
        ("Europe/Paris", "02:30", "2024-10-25 18:00+00"),
        ("America/Los_Angeles", "04:00", "2024-11-02 00:00+00"),
        ("Asia/Kathmandu", "05:15", "2024-02-27 12:00+00"),
        ("Australia/Lord_Howe", "01:45", "2024-04-05 12:00+00"),
        ("Pacific/Apia", "05:00", "2011-12-28 12:00+00"),
        ("America/Sao_Paulo", "00:00", "2018-11-03 00:00+00"),
    ]
    .into_iter()
    .enumerate()
    {
        let (_database, mut sql) = venue(&format!("zone_{n}"), timezone);
        restaurant::bind_venues_and_customers(&mut sql);
        sql.run(&format!("UPDATE crm.venue SET day_starts_at = '{day_starts_at}'"));
        // An order every quarter of an hour for three days around the change.
        sql.run(&format!(
            r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(0, 6) i;
               INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt")
               SELECT 'bistro', 'g' || i % 7, 'COMPLETED', i, timestamptz '{from}' + i * interval '15 minutes' FROM generate_series(0, 287) i"#
        ));
        sql.run(&format!("SET crm.as_of = '{from}'"));
        restaurant::bind_orders_and_backfill(&mut sql);
        expect_days(&mut sql);
        for day in 1..=6 {
            // Each of the days changes after it was closed, and is counted by its own span alone.
            sql.run(&format!(
                "SELECT set_config('crm.as_of', (timestamptz '{from}' + interval '{day} days')::text, false)"
            ));
            sql.run("CALL crm.run_night()");
            sql.run(r#"UPDATE "Order" SET total = total + 1"#);
            sql.run("CALL crm.run_night()");
            expect_days(&mut sql);
        }
    }
}

#[test]
fn the_29th_of_february_is_a_day_of_its_own() {
    let (_database, mut sql) = venue("leap", "Europe/Paris");
    for day in ["02-28 20:00", "02-29 00:30", "02-29 23:30", "03-01 00:30"] {
        sql.run(&format!("SELECT dine('ana', 'bistro', '2024-{day}', 10)"));
    }
    sql.run("SET crm.as_of = '2024-03-05 12:00+00'");
    restaurant::bind(&mut sql);
    sql.expect_rows(
        ROWS,
        &["2024-02-28|1|1|0|1|10.00", "2024-02-29|1|0|1|2|20.00", "2024-03-01|1|0|1|1|10.00"],
    );
}

#[test]
fn another_time_zone_or_start_of_the_day_counts_all_days_anew() {
    let (_database, mut sql) = venue("moved", "Europe/Paris");
    sql.run("SELECT dine('ana', 'bistro', timestamp '2025-06-01 01:00' + i * interval '5 hours', 10) FROM generate_series(0, 40) i");
    sql.run("SET crm.as_of = '2025-06-30 12:00+00'");
    restaurant::bind(&mut sql);
    sql.run("UPDATE crm.venue SET day_starts_at = '04:00'");
    night_of(&mut sql, "2025-07-01 12:00+00");
    expect_days(&mut sql);
    sql.run(r#"UPDATE "Venue" SET tz = 'Asia/Tokyo'"#);
    night_of(&mut sql, "2025-07-02 12:00+00");
    expect_days(&mut sql);
}

/// Three weeks of a careless application with a night each: whatever it does, totals, scores, labels and days are those
/// that the orders give, and a second night finds nothing to write.
#[test]
fn night_after_night_nothing_drifts() {
    for seed in [1, 2, 3] {
        let (_database, mut sql) = venue(&format!("drift_{seed}"), "Europe/Paris");
        restaurant::add_venue(&mut sql, "bar", "America/New_York");
        let mut random = Sequence::from_seed(seed);
        // Few bills and few hours, so that cut points meet ties.
        sql.run(
            r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(0, 89) i;
               INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
               SELECT 'h' || i, CASE WHEN i % 5 = 0 THEN 'bar' ELSE 'bistro' END, 'g' || (i * i) % 90, 'COMPLETED', 10 + i % 4,
                      timestamptz '2025-01-01 12:00+00' + (i * 37 % 3000) * interval '1 hour'
                 FROM generate_series(1, 700) i"#,
        );
        sql.run("SET crm.as_of = '2025-05-06 04:00+00'");
        restaurant::bind(&mut sql);
        oracle::install(&mut sql, oracle::Source::RestaurantTables);
        for day in 7..=27 {
            for n in 0..random.below(25) {
                let order = format!("h{}", random.below(700));
                let guest = random.below(95);
                let venue = ["bistro", "bistro", "bar"][random.below(3) as usize];
                sql.run(&match random.below(9) {
                    0 => format!(r#"DELETE FROM "Order" WHERE id = '{order}'"#),
                    1 => format!(r#"UPDATE "Order" SET total = {} WHERE id = '{order}'"#, random.below(40)),
                    2 => format!(r#"UPDATE "Order" SET "completedAt" = "completedAt" + interval '{} hours' WHERE id = '{order}'"#, random.below(400)),
                    3 => format!(r#"UPDATE "Order" SET "venueId" = '{venue}' WHERE id = '{order}'"#),
                    4 => format!(r#"INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt") VALUES ('{venue}', 'g{}', 'COMPLETED', 11, '2025-02-{:02} 20:00+00')"#, guest % 90, 1 + random.below(28)),
                    _ => format!(r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('n{day}-{n}', '{venue}', 'g{}', 'COMPLETED', {}, '2025-05-{:02} {:02}:00+00')"#, guest % 90, 10 + random.below(4), day - 1, random.below(24)),
                });
            }
            if random.below(4) == 0 {
                continue; // a day without a night
            }
            let at = format!("2025-05-{day:02} 04:00+00");
            night_of(&mut sql, &at);
            sql.expect_none("SELECT * FROM crm.failed_change");
            sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
            oracle::expect_scores(&mut sql, &at);
            expect_days(&mut sql);
            let versions = "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY venue_id, customer_id) FROM crm.customer_venue_stats";
            let before = sql.value(versions);
            sql.run("CALL crm.run_night()");
            assert_eq!(sql.value(versions), before, "seed {seed}, {at}");
        }
    }
}

#[test]
fn a_sale_under_way_while_the_days_are_closed_is_counted_by_the_next_night() {
    let database = TestDatabase::new("days_under_way");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('ben', 'bistro', '2025-03-01 20:00', 10), dine('ben', 'bistro', '2025-03-05 20:00', 10), dine('ana', 'bistro', '2025-03-10 20:00', 10)",
    );
    restaurant::bind(&mut sql);
    // Ana is new on the first now and ben on the fifth; no day has other orders, so no sum tells.
    let mut sale = database.session();
    sale.run(r#"BEGIN; UPDATE "Order" SET "customerId" = 'ana' WHERE "completedAt" < '2025-03-02'"#);
    sql.run("SELECT crm.score_venue(crm.find_venue('bistro'), crm.now(), true)");
    sale.run("COMMIT");
    sql.run("CALL crm.run_night()");
    sql.expect_rows(
        "SELECT day, new_guests FROM crm.venue_day WHERE orders > 0 ORDER BY day",
        &["2025-03-01|1", "2025-03-05|1", "2025-03-10|0"],
    );
    sql.expect_none("SELECT * FROM crm.verify_venue_days('bistro')");
}
