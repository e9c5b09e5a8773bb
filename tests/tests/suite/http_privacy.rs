//! Consent, export, objection and erasure over HTTP.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_privacy"));

const NONE: Value = Value::Null;

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().expect("items").clone()
}

#[test]
fn consent_is_recorded_read_and_proved() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let reachable = || {
        let counts = items(&s.done(manager, "GET", "/v1/reachable?venue=bar", &NONE));
        counts
            .iter()
            .find(|count| count["channel"] == "SMS_MARKETING")
            .map_or(0, |count| count["guests"].as_i64().expect("a number"))
    };
    let before = reachable();
    let granted = json!({"channel": "SMS_MARKETING", "action": "GRANTED", "source": "checkout", "venue": "bar", "ip": "192.0.2.7", "user_agent": "till"});
    let made = s.done(manager, "POST", "/v1/customers/g3/consents", &granted);
    assert_eq!(made["state"], "GRANTED");
    assert_eq!(reachable(), before + 1);
    let stands = items(&s.done(manager, "GET", "/v1/customers/g3/consents", &NONE));
    assert!(
        stands
            .iter()
            .any(|c| c["channel"] == "SMS_MARKETING" && c["state"] == "GRANTED" && c["reachable"] == true),
        "{stands:?}"
    );
    let history = items(&s.done(manager, "GET", "/v1/customers/g3/consents/history", &NONE));
    assert_eq!((&history[0]["action"], &history[0]["source"]), (&json!("GRANTED"), &json!("checkout")));
    let entry = &made["entry_id"];
    let receipt = s.done(manager, "GET", &format!("/v1/consents/{entry}/receipt"), &NONE);
    assert_eq!(
        (&receipt["channel"], &receipt["evidence"]["ip"]),
        (&json!("SMS_MARKETING"), &json!("192.0.2.7"))
    );
    let timeline = items(&s.done(manager, "GET", "/v1/customers/g3/timeline", &NONE));
    assert!(timeline.iter().any(|event| event["kind"] == "consent"));
    assert!(
        !items(&json!({"items": s.done(manager, "GET", "/v1/customers/g3/dossier", &NONE)["consents"]}))
            .is_empty()
    );

    s.database.session().run("CALL crm.run_sweep()");
    let log = s.done(manager, "GET", "/v1/consent-log", &NONE);
    assert_eq!(log["unsealed"], 0);
    assert!(items(&s.done(manager, "GET", "/v1/consent-log/verify", &NONE)).is_empty());

    s.done(
        manager,
        "PUT",
        "/v1/customers/g3/do-not-contact",
        &json!({"banned": true, "reason": "asked on the phone"}),
    );
    assert_eq!(reachable(), before);
    s.done(manager, "PUT", "/v1/customers/g3/do-not-contact", &json!({"banned": false}));

    s.refused(
        manager,
        "POST",
        "/v1/customers/g3/consents",
        &json!({"channel": "POST", "action": "GRANTED", "source": "admin"}),
        400,
        "#/body/channel",
    );
    s.refused(
        manager,
        "POST",
        "/v1/customers/g3/consents",
        &json!({"channel": "SMS_MARKETING", "action": "GRANTED", "source": "rumour"}),
        400,
        "#/body/source",
    );
    s.refused(
        &s.rival,
        "POST",
        "/v1/customers/g3/consents",
        &json!({"channel": "SMS_MARKETING", "action": "GRANTED", "source": "admin"}),
        404,
        "#/path/id",
    );
    s.refused(&s.rival, "GET", &format!("/v1/consents/{entry}/receipt"), &NONE, 404, "#/path/entry");
    s.refused(&s.rival, "GET", "/v1/customers/g3/consents/history", &NONE, 404, "#/path/id");
    s.refused(manager, "GET", "/v1/reachable?venue=rival", &NONE, 404, "#/query/venue");
    s.refused(&s.one_venue, "GET", "/v1/consent-log/verify", &NONE, 403, "");
}

