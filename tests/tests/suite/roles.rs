//! Who may see and do what: row-level security, definer functions, and callers who try to be someone else.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// Two organisations: red with the venues r1 and r2, blue with b1. Every venue has a guest of its own.
struct Tenants {
    database: TestDatabase,
    sql: Session,
}

const MEMBERS: [&str; 4] = ["manager", "staff", "admin", "reader"];

impl Tenants {
    fn new(purpose: &str) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        restaurant::create(&mut sql);
        sql.run(
            r#"INSERT INTO "Venue" VALUES ('r1', 'red', 'Red One', 'UTC', 'EUR'), ('r2', 'red', 'Red Two', 'UTC', 'EUR'), ('b1', 'blue', 'Blue One', 'UTC', 'EUR');
               SELECT dine('guest-' || v.id, v.id, '2025-03-01 20:00', 10) FROM "Venue" v;
               UPDATE "Customer" SET email = id || '@example.org', phone = '+33 ' || id"#,
        );
        restaurant::bind_with_organisations(&mut sql);
        Self { database, sql }
    }

    /// A login of the organisation, limited to the venues if any are given.
    fn member(&mut self, org: &str, role: &str, venues: &str) -> Session {
        let login = format!("{}_{org}_{role}", self.database.name());
        self.sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
             SELECT crm.create_principal('{login}', '{org}', '{role}', {venues}, '{login}');
             GRANT crm_{role} TO {login}"
        ));
        self.database.session_as(&login)
    }
}

impl Drop for Tenants {
    fn drop(&mut self) {
        let name = self.database.name();
        let logins = self.sql.rows(&format!("SELECT rolname FROM pg_roles WHERE rolname LIKE '{name}%'"));
        for login in logins {
            // A login that still has a connection or a grant elsewhere stays; the cluster is thrown away.
            let _ = self.sql.attempt(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
        }
    }
}

/// Every tenant table the member may read, with the organisations it shows.
#[track_caller]
fn expect_only_organisation(member: &mut Session, org: &str) {
    let tables = member.rows(
        "SELECT a.attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'v') AND a.attname = 'org_id'
            AND has_table_privilege(c.oid, 'SELECT')",
    );
    assert!(!tables.is_empty(), "a member reads some tables");
    let own = member.rows("SELECT org_id FROM crm.organisation");
    assert_eq!(own.len(), 1, "a member sees its own organisation, {org}, and no other");
    for table in tables {
        member.expect_none(&format!("SELECT '{table}', org_id FROM {table} WHERE org_id <> {}", own[0]));
    }
}

#[test]
fn segments_of_another_organisation_do_not_exist() {
    let mut tenants = Tenants::new("segments");
    let mut red = tenants.member("red", "admin", "NULL");
    let mut blue = tenants.member("blue", "admin", "NULL");
    let everyone = r#"'{"v":1,"scope":"org","where":{"all":[]}}'"#;
    let create = format!("SELECT crm.create_segment(NULL, 'everyone', 'Everyone', {everyone})");
    let (of_red, of_blue) = (red.value(&create), blue.value(&create));
    let members = |id: &str| format!("SELECT count(*) FROM crm.segment_member WHERE segment_id = {id}");
    red.expect_rows(&members(&of_red), &["2"]);
    blue.expect_rows(&members(&of_blue), &["1"]);
    tenants.sql.run(r#"SELECT dine('new', 'r1', '2025-03-02 20:00', 10)"#);
    red.expect_rows(&members(&of_red), &["3"]);
    blue.expect_rows(&members(&of_blue), &["1"]);
    blue.expect_rows(&members(&of_red), &["0"]);
    for call in [
        "crm.is_member({}, 'guest-b1')",
        "crm.segment_size({})",
        "crm.recipients({}, 'EMAIL_MARKETING')",
        "crm.segment_as_of({}, 'infinity')",
        "crm.explain_segment('guest-b1', {})",
        "crm.refresh_segment({})",
        "crm.update_segment({}, 'Name')",
        "crm.archive_segment({})",
        "crm.duplicate_segment({}, 'copy')",
        "crm.include_in_segment({}, 'guest-b1', 'why not')",
        &format!("crm.preview_segment({everyone}, NULL, {{}})"),
    ] {
        blue.expect_refusal(
            &format!("SELECT * FROM {}", call.replace("{}", &of_red)),
            &["CR404"],
            "unknown segment",
        );
    }
    blue.expect_refusal(
        r#"SELECT crm.create_segment('r1', 'mine', 'Mine', '{"v":1,"where":{"all":[]}}')"#,
        &["CR404"],
        "unknown venue",
    );
}

#[test]
fn every_table_enables_and_forces_row_level_security() {
    let mut tenants = Tenants::new("rls");
    tenants.sql.expect_none(
        "SELECT oid::regclass FROM pg_class
          WHERE relnamespace = 'crm'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)",
    );
}

#[test]
fn no_function_is_executable_by_public() {
    let mut tenants = Tenants::new("public_execute");
    tenants.sql.expect_none(
        "SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
          WHERE p.pronamespace = 'crm'::regnamespace AND a.grantee = 0",
    );
    tenants.sql.expect_none(
        "SELECT c.oid::regclass, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
          WHERE c.relnamespace = 'crm'::regnamespace AND a.grantee = 0",
    );
}

#[test]
fn definer_functions_pin_their_search_path_and_belong_to_crm_owner() {
    let mut tenants = Tenants::new("definer");
    tenants.sql.expect_none(
        "SELECT p.oid::regprocedure, r.rolname, p.proconfig FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
          WHERE p.pronamespace = 'crm'::regnamespace AND p.prosecdef
            AND (r.rolname <> 'crm_owner'
                 OR NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) s WHERE s ~ '^search_path=\"?pg_catalog\"?, ?\"?pg_temp\"?$'))",
    );
}

