//! What BI reads: views without personal data, and the questions that docs/bi.md answers with them.

use crm_tests::isolation::Tenants;

#[test]
fn views_and_columns_have_comments_and_keys_have_one_name() {
    let mut tenants = Tenants::new("bi_comments");
    tenants.sql.expect_none(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
          WHERE c.relnamespace = 'crm_bi'::regnamespace AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)",
    );
    // A key is called like the one it refers to, and has its type.
    tenants.sql.expect_none(
        "SELECT attname, count(DISTINCT atttypid) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'crm_bi'::regnamespace)
            AND attname LIKE '%\\_id' GROUP BY 1 HAVING count(DISTINCT atttypid) > 1",
    );
    tenants.sql.expect_none(
        "SELECT relname FROM pg_class WHERE relnamespace = 'crm_bi'::regnamespace AND (relkind <> 'v' OR reloptions IS DISTINCT FROM '{security_barrier=true}' OR relowner <> 'crm_owner'::regrole)",
    );
}

#[test]
fn no_view_has_anything_that_names_or_reaches_a_person() {
    let mut tenants = Tenants::new("bi_personal");
    let mut reader = tenants.login("zqred", "reader", "NULL");
    let views =
        reader.rows("SELECT relname FROM pg_class WHERE relnamespace = 'crm_bi'::regnamespace ORDER BY 1");
    assert_eq!(views.len(), 9);
    for view in views {
        let text = reader.rows(&format!("SELECT to_jsonb(v)::text FROM crm_bi.{view} AS v")).join("\n");
        assert!(!text.is_empty(), "{view} shows something");
        // Names, numbers, addresses, documents, dates of birth, notes, needs, reasons and tags of the furnished guests.
        for personal in [
            "Zqred Ana",
            "zqred-11",
            "+3361",
            "@example.org",
            "street",
            "passport",
            "1980-02-01",
            "note",
            "gluten",
            "vegan",
            "owes",
            "window",
            "zqred tag",
        ] {
            assert!(!text.contains(personal), "{view} tells {personal}: {text}");
        }
    }
    // Of schema crm a reader reads nothing more.
    for table in [
        "customer",
        "customer_contact",
        "note",
        "health_need",
        "stated_preference",
        "segment_override",
        "profile_change",
        "customer_tag",
        "tag",
        "export_log",
        "access_log",
        "import_row",
    ] {
        reader.expect_refusal(&format!("SELECT * FROM crm.{table}"), &["42501"], "");
    }
}

#[test]
fn ages_are_bands_and_cities_those_of_five_or_more() {
    let mut tenants = Tenants::new("bi_bands");
    let mut admin = tenants.login("zqred", "admin", "NULL");
    // As of 20 May 2025: 17, 18, 24, 25, 65 years old, one unknown; each on the first or last day of his band.
    for (name, born, city) in [
        ("a", "2007-05-21", "Lyon"),
        ("b", "2007-05-20", " lyon"),
        ("c", "2000-05-21", "LYON"),
        ("d", "2000-05-20", "Lyon "),
        ("e", "1960-05-20", "Lyon"),
        ("f", "", "Bob's flat"),
    ] {
        admin.run(&format!(
            "SELECT crm.add_contact(c.r, 'address', '1 rue X', details => jsonb_build_object('city', $${city}$$))
               FROM (SELECT crm.create_customer(jsonb_strip_nulls(jsonb_build_object('name', '{name}', 'birthday', NULLIF('{born}', ''))))::text AS r) AS c"
        ));
    }
    tenants
        .sql
        .run(&format!("ALTER DATABASE {} SET crm.as_of = '2025-05-20 12:00+00'", tenants.database.name()));
    tenants.login("zqred", "reader", "NULL").expect_rows(
        "SELECT COALESCE(age_band, 'unknown'), city, count(*) FROM crm_bi.customers WHERE source = 'admin' GROUP BY 1, 2 ORDER BY 1, 2",
        &["18-24|Lyon|2", "25-34|Lyon|1", "65 and over|Lyon|1", "under 18|Lyon|1", "unknown|null|1"],
    );
}

