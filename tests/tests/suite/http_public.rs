//! The pages behind mailed links, and the mails, sent to a mail server of the test's own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crm_tests::{MailSink, Program, Service, Session};
use sha2::{Digest, Sha256};

static SINK: LazyLock<MailSink> = LazyLock::new(MailSink::start);

/// The service with a mail server; bar has consent to e-mail confirmed.
static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let service = Service::start_with("http_public", &settings(&SINK.url()));
    let mut sql = service.database.session();
    sql.run(
        r#"SELECT crm.update_venue_settings('bar', '{"require_double_opt_in":true}');
           UPDATE "Venue" SET name = E'Bär & <Grill>\r\nBcc: all@example.org' WHERE id = 'bar'"#,
    );
    service
});

fn settings(smtp: &str) -> [(&'static str, &str); 5] {
    [
        ("CRM_SEND_MAIL", "on"),
        ("CRM_SMTP_URL", smtp),
        ("CRM_MAIL_FROM", "news@restaurant.example"),
        ("CRM_PUBLIC_URL", "https://crm.restaurant.example"),
        ("CRM_CLIENT_ADDRESS_HEADER", "X-Forwarded-For"),
    ]
}

struct Page {
    status: i32,
    text: String,
    headers: std::collections::HashMap<String, String>,
}

/// A request of a visitor, who is counted by his address.
fn visit(visitor: &str, method: &str, path: &str, headers: &[(&str, &str)], form: Option<&str>) -> Page {
    let url = format!("{}{path}", SERVICE.program.base);
    let mut request = minreq::Request::new(minreq::Method::Custom(method.to_owned()), url)
        .with_timeout(20)
        .with_header("X-Forwarded-For", format!("203.0.113.99, {visitor}"));
    for (name, value) in headers {
        request = request.with_header(*name, *value);
    }
    if let Some(form) = form {
        request = request.with_header("Content-Type", "application/x-www-form-urlencoded").with_body(form);
    }
    let response = request.send().expect("an answer");
    let text = response.as_str().expect("text").to_owned();
    let page = Page { status: response.status_code, text, headers: response.headers };
    page.expect_private();
    page
}

/// An address of each test's own, so that none uses up another's limit.
fn visitor() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    thread_local!(static OWN: u8 = NEXT.fetch_add(1, Relaxed));
    format!("192.0.2.{}", OWN.with(|own| *own))
}

fn get(path: &str) -> Page {
    visit(&visitor(), "GET", path, &[], None)
}

fn post(path: &str, form: &str) -> Page {
    visit(&visitor(), "POST", path, &[], Some(form))
}

impl Page {
    /// What every page has: nobody keeps it, finds it, frames it or learns its address; its one style is the one allowed.
    #[track_caller]
    fn expect_private(&self) {
        let header = |name: &str| self.headers.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(header("content-type"), "text/html; charset=utf-8", "{}", self.text);
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-robots-tag"), "noindex, nofollow");
        let style = self.text.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
        let hash = base64(&Sha256::digest(style.expect("a style")));
        let policy = header("content-security-policy");
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!self.headers.contains_key("set-cookie") && !self.text.contains("<script"));
    }

    #[track_caller]
    fn expect(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "{part} in {}", self.text);
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            text.push(if i <= chunk.len() {
                ALPHABET[(bits >> (18 - 6 * i) & 63) as usize] as char
            } else {
                '='
            });
        }
    }
    text
}

fn consent(sql: &mut Session, guest: &str) {
    sql.run(&format!(
        "SELECT crm.record_consent('{guest}', 'EMAIL_MARKETING', 'GRANTED', 'checkout', 'bar')"
    ));
}

fn state(sql: &mut Session, guest: &str) -> String {
    sql.value(&format!("SELECT state FROM crm.consents('{guest}') WHERE channel = 'EMAIL_MARKETING'"))
}

