//! Double opt-in, and the links in mails.

use crm_tests::restaurant;
use crm_tests::{Session, TestDatabase};

/// A bar that has consent to e-mail confirmed, a bistro that does not.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "Europe/Paris");
    sql.run(
        r#"INSERT INTO "Customer" (id, name, phone, email) VALUES ('ana', 'Ana', '+33612345678', 'ana@example.com'), ('ben', 'Ben', NULL, NULL), ('cy', 'Cy', NULL, 'cy@example.com')"#,
    );
    restaurant::bind(&mut sql);
    sql.run(r#"SELECT crm.update_venue_settings('bar', '{"require_double_opt_in":true}')"#);
    (database, sql)
}

const GRANT: &str = "SELECT state FROM crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bar', ip => '192.0.2.1')";
const REACHABLE: &str = "SELECT ref FROM crm.reachable('EMAIL_MARKETING', 'bar')";

/// What the worker would mail: the token of the link.
fn mailed(sql: &mut Session) -> String {
    let token = sql.value("SELECT token FROM crm.take_mail()");
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    token
}

#[test]
fn consent_waits_for_its_confirmation_and_counts_once() {
    let (_database, mut sql) = platform("opt_in");
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro')",
        &["GRANTED"],
    );
    sql.run("SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'REVOKED', 'checkout', 'bistro')");
    sql.expect_rows(GRANT, &["PENDING"]);
    sql.expect_rows(GRANT, &["PENDING"]);
    sql.expect_none(REACHABLE);
    sql.expect_rows("SELECT count(*) FROM crm.opt_in_request", &["1"]);
    sql.expect_rows("SELECT count(*) FROM crm.mail", &["1"]);
    // Only for mail; the organisation is as strict as its strictest venue.
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('ana', 'SMS_MARKETING', 'GRANTED', 'checkout', 'bar')",
        &["GRANTED"],
    );
    sql.expect_rows(
        "SELECT state FROM crm.record_consent('cy', 'EMAIL_MARKETING', 'GRANTED', 'checkout')",
        &["PENDING"],
    );
    let organisation = sql.value("SELECT name FROM crm.organisation");
    sql.expect_rows(
        "SELECT address, sender, attempts FROM crm.take_mail() ORDER BY 1",
        &["ana@example.com|Bar|1", &format!("cy@example.com|{organisation}|1")],
    );
    // Taken, they are not taken again at once.
    sql.expect_none("SELECT * FROM crm.take_mail()");
    let token = sql.value("SELECT crm.token_of('opt_in', request_id) FROM crm.opt_in_request WHERE customer_id = crm.key('ana')");
    // Neither the token nor the address is kept.
    sql.expect_none(&format!("SELECT * FROM crm.opt_in_request r, crm.mail m WHERE r::text || m::text LIKE '%{token}%' OR r::text || m::text LIKE '%ana@%'"));
    sql.expect_rows(&format!("SELECT crm.public_link('{token}') ->> 'state', crm.public_link('{token}') ->> 'sender', crm.public_link('{token}')::text LIKE '%ana%'"), &["PENDING|Bar|f"]);
    sql.expect_rows(&format!("SELECT crm.confirm_opt_in('{token}', '192.0.2.9', 'Firefox')"), &["CONFIRMED"]);
    sql.expect_rows(REACHABLE, &["ana"]);
    let entries = sql.number("SELECT count(*) FROM crm.consent_entry");
    sql.expect_rows(&format!("SELECT crm.confirm_opt_in('{token}')"), &["CONFIRMED"]);
    assert_eq!(sql.number("SELECT count(*) FROM crm.consent_entry"), entries);
    sql.expect_rows(
        "SELECT action, source, ip FROM crm.consent_history('ana') WHERE venue_id = crm.key('bar') AND channel = 'EMAIL_MARKETING'",
        &["PENDING|checkout|192.0.2.1", "GRANTED|double_opt_in|192.0.2.9"],
    );
    // Who has consented is not asked.
    sql.expect_rows(GRANT, &["GRANTED"]);
    assert_eq!(sql.number("SELECT count(*) FROM crm.opt_in_request"), 2);
}

