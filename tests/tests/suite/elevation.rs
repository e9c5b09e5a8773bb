//! Nobody becomes more than he is: by what he sets, by what he creates, or by what he calls himself.

use crm_tests::Session;
use crm_tests::isolation::{RECIPES, ROLES, Tenants, fill};

/// Settings of the CRM that only it writes, each with a value that would serve a cheat.
const GUARDED: [(&str, &str); 6] = [
    ("crm.as_of", "2020-01-01 12:00+00"),
    ("crm.cause", "night"),
    ("crm.collected", "on"),
    ("crm.announced", "on"),
    ("crm.puts_off", "on"),
    ("crm.caller", "00000000-0000-4000-8000-000000000000"),
];

#[test]
fn the_settings_of_the_crm_are_nobodys_to_set() {
    let mut tenants = Tenants::new("elevation_settings");
    for role in ROLES {
        let mut member = tenants.login("zqred", role, "NULL");
        let login = member.value("SELECT session_user");
        // Before the library is loaded PostgreSQL keeps any value for later; then it is dropped.
        for (setting, value) in GUARDED {
            for early in [
                format!("SET {setting} = '{value}'"),
                format!("SELECT set_config('{setting}', '{value}', false)"),
            ] {
                let mut fresh = tenants.database.session_as(&login);
                let _ = fresh.attempt(&early);
                fresh.expect_rows(
                    "SELECT abs(extract(epoch FROM crm.now() - clock_timestamp())) < 60",
                    &["t"],
                );
                fresh.expect_rows(
                    &format!("SELECT COALESCE(current_setting('{setting}', true), '') IN ('', 'off')"),
                    &["t"],
                );
            }
            // Asked for with the connection itself.
            let mut config = tenants.database.config_as(&login);
            config.options(&format!("-c {setting}={}", value.replace(' ', "\\ ")));
            let mut fresh = Session::open(&config);
            fresh.expect_rows("SELECT abs(extract(epoch FROM crm.now() - clock_timestamp())) < 60", &["t"]);
        }
        member.run("SELECT crm.now()");
        for (setting, value) in GUARDED {
            for late in [
                format!("SET {setting} = '{value}'"),
                format!("SET LOCAL {setting} = '{value}'"),
                format!("SELECT set_config('{setting}', '{value}', false)"),
                format!("SELECT set_config('{setting}', '{value}', true)"),
                format!("ALTER ROLE {login} SET {setting} = '{value}'"),
                format!("ALTER DATABASE {} SET {setting} = '{value}'", tenants.database.name()),
                format!(
                    "UPDATE pg_settings SET setting = '{value}' WHERE name = '{setting}'; DO $$ BEGIN IF current_setting('{setting}', true) = '{value}' THEN RAISE 'it is set'; END IF; RAISE insufficient_privilege; END $$"
                ),
                format!(
                    "CREATE FUNCTION pg_temp.cheat() RETURNS int LANGUAGE sql SET {setting} = '{value}' AS 'SELECT 1'; SELECT pg_temp.cheat()"
                ),
                format!("GRANT SET ON PARAMETER {setting} TO {login}; SET {setting} = '{value}'"),
            ] {
                let refusal = member.expect_refusal(&late, &["42501"], "");
                assert!(!refusal.message.contains("it is set"), "{late}");
            }
        }
    }
}

#[test]
fn an_administrator_may_still_set_the_clock() {
    let mut tenants = Tenants::new("elevation_clock");
    tenants.sql.run("SET crm.as_of = '2025-06-01 12:00+00'");
    tenants.sql.expect_rows("SELECT crm.now() = '2025-06-01 12:00+00'", &["t"]);
    let name = tenants.database.name().to_owned();
    tenants.sql.run(&format!("ALTER DATABASE {name} SET crm.as_of = '2025-06-02 12:00+00'"));
    tenants.database.session().expect_rows("SELECT crm.now() = '2025-06-02 12:00+00'", &["t"]);
    // Then it is everybody's clock.
    tenants.login("zqred", "staff", "NULL").expect_rows("SELECT crm.now() = '2025-06-02 12:00+00'", &["t"]);
    // And a transaction's own.
    tenants.sql.run("RESET crm.as_of; BEGIN; SET LOCAL crm.as_of = '2025-06-03'");
    tenants.sql.expect_rows("SELECT crm.now()::date", &["2025-06-03"]);
    tenants.sql.run("COMMIT");
}

