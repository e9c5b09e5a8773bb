//! Business days where clocks change at or near their beginning, where a day is left out, and on 29 February.

use crm_tests::restaurant::{self, totals};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Time zone and the UTC day around which its clocks change.
const CHANGES: [(&str, &str); 15] = [
    ("America/Havana", "2024-03-10"),      // 00:00 to 01:00
    ("America/Havana", "2024-11-03"),      // 01:00 to 00:00
    ("Asia/Beirut", "2024-03-31"),         // 00:00 to 01:00
    ("Asia/Beirut", "2024-10-26"),         // 24:00 to 23:00
    ("Africa/Cairo", "2024-04-25"),        // 24:00 to 01:00
    ("Africa/Cairo", "2024-10-31"),        // 24:00 to 23:00
    ("America/Sao_Paulo", "2018-02-18"),   // 00:00 to 23:00
    ("America/St_Johns", "2010-11-07"),    // 00:01 to 23:01: the day begins twice
    ("America/St_Johns", "2010-03-14"),    // 00:01 to 01:01
    ("Pacific/Apia", "2011-12-30"),        // left out
    ("Pacific/Kwajalein", "1993-08-21"),   // left out
    ("Antarctica/Troll", "2024-10-27"),    // by two hours
    ("Australia/Lord_Howe", "2024-04-06"), // by half an hour
    ("Europe/Lisbon", "2024-02-29"),
    ("Asia/Kathmandu", "2024-02-29"), // 05:45 ahead
];