#[test]
fn sensitive_segments_are_not_there() {
    let mut tenants = Tenants::new("bi_sensitive");
    let mut admin = tenants.login("zqred", "admin", "NULL");
    admin.run(r#"SELECT crm.create_segment('zqr1', 'celiac', 'Celiac', '{"v":1,"where":{"field":"allergens","op":"has","value":"gluten"}}');
                 SELECT crm.create_segment('zqr1', 'named', 'Named', '{"v":1,"where":{"field":"in_segment","op":"has","value":"celiac"}}')"#);
    admin.expect_rows(
        "SELECT count(*) FROM crm.segment WHERE key IN ('celiac', 'named') AND is_sensitive",
        &["2"],
    );
    let mut reader = tenants.login("zqred", "reader", "NULL");
    reader.expect_none("SELECT * FROM crm_bi.segments WHERE key IN ('celiac', 'named')");
    reader.expect_none("SELECT * FROM crm_bi.segment_members m WHERE NOT EXISTS (SELECT FROM crm_bi.segments s WHERE s.segment_id = m.segment_id)");
    // Four guests at each venue are in the one of all, and one has each label or none.
    reader.expect_rows(
        "SELECT s.key, count(*) FROM crm_bi.segment_members m JOIN crm_bi.segments s USING (segment_id) WHERE NOT is_system GROUP BY 1 ORDER BY 1",
        &tenants.sql.rows("SELECT s.key, count(*) FROM crm.segment_member m JOIN crm.segment s USING (org_id, segment_id) JOIN crm.organisation o USING (org_id)
                            WHERE o.ref = 'zqred' AND NOT s.is_system AND NOT s.is_sensitive GROUP BY 1 ORDER BY 1").iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn cohorts_add_up_to_the_orders() {
    let mut tenants = Tenants::new("bi_cohorts");
    // One guest comes again two months later, and one of another cohort begins.
    tenants.sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('later', 'zqr1', 'zqred-11', 'COMPLETED', 100, '2025-05-10 19:00+00');
           INSERT INTO "Customer" (id, "orgId", name) VALUES ('zqred-new', 'zqred', 'New');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('first', 'zqr1', 'zqred-new', 'COMPLETED', 7, '2025-05-11 19:00+00')"#,
    );
    let mut reader = tenants.login("zqred", "reader", "NULL");
    // Six guests, two of whom are merged, each six bills of 11 to 16 in March: 6 times 81.
    reader.expect_rows(
        "SELECT v.name, cohort_month, months_since, guests, orders, revenue FROM crm_bi.cohorts JOIN crm_bi.venues v USING (venue_id) ORDER BY 1, 2, 3",
        &[
            "zqr1 name|2025-03-01|0|4|36|486.00",
            "zqr1 name|2025-03-01|2|1|1|100.00",
            "zqr1 name|2025-05-01|0|1|1|7.00",
            "zqr2 name|2025-03-01|0|4|36|486.00",
        ],
    );
    tenants
        .login("zqred", "reader", "ARRAY['zqr2']")
        .expect_rows("SELECT sum(orders) FROM crm_bi.cohorts", &["36"]);
}

#[test]
fn a_reader_limited_to_a_venue_sees_its_guests_only() {
    let mut tenants = Tenants::new("bi_venue");
    tenants.sql.run(
        r#"INSERT INTO "Customer" (id, "orgId", name) VALUES ('zqred-two', 'zqred', 'Two');
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('two', 'zqr2', 'zqred-two', 'COMPLETED', 7, '2025-05-11 19:00+00')"#,
    );
    let mut one = tenants.login("zqred", "reader", "ARRAY['zqr1']");
    let two = tenants.sql.value("SELECT customer_id FROM crm.customer WHERE ref = 'zqred-two'");
    let other = tenants.names("zqr2")["venue_id"].clone();
    for view in ["customers", "customer_stats", "segment_members", "label_changes"] {
        one.expect_none(&format!("SELECT * FROM crm_bi.{view} WHERE customer_id = '{two}'"));
    }
    for view in [
        "venues",
        "customer_stats",
        "label_changes",
        "segments",
        "segment_members",
        "orders_by_day",
        "cohorts",
    ] {
        one.expect_none(&format!("SELECT * FROM crm_bi.{view} WHERE venue_id = '{other}'"));
    }
    tenants
        .login("zqred", "reader", "NULL")
        .expect_rows(&format!("SELECT count(*) FROM crm_bi.customers WHERE customer_id = '{two}'"), &["1"]);
}

#[test]
fn the_questions_of_the_guide_have_answers() {
    let mut tenants = Tenants::new("bi_guide");
    let mut reader = tenants.login("zqred", "reader", "NULL");
    let guide = include_str!("../../../docs/bi.md");
    let questions: Vec<_> = guide
        .split("```sql\n")
        .skip(1)
        .map(|block| block.split("```").next().expect("it ends"))
        .filter(|sql| sql.trim_start().starts_with("SELECT") && sql.contains("crm_bi."))
        .collect();
    assert_eq!(questions.len(), 5);
    for question in questions {
        assert!(!reader.rows(question).is_empty(), "{question}");
    }
}
