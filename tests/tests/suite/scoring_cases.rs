//! Scores and labels computed by hand from the rules, and the oracle checked against the same cases.

use crm_tests::restaurant::{self, label_and_scores, totals};
use crm_tests::{Session, TestDatabase, oracle};

/// A Monday evening in summer time.
const AS_OF: &str = "2025-06-30 20:00 Europe/Paris";

/// A bound platform with one venue in Paris, whose guests have dined as `history` says.
fn bistro(purpose: &str, history: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(history);
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    (database, sql)
}

fn night(sql: &mut Session, venue: &str, as_of: &str) {
    sql.run(&format!("SELECT crm.recompute_venue('{venue}', '{as_of}')"));
    sql.expect_none(&format!("SELECT * FROM oracle.differences('{venue}', '{as_of}')"));
}

#[test]
fn sixty_equal_guests_of_a_hundred_all_score_one() {
    // NTILE would give the 60 scores 1, 2 and 3, CUME_DIST 3.
    // 20 guests with two visits: 60 of 100 strictly worse, 1 + floor(5 × 0.6) = 4. With three: 80 worse, 5.
    let (_database, mut sql) = bistro(
        "ties",
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-01 20:00' - make_interval(days => k), 10)
           FROM generate_series(1, 100) i,
                generate_series(1, CASE WHEN i <= 60 THEN 1 WHEN i <= 80 THEN 2 ELSE 3 END) k",
    );
    night(&mut sql, "bistro", AS_OF);
    sql.expect_rows(
        "SELECT total_visits, frequency_score, monetary_score, count(*) FROM crm.customer_venue_stats GROUP BY 1, 2, 3 ORDER BY 1",
        &["1|1|1|60", "2|4|4|20", "3|5|5|20"],
    );
}

/// Guest i came once, i days ago, for the same bill as everyone.
fn one_a_day(guests: u32) -> String {
    format!(
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-30 12:00' - make_interval(days => i), 10)
           FROM generate_series(1, {guests}) i"
    )
}

const GUESTS_BY_SCORES: &str = "SELECT recency_score, frequency_score, monetary_score, count(*)
     FROM crm.customer_venue_stats GROUP BY 1, 2, 3 ORDER BY 1 DESC";

#[test]
fn a_cohort_of_29_is_scored_by_fixed_thresholds() {
    // 1..7 days → 5, 8..14 → 4, 15..29 → 3; one visit → 1; spend of one median bill → 1.
    let (_database, mut sql) = bistro("cohort_29", &one_a_day(29));
    night(&mut sql, "bistro", AS_OF);
    sql.expect_rows(GUESTS_BY_SCORES, &["5|1|1|7", "4|1|1|7", "3|1|1|15"]);
    sql.expect_rows("SELECT method, cohort_size FROM crm.venue_scoring", &["fixed|29"]);
}

#[test]
fn a_cohort_of_30_is_scored_by_quintiles() {
    let (_database, mut sql) = bistro("cohort_30", &one_a_day(30));
    night(&mut sql, "bistro", AS_OF);
    sql.expect_rows(GUESTS_BY_SCORES, &["5|1|1|6", "4|1|1|6", "3|1|1|6", "2|1|1|6", "1|1|1|6"]);
    sql.expect_rows("SELECT method, cohort_size FROM crm.venue_scoring", &["quintile|30"]);
}

#[test]
fn the_venue_decides_how_large_a_cohort_must_be() {
    let (_database, mut sql) = bistro("min_cohort", &one_a_day(29));
    sql.run("UPDATE crm.venue SET min_cohort = 29");
    night(&mut sql, "bistro", AS_OF);
    // 5w/29 for w = 0..28 worse: w 0–5 → 1, 6–11 → 2, 12–17 → 3, 18–23 → 4, 24–28 → 5.
    sql.expect_rows(GUESTS_BY_SCORES, &["5|1|1|5", "4|1|1|6", "3|1|1|6", "2|1|1|6", "1|1|1|6"]);
}

#[test]
fn labels_turn_on_day_30_and_day_90() {
    let (_database, mut sql) = bistro(
        "days",
        "SELECT dine(kind || d, 'bistro', timestamp '2025-06-30 23:30' - make_interval(days => d + k), 10)
           FROM (VALUES ('regular', 3), ('casual', 1)) g (kind, visits),
                unnest(ARRAY[29, 30, 89, 90]) d, generate_series(0, visits - 1) k",
    );
    night(&mut sql, "bistro", AS_OF);
    // Fixed thresholds; the median bill is 10, so three visits spend 3 × the median: F 3, M 3.
    for (guest, expected) in [
        ("regular29", "LOYAL 3 3 3"),
        ("regular30", "AT_RISK 2 3 3"),
        ("regular89", "AT_RISK 2 3 3"),
        ("regular90", "LOST 1 3 3"),
        ("casual29", "NEW 3 1 1"),
        ("casual30", "POTENTIAL 2 1 1"),
        ("casual89", "POTENTIAL 2 1 1"),
        ("casual90", "INACTIVE 1 1 1"),
    ] {
        assert_eq!(label_and_scores(&mut sql, "bistro", guest), expected, "{guest}");
    }
}

