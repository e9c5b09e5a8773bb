//! Purchase histories of real shops, whose sums others have published or were counted outside this project.
//!
//! CDNOW: Fader & Hardie; Online Retail: Chen, Sain & Guo (2012). Credits and licences stand beside the data in sql/demo.

use std::sync::LazyLock;

use crm_tests::database::demo_folder;
use crm_tests::{Session, TestDatabase, oracle};

/// The night after the last purchase, so that the labels mean something.
const END_OF_CDNOW: &str = "1998-06-30 23:59:59 America/New_York";
const END_OF_RETAIL: &str = "2011-12-09 23:59:59 Europe/London";

static CDNOW: LazyLock<TestDatabase> =
    LazyLock::new(|| loaded("cdnow", "cdnow.csv.gz", oracle::Source::BoundOrders, END_OF_CDNOW));
static RETAIL: LazyLock<TestDatabase> =
    LazyLock::new(|| loaded("retail", "online_retail.csv.gz", oracle::Source::RetailTables, END_OF_RETAIL));

fn loaded(shop: &str, data: &str, source: oracle::Source, as_of: &str) -> TestDatabase {
    let database = TestDatabase::new(shop);
    let folder = demo_folder().join(shop);
    database.psql_script(&folder.join("schema.sql"), &[]);
    database.psql_script_reading(&folder.join("load.sql"), &folder.join(data));
    database.psql_script(&folder.join("bind.sql"), &[]);
    let mut sql = database.session();
    sql.run("CALL crm.backfill()");
    sql.run(&format!("CALL crm.run_night('{as_of}')"));
    oracle::install(&mut sql, source);
    database
}

fn guest(sql: &mut Session, reference: &str) -> String {
    sql.value(&format!(
        "SELECT concat_ws(' ', total_orders, total_visits, total_spent) FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) WHERE ref = '{reference}'"
    ))
}

#[test]
fn cdnow_counts_every_purchase() {
    let mut sql = CDNOW.session();
    // Counted in the file itself: 69,659 purchases of 23,570 customers, 2,500,315.63 USD, 80 purchases of zero.
    sql.expect_rows(
        "SELECT count(*), sum(total), count(DISTINCT customer_id), count(*) FILTER (WHERE total = 0) FROM crm.orders",
        &["69659|2500315.63|23570|80"],
    );
    sql.expect_rows(
        "SELECT count(*), sum(total_orders), sum(total_spent) FROM crm.customer_venue_stats",
        &["23570|69659|2500315.63"],
    );
    sql.expect_none("SELECT * FROM crm.skipped_orders");
}

#[test]
fn cdnow_purchases_keep_their_day() {
    let mut sql = CDNOW.session();
    sql.expect_none(
        "SELECT o.order_ref FROM crm.orders o JOIN crm.venue v USING (org_id, venue_id) JOIN purchase p ON p.purchase_id::text = o.order_ref
          WHERE (o.completed_at AT TIME ZONE v.timezone)::date <> p.purchased_on",
    );
    // A visit is a day: as many as there are distinct pairs of customer and day.
    let days = sql.value("SELECT count(*) FROM (SELECT DISTINCT customer_id, purchased_on FROM purchase) d");
    sql.expect_rows("SELECT sum(total_visits) FROM crm.customer_venue_stats", &[&days]);
}

#[test]
fn cdnow_scores_and_labels_agree_with_the_oracle() {
    oracle::expect_scores(&mut CDNOW.session(), END_OF_CDNOW);
}

#[test]
fn cdnow_verifies() {
    let mut sql = CDNOW.session();
    sql.run(&format!("SET crm.as_of = '{END_OF_CDNOW}'"));
    sql.expect_none("SELECT * FROM crm.verify_stats('cdnow')");
}

#[test]
fn cdnow_one_time_buyers_all_have_the_lowest_frequency() {
    // More than half of the 23,570 bought on one day only, so the first two cut points at least are 1.
    let mut sql = CDNOW.session();
    sql.expect_rows(
        "SELECT DISTINCT frequency_score FROM crm.customer_venue_stats WHERE total_visits = 1",
        &["1"],
    );
    sql.expect_rows(
        "SELECT count(*) > 23570 / 2 FROM crm.customer_venue_stats WHERE total_visits = 1",
        &["t"],
    );
}

