//! Files of guests: read, checked, loaded, taken back.

use std::time::{Duration, Instant};

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

const BIND_VENUE: &str = r#"SELECT crm.bind('venue', 'public."Venue"',
    '{"ref":"id","name":"name","timezone":"tz","currency":"currency","region":{"constant":"FR"}}')"#;

/// A bistro and a bar in France; three guests that the platform knows.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email, "dateOfBirth") VALUES
             ('jose', 'José Núñez', '06 12 34 56 78', NULL, '1980-02-29'),
             ('ana', 'Ana Silva', NULL, 'Ana@Example.com', NULL),
             ('ben', 'Ben', NULL, NULL, NULL)"#,
    );
    sql.run("SELECT dine('jose', 'bistro', '2025-03-01 20:00', 30)");
    sql.run("SET crm.as_of = '2025-03-10 12:00+00'");
    sql.run(BIND_VENUE);
    restaurant::bind_customers_and_orders(&mut sql);
    (database, sql)
}

/// The same bistro, where the CRM keeps the guests itself.
fn without_customers(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    sql.run(BIND_VENUE);
    restaurant::bind_orders_and_backfill(&mut sql);
    (database, sql)
}

fn bytea(content: &[u8]) -> String {
    content.iter().fold("'\\x".to_owned(), |text, byte| text + &format!("{byte:02x}")) + "'::bytea"
}

#[track_caller]
fn read(sql: &mut Session, content: &[u8], further: &str) -> String {
    sql.value(&format!("SELECT crm.create_import('guests.csv', {}{further})", bytea(content)))
}

/// Reads, checks and loads a file; returns its number.
#[track_caller]
fn load(sql: &mut Session, content: &str, further: &str) -> String {
    let import = read(sql, content.as_bytes(), further);
    sql.run(&format!("SELECT crm.check_import({import}); SELECT crm.start_import({import})"));
    sql.run("CALL crm.run_imports()");
    sql.expect_rows(
        &format!("SELECT state, failure FROM crm.import WHERE import_id = {import}"),
        &["done|null"],
    );
    import
}

#[track_caller]
fn take_back(sql: &mut Session, import: &str) {
    sql.run(&format!("SELECT crm.undo_import({import})"));
    sql.run("CALL crm.run_imports()");
    sql.expect_rows(
        &format!("SELECT state, failure FROM crm.import WHERE import_id = {import}"),
        &["undone|null"],
    );
}

#[track_caller]
fn counts(sql: &mut Session, import: &str) -> String {
    sql.value(&format!(
        "SELECT string_agg(key || ' ' || value, ', ' ORDER BY key) FROM jsonb_each_text(crm.import_status({import}) -> 'counts')"
    ))
}

/// Everything an import may write, but for what says when, and what is kept of changes for good.
fn state(sql: &mut Session) -> Vec<Vec<String>> {
    [
        r#"SELECT c::text FROM "Customer" c ORDER BY 1"#,
        "SELECT (to_jsonb(c) - '{updated_at,phone_region}'::text[])::text FROM crm.customer c ORDER BY 1",
        "SELECT c::text FROM crm.customer_tag c ORDER BY 1",
        "SELECT c::text FROM crm.customer_contact c ORDER BY 1",
        "SELECT c::text FROM crm.note c ORDER BY 1",
        "SELECT scope_id, customer_id, segments FROM crm.guest_segments WHERE segments <> '{}' ORDER BY 1, 2",
        "SELECT segment_id, sum(delta) FROM crm.segment_tally GROUP BY 1 HAVING sum(delta) <> 0 ORDER BY 1",
        "SELECT (to_jsonb(s) - '{recounted_in,listed}'::text[])::text FROM crm.customer_venue_stats s ORDER BY 1",
        "SELECT scope_id, customer_id FROM crm.listed_guest ORDER BY 1, 2",
    ]
    .map(|query| sql.rows(query))
    .into()
}

