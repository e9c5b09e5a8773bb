//! The map of personal data, what is handed out by it, and the platform's columns that it is told of.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email) VALUES ('ana', '=Ana Silva', '+49 30 1234567', 'ana@silva.example'), ('ben', 'Ben Braun', NULL, NULL);
           SELECT dine('ana', 'bistro', '2026-10-01 20:00', 10); SELECT dine('ana', 'bistro', '2026-10-02 20:00', 12.5); SELECT dine('ben', 'bistro', '2026-10-02 20:00', 99);
           UPDATE "Order" SET note = 'for ' || "customerId""#,
    );
    restaurant::bind(&mut sql);
    (database, sql)
}

#[test]
fn every_column_is_classified_and_a_new_one_is_found() {
    let (_database, mut sql) = platform("pii_map");
    sql.expect_none("SELECT * FROM crm.check_pii_map()");
    // The catalogue itself is the measure.
    let columns = sql.value(
        "SELECT count(*) FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
          WHERE c.table_schema = 'crm' AND t.table_type = 'BASE TABLE'",
    );
    sql.expect_rows("SELECT count(*) FROM crm.pii_map WHERE place = 'crm'", &[&columns]);
    sql.run("CREATE TABLE crm.planted (org_id int PRIMARY KEY, customer_id uuid, what text); ALTER TABLE crm.note ADD COLUMN planted text; ALTER TABLE crm.tag DROP COLUMN created_by");
    sql.expect_rows(
        "SELECT relation, column_name, problem ~ 'no class', problem ~ 'not exist', problem ~ 'becomes of its rows' FROM crm.check_pii_map() ORDER BY 1, 2",
        &[
            "note|planted|t|f|f",
            "planted|customer_id|t|f|f",
            "planted|org_id|t|f|f",
            "planted|what|t|f|f",
            "planted|null|f|f|t",
            "tag|created_by|f|t|f",
        ],
    );
    sql.expect_rows(
        "SELECT count(*), min(severity) FROM crm.health() WHERE subject = 'map of personal data'",
        &["6|error"],
    );
}

#[test]
fn no_text_of_a_guest_is_called_nothing_of_his() {
    let (_database, mut sql) = platform("pii_classes");
    // A guest's row with a free text that is neither erased nor a key would survive him.
    sql.expect_none(
        "SELECT m.relation, m.column_name FROM crm.pii_map m
          WHERE m.place = 'crm' AND m.guest_columns IS NOT NULL AND m.class IN ('personal', 'health') AND m.treatment = 'keep'",
    );
    sql.expect_rows(
        "SELECT DISTINCT relation FROM crm.pii_map WHERE class = 'health' ORDER BY 1",
        &["crm.health_change", "crm.health_need"],
    );
    sql.expect_rows(
        r#"SELECT column_name, class, treatment FROM crm.pii_map WHERE relation = 'public."Customer"' ORDER BY 1"#,
        &["dateOfBirth|personal|null", "email|personal|null", "id|key|keep", "name|personal|null", "phone|personal|null"],
    );
}

