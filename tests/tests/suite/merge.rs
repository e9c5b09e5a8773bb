//! Two guests who are one person: their orders count for the survivor, whoever they arrive under.

use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase};

/// Ana with two orders on 1 and 2 March, her second account ana2 with one on 2 March and one at the bar, ben with one.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name) VALUES ('ana', 'Ana'), ('ana2', 'Ana B.'), ('ben', 'Ben');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('1', 'bistro', 'ana',  'COMPLETED', 10, '2025-03-01 19:00 Europe/Paris'),
             ('2', 'bistro', 'ana',  'COMPLETED', 20, '2025-03-02 12:00 Europe/Paris'),
             ('3', 'bistro', 'ana2', 'COMPLETED', 40, '2025-03-02 20:00 Europe/Paris'),
             ('4', 'bar',    'ana2', 'COMPLETED', 5,  '2025-03-03 22:00 Europe/Paris'),
             ('5', 'bistro', 'ben',  'COMPLETED', 7,  '2025-03-03 12:00 Europe/Paris')"#,
    );
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    restaurant::bind(&mut sql);
    (database, sql)
}

#[track_caller]
fn expect(sql: &mut Session, ana: &str, ana2: &str, at_the_bar: &str) {
    let bar = "SELECT coalesce(max(concat_ws(' ', total_orders, total_visits, total_spent)), '')
                 FROM crm.customer_venue_stats WHERE venue_id = crm.key('bar') AND customer_id = crm.key('ana')";
    assert_eq!(totals(sql, "bistro", "ana"), ana, "ana at the bistro");
    assert_eq!(totals(sql, "bistro", "ana2"), ana2, "ana2 at the bistro");
    assert_eq!(sql.value(bar), at_the_bar, "ana at the bar");
    assert_eq!(totals(sql, "bistro", "ben"), "1 1 7.00", "ben");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn orders_of_both_count_for_the_one_kept_and_come_back() {
    let (_database, mut sql) = platform("both");
    expect(&mut sql, "2 2 30.00", "1 1 40.00", "");
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'same phone')");
    // Three orders on two days: the second of March was one visit of one person.
    expect(&mut sql, "3 2 70.00", "0 0 0.00", "1 1 5.00");
    sql.expect_rows(
        "SELECT customer_id = crm.key('ana'), count(*), sum(total) FROM crm.orders GROUP BY 1 ORDER BY 1",
        &["f|1|7.00", "t|4|75.00"],
    );
    sql.run("SELECT crm.unmerge_customer('ana2')");
    expect(&mut sql, "2 2 30.00", "1 1 40.00", "0 0 0.00");
}

#[test]
fn later_orders_under_the_merged_id_count_for_the_survivor() {
    let (_database, mut sql) = platform("later");
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'same phone')");
    let order = |id: &str, guest: &str, total: u32| {
        format!(
            r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt")
               VALUES ('{id}', 'bistro', '{guest}', 'COMPLETED', {total}, '2025-03-05 12:00 Europe/Paris')"#
        )
    };
    sql.run(&order("6", "ana2", 100));
    expect(&mut sql, "4 3 170.00", "0 0 0.00", "1 1 5.00");
    sql.run(&order("7", "ana", 1));
    expect(&mut sql, "5 3 171.00", "0 0 0.00", "1 1 5.00");
    sql.run(r#"UPDATE "Order" SET status = 'VOID' WHERE id = '6'"#);
    expect(&mut sql, "4 3 71.00", "0 0 0.00", "1 1 5.00");
    sql.run(r#"UPDATE "Order" SET status = 'COMPLETED' WHERE id = '6'"#);
    sql.run("CALL crm.run_night()");
    expect(&mut sql, "5 3 171.00", "0 0 0.00", "1 1 5.00");
}

#[test]
fn a_chain_ends_at_one_survivor_and_opens_link_by_link() {
    let (_database, mut sql) = platform("chain");
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'same phone'); SELECT crm.merge_customers('ben', 'ana', 'married')");
    assert_eq!(totals(&mut sql, "bistro", "ben"), "4 3 77.00");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.run("SELECT crm.unmerge_customer('ana')");
    expect(&mut sql, "3 2 70.00", "0 0 0.00", "1 1 5.00");
    sql.run("SELECT crm.unmerge_customer('ana2')");
    expect(&mut sql, "2 2 30.00", "1 1 40.00", "0 0 0.00");
}

#[test]
fn a_backfill_after_a_merge_counts_for_the_survivor() {
    let (_database, mut sql) = platform("backfill");
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'same phone')");
    sql.run("SELECT crm.unbind('order')");
    restaurant::bind_orders_and_backfill(&mut sql);
    expect(&mut sql, "3 2 70.00", "0 0 0.00", "1 1 5.00");
}

