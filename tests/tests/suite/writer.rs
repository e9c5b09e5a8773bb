//! Every way a host application can change its orders, each compared with the orders as they then stand.

use crm_tests::restaurant::{self, totals};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Two venues; ana has three orders on two days at east, ben one at east, cleo one pending at west.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "east", "Asia/Tokyo");
    restaurant::add_venue(&mut sql, "west", "America/Los_Angeles");
    sql.run(
        r#"INSERT INTO "Customer" (id) VALUES ('ana'), ('ben'), ('cleo');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('a1', 'east', 'ana',  'COMPLETED', 10.00, '2025-03-01 12:00 Asia/Tokyo'),
             ('a2', 'east', 'ana',  'COMPLETED', 20.00, '2025-03-01 13:00 Asia/Tokyo'),
             ('a3', 'east', 'ana',  'COMPLETED', 40.00, '2025-03-02 12:00 Asia/Tokyo'),
             ('b1', 'east', 'ben',  'COMPLETED', 15.00, '2025-03-03 12:00 Asia/Tokyo'),
             ('c1', 'west', 'cleo', 'PENDING',   30.00, '2025-03-04 12:00 America/Los_Angeles')"#,
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

#[track_caller]
fn expect_in_step(sql: &mut Session) {
    oracle::expect_totals(sql);
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

/// Runs the change, compares with the orders, and returns ana's and cleo's totals where they have a row.
#[track_caller]
fn after(purpose: &str, change: &str) -> (TestDatabase, Session) {
    let (database, mut sql) = platform(purpose);
    sql.run(change);
    expect_in_step(&mut sql);
    (database, sql)
}

#[test]
fn the_backfill_counts_what_was_there() {
    let (_database, mut sql) = after("backfill", "SELECT 1");
    assert_eq!(totals(&mut sql, "east", "ana"), "3 2 70.00");
    assert_eq!(totals(&mut sql, "east", "ben"), "1 1 15.00");
    sql.expect_rows("SELECT count(*) FROM crm.customer_venue_stats WHERE total_orders > 0", &["2"]);
}

#[test]
fn inserting_a_completed_order_counts_it() {
    let (_database, mut sql) = after(
        "insert",
        r#"INSERT INTO "Order" VALUES ('c2', 'west', 'cleo', 'COMPLETED', 12.34, '2025-03-05 12:00 America/Los_Angeles')"#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 12.34");
}

#[test]
fn inserting_a_pending_order_counts_nothing() {
    let (_database, mut sql) = after(
        "insert_pending",
        r#"INSERT INTO "Order" VALUES ('b2', 'east', 'ben', 'PENDING', 12.34, NULL)"#,
    );
    assert_eq!(totals(&mut sql, "east", "ben"), "1 1 15.00");
}

#[test]
fn completing_an_order_counts_it() {
    let (_database, mut sql) =
        after("complete", r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'c1'"#);
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 30.00");
}

#[test]
fn completing_twice_counts_once() {
    let complete = r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'c1'"#;
    let (_database, mut sql) = after("complete_twice", &format!("{complete}; {complete}"));
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 30.00");
}

#[test]
fn taking_a_completion_back_takes_the_visit_back() {
    let (_database, mut sql) =
        after("uncomplete", r#"UPDATE "Order" SET status = 'PENDING' WHERE id = 'a3'"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "2 1 30.00");
}

#[test]
fn taking_one_of_two_orders_of_a_day_back_keeps_the_visit() {
    let (_database, mut sql) =
        after("uncomplete_one", r#"UPDATE "Order" SET status = 'PENDING' WHERE id = 'a1'"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "2 2 60.00");
}

#[test]
fn a_corrected_total_moves_spend_and_highest_order() {
    let (_database, mut sql) = after("total", r#"UPDATE "Order" SET total = 5 WHERE id = 'a3'"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "3 2 35.00");
    sql.expect_rows(
        "SELECT highest_order FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) WHERE ref = 'ana'",
        &["20.00"],
    );
}

#[test]
fn a_corrected_time_moves_days_first_and_last() {
    let (_database, mut sql) = after(
        "time",
        r#"UPDATE "Order" SET "completedAt" = '2025-02-28 12:00 Asia/Tokyo' WHERE id = 'a3';
           UPDATE "Order" SET "completedAt" = '2025-03-09 12:00 Asia/Tokyo' WHERE id = 'a1'"#,
    );
    assert_eq!(totals(&mut sql, "east", "ana"), "3 3 70.00");
}

#[test]
fn an_order_given_to_another_guest_moves() {
    let (_database, mut sql) =
        after("reassign", r#"UPDATE "Order" SET "customerId" = 'ben' WHERE id = 'a3'"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "2 1 30.00");
    assert_eq!(totals(&mut sql, "east", "ben"), "2 2 55.00");
}

#[test]
fn a_walk_in_order_attached_to_a_guest_counts_and_detached_does_not() {
    let (_database, mut sql) = after(
        "attach",
        r#"INSERT INTO "Order" VALUES ('w1', 'west', NULL, 'COMPLETED', 9, '2025-03-05 12:00 America/Los_Angeles');
           UPDATE "Order" SET "customerId" = 'cleo' WHERE id = 'w1';
           UPDATE "Order" SET "customerId" = NULL WHERE id = 'b1'"#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 9.00");
    assert_eq!(totals(&mut sql, "east", "ben"), "0 0 0.00");
}

#[test]
fn an_order_moved_to_another_venue_moves() {
    let (_database, mut sql) =
        after("move_venue", r#"UPDATE "Order" SET "venueId" = 'west' WHERE id = 'a3'"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "2 1 30.00");
    assert_eq!(totals(&mut sql, "west", "ana"), "1 1 40.00");
}

#[test]
fn a_deleted_order_no_longer_counts() {
    let (_database, mut sql) = after("delete", r#"DELETE FROM "Order" WHERE id IN ('a1', 'b1')"#);
    assert_eq!(totals(&mut sql, "east", "ana"), "2 2 60.00");
    assert_eq!(totals(&mut sql, "east", "ben"), "0 0 0.00");
}

#[test]
fn an_unmapped_column_changes_nothing() {
    let (_database, mut sql) = platform("unmapped");
    let version = "SELECT string_agg(xmin::text, ',' ORDER BY customer_id) FROM crm.customer_venue_stats";
    let before = sql.value(version);
    sql.run(r#"UPDATE "Order" SET note = 'no onions'"#);
    assert_eq!(sql.value(version), before, "no row of the statistics is rewritten");
}

#[test]
fn one_statement_may_complete_take_back_and_move_orders_of_one_guest() {
    let (_database, mut sql) = after(
        "mixed",
        r#"UPDATE "Order" SET
             status = CASE id WHEN 'a1' THEN 'PENDING' ELSE 'COMPLETED' END,
             total = CASE id WHEN 'a2' THEN 25 ELSE total END,
             "customerId" = CASE id WHEN 'b1' THEN 'ana' WHEN 'a3' THEN 'ben' ELSE "customerId" END"#,
    );
    assert_eq!(totals(&mut sql, "east", "ana"), "2 2 40.00");
    assert_eq!(totals(&mut sql, "east", "ben"), "1 1 40.00");
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 30.00");
}

#[test]
fn one_statement_may_bring_many_orders_of_many_guests() {
    after(
        "bulk",
        r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(1, 50) i;
           INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt")
           SELECT CASE WHEN i % 3 = 0 THEN 'east' ELSE 'west' END, 'g' || (1 + i % 50), 'COMPLETED', i % 17,
                  timestamptz '2025-01-01 00:00+00' + i * interval '5 hours'
             FROM generate_series(1, 2000) i"#,
    );
}

#[test]
fn an_upsert_counts_once_whether_it_inserts_or_updates() {
    let upsert = |id: &str, total: &str| {
        format!(
            r#"INSERT INTO "Order" VALUES ('{id}', 'west', 'cleo', 'COMPLETED', {total}, '2025-03-05 12:00 America/Los_Angeles')
               ON CONFLICT (id) DO UPDATE SET status = excluded.status, total = excluded.total, "completedAt" = excluded."completedAt""#
        )
    };
    let (_database, mut sql) =
        after("upsert", &[upsert("c1", "31"), upsert("c2", "7"), upsert("c2", "8")].join("; "));
    assert_eq!(totals(&mut sql, "west", "cleo"), "2 1 39.00");
}

#[test]
fn an_upsert_of_several_rows_mixes_inserts_and_updates() {
    let (_database, mut sql) = after(
        "upsert_many",
        r#"INSERT INTO "Order" VALUES
             ('c1', 'west', 'cleo', 'COMPLETED', 31, '2025-03-05 12:00 America/Los_Angeles'),
             ('c2', 'west', 'cleo', 'COMPLETED', 7,  '2025-03-06 12:00 America/Los_Angeles'),
             ('a3', 'west', 'cleo', 'COMPLETED', 2,  '2025-03-06 13:00 America/Los_Angeles')
           ON CONFLICT (id) DO UPDATE SET "venueId" = excluded."venueId", "customerId" = excluded."customerId",
             status = excluded.status, total = excluded.total, "completedAt" = excluded."completedAt""#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "3 2 40.00");
    assert_eq!(totals(&mut sql, "east", "ana"), "2 1 30.00");
}

#[test]
fn a_writable_cte_may_change_one_guest_twice() {
    let (_database, mut sql) = after(
        "cte",
        r#"WITH gone AS (DELETE FROM "Order" WHERE id = 'a3' RETURNING *),
                changed AS (UPDATE "Order" SET total = 11 WHERE id = 'a1' RETURNING *)
           INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt")
           SELECT "venueId", "customerId", status, total * 2, "completedAt" + interval '1 day' FROM gone"#,
    );
    assert_eq!(totals(&mut sql, "east", "ana"), "3 2 111.00");
}

#[test]
fn an_order_from_before_the_first_moves_the_first() {
    let (_database, mut sql) = after(
        "backdated",
        r#"INSERT INTO "Order" VALUES ('a0', 'east', 'ana', 'COMPLETED', 1, '2024-12-24 12:00 Asia/Tokyo');
           INSERT INTO "Order" VALUES ('a9', 'east', 'ana', 'COMPLETED', 1, '2025-03-01 14:00 Asia/Tokyo')"#,
    );
    assert_eq!(totals(&mut sql, "east", "ana"), "5 3 72.00");
}

#[test]
fn several_orders_of_one_transaction_count_each() {
    let (_database, mut sql) = after(
        "transaction",
        r#"BEGIN;
           UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'c1';
           INSERT INTO "Order" VALUES ('c2', 'west', 'cleo', 'COMPLETED', 1, '2025-03-04 13:00 America/Los_Angeles');
           INSERT INTO "Order" VALUES ('c3', 'west', 'cleo', 'COMPLETED', 1, '2025-03-05 13:00 America/Los_Angeles');
           DELETE FROM "Order" WHERE id = 'c2';
           COMMIT"#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "2 2 31.00");
}

#[test]
fn a_transaction_sees_its_own_sale_and_a_rollback_undoes_it() {
    let (_database, mut sql) = platform("rollback");
    sql.run(r#"BEGIN; UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'c1'"#);
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 30.00");
    sql.run("ROLLBACK");
    sql.expect_none("SELECT * FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) WHERE ref = 'cleo' AND total_orders > 0");
    expect_in_step(&mut sql);
}

#[test]
fn a_savepoint_rolled_back_leaves_the_rest() {
    let (_database, mut sql) = after(
        "savepoint",
        r#"BEGIN;
           INSERT INTO "Order" VALUES ('c2', 'west', 'cleo', 'COMPLETED', 1, '2025-03-04 13:00 America/Los_Angeles');
           SAVEPOINT s;
           UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'c1';
           UPDATE "Order" SET total = 500 WHERE id = 'c2';
           ROLLBACK TO s;
           INSERT INTO "Order" VALUES ('c3', 'west', 'cleo', 'COMPLETED', 2, '2025-03-04 14:00 America/Los_Angeles');
           COMMIT"#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "2 1 3.00");
}

#[test]
fn a_sale_of_zero_is_a_visit() {
    let (_database, mut sql) = after(
        "zero",
        r#"INSERT INTO "Order" VALUES ('c2', 'west', 'cleo', 'COMPLETED', 0, '2025-03-05 12:00 America/Los_Angeles')"#,
    );
    assert_eq!(totals(&mut sql, "west", "cleo"), "1 1 0.00");
}

#[test]
fn a_venue_added_later_counts_its_first_order() {
    let (_database, mut sql) = after(
        "venue_added",
        r#"INSERT INTO "Venue" (id, name, tz, currency) VALUES ('north', 'North', 'Europe/Oslo', 'NOK');
           INSERT INTO "Order" VALUES ('n1', 'north', 'ana', 'COMPLETED', 99, '2025-03-05 12:00 Europe/Oslo')"#,
    );
    assert_eq!(totals(&mut sql, "north", "ana"), "1 1 99.00");
    sql.expect_rows(
        "SELECT min_cohort, regular_visits, at_risk_days, lost_days, new_days, day_starts_at FROM crm.venue WHERE ref = 'north'",
        &["30|3|30|90|30|00:00:00"],
    );
}

#[test]
fn a_guest_added_or_renamed_on_the_platform_is_mirrored() {
    let (_database, mut sql) = after(
        "mirror",
        r#"INSERT INTO "Customer" (id, name, phone, email, "dateOfBirth") VALUES ('dora', 'Dora', '+33 1', 'dora@example.org', '1990-02-28');
           UPDATE "Customer" SET name = 'Dora Day' WHERE id = 'dora'"#,
    );
    sql.expect_rows(
        "SELECT name, email, birth_date FROM crm.customer WHERE ref = 'dora'",
        &["Dora Day|dora@example.org|1990-02-28"],
    );
}

/// One random statement of a busy and careless application.
fn random_change(random: &mut Sequence, number: u32) -> String {
    let order = random.below(120);
    let guest = match random.below(8) {
        0 => "NULL".to_owned(),
        n => format!("'g{n}'"),
    };
    let venue = ["east", "west"][random.below(2) as usize];
    let total = random.below(5000);
    // Few distinct hours on few days, so that days are shared, emptied and filled again.
    let time = format!("timestamptz '2025-03-01 00:00+00' + interval '{} hours'", random.below(40) * 7);
    let status = ["COMPLETED", "COMPLETED", "PENDING", "CANCELLED"][random.below(4) as usize];
    match random.below(10) {
        0..=2 => format!(
            r#"INSERT INTO "Order" VALUES ('o{order}', '{venue}', {guest}, '{status}', {total} / 100.0, {time})
               ON CONFLICT (id) DO UPDATE SET total = excluded.total, status = excluded.status, "completedAt" = excluded."completedAt""#
        ),
        3 => format!(r#"UPDATE "Order" SET status = '{status}' WHERE id = 'o{order}'"#),
        4 => format!(r#"UPDATE "Order" SET "customerId" = {guest} WHERE id = 'o{order}'"#),
        5 => format!(
            r#"UPDATE "Order" SET "venueId" = '{venue}', total = {total} / 100.0 WHERE id = 'o{order}'"#
        ),
        6 => format!(
            r#"UPDATE "Order" SET "completedAt" = {time} WHERE id IN ('o{order}', 'o{}')"#,
            (order + 1) % 120
        ),
        7 => format!(r#"DELETE FROM "Order" WHERE id = 'o{order}'"#),
        8 => format!(
            r#"UPDATE "Order" SET status = CASE WHEN hashtext(id || {number}) % 2 = 0 THEN 'COMPLETED' ELSE 'PENDING' END,
                      "customerId" = CASE WHEN hashtext(id || {number}) % 3 = 0 THEN {guest} ELSE "customerId" END
                WHERE hashtext(id || {number}) % 10 = 0"#
        ),
        _ => format!(
            r#"WITH gone AS (DELETE FROM "Order" WHERE id = 'o{order}' RETURNING *)
               INSERT INTO "Order" SELECT id || 'x{number}', '{venue}', {guest}, '{status}', total + 1, {time}, NULL FROM gone"#
        ),
    }
}

fn random_sequence(purpose: &str, seed: u64) {
    let (_database, mut sql) = platform(purpose);
    sql.run(r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(1, 7) i"#);
    let mut random = Sequence::from_seed(seed);
    for number in 1..=500 {
        let change = random_change(&mut random, number);
        match random.below(6) {
            0 => sql.run(&format!("BEGIN; {change}; ROLLBACK")),
            1 => sql.run(&format!("BEGIN; SAVEPOINT s; {change}; ROLLBACK TO s; {change}; COMMIT")),
            _ => sql.run(&change),
        }
        if number % 50 == 0 {
            oracle::expect_totals(&mut sql);
        }
    }
    expect_in_step(&mut sql);
    sql.run("SELECT crm.recompute_venue(ref, '2025-03-20 12:00+00') FROM crm.venue");
    oracle::expect_scores(&mut sql, "2025-03-20 12:00+00");
}

#[test]
fn five_hundred_random_changes_leave_the_statistics_right() {
    random_sequence("random_1", 20250301);
}

#[test]
fn five_hundred_other_random_changes_leave_the_statistics_right() {
    random_sequence("random_2", 19970101);
}
