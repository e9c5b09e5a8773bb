//! Consent: what was said stays said, and can be proven.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};
use sha2::{Digest, Sha256};

/// A bistro and a bar; three guests with mail boxes, two with phones.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email) VALUES
             ('ana', 'Ana', '+33612345678', 'ana@example.com'), ('ben', 'Ben', NULL, 'Ben@Example.com'), ('cy', 'Cy', '+33698765432', 'cy@example.com');
           SELECT dine('ana', 'bistro', '2025-03-01 20:00', 30), dine('ben', 'bistro', '2025-03-02 20:00', 30), dine('cy', 'bar', '2025-03-02 20:00', 30)"#,
    );
    restaurant::bind(&mut sql);
    (database, sql)
}

const NO_PROBLEM: &str = "SELECT * FROM crm.verify_consent_log()";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A field as the hashes have it.
fn json(field: Option<&str>) -> String {
    field.map_or("null".to_owned(), |text| serde_json::Value::from(text).to_string())
}

#[test]
fn when_to_what_words_and_from_where_has_an_answer() {
    let (_database, mut sql) = platform("consent_history");
    sql.run(
        "SELECT crm.save_wording('newsletter', 'fr', 'Oui, écrivez-moi.'), crm.save_wording('newsletter', 'fr', 'Oui, écrivez-moi.'),
                crm.save_wording('newsletter', 'fr', 'Oui, une fois par mois.')",
    );
    sql.expect_rows(
        "SELECT version, body FROM crm.wording ORDER BY version",
        &["1|Oui, écrivez-moi.", "2|Oui, une fois par mois."],
    );
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro', wording => 2, occurred_at => '2024-05-01 10:00+00',
           ip => '192.0.2.7', user_agent => 'Firefox', detail => 'till 3')",
        &["GRANTED"],
    );
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('ana', 'EMAIL_MARKETING', 'REVOKED', 'admin', 'bistro')",
        &["REVOKED"],
    );
    // What is dated before the last word does not change where she stands.
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', 'bistro', occurred_at => '2024-06-01 10:00+00')",
        &["REVOKED"],
    );
    sql.expect_rows(
        "SELECT occurred_at AT TIME ZONE 'UTC', action, source, wording_key, wording_locale, wording_version, wording, ip, user_agent, detail, venue_id = crm.key('bistro')
           FROM crm.consent_history('ana') ORDER BY entry_id LIMIT 1",
        &["2024-05-01 10:00:00|GRANTED|checkout|newsletter|fr|2|Oui, une fois par mois.|192.0.2.7|Firefox|till 3|t"],
    );
    sql.expect_rows("SELECT action FROM crm.consent_history('ana', '2024-05-15')", &["GRANTED"]);
    sql.expect_rows(
        "SELECT e ->> 'kind', e ->> 'summary' FROM (SELECT to_jsonb(t) AS e FROM crm.timeline('ana') t) x WHERE e ->> 'kind' = 'consent' LIMIT 1",
        &["consent|GRANTED EMAIL_MARKETING"],
    );
    sql.expect_rows(
        "SELECT crm.dossier('ana') #>> '{consents,0,state}', crm.dossier('ana') #>> '{consents,0,channel}'",
        &["REVOKED|EMAIL_MARKETING"],
    );
}

