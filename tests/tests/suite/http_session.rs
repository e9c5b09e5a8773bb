//! Who calls: sessions of browsers, principals and keys.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_session"));

const NONE: Value = Value::Null;

/// The cookie as a browser sends it back.
fn signed_in(key: &str) -> String {
    let answer = SERVICE.send("POST", "/v1/session", &[], &json!({"key": key}));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(
        answer.cookie.contains("HttpOnly") && answer.cookie.contains("SameSite=Strict"),
        "{}",
        answer.cookie
    );
    assert!(!answer.cookie.contains(key));
    answer.cookie.split(';').next().expect("a cookie").to_owned()
}

#[test]
fn a_session_stands_for_its_key_until_it_is_closed() {
    let s = &*SERVICE;
    let cookie = signed_in(&s.one_venue);
    let who = s.send("GET", "/v1/session", &[("Cookie", &cookie)], &NONE);
    assert_eq!(who.status, 200, "{}", who.text);
    assert_eq!(
        (&who.body["name"], &who.body["role"], &who.body["all_venues"]),
        (&json!("house staff"), &json!("staff"), &json!(false))
    );
    assert_eq!(who.body["venues"][0]["ref"], "bar");
    assert_eq!(s.send("GET", "/v1/customers", &[("Cookie", &cookie)], &NONE).status, 200);

    let note = json!({"venue": "bar", "body": "by a form of another site"});
    s.send("POST", "/v1/customers/g3/notes", &[("Cookie", &cookie)], &note).expect_problem(403);
    let own = [("Cookie", cookie.as_str()), ("X-CRM-CSRF", "1")];
    assert_eq!(s.send("POST", "/v1/customers/g3/notes", &own, &note).status, 201);

    s.send("DELETE", "/v1/session", &[("Cookie", &cookie)], &NONE).expect_problem(403);
    let closed = s.send("DELETE", "/v1/session", &own, &NONE);
    assert_eq!(closed.status, 204);
    assert!(closed.cookie.contains("Max-Age=0"), "{}", closed.cookie);
    s.send("GET", "/v1/session", &[("Cookie", &cookie)], &NONE).expect_problem(401);
    s.send("POST", "/v1/session", &[], &json!({"key": "crm_0000"})).expect_problem(401);
    assert_eq!(s.get(Some(&s.manager), "/v1/session").body["organisation"]["ref"], "house");
}

#[test]
fn an_expired_session_is_refused_and_swept_away() {
    let s = &*SERVICE;
    let cookie = signed_in(&s.manager);
    let mut sql = s.database.session();
    sql.run("UPDATE crm.session SET expires_at = clock_timestamp() - interval '1 second' WHERE key_hash IN (SELECT k.key_hash FROM crm.api_key k JOIN crm.principal p USING (org_id, principal_id) WHERE p.name = 'house manager')");
    s.send("GET", "/v1/session", &[("Cookie", &cookie)], &NONE).expect_problem(401);
    sql.run("CALL crm.run_sweep()");
    assert_eq!(sql.number("SELECT count(*) FROM crm.session WHERE expires_at <= clock_timestamp()"), 0);
}

#[test]
fn an_admin_makes_keys_and_revokes_them() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    let desk = json!({"name": "Front desk", "role": "staff", "venues": ["bar"]});
    let principal = s.done(admin, "POST", "/v1/principals", &desk)["principal_id"].clone();
    let made = s.done(admin, "POST", "/v1/keys", &json!({"principal": principal, "name": "till 3"}));
    let (id, key) = (made["key_id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    assert_eq!(s.done(key, "GET", "/v1/session", &NONE)["venues"][0]["ref"], "bar");
    let cookie = signed_in(key);
    let listed = s.done(admin, "GET", "/v1/keys", &NONE);
    let till = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|k| k["key_id"] == id)
        .expect("the key")
        .clone();
    assert_eq!((&till["name"], &till["role"]), (&json!("till 3"), &json!("staff")));
    assert!(till["last_used_on"].is_string() && !listed.to_string().contains(key));
    assert!(
        s.done(admin, "GET", "/v1/principals", &NONE)["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(|p| p["name"] == "Front desk" && p["keys"] == 1)
    );

    // Another role and other venues hold from the next request on, with the same key.
    let reach = format!("/v1/principals/{}/reach", principal.as_str().expect("an id"));
    s.done(admin, "PUT", &reach, &json!({"role": "manager", "venues": null}));
    let session = s.done(key, "GET", "/v1/session", &NONE);
    assert!(session["role"] == "manager" && session["venues"].as_array().expect("venues").len() > 1);
    s.refused(&s.rival, "PUT", &reach, &json!({"role": "reader"}), 404, "#/path/principal");
    s.refused(key, "PUT", &reach, &json!({"role": "admin"}), 403, "");
    s.refused(admin, "PUT", &reach, &json!({"role": "staff", "venues": ["rival"]}), 404, "#/body/venues");
    s.refused(admin, "PUT", &reach, &json!({"role": "staff", "venues": []}), 400, "#/body/venues");
    let own = s.done(admin, "GET", "/v1/session", &NONE)["principal_id"].clone();
    let own = format!("/v1/principals/{}/reach", own.as_str().expect("an id"));
    s.refused(admin, "PUT", &own, &json!({"role": "manager"}), 409, "#/body/role");

    s.refused(&s.rival, "DELETE", &format!("/v1/keys/{id}"), &NONE, 404, "#/path/key");
    s.done(admin, "DELETE", &format!("/v1/keys/{id}"), &NONE);
    s.refused(key, "GET", "/v1/session", &NONE, 401, "");
    s.send("GET", "/v1/session", &[("Cookie", &cookie)], &NONE).expect_problem(401);
    s.refused(admin, "DELETE", &format!("/v1/keys/{id}"), &NONE, 404, "#/path/key");

    s.refused(admin, "POST", "/v1/principals", &json!({"name": "x", "role": "owner"}), 400, "#/body/role");
    s.refused(
        admin,
        "POST",
        "/v1/principals",
        &json!({"name": "x", "role": "staff", "venues": ["rival"]}),
        404,
        "#/body/venues",
    );
    s.refused(&s.rival, "POST", "/v1/keys", &json!({"principal": principal}), 404, "#/body/principal");
    s.refused(
        admin,
        "POST",
        "/v1/keys",
        &json!({"principal": principal, "expires_at": "2020-01-01T00:00:00Z"}),
        400,
        "#/body/expires_at",
    );
    for path in ["/v1/keys", "/v1/principals"] {
        s.refused(&s.manager, "GET", path, &NONE, 403, "");
    }
}