#[test]
fn a_day_of_both_is_the_visit_of_one_returning_guest_at_a_glance() {
    let (_database, mut sql) = platform("overview");
    // Ana's first day was the first of March; on the second she came twice, under both ids.
    sql.run("SET crm.as_of = '2025-03-02 22:00+00'");
    let today = "SELECT t ->> 'orders', t ->> 'visits', t ->> 'new_guests' FROM (SELECT crm.overview('bistro') #> '{sales,today}' AS t) AS glance";
    sql.expect_rows(today, &["2|2|1"]);
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'same phone')");
    sql.expect_rows(today, &["2|1|0"]);
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let (_database, mut sql) = platform("refused");
    for (call, code, column) in [
        ("crm.merge_customers('ana', 'ana', 'x')", "22023", Some("dropped")),
        ("crm.merge_customers('ana', 'ana2', ' ')", "22023", Some("reason")),
        ("crm.merge_customers('ana', 'ana2', NULL)", "22023", Some("reason")),
        ("crm.merge_customers('ana', 'nobody', 'x')", "CR404", Some("dropped")),
        ("crm.merge_customers('nobody', 'ana', 'x')", "CR404", Some("keep")),
        ("crm.merge_customers(NULL, 'ana', 'x')", "CR404", Some("keep")),
        ("crm.unmerge_customer('ana')", "CR409", Some("customer")),
    ] {
        let refusal = sql.attempt(&format!("SELECT {call}")).expect_err(call);
        assert_eq!((refusal.code.as_str(), refusal.column.as_deref()), (code, column), "{call}");
    }
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'x')");
    assert_eq!(
        sql.attempt("SELECT crm.merge_customers('ben', 'ana2', 'x')").expect_err("refused").code,
        "CR409"
    );
    assert_eq!(
        sql.attempt("SELECT crm.merge_customers('ana2', 'ben', 'x')").expect_err("refused").code,
        "CR409"
    );
    expect(&mut sql, "3 2 70.00", "0 0 0.00", "1 1 5.00");
}

#[test]
fn an_order_of_a_guest_merged_meanwhile_counts_for_the_survivor_after_a_repair() {
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        let database = TestDatabase::new("merged_meanwhile");
        let mut sql = database.session();
        restaurant::create(&mut sql);
        restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
        sql.run(r#"SELECT dine('ana', 'bistro', '2025-06-20 20:00', 10); INSERT INTO "Customer" (id) VALUES ('anna')"#);
        restaurant::bind(&mut sql);
        let mut till = database.session();
        till.run(&format!(r#"BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM "Order""#));
        sql.run("SELECT crm.merge_customers('ana', 'anna', 'one person')");
        till.run("SELECT dine('anna', 'bistro', '2025-06-21 20:00', 10)");
        till.run("COMMIT");
        sql.run("SELECT crm.repair_failed()");
        assert_eq!(totals(&mut sql, "bistro", "ana"), "2 2 20.00", "{isolation}");
        sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    }
}

#[test]
fn a_merge_while_a_backfill_is_under_way_counts_every_order_once() {
    let (database, mut sql) = platform("backfill");
    // Orders of before the binding, so that neither guest has a row at the bar yet.
    sql.run("SELECT crm.unbind('order')");
    sql.run(
        r#"INSERT INTO "Customer" (id) VALUES ('cy'), ('cy2');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('6', 'bar', 'cy', 'COMPLETED', 1, '2025-03-03 22:00+00'), ('7', 'bar', 'cy2', 'COMPLETED', 2, '2025-03-03 22:00+00')"#,
    );
    sql.run(restaurant::BIND_ORDER);
    let (mut backfill, mut watch) = (database.session(), database.session());
    // The backfill has read the orders and comes to the guests' rows, which the merge holds.
    sql.run("BEGIN; SELECT crm.merge_customers('cy', 'cy2', 'one person')");
    std::thread::scope(|threads| {
        threads.spawn(move || backfill.run("SELECT crm.backfill_venue(crm.find_venue('bar'), now())"));
        while watch.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        sql.run("COMMIT");
    });
    sql.run("CALL crm.backfill()");
    assert_eq!(totals(&mut sql, "bar", "cy"), "2 1 3.00");
    assert_eq!(totals(&mut sql, "bar", "cy2"), "0 0 0.00");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn a_merged_guest_who_was_left_with_orders_is_repaired() {
    let (_database, mut sql) = platform("left_with_orders");
    sql.run("SELECT crm.merge_customers('ana', 'ana2', 'one person')");
    let spoil = "UPDATE crm.customer_venue_stats SET total_orders = 1, total_visits = 1, total_spent = 40, highest_order = 40,
                        first_order_at = '2025-03-02 19:00+00', last_order_at = '2025-03-02 19:00+00'
                  WHERE customer_id = crm.key('ana2') AND venue_id = crm.key('bistro')";
    for repair in ["SELECT crm.repair_stats('bistro')", "CALL crm.run_night(recount => true)"] {
        sql.run(spoil);
        sql.expect_rows("SELECT customer_ref FROM crm.verify_stats('bistro')", &["ana2"]);
        sql.run(repair);
        expect(&mut sql, "3 2 70.00", "0 0 0.00", "1 1 5.00");
    }
}