#[test]
fn the_roles_have_only_the_powers_they_need() {
    let mut tenants = Tenants::new("role_powers");
    tenants.sql.expect_rows(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles
          WHERE rolname IN ('crm_owner', 'crm_reader', 'crm_staff', 'crm_manager', 'crm_admin', 'crm_service') ORDER BY 1",
        &[
            "crm_admin|f|f|f|f",
            "crm_manager|f|f|f|f",
            "crm_owner|f|t|f|f",
            "crm_reader|f|f|f|f",
            "crm_service|f|f|f|f",
            "crm_staff|f|f|f|f",
        ],
    );
    tenants.sql.expect_rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'crm_owner'", &["f"]);
}

#[test]
fn members_see_their_own_organisation_through_tables() {
    let mut tenants = Tenants::new("tables");
    for role in ["staff", "manager", "admin"] {
        for org in ["red", "blue"] {
            let mut member = tenants.member(org, role, "NULL");
            expect_only_organisation(&mut member, org);
            let venues = member.rows("SELECT ref FROM crm.venue ORDER BY 1");
            assert_eq!(venues, if org == "red" { vec!["r1", "r2"] } else { vec!["b1"] }, "{org} {role}");
            assert!(member.number("SELECT count(*) FROM crm.customer_venue_stats") > 0, "{org} {role}");
        }
    }
}

#[test]
fn members_see_their_own_organisation_through_the_list_and_the_profile() {
    let mut tenants = Tenants::new("list");
    for role in ["staff", "manager", "admin"] {
        let mut member = tenants.member("red", role, "NULL");
        member.expect_rows(
            "SELECT ref, venue_name FROM crm.customer_list() ORDER BY 1",
            &["guest-r1|Red One", "guest-r2|Red Two"],
        );
        member.expect_none("SELECT * FROM crm.customer_list(search => 'guest-b1')");
        member.expect_rows("SELECT ref FROM crm.venue_list() ORDER BY 1", &["r1", "r2"]);
        assert!(member.value("SELECT crm.customer_profile('guest-r1')").contains("guest-r1@example.org"));
        member.expect_refusal("SELECT crm.customer_profile('guest-b1')", &["CR404"], "");
        member.expect_refusal("SELECT * FROM crm.customer_list(venue => 'b1')", &["CR404", "42501"], "");
    }
}

#[test]
fn staff_of_one_venue_see_that_venue_only() {
    let mut tenants = Tenants::new("one_venue");
    for role in ["staff", "manager"] {
        let mut member = tenants.member("red", role, "ARRAY['r1']");
        member.expect_rows(
            "SELECT ref, venue_name FROM crm.customer_list() WHERE venue_id IS NOT NULL",
            &["guest-r1|Red One"],
        );
        member.expect_rows("SELECT ref FROM crm.venue_list()", &["r1"]);
        member.expect_rows(
            "SELECT v.ref FROM crm.customer_venue_stats JOIN crm.venue v USING (org_id, venue_id)",
            &["r1"],
        );
        member.expect_refusal("SELECT * FROM crm.customer_list(venue => 'r2')", &["CR404", "42501"], "");
    }
}