#[test]
fn what_says_by_the_real_clock_is_dated_by_it() {
    // Everything there is was made while crm.as_of said 2025.
    let mut tenants = Tenants::new("elevation_real_clock");
    let columns = tenants.sql.rows(
        "SELECT a.attrelid::regclass, quote_ident(a.attname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'timestamptz'::regtype
            AND col_description(a.attrelid, a.attnum) LIKE '%by the real clock%'",
    );
    assert!(columns.len() > 10, "{columns:?}");
    let mut looked_at = 0;
    for column in columns {
        let (table, column) = column.split_once('|').expect("two columns");
        looked_at += tenants.sql.number(&format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL"));
        tenants.sql.expect_none(&format!("SELECT '{table}', {column} FROM {table} WHERE {column} < '2025-12-31' OR {column} > clock_timestamp()"));
    }
    assert!(looked_at > 50, "{looked_at}");
}

#[test]
fn a_member_dates_nothing_back() {
    let mut tenants = Tenants::new("elevation_evidence");
    tenants.sql.run("RESET crm.as_of");
    let login = tenants.login("zqred", "manager", "NULL").value("SELECT session_user");
    let mut member = tenants.database.session_as(&login);
    let _ = member.attempt("SET crm.as_of = '2020-01-01'; SET crm.cause = 'night'");
    member.run(
        "SELECT crm.attach_order('zqr1-nobody', 'zqred-11');
         SELECT crm.add_note('zqred-11', 'zqr1', 'dated'); SELECT crm.update_customer('zqred-11', jsonb_build_object('language', 'it'));
         SELECT crm.state_preference('zqred-11', 'seating', 'dated', 'zqr1');
         SELECT crm.exclude_from_segment((SELECT segment_id FROM crm.segment WHERE key = 'zqr1_all'), 'zqred-11', 'dated');
         SELECT crm.tag_customers(ARRAY['zqred-11'], ARRAY['dated'])",
    );
    for (table, at) in [
        ("note", "created_at"),
        ("profile_change", "changed_at"),
        ("stated_preference", "last_at"),
        ("segment_change", "occurred_at"),
        ("customer_tag", "added_at"),
        ("label_change", "changed_at"),
        ("outbox", "occurred_at"),
    ] {
        tenants.sql.expect_none(&format!("SELECT {at} FROM crm.{table} WHERE {at} < '2025-01-01'"));
        if table != "label_change" && table != "outbox" {
            tenants.sql.expect_rows(
                &format!("SELECT max({at}) > now() - interval '10 minutes' FROM crm.{table}"),
                &["t"],
            );
        }
    }
    tenants.sql.expect_none("SELECT cause FROM crm.label_change WHERE changed_at > now() - interval '10 minutes' AND cause <> 'order'");
}

#[test]
fn nobody_takes_a_role_that_he_was_not_given() {
    let mut tenants = Tenants::new("elevation_roles");
    let other = tenants.login("zqblue", "admin", "NULL").value("SELECT session_user");
    for (role, higher) in [
        ("reader", vec!["crm_staff", "crm_manager", "crm_admin"]),
        ("staff", vec!["crm_reader", "crm_manager", "crm_admin"]),
        ("manager", vec!["crm_admin"]),
        ("admin", vec![]),
    ] {
        let mut member = tenants.login("zqred", role, "NULL");
        let login = member.value("SELECT session_user");
        for target in higher.into_iter().chain(["crm_owner", "crm_service", "postgres", other.as_str()]) {
            for attempt in [
                format!("SET ROLE {target}"),
                format!("SET LOCAL ROLE {target}"),
                format!("SELECT set_config('role', '{target}', false)"),
                format!("SET SESSION AUTHORIZATION {target}"),
                format!("SELECT set_config('session_authorization', '{target}', false)"),
                format!("GRANT {target} TO {login}"),
                format!("ALTER ROLE {target} LOGIN PASSWORD 'x'"),
            ] {
                member.expect_refusal(&attempt, &["42501"], "");
            }
        }
        for attempt in [
            "ALTER ROLE CURRENT_USER BYPASSRLS",
            "ALTER ROLE CURRENT_USER SUPERUSER",
            "CREATE ROLE more LOGIN",
            "CREATE EXTENSION file_fdw",
            "ALTER EXTENSION pg_crm UPDATE",
            "DROP EXTENSION pg_crm",
            "LOAD '/tmp/evil'",
            "SET row_security = off; SELECT count(*) FROM crm.venue",
            "SET session_replication_role = replica",
            "CREATE FUNCTION pg_temp.me(uuid) RETURNS void LANGUAGE c AS '$libdir/pg_crm', 'set_caller_wrapper'",
            "SELECT crm.set_caller(gen_random_uuid())",
            "SELECT * FROM crm.sign_in(sha256('x'))",
            "SELECT crm.create_principal('me', 'zqblue', 'admin', NULL, session_user)",
            "INSERT INTO crm.principal (org_id, name, role, db_user) SELECT 2, 'me', 'admin', session_user",
            "CREATE EVENT TRIGGER spy ON ddl_command_end EXECUTE FUNCTION crm.keep_notes()",
        ] {
            member.expect_refusal(attempt, &["42501"], "");
            let _ = member.attempt("SET row_security = on");
        }
        member.expect_rows("SELECT count(*) FROM crm.organisation", &["1"]);
    }
    // The service may be the four, and nothing else; what a role asks back is no right of its own.
    let mut service = tenants.database.session_as("crm_service");
    for target in ["crm_owner", "postgres", other.as_str()] {
        service.expect_refusal(&format!("SET ROLE {target}"), &["42501"], "");
    }
    service.expect_refusal("SELECT * FROM crm.customer", &["42501"], "");
    service.expect_refusal("SELECT crm.dossier('zqred-11')", &["42501"], "");
}

/// A schema of a member's own with functions and operators called like those that the CRM's functions use; each tells as
/// whom it runs.
const SHADOWS: &str = r#"
CREATE FUNCTION evil.told() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'evil as %', current_user; RETURN true; END $$;
DO $$
DECLARE
  f record;
  made int := 0;
BEGIN
  -- Every function of PostgreSQL's own over types that can be written down, under its name and for its types.
  FOR f IN
    SELECT DISTINCT ON (p.proname, p.proargtypes) p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, format_type(p.prorettype, NULL) AS result
    FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0 AND p.pronargs BETWEEN 0 AND 4
      AND (SELECT bool_and(t.typtype = 'b' AND t.typname IN ('text', 'int4', 'int8', 'uuid', 'jsonb', 'bool', 'numeric', 'timestamptz', 'timestamp', 'date', 'time', 'interval', 'bytea', 'name', '_text', '_uuid'))
           FROM unnest(p.proargtypes::oid[] || p.prorettype) AS a(oid) JOIN pg_type t ON t.oid = a.oid)
  LOOP
    EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE sql AS %L', f.proname, f.arguments, f.result, format('SELECT CASE WHEN evil.told() THEN NULL::%s END', f.result));
    made := made + 1;
  END LOOP;
  FOR f IN
    SELECT o.oprname, format_type(o.oprleft, NULL) AS l, format_type(o.oprright, NULL) AS r, p.proname
    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_proc e ON e.pronamespace = 'evil'::regnamespace AND e.proname = p.proname AND e.proargtypes = p.proargtypes
    WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b'
  LOOP
    EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, PROCEDURE = evil.%I)', f.oprname, f.l, f.r, f.proname);
    made := made + 1;
  END LOOP;
  ASSERT made > 500;