#[test]
fn the_hashes_are_what_the_guide_says() {
    let (_database, mut sql) = platform("consent_hashes");
    sql.run(
        r#"SELECT crm.save_wording('newsletter', 'de', E'Ja, "bitte"\n\t– gern');
           SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro', purpose => 'mail "news"', wording => 1, ip => '2001:db8::1', user_agent => E'a\\b');
           SELECT crm.record_consent('ben', 'SMS_MARKETING', 'REVOKED', 'admin');
           SELECT crm.sweep()"#,
    );
    let mut before = vec![0_u8; 32];
    for position in 1..=2_u64 {
        let receipt: serde_json::Value = serde_json::from_str(&sql.value(&format!(
            "SELECT crm.consent_receipt(entry_id) FROM crm.consent_seal WHERE position = {position}"
        )))
        .expect("a receipt");
        let text =
            |pointer: &str| receipt.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
        let number = |pointer: &str| receipt.pointer(pointer).map_or("null".to_owned(), ToString::to_string);
        if let Some(salt) = text("/evidence/salt") {
            let salt: Vec<u8> = (0..16)
                .map(|n| u8::from_str_radix(&salt[2 * n..2 * n + 2], 16).expect("hexadecimal"))
                .collect();
            let evidence: Vec<String> = ["ip", "user_agent", "detail"]
                .iter()
                .map(|field| json(text(&format!("/evidence/{field}")).as_deref()))
                .collect();
            let hash =
                Sha256::digest([salt.as_slice(), format!("[{}]", evidence.join(", ")).as_bytes()].concat());
            assert_eq!(text("/evidence_hash"), Some(hex(&hash)));
        }
        let wording = text("/wording/body").map(|body| hex(&Sha256::digest(body.as_bytes())));
        assert_eq!(wording, text("/wording/sha256"));
        let content = [
            json(Some("pg_crm consent 1")),
            number("/organisation/org_id"),
            number("/entry_id"),
            json(text("/customer_id").as_deref()),
            json(text("/scope_id").as_deref()),
            json(text("/channel").as_deref()),
            json(text("/action").as_deref()),
            json(text("/source").as_deref()),
            json(text("/purpose").as_deref()),
            json(wording.as_deref()),
            number("/wording/wording_id"),
            json(text("/actor_id").as_deref()),
            json(text("/evidence_hash").as_deref()),
            json(text("/occurred_at").as_deref()),
            json(text("/recorded_at").as_deref()),
        ];
        let entry = Sha256::digest(format!("[{}]", content.join(", ")).as_bytes());
        assert_eq!(text("/entry_hash"), Some(hex(&entry)), "{receipt:#}");
        before = Sha256::digest([before.as_slice(), &position.to_be_bytes(), &entry].concat()).to_vec();
        assert_eq!(text("/seal/chain_hash"), Some(hex(&before)));
    }
}

#[test]
fn the_ledger_is_only_added_to() {
    let (_database, mut sql) = platform("consent_append_only");
    sql.run("SELECT crm.save_wording('newsletter', 'en', 'Yes'); SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', wording => 1); SELECT crm.sweep()");
    for role in ["NONE", "crm_owner"] {
        sql.run(&format!("SET ROLE {role}"));
        for statement in [
            "UPDATE crm.consent_entry SET action = 'REVOKED'",
            "DELETE FROM crm.consent_entry",
            "TRUNCATE crm.consent_entry CASCADE",
            "UPDATE crm.consent_seal SET position = 2",
            "DELETE FROM crm.consent_seal",
            "TRUNCATE crm.consent_seal",
            "UPDATE crm.wording SET body = 'No'",
            "DELETE FROM crm.wording",
        ] {
            sql.expect_refusal(statement, &["55000"], "only added to");
        }
        // A replica's rows are refused changes too.
        if role == "NONE" {
            sql.run("SET session_replication_role = replica");
            sql.expect_refusal("DELETE FROM crm.consent_entry", &["55000"], "");
            sql.run("RESET session_replication_role");
        }
    }
    sql.run("RESET ROLE");
    // Neither the CRM's clock nor a caller dates an entry.
    sql.run("SET crm.as_of = '2020-01-01 12:00+00'; SELECT crm.record_consent('ben', 'EMAIL_MARKETING', 'GRANTED', 'checkout')");
    sql.expect_rows("SELECT count(*) FROM crm.consent_entry WHERE recorded_at < now() - interval '1 hour' OR occurred_at < now() - interval '1 hour'", &["0"]);
    sql.expect_none(NO_PROBLEM);
}