#[test]
fn what_a_platform_holds_elsewhere_is_bound_checked_and_unbound_without_a_trace() {
    let (_database, mut sql) = platform("pii_bind");
    sql.run(
        r#"CREATE SCHEMA "odd ""schema"; CREATE TABLE "odd ""schema"."ta;ble" ("cust'omer" text, "na""me; DROP TABLE x" text NOT NULL, code text UNIQUE, day date NOT NULL, lang char(2), made text GENERATED ALWAYS AS ('x') STORED);
           INSERT INTO "odd ""schema"."ta;ble" VALUES ('ana', 'Ana Silva', 'c1', '2020-01-01', 'pt'), ('ben', 'Ben Braun', 'c2', '2020-01-02', 'de')"#,
    );
    let table = r#"'"odd ""schema"."ta;ble"'"#;
    let bind = |customer: &str, treatments: &str| {
        format!("SELECT crm.bind_pii({table}, {customer}, '{treatments}')")
    };
    let customer = "$$cust'omer$$";
    for (treatments, part) in [
        (r#"{"nobody":"null"}"#, "no column"),
        (r#"{"na\"me; DROP TABLE x":"null"}"#, "must not be null"),
        (r#"{"code":"constant:x"}"#, "unique"),
        (r#"{"day":"token"}"#, "token"),
        (r#"{"day":"constant:yesterday-ish"}"#, "no value"),
        (r#"{"lang":"upper(name)"}"#, "unknown treatment"),
        (r#"{"lang":5}"#, "unknown treatment"),
        (r#"{"made":"null"}"#, "generated"),
        (r#"{"cust''omer":"null"}"#, "stays"),
        ("{}", "object"),
        ("[]", "object"),
    ] {
        sql.expect_refusal(&bind(customer, treatments), &["CR422"], part);
    }
    sql.expect_refusal(&bind("'day'", r#"{"lang":"null"}"#), &["CR422"], "customer");
    sql.expect_refusal(&bind("NULL", r#"{"lang":"null"}"#), &["CR422"], "id stays");
    for (host, part) in [
        ("'public.nothing'", "no table"),
        ("'crm.customer'", "CRM itself"),
        ("'a.b.c'", "table"),
        ("NULL", "table"),
    ] {
        sql.expect_refusal(
            &format!("SELECT crm.bind_pii({host}, 'x', '{{\"y\":\"null\"}}')"),
            &["CR422"],
            part,
        );
    }
    sql.expect_refusal(
        r#"SELECT crm.bind_pii('public."Order"', 'customerId', '{"total":"constant:0"}')"#,
        &["CR422"],
        "bound",
    );
    let good = bind(
        customer,
        r#"{"na\"me; DROP TABLE x":"token","code":"null","day":"constant:1900-01-01","lang":"null"}"#,
    );
    sql.run(&good);
    sql.expect_refusal(&good, &["CR409"], "already");
    let privileges = format!(
        "SELECT string_agg(a.attname || ' ' || p.privilege, ', ' ORDER BY a.attnum, p.privilege) FROM pg_attribute a, unnest('{{SELECT,UPDATE}}'::text[]) p(privilege)
          WHERE a.attrelid = {table}::regclass AND a.attnum > 0 AND has_column_privilege('crm_owner', a.attrelid, a.attnum, p.privilege)"
    );
    assert!(
        sql.value(&privileges).contains("code SELECT, code UPDATE")
            && !sql.value(&privileges).contains("made")
    );
    sql.expect_none("SELECT * FROM crm.check_binding('pii') WHERE severity = 'error'");
    sql.run("SELECT crm.execute_erasure('ana', true, 'asked')");
    sql.expect_rows(
        r#"SELECT "cust'omer", "na""me; DROP TABLE x" ~ '^erased-[0-9a-f]{32}$', code, day, lang FROM "odd ""schema"."ta;ble" ORDER BY 1"#,
        &["ana|t|null|1900-01-01|null", "ben|f|c2|2020-01-02|de"],
    );
    // The platform's own migrations pass, and are noticed.
    sql.run(r#"ALTER TABLE "odd ""schema"."ta;ble" DROP COLUMN lang, ALTER code TYPE varchar(50)"#);
    sql.expect_rows(
        "SELECT severity, code FROM crm.check_binding() WHERE entity = 'pii' ORDER BY 2",
        &["error|column_missing", "error|type_changed"],
    );
    sql.expect_rows("SELECT count(*) FROM crm.health() WHERE subject = 'binding of pii'", &["2"]);
    sql.expect_refusal("SELECT crm.execute_erasure('ben', true, 'asked')", &["55000"], "gone");
    sql.expect_rows("SELECT name FROM crm.customer WHERE ref = 'ben'", &["Ben Braun"]);
    sql.run(&format!("SELECT crm.unbind_pii({table})"));
    assert_eq!(sql.value(&privileges), "null");
    sql.expect_rows(r#"SELECT has_schema_privilege('crm_owner', 'odd "schema', 'USAGE')"#, &["f"]);
    sql.expect_refusal(&format!("SELECT crm.unbind_pii({table})"), &["CR404"], "no personal data");
    sql.run("SELECT crm.execute_erasure('ben', true, 'asked')");
}

#[test]
fn columns_that_look_personal_and_are_in_no_map_are_listed() {
    let (_database, mut sql) = platform("pii_looks");
    let looks =
        "SELECT entity, message ~ 'column note' FROM crm.check_binding() WHERE code = 'looks_personal'";
    sql.expect_rows(looks, &["order|t"]);
    sql.run(r#"SELECT crm.bind_pii('public."Order"', 'customerId', '{"note":"null"}')"#);
    sql.expect_rows(looks, &[]);
    sql.run(r#"ALTER TABLE "Order" ADD "deliveryAddress" text, ADD amount_ok int"#);
    sql.expect_rows("SELECT message ~ 'deliveryAddress' FROM crm.check_binding() WHERE code = 'looks_personal' AND entity = 'order'", &["t"]);
}

#[test]
fn treatments_said_by_hand_go_before_those_the_crm_would_choose() {
    let (_database, mut sql) = platform("pii_override");
    sql.run(r#"ALTER TABLE "Customer" ADD CONSTRAINT has_phone CHECK (phone IS NULL OR phone ~ '^[+0-9 ]+$'), ADD CONSTRAINT named CHECK (name <> '' AND name IS NOT NULL)"#);
    sql.expect_refusal("SELECT crm.execute_erasure('ana', true, 'asked')", &["CR409"], "refused");
    sql.run(r#"SELECT crm.bind_pii('public."Customer"', 'id', '{"name":"constant:Guest","phone":"constant:+0"}')"#);
    sql.run("SELECT crm.execute_erasure('ana', true, 'asked')");
    sql.expect_rows(r#"SELECT name, phone, email FROM "Customer" WHERE id = 'ana'"#, &["Guest|+0|null"]);
    sql.expect_rows("SELECT name, phone, status FROM crm.customer WHERE ref = 'ana'", &["null|null|erased"]);
    // What took the place of the data is none of them.
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%'");
}

#[test]
fn all_that_is_held_is_handed_out_with_its_class() {
    let (database, mut sql) = platform("pii_export");
    sql.run(r#"SELECT crm.bind_pii('public."Order"', 'customerId', '{"note":"null"}')"#);
    sql.run(
        "SELECT crm.add_contact('ana', 'address', 'Lindenallee 17'); SELECT crm.set_health_needs('ana', '{celery}'); SELECT crm.add_note('ana', 'bistro', 'likes the window');
         SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', ip => '192.0.2.77'); SELECT crm.tag_customers('{ana}', '{VIP}')",
    );
    // What each table of the CRM has of her, counted by hand.
    sql.expect_rows(
        "SELECT h ->> 'relation', jsonb_array_length(h -> 'rows'), h ->> 'inferred' FROM jsonb_array_elements(crm.export_customer('ana') -> 'held') h
          WHERE h ->> 'relation' IN ('crm.customer', 'crm.customer_contact', 'crm.health_need', 'crm.note', 'crm.consent_entry', 'crm.consent_evidence', 'crm.customer_tag', 'crm.customer_venue_stats') ORDER BY 1",
        &[
            "crm.consent_entry|1|false",
            "crm.consent_evidence|1|false",
            "crm.customer|1|false",
            "crm.customer_contact|1|false",
            "crm.customer_tag|1|false",
            "crm.customer_venue_stats|1|true",
            "crm.health_need|1|false",
            "crm.note|1|false",
        ],
    );
    let told = sql.value("SELECT crm.export_customer('ana')");
    for known in [
        "Ana Silva",
        "ana@silva.example",
        "Lindenallee 17",
        "celery",
        "likes the window",
        "192.0.2.77",
        "for ana",
        "12.50",
    ] {
        assert!(told.contains(known), "{known} is told");
    }
    assert!(!told.contains("Ben Braun") && !told.contains("for ben"), "nobody else is");
    sql.expect_rows(
        "SELECT jsonb_array_length(e -> 'orders'), jsonb_array_length(e -> 'consents'), e #>> '{consents,0,action}' FROM crm.export_customer('ana') e",
        &["2|1|GRANTED"],
    );
    // No cell is a formula.
    sql.expect_rows("SELECT count(*) FROM crm.export_customer_csv('ana') l WHERE l LIKE 'crm.customer,1,name,personal,no,\"''=Ana Silva\"'", &["1"]);
    sql.expect_none("SELECT l FROM crm.export_customer_csv('ana') l WHERE l ~ ',\"?[=@+]'");
    sql.expect_rows(
        "SELECT DISTINCT filter ->> 'customer_id' = crm.key('ana')::text, guests FROM crm.export_log",
        &["t|1"],
    );
    sql.expect_refusal("SELECT crm.export_customer('nobody')", &["CR404"], "unknown");
    let login = |role: &str| format!("{}_{role}", database.name());
    for (role, venues) in [("staff", "NULL"), ("manager", "'{bistro}'")] {
        sql.run(&format!(
            "DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN; SELECT crm.create_principal('{0}', NULL, '{role}', {venues}, '{0}'); GRANT crm_{role} TO {0}",
            login(role)
        ));
        database.session_as(&login(role)).expect_refusal("SELECT crm.export_customer('ana')", &["42501"], "");
        sql.run(&format!("DROP OWNED BY {0}; DROP ROLE {0}", login(role)));
    }
}
