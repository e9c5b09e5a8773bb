//! The backfill fills the list of guests at once, and marks as listed only what has not changed since.

use std::thread;
use std::time::Duration;

use crm_tests::TestDatabase;
use crm_tests::restaurant;

#[test]
fn what_changes_while_the_list_is_filled_is_listed_afterwards() {
    let database = TestDatabase::new("filling");
    let (mut sql, mut sale) = (database.session(), database.session());
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(
        "SELECT dine('g' || i, 'bistro', timestamp '2025-06-01 20:00', 10) FROM generate_series(1, 300) i",
    );
    restaurant::bind(&mut sql);
    sql.expect_none("SELECT * FROM crm.verify_list()");
    let indexes = "SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY indexrelid::regclass::text) FROM pg_index
                    WHERE indrelid IN ('crm.listed_guest'::regclass, 'crm.guest_text'::regclass)";
    let before = sql.value(indexes);

    // As after the counting: nothing is listed.
    sql.run("TRUNCATE crm.listed_guest, crm.guest_text, crm.name_word; UPDATE crm.customer_venue_stats SET listed = false");
    // Whoever else is at work in the cluster ends what is older than that.
    let unlisted = sql.value("SELECT max(xmin::text::bigint) FROM crm.customer_venue_stats");
    while sql.value(&format!("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > {unlisted}"))
        != "t"
    {
        thread::sleep(Duration::from_millis(20));
    }
    // A sale began before, and has numbered its transaction.
    sale.run("BEGIN; SELECT dine('g7', 'bistro', '2025-06-02 20:00', 25)");
    let since = sql.value("SELECT crm.fill_list()");
    sale.run("COMMIT");
    sale.run("SELECT dine('g8', 'bistro', '2025-06-03 20:00', 30)");
    sale.run(r#"UPDATE "Customer" SET name = 'Renamed' WHERE id = 'g9'"#);
    assert_eq!(sql.value(indexes), before, "the indexes are made anew as they were");
    sql.expect_rows("SELECT count(*) FROM crm.listed_guest", &["600"]);
    // Whatever a transaction wrote that had not ended is not taken for read, the rows unlisted above not either if it is older.
    while sql.value(&format!("SELECT crm.mark_filled('{since}', 100)")) != "0" {}
    sql.expect_rows(
        "SELECT ref FROM crm.customer AS c JOIN crm.customer_venue_stats AS t USING (org_id, customer_id) WHERE NOT t.listed AND ref IN ('g1', 'g7', 'g8') ORDER BY ref",
        &["g7", "g8"],
    );
    sql.expect_none("SELECT * FROM crm.verify_list()");
    sql.expect_rows("SELECT count(*) > 0 FROM crm.unlisted_guest", &["t"]);
    while sql.value("SELECT crm.list_guests()") != "0" {}
    sql.expect_none("SELECT * FROM crm.verify_list()");
    sql.expect_rows("SELECT total_orders, spent FROM crm.listed_guest WHERE customer_id IN (crm.key('g7'), crm.key('g8')) AND scope_id = crm.key('bistro') ORDER BY spent",
        &["2|3500", "2|4000"]);
    sql.expect_rows("SELECT count(*) FROM crm.name_word WHERE word = 'renamed'", &["1"]);
    // Where there are rows, nothing is filled.
    sql.expect_rows("SELECT crm.fill_list() IS NULL", &["t"]);
}
