//! A guest is erased: nothing of him is left anywhere, and nothing that was counted changes.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// What the guests of [`platform`] are known by, in any column of any table.
const KNOWN: [&str; 12] = [
    "wilhelmina",
    "quartz",
    "1234567",
    "7654321",
    "lindenallee",
    "l01x00t47",
    "cannot stand celery",
    "192.0.2.77",
    "ring twice",
    "her husband",
    "opal@",
    "zzyzx",
];

/// Wilhelmina Quartz has two accounts, q1 and q2, which are merged, and stands wherever a guest may stand; forty others
/// order too, one of them named Wilhelm.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    restaurant::add_venue(&mut sql, "bar", "Europe/Berlin");
    sql.run(
        r#"SELECT dine('g' || n, CASE n % 3 WHEN 0 THEN 'bar' ELSE 'bistro' END, timestamp '2026-09-01 20:00' + n % 60 * interval '1 day' + o * interval '5 days', 10 + n)
             FROM generate_series(1, 40) n, generate_series(1, 3) o;
           UPDATE "Customer" SET name = 'Wilhelm Stone' WHERE id = 'g7';
           INSERT INTO "Customer" (id, name, phone, email, "dateOfBirth") VALUES
             ('q1', 'Wilhelmina Quartz', '+49 30 1234567', 'Wilhelmina@Quartz.example', '1980-02-03'),
             ('q2', 'Mina Quartz', '030 7654321', 'opal@quartz.example', NULL);
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt", note)
             SELECT 'w' || n, 'bistro', 'q1', 'COMPLETED', 20, timestamptz '2026-10-01 19:00+02' + n * interval '1 day', 'ring twice at Quartz' FROM generate_series(1, 8) n;
           INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('x1', 'bar', 'q2', 'COMPLETED', 33, '2026-10-20 19:00+02')"#,
    );
    restaurant::bind(&mut sql);
    sql.run("SELECT crm.set_region('DE')");
    // What takes a caller is called in the name of one.
    sql.run("INSERT INTO crm.principal (org_id, name, role, db_user) SELECT org_id, 'Boss', 'admin', current_user FROM crm.organisation");
    sql.run(r#"SELECT crm.bind_pii('public."Order"', 'customerId', '{"note":"null"}')"#);
    sql.run(
        r#"SELECT crm.create_segment('bistro', 'spent', 'Spent', '{"v":1,"where":{"field":"total_spent","op":"gte","value":5}}');
           SELECT crm.create_segment(NULL, 'all', 'All', '{"v":1,"scope":"org","where":{"all":[]}}');
           SELECT crm.add_contact('q1', 'address', 'Lindenallee 17', 'home', true, '{"city":"Berlin","postal_code":"10115"}');
           SELECT crm.add_contact('q2', 'email', 'zzyzx@work.example');
           SELECT crm.add_note('q1', 'bistro', 'Cannot stand celery; her husband pays');
           SELECT crm.set_health_needs('q2', '{celery}');
           SELECT crm.tag_customers('{q1,g1}', '{VIP}');
           SELECT crm.record_consent('q1', 'EMAIL_MARKETING', 'GRANTED', 'checkout', ip => '192.0.2.77');
           SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'GRANTED', 'checkout', ip => '192.0.2.1');
           SELECT crm.set_segment_override((SELECT segment_id FROM crm.segment WHERE key = 'spent'), 'q1', false, 'her husband asked');
           SELECT crm.update_customer('q1', '{"document":"L01X00T47","language":"de"}');
           SELECT crm.merge_customers('q1', 'q2', 'Mina is Wilhelmina Quartz');
           SELECT crm.export_customers(filter => '{"search":"quartz"}')"#,
    );
    load_file(&mut sql);
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_night()");
    (database, sql)
}