const STARTS: [&str; 3] = ["00:00", "04:00", "23:30"];

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    // No day is closed yet.
    sql.run("SET synchronous_commit = off; SET crm.as_of = '1990-01-01 00:00+00'");
    restaurant::create(&mut sql);
    for (n, (zone, _)) in CHANGES.iter().enumerate() {
        for start in 0..STARTS.len() {
            restaurant::add_venue(&mut sql, &format!("v{n}-{start}"), zone);
        }
    }
    restaurant::bind_venues_and_customers(&mut sql);
    for (n, start) in STARTS.iter().enumerate() {
        sql.run(&format!("UPDATE crm.venue SET day_starts_at = '{start}' WHERE ref LIKE '%-{n}'"));
    }
    restaurant::bind_orders_and_backfill(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

/// Orders of two guests, one at a time and several in one statement, within a day and a half of the change.
fn change(random: &mut Sequence, venue: &str, around: &str, number: u64) -> String {
    let mut time = || match random.below(3) {
        // Near midnight UTC and at full hours, where the boundaries are; and anywhere.
        0 => format!("timestamptz '{around} 00:00+00' + interval '{} minutes'", random.below(144) * 30),
        1 => format!(
            "timestamptz '{around} 00:00+00' - interval '{} minutes 30 seconds'",
            random.below(144) * 15
        ),
        _ => format!(
            "timestamptz '{around} 00:00+00' - interval '36 hours' + interval '{} minutes'",
            random.below(4320)
        ),
    };
    let (one, two, three) = (time(), time(), time());
    let row = |n: u32, guest: u64, at: &str| {
        format!("('{venue}/{number}-{n}', '{venue}', 'g{guest}', 'COMPLETED', {n}, {at})")
    };
    match random.below(7) {
        0 | 1 => format!(r#"INSERT INTO "Order" VALUES {}"#, row(1, random.below(2), &one)),
        2..=4 => {
            let (first, second) = (random.below(2), random.below(2));
            // The first is counted at once, the others at the end of the statement.
            format!(
                r#"INSERT INTO "Order" VALUES {}, {}, {}"#,
                row(1, first, &one),
                row(2, second, &two),
                row(3, second, &three)
            )
        }
        5 => format!(
            r#"UPDATE "Order" SET "completedAt" = {one} WHERE id = (SELECT id FROM "Order" WHERE "venueId" = '{venue}' ORDER BY hashtext(id || {number}) LIMIT 1)"#
        ),
        _ => format!(
            r#"DELETE FROM "Order" WHERE id IN (SELECT id FROM "Order" WHERE "venueId" = '{venue}' ORDER BY hashtext(id || {number}) LIMIT 1 + {number} % 2)"#
        ),
    }
}

#[test]
fn days_are_counted_right_wherever_clocks_change() {
    let (_database, mut sql) = platform("clock_changes");
    let mut random = Sequence::from_seed(20241103);
    for (n, (zone, around)) in CHANGES.iter().enumerate() {
        for (m, start) in STARTS.iter().enumerate() {
            let venue = format!("v{n}-{m}");
            let mut script = Vec::new();
            for number in 0..24 {
                script.push(change(&mut random, &venue, around, number));
                if number % 4 == 3 {
                    script.iter().for_each(|statement| sql.run(statement));
                    let differing =
                        sql.rows(&format!("SELECT * FROM oracle.differing_totals() WHERE venue = '{venue}'"));
                    assert!(
                        differing.is_empty(),
                        "{zone}, days from {start}: {differing:#?}\nafter\n{}",
                        script.join(";\n")
                    );
                    script.clear();
                }
            }
        }
    }
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    for as_of in ["2012-01-06 12:00+00", "2024-03-31 22:30+00", "2024-11-04 04:30+00", "2025-03-01 00:00+00"]
    {
        sql.run(&format!("SET crm.as_of = '{as_of}'"));
        sql.run("SELECT crm.recompute_venue(ref) FROM crm.venue");
        oracle::expect_scores(&mut sql, as_of);
        sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
        sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_venue_days(v.ref) d");
    }
}

#[test]
fn a_day_that_begins_twice_is_one_visit() {
    let (_database, mut sql) = platform("begins_twice");
    // In St John's, 7 November 2010 began at 02:30 UTC, and once more at 03:30 after an hour of the 6th.
    sql.run(
        r#"INSERT INTO "Order" VALUES ('a', 'v7-0', 'ana', 'COMPLETED', 1, '2010-11-07 02:30:30+00');
           INSERT INTO "Order" VALUES ('b', 'v7-0', 'ana', 'COMPLETED', 1, '2010-11-07 03:00:00+00')"#,
    );
    assert_eq!(totals(&mut sql, "v7-0", "ana"), "2 2 2.00");
    sql.run(
        r#"INSERT INTO "Order" VALUES ('c', 'v7-0', 'ben', 'COMPLETED', 1, '2010-11-07 16:00+00'), ('d', 'v7-0', 'ana', 'COMPLETED', 1, '2010-11-07 16:00+00')"#,
    );
    assert_eq!(totals(&mut sql, "v7-0", "ana"), "3 2 3.00");
}

#[test]
fn a_day_that_was_left_out_is_no_visit() {
    let (_database, mut sql) = platform("left_out");
    // Apia went from 29 December 2011, 24:00, to the 31st: three orders within two hours, on two days.
    sql.run(
        r#"INSERT INTO "Order" VALUES ('a', 'v9-0', 'ana', 'COMPLETED', 1, '2011-12-30 09:00+00');
           INSERT INTO "Order" VALUES ('b', 'v9-0', 'ana', 'COMPLETED', 1, '2011-12-30 09:59:59+00');
           INSERT INTO "Order" VALUES ('c', 'v9-0', 'ana', 'COMPLETED', 1, '2011-12-30 10:00+00')"#,
    );
    assert_eq!(totals(&mut sql, "v9-0", "ana"), "3 2 3.00");
}

#[test]
fn a_leap_day_is_a_day_and_ends_where_the_business_day_ends() {
    let (_database, mut sql) = platform("leap_day");
    // Lisbon, days from 04:00: 28, 29 February and 1 March, the last order still on the 1st.
    sql.run(
        r#"INSERT INTO "Order" VALUES
             ('a', 'v13-1', 'ana', 'COMPLETED', 1, '2024-02-29 03:59+00'), ('b', 'v13-1', 'ana', 'COMPLETED', 1, '2024-02-29 04:00+00'),
             ('c', 'v13-1', 'ana', 'COMPLETED', 1, '2024-03-01 03:59+00'), ('d', 'v13-1', 'ana', 'COMPLETED', 1, '2024-03-01 04:00+00'),
             ('e', 'v13-1', 'ana', 'COMPLETED', 1, '2024-03-02 03:59+00')"#,
    );
    assert_eq!(totals(&mut sql, "v13-1", "ana"), "5 3 5.00");
}