#[test]
fn each_role_has_its_part_of_the_dashboard() {
    let mut tenants = Tenants::new("dashboard");
    let calls = [
        ("SELECT crm.overview('VENUE')", ["reader", "staff", "manager", "admin"].as_slice()),
        (
            "SELECT crm.label_flow('VENUE', '2025-01-01', '2025-12-31')",
            &["reader", "staff", "manager", "admin"],
        ),
        ("SELECT crm.venue_settings('VENUE')", &["reader", "staff", "manager", "admin"]),
        // With names.
        ("SELECT crm.upcoming_labels('VENUE', 7)", &["staff", "manager", "admin"]),
        ("SELECT crm.preview_settings('VENUE', '{}')", &["manager", "admin"]),
        ("SELECT crm.update_venue_settings('VENUE', '{}')", &["admin"]),
    ];
    for role in MEMBERS {
        let mut member = tenants.member("red", role, "ARRAY['r1']");
        for (call, allowed) in calls {
            if allowed.contains(&role) {
                member.run(&call.replace("VENUE", "r1"));
                // Another venue than one's own, and another organisation's, read like one that is not there.
                for venue in ["r2", "b1", "x"] {
                    member.expect_refusal(
                        &call.replace("VENUE", venue),
                        &["CR404"],
                        &format!("unknown venue \"{venue}\""),
                    );
                }
            } else {
                member.expect_refusal(&call.replace("VENUE", "r1"), &["42501"], "");
            }
        }
    }
}

#[test]
fn readers_see_no_personal_data() {
    let mut tenants = Tenants::new("reader");
    let mut reader = tenants.member("red", "reader", "NULL");
    reader.expect_refusal("SELECT email FROM crm.customer", &["42501"], "");
    reader.expect_refusal("SELECT * FROM crm.customer_list()", &["42501"], "");
    reader.expect_refusal("SELECT crm.customer_profile('guest-r1')", &["42501"], "");
}

#[test]
fn members_change_nothing_by_hand() {
    let mut tenants = Tenants::new("writes");
    for role in MEMBERS {
        let mut member = tenants.member("red", role, "NULL");
        for change in [
            "UPDATE crm.customer_venue_stats SET label = 'CHAMPION'",
            "DELETE FROM crm.customer",
            "INSERT INTO crm.organisation (org_id, ref, name) VALUES (99, 'x', 'x')",
            "UPDATE crm.principal SET org_id = 1",
            "DELETE FROM crm.binding",
            "TRUNCATE crm.customer_venue_stats",
            "CREATE TABLE crm.mine (x int)",
            "SELECT crm.unbind('order')",
            "SELECT crm.create_principal('x', 'blue', 'admin')",
            "SELECT * FROM crm.api_key",
        ] {
            member.expect_refusal(change, &["42501"], "");
        }
    }
}

#[test]
fn a_login_without_a_principal_sees_nothing() {
    let mut tenants = Tenants::new("nobody");
    let login = format!("{}_nobody", tenants.database.name());
    tenants.sql.run(&format!("CREATE ROLE {login} LOGIN; GRANT crm_admin TO {login}"));
    let mut nobody = tenants.database.session_as(&login);
    // Refusing is as good as showing nothing.
    for relation in
        ["crm.customer", "crm.customer_venue_stats", "crm.venue", "crm.customer_list()", "crm.venue_list()"]
    {
        match nobody.attempt(&format!("DO $$ BEGIN IF EXISTS (SELECT 1 FROM {relation}) THEN RAISE 'rows of {relation} seen'; END IF; END $$")) {
            Ok(()) => {}
            Err(refusal) => assert!(["42501", "CR401"].contains(&refusal.code.as_str()), "{relation}: {refusal:?}"),
        }
    }
}