/// A row that is recognised as hers, and one that is not, as it cannot be read.
fn load_file(sql: &mut Session) -> String {
    let import = sql.value(
        r#"SELECT crm.create_import('guests.csv', convert_to(E'name,email,birthday,consent,day,from\n'
             || E'Wilhelmina Quartz,wilhelmina@quartz.example,1980-02-03,yes,2025-05-01,fair\n'
             || E'Wilhelmina Quartz,,1980-02-31x,,,\nCarl,carl@carl.example,,yes,2025-05-01,fair\n', 'UTF8'))"#,
    );
    sql.run(&format!(
        r#"SELECT crm.map_import({import}, '{{"name":1,"email":2,"birthday":3,"email_consent":4,"consent_date":5,"consent_source":6}}');
           SELECT crm.check_import({import}); SELECT crm.start_import({import})"#
    ));
    sql.run("CALL crm.run_imports()");
    import
}

/// The tables of the whole database, the platform's and the CRM's, in which a text is found.
fn holding(sql: &mut Session, text: &str) -> Vec<String> {
    let tables = sql.rows(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_' ORDER BY 1",
    );
    tables
        .into_iter()
        .filter(|table| {
            // A number is found however it is written.
            sql.number(&format!(
                "SELECT count(*) FROM {table} t WHERE strpos(lower(t::text), '{text}') > 0
                    OR '{text}' ~ '^[0-9]+$' AND regexp_replace(t::text, '[ ()/.-]', '', 'g') LIKE '%{text}%'"
            )) > 0
        })
        .collect()
}

#[track_caller]
fn expect_nothing_left(sql: &mut Session) {
    for text in KNOWN {
        assert_eq!(holding(sql, text), Vec::<String>::new(), "{text} is found");
    }
}

const SUMS: &str = r#"SELECT v.ref, sum(s.total_orders), sum(s.total_visits), sum(s.total_spent), (crm.overview(v.ref) ->> 'orders'), (crm.overview(v.ref) ->> 'revenue'),
      (SELECT concat_ws(' ', sum(d.orders), sum(d.revenue), sum(d.guests), sum(d.new_guests)) FROM crm.venue_day d WHERE d.venue_id = v.venue_id),
      (SELECT concat_ws(' ', count(*), sum(o.total)) FROM "Order" o WHERE o."venueId" = v.ref)
    FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) GROUP BY v.ref, v.venue_id ORDER BY v.ref"#;

#[test]
fn nothing_of_an_erased_guest_is_found_in_any_table_and_no_sum_changes() {
    let (_database, mut sql) = platform("erase_all");
    for text in KNOWN {
        assert_ne!(holding(&mut sql, text), Vec::<String>::new(), "{text} is known before");
    }
    let sums = sql.rows(SUMS);
    sql.run("SELECT crm.execute_erasure('q2', true, 'asked at the door')");
    expect_nothing_left(&mut sql);
    assert_eq!(sql.rows(SUMS), sums);
    sql.expect_rows(
        "SELECT state, residue, report -> 'residue', report ->> 'guests', (report -> 'platform' ->> 'public.\"Order\"') FROM crm.erasure_request",
        &["EXECUTED|0|{}|2|9"],
    );
    // Nobody else lost anything.
    sql.expect_rows(
        "SELECT c.ref, c.name, c.status, (SELECT count(*) FROM crm.customer_tag t WHERE t.customer_id = c.customer_id) FROM crm.customer c WHERE c.ref IN ('g1', 'g7') ORDER BY 1",
        &["g1|G1|active|1", "g7|Wilhelm Stone|active|0"],
    );
    sql.expect_rows("SELECT count(*) FROM crm.name_word WHERE word IN ('wilhelm', 'stone')", &["2"]);
    sql.expect_rows("SELECT count(*) FROM crm.customer_list() l WHERE (l).ref IN ('q1', 'q2')", &["0"]);
    sql.expect_none("SELECT * FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref IN ('q1', 'q2') AND (s.label IS NOT NULL OR s.monetary_score IS NOT NULL)");
    sql.expect_none("SELECT * FROM crm.segment_member m JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref IN ('q1', 'q2')");
    // Later jobs bring nothing back.
    sql.run("CALL crm.run_sweep()");
    sql.run("CALL crm.run_night(recount => true)");
    expect_nothing_left(&mut sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.expect_none("SELECT * FROM crm.verify_list()");
    sql.expect_rows("SELECT count(*) FROM crm.customer_list() l WHERE (l).ref IN ('q1', 'q2')", &["0"]);
    assert_eq!(sql.rows(SUMS), sums);
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%' OR subject LIKE 'map%'");
}

#[test]
fn an_order_under_either_account_counts_later_and_stays_nameless() {
    let (_database, mut sql) = platform("erase_later");
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked at the door')");
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('x2', 'bar', 'q2', 'COMPLETED', 7, '2026-10-21 19:00+02')"#,
    );
    sql.expect_rows(
        "SELECT s.total_orders, s.total_spent, s.label FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id)
          WHERE s.customer_id = crm.key('q1') AND v.ref = 'bar'",
        &["2|40.00|null"],
    );
    sql.expect_refusal("SELECT crm.unmerge_customer('q2')", &["CR409"], "erased");
    sql.expect_refusal("SELECT crm.add_note('q1', 'bar', 'x')", &["CR409"], "erased");
    sql.expect_refusal("SELECT crm.request_erasure('q1', 'again')", &["CR409"], "erased");
    sql.expect_refusal("SELECT crm.execute_erasure('q1')", &["CR409"], "no erasure");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}