const FILE: &str = "\u{feff}Nome;Celular;E-mail;Nascimento;Etiquetas;Cidade;Idioma;Newsletter;Observações\r\n\
    Jose Nunez;+33 6 12 34 56 78;jose@example.com;29/02/1980;VIP, vinho;Lyon;pt-BR;sim;à janela\r\n\
    Ana;06 99 88 77 66;ana@example.com;17/05/1990;;;;;\r\n\
    ;0611223344;;;VIP;;;;\r\n\
    \"Zoë \"\"Zo\"\" O'Brien; Jr.\";;zoe@example.com;36585;vinho;\"Saint-Étienne\";English;não;\"duas\r\nlinhas\"\r\n\
    Zoe;;ZOE@EXAMPLE.COM;;;;;;\r\n\
    Bad;123;;;;;;;\r\n\
    Worse;;worse@;31/02/1990;;;;;\r\n\
    Short;0611111111\r\n\
    Nameless;;;;;;;;\r\n";

#[test]
fn a_file_is_read_mapped_checked_loaded_and_taken_back() {
    let (_database, mut sql) = platform("import_whole");
    sql.run(
        r#"SELECT crm.create_segment(NULL, 'vip', 'VIP', '{"v":1,"scope":"org","where":{"field":"tags","op":"has","value":"VIP"}}');"#,
    );
    sql.run("SELECT crm.tag_customers('{ben}', '{vinho}'); SELECT crm.add_note('ana', 'bar', 'hers')");
    sql.run("CALL crm.run_sweep()");
    let before = state(&mut sql);
    let import = read(&mut sql, FILE.as_bytes(), ", 'bistro'");
    sql.expect_rows(
        &format!("SELECT s -> 'mapping', s ->> 'rows', s -> 'left_out', s #>> '{{options,delimiter}}', s ->> 'day_first' FROM crm.import_status({import}) s"),
        &[r#"{"city": 6, "name": 1, "note": 9, "tags": 5, "email": 3, "phone": 2, "birthday": 4, "language": 7}|9|["Newsletter"]|;|true"#],
    );
    sql.expect_rows(
        &format!("SELECT w LIKE '%\"Newsletter\"%consent%' FROM jsonb_array_elements_text(crm.import_status({import}) -> 'warnings') w"),
        &["t"],
    );
    sql.run(&format!("SELECT crm.check_import({import})"));
    assert_eq!(counts(&mut sql, &import), "duplicate 1, matched 2, new 2, rejected 4");
    sql.expect_rows(
        &format!("SELECT line, reason FROM crm.import_rejects({import})"),
        &[
            "8|phone \"123\" is no possible number in FR",
            "9|email \"worse@\" is no e-mail address; birthday \"31/02/1990\" is no day of birth",
            "10|2 cells, where the file has 9 columns",
            "11|neither reference, phone nor e-mail: nothing to know the guest by",
        ],
    );
    assert_eq!(state(&mut sql), before, "a check changes nothing");

    sql.run(&format!("SELECT crm.start_import({import})"));
    sql.expect_refusal(&format!("SELECT crm.start_import({import})"), &["CR409"], "queued");
    sql.run("CALL crm.run_imports()");
    assert_eq!(counts(&mut sql, &import), "created 2, duplicate 1, filled 2, rejected 4");
    sql.expect_rows(
        r#"SELECT id IN ('jose', 'ana', 'ben'), name, phone, email, "dateOfBirth" FROM "Customer" WHERE id <> 'ben' ORDER BY email"#,
        &[
            "t|Ana Silva|06 99 88 77 66|Ana@Example.com|1990-05-17",
            "t|José Núñez|06 12 34 56 78|jose@example.com|1980-02-29",
            "f|Zoë \"Zo\" O'Brien; Jr.|null|zoe@example.com|2000-02-29",
            "f|null|0611223344|null|null",
        ],
    );
    sql.expect_rows(
        "SELECT c.name, c.language, c.source, c.phone_e164, crm.city_of(c.org_id, c.customer_id), crm.tags_of(c.org_id, c.customer_id), (SELECT n.body FROM crm.note n WHERE n.customer_id = c.customer_id)
           FROM crm.customer c WHERE ref <> 'ben' ORDER BY email NULLS LAST",
        &[
            "Ana Silva|null|platform|+33699887766|null|{}|hers",
            "José Núñez|pt-BR|platform|+33612345678|Lyon|{VIP,vinho}|à janela",
            "Zoë \"Zo\" O'Brien; Jr.|en|import|null|Saint-Étienne|{vinho}|duas\nlinhas",
            "null|null|import|+33611223344|null|{VIP}|null",
        ],
    );
    sql.expect_rows("SELECT count(*) FROM crm.segment_member m JOIN crm.segment s USING (org_id, segment_id) WHERE s.key = 'vip'", &["2"]);
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT g FROM crm.organisation o, unnest(crm.guests_to_follow(o.org_id, '00000000-0000-0000-0000-000000000000', NULL)) g");

    // Loaded again, nothing is new.
    let again = load(&mut sql, FILE, ", 'bistro'");
    assert_eq!(counts(&mut sql, &again), "duplicate 1, rejected 4, unchanged 4");

    sql.run(r#"GRANT DELETE ON "Customer" TO crm_owner"#);
    take_back(&mut sql, &import);
    sql.run("CALL crm.run_sweep()");
    for (then, now) in before.iter().zip(&state(&mut sql)) {
        assert_eq!(then, now);
    }
    assert_eq!(counts(&mut sql, &import), "duplicate 1, rejected 4, undone 4");
}

#[test]
fn rejects_can_be_mended_and_imported_again() {
    let (_database, mut sql) = platform("import_rejects");
    let import = load(&mut sql, FILE, "");
    let csv = sql.rows(&format!("SELECT * FROM crm.import_rejects_csv({import})"));
    assert_eq!(
        csv[0],
        "Nome,Celular,E-mail,Nascimento,Etiquetas,Cidade,Idioma,Newsletter,Observações,line,reason"
    );
    assert_eq!(csv[1], "Bad,123,,,,,,,,8,\"phone \"\"123\"\" is no possible number in FR\"");
    let mended = format!("{}\n{}", csv[0], csv[1].replacen(",123,", ",0622334455,", 1));
    let import = load(&mut sql, &mended, "");
    assert_eq!(counts(&mut sql, &import), "created 1");
    // What a spreadsheet would compute is not handed out bare.
    let import = load(&mut sql, "name,phone\n=HYPERLINK(1),x\n", "");
    sql.expect_rows(
        &format!("SELECT * FROM crm.import_rejects_csv({import}) OFFSET 1"),
        &["\"'=HYPERLINK(1)\",x,2,\"phone \"\"x\"\" is no possible number in FR\""],
    );
}

#[test]
fn a_guest_is_known_by_reference_phone_or_mail_address() {
    let (_database, mut sql) = platform("import_match");
    sql.run("SELECT crm.add_contact('ben', 'phone', '06 55 55 55 55'); SELECT crm.capture_customer('0677777777', 'Merged'); ");
    sql.run("SELECT crm.merge_customers('jose', (SELECT ref FROM crm.customer WHERE name = 'Merged'), 'one person')");
    let file = "id,name,phone,e-mail,gender\n\
        ben,,,,by ref\n\
        ,,00 33 6 12 34 56 78,,by phone\n\
        ,,,ANA@example.com,by mail\n\
        ,,0655555555,,a number beside the profile\n\
        ,,0677777777,,one who was merged\n\
        ben,,06 99 99 99 99,,the same by reference\n\
        ,,+33699999999,,the same as the same\n\
        ghost,Ghost,,,nobody's\n";
    let import = read(&mut sql, file.as_bytes(), "");
    sql.run(&format!("SELECT crm.check_import({import})"));
    sql.expect_rows(
        &format!("SELECT r.line, r.outcome, c.ref, r.reason FROM crm.import_rows({import}) r LEFT JOIN crm.customer c USING (customer_id)"),
        &[
            "2|matched|ben|null",
            "3|matched|jose|null",
            "4|matched|ana|null",
            "5|matched|ben|null",
            "6|matched|jose|null",
            "7|duplicate|null|the same guest as line 2",
            "8|duplicate|null|the same guest as line 2",
            "9|rejected|null|the platform knows no customer \"ghost\", and there is neither phone nor e-mail",
        ],
    );
    sql.run(&format!("SELECT crm.start_import({import})"));
    sql.run(&format!("CALL crm.run_import({import})"));
    // The first row of a guest that says something is taken at its word.
    sql.expect_rows(
        "SELECT ref, gender, phone_e164 FROM crm.customer WHERE status = 'active' ORDER BY ref",
        &["ana|by mail|null", "ben|by ref|+33655555555", "jose|by phone|+33612345678"],
    );
}

#[test]
fn what_is_known_is_kept_unless_told_otherwise() {
    let (_database, mut sql) = platform("import_overwrite");
    let file = "ref,name,birthday,language\njose,Pepe,1981-03-01,es\nana,,--05-17,\n";
    let import = load(&mut sql, file, "");
    assert_eq!(counts(&mut sql, &import), "filled 2");
    let shown =
        "SELECT ref, name, birth_date, birthday, language FROM crm.customer WHERE ref <> 'ben' ORDER BY ref";
    sql.expect_rows(shown, &["ana|Ana Silva|null|05-17|null", "jose|José Núñez|1980-02-29|02-29|es"]);
    let import = load(&mut sql, file, r#", NULL, '{"overwrite":true}'"#);
    assert_eq!(counts(&mut sql, &import), "filled 1, unchanged 1");
    sql.expect_rows(shown, &["ana|Ana Silva|null|05-17|null", "jose|Pepe|1981-03-01|03-01|es"]);
    // Changed since: it stays, the rest goes back.
    sql.run(r#"SELECT crm.update_customer('jose', '{"name":"Don José"}')"#);
    take_back(&mut sql, &import);
    sql.expect_rows(shown, &["ana|Ana Silva|null|05-17|null", "jose|Don José|1980-02-29|02-29|es"]);
    sql.expect_rows(
        &format!("SELECT line, reason FROM crm.import_rows({import}, 'left')"),
        &["2|changed since: name"],
    );
}

#[test]
fn guests_somebody_said_something_of_stay() {
    let (_database, mut sql) = without_customers("import_left");
    let file = "ref,name,tags\na,Ana,x\nb,Ben,x\nc,Cleo,x\nd,Dan,x\ne,Eve,x\n";
    let import = load(&mut sql, file, "");
    sql.expect_rows(
        "SELECT ref, name, source FROM crm.customer ORDER BY ref",
        &["a|Ana|import", "b|Ben|import", "c|Cleo|import", "d|Dan|import", "e|Eve|import"],
    );
    sql.run("SELECT crm.add_note('a', 'bistro', 'regular'); SELECT crm.tag_customers('{b}', '{friend}')");
    sql.run(r#"INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt") VALUES ('bistro', 'c', 'COMPLETED', 12, now())"#);
    sql.run(r#"SELECT crm.update_customer('d', '{"language":"de"}')"#);
    take_back(&mut sql, &import);
    sql.expect_rows(
        &format!("SELECT line, reason FROM crm.import_rows({import}, 'left')"),
        &[
            "2|there are notes about the guest",
            "3|the guest has tags or contacts",
            "4|the guest has ordered",
            "5|the profile was changed since",
        ],
    );
    sql.expect_rows(
        "SELECT ref, crm.tags_of(org_id, customer_id) FROM crm.customer ORDER BY ref",
        &["a|{}", "b|{friend}", "c|{}", "d|{}"],
    );
    assert_eq!(counts(&mut sql, &import), "left 4, undone 1");
}

#[test]
fn the_platforms_table_is_left_where_it_may_not_be_deleted_from() {
    let (_database, mut sql) = platform("import_no_delete");
    let import = load(&mut sql, "name,phone\nZoe,0611223344\n", "");
    take_back(&mut sql, &import);
    sql.expect_rows(
        &format!("SELECT reason FROM crm.import_rows({import}, 'left')"),
        &["the platform's table of customers may not be deleted from"],
    );
    sql.expect_rows(r#"SELECT count(*) FROM "Customer" WHERE name = 'Zoe'"#, &["1"]);
}

#[test]
fn files_in_any_dress_are_read() {
    let (_database, mut sql) = platform("import_dress");
    let text = "Name\tMobile\nJosé\t0611223344\n";
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (content, further) in [
        (text.as_bytes().to_vec(), ""),
        ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), ""),
        (utf16, ""),
        (b"Name\tMobile\nJos\xE9\t0611223344\n".to_vec(), r#", NULL, '{"encoding":"windows-1252"}'"#),
        (b"sep=|\r\nName|Mobile\r\n\"Jos\xC3\xA9\"|0611223344\r\n\r\n".to_vec(), ""),
        (text.replace('\t', ",").replace('\n', "\r").into_bytes(), ""),
        ("José;0611223344\n".as_bytes().to_vec(), ""),
    ] {
        let import = read(&mut sql, &content, further);
        sql.expect_rows(
            &format!("SELECT s #>> '{{sample,0,0}}', s -> 'mapping', s ->> 'rows' FROM crm.import_status({import}) s"),
            &["José|{\"name\": 1, \"phone\": 2}|1"],
        );
    }
    // Phones alone.
    let import = load(&mut sql, "0611223344\n0611223345\n", "");
    assert_eq!(counts(&mut sql, &import), "created 2");
    // Which of two numbers is the day: told by the column, else by the option.
    for (days, further, expected, warned) in [
        ("05/17/1990\n01/02/1991", "", "1991-01-02", 0),
        ("17/05/1990\n01/02/1991", "", "1991-02-01", 0),
        ("01/02/1991\n01/02/1991", "", "1991-02-01", 1),
        ("01/02/1991\n01/02/1991", r#", NULL, '{"day_first":false}'"#, "1991-01-02", 0),
    ] {
        let rows: String = days.lines().enumerate().map(|(n, day)| format!("{n},{day}\n")).collect();
        let import = read(&mut sql, format!("ref,birthday\n{rows}").as_bytes(), further);
        sql.run(&format!("SELECT crm.check_import({import})"));
        sql.expect_rows(
            &format!("SELECT r.guest #>> '{{profile,birth_date}}', (SELECT count(*) FROM unnest(i.warnings) w WHERE w LIKE '%day_first%') FROM crm.import_row r JOIN crm.import i USING (org_id, import_id) WHERE import_id = {import} AND row_no = 2"),
            &[&format!("{}|{warned}", if expected.is_empty() { "null" } else { expected })],
        );
    }
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let (_database, mut sql) = platform("import_refused");
    let wide = vec!["a"; 201].join(",");
    for (content, code, column, part) in [
        (&b""[..], "22023", "content", "no rows"),
        (b"name,phone\n", "22023", "content", "no rows"),
        (b"name,phone\nAna,1\n\"Ben,2\n", "22023", "content", "row that begins in line 3"),
        (b"name\nJos\xE9\n", "22023", "content", "line 2 is not UTF-8: byte 4"),
        (b"PK\x03\x04\x00\x00", "22023", "content", "zero byte"),
        (b"\xFF\xFEa", "22023", "content", "UTF-16LE"),
        (wide.as_bytes(), "22023", "content", "201 columns"),
    ] {
        let refusal =
            sql.expect_refusal(&format!("SELECT crm.create_import('x', {})", bytea(content)), &[code], part);
        assert_eq!(refusal.column.as_deref(), Some(column), "{part}");
    }
    sql.expect_refusal(
        "SELECT crm.create_import('x', decode(repeat('61', 52428801), 'hex'))",
        &["22023"],
        "at most",
    );
    let good = bytea(b"name,phone\nAna,0611223344\n");
    for (call, code, column) in [
        (format!("crm.create_import('', {good})"), "22023", "file_name"),
        ("crm.create_import('x', NULL)".into(), "22023", "content"),
        (format!("crm.create_import('x', {good}, 'nowhere')"), "CR404", "venue"),
        (format!("crm.create_import('x', {good}, NULL, '{{\"encoding\":\"klingon\"}}')"), "22023", "options"),
        (format!("crm.create_import('x', {good}, NULL, '{{\"delimiter\":\"x\"}}')"), "22023", "options"),
        (format!("crm.create_import('x', {good}, NULL, '{{\"header\":1}}')"), "22023", "options"),
        (format!("crm.create_import('x', {good}, NULL, '{{\"colour\":\"red\"}}')"), "22023", "options"),
        (format!("crm.create_import('x', {good}, NULL, '[]')"), "22023", "options"),
    ] {
        let refusal = sql.expect_refusal(&format!("SELECT {call}"), &[code], "");
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}");
    }
    sql.expect_none("SELECT import_id FROM crm.import UNION ALL SELECT row_no FROM crm.import_row");
    let import = read(&mut sql, b"name,phone\nAna,0611223344\n", "");
    for (call, code, column) in [
        ("crm.map_import({}, '{\"phone\":\"fax\"}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"phone\":3}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"phone\":0}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"phone\":1.5}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"phone\":1,\"name\":1}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"consent\":1}')", "22023", "mapping"),
        ("crm.map_import({}, '{\"note\":1}')", "22023", "mapping"),
        ("crm.map_import({}, '[]')", "22023", "mapping"),
        ("crm.map_import({}, '{}', '{\"encoding\":\"utf-8\"}')", "22023", "options"),
        ("crm.start_import({})", "CR409", "import"),
        ("crm.undo_import({})", "CR409", "import"),
        ("crm.import_status(0)", "CR404", "import"),
        ("crm.check_import(NULL)", "CR404", "import"),
        ("crm.import_rows({}, 'fine')", "22023", "wanted"),
        ("crm.import_rows({}, page_size => 0)", "22023", "page_size"),
    ] {
        let refusal = sql.expect_refusal(
            &format!("SELECT {}", call.replace("{}", &import).replace(&format!("'{import}'"), "'{}'")),
            &[code],
            "",
        );
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}");
    }
    sql.expect_refusal("CALL crm.run_import(0)", &["CR404"], "unknown");
}

/// A file says of a guest what a profile given by hand may say, no more and no less.
#[test]
fn a_file_is_as_strict_as_a_profile() {
    let (_database, mut sql) = without_customers("import_strict");
    let long = |n: usize| "x".repeat(n);
    let texts = [
        "X",
        "''; DROP TABLE x; --",
        "<script>alert(1)</script>",
        "ﷺ",
        "Ｔｅｓｔ",
        "👩‍👩‍👧",
        "\u{202e}evil",
        "%s%n",
        "{\"a\":1}",
        "NULL",
        "\\N",
        "-1",
        "1e5",
        "=1+1",
        "a\tb",
        "Zoë\u{a0}Quick",
        "\u{200b}",
        "a,b;c|d",
        "\"",
        "'",
        "\\",
        &"ñ".repeat(300),
        &long(301),
        &long(101),
        "0612345678",
        "+33 6 12 34 56 78",
        "+999 555",
        "123",
        "call me",
        "0612345678 x 5",
        "6,12E+8",
        "a@b",
        "a@b.c",
        "a@b..c",
        "a b@c.de",
        "ana@example.com",
        "\"a b\"@example.com",
        "<a@b.cd>",
        &format!("{}@example.com", long(243)),
        "1990-05-17",
        "1990-02-29",
        "2000-02-29",
        "--02-29",
        "--02-30",
        "0000-00-00",
        "3000-01-01",
        "1849-12-31",
        "en",
        "pt-BR",
        "x",
        "en-",
        "english!",
        "zh-Hant-TW",
    ];
    for field in ["name", "phone", "email", "birthday", "language", "gender", "document"] {
        let mut file = format!("ref,{field}\n");
        let mut by_hand = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            file += &format!("{field}{n},\"{}\"\n", text.replace('"', "\"\""));
            let profile = serde_json::json!({ "name": "N", field: text }).to_string().replace('\'', "''");
            let refusal =
                sql.attempt(&format!("BEGIN; SELECT crm.create_customer('{profile}', 'bistro'); ROLLBACK"));
            if refusal.is_err() {
                sql.run("ROLLBACK");
            }
            by_hand.push(refusal.is_ok());
        }
        let import = read(&mut sql, file.as_bytes(), ", 'bistro', '{\"header\":true,\"delimiter\":\",\"}'");
        sql.run(&format!("SELECT crm.map_import({import}, '{{\"ref\":1,\"{field}\":2}}'); SELECT crm.check_import({import})"));
        let taken: Vec<bool> = sql
            .rows(&format!("SELECT outcome = 'new' FROM crm.import_rows({import}, page_size => 10000)"))
            .iter()
            .map(|taken| taken == "t")
            .collect();
        assert_eq!(taken.len(), texts.len());
        for ((text, by_hand), taken) in texts.iter().zip(by_hand).zip(taken) {
            // Files also know days and languages in other words.
            assert_eq!(taken, by_hand, "{field} {text:?}");
        }
        sql.run(&format!("SELECT crm.start_import({import})"));
        sql.run(&format!("CALL crm.run_import({import})"));
        sql.expect_none(&format!("SELECT reason FROM crm.import_rows({import}, 'rejected', page_size => 10000) WHERE reason !~ '{field}'"));
    }
    // Texts that are only strange are kept as they are.
    for text in &texts[..8] {
        let quoted = text.replace('\'', "''");
        sql.expect_rows(
            &format!("SELECT count(*) FROM crm.customer WHERE name = '{quoted}' AND ref LIKE 'name%'"),
            &["1"],
        );
    }
}

#[test]
fn a_row_that_the_platform_refuses_is_rejected_alone() {
    let (_database, mut sql) = platform("import_constraint");
    sql.run(r#"ALTER TABLE "Customer" ADD CONSTRAINT no_bobs CHECK (name <> 'Bob')"#);
    sql.run("SELECT crm.tag_customers('{ben}', ARRAY(SELECT 'tag ' || n FROM generate_series(1, 50) n))");
    let import = load(
        &mut sql,
        "ref,name,phone,tags\n,Ana,0611111111,\n,Bob,0611111112,\n,Bobby,0611111112,\n,Cleo,0611111113,\nben,,,one more\n",
        "",
    );
    assert_eq!(counts(&mut sql, &import), "created 2, rejected 3");
    sql.expect_rows(
        &format!("SELECT line, reason ~ 'no_bobs', reason ~ 'line 3, which was rejected', reason ~ '50 tags' FROM crm.import_rejects({import})"),
        &["3|t|f|f", "4|f|t|f", "6|f|f|t"],
    );
    sql.expect_none("SELECT * FROM crm.tag WHERE name = 'one more'");
}

#[test]
fn ids_and_values_are_as_the_platform_makes_them() {
    // An id of its own by a default, by a trigger, or none: then the CRM makes one.
    for (purpose, makes_ids) in [
        ("import_own_ids", None),
        (
            "import_default_ids",
            Some(r#"ALTER TABLE "Customer" ALTER id SET DEFAULT 'own-' || nextval('own_ids')"#),
        ),
        (
            "import_trigger_ids",
            Some(
                r#"CREATE FUNCTION own_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 'own-' || nextval('public.own_ids'); RETURN NEW; END $$;
                   CREATE TRIGGER own_id BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION own_id()"#,
            ),
        ),
    ] {
        let (_database, mut sql) = platform(purpose);
        sql.run("CREATE SEQUENCE own_ids; GRANT USAGE ON own_ids TO PUBLIC");
        sql.run(
            r#"CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
               CREATE TRIGGER shout BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION shout()"#,
        );
        if let Some(statement) = makes_ids {
            sql.run(statement);
        }
        let import = load(&mut sql, "name,phone,language\nZoe,0611223344,fr\nYann,0611223355,de\n", "");
        sql.expect_none(&format!("SELECT reason FROM crm.import_rejects({import})"));
        assert_eq!(counts(&mut sql, &import), "created 2");
        sql.expect_rows(
            r#"SELECT c.name, c.phone, c.language, c.source, c.ref LIKE 'own-%' FROM crm.customer AS c JOIN "Customer" AS h ON h.id = c.ref AND h.name = c.name
               WHERE c.source = 'import' ORDER BY c.name"#,
            &[
                &format!("YANN|0611223355|de|import|{}", if makes_ids.is_some() { "t" } else { "f" }),
                &format!("ZOE|0611223344|fr|import|{}", if makes_ids.is_some() { "t" } else { "f" }),
            ],
        );
        sql.expect_rows(
            r#"SELECT (SELECT count(*) FROM crm.customer) = (SELECT count(*) FROM "Customer")"#,
            &["t"],
        );
    }
}

#[test]
fn a_load_that_was_cut_off_goes_on() {
    let (database, mut sql) = without_customers("import_cut_off");
    let rows: String = (0..5_000).map(|n| format!("Guest {n},+3361{n:07},guest{n}@example.com\n")).collect();
    let import = read(&mut sql, format!("name,phone,email\n{rows}").as_bytes(), "");
    sql.run(&format!("SELECT crm.check_import({import}); SELECT crm.start_import({import})"));
    // A guest whom it would make is captured meanwhile.
    sql.run("SELECT crm.capture_customer('+33610004999')");
    let mut worker = database.session();
    let pid = worker.value("SELECT pg_backend_pid()");
    let statement = format!("CALL crm.run_import({import})");
    let cut_off = std::thread::spawn(move || worker.attempt(&statement));
    let start = Instant::now();
    while sql.number(&format!("SELECT done_to FROM crm.import WHERE import_id = {import}")) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is loaded");
        std::thread::sleep(Duration::from_millis(2));
    }
    sql.run(&format!("SELECT pg_terminate_backend({pid})"));
    let ended = cut_off.join().expect("no panic");
    let done = sql.number(&format!("SELECT done_to FROM crm.import WHERE import_id = {import}"));
    assert!(ended.is_err() && done < 5_000, "cut off after {done} rows: {ended:?}");
    assert_eq!(sql.number("SELECT count(*) FROM crm.customer WHERE source = 'import'"), done);
    sql.run("CALL crm.run_imports()");
    assert_eq!(counts(&mut sql, &import), "created 4999, filled 1");
    sql.expect_rows("SELECT count(*), count(DISTINCT phone_e164) FROM crm.customer", &["5000|5000"]);
    sql.expect_rows("SELECT count(*) FROM crm.job_run WHERE job = 'import'", &["2"]);
    sql.expect_refusal(&format!("CALL crm.run_import({import})"), &["CR409"], "done");
    take_back(&mut sql, &import);
    sql.expect_rows("SELECT name, source FROM crm.customer", &["null|capture"]);
}

#[test]
fn an_import_is_its_organisations_and_its_venues() {
    let database = TestDatabase::new("import_tenants");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    sql.run(
        r#"INSERT INTO "Venue" VALUES ('r1', 'red', 'Red One', 'UTC', 'EUR'), ('r2', 'red', 'Red Two', 'UTC', 'EUR'), ('b1', 'blue', 'Blue One', 'UTC', 'EUR');
           SELECT dine('guest-' || v.id, v.id, '2025-03-01 20:00', 10) FROM "Venue" v;
           UPDATE "Customer" SET email = id || '@example.org'"#,
    );
    restaurant::bind_with_organisations(&mut sql);
    let mut members: Vec<(String, Session)> = Vec::new();
    for (name, org, role, venues) in [
        ("red", "red", "manager", "NULL"),
        ("blue", "blue", "manager", "NULL"),
        ("r1", "red", "manager", "'{r1}'"),
        ("staff", "red", "staff", "NULL"),
    ] {
        let login = format!("{}_{name}", database.name());
        sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
             SELECT crm.create_principal('{name}', '{org}', '{role}', {venues}, '{login}'); GRANT crm_{role} TO {login}"
        ));
        members.push((login.clone(), database.session_as(&login)));
    }
    let [(_, red), (_, blue), (_, r1), (_, staff)] = &mut members[..] else { unreachable!("four members") };
    let file = "ref,name,email,gender\n,Eve,guest-b1@example.org,\n,Guest,guest-r1@example.org,f\n";
    staff.expect_refusal(
        &format!("SELECT crm.create_import('x', {})", bytea(file.as_bytes())),
        &["42501"],
        "permission",
    );
    let import = read(red, file.as_bytes(), "");
    for call in [
        "crm.import_status({})",
        "crm.check_import({})",
        "crm.map_import({})",
        "crm.start_import({})",
        "crm.undo_import({})",
        "crm.import_rows({})",
        "crm.import_rejects({})",
        "crm.import_rejects_csv({})",
    ] {
        for other in [&mut *blue, &mut *r1] {
            other.expect_refusal(
                &format!("SELECT * FROM {}", call.replace("{}", &import)),
                &["CR404"],
                "unknown import",
            );
        }
    }
    blue.expect_none("SELECT * FROM crm.import_list()");
    blue.expect_none("SELECT import_id FROM crm.import UNION ALL SELECT import_id FROM crm.import_row");
    red.expect_rows("SELECT count(*) FROM crm.import_row", &["2"]);
    red.expect_refusal(&format!("CALL crm.run_import({import})"), &["42501"], "permission");
    r1.expect_refusal(
        &format!("SELECT crm.create_import('x', {})", bytea(file.as_bytes())),
        &["42501"],
        "venue",
    );
    r1.expect_refusal(
        &format!("SELECT crm.create_import('x', {}, 'r2')", bytea(file.as_bytes())),
        &["CR404"],
        "r2",
    );
    read(r1, file.as_bytes(), ", 'r1'");
    r1.expect_rows("SELECT count(*), min(state) FROM crm.import_list()", &["1|new"]);
    red.run(&format!("SELECT crm.check_import({import}); SELECT crm.start_import({import})"));
    sql.run("CALL crm.run_imports()");
    // Blue's guest is nobody here: a new one of red's, made in its manager's name; the other's change is his too.
    sql.expect_rows(
        r#"SELECT c."orgId", c.name, p.name FROM "Customer" c JOIN crm.customer g ON g.ref = c.id JOIN crm.principal p ON p.principal_id = g.created_by"#,
        &["red|Eve|red"],
    );
    sql.expect_rows("SELECT field, new_value, p.name FROM crm.profile_change h JOIN crm.principal p ON p.principal_id = h.changed_by", &["gender|f|red"]);
    let logins: Vec<String> = members.into_iter().map(|(login, _)| login).collect();
    for login in logins {
        sql.run(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
    }
}
