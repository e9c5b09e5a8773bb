//! Who may be written to: the rule against one written by hand, suppressed addresses, files.

use std::collections::BTreeMap;
use std::fmt::Write;

use crm_tests::restaurant;
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};

const CHANNELS: [&str; 4] = ["EMAIL_MARKETING", "SMS_MARKETING", "WHATSAPP_MARKETING", "REVIEW_REQUEST"];

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email)
           SELECT 'g' || n, 'Guest ' || n, CASE WHEN n % 3 > 0 THEN '+3361234567' || n END, CASE WHEN n % 4 > 0 THEN 'G' || n || '@Example.com' END FROM generate_series(0, 7) n"#,
    );
    restaurant::bind(&mut sql);
    sql.run("SELECT crm.set_region('FR')");
    (database, sql)
}

/// A guest as the rule by hand knows him.
#[derive(Default)]
struct Guest {
    /// What he said last, by channel and by venue (empty for the organisation): when, and whether he agreed.
    said: BTreeMap<(usize, &'static str), (u64, bool)>,
    email: Option<String>,
    phone: Option<String>,
    banned: bool,
    blocked: bool,
}

impl Guest {
    fn is_reachable(&self, channel: usize, venue: &'static str, suppressed: &[String]) -> bool {
        let open =
            |address: &Option<String>| address.as_ref().is_some_and(|address| !suppressed.contains(address));
        let has_address = match channel {
            0 => open(&self.email),
            3 => open(&self.email) || open(&self.phone),
            _ => open(&self.phone),
        };
        let latest = [venue, ""]
            .iter()
            .filter_map(|scope| self.said.get(&(channel, *scope)))
            .max_by_key(|said| said.0);
        has_address && !self.banned && !self.blocked && latest.is_some_and(|said| said.1)
    }
}

#[test]
fn it_is_what_the_rule_by_hand_says_after_changes_of_every_kind() {
    let (_database, mut sql) = platform("reachable_rule");
    let mut random = Sequence::from_seed(7);
    let mut guests: Vec<Guest> = (0..8)
        .map(|n| Guest {
            email: (n % 4 > 0).then(|| format!("g{n}@example.com")),
            phone: (n % 3 > 0).then(|| format!("+3361234567{n}")),
            ..Guest::default()
        })
        .collect();
    let mut suppressed: Vec<String> = Vec::new();
    for step in 0..400 {
        let n = random.below(8) as usize;
        let guest = &mut guests[n];
        match random.below(12) {
            0..=5 => {
                let channel = random.below(4) as usize;
                let venue = ["", "bistro", "bar"][random.below(3) as usize];
                let granted = random.below(3) > 0;
                sql.run(&format!(
                    "SELECT crm.record_consent('g{n}', '{}', '{}', 'checkout', NULLIF('{venue}', ''))",
                    CHANNELS[channel],
                    if granted { "GRANTED" } else { "REVOKED" }
                ));
                guest.said.insert((channel, venue), (step, granted));
            }
            6 => {
                guest.banned = !guest.banned;
                sql.run(&format!("SELECT crm.set_do_not_contact('g{n}', {}, 'he asked')", guest.banned));
            }
            7 => {
                guest.blocked = !guest.blocked;
                sql.run(&if guest.blocked {
                    format!("SELECT crm.block_customer('g{n}', 'a fight')")
                } else {
                    format!("SELECT crm.unblock_customer('g{n}')")
                });
            }
            8 => {
                let email = guest.email.is_none().then(|| format!("g{n}@example.com"));
                let value =
                    email.as_ref().map_or("NULL".to_owned(), |email| format!("'{}'", email.to_uppercase()));
                sql.run(&format!(r#"UPDATE "Customer" SET email = {value} WHERE id = 'g{n}'"#));
                guest.email = email;
            }
            9 => {
                let phone = guest.phone.is_none().then(|| format!("+3361234567{n}"));
                let value = phone
                    .as_ref()
                    .map_or("NULL".to_owned(), |phone| format!("'{}'", phone.replace("+33", "0")));
                sql.run(&format!(r#"UPDATE "Customer" SET phone = {value} WHERE id = 'g{n}'"#));
                guest.phone = phone;
            }
            10 => {
                let address = [format!("g{n}@example.com"), format!("+3361234567{n}")]
                    [random.below(2) as usize]
                    .clone();
                if suppressed.contains(&address) {
                    suppressed.retain(|known| *known != address);
                    sql.run(&format!("SELECT crm.lift_suppression(' {} ')", address.to_uppercase()));
                } else {
                    sql.run(&format!("SELECT crm.suppress_address('{address}', 'bounce')"));
                    suppressed.push(address);
                }
            }
            _ => sql.run("SELECT crm.sweep()"),
        }
        let mut expected = String::new();
        for venue in ["bar", "bistro", ""] {
            for (channel, name) in CHANNELS.iter().enumerate() {
                for (number, guest) in guests.iter().enumerate() {
                    if guest.is_reachable(channel, venue, &suppressed) {
                        let _ = writeln!(expected, "{venue}|{name}|g{number}");
                    }
                }
            }
        }
        let mut found = String::new();
        for venue in ["bar", "bistro", ""] {
            for name in CHANNELS {
                for row in sql.rows(&format!("SELECT '{venue}', '{name}', ref FROM crm.reachable('{name}', NULLIF('{venue}', '')) ORDER BY ref")) {
                    let _ = writeln!(found, "{row}");
                }
            }
        }
        assert_eq!(found, expected, "after step {step}");
    }
    sql.expect_none("SELECT * FROM crm.verify_consent_log()");
    sql.expect_rows(
        "SELECT h.channel FROM unnest(crm.consent_channels()) h(channel), crm.reachable_counts('bar') c
         WHERE c.channel = h.channel AND c.guests <> (SELECT count(*) FROM crm.reachable(h.channel, 'bar'))",
        &[],
    );
}

/// Every page size, where members stand closer than those who may be written to and where they are rarer.
#[test]
fn the_pages_of_recipients_are_the_members_who_may_be_written_to() {
    let (_database, mut sql) = platform("recipient_pages");
    sql.run("SELECT dine('p' || n, 'bistro', '2025-03-06 12:00', n) FROM generate_series(1, 120) n");
    sql.run(r#"UPDATE "Customer" SET email = id || '@example.org' WHERE id ~ '^p'"#);
    // The organisation may write to most of the first half, but the bistro not to some of them; of the second half the bistro to a few.
    sql.run(
        "SELECT crm.record_consent('p' || n, 'EMAIL_MARKETING', 'GRANTED', 'checkout') FROM generate_series(1, 60) n WHERE n % 7 > 0;
         SELECT crm.record_consent('p' || n, 'EMAIL_MARKETING', 'REVOKED', 'checkout', 'bistro') FROM generate_series(1, 60) n WHERE n % 5 = 0;
         SELECT crm.record_consent('p' || n, 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro') FROM generate_series(40, 120) n WHERE n % 11 = 0",
    );
    for (key, bound) in [("most", 115), ("few", 6), ("one", 1)] {
        let rule = format!(r#""where":{{"field":"total_spent","op":"lte","value":"{bound}"}}"#);
        sql.run(&format!(
            r#"SELECT crm.create_segment('bistro', '{key}', '{key}', '{{"v":1,{rule}}}'), crm.create_segment(NULL, '{key}', '{key}', '{{"v":1,"scope":"org",{rule}}}')"#
        ));
    }
    sql.run("CALL crm.run_sweep()");
    let segments = sql.rows("SELECT s.segment_id, COALESCE(v.ref, '') FROM crm.segment AS s LEFT JOIN crm.venue AS v USING (org_id, venue_id) WHERE s.label = 'NEW' AND v.ref = 'bistro' OR NOT s.is_system");
    assert_eq!(segments.len(), 7);
    let mut recipients = 0;
    for segment in segments {
        let (id, venue) = segment.split_once('|').expect("an id and a venue");
        let expected = sql.rows(&format!(
            "SELECT r.ref FROM crm.segment_member AS m JOIN crm.reachable('EMAIL_MARKETING', NULLIF('{venue}', '')) AS r USING (customer_id) WHERE m.segment_id = {id} ORDER BY r.customer_id"
        ));
        recipients += expected.len();
        for size in [1, 3, 50, 10000] {
            let mut found = Vec::new();
            let mut after = "NULL".to_owned();
            loop {
                let page = sql.rows(&format!(
                    "SELECT ref, customer_id FROM crm.recipients({id}, 'EMAIL_MARKETING', {after}, {size})"
                ));
                let Some((_, last)) = page.last().and_then(|row| row.split_once('|')) else { break };
                assert!(page.len() <= size);
                after = format!("'{last}'");
                found.extend(page.iter().filter_map(|row| row.split('|').next()).map(str::to_owned));
            }
            assert_eq!(found, expected, "segment {id} of '{venue}', {size} a page");
        }
    }
    assert!(recipients > 100);
}

#[test]
fn a_suppressed_address_is_not_to_be_read_and_not_written_to() {
    let (_database, mut sql) = platform("suppression");
    sql.run("SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'GRANTED', 'checkout')");
    sql.expect_rows("SELECT crm.suppress_address('g1@EXAMPLE.com', 'complaint'), crm.suppress_address(' G1@example.com', 'bounce')", &["t|f"]);
    sql.expect_none("SELECT * FROM crm.reachable('EMAIL_MARKETING')");
    // Keyed: neither the address nor its plain hash stands there.
    sql.expect_none("SELECT * FROM crm.suppression s WHERE s::text ILIKE '%g1%' OR s.address_hash IN (sha256('g1@example.com'), sha256('email:g1@example.com'))");
    // A new guest with the address is not written to either, and no file wins him back.
    sql.run(r#"INSERT INTO "Customer" (id, email) VALUES ('again', 'g1@example.com'); SELECT crm.record_consent('again', 'EMAIL_MARKETING', 'GRANTED', 'checkout')"#);
    sql.expect_none("SELECT * FROM crm.reachable('EMAIL_MARKETING')");
    sql.run(r#"INSERT INTO "Customer" (id, email) VALUES ('third', 'g1@example.com')"#);
    sql.expect_refusal("SELECT crm.request_opt_in('third')", &["CR409"], "suppressed");
    for (call, column) in [
        ("suppress_address('12', 'bounce')", "address"),
        ("suppress_address('a@b.ch', 'dislike')", "reason"),
        ("lift_suppression('')", "address"),
    ] {
        let refusal = sql.expect_refusal(&format!("SELECT crm.{call}"), &["22023"], "");
        assert_eq!(refusal.column.as_deref(), Some(column));
    }
}

#[test]
fn a_lost_key_is_told_and_nobody_is_written_to() {
    let (_database, mut sql) = platform("lost_key");
    sql.run("SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'GRANTED', 'checkout')");
    sql.expect_none("SELECT * FROM crm.health() WHERE subject LIKE 'key%'");
    sql.expect_refusal("SELECT crm.key_moved_to_file()", &["55000"], "names no file");
    sql.run("BEGIN; CREATE TEMPORARY TABLE kept AS SELECT value FROM crm.secret; UPDATE crm.secret SET value = sha256('another')");
    sql.expect_rows("SELECT severity FROM crm.health() WHERE subject LIKE 'key%'", &["error"]);
    // Recording goes on: consent is not lost with the key.
    sql.run("SELECT crm.record_consent('g2', 'EMAIL_MARKETING', 'GRANTED', 'checkout')");
    sql.expect_rows("SELECT crm.is_suppressed(1, 'email', 'x@y.ch')", &["t"]);
    sql.expect_none("SELECT * FROM crm.reachable('EMAIL_MARKETING') WHERE ref = 'g2'");
    sql.run("SAVEPOINT lost");
    for call in ["guest_link('g1', 'preferences')", "find_reachable_again()"] {
        sql.expect_refusal(&format!("SELECT crm.{call}"), &["CR503"], "lost");
        sql.run("ROLLBACK TO lost");
    }
    // Back again, it takes in who was left out.
    sql.run("UPDATE crm.secret SET value = (SELECT value FROM kept)");
    sql.expect_rows("SELECT crm.find_reachable_again()", &["2"]);
    sql.expect_rows("SELECT ref FROM crm.reachable('EMAIL_MARKETING') ORDER BY ref", &["g1", "g2"]);
    sql.run("ROLLBACK");
}

#[test]
fn consent_in_a_file_needs_its_date_and_its_source() {
    let (_database, mut sql) = platform("consent_file");
    sql.run(
        "SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'REVOKED', 'admin');
         SELECT crm.suppress_address('gone@example.com', 'complaint')",
    );
    let file = "e-mail;name;Newsletter ok;since;from\n\
        new@example.com;New;ja;17.05.2024;paper form\n\
        g1@example.com;Guest 1;yes;2024-05-17;paper form\n\
        g2@example.com;Guest 2;yes;;paper form\n\
        g3@example.com;Guest 3;no;;\n\
        gone@example.com;Gone;yes;2024-05-17;paper form\n\
        odd@example.com;Odd;perhaps;2024-05-17;paper form\n";
    let import =
        sql.value(&format!("SELECT crm.create_import('g.csv', convert_to('{file}', 'UTF8'), 'bistro')"));
    sql.expect_rows(
        &format!("SELECT w FROM crm.import, unnest(warnings) w WHERE import_id = {import} AND w LIKE '%consent%'"),
        &["Column \"Newsletter ok\" tells of a consent and is left out: map it as email_consent, sms_consent or whatsapp_consent, with consent_date and consent_source."],
    );
    sql.run(&format!(
        r#"SELECT crm.map_import({import}, '{{"email":1,"name":2,"email_consent":3,"consent_date":4,"consent_source":5}}'); SELECT crm.check_import({import}); SELECT crm.start_import({import})"#
    ));
    sql.run("CALL crm.run_imports()");
    sql.expect_rows(
        &format!("SELECT line, reason FROM crm.import_rows({import}, 'rejected')"),
        &["7|email_consent \"perhaps\" is neither yes nor no"],
    );
    let stands = "SELECT c.email_key, s.state, s.since AT TIME ZONE 'UTC', v.detail FROM crm.consent s JOIN crm.customer c USING (org_id, customer_id)
                  LEFT JOIN crm.consent_evidence v USING (org_id, entry_id) WHERE s.scope_id = crm.key('bistro') AND s.channel = 'EMAIL_MARKETING' ORDER BY 1";
    let rows = sql.rows(stands);
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert!(
        rows[0].starts_with("g1@example.com|GRANTED|2024-05-17 00:00:00|import 1, paper form"),
        "{rows:#?}"
    );
    assert!(rows[1].starts_with("g3@example.com|REVOKED|"), "{rows:#?}");
    assert!(
        rows[2].starts_with("new@example.com|GRANTED|2024-05-17 00:00:00|import 1, paper form"),
        "{rows:#?}"
    );
    // What a guest said to the organisation later than the date of the file stands.
    sql.expect_rows("SELECT name FROM crm.reachable('EMAIL_MARKETING', 'bistro')", &["New"]);
    // Again it says nothing new; taken back it is revoked.
    let entries = sql.number("SELECT count(*) FROM crm.consent_entry");
    let again =
        sql.value(&format!("SELECT crm.create_import('g.csv', convert_to('{file}', 'UTF8'), 'bistro')"));
    sql.run(&format!(
        r#"SELECT crm.map_import({again}, '{{"email":1,"name":2,"email_consent":3,"consent_date":4,"consent_source":5}}'); SELECT crm.check_import({again}); SELECT crm.start_import({again})"#
    ));
    sql.run("CALL crm.run_imports()");
    assert_eq!(sql.number("SELECT count(*) FROM crm.consent_entry"), entries);
    sql.run(r#"GRANT DELETE ON "Customer" TO crm_owner"#);
    sql.run(&format!("SELECT crm.undo_import({import})"));
    sql.run("CALL crm.run_imports()");
    sql.expect_none("SELECT * FROM crm.reachable('EMAIL_MARKETING', 'bistro')");
    sql.expect_none("SELECT * FROM crm.customer WHERE email_key = 'new@example.com'");
    sql.run("SELECT crm.sweep()");
    sql.expect_none("SELECT * FROM crm.verify_consent_log()");
}

#[test]
fn the_list_shows_who_may_be_written_to_and_who_favours_what() {
    let (database, mut sql) = platform("list_reachable");
    sql.run(
        "SELECT crm.record_consent(g, 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro') FROM unnest('{g1,g2,g3}'::text[]) g;
         SELECT dine(g, 'bistro', '2025-03-01 20:00', 30) FROM unnest('{g1,g2,g5}'::text[]) g;
         SELECT crm.state_preference('g2', 'favourite_category', 'Desserts'), crm.state_preference('g5', 'favourite_category', 'desserts', 'bar'); SELECT crm.sweep();
         DROP ROLE IF EXISTS list_reader_of_consent; CREATE ROLE list_reader_of_consent LOGIN; SELECT crm.create_principal('L', NULL, 'staff', NULL, 'list_reader_of_consent')",
    );
    let mut staff = database.session_as("list_reader_of_consent");
    for (filter, guests) in [
        ("venue => 'bistro', reachable => 'EMAIL_MARKETING'", "g1 g2"),
        ("venue => 'bar', reachable => 'EMAIL_MARKETING'", ""),
        ("reachable => 'EMAIL_MARKETING'", ""),
        ("category => ' DESSERTS '", "g2 g5"),
        ("venue => 'bistro', category => 'desserts', reachable => 'EMAIL_MARKETING'", "g2"),
    ] {
        staff.expect_rows(
            &format!(
                "SELECT COALESCE(string_agg(ref, ' ' ORDER BY ref), '') FROM crm.customer_list({filter})"
            ),
            &[guests],
        );
    }
    for (call, column) in [("reachable => 'PIGEON'", "reachable"), ("category => ' '", "category")] {
        let refusal = staff.expect_refusal(&format!("SELECT crm.customer_list({call})"), &["22023"], "");
        assert_eq!(refusal.column.as_deref(), Some(column));
    }
    drop(staff);
    sql.run("DROP OWNED BY list_reader_of_consent; DROP ROLE list_reader_of_consent");
}