#[test]
fn a_note_is_kept_but_for_the_text_of_one_about_an_erased_guest() {
    let (_database, mut sql) = platform("erase_notes");
    for change in ["SET body = 'erased'", "SET body = 'other'"] {
        sql.expect_refusal(&format!("UPDATE crm.note {change}"), &["55000"], "kept");
    }
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked at the door')");
    sql.expect_rows("SELECT body, author FROM crm.note", &["erased|Boss"]);
    sql.expect_refusal("UPDATE crm.note SET body = 'other'", &["55000"], "kept");
    sql.expect_refusal("UPDATE crm.note SET body = 'erased', author = 'x'", &["55000"], "kept");
}

#[test]
fn consent_ends_with_its_revocation_and_a_file_does_not_bring_it_back() {
    let (_database, mut sql) = platform("erase_consent");
    let reachable = "SELECT ref FROM crm.reachable('EMAIL_MARKETING') WHERE ref ~ '^q' OR address ~ 'quartz'";
    sql.expect_rows(reachable, &["q1"]);
    sql.run("SELECT crm.request_erasure('q1', 'asked by phone')");
    sql.expect_rows(reachable, &[]);
    sql.run("SELECT crm.cancel_erasure('q2')");
    sql.expect_rows(reachable, &["q1"]);
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked again')");
    sql.expect_rows(
        "SELECT action, source FROM crm.consent_entry WHERE customer_id = crm.key('q1') ORDER BY entry_id DESC LIMIT 1",
        &["REVOKED|erasure"],
    );
    sql.expect_none("SELECT * FROM crm.consent_evidence v JOIN crm.consent_entry e USING (org_id, entry_id) WHERE e.customer_id = crm.key('q1')");
    sql.run("CALL crm.run_sweep()");
    sql.expect_none("SELECT * FROM crm.verify_consent_log() v");
    load_file(&mut sql);
    sql.expect_rows("SELECT count(*) FROM crm.reachable('EMAIL_MARKETING') WHERE name = 'Carl'", &["1"]);
    // The file makes her a new guest, who may not be written to.
    sql.expect_rows(
        "SELECT count(*) FROM crm.customer WHERE email_key = 'wilhelmina@quartz.example'",
        &["1"],
    );
    sql.expect_rows(reachable, &[]);
    sql.expect_none("SELECT * FROM crm.consent_entry e JOIN crm.customer c USING (org_id, customer_id) WHERE c.email_key = 'wilhelmina@quartz.example' AND e.action = 'GRANTED'");
}