#[test]
fn the_next_change_of_a_label_is_known_to_the_minute() {
    let (_database, mut sql) = bistro(
        "next_label",
        "SELECT dine('regular', 'bistro', timestamp '2025-06-10 20:00' - make_interval(days => k), 10) FROM generate_series(0, 2) k;
         SELECT dine('newcomer', 'bistro', timestamp '2025-06-28 20:00', 10);
         SELECT dine('gone', 'bistro', timestamp '2025-03-01 20:00' - make_interval(days => k), 10) FROM generate_series(0, 2) k",
    );
    night(&mut sql, "bistro", AS_OF);
    // Local midnights. regular: d = 20 now, AT_RISK (and recency 3 → 2) on day 30, 10 July. newcomer: d = 2,
    // recency 5 → 4 on day 8, 6 July, before NEW ends. gone: LOST with recency 1, nothing further happens.
    sql.expect_rows(
        "SELECT c.ref, s.next_label_at AT TIME ZONE 'Europe/Paris'
           FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) ORDER BY 1",
        &["gone|null", "newcomer|2025-07-06 00:00:00", "regular|2025-07-10 00:00:00"],
    );
}

#[test]
fn spend_is_scored_in_median_bills_of_a_small_venue() {
    // Six bills of 100 among eleven: the sixth smallest, 100, is the median.
    let (_database, mut sql) = bistro(
        "median_bill",
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-29 20:00', 100) FROM generate_series(1, 6) i;
         SELECT dine(total::text, 'bistro', timestamp '2025-06-29 20:00', total)
           FROM unnest(ARRAY[1200, 1199.99, 600, 300, 150]) total",
    );
    night(&mut sql, "bistro", AS_OF);
    sql.expect_rows(
        "SELECT total_spent, monetary_score FROM crm.customer_venue_stats GROUP BY 1, 2 ORDER BY 1",
        &["100.00|1", "150.00|2", "300.00|3", "600.00|4", "1199.99|4", "1200.00|5"],
    );
}

#[test]
fn before_a_median_bill_exists_money_is_scored_as_frequency() {
    // The orders come after binding and before any night: a new venue starts with the fixed thresholds.
    let (_database, mut sql) = bistro("no_median", "SELECT 1");
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    sql.run(
        "SELECT dine('ana', 'bistro', timestamp '2025-06-28 20:00' - make_interval(days => k), 500) FROM generate_series(1, 6) k",
    );
    // Six visits → 4; last order 3 days ago → 5. Regular with all three at least 4.
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "CHAMPION 5 4 4");
}

#[test]
fn a_local_day_ends_at_the_venues_midnight_east_of_utc() {
    let database = TestDatabase::new("auckland");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "auckland", "Pacific/Auckland");
    // Winter time is UTC+12. "split": 23:59 and 00:01 local, one UTC day. "joined": 11:00 and 13:00 local, two UTC days.
    sql.run(
        "INSERT INTO public.\"Order\" (\"venueId\", \"customerId\", status, total, \"completedAt\") VALUES
           ('auckland', 'split',  'COMPLETED', 10, '2025-06-01 11:59+00'), ('auckland', 'split',  'COMPLETED', 10, '2025-06-01 12:01+00'),
           ('auckland', 'joined', 'COMPLETED', 10, '2025-06-01 23:00+00'), ('auckland', 'joined', 'COMPLETED', 10, '2025-06-02 01:00+00');
         INSERT INTO public.\"Customer\" (id) VALUES ('split'), ('joined')",
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    assert_eq!(totals(&mut sql, "auckland", "split"), "2 2 20.00");
    assert_eq!(totals(&mut sql, "auckland", "joined"), "2 1 20.00");
    // Both were last there on 2 June local: 29 days at 23:30 local on 1 July, 30 days at 00:30 on 2 July, one UTC day.
    night(&mut sql, "auckland", "2025-07-01 11:30+00");
    assert_eq!(label_and_scores(&mut sql, "auckland", "joined"), "NEW 3 1 2");
    night(&mut sql, "auckland", "2025-07-01 12:30+00");
    assert_eq!(label_and_scores(&mut sql, "auckland", "joined"), "POTENTIAL 2 1 2");
}