#[test]
fn an_ordinary_role_cannot_name_itself_the_caller() {
    let mut tenants = Tenants::new("spoof");
    let blue = tenants.sql.value("SELECT org_id FROM crm.organisation WHERE ref = 'blue'");
    let principal = tenants.sql.value("SELECT crm.create_principal('blue boss', 'blue', 'admin')");
    let mut member = tenants.member("red", "admin", "NULL");
    let login = member.value("SELECT session_user");
    expect_only_organisation(&mut member, "red");
    let attempts = |value: &str| {
        [
            format!("SELECT set_config('crm.caller', '{value}', false)"),
            format!("SET crm.caller = '{value}'"),
            format!("SET SESSION crm.caller = '{value}'"),
        ]
    };
    for value in [principal.clone(), blue.clone(), format!(r#"{{"org_id":{blue}}}"#)] {
        // Before the library is loaded nobody knows the setting, and PostgreSQL keeps the value for later.
        for attempt in attempts(&value) {
            let mut fresh = tenants.database.session_as(&login);
            let _ = fresh.attempt(&attempt);
            expect_only_organisation(&mut fresh, "red");
            fresh.expect_rows("SELECT ref FROM crm.venue_list() ORDER BY 1", &["r1", "r2"]);
        }
        for attempt in attempts(&value) {
            member.expect_refusal(&attempt, &["42501"], "");
        }
    }
    // Whatever else is set under crm, the member stays who it is.
    for setting in ["crm.org_id", "crm.org", "crm.principal", "crm.principal_id", "crm.venues", "crm.role"] {
        let _ = member.attempt(&format!("SET {setting} = '{blue}'"));
    }
    expect_only_organisation(&mut member, "red");
    member.expect_rows("SELECT ref FROM crm.venue_list() ORDER BY 1", &["r1", "r2"]);
}

#[test]
fn only_the_service_signs_in() {
    let mut tenants = Tenants::new("sign_in");
    let principal = tenants.sql.value("SELECT crm.create_principal('red boss', 'red', 'manager')");
    let key = tenants.sql.value(&format!("SELECT crm.create_api_key('{principal}')"));
    assert!(key.starts_with("crm_") && key.len() == 4 + 64, "{key}");
    tenants.sql.expect_none(&format!("SELECT * FROM crm.api_key k WHERE k::text LIKE '%{}%'", &key[4..]));
    let sign_in = format!("SELECT role FROM crm.sign_in(sha256('{key}'))");

    let mut member = tenants.member("blue", "admin", "NULL");
    member.expect_refusal(&sign_in, &["42501"], "");

    let mut service = tenants.database.session_as("crm_service");
    service.run("BEGIN");
    service.expect_rows(&sign_in, &["crm_manager"]);
    service.run("SET LOCAL ROLE crm_manager");
    service.expect_rows("SELECT ref FROM crm.customer_list() ORDER BY 1", &["guest-r1", "guest-r2"]);
    service.run("COMMIT");
    // The caller is gone with its transaction.
    service.run("BEGIN; SET LOCAL ROLE crm_manager");
    match service.attempt(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM crm.customer_list()) THEN RAISE 'rows seen'; END IF; END $$",
    ) {
        Ok(()) => {}
        Err(refusal) => assert!(["42501", "CR401"].contains(&refusal.code.as_str()), "{refusal:?}"),
    }
    service.run("ROLLBACK");
    service.expect_refusal("SELECT * FROM crm.sign_in(sha256('crm_unknown'))", &["CR401"], "");
    service.expect_refusal("SELECT * FROM crm.sign_in(NULL)", &["CR401"], "");
    // Of its own the service has no rights.
    service.expect_refusal("SELECT * FROM crm.customer", &["42501"], "");
    service.expect_refusal("SELECT * FROM crm.customer_list()", &["42501", "CR401"], "");
}

#[test]
fn an_expired_or_withdrawn_key_is_unknown() {
    let mut tenants = Tenants::new("expired");
    let principal = tenants.sql.value("SELECT crm.create_principal('red boss', 'red', 'manager')");
    let key = tenants.sql.value(&format!("SELECT crm.create_api_key('{principal}')"));
    let sign_in = format!("SELECT role FROM crm.sign_in(sha256('{key}'))");
    tenants.sql.expect_rows(&sign_in, &["crm_manager"]);
    tenants.sql.run("UPDATE crm.api_key SET expires_at = now() - interval '1 minute'");
    tenants.sql.expect_refusal(&sign_in, &["CR401"], "");
    tenants.sql.run("UPDATE crm.api_key SET expires_at = NULL");
    tenants.sql.expect_rows(&sign_in, &["crm_manager"]);
    tenants.sql.run("DELETE FROM crm.api_key");
    tenants.sql.expect_refusal(&sign_in, &["CR401"], "");
}

#[test]
fn a_principal_needs_a_known_organisation_role_and_venue() {
    let mut tenants = Tenants::new("principals");
    for (call, codes) in [
        ("crm.create_principal('x', 'green', 'staff')", ["CR404", "22023"]),
        ("crm.create_principal('x', 'red', 'king')", ["22023", "23514"]),
        ("crm.create_principal('x', 'red', 'staff', ARRAY['b1'])", ["CR404", "22023"]),
        // No venue is none, not all of them.
        ("crm.create_principal('x', 'red', 'staff', '{}')", ["22023", "22023"]),
        ("crm.create_principal('x', 'red', 'staff', ARRAY[NULL])", ["CR404", "CR404"]),
        // Two organisations: none is the only one.
        ("crm.create_principal('x', NULL, 'staff')", ["22023", "CR404"]),
    ] {
        tenants.sql.expect_refusal(&format!("SELECT {call}"), &codes, "");
    }
}