#[test]
fn a_file_that_waits_to_be_loaded_does_not_make_him_anew() {
    let (_database, mut sql) = platform("erase_waiting_file");
    let import = sql.value(
        r#"SELECT crm.create_import('later.csv', convert_to(E'name,email,phone\nDora Dune,dora@dune.example,\n'
             || E'W. Quartz,wilhelmina@quartz.example,\nMina,,(030) 765-4321\n', 'UTF8'))"#,
    );
    sql.run(&format!("SELECT crm.check_import({import})"));
    sql.expect_rows(
        &format!("SELECT outcome FROM crm.import_row WHERE import_id = {import} ORDER BY row_no"),
        &["new", "unchanged", "unchanged"],
    );
    let guests = sql.number("SELECT count(*) FROM crm.customer");
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    expect_nothing_left(&mut sql);
    sql.run(&format!("SELECT crm.start_import({import})"));
    sql.run("CALL crm.run_imports()");
    sql.expect_rows(
        &format!("SELECT r.outcome FROM crm.import_row r JOIN crm.import i USING (org_id, import_id) WHERE import_id = {import} AND i.state = 'done' ORDER BY row_no"),
        &["created", "rejected", "rejected"],
    );
    assert_eq!(sql.number("SELECT count(*) FROM crm.customer"), guests + 1, "Dora alone");
    expect_nothing_left(&mut sql);
}