#[test]
fn a_mail_reaches_a_mail_server_and_its_links_confirm_and_unsubscribe_with_one_click() {
    let mut sql = SERVICE.database.session();
    consent(&mut sql, "g3");
    let mail = SINK.wait_for("g3@example.org");
    let from = mail.header("From");
    assert!(from.ends_with("<news@restaurant.example>") && !mail.has("Bcc"), "{from}");
    assert_eq!(mail.header("To"), "g3@example.org");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@restaurant.example>"));
    assert!(mail.header("Date").ends_with(" +0000"));
    assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let list_unsubscribe = mail.header("List-Unsubscribe");
    let one_click = list_unsubscribe
        .strip_prefix("<https://crm.restaurant.example")
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or_else(|| panic!("{list_unsubscribe}"));

    let link = format!("/public/confirm/{}", mail.token("confirm"));
    let shown = get(&link);
    shown.expect(200, &["Confirm your subscription", "Bär &#38; &#60;Grill&#62;", "<form method=\"post\">"]);
    assert!(!shown.text.contains("g3") && !shown.text.contains("Guest"), "{}", shown.text);
    assert_eq!(state(&mut sql, "g3"), "PENDING", "showing changes nothing");
    post(&link, "").expect(200, &["Your subscription is confirmed"]);
    assert_eq!(state(&mut sql, "g3"), "GRANTED");
    sql.expect_rows(
        "SELECT action, source, ip FROM crm.consent_history('g3') ORDER BY entry_id DESC LIMIT 1",
        &[&format!("GRANTED|double_opt_in|{}", visitor())],
    );
    post(&link, "").expect(200, &["Your subscription is confirmed"]);
    get(&link).expect(200, &["Your subscription is confirmed"]);

    get(one_click).expect(200, &["Unsubscribe", "E-mails with news and offers"]);
    assert_eq!(state(&mut sql, "g3"), "GRANTED", "showing changes nothing");
    post(one_click, "List-Unsubscribe=One-Click").expect(200, &["You are unsubscribed"]);
    assert_eq!(state(&mut sql, "g3"), "REVOKED");
    let multipart = [("Content-Type", "multipart/form-data; boundary=x")];
    visit(&visitor(), "POST", one_click, &multipart, None).expect(200, &["You are unsubscribed"]);
}

#[test]
fn a_page_speaks_the_language_chosen_else_the_guests_else_the_browsers() {
    let mut sql = SERVICE.database.session();
    let of = |sql: &mut Session, guest: &str| {
        format!(
            "/public/preferences/{}",
            sql.value(&format!("SELECT crm.guest_link('{guest}', 'preferences', venue => 'bar')"))
        )
    };
    let path = of(&mut sql, "g6");
    let german = [("Accept-Language", "de-AT, en;q=0.5")];
    let ask = |path: &str| visit(&visitor(), "GET", path, &german, None);
    ask(&path).expect(200, &["<html lang=\"de\">", "Was dürfen wir Ihnen schicken?"]);
    sql.run("SELECT crm.update_customer('g6', '{\"language\": \"pt-BR\"}')");
    ask(&path).expect(200, &["<html lang=\"pt\">", "O que lhe podemos enviar?"]);
    ask(&format!("{path}?lang=en")).expect(200, &["<html lang=\"en\">", "What may we send you?"]);
    sql.run("SELECT crm.update_customer('g6', '{\"language\": \"fr\"}')");
    ask(&path).expect(200, &["<html lang=\"de\">"]);
    get(&path).expect(200, &["<html lang=\"en\">"]);
    ask("/public/preferences/unknown").expect(404, &["Dieser Link ist nicht gültig"]);

    sql.run("SELECT crm.update_customer('g9', '{\"language\": \"de\"}')");
    consent(&mut sql, "g9");
    let mail = SINK.wait_for("g9@example.org");
    assert_eq!(mail.header("Content-Language"), "de");
    assert!(mail.header("Subject").contains("=?utf-8?"), "an encoded subject");
}