#[test]
fn whatever_is_changed_behind_the_triggers_is_found() {
    let (_database, mut sql) = platform("consent_tampered");
    sql.run(
        "SELECT crm.record_consent(c, h, 'GRANTED', 'checkout', detail => 'till')
         FROM unnest('{ana,ben,cy}'::text[]) c, unnest('{EMAIL_MARKETING,SMS_MARKETING}'::text[]) h;
         SELECT crm.sweep()",
    );
    sql.expect_none(NO_PROBLEM);
    let head = sql.value("SELECT position, chain_hash FROM crm.consent_heads()");
    let (position, hash) = head.split_once('|').expect("two columns");
    assert_eq!(position, "6");
    sql.run("SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'REVOKED', 'admin')");
    sql.expect_rows("SELECT entries, sealed, unsealed FROM crm.consent_log_state()", &["7|6|1"]);
    sql.expect_none(&format!("SELECT * FROM crm.verify_consent_log({position}, '{hash}')"));
    let off = "ALTER TABLE crm.consent_entry DISABLE TRIGGER ALL; ALTER TABLE crm.consent_seal DISABLE TRIGGER ALL; ALTER TABLE crm.consent_evidence DISABLE TRIGGER ALL;";
    for (crime, found) in [
        (
            "UPDATE crm.consent_entry SET action = 'REVOKED' WHERE entry_id = (SELECT entry_id FROM crm.consent_seal WHERE position = 3)",
            "3|the entry was changed",
        ),
        (
            "UPDATE crm.consent_entry SET occurred_at = '2020-01-01' WHERE entry_id = (SELECT max(entry_id) FROM crm.consent_entry)",
            "null|the entry was changed",
        ),
        (
            "UPDATE crm.consent_evidence SET detail = 'a form' WHERE entry_id = (SELECT entry_id FROM crm.consent_seal WHERE position = 2)",
            "2|the evidence was changed",
        ),
        (
            "DELETE FROM crm.consent_entry WHERE entry_id = (SELECT entry_id FROM crm.consent_seal WHERE position = 4)",
            "4|the entry is missing",
        ),
        (
            "DELETE FROM crm.consent_entry WHERE entry_id = (SELECT max(entry_id) FROM crm.consent_entry)",
            "null|the entry is missing",
        ),
        ("DELETE FROM crm.consent_seal WHERE position = 2", "3|links 2 to 2 are missing"),
        ("DELETE FROM crm.consent_seal WHERE position > 4", "5|the chain was cut off: it had 6 links"),
        (
            "DELETE FROM crm.consent_entry e USING crm.consent_seal s WHERE s.entry_id = e.entry_id AND s.position > 4; DELETE FROM crm.consent_seal WHERE position > 4",
            "5|the chain was cut off: it had 6 links",
        ),
        (
            "UPDATE crm.consent_seal SET sealed_at = now(), chain_hash = sha256('x') WHERE position = 5",
            "5|the link was not made with the one before",
        ),
        ("UPDATE crm.consent_head SET chain_hash = sha256('x')", "6|the head is not the last link"),
        ("DELETE FROM crm.unsealed_consent", "null|the entry is not sealed, and not waiting to be"),
        (
            "UPDATE crm.consent SET state = 'GRANTED' WHERE state = 'REVOKED'",
            "null|a guest does not stand where the ledger says: EMAIL_MARKETING",
        ),
        (
            "INSERT INTO crm.consent_entry SELECT org_id, 99, customer_id, scope_id, 'REVIEW_REQUEST', 'GRANTED', source, purpose, wording_id, actor_id, evidence_hash, occurred_at, recorded_at, entry_hash FROM crm.consent_entry LIMIT 1",
            "null|the entry is not sealed, and not waiting to be",
        ),
    ] {
        sql.run("BEGIN");
        sql.run(off);
        sql.run(crime);
        let problems = sql.rows("SELECT position, problem FROM crm.verify_consent_log()");
        assert!(problems.iter().any(|problem| problem == found), "{crime}: {problems:#?}");
        sql.run("ROLLBACK");
    }
    // A chain that somebody made anew from its beginning is whole, but not the one whose head was kept.
    sql.run("BEGIN");
    sql.run(off);
    sql.run(
        "UPDATE crm.consent_entry SET purpose = 'else' WHERE entry_id = (SELECT entry_id FROM crm.consent_seal WHERE position = 1);
         UPDATE crm.consent_entry e SET entry_hash = crm.consent_entry_hash(org_id, entry_id, customer_id, scope_id, channel, action, source, purpose, wording_id, actor_id, evidence_hash, occurred_at, recorded_at);
         DELETE FROM crm.consent_seal; DELETE FROM crm.consent_head; DELETE FROM crm.unsealed_consent;
         INSERT INTO crm.unsealed_consent SELECT org_id, entry_id FROM crm.consent_entry;
         SELECT crm.seal_consents(1000)",
    );
    sql.expect_none(NO_PROBLEM);
    sql.expect_rows(
        &format!("SELECT position, problem FROM crm.verify_consent_log({position}, '{hash}')"),
        &["6|the chain is not the one that the head was taken from"],
    );
    sql.run("ROLLBACK");
}

