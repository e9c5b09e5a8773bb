//! Nobody reaches what is another organisation's, or another venue's: every table, view and function that a role may
//! use, found in the catalogue. Each attempt first succeeds for who may, so that a refusal means something.

use std::collections::BTreeMap;

use crm_tests::isolation::{
    Kind, Names, OVER_VENUES, RECIPES, ROLES, Tenants, UNBOUND, fill, learned, marks,
};

/// Functions of the CRM that some role may call, each with the roles.
fn callable(tenants: &mut Tenants) -> BTreeMap<String, Vec<String>> {
    let rows = tenants.sql.rows(
        "SELECT n.nspname || '.' || p.proname || '(' || replace(pg_get_function_identity_arguments(p.oid), ', ', ',') || ')', p.oid::regprocedure, string_agg(substr(r.rolname, 5), ' ')
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
           JOIN pg_roles r ON r.rolname IN ('crm_reader', 'crm_staff', 'crm_manager', 'crm_admin', 'crm_service') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
          WHERE n.nspname IN ('crm', 'crm_bi') GROUP BY 1, 2",
    );
    rows.iter()
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            (cells[1].to_owned(), cells[2].split(' ').map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn every_function_that_a_role_may_call_is_tried_here() {
    let mut tenants = Tenants::new("isolation_known");
    let callable = callable(&mut tenants);
    let known: Vec<&str> = RECIPES.iter().map(|r| r.0).chain(UNBOUND.iter().map(|u| u.0)).collect();
    let forgotten: Vec<_> = callable.keys().filter(|f| !known.contains(&f.as_str())).collect();
    assert!(
        forgotten.is_empty(),
        "give each a recipe, or a reason why it takes nothing of a tenant, in tests/src/isolation/recipes.rs: {forgotten:#?}"
    );
    let gone: Vec<_> = known.iter().filter(|f| !callable.contains_key(**f)).collect();
    assert!(gone.is_empty(), "no role may call these: {gone:#?}");
}

/// Where an attempt comes from and what it is after.
struct Trial<'a> {
    /// Who may, by role: `zqblue` or `zqr2`.
    owner: &'a str,
    /// Who may not.
    stranger: &'a str,
    /// What is looked for in the answer, and may not change.
    of: &'a str,
    target: Names,
    owners_other: Names,
    strangers_own: Names,
    nowhere: Names,
}

/// What belongs to a venue, not to the organisation.
const OF_A_VENUE: [&str; 9] =
    ["venue", "venue_id", "segment", "note", "entry", "import", "new_import", "checked_import", "free_order"];

fn names_a_venue(template: &str) -> bool {
    OF_A_VENUE.iter().any(|name| template.contains(&format!("{{{name}}}")))
}

fn try_every_call(tenants: &mut Tenants, trial: &Trial) {
    let callable = callable(tenants);
    let print = tenants.fingerprint(trial.of);
    let mut wrong = vec![];
    for (function, calls) in RECIPES.iter() {
        for role in ROLES {
            let (owner, stranger) = (format!("{} {role}", trial.owner), format!("{} {role}", trial.stranger));
            for (kind, template) in *calls {
                let statement = |target, own| {
                    format!("SELECT * FROM {}", fill(template, target, own))
                        .replace("FROM (SELECT", "FROM (SELECT")
                };
                let statement = |target, own| {
                    let call = statement(target, own);
                    if template.contains(" > 0")
                        || template.contains(" IS NOT NULL")
                        || template.starts_with('(')
                    {
                        call.replacen("SELECT * FROM", "SELECT", 1)
                    } else {
                        call
                    }
                };
                let attempt = statement(&trial.target, &trial.strangers_own);
                let (answer, after) = tenants.answer_and_print(&stranger, &attempt, trial.of);
                let mut complain = |what: String| wrong.push(format!("{stranger}: {attempt}\n    {what}"));
                if after.is_some_and(|after| after != print)
                    && !(trial.of == "zqr2" && OVER_VENUES.iter().any(|o| o.0 == *function))
                {
                    complain(format!("changed what is {}'s", trial.of));
                }
                if !callable[*function].iter().any(|r| r == role) {
                    match &answer {
                        Err(r) if r.code == "42501" => {}
                        other => complain(format!("no right to call it, but {other:?}")),
                    }
                    continue;
                }
                let at_stake = trial.of != "zqr2" || names_a_venue(template);
                // The control: who may is not refused, given what is his at the same venue or the other one.
                let mut owned = Err(None);
                for own in [&trial.owners_other, &trial.target] {
                    if owned.is_err() {
                        owned = tenants.answer(&owner, &statement(&trial.target, own)).map_err(Some);
                    }
                }
                if let Err(refusal) = &owned
                    && *kind == Kind::Refused
                    && at_stake
                {
                    complain(format!("the control, {owner}, fails: {refusal:?}"));
                }
                let text = learned(&answer, template, &trial.target);
                if let Some(mark) = marks(&text, trial.of, &trial.target) {
                    complain(format!("tells …{mark}…"));
                }
                if !at_stake {
                    continue;
                }
                let refused = matches!(&answer, Err(r) if r.code == "CR404" || r.code == "42501");
                if *kind == Kind::Refused && !refused {
                    complain(format!("is not refused: {answer:?}"));
                }
                if *kind == Kind::Blind && answer.is_err() {
                    complain(format!("fails: {answer:?}"));
                }
                if *kind == Kind::Alike
                    && let Ok(rows) = &owned
                    && learned(&Ok(rows.clone()), template, &trial.target) == text
                {
                    complain("the control is answered no otherwise".to_owned());
                }
                if *kind != Kind::Blind {
                    let unknown = tenants.answer(&stranger, &statement(&trial.nowhere, &trial.strangers_own));
                    let of_nothing = learned(&unknown, template, &trial.nowhere);
                    if text != of_nothing {
                        complain(format!(
                            "a thing there is looks unlike one that is not:\n      {text}\n      {of_nothing}"
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(tenants.fingerprint(trial.of), print);
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_function_reaches_another_organisation() {
    let mut tenants = Tenants::new("isolation_organisation");
    let trial = Trial {
        owner: "zqblue",
        stranger: "zqred",
        of: "zqblue",
        target: tenants.names("zqb1"),
        owners_other: tenants.names("zqb2"),
        strangers_own: tenants.names("zqr1"),
        nowhere: tenants.names("nowhere"),
    };
    try_every_call(&mut tenants, &trial);
}

#[test]
fn no_function_reaches_another_venue() {
    let mut tenants = Tenants::new("isolation_venue");
    let trial = Trial {
        owner: "zqr2",
        stranger: "zqr1",
        of: "zqr2",
        target: tenants.names("zqr2"),
        owners_other: tenants.names("zqr1"),
        strangers_own: tenants.names("zqr1"),
        // Guests are the organisation's: they are there for everybody.
        nowhere: tenants
            .names("zqr2")
            .into_iter()
            .chain(tenants.names("nowhere").into_iter().filter(|(name, _)| OF_A_VENUE.contains(name)))
            .collect(),
    };
    try_every_call(&mut tenants, &trial);
}

/// Relations of the CRM that some role may read, each with the roles.
fn readable(tenants: &mut Tenants) -> BTreeMap<String, Vec<String>> {
    let rows = tenants.sql.rows(
        "SELECT c.oid::regclass, string_agg(substr(r.rolname, 5), ' ') FROM pg_class c
           JOIN pg_roles r ON r.rolname IN ('crm_reader', 'crm_staff', 'crm_manager', 'crm_admin', 'crm_service') AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
          WHERE c.relnamespace IN ('crm'::regnamespace, 'crm_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'S') GROUP BY 1",
    );
    rows.iter()
        .map(|row| row.split_once('|').expect("two columns"))
        .map(|(name, roles)| (name.to_owned(), roles.split(' ').map(str::to_owned).collect()))
        .collect()
}

/// Who may, who may not, whose: as for the functions.
const READERS: [(&str, &str, &str, &str); 2] =
    [("zqblue", "zqred", "zqblue", "zqb1"), ("zqr2", "zqr1", "zqr2", "zqr2")];

#[test]
fn no_table_or_view_shows_another_tenant_however_it_is_read() {
    let mut tenants = Tenants::new("isolation_tables");
    let readable = readable(&mut tenants);
    assert!(readable.len() > 20);
    let mut wrong = vec![];
    for (owner, stranger, of, venue) in READERS {
        let target = tenants.names(venue);
        for (relation, roles) in &readable {
            let mut shown = false;
            for role in ROLES.iter().filter(|role| roles.iter().any(|r| r == *role)) {
                let (owner, stranger) = (format!("{owner} {role}"), format!("{stranger} {role}"));
                let whole = format!("SELECT to_jsonb(t)::text FROM {relation} AS t");
                for statement in [
                    whole.clone(),
                    format!("SELECT count(*) FROM {relation}"),
                    format!("EXPLAIN (ANALYZE, VERBOSE, BUFFERS, COSTS, SETTINGS) {whole}"),
                    format!("WITH t AS MATERIALIZED (SELECT * FROM {relation}) SELECT t::text FROM t"),
                    format!("SELECT count(*) FROM {relation} AS t WHERE to_jsonb(t)::text ~ 'zqb'"),
                    format!("SELECT min(t::text), max(t::text) FROM {relation} AS t"),
                ] {
                    let theirs = tenants.answer(&owner, &statement).expect("who may reads").join("\n");
                    let ours =
                        tenants.answer(&stranger, &statement).expect("who may reads something").join("\n");
                    shown |= marks(&theirs, of, &target).is_some();
                    if let Some(mark) = marks(&ours, of, &target) {
                        wrong.push(format!("{stranger} by {statement}: …{mark}…"));
                    }
                    if statement.contains("~ 'zqb") && of == "zqblue" && ours != "0" {
                        wrong.push(format!("{stranger} counts {ours} by {statement}"));
                    }
                }
            }
            // Not everything belongs to a venue.
            if !shown && of == "zqblue" && relation != "crm_bi.labels" {
                wrong.push(format!("{relation} shows nothing of {of} to {owner}: the test proves nothing"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// A tenant's own login, as BI tools and administrators of an organisation have it.
fn each_login(tenants: &mut Tenants, mut with: impl FnMut(&mut Tenants, &str, &mut crm_tests::Session)) {
    for role in ROLES {
        let mut member = tenants.login("zqred", role, "NULL");
        with(tenants, role, &mut member);
    }
}

#[test]
fn cheap_functions_and_operators_of_a_caller_see_no_row_of_another() {
    let mut tenants = Tenants::new("isolation_leaky");
    let readable = readable(&mut tenants);
    let target = tenants.names("zqb1");
    each_login(&mut tenants, |_, role, member| {
        member.run(
            "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 IMMUTABLE AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
             CREATE FUNCTION pg_temp.tell(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 IMMUTABLE AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
             CREATE OPERATOR pg_temp.~~~~ (LEFTARG = text, RIGHTARG = text, PROCEDURE = pg_temp.tell)",
        );
        for (relation, _) in readable.iter().filter(|(_, roles)| roles.iter().any(|r| r == role)) {
            let mut seen = 0;
            for query in [
                format!("SELECT 1 FROM {relation} AS t WHERE pg_temp.tell(t::text)"),
                format!("SELECT 1 FROM {relation} AS t WHERE t::text OPERATOR(pg_temp.~~~~) 'x'"),
                format!(
                    "SELECT 1 FROM {relation} AS t JOIN {relation} AS u ON pg_temp.tell(t::text) AND pg_temp.tell(u::text)"
                ),
                format!(
                    "SELECT 1 FROM (SELECT * FROM {relation} OFFSET 0) AS t GROUP BY t HAVING pg_temp.tell(t::text)"
                ),
                format!("SELECT 1 FROM {relation} AS t ORDER BY pg_temp.tell(t::text)"),
                // An error tells a value as well as a warning does.
                format!(
                    "SELECT 1 FROM {relation} AS t WHERE CASE WHEN t::text ~* 'zqb' THEN (t::text)::int END = 1"
                ),
            ] {
                member.run(&query);
                let told = member.warnings();
                seen += told.len();
                let told = told.join("\n");
                assert_eq!(marks(&told, "zqblue", &target), None, "{role}: {query}");
            }
            assert!(seen > 0, "{role} sees rows of his own of {relation}");
        }
    });
}

#[test]
fn copies_cursors_and_statistics_show_no_row_of_another() {
    let mut tenants = Tenants::new("isolation_copy");
    tenants.sql.run("ANALYZE");
    // The names that a statistic of values would tell are there.
    let told = tenants
        .sql
        .rows("SELECT to_jsonb(s)::text FROM pg_stats s WHERE schemaname IN ('crm', 'public')")
        .join("\n");
    let target = tenants.names("zqb1");
    assert!(marks(&told, "zqblue", &target).is_some());
    let readable = readable(&mut tenants);
    each_login(&mut tenants, |_, role, member| {
        for (relation, roles) in &readable {
            let mine = roles.iter().any(|r| r == role);
            for copy in
                [format!("COPY (SELECT * FROM {relation}) TO STDOUT"), format!("COPY {relation} TO STDOUT")]
            {
                match member.copy_out(&copy) {
                    Ok(text) => assert_eq!(marks(&text, "zqblue", &target), None, "{role}: {copy}"),
                    // A view is copied by a query.
                    Err(refusal) => {
                        assert!(
                            refusal.code == "42501" && !mine || refusal.code == "42809",
                            "{role}: {copy}: {refusal:?}"
                        )
                    }
                }
            }
            if !mine {
                member.expect_refusal(&format!("SELECT * FROM {relation}"), &["42501"], "");
                continue;
            }
            member.run(&format!("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT to_jsonb(t)::text FROM {relation} AS t; DECLARE h CURSOR WITH HOLD FOR SELECT t::text FROM {relation} AS t"));
            let text = member.rows("FETCH ALL FROM c").join("\n");
            member.run("COMMIT");
            let text = text + &member.rows("FETCH ALL FROM h").join("\n");
            member.run("CLOSE h");
            assert_eq!(marks(&text, "zqblue", &target), None, "{role}: a cursor over {relation}");
        }
        let text = member.rows("SELECT to_jsonb(s)::text FROM pg_stats s").join("\n")
            + &member.rows("SELECT to_jsonb(s)::text FROM pg_stats_ext s").join("\n");
        assert_eq!(marks(&text, "zqblue", &target), None, "{role}: pg_stats");
        for catalogue in ["pg_statistic", "pg_statistic_ext_data", "pg_authid", "pg_user_mapping"] {
            member.expect_refusal(&format!("SELECT * FROM {catalogue}"), &["42501"], "");
        }
        for file in ["pg_read_file('postgresql.conf')", "pg_ls_dir('.')", "lo_import('postgresql.conf')"] {
            member.expect_refusal(&format!("SELECT {file}"), &["42501"], "");
        }
        // The platform's own tables are the platform's.
        for table in ["\"Order\"", "\"Customer\"", "\"Line\"", "\"Venue\"", "\"Product\""] {
            member.expect_refusal(&format!("SELECT * FROM public.{table}"), &["42501"], "");
        }
    });
}

#[test]
fn the_planner_estimates_another_tenants_guest_like_nobody() {
    let mut tenants = Tenants::new("isolation_estimate");
    tenants.sql.run("ANALYZE");
    let (theirs, nobody) = (tenants.names("zqb1"), tenants.names("nowhere"));
    let mut member = tenants.login("zqred", "admin", "NULL");
    for (condition, name) in [
        ("ref = '{}'", "guest"),
        ("customer_id = '{}'", "guest_id"),
        ("email = '{}'", "email"),
        ("lower(email) = '{}'", "email"),
        ("phone LIKE '{}%'", "phone"),
    ] {
        let mut plan = |of: &crm_tests::isolation::Names| {
            let query =
                format!("EXPLAIN SELECT * FROM crm.customer WHERE {}", condition.replace("{}", &of[name]));
            member.rows(&query).join("\n").replace(of[name].as_str(), "·")
        };
        let (of_theirs, of_nobody) = (plan(&theirs), plan(&nobody));
        // The bounds of a prefix are spelt out in the plan.
        let shape = |plan: &str| {
            plan.lines().map(|l| l.split("  (cost").nth(1).unwrap_or("").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shape(&of_theirs), shape(&of_nobody), "{condition}");
    }
}

#[test]
fn nobody_writes_a_table_by_hand_or_hangs_something_on_it() {
    let mut tenants = Tenants::new("isolation_writes");
    let relations = tenants.sql.rows(
        "SELECT c.oid::regclass, (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum = CASE c.relkind WHEN 'v' THEN 2 ELSE 1 END) FROM pg_class c
          WHERE c.relnamespace IN ('crm'::regnamespace, 'crm_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v') ORDER BY 1",
    );
    assert!(relations.len() > 50);
    each_login(&mut tenants, |_, role, member| {
        member
            .run("CREATE FUNCTION pg_temp.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
        for relation in &relations {
            let (relation, column) = relation.split_once('|').expect("two columns");
            for statement in [
                format!("INSERT INTO {relation} DEFAULT VALUES"),
                format!("UPDATE {relation} SET {column} = DEFAULT"),
                format!("DELETE FROM {relation}"),
                format!("TRUNCATE {relation}"),
                format!("SELECT 1 FROM {relation} FOR UPDATE"),
                format!("SELECT 1 FROM {relation} FOR KEY SHARE"),
                format!("DO $$ BEGIN LOCK TABLE {relation} IN EXCLUSIVE MODE; END $$"),
                format!("COPY {relation} FROM PROGRAM 'true'"),
                format!("ALTER TABLE {relation} ADD spy int"),
                format!(
                    "CREATE TRIGGER spy BEFORE INSERT ON {relation} FOR EACH ROW EXECUTE FUNCTION pg_temp.spy()"
                ),
                format!("CREATE POLICY spy ON {relation} USING (true)"),
                format!("CREATE RULE spy AS ON SELECT TO {relation} DO INSTEAD NOTHING"),
                format!("ALTER TABLE {relation} DISABLE ROW LEVEL SECURITY"),
                format!("GRANT SELECT ON {relation} TO PUBLIC"),
                format!("CREATE TABLE public.spy (x int REFERENCES {relation})"),
                format!("CREATE INDEX spy ON {relation} (({column}::text))"),
                format!("CREATE STATISTICS spy ON ({column}::text) FROM {relation}"),
                format!("COMMENT ON TABLE {relation} IS 'spy'"),
            ] {
                match member.attempt(&statement) {
                    // Or a statement that does not fit a view.
                    Err(refusal) => assert!(
                        ["42501", "42809", "55000", "0A000", "42P16", "42703"]
                            .contains(&refusal.code.as_str()),
                        "{role}: {statement}: {refusal:?}"
                    ),
                    Ok(()) => assert!(statement.starts_with("GRANT"), "{role} may {statement}"),
                }
            }
        }
        for schema in ["crm", "crm_bi", "public"] {
            member.expect_refusal(&format!("CREATE TABLE {schema}.mine (x int)"), &["42501"], "");
            member.expect_refusal(
                &format!("CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
                &["42501"],
                "",
            );
        }
    });
    tenants.sql.expect_none(
        "SELECT c.oid::regclass, a.grantee::regrole, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
          WHERE c.relnamespace IN ('crm'::regnamespace, 'crm_bi'::regnamespace) AND a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'",
    );
}

#[test]
fn what_the_service_prepared_for_one_tenant_answers_the_next_with_his_own() {
    let mut tenants = Tenants::new("isolation_service");
    let (blue, red) = (tenants.names("zqb1"), tenants.names("zqr1"));
    let readable = readable(&mut tenants);
    let key = |tenants: &mut Tenants, who: &str| {
        tenants.sql.value(&format!(
            "SELECT crm.create_api_key(principal_id) FROM crm.principal WHERE name = '{who}'"
        ))
    };
    for role in ["staff", "manager", "admin"] {
        let keys =
            [key(&mut tenants, &format!("zqblue {role}")), key(&mut tenants, &format!("zqred {role}"))];
        let mut service = tenants.database.session_as("crm_service");
        let mut statements: Vec<_> = readable
            .iter()
            .filter(|(relation, roles)| roles.iter().any(|r| r == role) && *relation != "crm_bi.labels")
            .map(|(relation, _)| (format!("SELECT to_jsonb(t)::text FROM {relation} AS t"), true))
            .collect();
        for (_, calls) in RECIPES.iter().filter(|(function, _)| {
            [
                "crm.customer_list",
                "crm.find_customers",
                "crm.segment_list",
                "crm.tag_list",
                "crm.venue_list",
                "crm.dossier",
                "crm.timeline",
                "crm.health_needs",
            ]
            .iter()
            .any(|f| function.starts_with(&format!("{f}(")))
        }) {
            statements.extend(calls.iter().map(|(kind, call)| {
                (
                    format!("SELECT to_jsonb(t)::text FROM {} AS t", fill(call, &blue, &red)),
                    *kind == Kind::Blind,
                )
            }));
        }
        // Often enough for a generic plan, one after the other.
        for round in 0..7 {
            for (turn, key) in keys.iter().enumerate() {
                for (number, (statement, whole)) in statements.iter().enumerate() {
                    service.run(&format!(
                        "BEGIN; SELECT crm.sign_in(sha256('{key}')); SET LOCAL ROLE crm_{role}"
                    ));
                    if round == 0 && turn == 0 {
                        service.run(&format!("PREPARE s{number} AS {statement}"));
                    }
                    let answer = service.try_rows(&format!("EXECUTE s{number}"));
                    service.run("ROLLBACK");
                    if turn == 1 {
                        let text = match answer {
                            Ok(rows) => rows.join("\n"),
                            Err(refusal) => {
                                assert!(!whole && refusal.code == "CR404", "{statement}: {refusal:?}");
                                continue;
                            }
                        };
                        assert_eq!(marks(&text, "zqblue", &blue), None, "{role}: {statement}");
                        assert!(
                            !whole || !text.is_empty() || round > 0,
                            "{role} sees nothing by {statement}"
                        );
                    } else {
                        assert!(answer.is_ok(), "{role}: {statement}: {answer:?}");
                    }
                }
            }
        }
        // Without a caller the same plans show nothing.
        service.run(&format!("BEGIN; SET LOCAL ROLE crm_{role}"));
        for (number, (statement, whole)) in statements.iter().enumerate() {
            service.run("SAVEPOINT one");
            match service.try_rows(&format!("EXECUTE s{number}")) {
                Ok(rows) => assert!(
                    rows.is_empty() || !whole && rows == ["[]"],
                    "{role} without a caller: {statement}: {rows:?}"
                ),
                Err(refusal) => assert_eq!(refusal.code, "42501", "{statement}"),
            }
            service.run("ROLLBACK TO one");
        }
        service.run("ROLLBACK");
    }
}
