//! Every kind of error in the stored totals, scores and labels is found, and mended where it is and nowhere else.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Forty guests of one venue with one to eight visits each, scored by quintiles as of 30 June.
fn bistro(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-28 20:00' - make_interval(days => k * 3 + i), 10 + i)
           FROM generate_series(1, 40) i, generate_series(1, 1 + i % 8) k",
    );
    sql.run(r#"INSERT INTO "Customer" (id) VALUES ('stranger')"#);
    sql.run("SET crm.as_of = '2025-06-30 12:00+00'");
    restaurant::bind(&mut sql);
    (database, sql)
}

/// Writes past the table's own trigger, which would fill in what is right.
fn plant(sql: &mut Session, statement: &str) {
    sql.run(&format!(
        "BEGIN; ALTER TABLE crm.customer_venue_stats DISABLE TRIGGER score_guest; {statement};
         ALTER TABLE crm.customer_venue_stats ENABLE ALWAYS TRIGGER score_guest; COMMIT"
    ));
}

const VERSIONS: &str = "SELECT c.ref || ' ' || t.xmin || t.ctid FROM crm.customer_venue_stats t JOIN crm.customer c USING (org_id, customer_id) ORDER BY 1";
const FOUND: &str = "SELECT customer_ref FROM crm.verify_stats('bistro') ORDER BY 1";

#[track_caller]
fn expect_found_and_mended(sql: &mut Session, planted: &[&str], what: &str) {
    let expected: Vec<String> = planted.iter().map(|guest| (*guest).to_owned()).collect();
    assert_eq!(sql.rows(FOUND), expected, "{what}");
    let before = sql.rows(VERSIONS);
    sql.expect_rows("SELECT crm.repair_stats('bistro')", &[&planted.len().to_string()]);
    let after = sql.rows(VERSIONS);
    let written: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(written.len(), planted.len(), "{what}: {written:?}");
    for guest in planted {
        assert!(written.iter().any(|row| row.starts_with(&format!("{guest} "))), "{what}: {written:?}");
    }
    sql.expect_none(FOUND);
}

/// One error a column of one guest.
fn errors() -> Vec<&'static str> {
    vec![
        "total_orders = total_orders + 1",
        "total_visits = total_visits - 1",
        "total_spent = total_spent + 0.01",
        "highest_order = NULL",
        "highest_order = highest_order + 1",
        "first_order_at = first_order_at - interval '1 microsecond'",
        "last_order_at = last_order_at + interval '1 microsecond'",
        "recency_score = recency_score % 5 + 1",
        "recency_score = NULL",
        "frequency_score = frequency_score % 5 + 1",
        "monetary_score = monetary_score % 5 + 1",
        "label = CASE label WHEN 'LOST' THEN 'CHAMPION' ELSE 'LOST' END",
        "label = 'VIP'",
        "next_label_at = next_label_at + interval '1 day'",
        "next_label_at = '2020-01-01'",
        "next_label_at = NULL",
    ]
}

#[test]
fn each_wrong_column_is_found_and_mended_alone() {
    let (_database, mut sql) = bistro("columns");
    sql.expect_none(FOUND);
    for error in errors() {
        plant(
            &mut sql,
            &format!("UPDATE crm.customer_venue_stats SET {error} WHERE customer_id = crm.key('g7')"),
        );
        expect_found_and_mended(&mut sql, &["g7"], error);
    }
}

#[test]
fn a_missing_row_and_a_surplus_row_are_found_and_mended() {
    let (_database, mut sql) = bistro("rows");
    sql.run("DELETE FROM crm.customer_venue_stats WHERE customer_id = crm.key('g7')");
    expect_found_and_mended(&mut sql, &["g7"], "a missing row");
    plant(
        &mut sql,
        "INSERT INTO crm.customer_venue_stats
         SELECT (jsonb_populate_record(t, jsonb_build_object('customer_id', crm.key('stranger')))).*
           FROM crm.customer_venue_stats t WHERE customer_id = crm.key('g7')",
    );
    expect_found_and_mended(&mut sql, &["stranger"], "a surplus row");
}

#[test]
fn many_errors_at_once_are_all_found() {
    let (_database, mut sql) = bistro("many");
    let mut guests = Vec::new();
    for (n, error) in errors().into_iter().enumerate() {
        let guest = format!("g{}", n + 10);
        plant(
            &mut sql,
            &format!("UPDATE crm.customer_venue_stats SET {error} WHERE customer_id = crm.key('{guest}')"),
        );
        guests.push(guest);
    }
    expect_found_and_mended(&mut sql, &guests.iter().map(String::as_str).collect::<Vec<_>>(), "all at once");
}

#[test]
fn a_due_row_is_right_as_of_just_before_and_wrong_otherwise() {
    let (_database, mut sql) = bistro("due");
    sql.run("SET crm.as_of = '2025-07-20 12:00+00'");
    assert!(sql.number("SELECT count(*) FROM crm.customer_venue_stats WHERE next_label_at <= crm.now()") > 5);
    sql.expect_none(FOUND);
    let guest = sql.value(
        "SELECT c.ref FROM crm.customer_venue_stats t JOIN crm.customer c USING (org_id, customer_id)
          WHERE t.next_label_at <= crm.now() AND t.label <> 'LOYAL' ORDER BY 1 LIMIT 1",
    );
    plant(
        &mut sql,
        &format!(
            "UPDATE crm.customer_venue_stats SET label = 'LOYAL' WHERE customer_id = crm.key('{guest}')"
        ),
    );
    sql.expect_rows(FOUND, &[&guest]);
}
