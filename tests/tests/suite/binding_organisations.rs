//! Organisations, constants, refunds and guests without a table of their own.

use crm_tests::{Session, TestDatabase};

/// Two groups with a venue each; ana orders at both, ben at south only.
fn groups(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(
        "CREATE TABLE place (id int PRIMARY KEY, group_id int, group_name text, name text, tz text, currency text);
         INSERT INTO place VALUES (1, 10, 'North Group', 'North', 'Europe/Oslo', 'NOK'), (2, 20, 'South Group', 'South', 'Europe/Rome', 'EUR');
         CREATE TABLE person (id int PRIMARY KEY, group_id int, name text);
         CREATE TABLE sale (id int PRIMARY KEY, place int, person int, total numeric(10,2), refunded numeric(10,2), done_at timestamptz, done boolean);
         INSERT INTO sale VALUES
           (1, 1, 7, 100, 0, '2025-03-01 12:00+00', true), (2, 2, 7, 20, NULL, '2025-03-02 12:00+00', true), (3, 2, 8, 30, 0, '2025-03-03 12:00+00', true)",
    );
    (database, sql)
}

const VENUE_WITH_ORG: &str = r#"SELECT crm.bind('venue', 'public.place', '{"ref":"id","org":"group_id","org_name":"group_name","name":"name","timezone":"tz","currency":"currency"}')"#;
const VENUE: &str = r#"SELECT crm.bind('venue', 'public.place', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}')"#;
const ORDER: &str = r#"SELECT crm.bind('order', 'public.sale', '{"ref":"id","venue":"place","customer":"person","total":"total","refunded":"refunded","completed_at":"done_at","completed":{"column":"done","in":["true"]}}')"#;

const BY_ORGANISATION: &str = "SELECT o.ref, o.name, v.name, c.ref, s.total_orders, s.total_spent
   FROM crm.customer_venue_stats s JOIN crm.organisation o USING (org_id)
   JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id) ORDER BY v.name, c.ref";

const BY_VENUE: &str = "SELECT v.name, c.ref, s.total_orders, s.total_spent
   FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id)
  WHERE s.total_orders > 0 ORDER BY v.name, c.ref";