#[test]
fn a_request_expires_is_cancelled_and_is_not_sent_too_often() {
    let (_database, mut sql) = platform("opt_in_expiry");
    sql.expect_refusal("SELECT crm.request_opt_in('ben', 'bar')", &["22023"], "no e-mail address");
    sql.expect_refusal("SELECT crm.resend_opt_in('ana', 'bar')", &["CR404"], "nothing waits");
    sql.run(GRANT);
    let first = mailed(&mut sql);
    sql.expect_refusal("SELECT crm.resend_opt_in('ana', 'bar')", &["CR409"], "ten minutes");
    for sends in ["2", "3"] {
        sql.run("UPDATE crm.opt_in_request SET last_sent_at = last_sent_at - interval '11 minutes'");
        sql.expect_rows("SELECT crm.resend_opt_in('ana', 'bar')", &[sends]);
    }
    sql.run("UPDATE crm.opt_in_request SET last_sent_at = last_sent_at - interval '11 minutes'");
    sql.expect_refusal("SELECT crm.resend_opt_in('ana', 'bar')", &["CR409"], "three times");
    // A week later.
    sql.run("UPDATE crm.opt_in_request SET expires_at = expires_at - interval '7 days'");
    sql.expect_refusal(&format!("SELECT crm.confirm_opt_in('{first}')"), &["CR409"], "not valid");
    sql.run("SELECT crm.sweep()");
    sql.expect_rows("SELECT state, source FROM crm.consents('ana')", &["EXPIRED|double_opt_in"]);
    sql.expect_rows(&format!("SELECT crm.public_link('{first}') ->> 'state'"), &["EXPIRED"]);
    // Asked anew, and revoked before the answer.
    sql.expect_rows(GRANT, &["PENDING"]);
    let second = mailed(&mut sql);
    assert_ne!(first, second);
    sql.run("SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'REVOKED', 'admin', 'bar')");
    sql.expect_refusal(&format!("SELECT crm.confirm_opt_in('{second}')"), &["CR409"], "not valid");
    // To another mail box it proves nothing.
    sql.expect_rows(GRANT, &["PENDING"]);
    let third = mailed(&mut sql);
    sql.run(r#"UPDATE "Customer" SET email = 'other@example.com' WHERE id = 'ana'"#);
    sql.expect_refusal(&format!("SELECT crm.confirm_opt_in('{third}')"), &["CR409"], "another address");
    sql.expect_rows(GRANT, &["PENDING"]);
    let fourth = mailed(&mut sql);
    // Whoever he is merged into has consented.
    sql.run("SELECT crm.merge_customers('cy', 'ana', 'one person')");
    sql.expect_rows(&format!("SELECT crm.confirm_opt_in('{fourth}')"), &["CONFIRMED"]);
    sql.expect_rows(REACHABLE, &["cy"]);
    for token in ["", "x", &"0".repeat(64)] {
        sql.expect_refusal(&format!("SELECT crm.confirm_opt_in('{token}')"), &["CR404"], "unknown link");
        sql.expect_refusal(&format!("SELECT crm.unsubscribe('{token}')"), &["CR404"], "unknown link");
        sql.expect_refusal(&format!("SELECT crm.public_link('{token}')"), &["CR404"], "unknown link");
    }
    sql.run("SELECT crm.sweep()");
    sql.expect_none("SELECT * FROM crm.verify_consent_log()");
}

#[test]
fn links_revoke_and_choose_without_telling_who() {
    let (_database, mut sql) = platform("links");
    sql.run(
        "SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro'), crm.record_consent('ana', 'SMS_MARKETING', 'GRANTED', 'checkout'),
                crm.record_consent('cy', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro')",
    );
    let unsubscribe = sql.value("SELECT crm.guest_link('ana', 'unsubscribe', 'EMAIL_MARKETING', 'bistro')");
    assert_eq!(
        sql.value("SELECT crm.guest_link('ana', 'unsubscribe', 'EMAIL_MARKETING', 'bistro')"),
        unsubscribe
    );
    sql.expect_rows(
        "SELECT count(*), bool_and(t.token = crm.guest_link(c.ref, 'unsubscribe', 'EMAIL_MARKETING', 'bistro')) FROM crm.unsubscribe_tokens('EMAIL_MARKETING',
           ARRAY(SELECT customer_id FROM crm.reachable('EMAIL_MARKETING', 'bistro')), 'bistro') t JOIN crm.customer c USING (customer_id)",
        &["2|t"],
    );
    sql.run(&format!("SELECT crm.unsubscribe('{unsubscribe}', '192.0.2.3', 'Mail')"));
    sql.run(&format!("SELECT crm.unsubscribe('{unsubscribe}')"));
    sql.expect_rows("SELECT ref FROM crm.reachable('EMAIL_MARKETING', 'bistro')", &["cy"]);
    sql.expect_rows(
        "SELECT action, source, ip FROM crm.consent_history('ana') WHERE channel = 'EMAIL_MARKETING'",
        &["GRANTED|checkout|null", "REVOKED|unsubscribe_link|192.0.2.3"],
    );
    // The organisation's link revokes what was granted to its venues too.
    sql.run("SELECT crm.record_consent('ana', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bistro')");
    sql.run("SELECT crm.unsubscribe(crm.guest_link('ana', 'unsubscribe', 'EMAIL_MARKETING'))");
    sql.expect_rows("SELECT ref FROM crm.reachable('EMAIL_MARKETING', 'bistro')", &["cy"]);
    let preferences = sql.value("SELECT crm.guest_link('ana', 'preferences')");
    sql.expect_refusal(&format!("SELECT crm.unsubscribe('{preferences}')"), &["CR404"], "");
    sql.expect_rows(
        &format!("SELECT l -> 'channels' ->> 'SMS_MARKETING', l -> 'channels' ->> 'REVIEW_REQUEST', l ->> 'kind' FROM crm.public_link('{preferences}') l"),
        &["GRANTED|NONE|preferences"],
    );
    sql.run(&format!(r#"SELECT crm.save_link_preferences('{preferences}', '{{"SMS_MARKETING":false,"REVIEW_REQUEST":true,"WHATSAPP_MARKETING":false}}')"#));
    sql.expect_rows(
        "SELECT channel, state, source FROM crm.consents('ana') WHERE venue_id IS NULL ORDER BY 1",
        &[
            "EMAIL_MARKETING|REVOKED|unsubscribe_link",
            "REVIEW_REQUEST|GRANTED|preference_centre",
            "SMS_MARKETING|REVOKED|preference_centre",
        ],
    );
    for choices in ["NULL", "'[]'", r#"'{"PIGEON":true}'"#, r#"'{"SMS_MARKETING":"yes"}'"#] {
        let refusal = sql.expect_refusal(
            &format!("SELECT crm.save_link_preferences('{preferences}', {choices})"),
            &["22023"],
            "",
        );
        assert_eq!(refusal.column.as_deref(), Some("choices"));
    }
    sql.expect_rows(
        &format!("SELECT crm.public_link('{preferences}')::text ~* 'ana|example|{}'", "33612345678"),
        &["f"],
    );
}

#[test]
fn a_mail_is_tried_again_later_and_given_up_in_the_end() {
    let (_database, mut sql) = platform("mail");
    sql.run(GRANT);
    let mail = sql.value("SELECT mail_id FROM crm.take_mail()");
    for attempt in 1..8 {
        sql.expect_rows(&format!("SELECT crm.mail_done({mail}, '451 try later')"), &["QUEUED"]);
        sql.expect_none("SELECT * FROM crm.take_mail()");
        // Each time twice as long: after a minute, two, four.
        sql.expect_rows(
            &format!("SELECT due_at > clock_timestamp() + interval '50 seconds' * {minutes}, due_at < clock_timestamp() + interval '61 seconds' * {minutes} FROM crm.mail", minutes = 1 << (attempt - 1)),
            &["t|t"],
        );
        sql.run("UPDATE crm.mail SET due_at = now()");
        sql.expect_rows("SELECT attempts FROM crm.take_mail()", &[&(attempt + 1).to_string()]);
    }
    sql.expect_rows(&format!("SELECT crm.mail_done({mail}, '550 no such box')"), &["DEAD"]);
    sql.expect_rows(
        "SELECT problem FROM crm.health() WHERE subject = 'mail'",
        &["1 mails could not be delivered"],
    );
    sql.expect_refusal("SELECT crm.mail_done(999)", &["CR404"], "");
}
