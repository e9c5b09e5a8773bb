//! Who a guest is: found by whatever is known of him, captured once, edited where the platform keeps him, merged and taken apart.

use std::sync::{Arc, Barrier};
use std::thread;

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// The bistro and the bar in France, and guests with accents and numbers in several notations.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email, "dateOfBirth") VALUES
             ('jose',  'José  Núñez',       '06 12 34 56 78',     'Jose.Nunez@Example.com', '1980-02-29'),
             ('ana',   'Ana Silva',         '+33 6 11 22 33 44',  'ana@example.com',        '1990-05-17'),
             ('anna',  'Silva Ána',         '0611223344',         NULL,                     '1990-05-17'),
             ('obrien','Seán O’Brien',      '+353 85 012 3456',   NULL,                     NULL),
             ('nobody', NULL,               'unknown',            NULL,                     NULL)"#,
    );
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
        ('1', 'bistro', 'ana',  'COMPLETED', 10, '2025-03-01 19:00 Europe/Paris'),
        ('2', 'bistro', 'anna', 'COMPLETED', 20, '2025-03-02 12:00 Europe/Paris'),
        ('3', 'bar',    'anna', 'COMPLETED', 5,  '2025-03-03 12:00 Europe/Paris'),
        ('4', 'bistro', NULL,   'COMPLETED', 7,  '2025-03-04 12:00 Europe/Paris')"#,
    );
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    sql.run(
        r#"SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency","region":{"constant":"FR"}}')"#,
    );
    sql.run(
        r#"SELECT crm.bind('customer', 'public."Customer"', '{"ref":"id","name":"name","phone":"phone","email":"email","birth_date":"dateOfBirth"}')"#,
    );
    restaurant::bind_orders_and_backfill(&mut sql);
    sql.run("CALL crm.run_sweep()");
    (database, sql)
}

#[track_caller]
fn expect_found(sql: &mut Session, query: &str, expected: &[&str]) {
    let query = query.replace('\'', "''");
    sql.expect_rows(&format!("SELECT ref, matched FROM crm.find_customers('{query}')"), expected);
}

/// A login of the only organisation.
fn member(database: &TestDatabase, sql: &mut Session, role: &str, venues: &str) -> Session {
    let login = format!("{}_{role}", database.name());
    sql.run(&format!(
        "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
         SELECT crm.create_principal('{login}', NULL, '{role}', {venues}, '{login}'); GRANT crm_{role} TO {login}"
    ));
    database.session_as(&login)
}

