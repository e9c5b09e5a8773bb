//! Why a guest has a label, and where labels moved.

use crm_tests::{Session, TestDatabase, restaurant};

const AS_OF: &str = "2025-06-30 12:00 Europe/Paris";

/// Ten guests of the bistro as of 30 June 2025. `ana` came on 1, 8, 15 and 22 May (gaps of 7 days) for 25.50 each and not since;
/// `g1` to `g9` came once each, on 1 to 9 June, for 10, 20, … 90.
fn bistro(purpose: &str, min_cohort: u32) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('ana', 'bistro', timestamp '2025-05-01 20:00' + make_interval(days => 7 * k), 25.50) FROM generate_series(0, 3) k;
         SELECT dine('g' || i, 'bistro', timestamp '2025-05-31 20:00' + make_interval(days => i), 10 * i) FROM generate_series(1, 9) i",
    );
    sql.run(&format!("SET crm.as_of = '{AS_OF}'"));
    restaurant::bind_venues_and_customers(&mut sql);
    sql.run(&format!("UPDATE crm.venue SET min_cohort = {min_cohort}"));
    restaurant::bind_orders_and_backfill(&mut sql);
    (database, sql)
}

fn explained(sql: &mut Session, path: &str) -> String {
    sql.value(&format!("SELECT crm.explain_rfm('ana', 'bistro') #>> '{{{path}}}'"))
}