#[test]
fn a_link_that_is_wrong_expired_or_of_another_kind_tells_nothing() {
    let mut sql = SERVICE.database.session();
    let unknown = get(&format!("/public/confirm/{}", "0".repeat(64)));
    unknown.expect(404, &["This link is not valid"]);
    let preferences = sql.value("SELECT crm.guest_link('g12', 'preferences')");
    let made_up = [
        "x".to_owned(),
        "%00".to_owned(),
        "'; --".replace(' ', "%20"),
        "é".repeat(32),
        "a".repeat(3000),
        preferences,
    ];
    for token in &made_up {
        for page in ["confirm", "unsubscribe", "erasure"] {
            for page in
                [get(&format!("/public/{page}/{token}")), post(&format!("/public/{page}/{token}"), "")]
            {
                assert_eq!((page.status, &page.text), (404, &unknown.text), "{token}");
            }
        }
    }
    for path in ["/public/nothing", "/public/confirm", "/public/confirm/a/b"] {
        let page = get(path);
        assert_eq!((page.status, &page.text), (404, &unknown.text), "{path}");
    }
    visit(&visitor(), "DELETE", &format!("/public/confirm/{}", "0".repeat(64)), &[], None).expect(405, &[]);

    consent(&mut sql, "g15");
    let link = format!("/public/confirm/{}", SINK.wait_for("g15@example.org").token("confirm"));
    sql.run("UPDATE crm.opt_in_request SET expires_at = now() - interval '1 second' WHERE customer_id = crm.key('g15')");
    for page in [get(&link), post(&link, "")] {
        assert_eq!((page.status, &page.text), (410, &unknown.text));
    }
    sql.run("UPDATE crm.opt_in_request SET expires_at = now() + interval '1 day' WHERE customer_id = crm.key('g15')");
    sql.run(r#"UPDATE "Customer" SET email = 'other@example.org' WHERE id = 'g15'"#);
    let moved = post(&link, "");
    assert_eq!((moved.status, &moved.text), (410, &unknown.text), "the mailbox is not his any more");
    assert_eq!(state(&mut sql, "g15"), "PENDING");
}

#[test]
fn a_guest_chooses_what_he_is_sent() {
    let mut sql = SERVICE.database.session();
    let path = format!(
        "/public/preferences/{}",
        sql.value("SELECT crm.guest_link('g18', 'preferences', venue => 'bar')")
    );
    let states =
        |sql: &mut Session| sql.rows("SELECT channel, state FROM crm.consents('g18') ORDER BY 1").join(" ");
    consent(&mut sql, "g18");
    get(&path).expect(200, &["Waits for your confirmation"]);
    post(&path, "channel=SMS_MARKETING&channel=PIGEON")
        .expect(200, &["Your choices are saved", "value=\"SMS_MARKETING\" checked"]);
    assert_eq!(
        states(&mut sql),
        "EMAIL_MARKETING|PENDING SMS_MARKETING|GRANTED",
        "an empty box is no answer yet"
    );
    post(&path, "channel=EMAIL_MARKETING&channel=REVIEW_REQUEST")
        .expect(200, &["value=\"EMAIL_MARKETING\" checked"]);
    assert_eq!(states(&mut sql), "EMAIL_MARKETING|GRANTED REVIEW_REQUEST|GRANTED SMS_MARKETING|REVOKED");
    post(&path, "channel=EMAIL_MARKETING&all=none").expect(200, &["Your choices are saved"]);
    assert_eq!(states(&mut sql), "EMAIL_MARKETING|REVOKED REVIEW_REQUEST|REVOKED SMS_MARKETING|REVOKED");
    post(&path, &"x".repeat(20_000)).expect(413, &[]);
}

#[test]
fn a_guest_has_himself_erased() {
    let mut sql = SERVICE.database.session();
    let path = format!("/public/preferences/{}", sql.value("SELECT crm.guest_link('g21', 'preferences')"));
    let erasures = |sql: &mut Session| {
        sql.rows("SELECT state, origin FROM crm.erasure_request WHERE customer_id = crm.key('g21')").join(" ")
    };
    get(&format!("{path}/erasure")).expect(200, &["Delete your data", "Send me the e-mail"]);
    assert_eq!(erasures(&mut sql), "", "showing changes nothing");
    post(&format!("{path}/erasure"), "").expect(200, &["Please look into your mailbox"]);
    assert_eq!(erasures(&mut sql), "UNCONFIRMED|guest");
    let mail = SINK.wait_for("g21@example.org");
    assert!(!mail.has("List-Unsubscribe"), "it advertises nothing");
    // Pressed again, one mail is enough.
    post(&format!("{path}/erasure"), "").expect(200, &["Please look into your mailbox"]);
    assert_eq!(
        sql.number(
            "SELECT count(*) FROM crm.mail WHERE kind = 'confirm_erasure' AND customer_id = crm.key('g21')"
        ),
        1
    );

    let link = format!("/public/erasure/{}", mail.token("erasure"));
    get(&link).expect(200, &["Delete my data"]);
    assert_eq!(erasures(&mut sql), "UNCONFIRMED|guest", "showing changes nothing");
    let day = sql.value(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '7 days', 'FMMonth FMDD, YYYY')",
    );
    for page in [post(&link, ""), post(&link, ""), get(&link), get(&format!("{path}/erasure"))] {
        page.expect(200, &["Your data will be deleted", &day]);
    }
    get(&path).expect(200, &[&day]);
    assert_eq!(erasures(&mut sql), "REQUESTED|guest");
    sql.run("SELECT crm.execute_erasure('g21', force => true, reason => 'test')");
    get(&link).expect(404, &[]);
    post(&path, "channel=SMS_MARKETING").expect(410, &[]);
    post(&format!("{path}/erasure"), "").expect(410, &[]);

    // Nobody can confirm what cannot be mailed.
    sql.run(r#"UPDATE "Customer" SET email = NULL WHERE id = 'g24'"#);
    let silent = sql.value("SELECT crm.guest_link('g24', 'preferences')");
    post(&format!("/public/preferences/{silent}/erasure"), "")
        .expect(200, &["We have no e-mail address of yours"]);
    assert_eq!(sql.number("SELECT count(*) FROM crm.erasure_request WHERE customer_id = crm.key('g24')"), 0);
}

#[test]
fn one_address_may_not_ask_for_ever() {
    LazyLock::force(&SERVICE);
    let start = Instant::now();
    let mut refused = 0;
    for _ in 0..100 {
        let page = visit("198.51.100.7", "GET", "/public/unsubscribe/x", &[], None);
        if page.status == 429 {
            page.expect(429, &["Please try again in a moment"]);
            assert!(page.headers["retry-after"].parse::<u32>().is_ok_and(|seconds| seconds > 0));
            refused += 1;
        }
    }
    let regained = start.elapsed().as_secs() + 1;
    assert!(refused as u64 >= 40 - regained.min(39), "{refused} of 100 in {:?}", start.elapsed());
    visit("198.51.100.8", "GET", "/public/unsubscribe/x", &[], None).expect(404, &[]);
}

#[test]
fn what_a_mail_server_refuses_is_tried_again_or_given_up() {
    let mut sql = SERVICE.database.session();
    sql.run(r#"UPDATE "Customer" SET email = CASE id WHEN 'g27' THEN 'nobody@example.org' ELSE 'later@example.org' END WHERE id IN ('g27', 'g30')"#);
    let mail = |sql: &mut Session, guest: &str| {
        sql.value(&format!("SELECT state, last_error FROM crm.mail WHERE customer_id = crm.key('{guest}')"))
    };
    consent(&mut sql, "g27");
    consent(&mut sql, "g30");
    let start = Instant::now();
    while !mail(&mut sql, "g27").starts_with("DEAD") || mail(&mut sql, "g30") == "QUEUED|null" {
        assert!(start.elapsed() < Duration::from_secs(20), "both are tried: {}", mail(&mut sql, "g27"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let (dead, queued) = (mail(&mut sql, "g27"), mail(&mut sql, "g30"));
    assert!(dead.contains("5.1.1 <address>") && !dead.contains("nobody@"), "{dead}");
    assert!(queued.starts_with("QUEUED|") && queued.contains("451"), "{queued}");
    sql.run("UPDATE crm.mail SET due_at = now() WHERE customer_id = crm.key('g30')");
    SINK.wait_for("later@example.org");
}

#[test]
fn several_instances_send_each_mail_once() {
    let mut sql = SERVICE.database.session();
    let _second = Program::start(&SERVICE.database, &settings(&SINK.url()));
    let guests: Vec<String> = (33..=60).step_by(3).map(|i| format!("g{i}")).collect();
    for guest in &guests {
        consent(&mut sql, guest);
    }
    for guest in &guests {
        SINK.wait_for(&format!("{guest}@example.org"));
    }
    for guest in &guests {
        let times = SINK.mails().iter().filter(|mail| mail.to == format!("{guest}@example.org")).count();
        assert_eq!(times, 1, "{guest}");
    }
}

#[test]
fn without_a_mail_server_mails_are_written_into_a_folder() {
    let folder = std::env::temp_dir().join(format!("crm-mailbox-{}", std::process::id()));
    let service = Service::start_with(
        "http_mailbox",
        &[("CRM_SEND_MAIL", "on"), ("CRM_MAILBOX_DIR", folder.to_str().expect("UTF-8"))],
    );
    let mut sql = service.database.session();
    sql.run(r#"SELECT crm.update_venue_settings('bar', '{"require_double_opt_in":true}')"#);
    consent(&mut sql, "g3");
    let start = Instant::now();
    let eml = loop {
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let names: Vec<_> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "eml"))
            .collect();
        if let [eml] = &names[..] {
            break std::fs::read_to_string(eml).expect("a mail");
        }
        assert!(start.elapsed() < Duration::from_secs(20), "a mail within 20 seconds");
        std::thread::sleep(Duration::from_millis(100));
    };
    std::fs::remove_dir_all(&folder).expect("the folder is the test's");
    let text = eml.replace("=\r\n", "");
    let link = text.split_whitespace().find(|word| word.contains("/public/confirm/")).expect("a link");
    assert!(link.starts_with(&service.program.base), "{link} leads to the service itself");
    let answer = minreq::post(link).with_timeout(20).send().expect("an answer");
    assert_eq!(answer.status_code, 200);
    assert_eq!(state(&mut sql, "g3"), "GRANTED");
}