#[test]
fn a_shared_customers_table_gives_the_guest_to_each_organisation_ordered_in() {
    let (_database, mut sql) = groups("shared_customers");
    sql.run("INSERT INTO person VALUES (7, NULL, 'Ana'), (8, NULL, 'Ben'), (9, NULL, 'Nobody')");
    sql.run(VENUE_WITH_ORG);
    sql.run(r#"SELECT crm.bind('customer', 'public.person', '{"ref":"id","name":"name"}')"#);
    sql.run(ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_rows(
        BY_ORGANISATION,
        &[
            "10|North Group|North|7|1|100.00",
            "20|South Group|South|7|1|20.00",
            "20|South Group|South|8|1|30.00",
        ],
    );
    sql.expect_rows(
        "SELECT o.ref, c.ref, c.name FROM crm.customer c JOIN crm.organisation o USING (org_id) WHERE c.ref IN ('7', '8') ORDER BY 1, 2",
        &["10|7|Ana", "20|7|Ana", "20|8|Ben"],
    );
    // Later orders bring the guest into a further organisation; later changes of the person reach all of them.
    sql.run("INSERT INTO sale VALUES (4, 1, 8, 5, 0, '2025-03-04 12:00+00', true); UPDATE person SET name = 'Benno' WHERE id = 8");
    sql.expect_rows(
        "SELECT o.ref, c.name FROM crm.customer c JOIN crm.organisation o USING (org_id) WHERE c.ref = '8' ORDER BY 1",
        &["10|Benno", "20|Benno"],
    );
}

#[test]
fn customers_of_an_organisation_belong_to_it() {
    let (_database, mut sql) = groups("own_customers");
    sql.run("INSERT INTO person VALUES (7, 20, 'Ana'), (8, 20, 'Ben'), (6, 10, 'Per'); UPDATE sale SET person = 6 WHERE id = 1");
    sql.run(VENUE_WITH_ORG);
    sql.run(r#"SELECT crm.bind('customer', 'public.person', '{"ref":"id","name":"name","org":"group_id"}')"#);
    sql.run(ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_rows(
        BY_ORGANISATION,
        &[
            "10|North Group|North|6|1|100.00",
            "20|South Group|South|7|1|20.00",
            "20|South Group|South|8|1|30.00",
        ],
    );
    sql.expect_rows(
        "SELECT o.ref, c.ref, c.name FROM crm.customer c JOIN crm.organisation o USING (org_id) ORDER BY 1, 2",
        &["10|6|Per", "20|7|Ana", "20|8|Ben"],
    );
}

#[test]
fn without_an_organisation_there_is_one() {
    let (_database, mut sql) = groups("one_organisation");
    sql.run("INSERT INTO person VALUES (7, 20, 'Ana'), (8, 20, 'Ben')");
    sql.run(VENUE);
    sql.run(r#"SELECT crm.bind('customer', 'public.person', '{"ref":"id","name":"name"}')"#);
    sql.run(ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_rows(BY_VENUE, &["North|7|1|100.00", "South|7|1|20.00", "South|8|1|30.00"]);
    sql.expect_rows("SELECT count(DISTINCT org_id) FROM crm.customer_venue_stats", &["1"]);
}

#[test]
fn without_a_customers_table_guests_are_made_from_orders() {
    let (_database, mut sql) = groups("no_customers");
    sql.run(VENUE);
    sql.run(ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_rows(BY_VENUE, &["North|7|1|100.00", "South|7|1|20.00", "South|8|1|30.00"]);
    sql.run("INSERT INTO sale VALUES (4, 1, 99, 5, 0, '2025-03-04 12:00+00', true)");
    sql.expect_rows(BY_VENUE, &["North|7|1|100.00", "North|99|1|5.00", "South|7|1|20.00", "South|8|1|30.00"]);
    sql.expect_none("SELECT * FROM crm.failed_change");
}

#[test]
fn one_venue_of_constants_needs_no_table() {
    let (_database, mut sql) = groups("constants");
    sql.run(
        r#"SELECT crm.bind('venue', NULL, '{"ref":{"constant":"webshop"},"name":{"constant":"Webshop"},"timezone":{"constant":"America/New_York"},"currency":{"constant":"USD"}}');
           SELECT crm.bind('order', 'public.sale', '{"ref":"id","venue":{"constant":"webshop"},"customer":"person","total":"total","completed_at":"done_at","completed":{"column":"done","in":["true"]},"channel":{"constant":"WEB"}}')"#,
    );
    sql.run("CALL crm.backfill()");
    sql.expect_rows(BY_VENUE, &["Webshop|7|2|120.00", "Webshop|8|1|30.00"]);
    sql.expect_rows("SELECT DISTINCT channel FROM crm.orders", &["WEB"]);
    sql.expect_rows("SELECT ref, timezone, currency FROM crm.venue", &["webshop|America/New_York|USD"]);
}

#[test]
fn a_refund_is_subtracted_and_a_full_refund_takes_the_order_out() {
    let (_database, mut sql) = groups("refunds");
    sql.run("UPDATE sale SET refunded = 5 WHERE id = 2");
    sql.run(VENUE);
    sql.run(ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_rows(BY_VENUE, &["North|7|1|100.00", "South|7|1|15.00", "South|8|1|30.00"]);
    sql.run("UPDATE sale SET refunded = 30 WHERE id = 3");
    sql.run("UPDATE sale SET refunded = 99.99 WHERE id = 1");
    sql.expect_rows(BY_VENUE, &["North|7|1|0.01", "South|7|1|15.00"]);
    sql.expect_rows("SELECT order_ref, total FROM crm.orders ORDER BY 1", &["1|0.01", "2|15.00"]);
    sql.run("UPDATE sale SET refunded = 0");
    sql.expect_rows(BY_VENUE, &["North|7|1|100.00", "South|7|1|20.00", "South|8|1|30.00"]);
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn products_and_items_show_the_canonical_columns() {
    let (_database, mut sql) = groups("items");
    sql.run(
        "CREATE TABLE dish (id int PRIMARY KEY, label text, kind text); INSERT INTO dish VALUES (1, 'Soup', 'starter');
         CREATE TABLE line (id int PRIMARY KEY, sale int, dish int, n int, amount numeric(10,2)); INSERT INTO line VALUES (1, 2, 1, 3, 20)",
    );
    sql.run(VENUE);
    sql.run(ORDER);
    sql.run(r#"SELECT crm.bind('product', 'public.dish', '{"ref":"id","name":"label","category":"kind"}')"#);
    sql.run(r#"SELECT crm.bind('order_item', 'public.line', '{"order":"sale","product":"dish","quantity":"n","amount":"amount"}')"#);
    sql.expect_rows("SELECT count(*) FROM crm.products", &["1"]);
    sql.expect_rows("SELECT count(*) FROM crm.order_items", &["1"]);
    let item = sql.value("SELECT to_jsonb(i) FROM crm.order_items i");
    assert!(item.contains("20.00") && item.contains('3'), "{item}");
    let product = sql.value("SELECT to_jsonb(p) FROM crm.products p");
    assert!(product.contains("Soup") && product.contains("starter"), "{product}");
}

#[test]
fn a_key_keeps_a_lower_case_uuid_and_hashes_anything_else() {
    let database = TestDatabase::new("key");
    let mut sql = database.session();
    let uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    assert_eq!(sql.value(&format!("SELECT crm.key('{uuid}')")), uuid);
    for other in
        [uuid.to_uppercase(), format!("{{{uuid}}}"), uuid.replace('-', ""), "42".to_owned(), String::new()]
    {
        let key = sql.value(&format!("SELECT crm.key('{other}')"));
        assert_ne!(key, uuid, "{other}");
        assert_eq!(&key[14..15], "5", "version 5 (RFC 9562) for {other:?}: {key}");
        assert!("89ab".contains(&key[19..20]), "variant of RFC 9562 for {other:?}: {key}");
    }
    sql.expect_rows(
        "SELECT crm.key(NULL) IS NULL, crm.key('42') = crm.key('42'), crm.key('42') = crm.key('43')",
        &["t|t|f"],
    );
}