END
$$"#;

#[test]
fn functions_that_shadow_ours_and_postgresqls_never_run_as_somebody_else() {
    let mut tenants = Tenants::new("elevation_shadows");
    let own = tenants.names("zqr1");
    tenants.sql.run("CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO PUBLIC");
    let mut called = 0;
    for role in ROLES {
        let mut member = tenants.login("zqred", role, "NULL");
        let login = member.value("SELECT session_user");
        if role == "reader" {
            member.run(SHADOWS);
        }
        // Temporary tables come first of all, wherever a name is not qualified.
        member.run(
            "CREATE TEMP TABLE customer (org_id int, customer_id uuid, ref text); CREATE TEMP TABLE principal (principal_id uuid, org_id int, role text, venue_ids uuid[], db_user text);
             CREATE TEMP TABLE pg_roles (rolname name, rolsuper boolean); CREATE TEMP TABLE pg_class (oid oid); CREATE TEMP TABLE pg_settings (name text, setting text);
             INSERT INTO principal SELECT gen_random_uuid(), 2, 'admin', NULL, session_user; INSERT INTO pg_roles VALUES (session_user, true)",
        );
        for path in ["evil, pg_catalog, crm", "pg_temp, evil, pg_catalog, crm"] {
            member.run(&format!("SET search_path = {path}"));
            // Here it is in force.
            member.warnings();
            let _ = member.attempt("SELECT lower('X'::text)");
            assert_eq!(member.warnings(), [format!("evil as {login}")]);
            member.run("SET search_path = pg_catalog");
            let lists: Vec<_> = member.rows(
                "SELECT c.oid::regclass FROM pg_catalog.pg_class c WHERE c.relnamespace IN ('crm'::regnamespace, 'crm_bi'::regnamespace) AND c.relkind IN ('r', 'v') AND has_table_privilege(c.oid, 'SELECT')",
            );
            member.run(&format!("SET search_path = {path}"));
            let mut statements: Vec<String> =
                lists.iter().map(|list| format!("SELECT 1 FROM {list}")).collect();
            statements.extend(
                RECIPES
                    .iter()
                    .flat_map(|(_, calls)| *calls)
                    .filter(|(_, call)| call.starts_with("crm.") && call.ends_with(')'))
                    .map(|(_, call)| format!("SELECT 1 FROM {}", fill(call, &own, &own))),
            );
            for statement in statements {
                member.run("BEGIN");
                called += usize::from(member.attempt(&statement).is_ok());
                member.run("ROLLBACK");
                for told in member.warnings() {
                    assert!(
                        !told.starts_with("evil as") || told == format!("evil as {login}"),
                        "{role}: {statement}: {told}"
                    );
                }
            }
            member.run("SET search_path = pg_catalog");
            member.expect_rows("SELECT ref FROM crm.organisation", &["zqred"]);
            member.expect_rows("SELECT count(*) FROM crm.require_caller()", &["1"]);
        }
    }
    assert!(called > 300, "{called}");
}