#[test]
fn of_two_who_are_one_the_stricter_wins_and_both_histories_stay() {
    let (_database, mut sql) = platform("consent_merge");
    sql.run(
        "SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout'), crm.record_consent('ana', 'SMS_MARKETING', 'REVOKED', 'admin'),
                crm.record_consent('ben', 'EMAIL_MARKETING', 'REVOKED', 'checkout'), crm.record_consent('ben', 'SMS_MARKETING', 'GRANTED', 'checkout'),
                crm.record_consent('ben', 'REVIEW_REQUEST', 'GRANTED', 'checkout', 'bistro')",
    );
    let tables = "SELECT 'consent', to_jsonb(c)::text FROM crm.consent c UNION ALL SELECT 'reachable', to_jsonb(r)::text FROM crm.reachable_guest r ORDER BY 1, 2";
    let before = sql.rows(tables);
    sql.run("SELECT crm.merge_customers('ana', 'ben', 'one person')");
    let stands = "SELECT channel, state, reachable FROM crm.consents('ana') ORDER BY 1";
    sql.expect_rows(
        stands,
        &["EMAIL_MARKETING|REVOKED|f", "REVIEW_REQUEST|GRANTED|t", "SMS_MARKETING|REVOKED|f"],
    );
    sql.expect_rows("SELECT count(*), count(recorded_for) FROM crm.consent_history('ana')", &["5|3"]);
    sql.expect_none(NO_PROBLEM);
    sql.run("SELECT crm.unmerge_customer('ben')");
    assert_eq!(sql.rows(tables), before);
    // What is said after the merge is said for both.
    sql.run("SELECT crm.merge_customers('ana', 'ben', 'one person'); SELECT crm.record_consent('ben', 'EMAIL_MARKETING', 'GRANTED', 'checkout')");
    sql.expect_rows(
        stands,
        &["EMAIL_MARKETING|GRANTED|t", "REVIEW_REQUEST|GRANTED|t", "SMS_MARKETING|REVOKED|f"],
    );
    // Down a chain as well.
    sql.run("SELECT crm.record_consent('cy', 'REVIEW_REQUEST', 'REVOKED', 'admin', 'bistro'); SELECT crm.merge_customers('cy', 'ana', 'the same again')");
    sql.expect_rows(
        "SELECT channel, state FROM crm.consents('ben') ORDER BY 1",
        &["EMAIL_MARKETING|GRANTED", "REVIEW_REQUEST|REVOKED", "SMS_MARKETING|REVOKED"],
    );
    sql.expect_none(NO_PROBLEM);
    sql.run("SELECT crm.unmerge_customer('ana')");
    sql.expect_rows(
        stands,
        &["EMAIL_MARKETING|GRANTED|t", "REVIEW_REQUEST|GRANTED|t", "SMS_MARKETING|REVOKED|f"],
    );
    sql.expect_none(NO_PROBLEM);
}