#[test]
fn the_night_erases_whoever_is_due_and_a_failing_one_does_not_stop_the_others() {
    let (_database, mut sql) = platform("erase_night");
    sql.run("SELECT crm.request_erasure('q1', 'by phone'); SELECT crm.request_erasure('g1', 'by phone'); SELECT crm.request_erasure('g2', 'by phone')");
    sql.expect_rows(
        "SELECT count(*) FROM crm.erasure_request WHERE state = 'REQUESTED' AND due_at - requested_at BETWEEN interval '7 days' AND interval '7 days 1 minute'",
        &["3"],
    );
    sql.expect_refusal("SELECT crm.execute_erasure('q1')", &["CR409"], "due");
    sql.run("CALL crm.run_night()");
    sql.expect_rows("SELECT count(*) FROM crm.erasure_request WHERE state = 'REQUESTED'", &["3"]);
    // The clock of the session is no way around the seven days.
    sql.run("SET crm.as_of = '2030-01-01 00:00+00'; SELECT 1");
    sql.run("CALL crm.run_erasures('crm.run_night')");
    sql.run("RESET crm.as_of");
    sql.expect_rows("SELECT count(*) FROM crm.erasure_request WHERE state = 'REQUESTED'", &["3"]);
    sql.run(
        r#"UPDATE crm.erasure_request SET due_at = now() - interval '3 days' WHERE customer_id IN (crm.key('q1'), crm.key('g1'));
           ALTER TABLE "Customer" ADD CONSTRAINT g1_has_a_name CHECK (id <> 'g1' OR name IS NOT NULL)"#,
    );
    sql.run("CALL crm.run_night()");
    sql.expect_rows(
        "SELECT c.ref, r.state, c.name FROM crm.erasure_request r JOIN crm.customer c USING (org_id, customer_id) ORDER BY c.ref",
        &["g1|REQUESTED|G1", "g2|REQUESTED|G2", "q1|EXECUTED|null"],
    );
    expect_nothing_left(&mut sql);
    sql.expect_rows(
        "SELECT count(*) FROM crm.job_run WHERE job = 'erasure' AND error LIKE 'CR409 request %'",
        &["1"],
    );
    sql.expect_rows(
        "SELECT severity FROM crm.health() WHERE subject LIKE 'erasure%' AND problem LIKE 'due since%'",
        &["error"],
    );
    sql.run(r#"ALTER TABLE "Customer" DROP CONSTRAINT g1_has_a_name"#);
    sql.run("CALL crm.run_night()");
    sql.expect_rows("SELECT status, name FROM crm.customer WHERE ref = 'g1'", &["erased|null"]);
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%'");
}

#[test]
fn a_guest_asks_himself_and_only_the_mailed_token_counts() {
    let (_database, mut sql) = platform("erase_token");
    let first = sql.value("SELECT crm.ask_erasure('q2')");
    let token = sql.value("SELECT crm.ask_erasure('q1')");
    assert_eq!(token.len(), 64);
    assert_ne!(first, token);
    assert_eq!(holding(&mut sql, &token), Vec::<String>::new(), "only its hash is kept");
    sql.expect_rows("SELECT state, due_at FROM crm.erasure_request", &["UNCONFIRMED|null"]);
    sql.run("CALL crm.run_night()");
    sql.expect_rows("SELECT state FROM crm.erasure_request", &["UNCONFIRMED"]);
    for wrong in [&first, "", "0000"] {
        sql.expect_refusal(&format!("SELECT crm.confirm_erasure('{wrong}')"), &["CR404"], "token");
    }
    sql.run("UPDATE crm.erasure_request SET requested_at = now() - interval '8 days'");
    sql.expect_refusal(&format!("SELECT crm.confirm_erasure('{token}')"), &["CR404"], "expired");
    sql.run("UPDATE crm.erasure_request SET requested_at = now() - interval '6 days'");
    let due = sql.value(&format!("SELECT crm.confirm_erasure('{token}')"));
    assert_eq!(sql.value(&format!("SELECT crm.confirm_erasure('{token}')")), due, "again is harmless");
    assert_eq!(sql.value("SELECT crm.ask_erasure('q1')"), "null");
    sql.expect_rows(
        "SELECT state, due_at > now() + interval '6 days' FROM crm.erasure_request",
        &["REQUESTED|t"],
    );
    sql.expect_rows(
        "SELECT crm.erasure_pending(1, crm.key('q1')), crm.erasure_pending(1, crm.key('g1'))",
        &["t|f"],
    );
}

#[test]
fn an_erasure_cut_off_half_way_changes_nothing() {
    let (database, mut sql) = platform("erase_killed");
    let before = sql.rows("SELECT md5(string_agg(c::text, ',' ORDER BY c.customer_id)) FROM crm.customer c UNION ALL SELECT md5(string_agg(n::text, ',')) FROM crm.note n");
    // The platform's orders come after the profile and before the notes.
    sql.run(
        r#"CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';
           CREATE TRIGGER die BEFORE UPDATE OF note ON "Order" FOR EACH ROW EXECUTE FUNCTION die()"#,
    );
    let mut other = database.session();
    assert!(other.attempt("SELECT crm.execute_erasure('q1', true, 'asked')").is_err());
    assert_eq!(
        sql.rows("SELECT md5(string_agg(c::text, ',' ORDER BY c.customer_id)) FROM crm.customer c UNION ALL SELECT md5(string_agg(n::text, ',')) FROM crm.note n"),
        before
    );
    sql.run(r#"DROP TRIGGER die ON "Order"; DROP FUNCTION die()"#);
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    expect_nothing_left(&mut sql);
}

#[test]
fn what_was_erased_is_erased_again_after_a_backup_was_restored() {
    let (_database, mut sql) = platform("erase_origin");
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    let erased = sql.value("SELECT crm.export_erasures()");
    assert!(!erased.to_lowercase().contains("quartz"), "keys only: {erased}");
    // The same platform as it was before, as a backup has it.
    let (_backup, mut restored) = platform("erase_replay");
    restored.expect_rows("SELECT name FROM crm.customer WHERE ref = 'q1'", &["Wilhelmina Quartz"]);
    restored.expect_rows(&format!("SELECT crm.replay_erasures('{erased}')"), &["1"]);
    expect_nothing_left(&mut restored);
    restored.expect_rows(&format!("SELECT crm.replay_erasures('{erased}')"), &["0"]);
    restored.expect_rows("SELECT origin, state, residue FROM crm.erasure_request", &["replay|EXECUTED|0"]);
    restored.expect_refusal("SELECT crm.replay_erasures('{}')", &["22023"], "array");
}

#[test]
fn what_the_platform_sends_again_is_kept_out_and_told() {
    let (_database, mut sql) = platform("erase_again");
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%'");
    sql.run(r#"UPDATE "Customer" SET name = 'Wilhelmina Quartz', phone = '+49 30 1234567' WHERE id = 'q1'"#);
    sql.run("CALL crm.backfill()");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(holding(&mut sql, "wilhelmina"), [r#"public."Customer""#]);
    sql.expect_rows(
        "SELECT severity FROM crm.health() WHERE subject LIKE 'erasure%' AND problem LIKE '%again%'",
        &["warning"],
    );
    sql.run("SELECT crm.execute_erasure('q1', true, 'the shop wrote it anew')");
    expect_nothing_left(&mut sql);
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%'");
}

#[test]
fn what_the_search_still_finds_is_told() {
    let (_database, mut sql) = platform("erase_residue");
    sql.run(
        r#"SELECT crm.create_segment('bistro', 'mina', 'Table of Wilhelmina Quartz', '{"v":1,"where":{"field":"total_spent","op":"gte","value":5}}')"#,
    );
    sql.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    sql.expect_rows(
        "SELECT residue, report -> 'residue' FROM crm.erasure_request",
        &[r#"1|{"crm.segment": 1}"#],
    );
    sql.expect_rows(
        "SELECT severity FROM crm.health() WHERE subject LIKE 'erasure%' AND problem LIKE '1 rows%'",
        &["error"],
    );
}

#[test]
fn columns_that_must_not_be_null_get_random_values() {
    let database = TestDatabase::new("erase_not_null");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    sql.run(
        r#"ALTER TABLE "Customer" ALTER name SET NOT NULL, ALTER phone SET NOT NULL, ALTER phone TYPE varchar(20), ALTER email SET NOT NULL, ADD UNIQUE (email), ADD UNIQUE (phone),
             ALTER "dateOfBirth" SET NOT NULL, ADD CHECK (email LIKE '%@%');
           INSERT INTO "Customer" VALUES ('a', 'house', 'Ana Basalt', '+49301234567', 'ana@basalt.example', '1980-01-02'), ('b', 'house', 'Ben Basalt', '+49307654321', 'ben@basalt.example', '1981-01-02')"#,
    );
    restaurant::bind(&mut sql);
    sql.run("SELECT crm.execute_erasure('a', true, 'asked'); SELECT crm.execute_erasure('b', true, 'asked')");
    sql.expect_rows(
        r#"SELECT count(DISTINCT name), count(DISTINCT email), bool_and(name ~ '^erased-[0-9a-f]{32}$'), bool_and(email ~ '^erased-[0-9a-f]{32}@erased.invalid$'),
                  bool_and(length(phone) = 20), string_agg(DISTINCT "dateOfBirth"::text, ',') FROM "Customer""#,
        &["2|2|t|t|t|1900-01-01"],
    );
    sql.expect_rows(
        "SELECT DISTINCT name, phone, email, birth_date FROM crm.customer",
        &["null|null|null|null"],
    );
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'erasure%'");
    assert_eq!(holding(&mut sql, "basalt"), Vec::<String>::new());
}

#[test]
fn a_guest_of_two_organisations_is_erased_in_the_platform_by_the_last_of_them() {
    let database = TestDatabase::new("erase_two_orgs");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    sql.run(
        r#"INSERT INTO "Venue" VALUES ('v1', 'one', 'V1', 'UTC', 'EUR'), ('v2', 'two', 'V2', 'UTC', 'EUR');
           INSERT INTO "Customer" (id, name) VALUES ('q', 'Quentin Quartz')"#,
    );
    sql.run("SELECT dine('q', 'v1', '2026-10-01 20:00', 10); SELECT dine('q', 'v2', '2026-10-02 20:00', 10)");
    sql.run(
        r#"SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","org":"orgId","name":"name","timezone":"tz","currency":"currency"}');
           SELECT crm.bind('customer', 'public."Customer"', '{"ref":"id","name":"name","phone":"phone"}')"#,
    );
    restaurant::bind_orders_and_backfill(&mut sql);
    sql.run("SELECT crm.run_erasure(c.org_id, crm.open_erasure(c.org_id, c.customer_id, 'staff', 'asked')) FROM crm.customer c JOIN crm.organisation o USING (org_id) WHERE o.ref = 'one'");
    sql.expect_rows("SELECT o.ref, c.name, c.status FROM crm.customer c JOIN crm.organisation o USING (org_id) ORDER BY 1", &["one|null|erased", "two|Quentin Quartz|active"]);
    sql.expect_rows(r#"SELECT name FROM "Customer""#, &["Quentin Quartz"]);
    sql.expect_rows("SELECT residue FROM crm.erasure_request", &["0"]);
    sql.run("SELECT crm.run_erasure(c.org_id, crm.open_erasure(c.org_id, c.customer_id, 'staff', 'asked')) FROM crm.customer c JOIN crm.organisation o USING (org_id) WHERE o.ref = 'two'");
    assert_eq!(holding(&mut sql, "quartz"), Vec::<String>::new());
}

#[test]
fn only_an_admin_erases_and_a_manager_asks() {
    let (database, mut sql) = platform("erase_roles");
    let mut sessions = ["staff", "manager", "admin"].map(|role| {
        let login = format!("{}_{role}", database.name());
        sql.run(&format!("DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN; SELECT crm.create_principal('{login}', NULL, '{role}', NULL, '{login}'); GRANT crm_{role} TO {login}"));
        database.session_as(&login)
    });
    let [staff, manager, admin] = &mut sessions;
    staff.expect_refusal("SELECT crm.request_erasure('q1', 'asked')", &["42501"], "permission");
    manager.run("SELECT crm.request_erasure('q1', 'asked')");
    manager.expect_refusal("SELECT crm.execute_erasure('q1', true, 'asked')", &["42501"], "permission");
    manager.expect_refusal("SELECT * FROM crm.erasures()", &["42501"], "permission");
    admin.expect_refusal("SELECT crm.execute_erasure('q1', true)", &["22023"], "reason");
    admin.run("SELECT crm.execute_erasure('q1', true, 'asked')");
    admin
        .expect_rows("SELECT state, residue, executed_at IS NOT NULL FROM crm.erasures()", &["EXECUTED|0|t"]);
    admin.expect_refusal("SELECT crm.run_erasure(1, 1)", &["42501"], "permission");
    drop(sessions);
    for role in ["staff", "manager", "admin"] {
        sql.run(&format!("DROP OWNED BY {0}_{role}; DROP ROLE {0}_{role}", database.name()));
    }
}

#[test]
fn a_number_is_found_however_it_is_written_in_a_text() {
    let (_database, mut sql) = platform("notation");
    sql.run("SELECT crm.set_region('DE'); SELECT crm.add_contact('q1', 'phone', '+1 415 555 2671')");
    // National with its trunk prefix, international with and without it, by the digits alone; another's number is none.
    for (text, found) in [
        ("ruft an: 030/123 45 67", true),
        ("+49 (0)30 1234567", true),
        ("0049-30-1234567", true),
        ("301234567", true),
        ("(415) 555-2671", false),
        ("+1 (415) 555-2671", true),
        ("030/123 45 68", false),
    ] {
        assert_eq!(
            sql.value(&format!(
                "SELECT crm.mentions('{text}', crm.known_values(1, ARRAY[crm.key('q1')], '{{q1}}'))"
            )),
            if found { "t" } else { "f" },
            "{text}"
        );
    }
    // A venue in the United States dials it so.
    sql.run("SELECT crm.set_region('US', ref) FROM crm.venue LIMIT 1");
    sql.expect_rows(
        "SELECT crm.mentions('(415) 555-2671', crm.known_values(1, ARRAY[crm.key('q1')], '{q1}'))",
        &["t"],
    );
}