#[test]
fn a_guest_is_asked_to_confirm() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let wording = s.done(
        &s.admin,
        "POST",
        "/v1/wordings",
        &json!({"key": "newsletter", "locale": "en", "body": "News by e-mail, please."}),
    )["wording"]
        .clone();
    let asked =
        s.call(manager, "POST", "/v1/customers/g6/opt-in", &json!({"venue": "bar", "wording": wording}));
    assert_eq!((asked.status, &asked.body["state"]), (202, &json!("PENDING")), "{}", asked.text);
    s.refused(manager, "POST", "/v1/customers/g6/opt-in/resend", &json!({"venue": "bar"}), 409, "");
    s.refused(manager, "POST", "/v1/customers/g9/opt-in/resend", &json!({}), 404, "");
    s.refused(
        manager,
        "POST",
        "/v1/wordings",
        &json!({"key": "newsletter", "locale": "en", "body": "x"}),
        403,
        "",
    );
}

#[test]
fn a_guest_is_exported_objects_and_is_erased() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    let held = s.done(admin, "GET", "/v1/customers/g12/export", &NONE);
    assert!(held["held"].is_object() || held["held"].is_array(), "{held}");
    let file = s.get(Some(admin), "/v1/customers/g12/export.csv");
    assert!(file.status == 200 && file.text.contains("g12@example.org"), "{}", file.text);
    let log = items(&s.done(admin, "GET", "/v1/access-log?customer=g12&limit=1", &NONE));
    assert!(!log.is_empty(), "who read it is known");

    s.done(admin, "PUT", "/v1/customers/g12/profiling", &json!({"allowed": false, "reason": "objected"}));
    assert_eq!(s.done(admin, "GET", "/v1/customers/g12", &NONE)["venues"][0]["label"], NONE);
    s.refused(
        admin,
        "PUT",
        "/v1/customers/g12/profiling",
        &json!({"allowed": true, "reason": " "}),
        400,
        "#/body/reason",
    );

    let asked = s.done(admin, "POST", "/v1/customers/g12/erasure", &json!({"reason": "asked by letter"}))["request_id"].clone();
    let open = items(&s.done(admin, "GET", "/v1/erasures?state=REQUESTED", &NONE));
    assert_eq!(open[0]["request_id"], asked);
    s.done(admin, "DELETE", "/v1/customers/g12/erasure", &NONE);
    s.refused(admin, "DELETE", "/v1/customers/g12/erasure", &NONE, 409, "");
    s.refused(admin, "POST", "/v1/customers/g12/erasure", &json!({"reason": ""}), 400, "#/body/reason");
    s.refused(
        &s.manager,
        "POST",
        "/v1/customers/g12/erasure/execute",
        &json!({"force": true, "reason": "x"}),
        403,
        "",
    );
    s.done(
        admin,
        "POST",
        "/v1/customers/g12/erasure/execute",
        &json!({"force": true, "reason": "asked at the counter"}),
    );
    let left =
        s.database.session().number(r#"SELECT count(*) FROM "Customer" WHERE email = 'g12@example.org'"#);
    assert_eq!(left, 0, "the platform's own row is erased too");
    assert_eq!(items(&s.done(admin, "GET", "/v1/erasures?state=EXECUTED", &NONE)).len(), 1);
    s.refused(&s.rival, "POST", "/v1/customers/g15/erasure", &json!({"reason": "x"}), 404, "#/path/id");
    s.refused(&s.rival, "GET", "/v1/customers/g15/export", &NONE, 404, "#/path/id");
    s.refused(admin, "GET", "/v1/erasures?state=LOST", &NONE, 400, "#/query/state");
}

#[test]
fn retention_is_previewed_and_set() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    let touched =
        items(&s.done(admin, "POST", "/v1/retention/preview", &json!({"anonymise_after_months": 1})));
    assert!(touched.iter().any(|t| t["touched"] == "guests" && t["rows"].as_i64() > Some(0)));
    s.done(
        admin,
        "PUT",
        "/v1/retention",
        &json!({"anonymise_after_months": 60, "drop_events_after_months": null}),
    );
    assert_eq!(s.database.session().number("SELECT count(*) FROM crm.retention_policy"), 1);
    s.refused(
        admin,
        "PUT",
        "/v1/retention",
        &json!({"anonymise_after_months": 0}),
        400,
        "#/body/anonymise_after_months",
    );
    s.refused(&s.manager, "PUT", "/v1/retention", &json!({}), 403, "");
    assert!(items(&s.done(admin, "GET", "/v1/pii-map/check", &NONE)).is_empty());
}