#[test]
fn functions_with_the_names_of_the_callers_deceive_no_policy() {
    let mut tenants = Tenants::new("elevation_names");
    let blue = tenants.sql.value("SELECT org_id FROM crm.organisation WHERE ref = 'zqblue'");
    tenants.sql.run("GRANT CREATE ON SCHEMA public TO PUBLIC");
    for role in ROLES {
        let mut member = tenants.login("zqred", role, "NULL");
        member.run(&format!(
            "CREATE OR REPLACE FUNCTION pg_temp.caller_org() RETURNS int LANGUAGE sql AS 'SELECT {blue}';
             CREATE OR REPLACE FUNCTION pg_temp.caller() RETURNS TABLE (principal_id uuid, org_id int, role text, venue_ids uuid[]) LANGUAGE sql AS 'SELECT gen_random_uuid(), {blue}, ''admin'', NULL::uuid[]';
             CREATE FUNCTION public.caller_org_{role}() RETURNS int LANGUAGE sql AS 'SELECT {blue}';
             ALTER FUNCTION public.caller_org_{role}() RENAME TO caller_org;
             CREATE FUNCTION public.named_caller() RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
             CREATE FUNCTION public.is_administrator() RETURNS boolean LANGUAGE sql AS 'SELECT true';
             SET search_path = pg_temp, public, crm"
        ));
        member.expect_rows("SELECT ref FROM crm.organisation", &["zqred"]);
        member.expect_rows("SELECT DISTINCT ref FROM crm.venue ORDER BY 1", &["zqr1", "zqr2"]);
        member.expect_rows("SELECT ref FROM crm.venue_list() ORDER BY 1", &["zqr1", "zqr2"]);
        member.run("RESET search_path; DROP FUNCTION public.caller_org(); DROP FUNCTION public.named_caller(); DROP FUNCTION public.is_administrator()");
    }
}