#[test]
fn retail_counts_every_invoice_of_a_customer() {
    let mut sql = RETAIL.session();
    // Lines with a customer, quantity and price above zero: 18,532 invoices, 4,338 customers, 8,911,407.90 GBP.
    sql.expect_rows(
        "SELECT count(*), sum(total), count(DISTINCT customer_id) FROM crm.orders",
        &["18532|8911407.90|4338"],
    );
    sql.expect_rows(
        "SELECT count(*), sum(total_orders), sum(total_spent) FROM crm.customer_venue_stats",
        &["4338|18532|8911407.90"],
    );
    // 1,428 invoices with such lines have no customer.
    sql.expect_rows("SELECT reason, count(*) FROM crm.skipped_orders GROUP BY 1", &["walk_in|1428"]);
}

#[test]
fn retail_knows_its_best_customers() {
    let mut sql = RETAIL.session();
    // Counted in the file: 14646 has 73 invoices with positive lines on 45 days, 12346 a single one.
    assert_eq!(guest(&mut sql, "14646"), "73 45 280206.02");
    assert_eq!(guest(&mut sql, "12346"), "1 1 77183.60");
    sql.expect_rows(
        "SELECT ref FROM crm.customer_venue_stats JOIN crm.customer USING (org_id, customer_id) ORDER BY total_spent DESC LIMIT 1",
        &["14646"],
    );
}

#[test]
fn retail_scores_and_labels_agree_with_the_oracle() {
    oracle::expect_scores(&mut RETAIL.session(), END_OF_RETAIL);
}

#[test]
fn retail_verifies() {
    let mut sql = RETAIL.session();
    sql.run(&format!("SET crm.as_of = '{END_OF_RETAIL}'"));
    sql.expect_none("SELECT * FROM crm.verify_stats('online-retail')");
}

#[test]
fn retail_favourites_dislikes_and_habits_agree_with_plain_sql_over_the_invoices() {
    let mut sql = RETAIL.session();
    sql.run(
        "SET jit = off;
         CREATE TABLE oracle.sale AS
           SELECT customer_id::text AS guest, invoice_no AS order_ref, invoice_date AT TIME ZONE 'Europe/London' AS at, invoice_date::date AS day, total,
             CASE WHEN invoice_date::time < '05:00' OR invoice_date::time >= '22:00' THEN 'late' WHEN invoice_date::time < '11:00' THEN 'breakfast'
                  WHEN invoice_date::time < '15:00' THEN 'lunch' WHEN invoice_date::time < '17:00' THEN 'afternoon' ELSE 'dinner' END AS daypart,
             NULL::text AS table_name, 'WEB' AS channel, NULL::text AS payment_method
           FROM invoice WHERE status = 'COMPLETED';
         CREATE TABLE oracle.sold AS SELECT invoice_no AS order_ref, stock_code AS product, NULL::text AS category FROM invoice_line;
         CREATE INDEX ON oracle.sale (guest);
         ANALYZE oracle.sale, oracle.sold",
    );
    sql.run(include_str!("../../oracle/preferences.sql"));
    sql.run("ANALYZE oracle.guest_product");
    sql.expect_none("SELECT * FROM oracle.differing_preferences('online-retail') LIMIT 20");
    sql.expect_rows(
        "SELECT kind, count(*) > 500 FROM crm.derived_preference WHERE kind LIKE '%product' GROUP BY 1 ORDER BY 1",
        &["disliked_product|t", "favourite_product|t"],
    );
    // Nothing is written where nothing changed.
    sql.expect_rows("SELECT crm.derive_preferences('online-retail')", &["0"]);
}

#[test]
fn retail_items_belong_to_orders_and_products() {
    let mut sql = RETAIL.session();
    sql.expect_rows(
        "SELECT (SELECT count(*) FROM crm.order_items) = (SELECT count(*) FROM invoice_line)",
        &["t"],
    );
    sql.expect_rows("SELECT (SELECT count(*) FROM crm.products) = (SELECT count(*) FROM stock_item)", &["t"]);
}
