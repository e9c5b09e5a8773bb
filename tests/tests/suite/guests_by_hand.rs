//! Guests a manager would recognise, each with the label the rules give and the arithmetic beside it.

use crm_tests::restaurant::{self, label_and_scores, totals};
use crm_tests::{Session, TestDatabase, oracle};

const AS_OF: &str = "2025-06-30 20:00 Europe/Paris";

/// 43 guests, 12 of them regulars, so that quintiles and the medians of regulars are in force. Days are days ago.
/// - 28 one-timers, 31 to 58 days, a bill of 20;
/// - 10 regulars of 4 visits, the last 11 to 20 days ago, bills of 25, so 100 each;
/// - weekly: 26 visits, the last 3 days ago, bills of 40; once: 20 days ago; lapsed: 100 and 107 days ago, bills of 20;
/// - evening: three orders of 15 within one evening, 20 days ago; monthly: 6 visits 30 days apart, the last 29 days ago, bills of 30.
const BISTRO: &str = "
    SELECT dine('passing' || i, 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => 30 + i), 20) FROM generate_series(1, 28) i;
    SELECT dine('habitue' || i, 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => 10 + i + 14 * k), 25)
      FROM generate_series(1, 10) i, generate_series(0, 3) k;
    SELECT dine('weekly', 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => 3 + 7 * k), 40) FROM generate_series(0, 25) k;
    SELECT dine('once', 'bistro', timestamp '2025-06-10 12:00', 20);
    SELECT dine('lapsed', 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => d), 20) FROM unnest(ARRAY[100, 107]) d;
    SELECT dine('evening', 'bistro', timestamp '2025-06-10 19:00' + make_interval(hours => h), 15) FROM generate_series(0, 2) h;
    SELECT dine('monthly', 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => 29 + 30 * k), 30) FROM generate_series(0, 5) k;
";

fn venue(purpose: &str, id: &str, history: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, id, "Europe/Paris");
    sql.run(history);
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

fn night(sql: &mut Session, as_of: &str) {
    sql.run(&format!("SELECT crm.recompute_venue(ref, '{as_of}') FROM crm.venue"));
    oracle::expect_scores(sql, as_of);
}

#[test]
fn guests_of_a_busy_venue_get_the_labels_a_manager_expects() {
    let (_database, mut sql) = venue("bistro", "bistro", BISTRO);
    night(&mut sql, AS_OF);
    // Share worse of 43. weekly: 42 in each → 5; 26 visits and 1,040 above the median regular's 4 and 100.
    assert_eq!(label_and_scores(&mut sql, "bistro", "weekly"), "CHAMPION 5 5 5");
    // habitue1, 11 days: worse in recency 28 + lapsed + monthly + once + evening + 9 habitués = 41 → 5; visits 28 + once + lapsed
    // + evening = 31 → 1 + floor(3.6) = 4; spend 31 → 4. But visits and spend are not above the median regular's.
    assert_eq!(label_and_scores(&mut sql, "bistro", "habitue1"), "LOYAL 5 4 4");
    // once, 20 days ago at the hour of habitue10: 28 + lapsed + monthly = 30 → 4; visits and spend equal the passing guests'.
    assert_eq!(label_and_scores(&mut sql, "bistro", "once"), "NEW 4 1 1");
    // lapsed: nobody came longer ago; two visits: 30 came once → 4; 40 spent: 29 with 20 → 1 + floor(3.37) = 4.
    assert_eq!(label_and_scores(&mut sql, "bistro", "lapsed"), "INACTIVE 1 4 4");
}

#[test]
fn three_orders_in_one_evening_are_one_visit() {
    let (_database, mut sql) = venue("evening", "bistro", BISTRO);
    night(&mut sql, AS_OF);
    assert_eq!(totals(&mut sql, "bistro", "evening"), "3 1 45.00");
    // 21:00 on that day is later than habitue10 and once at noon: 28 + 3 + 1 = 32 worse → 4. 45 spent: 30 worse → 4.
    assert_eq!(label_and_scores(&mut sql, "bistro", "evening"), "NEW 4 1 4");
}

#[test]
fn a_monthly_guest_is_at_risk_on_day_30_unless_the_venue_allows_longer() {
    let (_database, mut sql) = venue("monthly", "bistro", BISTRO);
    // Day 29: worse in recency 28 + lapsed = 29 → 4; visits 41, spend 41 → 5; 6 visits and 180 above the medians 4 and 100.
    night(&mut sql, AS_OF);
    assert_eq!(label_and_scores(&mut sql, "bistro", "monthly"), "CHAMPION 4 5 5");
    // A manager knows that this guest comes monthly; the default threshold does not.
    let next_day = "2025-07-01 20:00 Europe/Paris";
    night(&mut sql, next_day);
    assert_eq!(label_and_scores(&mut sql, "bistro", "monthly"), "AT_RISK 4 5 5");
    sql.run("UPDATE crm.venue SET at_risk_days = 45");
    night(&mut sql, next_day);
    assert_eq!(label_and_scores(&mut sql, "bistro", "monthly"), "CHAMPION 4 5 5");
}

