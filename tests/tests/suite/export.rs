//! Lists of guests that are handed out.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

fn platform(purpose: &str) -> (TestDatabase, Session, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email, "dateOfBirth") VALUES
             ('ana', 'Ana "Anita" Silva, Dr.', '+33 6 12 34 56 78', 'ana@example.com', '1990-05-17'),
             ('eve', '=cmd|'' /C calc''!A0', '-12', '@eve.example', NULL),
             ('gone', 'Gone', NULL, NULL, NULL), ('into', 'Into', NULL, NULL, NULL)"#,
    );
    sql.run("SELECT dine('ana', 'bistro', '2025-02-01 20:00', 40); SELECT dine('ana', 'bar', '2025-02-03 20:00', 10.5); SELECT dine('eve', 'bistro', '2025-02-02 20:00', 5)");
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    restaurant::bind(&mut sql);
    sql.run(r#"SELECT crm.tag_customers('{ana}', '{VIP,wine}'); SELECT crm.add_contact('ana', 'address', '1 rue X', details => '{"city":"Lyon","postal_code":"69001"}')"#);
    sql.run("SELECT crm.merge_customers('into', 'gone', 'one person')");
    sql.run("UPDATE crm.customer SET status = 'erased' WHERE ref = 'into'");
    sql.run("CALL crm.run_sweep()");
    let manager = member(&database, &mut sql, "manager", "NULL");
    (database, sql, manager)
}

fn member(database: &TestDatabase, sql: &mut Session, role: &str, venues: &str) -> Session {
    let login = format!("{}_{role}", database.name());
    sql.run(&format!(
        "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
         SELECT crm.create_principal('{login}', NULL, '{role}', {venues}, '{login}'); GRANT crm_{role} TO {login};
         ALTER ROLE {login} SET crm.as_of = '2025-03-10 12:00+00'"
    ));
    database.session_as(&login)
}

fn dismiss(database: &TestDatabase, sql: &mut Session, roles: &[&str]) {
    for role in roles {
        sql.run(&format!("DROP OWNED BY {0}_{role}; DROP ROLE {0}_{role}", database.name()));
    }
}

