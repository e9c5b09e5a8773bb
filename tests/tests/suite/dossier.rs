//! What is said of a guest: tags, notes, and the page that shows it all.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        "SELECT dine('ana', 'bistro', '2025-02-01 20:00', 40); SELECT dine('ana', 'bistro', '2025-02-11 20:00', 30.50);
         SELECT dine('ana', 'bistro', '2025-02-21 20:00', 20); SELECT dine('ana', 'bar', '2025-02-22 23:00', 9);
         SELECT dine('ben', 'bar', '2025-02-22 23:00', 5)",
    );
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    restaurant::bind(&mut sql);
    (database, sql)
}

fn member(database: &TestDatabase, sql: &mut Session, name: &str, role: &str, venues: &str) -> Session {
    let login = format!("{}_{name}", database.name());
    sql.run(&format!(
        "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
         SELECT crm.create_principal('{name}', NULL, '{role}', {venues}, '{login}'); GRANT crm_{role} TO {login}"
    ));
    database.session_as(&login)
}

fn dismiss(database: &TestDatabase, sql: &mut Session, names: &[&str]) {
    for name in names {
        sql.run(&format!("DROP OWNED BY {0}_{name}; DROP ROLE {0}_{name}", database.name()));
    }
}

#[test]
fn tags_have_one_name_however_it_is_written() {
    let (_database, mut sql) = platform("tag_names");
    assert_eq!(sql.number("SELECT crm.tag_customers('{ana,ben,ana}', ARRAY['VIP', ' wine   club '])"), 4);
    assert_eq!(sql.number("SELECT crm.tag_customers('{ana}', ARRAY['vip', 'Wine Club', 'ｖｉｐ'])"), 0);
    sql.expect_rows("SELECT name, guests FROM crm.tag_list()", &["VIP|2", "wine club|2"]);
    assert_eq!(sql.number("SELECT crm.untag_customers('{ana,ben}', '{VIP}')"), 2);
    assert_eq!(sql.number("SELECT crm.untag_customers('{ana,ben}', '{VIP}')"), 0);
    sql.run("SELECT crm.save_tag('VIP', '#C0392B', new_name => 'Very Important')");
    sql.expect_rows(
        "SELECT name, colour FROM crm.tag_list() WHERE name LIKE 'Very%'",
        &["Very Important|#c0392b"],
    );
    sql.expect_refusal(
        "SELECT crm.save_tag('Very Important', new_name => 'WINE CLUB')",
        &["CR409"],
        "already",
    );
    assert_eq!(sql.number("SELECT crm.delete_tag('wine club')"), 2);
    sql.expect_none("SELECT * FROM crm.customer_tag");
    for (call, code, part) in [
        ("crm.tag_customers('{ana}', '{}')", "22023", "tags"),
        ("crm.tag_customers('{}', '{x}')", "22023", "guests"),
        ("crm.tag_customers('{ana}', ARRAY['  '])", "22023", "60"),
        ("crm.tag_customers('{ana,ghost}', '{x}')", "CR404", "ghost"),
        ("crm.untag_customers('{ana}', '{nothing}')", "CR404", "nothing"),
        ("crm.tag_customers('{ana}', '{x}', now() - interval '1000 days')", "22023", "to come"),
        ("crm.save_tag('x', 'red')", "22023", "colour"),
        ("crm.save_tag('x', segment => 999999)", "CR404", "999999"),
        ("crm.delete_tag('nothing')", "CR404", "nothing"),
    ] {
        sql.expect_refusal(&format!("SELECT {call}"), &[code], part);
    }
    sql.expect_refusal(
        &format!("SELECT crm.tag_customers('{{ana}}', ARRAY['{}'])", "x".repeat(61)),
        &["22023"],
        "60",
    );
    sql.expect_none("SELECT * FROM crm.tag WHERE name = 'x'");
}

#[test]
fn a_guest_has_at_most_fifty_tags() {
    let (_database, mut sql) = platform("fifty");
    sql.run("SELECT crm.tag_customers('{ana}', ARRAY(SELECT 't' || i FROM generate_series(1, 50) i))");
    sql.expect_refusal("SELECT crm.tag_customers('{ben,ana}', '{one more}')", &["CR409"], "50");
    sql.expect_rows("SELECT count(*) FROM crm.customer_tag", &["50"]);
    sql.expect_rows("SELECT count(*) FROM crm.tag", &["50"]);
}