#[test]
fn the_previous_label_is_kept_with_the_time_of_the_change() {
    let (_database, mut sql) = venue("previous", "bistro", BISTRO);
    night(&mut sql, AS_OF);
    night(&mut sql, "2025-07-01 20:00 Europe/Paris");
    let monthly = "SELECT label, previous_label, label_changed_at AT TIME ZONE 'Europe/Paris'
                     FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) WHERE ref = 'monthly'";
    sql.expect_rows(monthly, &["AT_RISK|CHAMPION|2025-07-01 20:00:00"]);
    night(&mut sql, "2025-07-02 20:00 Europe/Paris");
    sql.expect_rows(monthly, &["AT_RISK|CHAMPION|2025-07-01 20:00:00"]);
}

#[test]
fn the_regular_of_a_venue_with_twelve_guests_is_a_champion() {
    // 11 guests with a bill of 10, a regular with 8 visits of 20: the median of 19 bills is 10, 160 is at least 12 × 10.
    let (_database, mut sql) = venue(
        "twelve",
        "bar",
        "SELECT dine('g' || i, 'bar', timestamp '2025-06-25 20:00', 10) FROM generate_series(1, 11) i;
         SELECT dine('regular', 'bar', timestamp '2025-06-25 20:00' - make_interval(days => 7 * k), 20) FROM generate_series(0, 7) k",
    );
    night(&mut sql, AS_OF);
    assert_eq!(label_and_scores(&mut sql, "bar", "regular"), "CHAMPION 5 4 5");
    assert_eq!(label_and_scores(&mut sql, "bar", "g1"), "NEW 5 1 1");
}

#[test]
fn a_venue_open_for_a_month_has_new_guests_and_a_regular() {
    // 40 guests came once in 29 days, one of them twice, and one came four times, last of all.
    let (_database, mut sql) = venue(
        "opened",
        "opened",
        "SELECT dine('g' || i, 'opened', timestamp '2025-06-30 12:00' - make_interval(days => 1 + i % 29), 20) FROM generate_series(1, 40) i;
         SELECT dine('g29', 'opened', timestamp '2025-06-15 20:00', 20);
         SELECT dine('regular', 'opened', timestamp '2025-06-30 13:00' - make_interval(days => 7 * k), 20) FROM generate_series(0, 3) k",
    );
    night(&mut sql, AS_OF);
    // 41 guests, one regular: the medians of regulars need ten.
    assert_eq!(label_and_scores(&mut sql, "opened", "regular"), "CHAMPION 5 5 5");
    sql.expect_rows(
        "SELECT label, count(*) FROM crm.customer_venue_stats GROUP BY 1 ORDER BY 1",
        &["CHAMPION|1", "NEW|40"],
    );
}

/// Ten weekly visits with a bill of 20 until 9 February, then nothing.
const BEFORE_THE_CLOSURE: &str = "SELECT dine('regular', 'beach', timestamp '2025-02-09 20:00' - make_interval(days => 7 * k), 20) FROM generate_series(0, 9) k";

#[test]
fn four_closed_months_do_not_make_a_regular_lost() {
    let (_database, mut sql) = venue("closed", "beach", BEFORE_THE_CLOSURE);
    let as_of = "2025-06-20 20:00 Europe/Paris";
    // 131 calendar days; ten visits → 5; 200 is at least 6 but not 12 median bills → 4.
    night(&mut sql, as_of);
    assert_eq!(label_and_scores(&mut sql, "beach", "regular"), "LOST 1 5 4");
    // 10 February to 9 June are 19 + 31 + 30 + 31 + 9 = 120 days: d = 11.
    sql.run(
        "INSERT INTO crm.venue_closure (org_id, venue_id, from_day, to_day)
         SELECT org_id, venue_id, '2025-02-10', '2025-06-09' FROM crm.venue",
    );
    night(&mut sql, as_of);
    assert_eq!(label_and_scores(&mut sql, "beach", "regular"), "CHAMPION 4 5 4");
}

#[test]
fn a_closure_counts_its_first_and_its_last_day() {
    let (_database, mut sql) = venue("closure_edges", "beach", BEFORE_THE_CLOSURE);
    // 30 calendar days on 11 March; one closed day makes it 29.
    let as_of = "2025-03-11 20:00 Europe/Paris";
    night(&mut sql, as_of);
    assert_eq!(label_and_scores(&mut sql, "beach", "regular"), "AT_RISK 2 5 4");
    sql.run("INSERT INTO crm.venue_closure (org_id, venue_id, from_day, to_day) SELECT org_id, venue_id, '2025-02-20', '2025-02-20' FROM crm.venue");
    night(&mut sql, as_of);
    assert_eq!(label_and_scores(&mut sql, "beach", "regular"), "LOYAL 3 5 4");
    night(&mut sql, "2025-03-12 20:00 Europe/Paris");
    assert_eq!(label_and_scores(&mut sql, "beach", "regular"), "AT_RISK 2 5 4");
}