#[test]
fn a_list_is_handed_out_without_formulas_and_noted() {
    let (database, mut sql, mut manager) = platform("export_list");
    let id = |sql: &mut Session, guest: &str| {
        sql.value(&format!("SELECT customer_id FROM crm.customer WHERE ref = '{guest}'"))
    };
    let (ana, eve) = (id(&mut sql, "ana"), id(&mut sql, "eve"));
    let label = |sql: &mut Session, guest: &str| {
        sql.value(&format!("SELECT (l).label FROM crm.customer_list() l WHERE (l).ref = '{guest}'"))
    };
    let (anas, eves) = (label(&mut manager, "ana"), label(&mut manager, "eve"));
    manager.expect_rows(
        "SELECT * FROM crm.export_customers(filter => '{\"sort\":\"-spend\"}')",
        &[
            "ref,name,phone,email,birthday,language,gender,document,address,city,postal_code,tags,label,orders,visits,spent,currency,first_visit,last_visit,customer_id",
            &format!("ana,\"Ana \"\"Anita\"\" Silva, Dr.\",\"'+33 6 12 34 56 78\",ana@example.com,1990-05-17,,,,1 rue X,Lyon,69001,\"VIP; wine\",{anas},2,2,50.50,EUR,2025-02-01 19:00:00+00,2025-02-03 19:00:00+00,{ana}"),
            &format!("eve,\"'=cmd|' /C calc'!A0\",\"'-12\",\"'@eve.example\",,,,,,,,,{eves},1,1,5.00,EUR,2025-02-02 19:00:00+00,2025-02-02 19:00:00+00,{eve}"),
        ],
    );
    manager.expect_rows(
        r#"SELECT j ->> 'name', j -> 'spent', j -> 'tags', j ? 'language' FROM (SELECT e::jsonb AS j FROM crm.export_customers(filter => '{"venue":"bar"}', format => 'json') e) s"#,
        &[r#"Ana "Anita" Silva, Dr.|{"EUR": "10.50"}|["VIP", "wine"]|f"#],
    );
    sql.expect_rows(
        "SELECT l.format, l.filter, l.guests, p.role FROM crm.export_log l JOIN crm.principal p ON p.principal_id = l.exported_by ORDER BY export_id",
        &[r#"csv|{"sort": "-spend"}|2|manager"#, r#"json|{"venue": "bar"}|1|manager"#],
    );
    drop(manager);
    dismiss(&database, &mut sql, &["manager"]);
}

#[test]
fn a_segment_is_handed_out_whole_and_every_export_can_be_imported() {
    let (database, mut sql, mut manager) = platform("export_segment");
    sql.run(r#"INSERT INTO "Customer" (id, name, email) SELECT 'g' || n, 'Guest ' || n, 'g' || n || '@example.com' FROM generate_series(1, 2500) n"#);
    let segment = sql.value(r#"SELECT crm.create_segment(NULL, 'everyone', 'Everyone', '{"v":1,"scope":"org","where":{"all":[]}}')"#);
    sql.run("CALL crm.run_sweep()");
    let lines = manager.rows(&format!("SELECT * FROM crm.export_customers({segment})"));
    assert_eq!(lines.len(), 2503, "a header, 2,500 guests, ana and eve");
    sql.expect_rows("SELECT segment_id::text, guests FROM crm.export_log", &[&format!("{segment}|2502")]);
    // What goes out comes in and changes nothing.
    let import = manager.value(&format!(
        "SELECT crm.create_import('export.csv', convert_to(string_agg(e, E'\\n'), 'UTF8')) FROM crm.export_customers({segment}) e"
    ));
    manager.run(&format!("SELECT crm.check_import({import})"));
    manager.expect_rows(
        &format!("SELECT crm.import_status({import}) -> 'counts', (SELECT reason FROM crm.import_rejects({import}))"),
        // The platform has an address of eve's that is none.
        &[r#"{"rejected": 1, "unchanged": 2501}|phone "-12" is no possible number without its country's code; email "@eve.example" is no e-mail address"#],
    );
    drop(manager);
    dismiss(&database, &mut sql, &["manager"]);
}

#[test]
fn members_by_label_are_handed_out_and_those_by_health_data_are_not() {
    let (database, mut sql, mut manager) = platform("export_kinds");
    let segment = |sql: &mut Session, key: &str| {
        sql.number(&format!(
            "SELECT segment_id FROM crm.segment WHERE key = '{key}' AND venue_id = crm.key('bistro')"
        ))
    };
    let labels = manager.rows("SELECT lower(label) FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ana' AND venue_id = crm.key('bistro')");
    let of_label = segment(&mut sql, &labels[0]);
    let found = manager.rows(&format!(
        "SELECT e::jsonb ->> 'ref' FROM crm.export_customers({of_label}, format => 'json') e"
    ));
    assert!(found.contains(&"ana".to_owned()), "{found:?}");
    sql.run(r#"SELECT crm.set_health_needs('ana', '{nuts}'); SELECT crm.create_segment('bistro', 'nuts', 'Nuts', '{"v":1,"where":{"field":"allergens","op":"has","value":"nuts"}}')"#);
    let of_health = segment(&mut sql, "nuts");
    assert_eq!(sql.number(&format!("SELECT crm.segment_size({of_health})")), 1);
    manager.expect_refusal(&format!("SELECT * FROM crm.export_customers({of_health})"), &["42501"], "health");
    manager.expect_refusal(
        &format!("SELECT * FROM crm.export_customers(filter => '{{\"segment\":{of_health}}}')"),
        &["42501"],
        "health",
    );
    // A segment, tags and other filters together.
    sql.run("SELECT crm.tag_customers('{ana}', '{wine}')");
    for (filter, guests) in [
        (format!(r#"{{"venue":"bistro","segment":{of_label},"tags":["wine"]}}"#), "ana"),
        (format!(r#"{{"venue":"bistro","segment":{of_label},"tags":["wine"],"spend_to":"0"}}"#), ""),
    ] {
        manager.expect_rows(
            &format!("SELECT COALESCE(string_agg(e::jsonb ->> 'ref', ' '), '') FROM crm.export_customers(filter => '{filter}', format => 'json') e"),
            &[guests],
        );
    }
    drop(manager);
    dismiss(&database, &mut sql, &["manager"]);
}

#[test]
fn an_export_takes_a_manager_and_stays_at_his_venues() {
    let (database, mut sql, mut manager) = platform("export_roles");
    let mut staff = member(&database, &mut sql, "staff", "NULL");
    staff.expect_refusal("SELECT crm.export_customers()", &["42501"], "permission");
    manager.expect_refusal("SELECT * FROM crm.export_log", &["42501"], "permission");
    sql.run("UPDATE crm.principal SET venue_ids = ARRAY[crm.key('bar')] WHERE role = 'manager'");
    manager.expect_rows(
        "SELECT e::jsonb ->> 'spent' FROM crm.export_customers(format => 'json') e",
        &[r#"{"EUR": "10.50"}"#],
    );
    manager.expect_refusal(
        r#"SELECT crm.export_customers(filter => '{"venue":"bistro"}')"#,
        &["CR404"],
        "bistro",
    );
    for (call, code, column) in [
        ("crm.export_customers(format => 'xml')", "22023", "format"),
        ("crm.export_customers(format => NULL)", "22023", "format"),
        ("crm.export_customers(0)", "CR404", "segment"),
        ("crm.export_customers(filter => '[]')", "22023", "filter"),
        ("crm.export_customers(filter => NULL)", "22023", "filter"),
        (r#"crm.export_customers(filter => '{"colour":"red"}')"#, "22023", "filter"),
        (r#"crm.export_customers(filter => '{"spend_from":"much"}')"#, "22023", "spend_from"),
        (r#"crm.export_customers(filter => '{"orders_from":1.5}')"#, "22023", "orders_from"),
        (r#"crm.export_customers(filter => '{"last_visit_from":"2025-02-30"}')"#, "22023", "last_visit_from"),
        (r#"crm.export_customers(filter => '{"labels":["BEST"]}')"#, "22023", "labels"),
        (r#"crm.export_customers(filter => '{"sort":"age"}')"#, "22023", "sort"),
    ] {
        let refusal = manager.expect_refusal(&format!("SELECT {call}"), &[code], "");
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}");
    }
    sql.expect_rows("SELECT count(*) FROM crm.export_log", &["1"]);
    drop((manager, staff));
    dismiss(&database, &mut sql, &["manager", "staff"]);
}