#[test]
fn many_at_once_leave_one_ledger_and_one_chain() {
    let (database, mut sql) = platform("consent_concurrent");
    std::thread::scope(|scope| {
        for client in 0..16 {
            let database = &database;
            scope.spawn(move || {
                let mut sql = database.session();
                for n in 0..20 {
                    let guest = ["ana", "ben", "cy"][(client + n) % 3];
                    let action = ["GRANTED", "REVOKED"][(client * 7 + n) % 2];
                    sql.run(&format!(
                        "SELECT crm.record_consent('{guest}', 'EMAIL_MARKETING', '{action}', 'checkout')"
                    ));
                    if client % 8 == 0 && n % 5 == 0 {
                        sql.run("SELECT crm.sweep()");
                    }
                }
            });
        }
    });
    sql.run("SELECT crm.sweep()");
    sql.expect_rows("SELECT entries, sealed, unsealed FROM crm.consent_log_state()", &["320|320|0"]);
    sql.expect_none(NO_PROBLEM);
    sql.expect_none(
        "SELECT c.* FROM crm.consent c WHERE (c.state, c.entry_id) IS DISTINCT FROM
           (SELECT (e.action, e.entry_id) FROM crm.consent_entry e WHERE e.customer_id = c.customer_id ORDER BY e.occurred_at DESC, e.entry_id DESC LIMIT 1)",
    );
}

#[test]
fn what_is_no_consent_is_refused() {
    let (_database, mut sql) = platform("consent_refusals");
    for (call, code, column) in [
        ("crm.record_consent('nobody', 'EMAIL_MARKETING', 'GRANTED', 'admin')", "CR404", "customer"),
        ("crm.record_consent(NULL, 'EMAIL_MARKETING', 'GRANTED', 'admin')", "CR404", "customer"),
        ("crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', 'nowhere')", "CR404", "venue"),
        ("crm.record_consent('ana', 'PIGEON', 'GRANTED', 'admin')", "22023", "channel"),
        ("crm.record_consent('ana', NULL, 'GRANTED', 'admin')", "22023", "channel"),
        ("crm.record_consent('ana', 'EMAIL_MARKETING', 'PENDING', 'admin')", "22023", "action"),
        ("crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'erasure')", "22023", "source"),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', purpose => ' ')",
            "22023",
            "purpose",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', wording => 7)",
            "CR404",
            "wording",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', occurred_at => now() + interval '1 day')",
            "22023",
            "occurred_at",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', occurred_at => '-infinity')",
            "22023",
            "occurred_at",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'admin', detail => repeat('x', 1001))",
            "22023",
            "detail",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'import', detail => 'a form')",
            "22023",
            "occurred_at",
        ),
        (
            "crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'import', occurred_at => '2024-01-01')",
            "22023",
            "detail",
        ),
        ("crm.save_wording('News Letter', 'en', 'Yes')", "22023", "key"),
        ("crm.save_wording('news', 'english please', 'Yes')", "22023", "locale"),
        ("crm.save_wording('news', 'en', '')", "22023", "body"),
        ("crm.consent_receipt(1)", "CR404", "entry"),
        ("crm.verify_consent_log(1, 'abc')", "22023", "known_hash"),
        ("crm.reachable('PIGEON')", "22023", "channel"),
        ("crm.reachable('EMAIL_MARKETING', max_rows => 0)", "22023", "max_rows"),
        ("crm.customer_list(reachable => 'PIGEON')", "42501", ""),
    ] {
        let refusal = sql.expect_refusal(&format!("SELECT {call}"), &[code], "");
        assert_eq!(refusal.column.as_deref().unwrap_or(""), column, "{call}: {refusal:?}");
    }
    sql.expect_rows("SELECT count(*) FROM crm.consent_entry", &["0"]);
}