#[test]
fn a_local_day_ends_at_the_venues_midnight_west_of_utc() {
    let database = TestDatabase::new("los_angeles");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "la", "America/Los_Angeles");
    // Summer time is UTC−7. "split": 23:59 and 00:01 local. "joined": 16:30 and 17:30 local, two UTC days.
    // "spring": the day before clocks went forward on 9 March.
    sql.run(
        "INSERT INTO public.\"Order\" (\"venueId\", \"customerId\", status, total, \"completedAt\") VALUES
           ('la', 'split',  'COMPLETED', 10, '2025-06-02 06:59+00'), ('la', 'split',  'COMPLETED', 10, '2025-06-02 07:01+00'),
           ('la', 'joined', 'COMPLETED', 10, '2025-06-01 23:30+00'), ('la', 'joined', 'COMPLETED', 10, '2025-06-02 00:30+00'),
           ('la', 'spring', 'COMPLETED', 10, '2025-03-08 23:00 America/Los_Angeles');
         INSERT INTO public.\"Customer\" (id) VALUES ('split'), ('joined'), ('spring')",
    );
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    assert_eq!(totals(&mut sql, "la", "split"), "2 2 20.00");
    assert_eq!(totals(&mut sql, "la", "joined"), "2 1 20.00");
    // A day of 23 hours is a day: 30 days from 8 March to 7 April, even half an hour into it.
    night(&mut sql, "la", "2025-04-06 23:30 America/Los_Angeles");
    assert_eq!(label_and_scores(&mut sql, "la", "spring"), "NEW 3 1 1");
    night(&mut sql, "la", "2025-04-07 00:30 America/Los_Angeles");
    assert_eq!(label_and_scores(&mut sql, "la", "spring"), "POTENTIAL 2 1 1");
}

const NIGHT_OWLS: &str = "SELECT dine('late', 'bistro', t, 10) FROM unnest(ARRAY[timestamp '2025-06-01 23:30', '2025-06-02 01:30']) t;
     SELECT dine('early', 'bistro', t, 10) FROM unnest(ARRAY[timestamp '2025-06-02 03:59', '2025-06-02 04:00']) t";

#[test]
fn a_day_may_start_at_four_in_the_morning() {
    let database = TestDatabase::new("day_starts_at");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(NIGHT_OWLS);
    restaurant::bind_venues_and_customers(&mut sql);
    sql.run("UPDATE crm.venue SET day_starts_at = '04:00'");
    restaurant::bind_orders_and_backfill(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    assert_eq!(totals(&mut sql, "bistro", "late"), "2 1 20.00");
    assert_eq!(totals(&mut sql, "bistro", "early"), "2 2 20.00");
    // 03:00 on 2 July is still 1 July: 30 days after the business day of 1 June, on which both came first, 29 after that of 2 June.
    night(&mut sql, "bistro", "2025-07-02 03:00 Europe/Paris");
    assert_eq!(label_and_scores(&mut sql, "bistro", "late"), "POTENTIAL 2 1 2");
    assert_eq!(label_and_scores(&mut sql, "bistro", "early"), "POTENTIAL 3 2 2");
}

#[test]
fn a_changed_start_of_day_applies_to_the_history_after_a_night() {
    let (_database, mut sql) = bistro("day_start_changed", NIGHT_OWLS);
    assert_eq!(totals(&mut sql, "bistro", "late"), "2 2 20.00");
    assert_eq!(totals(&mut sql, "bistro", "early"), "2 1 20.00");
    sql.run("UPDATE crm.venue SET day_starts_at = '04:00'");
    sql.run("CALL crm.run_night()");
    oracle::expect_totals(&mut sql);
    assert_eq!(totals(&mut sql, "bistro", "late"), "2 1 20.00");
    assert_eq!(totals(&mut sql, "bistro", "early"), "2 2 20.00");
}

#[test]
fn an_order_from_the_future_is_not_younger_than_today() {
    let (_database, mut sql) =
        bistro("future", "SELECT dine('ana', 'bistro', timestamp '2025-07-05 20:00', 10)");
    night(&mut sql, "bistro", AS_OF);
    assert_eq!(label_and_scores(&mut sql, "bistro", "ana"), "NEW 5 1 1");
}

#[test]
fn a_guest_whose_orders_are_all_gone_keeps_an_empty_row() {
    let (_database, mut sql) = bistro("emptied", &one_a_day(2));
    sql.run("UPDATE public.\"Order\" SET status = 'CANCELLED' WHERE \"customerId\" = 'g1'");
    night(&mut sql, "bistro", AS_OF);
    sql.expect_rows(
        "SELECT total_orders, total_visits, total_spent, first_order_at, last_order_at,
                recency_score, frequency_score, monetary_score, label
           FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) WHERE ref = 'g1'",
        &["0|0|0.00|null|null|null|null|null|INACTIVE"],
    );
    sql.expect_rows("SELECT cohort_size FROM crm.venue_scoring", &["1"]);
}