#[test]
fn segments_follow_tags_at_once_and_when_they_expire() {
    let (_database, mut sql) = platform("tag_segments");
    let venue = sql.number(
        r#"SELECT crm.create_segment('bistro', 'wine', 'Wine lovers', '{"v":1,"where":{"field":"tags","op":"has","value":"Wine"}}')"#,
    );
    let chain = sql.number(r#"SELECT crm.create_segment(NULL, 'dry', 'No wine', '{"v":1,"scope":"org","where":{"field":"tags","op":"has_none","value":["Wine"]}}')"#);
    let members = |sql: &mut Session, segment: i64| {
        sql.rows(&format!("SELECT c.ref FROM crm.segment_member m JOIN crm.customer c USING (org_id, customer_id) WHERE segment_id = {segment} ORDER BY 1"))
    };
    assert_eq!(
        (members(&mut sql, venue), members(&mut sql, chain)),
        (vec![], vec!["ana".into(), "ben".into()])
    );
    sql.run("SELECT crm.tag_customers('{ana,ben}', '{Wine}', '2025-03-12 00:00+00')");
    assert_eq!((members(&mut sql, venue), members(&mut sql, chain)), (vec!["ana".to_owned()], vec![]));
    sql.expect_rows(
        &format!("SELECT event, cause FROM crm.segment_event WHERE segment_id = {venue}"),
        &["entered|tag"],
    );
    sql.run("SET crm.as_of = '2025-03-12 00:01+00'");
    sql.run("CALL crm.run_sweep()");
    sql.expect_none("SELECT * FROM crm.customer_tag");
    assert_eq!(
        (members(&mut sql, venue), members(&mut sql, chain)),
        (vec![], vec!["ana".into(), "ben".into()])
    );
    // A rule: every member has the tag, nobody else.
    sql.run(&format!("SELECT crm.save_tag('Abstinent', '#ffffff', {chain})"));
    sql.expect_rows("SELECT c.ref, g.source FROM crm.guest_tag g JOIN crm.customer c USING (org_id, customer_id) ORDER BY 1", &["ana|rule", "ben|rule"]);
    sql.expect_refusal("SELECT crm.tag_customers('{ana}', '{abstinent}')", &["CR409"], "rule");
    sql.run("SELECT crm.tag_customers('{ana}', '{Wine}')");
    sql.expect_rows(
        "SELECT c.ref, g.name, g.source FROM crm.guest_tag g JOIN crm.customer c USING (org_id, customer_id) ORDER BY 1, 2",
        &["ana|Wine|hand", "ben|Abstinent|rule"],
    );
    sql.expect_refusal(&format!("SELECT crm.save_tag('Wine', NULL, {chain})"), &["CR409"], "by hand");
}

#[test]
fn segments_follow_the_other_fields_of_a_profile() {
    let (_database, mut sql) = platform("profile_segments");
    let cases = [
        (
            r#"{"field":"city","op":"eq","value":"lyon"}"#,
            r#"SELECT crm.add_contact('ana', 'address', '1 rue X', NULL, true, '{"city":"Lyon"}')"#,
            "ana",
        ),
        (
            r#"{"field":"kind","op":"eq","value":"wholesale"}"#,
            r#"SELECT crm.update_customer('ben', '{"kind":"wholesale"}')"#,
            "ben",
        ),
        (
            r#"{"field":"language","op":"starts_with","value":"pt"}"#,
            r#"SELECT crm.update_customer('ana', '{"language":"pt-BR"}')"#,
            "ana",
        ),
        (r#"{"field":"blocked","op":"is","value":true}"#, "SELECT crm.block_customer('ben', 'fight')", "ben"),
        (
            r#"{"field":"birth_date","op":"month_is","value":2}"#,
            r#"SELECT crm.update_customer('ben', '{"birthday":"--02-29"}')"#,
            "ben",
        ),
    ];
    for (number, (node, change, guest)) in cases.into_iter().enumerate() {
        let segment = sql.number(&format!(
            r#"SELECT crm.create_segment(NULL, 's{number}', 'S', '{{"v":1,"scope":"org","where":{node}}}')"#
        ));
        sql.expect_none(&format!("SELECT * FROM crm.segment_member WHERE segment_id = {segment}"));
        sql.run(change);
        sql.expect_rows(
            &format!("SELECT c.ref FROM crm.segment_member JOIN crm.customer c USING (org_id, customer_id) WHERE segment_id = {segment}"),
            &[guest],
        );
    }
}

#[test]
fn notes_are_kept_as_written_and_stay_at_their_venue() {
    let (database, mut sql) = platform("notes");
    let mut bistro = member(&database, &mut sql, "bistro", "staff", "'{bistro}'");
    let mut bar = member(&database, &mut sql, "bar", "staff", "'{bar}'");
    let first = bistro.number("SELECT crm.add_note('ana', 'bistro', '  window seat, please\n')");
    let second =
        bistro.number(&format!("SELECT crm.add_note('ana', 'bistro', 'corner seat', false, {first})"));
    bar.run("SELECT crm.add_note('ana', 'bar', 'tips well', true)");
    bistro.expect_rows(
        "SELECT body, author, corrects FROM crm.note ORDER BY note_id",
        &["window seat, please|bistro|null", &format!("corner seat|bistro|{first}")],
    );
    bar.expect_rows("SELECT body FROM crm.note", &["tips well"]);
    bistro.run(&format!("SELECT crm.pin_note({second})"));
    bar.expect_refusal(&format!("SELECT crm.pin_note({second})"), &["CR404"], "unknown note");
    bar.expect_refusal("SELECT crm.add_note('ana', 'bistro', 'x')", &["CR404"], "bistro");
    bar.expect_refusal(
        &format!("SELECT crm.add_note('ana', 'bar', 'x', false, {first})"),
        &["CR404"],
        "note",
    );
    let noted = bistro.value(
        "SELECT string_agg(n ->> 'body', '; ') FROM jsonb_array_elements(crm.dossier('ana') -> 'notes') AS n",
    );
    assert_eq!(noted, "corner seat; window seat, please", "the pinned one first, none of the bar's");
    // Nobody rewrites them, not the owner of the table nor a superuser.
    for attempt in ["UPDATE crm.note SET body = 'nice'", "DELETE FROM crm.note", "TRUNCATE crm.note"] {
        sql.expect_refusal(attempt, &["55000"], "kept as they were written");
        bistro.expect_refusal(attempt, &["42501"], "permission");
    }
    for (body, part) in [("", "4000"), (" \n ", "4000"), (&"x".repeat(4001), "4000")] {
        bistro.expect_refusal(&format!("SELECT crm.add_note('ana', 'bistro', '{body}')"), &["22023"], part);
    }
    drop((bistro, bar));
    dismiss(&database, &mut sql, &["bistro", "bar"]);
}

#[test]
fn a_dossier_says_in_one_object_what_a_host_needs() {
    let (database, mut sql) = platform("page");
    sql.run(
        r#"SELECT crm.update_customer('ana', '{"birthday":"1990-03-15","phone":"+33 6 11 22 33 44"}');
           SELECT crm.tag_customers('{ana}', '{VIP}'); SELECT crm.save_tag('VIP', '#c0392b'); SELECT crm.add_note('ana', 'bistro', 'allergic to queues', true);
           SELECT crm.block_customer('ben', 'fight'); SELECT crm.set_health_needs('ana', '{nuts}', '{vegan}', 'bistro');
           SELECT crm.state_preference('ana', 'seating', 'window', 'bistro')"#,
    );
    let at = |path: &str| format!("SELECT crm.dossier('ana') #>> '{path}'");
    for (path, expected) in [
        ("{profile,name}", "Ana"),
        ("{profile,phone_e164}", "+33611223344"),
        ("{profile,birthday}", "1990-03-15"),
        ("{lifetime,0,total_spent}", "99.50"),
        ("{lifetime,0,venues}", "2"),
        ("{venues,0,venue_name}", "Bar"), // where she came last first
        ("{venues,1,total_visits}", "3"),
        ("{badges,1,badge}", "POTENTIAL"),
        ("{badges,1,why}", "Bistro: regular, 3 visits, last 17 days ago"),
        ("{badges,2,badge}", "BIRTHDAY"),
        ("{badges,2,why}", "in 5 days"),
        ("{tags,0,name}", "VIP"),
        ("{tags,0,colour}", "#c0392b"),
        ("{notes,0,body}", "allergic to queues"),
        ("{health_needs,0,value}", "nuts"),
        ("{preferences,0,value}", "window"),
        ("{recent_orders,0,total}", "9.00"),
    ] {
        assert_eq!(sql.value(&at(path)), expected, "{path}");
    }
    sql.expect_rows(
        "SELECT crm.dossier('ben') #>> '{badges,0}'",
        &[r#"{"why": "fight", "badge": "BLOCKED"}"#],
    );
    // Staff of the bar see what is the bar's, and the totals of all.
    let mut bar = member(&database, &mut sql, "bar", "staff", "'{bar}'");
    bar.expect_rows("SELECT jsonb_array_length(d -> 'venues'), jsonb_array_length(d -> 'notes') + jsonb_array_length(d -> 'health_needs') + jsonb_array_length(d -> 'preferences'), jsonb_array_length(d -> 'recent_orders'), d #>> '{lifetime,0,total_spent}' FROM crm.dossier('ana') AS d", &["1|0|1|99.50"]);
    bar.expect_refusal("SELECT crm.dossier('ghost')", &["CR404"], "ghost");
    drop(bar);
    dismiss(&database, &mut sql, &["bar"]);
}

#[test]
fn a_timeline_is_paged_without_gaps_or_repeats() {
    let (_database, mut sql) = platform("timeline");
    sql.run(
        "SELECT crm.create_segment('bistro', 'big', 'Big', '{\"v\":1,\"where\":{\"field\":\"total_spent\",\"op\":\"gte\",\"value\":100}}');
         SELECT crm.add_note('ana', 'bistro', 'hello'); SELECT crm.update_customer('ana', '{\"language\":\"fr\"}');
         SELECT dine('ana', 'bistro', '2025-03-09 20:00', 60)",
    );
    sql.run("SELECT crm.merge_customers('ana', 'ben', 'twins')");
    let whole = sql.rows("SELECT kind, summary FROM crm.timeline('ana')");
    let kinds: std::collections::BTreeSet<_> =
        whole.iter().map(|row| row.split('|').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["label", "merge", "note", "order", "profile", "segment"]
    );
    assert_eq!(whole.iter().filter(|row| row.starts_with("order")).count(), 6, "{whole:#?}");
    for size in [1, 2, 3, 7] {
        let paged = sql.rows(&format!(
            "WITH RECURSIVE page AS (
               SELECT 1 AS n, p.* FROM (SELECT array_agg(t.kind || '|' || t.summary ORDER BY t.ordinality) AS rows, (array_agg(t.cursor ORDER BY t.at, t.kind, t.cursor ->> 'id'))[1] AS last FROM crm.timeline('ana', NULL, {size}) WITH ORDINALITY t) p
               UNION ALL
               SELECT n + 1, x.* FROM page CROSS JOIN LATERAL (
                 SELECT array_agg(t.kind || '|' || t.summary ORDER BY t.ordinality) AS rows, (array_agg(t.cursor ORDER BY t.at, t.kind, t.cursor ->> 'id'))[1] AS last FROM crm.timeline('ana', page.last, {size}) WITH ORDINALITY t) x
               WHERE page.last IS NOT NULL)
             SELECT u FROM page, unnest(rows) WITH ORDINALITY AS u(u, o) ORDER BY n, o"
        ));
        assert_eq!(paged, whole, "pages of {size}");
    }
    sql.expect_refusal("SELECT * FROM crm.timeline('ana', '{\"at\":\"never\"}')", &["22023"], "cursor");
    sql.expect_refusal("SELECT * FROM crm.timeline('ana', NULL, 0)", &["22023"], "page");
    sql.expect_refusal("SELECT * FROM crm.timeline('ghost')", &["CR404"], "ghost");
}

#[test]
fn the_list_of_guests_is_filtered_by_tags_and_segment() {
    let (database, mut sql) = platform("list");
    sql.run(
        "SELECT dine('g' || i, CASE i % 2 WHEN 0 THEN 'bistro' ELSE 'bar' END, timestamp '2025-03-01 12:00' - (i % 17) * interval '3 days', i) FROM generate_series(1, 60) i;
         SELECT crm.tag_customers(ARRAY(SELECT 'g' || i FROM generate_series(3, 60, 3) i), '{Three}');
         SELECT crm.tag_customers(ARRAY(SELECT 'g' || i FROM generate_series(4, 60, 4) i), '{Four}')",
    );
    let segment = sql.number(r#"SELECT crm.create_segment(NULL, 'big', 'Big', '{"v":1,"scope":"org","where":{"field":"total_spent","op":"gte","value":30}}')"#);
    let login = format!("{}_manager", database.name());
    let mut manager = member(&database, &mut sql, "manager", "manager", "NULL");
    let listed = |sql: &mut Session, call: &str| {
        sql.rows(&format!("SELECT ref FROM crm.customer_list({call}, page_size => 200)"))
    };
    let numbers = |wanted: &dyn Fn(u32) -> bool| {
        (1..=60).filter(|i| wanted(*i)).map(|i| format!("g{i}")).collect::<Vec<_>>()
    };
    // Each row has its tags, by hand and by a rule, at a venue as over all.
    sql.run(&format!("SELECT crm.save_tag('Spender', '#c92a2a', {segment})"));
    for (guest, tags) in
        [("g12", "Four Three"), ("g13", ""), ("g31", "Spender#c92a2a"), ("g36", "Four Spender#c92a2a Three")]
    {
        for at in ["venue => CASE WHEN right(c.ref, 1) IN ('1', '3') THEN 'bar' ELSE 'bistro' END", ""] {
            let call = if at.is_empty() { String::new() } else { format!("{at}, ") };
            manager.expect_rows(
                &format!(
                    "SELECT (SELECT COALESCE(string_agg(concat(t ->> 'name', t ->> 'colour'), ' '), '') FROM jsonb_array_elements(l.tags) t)
                     FROM crm.customer c, crm.customer_list({call}page_size => 200) l WHERE c.ref = '{guest}' AND l.ref = c.ref"
                ),
                &[tags],
            );
        }
    }
    // By spend, which is the guest's number.
    assert_eq!(listed(&mut manager, "sort => 'spend', tags => '{three}'"), numbers(&|i| i % 3 == 0));
    assert_eq!(listed(&mut manager, "sort => 'spend', tags => '{Three,FOUR}'"), numbers(&|i| i % 12 == 0));
    assert_eq!(
        listed(
            &mut manager,
            &format!("sort => 'spend', tags => '{{Three}}', segment => {segment}, venue => 'bar'")
        ),
        numbers(&|i| i % 3 == 0 && i % 2 == 1 && i >= 30)
    );
    assert_eq!(
        listed(&mut manager, "sort => 'spend', tags => '{Three}', spend_from => 20, spend_to => 40"),
        numbers(&|i| i % 3 == 0 && (20..=40).contains(&i))
    );
    // Paged, in every order, the same guests.
    for sort in ["-spend", "last_visit", "name", "-name", "orders"] {
        let whole = listed(&mut manager, &format!("sort => '{sort}', tags => '{{Three}}'"));
        assert_eq!(whole.len(), 20, "{sort}");
        let paged = manager.rows(&format!(
            "WITH RECURSIVE page AS (
               SELECT 1 AS n, p.* FROM (SELECT array_agg(l.ref) AS refs, (array_agg(l.cursor))[7] AS last FROM crm.customer_list(sort => '{sort}', tags => '{{Three}}', page_size => 7) l) p
               UNION ALL
               SELECT n + 1, x.* FROM page CROSS JOIN LATERAL (
                 SELECT array_agg(l.ref) AS refs, (array_agg(l.cursor))[7] AS last FROM crm.customer_list(sort => '{sort}', tags => '{{Three}}', page_size => 7, after => page.last) l) x
               WHERE page.last IS NOT NULL)
             SELECT u FROM page, unnest(refs) WITH ORDINALITY AS u(u, o) ORDER BY n, o"
        ));
        assert_eq!(paged, whole, "{sort}");
    }
    for (call, code, part) in [
        ("tags => '{nothing}'", "CR404", "nothing"),
        ("tags => '{}'", "22023", "tags"),
        ("segment => 999999", "CR404", "999999"),
    ] {
        manager.expect_refusal(&format!("SELECT * FROM crm.customer_list({call})"), &[code], part);
    }
    drop(manager);
    sql.run(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
}
