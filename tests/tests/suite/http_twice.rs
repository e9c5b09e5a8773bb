//! Requests that come twice, and edits of what was edited meanwhile.

use std::sync::LazyLock;

use crm_tests::{Answer, Service};
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_twice"));

fn post(key: &str, path: &str, name: &str, body: &Value) -> Answer {
    SERVICE.send(
        "POST",
        path,
        &[("Authorization", &format!("Bearer {key}")), ("Idempotency-Key", name)],
        body,
    )
}

#[test]
fn a_request_with_a_key_is_done_once() {
    let s = &*SERVICE;
    let note = json!({"venue": "bar", "body": "once"});
    let first = post(&s.manager, "/v1/customers/g3/notes", "a", &note);
    let again = post(&s.manager, "/v1/customers/g3/notes", "a", &note);
    assert_eq!((first.status, again.status), (201, 201), "{} {}", first.text, again.text);
    assert_eq!(first.body, again.body);
    assert_eq!(s.database.session().number("SELECT count(*) FROM crm.note WHERE body = 'once'"), 1);
    // Another caller's key is another key.
    assert_ne!(post(&s.one_venue, "/v1/customers/g3/notes", "a", &note).body, first.body);
    let other = post(&s.manager, "/v1/customers/g3/notes", "a", &json!({"venue": "bar", "body": "twice"}));
    other.expect_problem(422);
    assert_eq!(other.body["pointer"], "#/header/Idempotency-Key");
    post(&s.manager, "/v1/customers/g6/notes", "a", &note).expect_problem(422);
    post(&s.manager, "/v1/customers/g6/notes", &"a".repeat(256), &note).expect_problem(400);
}

#[test]
fn a_refusal_is_not_kept() {
    let s = &*SERVICE;
    let note = json!({"venue": "bar", "body": "later"});
    post(&s.manager, "/v1/customers/later/notes", "b", &note).expect_problem(404);
    s.database.session().run("SELECT dine('later', 'bar', timestamp '2025-06-03 20:00', 10)");
    assert_eq!(post(&s.manager, "/v1/customers/later/notes", "b", &note).status, 201);
}

#[test]
fn equal_requests_at_once_do_one_thing() {
    let s = &*SERVICE;
    let note = json!({"venue": "bar", "body": "at once"});
    let numbers: Vec<_> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| post(&s.manager, "/v1/customers/g9/notes", "c", &note).body))
            .collect();
        sent.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(numbers.iter().all(|number| number == &numbers[0]), "{numbers:?}");
    assert_eq!(s.database.session().number("SELECT count(*) FROM crm.note WHERE body = 'at once'"), 1);
}

#[test]
fn an_answer_is_kept_for_a_day() {
    let s = &*SERVICE;
    let preference = json!({"kind": "seating", "value": "bar"});
    assert_eq!(post(&s.manager, "/v1/customers/g12/preferences", "d", &preference).status, 204);
    assert_eq!(post(&s.manager, "/v1/customers/g12/preferences", "d", &preference).status, 204);
    let mut sql = s.database.session();
    sql.run("UPDATE crm.kept_answer SET created_at = created_at - interval '25 hours' WHERE key = 'd'");
    sql.run("CALL crm.run_sweep()");
    assert_eq!(sql.number("SELECT count(*) FROM crm.kept_answer WHERE key = 'd'"), 0);
}

/// Reads, edits under the version read, and edits again under the same version: only the first goes through.
fn only_the_first_edit(path: &str, body: &Value) {
    let s = &*SERVICE;
    let authorization = format!("Bearer {}", s.admin);
    let read = s.get(Some(&s.admin), path);
    assert!(read.etag.len() > 10, "{path} has a version");
    assert_eq!(s.get(Some(&s.admin), path).etag, read.etag);
    let edit = |version: &str| {
        s.send("PATCH", path, &[("Authorization", &authorization), ("If-Match", version)], body)
    };
    let first = edit(&read.etag);
    assert!((200..300).contains(&first.status), "{}", first.text);
    let second = edit(&read.etag);
    second.expect_problem(412);
    assert_eq!(second.body["pointer"], "#/header/If-Match");
    assert_ne!(s.get(Some(&s.admin), path).etag, read.etag);
    assert!((200..300).contains(&edit("*").status));
    edit("5f2f").expect_problem(400);
}

#[test]
fn an_edit_of_what_changed_meanwhile_is_refused() {
    let s = &*SERVICE;
    only_the_first_edit("/v1/customers/g15", &json!({"name": "Another"}));
    only_the_first_edit("/v1/venues/bar/settings", &json!({"new_days": 31}));
    let criteria = json!({"v": 1, "where": {"field": "total_visits", "op": "gte", "value": 2}});
    let segment = json!({"venue": "bar", "key": "twice", "name": "Twice", "criteria": criteria});
    let made = s.done(&s.admin, "POST", "/v1/segments", &segment)["segment_id"].clone();
    only_the_first_edit(&format!("/v1/segments/{made}"), &json!({"name": "Twice or more"}));
}