#[test]
fn a_guest_is_found_by_whatever_is_known_of_him() {
    let (_database, mut sql) = platform("found");
    for number in
        ["06 12 34 56 78", "+33612345678", "0033 6 12.34.56.78", "+33 (0)6 12 34 56 78", "5678", "345678"]
    {
        expect_found(&mut sql, number, &["jose|phone"]);
    }
    expect_found(&mut sql, "3344", &["anna|phone", "ana|phone"]); // the later visitor first
    expect_found(&mut sql, "+353850123456", &["obrien|phone"]);
    for name in ["jose nunez", "JOSÉ NÚÑEZ", "nunez", "nuñ", "Núñez José"] {
        expect_found(&mut sql, name, &["jose|name"]);
    }
    for name in ["O'Brien", "obrien", "sean ob"] {
        expect_found(&mut sql, name, &["obrien|name"]);
    }
    expect_found(&mut sql, "ana silva", &["anna|name", "ana|name"]);
    // Misspelt.
    expect_found(&mut sql, "jose nunes", &["jose|similar name"]);
    expect_found(&mut sql, "obriem", &["obrien|similar name"]);
    expect_found(&mut sql, "jose.nunez@EXAMPLE", &["jose|email"]);
    sql.run(r#"SELECT crm.update_customer('ana', '{"document":"AB-12345"}')"#);
    expect_found(&mut sql, "ab-12345", &["ana|document"]);
    sql.run("SELECT crm.tag_customers('{obrien}', '{Wine Club}')");
    expect_found(&mut sql, "wine club", &["obrien|tag"]);
    for nothing in
        ["zzz", "12", "%", "_____", "' OR true --", "\\", "☎", "unbekannt xyz", "a & b | !c", "jose:*"]
    {
        let query = nothing.replace('\'', "''");
        let rows = sql.rows(&format!("SELECT ref FROM crm.find_customers('{query}')"));
        assert!(rows.is_empty() || nothing == "jose:*", "{nothing} found {rows:?}");
    }
    // A merged guest is found as his survivor.
    sql.run("SELECT crm.merge_customers('ana', 'anna', 'one person')");
    expect_found(&mut sql, "3344", &["ana|phone"]);
    expect_found(&mut sql, "silva", &["ana|name"]);
}

#[test]
fn a_phone_is_captured_once_in_the_platforms_own_table() {
    let (_database, mut sql) = platform("capture");
    sql.expect_rows(
        "SELECT ref, customer_name, created, others FROM crm.capture_customer('06.12.34.56.78', venue => 'bistro')",
        &["jose|José  Núñez|f|0"],
    );
    // Of two with the number, the nearest name; of none near, who came last.
    sql.expect_rows("SELECT ref, others FROM crm.capture_customer('0611223344', 'Ana Silva')", &["anna|1"]);
    let made =
        sql.value("SELECT ref FROM crm.capture_customer('0699887766', '  Zoë\tQuick ', venue => 'bar')");
    sql.expect_rows(
        &format!(r#"SELECT name, phone, email FROM "Customer" WHERE id = '{made}'"#),
        &["Zoë Quick|0699887766|null"],
    );
    sql.expect_rows(
        "SELECT name, phone_e164, source, kind, status FROM crm.customer WHERE phone_e164 = '+33699887766'",
        &["Zoë Quick|+33699887766|capture|guest|active"],
    );
    sql.expect_rows("SELECT ref, created, customer_name FROM crm.capture_customer('+33 699 88 77 66', 'Zoë', 'zoe@example.com')", &[&format!("{made}|f|Zoë Quick")]);
    // What was not known was filled in, in the platform's table too.
    sql.expect_rows(
        &format!(r#"SELECT name, email FROM "Customer" WHERE id = '{made}'"#),
        &["Zoë Quick|zoe@example.com"],
    );
    sql.expect_none("SELECT * FROM crm.failed_change");
}

#[test]
fn two_hundred_captures_at_once_make_one_guest() {
    let (database, mut sql) = platform("at_once");
    let callers = 200;
    let start = Arc::new(Barrier::new(callers));
    let found: Vec<String> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (start, database) = (Arc::clone(&start), &database);
                scope.spawn(move || {
                    let mut till = database.session();
                    start.wait();
                    // Four notations of one number.
                    let phone =
                        ["0687654321", "+33 6 87 65 43 21", "06 87 65 43 21", "0033687654321"][caller % 4];
                    till.value(&format!(
                        "SELECT customer_id FROM crm.capture_customer('{phone}', 'Guest {caller}')"
                    ))
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().expect("no caller fails")).collect()
    });
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|id| *id == found[0]), "{found:?}");
    sql.expect_rows(r#"SELECT count(*) FROM "Customer" WHERE phone LIKE '%87%65%43%21'"#, &["1"]);
    sql.expect_rows("SELECT count(*) FROM crm.customer WHERE phone_e164 = '+33687654321'", &["1"]);
}

#[test]
fn without_a_platform_table_the_crm_keeps_its_guests_itself() {
    let database = TestDatabase::new("own_guests");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    sql.run(r#"SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}')"#);
    restaurant::bind_orders_and_backfill(&mut sql);
    // Without a region a number needs its country.
    sql.expect_refusal("SELECT crm.capture_customer('0171 2345678')", &["22023"], "no possible phone");
    let id = sql.value("SELECT customer_id FROM crm.capture_customer('+49 171 2345678', 'Max')");
    assert_eq!(&id[14..15], "7", "a UUID of version 7: {id}");
    sql.expect_rows(&format!("SELECT ref = customer_id::text, crm.key(ref) = customer_id FROM crm.customer WHERE customer_id = '{id}'"), &["t|t"]);
    // Numbers written down before are read once the region is known.
    sql.run(r#"INSERT INTO crm.customer (org_id, customer_id, ref, name, phone) SELECT org_id, crm.key('eva'), 'eva', 'Eva', '0171 7654321' FROM crm.organisation"#);
    sql.expect_rows(
        "SELECT phone_e164, phone_digits FROM crm.customer WHERE ref = 'eva'",
        &["null|01717654321"],
    );
    sql.expect_rows("SELECT severity FROM crm.health() WHERE problem LIKE '%no region%'", &["warning"]);
    sql.expect_refusal("SELECT crm.set_region('Germany')", &["22023"], "region");
    assert_eq!(sql.number("SELECT crm.set_region('DE')"), 1);
    sql.expect_rows("SELECT phone_e164 FROM crm.customer WHERE ref = 'eva'", &["+491717654321"]);
    sql.expect_none("SELECT * FROM crm.health() WHERE problem LIKE '%no region%'");
    sql.expect_rows(
        "SELECT customer_name, created FROM crm.capture_customer('0049 171 7654321')",
        &["Eva|f"],
    );
    // The platform's orders may name him.
    sql.run(&format!(r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('1', 'bistro', '{id}', 'COMPLETED', 12, now())"#));
    sql.expect_rows(
        &format!("SELECT total_orders FROM crm.customer_venue_stats WHERE customer_id = '{id}'"),
        &["1"],
    );
    sql.expect_rows("SELECT name, label FROM crm.find_customers('5678')", &["Max|NEW"]);
}

#[test]
fn edits_are_written_where_the_platform_keeps_them_and_every_one_is_kept() {
    let (database, mut sql) = platform("edits");
    let mut staff = member(&database, &mut sql, "staff", "NULL");
    let mut manager = member(&database, &mut sql, "manager", "NULL");
    staff.run(r#"SELECT crm.update_customer('obrien', '{"email":"sean@example.com","language":"ga","birthday":"--02-29"}')"#);
    sql.expect_rows(
        r#"SELECT email, "dateOfBirth" FROM "Customer" WHERE id = 'obrien'"#,
        &["sean@example.com|null"],
    );
    sql.expect_rows(
        "SELECT email, language, birth_date, birthday FROM crm.customer WHERE ref = 'obrien'",
        &["sean@example.com|ga|null|02-29"],
    );
    let refusal = staff.expect_refusal(
        r#"SELECT crm.update_customer('obrien', '{"phone":"+353 85 999 9999"}')"#,
        &["42501"],
        "manager",
    );
    assert_eq!(refusal.column.as_deref(), Some("phone"));
    staff.expect_refusal(
        r#"SELECT crm.update_customer('ana', '{"birthday":"1991-05-17"}')"#,
        &["42501"],
        "manager",
    );
    manager.run(
        r#"SELECT crm.update_customer('obrien', '{"phone":"+353 85 999 9999","name":"Seán Óg O’Brien"}')"#,
    );
    sql.expect_rows(
        r#"SELECT name, phone FROM "Customer" WHERE id = 'obrien'"#,
        &["Seán Óg O’Brien|+353 85 999 9999"],
    );
    // The platform's own change too.
    sql.run(r#"UPDATE "Customer" SET name = 'Sean' WHERE id = 'obrien'"#);
    sql.expect_rows(
        "SELECT h.field, h.old_value, h.new_value, p.role FROM crm.profile_change h JOIN crm.customer c USING (org_id, customer_id)
           LEFT JOIN crm.principal p ON p.org_id = h.org_id AND p.principal_id = h.changed_by WHERE c.ref = 'obrien' ORDER BY h.change_id",
        &[
            "email|null|sean@example.com|staff",
            "birthday|null|02-29|staff",
            "language|null|ga|staff",
            "name|Seán O’Brien|Seán Óg O’Brien|manager",
            "phone|+353 85 012 3456|+353 85 999 9999|manager",
            "name|Seán Óg O’Brien|Sean|null",
        ],
    );
    staff.expect_refusal("SELECT * FROM crm.profile_change", &["42501"], "permission");
    // What the platform does not keep survives its changes.
    sql.expect_rows("SELECT language, birthday FROM crm.customer WHERE ref = 'obrien'", &["ga|02-29"]);
    manager.run("SELECT crm.block_customer('obrien', 'left without paying')");
    sql.expect_rows(
        "SELECT status, blocked_reason FROM crm.find_customers('sean')",
        &["blocked|left without paying"],
    );
    manager.run("SELECT crm.unblock_customer('obrien')");
    sql.expect_rows("SELECT status, blocked_reason FROM crm.find_customers('sean')", &["active|null"]);
    sql.run(&format!("DROP OWNED BY {0}_staff, {0}_manager", database.name()));
    drop((staff, manager));
    sql.run(&format!("DROP ROLE {0}_staff, {0}_manager", database.name()));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (_database, mut sql) = platform("refused");
    let state = r#"SELECT md5(string_agg(c::text, ',' ORDER BY c.ref)) FROM crm.customer c UNION ALL SELECT md5(string_agg(c::text, ',' ORDER BY c.id)) FROM "Customer" c"#;
    let before = sql.rows(state);
    for (profile, field) in [
        (r#"{"phone":"123"}"#, "phone"),
        (r#"{"phone":"+999 555"}"#, "phone"),
        (r#"{"phone":"call me maybe"}"#, "phone"),
        (r#"{"phone":42}"#, "phone"),
        (r#"{"email":"no at sign"}"#, "email"),
        (r#"{"email":"a@b"}"#, "email"),
        (r#"{"email":"a@b..c"}"#, "email"),
        (r#"{"birthday":"2023-02-29"}"#, "birthday"),
        (r#"{"birthday":"--02-30"}"#, "birthday"),
        (r#"{"birthday":"--2-3"}"#, "birthday"),
        (r#"{"birthday":"3000-01-01"}"#, "birthday"),
        (r#"{"birthday":"17/05/1990"}"#, "birthday"),
        (r#"{"anniversary":"0000-00-00"}"#, "anniversary"),
        (r#"{"language":"English!"}"#, "language"),
        (r#"{"photo_url":"javascript:alert(1)"}"#, "photo_url"),
        (r#"{"preferred_channel":"pigeon"}"#, "preferred_channel"),
        (r#"{"kind":null}"#, "kind"),
        (r#"{"kind":"vip"}"#, "kind"),
        (r#"{"status":"erased"}"#, "profile"),
        (r#"{"name":["a"]}"#, "name"),
        (r#"[]"#, "profile"),
        (r#"null"#, "profile"),
    ] {
        let refusal =
            sql.expect_refusal(&format!("SELECT crm.update_customer('ana', '{profile}')"), &["22023"], "");
        assert_eq!(refusal.column.as_deref(), Some(field), "{profile}: {}", refusal.message);
    }
    let long = "x".repeat(301);
    sql.expect_refusal(
        &format!(r#"SELECT crm.update_customer('ana', '{{"name":"{long}"}}')"#),
        &["22023"],
        "300",
    );
    sql.expect_refusal("SELECT crm.update_customer('ghost', '{}')", &["CR404"], "ghost");
    sql.expect_refusal("SELECT crm.create_customer('{}')", &["22023"], "needs");
    sql.expect_refusal("SELECT crm.capture_customer('')", &["22023"], "phone");
    sql.expect_refusal(
        "SELECT crm.capture_customer('0612345678', venue => 'nowhere')",
        &["CR404"],
        "nowhere",
    );
    sql.expect_refusal("SELECT * FROM crm.find_customers('x', 0)", &["22023"], "page");
    sql.expect_refusal("SELECT crm.block_customer('ana', ' ')", &["22023"], "reason");
    sql.expect_refusal("SELECT crm.merge_customers('ana', 'ana', 'x')", &["22023"], "himself");
    assert_eq!(sql.rows(state), before);
    // Texts that are only strange are kept as they are.
    for name in [
        "X",
        "''; DROP TABLE x; --",
        "<script>alert(1)</script>",
        "ﷺ",
        "﷽",
        "Ｔｅｓｔ",
        "👩‍👩‍👧",
        "\u{202e}evil",
        "%s%n",
        &"ñ".repeat(300),
    ] {
        let quoted = name.replace('\'', "''").replace('"', "\\\"");
        sql.run(&format!(r#"SELECT crm.update_customer('ana', '{{"name":"{quoted}"}}')"#));
        assert_eq!(sql.value("SELECT name FROM crm.customer WHERE ref = 'ana'"), name);
    }
}

#[test]
fn a_refusal_of_the_platform_is_told_and_leaves_nothing() {
    let (_database, mut sql) = platform("platform_refuses");
    sql.run(r#"UPDATE "Customer" SET name = '' WHERE name IS NULL; ALTER TABLE "Customer" ADD CONSTRAINT one_phone UNIQUE (phone), ALTER name SET NOT NULL"#);
    // A name that must not be null is an empty one there and none here.
    let made = sql.value("SELECT ref FROM crm.capture_customer('0655555555')");
    sql.expect_rows(&format!(r#"SELECT '[' || name || ']' FROM "Customer" WHERE id = '{made}'"#), &["[]"]);
    sql.expect_rows(&format!("SELECT name FROM crm.customer WHERE ref = '{made}'"), &["null"]);
    let guests = sql.number("SELECT count(*) FROM crm.customer");
    sql.expect_refusal(
        r#"SELECT crm.create_customer('{"name":"Twin","phone":"0655555555"}')"#,
        &["CR409"],
        "one_phone",
    );
    sql.expect_refusal(
        r#"SELECT crm.update_customer('ana', '{"phone":"0655555555"}')"#,
        &["CR409"],
        "one_phone",
    );
    sql.run(r#"ALTER TABLE "Customer" ADD loyalty_level int; UPDATE "Customer" SET loyalty_level = 1; ALTER TABLE "Customer" ALTER loyalty_level SET NOT NULL"#);
    sql.expect_refusal("SELECT crm.capture_customer('0655555556')", &["CR409"], "loyalty_level");
    sql.expect_rows(
        "SELECT code FROM crm.check_binding('customer') WHERE severity = 'info'",
        &["unmapped_required"],
    );
    sql.run(r#"REVOKE INSERT, UPDATE ON "Customer" FROM crm_owner"#);
    let refusal = sql.expect_refusal(
        r#"SELECT crm.update_customer('ana', '{"name":"A"}')"#,
        &["55000"],
        "may not be written",
    );
    assert!(refusal.hint.is_some_and(|hint| hint.contains("rebind")));
    assert_eq!(sql.number("SELECT count(*) FROM crm.check_binding('customer') WHERE code = 'not_writable' AND severity = 'warning'"), 10);
    sql.run("SELECT crm.rebind('customer')");
    sql.run(r#"SELECT crm.update_customer('ana', '{"name":"A"}')"#);
    assert_eq!(sql.number("SELECT count(*) FROM crm.customer"), guests);
}

#[test]
fn an_order_is_attached_to_a_guest_and_counts_for_him() {
    let (database, mut sql) = platform("attach");
    let mut staff = member(&database, &mut sql, "staff", "'{bistro}'");
    staff.run("SELECT crm.attach_order('4', 'jose')");
    sql.expect_rows(r#"SELECT "customerId" FROM "Order" WHERE id = '4'"#, &["jose"]);
    assert_eq!(restaurant::totals(&mut sql, "bistro", "jose"), "1 1 7.00");
    staff.run("SELECT crm.attach_order('4', 'jose')");
    staff.expect_refusal("SELECT crm.attach_order('4', 'ana')", &["42501"], "manager");
    staff.expect_refusal("SELECT crm.attach_order('3', 'jose')", &["CR404"], "unknown order");
    staff.expect_refusal("SELECT crm.attach_order('nope', 'jose')", &["CR404"], "nope");
    staff.expect_refusal("SELECT crm.attach_order('4', 'ghost')", &["CR404"], "ghost");
    sql.run("SELECT crm.attach_order('4', 'ana')");
    assert_eq!(restaurant::totals(&mut sql, "bistro", "jose"), "0 0 0.00");
    assert_eq!(restaurant::totals(&mut sql, "bistro", "ana"), "2 2 17.00");
    drop(staff);
    sql.run(&format!("DROP OWNED BY {0}_staff; DROP ROLE {0}_staff", database.name()));
}

#[test]
fn likely_duplicates_come_with_their_reasons() {
    let (_database, mut sql) = platform("duplicates");
    sql.run(r#"INSERT INTO "Customer" (id, name, phone, email) VALUES ('mum', 'Maria Ferreira', '0612345678', NULL), ('jose2', 'Jose Nunez', NULL, 'JOSE.NUNEZ@example.com')"#);
    // Ana and Ána: one number, one birthday; José twice: one address; his mother: one number, another name.
    sql.expect_rows(
        "SELECT LEAST(name, other_name) COLLATE \"C\", score > 0.9, score < 0.5, reasons FROM crm.duplicate_candidates() ORDER BY score DESC",
        &[
            "Ana Silva|t|f|{\"same name and birthday\",\"same phone\",\"similar name\"}",
            "Jose Nunez|t|f|{\"same e-mail\",\"similar name\"}",
            "José  Núñez|f|t|{\"same phone\",\"different name\"}",
        ],
    );
    sql.run("SELECT crm.keep_apart('mum', 'jose'); SELECT crm.keep_apart('jose', 'mum')");
    assert_eq!(sql.number("SELECT count(*) FROM crm.duplicate_candidates()"), 2);
    sql.expect_refusal("SELECT crm.keep_apart('mum', 'mum')", &["22023"], "pair");
}

#[test]
fn a_merge_taken_back_restores_what_was() {
    let (_database, mut sql) = platform("restore");
    sql.run(
        "SELECT crm.tag_customers('{ana,anna}', '{VIP}'); SELECT crm.tag_customers('{anna}', '{Wine}');
         SELECT crm.add_note('anna', 'bar', 'likes the corner'); SELECT crm.add_note('ana', 'bistro', 'left-handed');
         SELECT crm.add_contact('anna', 'phone', '+44 20 7946 0018', 'work');
         SELECT crm.add_contact('anna', 'address', '1 rue X', 'home', true, '{\"city\":\"Lyon\"}')",
    );
    let state = |sql: &mut Session| {
        [
            "SELECT (to_jsonb(c) - 'updated_at')::text FROM crm.customer c ORDER BY 1",
            "SELECT c::text FROM crm.customer_contact c ORDER BY 1",
            "SELECT c::text FROM crm.customer_tag c ORDER BY 1",
            "SELECT c::text FROM crm.note c ORDER BY 1",
            "SELECT (to_jsonb(c) - '{listed,label_changed_at,previous_label,next_label_at,recounted_in}'::text[])::text FROM crm.customer_venue_stats c WHERE total_orders > 0 ORDER BY 1",
            "SELECT c::text FROM crm.segment_member c ORDER BY 1",
            "SELECT c::text FROM crm.merged_customer c ORDER BY 1",
        ]
        .map(|query| sql.rows(query))
    };
    let before = state(&mut sql);
    sql.run("SELECT crm.merge_customers('ana', 'anna', 'one person')");
    let shown = sql.value("SELECT jsonb_pretty(crm.dossier('anna'))");
    for part in
        ["Ana Silva", "VIP", "Wine", "likes the corner", "left-handed", "+44 20 7946 0018", "Lyon", "35.00"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    sql.expect_rows("SELECT g.name FROM crm.guest_tag g JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ana' ORDER BY 1", &["VIP", "Wine"]);
    sql.expect_rows("SELECT status FROM crm.customer WHERE ref = 'anna'", &["merged"]);
    sql.expect_refusal("SELECT crm.tag_customers('{anna}', '{New}')", &["CR409"], "merged");
    sql.expect_refusal("SELECT crm.add_note('anna', 'bar', 'x')", &["CR409"], "merged");
    // A chain: whoever is behind comes along, and goes back where he was.
    sql.run("SELECT crm.merge_customers('jose', 'ana', 'no, that is José')");
    sql.expect_rows("SELECT count(*) FROM crm.note n JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'jose'", &["2"]);
    sql.run("SELECT crm.unmerge_customer('ana')");
    sql.expect_rows(
        "SELECT count(*) FROM crm.note n JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'ana'",
        &["2"],
    );
    sql.run("SELECT crm.unmerge_customer('anna')");
    let after = state(&mut sql);
    for (then, now) in before.iter().zip(&after) {
        assert_eq!(then, now);
    }
}

#[test]
fn a_merge_fills_in_what_the_profile_kept_lacks_and_takes_it_back() {
    let (_database, mut sql) = platform("fill");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email) VALUES ('k', 'Kim', NULL, NULL), ('d', NULL, '06 98 76 54 32', 'kim@example.com'), ('e', 'E', NULL, NULL);
           SELECT crm.update_customer('d', '{"birthday":"--05-17","language":"fr","document":"X1","anniversary":"2010-06-01"}');
           SELECT crm.update_customer('k', '{"gender":"f","language":"en"}'); SELECT crm.block_customer('d', 'left without paying')"#,
    );
    let rows = "SELECT ref, name, phone, email, birthday, anniversary_date, gender, language, document, status, blocked_reason FROM crm.customer WHERE ref IN ('k', 'd', 'e') ORDER BY 1";
    let hosts = r#"SELECT id, name, phone, email FROM "Customer" WHERE id IN ('k', 'd', 'e') ORDER BY 1"#;
    let (before, theirs) = (sql.rows(rows), sql.rows(hosts));
    sql.run("SELECT crm.merge_customers('k', 'd', 'one person')");
    sql.expect_rows(
        "SELECT name, phone, phone_e164, email, birthday, anniversary_date, gender, language, document, status, blocked_reason FROM crm.customer WHERE ref = 'k'",
        &["Kim|06 98 76 54 32|+33698765432|kim@example.com|05-17|2010-06-01|f|en|X1|blocked|left without paying"],
    );
    // In the platform's table too, which the mirror follows.
    sql.expect_rows(
        r#"SELECT phone, email FROM "Customer" WHERE id = 'k'"#,
        &["06 98 76 54 32|kim@example.com"],
    );
    // Along a chain, opened from its far end.
    sql.run("SELECT crm.merge_customers('e', 'k', 'and she too')");
    sql.expect_rows(
        "SELECT name, phone, document, gender, status FROM crm.customer WHERE ref = 'e'",
        &["E|06 98 76 54 32|X1|f|blocked"],
    );
    sql.run("SELECT crm.unmerge_customer('d')");
    sql.expect_rows(
        "SELECT name, phone, document, gender, status FROM crm.customer WHERE ref = 'e'",
        &["E|null|null|f|active"],
    );
    sql.run("SELECT crm.unmerge_customer('k')");
    assert_eq!(sql.rows(rows), before);
    assert_eq!(sql.rows(hosts), theirs);
    // What was changed meanwhile is not taken back.
    sql.run(r#"SELECT crm.merge_customers('k', 'd', 'one person'); SELECT crm.update_customer('k', '{"document":"X2","phone":"06 11 11 11 11"}'); SELECT crm.unmerge_customer('d')"#);
    sql.expect_rows(
        "SELECT document, phone, email, status FROM crm.customer WHERE ref = 'k'",
        &["X2|06 11 11 11 11|null|active"],
    );
}

#[test]
fn a_merge_does_not_fail_where_the_platform_wants_an_address_to_be_one_customers_alone() {
    let (_database, mut sql) = platform("fill_unique");
    sql.run(
        r#"CREATE UNIQUE INDEX one_email ON "Customer" (email);
           INSERT INTO "Customer" (id, name, email) VALUES ('k', 'Kim', NULL), ('d', 'Kim', 'kim@example.com');
           SELECT crm.update_customer('d', '{"document":"X1"}'); SELECT crm.merge_customers('k', 'd', 'one person')"#,
    );
    sql.expect_rows("SELECT email, document FROM crm.customer WHERE ref = 'k'", &["null|X1"]);
    sql.run("SELECT crm.unmerge_customer('d')");
    sql.expect_rows("SELECT email, document FROM crm.customer WHERE ref = 'k'", &["null|null"]);
}
