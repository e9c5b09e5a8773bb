//! Orders kept in partitions, and rows that arrive by replication.

use crm_tests::restaurant::totals;
use crm_tests::{Session, TestDatabase};

/// Orders partitioned by month of completion, pending ones in a default partition; ana has one order in March.
fn partitioned(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(
        r#"CREATE TABLE public.sale (id int NOT NULL, guest text, total numeric(10,2), done_at timestamptz) PARTITION BY RANGE (done_at);
           CREATE TABLE public.sale_march PARTITION OF public.sale FOR VALUES FROM ('2025-03-01 00:00+00') TO ('2025-04-01 00:00+00');
           CREATE TABLE public.sale_open PARTITION OF public.sale DEFAULT;
           INSERT INTO public.sale VALUES (1, 'ana', 10, '2025-03-02 12:00+00');
           SELECT crm.bind('venue', NULL, '{"ref":{"constant":"shop"},"name":{"constant":"Shop"},"timezone":{"constant":"UTC"},"currency":{"constant":"EUR"}}');
           SELECT crm.bind('order', 'public.sale', '{"ref":"id","venue":{"constant":"shop"},"customer":"guest","total":"total","completed_at":"done_at",
                                                     "completed":{"column":"done_at","not_null":true}}')"#,
    );
    sql.run("CALL crm.backfill()");
    (database, sql)
}

#[track_caller]
fn expect_in_step(sql: &mut Session, expected: &str) {
    assert_eq!(totals(sql, "shop", "ana"), expected);
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.verify_stats('shop')");
}

#[test]
fn writes_through_the_parent_count() {
    let (_database, mut sql) = partitioned("through_parent");
    sql.run("INSERT INTO sale VALUES (2, 'ana', 20, '2025-03-03 12:00+00'), (3, 'ana', 5, NULL)");
    expect_in_step(&mut sql, "2 2 30.00");
    sql.run("UPDATE sale SET total = 21 WHERE id = 2");
    expect_in_step(&mut sql, "2 2 31.00");
    sql.run("DELETE FROM sale WHERE id = 1");
    expect_in_step(&mut sql, "1 1 21.00");
}

#[test]
fn completing_an_order_may_move_it_to_another_partition() {
    let (_database, mut sql) = partitioned("moved_row");
    sql.run("INSERT INTO sale VALUES (2, 'ana', 20, NULL)");
    expect_in_step(&mut sql, "1 1 10.00");
    sql.run("UPDATE sale SET done_at = '2025-03-03 12:00+00' WHERE id = 2");
    expect_in_step(&mut sql, "2 2 30.00");
    sql.run("UPDATE sale SET done_at = NULL WHERE id = 2");
    expect_in_step(&mut sql, "1 1 10.00");
}

#[test]
fn writes_straight_into_a_partition_count() {
    let (_database, mut sql) = partitioned("straight");
    sql.run("INSERT INTO sale_march VALUES (2, 'ana', 20, '2025-03-03 12:00+00')");
    expect_in_step(&mut sql, "2 2 30.00");
    sql.run("DELETE FROM sale_march WHERE id = 2");
    expect_in_step(&mut sql, "1 1 10.00");
}

#[test]
fn a_partition_added_later_counts() {
    let (_database, mut sql) = partitioned("added");
    sql.run(
        "CREATE TABLE public.sale_april PARTITION OF public.sale FOR VALUES FROM ('2025-04-01 00:00+00') TO ('2025-05-01 00:00+00');
         INSERT INTO sale VALUES (2, 'ana', 20, '2025-04-03 12:00+00');
         INSERT INTO sale_april VALUES (3, 'ana', 30, '2025-04-04 12:00+00')",
    );
    expect_in_step(&mut sql, "3 3 60.00");
}

#[test]
fn a_detached_partition_is_found_by_verification_and_mended_by_a_repair() {
    let (_database, mut sql) = partitioned("detached");
    sql.run("ALTER TABLE public.sale DETACH PARTITION public.sale_march");
    assert!(!sql.rows("SELECT * FROM crm.verify_stats('shop')").is_empty());
    sql.run("SELECT crm.repair_stats('shop')");
    expect_in_step(&mut sql, "0 0 0.00");
}

#[test]
fn rows_applied_by_replication_count() {
    let (_database, mut sql) = partitioned("replication");
    // What a subscription's apply worker works under: only triggers that are ENABLE REPLICA or ALWAYS fire.
    sql.run(
        "SET session_replication_role = replica;
         INSERT INTO sale VALUES (2, 'ana', 20, '2025-03-03 12:00+00');
         RESET session_replication_role",
    );
    expect_in_step(&mut sql, "2 2 30.00");
}