#[test]
fn an_explanation_names_the_rule_the_values_and_the_share_worse() {
    let (_database, mut sql) = bistro("explained", 10);
    assert_eq!(explained(&mut sql, "label"), "AT_RISK");
    assert_eq!(
        explained(&mut sql, "because"),
        "regular with 4 visits, last order 39 days ago (AT_RISK from 30)"
    );
    assert_eq!(explained(&mut sql, "method"), "quintile");
    assert_eq!(explained(&mut sql, "cohort"), "10");
    // Nobody ordered longer ago, all nine came less often, and all spent less than 102.00.
    assert_eq!(explained(&mut sql, "recency,share_worse"), "0.0000");
    assert_eq!(explained(&mut sql, "frequency,share_worse"), "0.9000");
    assert_eq!(explained(&mut sql, "monetary,share_worse"), "0.9000");
    assert_eq!(explained(&mut sql, "recency,score"), "1");
    assert_eq!(explained(&mut sql, "frequency,score"), "5");
    assert_eq!(explained(&mut sql, "monetary,score"), "5");
    assert_eq!(explained(&mut sql, "monetary,spent"), "102.00");
    // The 2nd, 4th, 6th and 8th smallest of 10, 20, … 90, 102.
    assert_eq!(explained(&mut sql, "monetary,cut_points"), r#"["20.00", "40.00", "60.00", "80.00"]"#);
    assert_eq!(explained(&mut sql, "usual_gap_days"), "7");
    // 22 May and 90 days.
    assert_eq!(explained(&mut sql, "next_change_on"), "2025-08-20");
}

#[test]
fn fixed_thresholds_are_explained_without_cut_points() {
    let (_database, mut sql) = bistro("fixed", 11);
    assert_eq!(explained(&mut sql, "method"), "fixed");
    assert_eq!(explained(&mut sql, "monetary,cut_points"), "null");
    // Thirteen bills: four of 25.50 among 10, 20, … 90; the seventh smallest is 30.
    assert_eq!(explained(&mut sql, "monetary,median_bill"), "30.00");
    // 102.00 is at least three bills of 30, not six.
    assert_eq!(explained(&mut sql, "monetary,score"), "3");
}

#[test]
fn what_is_unknown_is_refused() {
    let (_database, mut sql) = bistro("unknown", 10);
    sql.expect_refusal("SELECT crm.explain_rfm('nobody', 'bistro')", &["CR404"], "nobody");
    sql.expect_refusal("SELECT crm.explain_rfm('ana', 'nowhere')", &["CR404"], "nowhere");
}

#[test]
fn every_change_of_a_label_is_recorded_with_where_it_came_from() {
    let (_database, mut sql) = bistro("ledger", 11);
    sql.expect_none("SELECT * FROM crm.label_change");
    // ana comes back: AT_RISK, two scores of 3 make LOYAL.
    sql.run("SELECT dine('ana', 'bistro', '2025-06-30 11:00', 5)");
    // Nine first visits grow older than 30 days, and ana's last older than 30, by 31 July.
    sql.run("CALL crm.run_night('2025-07-31 12:00 Europe/Paris')");
    sql.expect_rows(
        "SELECT from_label, to_label, count(*) FROM crm.label_change GROUP BY 1, 2 ORDER BY 1, 2",
        &["AT_RISK|LOYAL|1", "LOYAL|AT_RISK|1", "NEW|POTENTIAL|9"],
    );
    sql.expect_rows(
        "SELECT c.ref, l.from_label, l.changed_at AT TIME ZONE 'UTC' FROM crm.label_change l JOIN crm.customer c USING (org_id, customer_id)
          WHERE l.to_label = 'AT_RISK'",
        &["ana|LOYAL|2025-07-31 10:00:00"],
    );
    // The same night again changes nothing.
    sql.run("CALL crm.run_night('2025-07-31 12:00 Europe/Paris')");
    assert_eq!(sql.number("SELECT count(*) FROM crm.label_change"), 11);
}

#[test]
fn a_sale_rolled_back_leaves_no_change_of_label() {
    let (_database, mut sql) = bistro("rolled_back", 10);
    sql.run("BEGIN; SELECT dine('ana', 'bistro', '2025-06-30 11:00', 5)");
    assert_eq!(sql.number("SELECT count(*) FROM crm.label_change"), 1);
    sql.run("ROLLBACK");
    sql.expect_none("SELECT * FROM crm.label_change");
}

#[test]
fn upcoming_labels_name_who_is_about_to_change_and_when() {
    let (_database, mut sql) = bistro("upcoming", 10);
    // g1 to g9 came first on 1 to 9 June: POTENTIAL from 1 to 9 July; ana is LOST from 20 August, 51 days ahead.
    sql.expect_rows(
        "SELECT ref, label, next_label, changes_on, days_since_last_order, usual_gap_days, overdue FROM crm.upcoming_labels('bistro', 2)",
        &["g1|NEW|POTENTIAL|2025-07-01|29|null|null", "g2|NEW|POTENTIAL|2025-07-02|28|null|null"],
    );
    // 39 days since the last order are 5.57 of the usual 7.
    sql.expect_rows(
        "SELECT ref, next_label, changes_on, usual_gap_days, overdue FROM crm.upcoming_labels('bistro', 51) WHERE label = 'AT_RISK'",
        &["ana|LOST|2025-08-20|7.0|5.57"],
    );
    sql.expect_none("SELECT * FROM crm.upcoming_labels('bistro', 50) WHERE label = 'AT_RISK'");
    sql.expect_refusal("SELECT crm.upcoming_labels('bistro', 0)", &["22023"], "days");
}

#[test]
fn lifetime_totals_are_kept_apart_by_currency() {
    let (_database, mut sql) = bistro("lifetime", 10);
    sql.run(
        r#"INSERT INTO public."Venue" (id, name, tz, currency) VALUES ('bar', 'Bar', 'Europe/Paris', 'EUR'), ('grill', 'Grill', 'America/New_York', 'USD');
           SELECT dine('ana', 'bar', '2025-06-20 20:00', 30); SELECT dine('ana', 'grill', '2025-06-21 20:00', 80.20)"#,
    );
    sql.expect_rows(
        "SELECT currency, venues, total_orders, total_visits, total_spent, highest_order FROM crm.lifetime('ana')",
        &["EUR|2|5|5|132.00|30.00", "USD|1|1|1|80.20|80.20"],
    );
    sql.expect_refusal("SELECT * FROM crm.lifetime('nobody')", &["CR404"], "nobody");
}