#[test]
fn the_jobs_and_the_platforms_own_writes_run_no_code_of_a_searched_schema() {
    let mut tenants = Tenants::new("elevation_jobs");
    let name = tenants.database.name().to_owned();
    tenants.sql.run(&format!(
        r#"CREATE SCHEMA evil; {SHADOWS}; GRANT USAGE ON SCHEMA evil TO PUBLIC;
           CREATE ROLE {name}_host LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}_host"#
    ));
    let mut host = tenants.database.session_as(&format!("{name}_host"));
    host.run("SET statement_timeout = '60s'; SET search_path = pg_temp, evil, pg_catalog, public");
    host.warnings();
    host.run(r#"INSERT INTO public."Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('x', 'zqr1', 'zqred-11', 'COMPLETED', 5, pg_catalog.now())"#);
    host.run(r#"UPDATE public."Order" SET total = 7 WHERE id OPERATOR(pg_catalog.=) 'x'"#);
    host.run(r#"DELETE FROM public."Order" WHERE id OPERATOR(pg_catalog.=) 'x'"#);
    host.run(r#"UPDATE public."Customer" SET name = 'Other', phone = '+33611000099' WHERE id OPERATOR(pg_catalog.=) 'zqred-11'"#);
    host.run(r#"INSERT INTO public."Customer" (id, "orgId", name) VALUES ('y', 'zqred', 'Y')"#);
    host.run(r#"INSERT INTO public."Venue" (id, "orgId", name, tz, currency) VALUES ('zqr3', 'zqred', 'Three', 'UTC', 'EUR')"#);
    assert_eq!(host.warnings(), Vec::<String>::new());
    tenants.sql.expect_rows("SELECT name FROM crm.customer WHERE ref = 'zqred-11'", &["Other"]);

    let mut administrator = tenants.database.session();
    // PostgreSQL's own schema comes first unless an administrator himself puts another before it.
    administrator.run("SET statement_timeout = '60s'; SET search_path = evil, public");
    for call in [
        "CALL crm.run_sweep()",
        "CALL crm.run_night(recount => true)",
        "CALL crm.run_imports()",
        "CALL crm.backfill()",
        "SELECT crm.sweep()",
        "SELECT crm.health()",
        "SELECT crm.recompute_venue('zqr1')",
        "SELECT crm.verify_stats('zqr1')",
        "SELECT crm.verify_list()",
        "SELECT crm.check_binding()",
        "SELECT crm.rebind('order')",
        "SELECT crm.derive_preferences('zqr1')",
        "SELECT crm.create_principal('x', 'zqred', 'staff')",
        "SELECT crm.migrate()",
        "SELECT crm.overview('zqr1')",
        "SELECT crm.dossier('zqred-11')",
    ] {
        administrator.warnings();
        administrator.run(call);
        let told: Vec<_> =
            administrator.warnings().into_iter().filter(|told| told.starts_with("evil as")).collect();
        assert!(told.is_empty(), "{call}: {told:?}");
    }
    drop(host);
    tenants.sql.run(&format!("DROP OWNED BY {name}_host; DROP ROLE {name}_host"));
}

#[test]
fn whatever_a_role_may_call_pins_its_path_unless_it_only_computes() {
    let mut tenants = Tenants::new("elevation_pinned");
    tenants.sql.expect_none(
        "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
          WHERE p.pronamespace = 'crm'::regnamespace AND l.lanname IN ('sql', 'plpgsql')
            AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%')
            AND (p.prosecdef OR p.provolatile <> 'i' AND EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner AND a.grantee <> 'crm_owner'::regrole))",
    );
}
