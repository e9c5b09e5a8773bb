//! Guests over HTTP: made, found, changed, merged, and all that is known of them.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_customers"));

const NONE: Value = Value::Null;

fn made(name: &str, phone: &str) -> String {
    let body = json!({"profile": {"name": name, "phone": phone}, "venue": "bar"});
    let made = SERVICE.done(&SERVICE.manager, "POST", "/v1/customers", &body);
    made["customer_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_guest_is_made_changed_and_read_again() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let id = made("Ada Byron", "+44 20 7946 0001");
    let path = format!("/v1/customers/{id}");
    assert_eq!(s.done(manager, "GET", &path, &NONE)["name"], "Ada Byron");
    let change = json!({"name": "Ada Lovelace", "birthday": "1915-12-10", "language": "en"});
    s.done(manager, "PATCH", &path, &change);
    let dossier = s.done(manager, "GET", &format!("{path}/dossier"), &NONE);
    assert_eq!(dossier["profile"]["name"], "Ada Lovelace");
    assert_eq!(dossier["profile"]["birthday"], "1915-12-10");
    s.done(manager, "PATCH", &path, &json!({"language": null}));
    let dossier = s.done(manager, "GET", &format!("{path}/dossier"), &NONE);
    assert_eq!(dossier["profile"]["language"], NONE, "null clears a field");
    assert_eq!(dossier["profile"]["name"], "Ada Lovelace", "what is left out stays");

    s.refused(manager, "PATCH", &path, &json!({"birthday": "1915-13-10"}), 400, "#/body/birthday");
    s.refused(manager, "PATCH", &path, &json!({"shoe_size": 38}), 400, "#/body/shoe_size");
    s.refused(
        manager,
        "POST",
        "/v1/customers",
        &json!({"profile": {"phone": "x"}}),
        400,
        "#/body/profile/phone",
    );
    s.refused(&s.rival, "PATCH", &path, &change, 404, "#/path/id");
    s.refused(&s.reader, "PATCH", &path, &change, 403, "");
}

#[test]
fn a_body_that_is_not_json_is_refused_with_the_place() {
    let s = &*SERVICE;
    let plain = s.upload(&s.manager, "/v1/customers", "text/plain", "{}");
    plain.expect_problem(415);
    let broken = s.upload(&s.manager, "/v1/customers", "application/json", r#"{"profile": "#);
    broken.expect_problem(400);
    let long = format!(r#"{{"profile": {{"name": "{}"}}}}"#, "x".repeat(1024 * 1024));
    s.upload(&s.manager, "/v1/customers", "application/json", &long).expect_problem(413);
}

#[test]
fn a_phone_number_finds_its_guest_or_makes_him() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let known = s.done(manager, "POST", "/v1/customers/capture", &json!({"phone": "+49 (171) 555 01 99"}));
    assert_eq!((&known["ref"], &known["created"]), (&json!("g7"), &json!(false)));
    let unknown = json!({"phone": "+49 171 5550777", "name": "Neu", "venue": "bar"});
    assert_eq!(s.done(manager, "POST", "/v1/customers/capture", &unknown)["created"], true);
    assert_eq!(s.done(manager, "POST", "/v1/customers/capture", &unknown)["created"], false);
    s.refused(manager, "POST", "/v1/customers/capture", &json!({"phone": "no"}), 400, "#/body/phone");
    s.refused(
        manager,
        "POST",
        "/v1/customers/capture",
        &json!({"phone": "+49 171 5550778", "venue": "rival"}),
        404,
        "#/body/venue",
    );
    let found = s.done(manager, "GET", "/v1/customers/search?q=muller%20luk", &NONE);
    assert_eq!(found["items"][0]["ref"], "g7");
    s.refused(manager, "GET", "/v1/customers/search?q=x&limit=0", &NONE, 400, "#/query/limit");
}

#[test]
fn what_is_known_of_a_guest_is_described() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    s.done(
        manager,
        "POST",
        "/v1/customers/g3/contacts",
        &json!({"kind": "email", "value": "G3@work.example", "label": "work"}),
    );
    s.done(manager, "PUT", "/v1/customers/g3/tags/VIP", &json!({}));
    s.done(
        manager,
        "POST",
        "/v1/customers/g3/notes",
        &json!({"venue": "bistro", "body": "Likes the window.", "pinned": true}),
    );
    s.done(
        manager,
        "PUT",
        "/v1/customers/g3/health-needs",
        &json!({"allergens": ["nuts"], "venue": "bistro"}),
    );
    s.done(
        manager,
        "POST",
        "/v1/customers/g3/preferences",
        &json!({"kind": "seating", "value": "window", "strength": "0.8"}),
    );
    let dossier = s.done(manager, "GET", "/v1/customers/g3/dossier", &NONE);
    assert_eq!(dossier["tags"][0]["name"], "VIP");
    assert_eq!(dossier["notes"][0]["body"], "Likes the window.");
    assert_eq!(dossier["health_needs"][0]["value"], "nuts");
    assert_eq!(dossier["preferences"][0]["strength"], 0.8);
    assert_eq!(dossier["contacts"][0]["label"], "work");
    assert_eq!(dossier["lifetime"][0]["total_spent"], "50.00");
    assert_eq!(dossier["recent_orders"].as_array().map(Vec::len), Some(5));

    let card = s.done(manager, "GET", "/v1/customers/g3/kitchen-card?venue=bistro", &NONE);
    assert_eq!((&card["allergens"], &card["seating"]), (&json!(["nuts"]), &json!(["window"])));
    let graver = json!({"allergens": ["nuts"], "severities": {"nuts": "anaphylaxis"}});
    s.done(manager, "PUT", "/v1/customers/g3/health-needs", &graver);
    let card = s.done(manager, "GET", "/v1/customers/g3/kitchen-card?venue=bistro", &NONE);
    assert_eq!(card["severities"], json!({"nuts": "anaphylaxis"}));
    // His latest may be another venue's, at the same hour.
    let orders = dossier["recent_orders"].as_array().expect("orders");
    let of_bistro = orders
        .iter()
        .find(|order| order["venue_id"] == card["last_order"]["venue_id"])
        .expect("one of the bistro");
    assert_eq!(card["last_order"]["order_ref"], of_bistro["order_ref"]);
    assert_eq!(dossier["last_order"]["order_ref"], orders[0]["order_ref"]);
    assert_eq!(dossier["last_order"]["items"], json!([]));
    let lifetime = s.done(manager, "GET", "/v1/customers/g3/lifetime", &NONE);
    assert_eq!(lifetime["items"][0]["total_orders"], 5);
    let why = s.done(manager, "GET", "/v1/customers/g3/explanation?venue=bistro", &NONE);
    assert_eq!((&why["total_visits"], &why["monetary"]["spent"]), (&json!(4), &json!("40.00")));
    assert!(
        !s.done(manager, "GET", "/v1/customers/g3/segments", &NONE)["items"]
            .as_array()
            .expect("items")
            .is_empty()
    );
    assert_eq!(
        s.done(manager, "GET", "/v1/customers/g3/preferences?venue=bistro", &NONE)["items"][0]["value"],
        "window"
    );
    assert_eq!(
        s.done(manager, "GET", "/v1/customers/g3/health-needs", &NONE)["items"][0]["kind"],
        "allergen"
    );

    let contact = dossier["contacts"][0]["contact_id"].as_i64().expect("a number");
    s.done(manager, "DELETE", &format!("/v1/contacts/{contact}"), &NONE);
    s.refused(manager, "DELETE", &format!("/v1/contacts/{contact}"), &NONE, 404, "#/path/contact");
    s.done(manager, "DELETE", "/v1/customers/g3/tags/VIP", &NONE);
    s.done(manager, "DELETE", "/v1/customers/g3/preferences?kind=seating&value=window", &NONE);
    s.refused(manager, "DELETE", "/v1/customers/g3/preferences?kind=seating&value=window", &NONE, 404, "");

    for path in [
        "dossier",
        "timeline",
        "lifetime",
        "segments",
        "notes",
        "preferences",
        "health-needs",
        "kitchen-card?venue=rival",
        "explanation?venue=rival",
    ] {
        s.refused(&s.rival, "GET", &format!("/v1/customers/g3/{path}"), &NONE, 404, "#/path/id");
    }
    s.refused(manager, "GET", "/v1/customers/g3/kitchen-card", &NONE, 400, "");
    s.refused(
        manager,
        "PUT",
        "/v1/customers/g3/health-needs",
        &json!({"allergens": ["gold"]}),
        400,
        "#/body/allergens",
    );
}

#[test]
fn notes_come_in_pages_and_are_pinned() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    for n in 1..=5 {
        s.done(
            manager,
            "POST",
            "/v1/customers/g9/notes",
            &json!({"venue": "bar", "body": format!("note {n}")}),
        );
    }
    let mut bodies = Vec::new();
    let mut path = "/v1/customers/g9/notes?limit=2".to_owned();
    loop {
        let page = s.done(manager, "GET", &path, &NONE);
        bodies.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|n| n["body"].as_str().expect("text").to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/customers/g9/notes?limit=2&cursor={cursor}");
    }
    assert_eq!(bodies, ["note 5", "note 4", "note 3", "note 2", "note 1"]);
    let note = s.done(manager, "GET", "/v1/customers/g9/notes", &NONE)["items"][0]["note_id"]
        .as_i64()
        .expect("a number");
    let pin = format!("/v1/customers/g9/notes/{note}/pin");
    s.done(&s.one_venue, "PUT", &pin, &NONE);
    assert_eq!(s.done(manager, "GET", "/v1/customers/g9/notes", &NONE)["items"][0]["pinned"], true);
    s.done(manager, "DELETE", &pin, &NONE);
    s.refused(&s.rival, "PUT", &pin, &NONE, 404, "#/path/note");
    s.refused(manager, "PUT", "/v1/customers/g9/notes/x/pin", &NONE, 400, "#/path/note");
    s.refused(
        manager,
        "POST",
        "/v1/customers/g9/notes",
        &json!({"venue": "bar", "body": " "}),
        400,
        "#/body/body",
    );
    s.refused(manager, "GET", "/v1/customers/g9/notes?limit=0", &NONE, 400, "#/query/limit");
}

#[test]
fn the_timeline_has_no_gap_and_no_repeat() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let all = s.done(manager, "GET", "/v1/customers/g15/timeline?limit=200", &NONE)["items"]
        .as_array()
        .expect("items")
        .clone();
    assert!(all.iter().filter(|event| event["kind"] == "order").count() == 5, "{all:?}");
    let mut paged = Vec::new();
    let mut path = "/v1/customers/g15/timeline?limit=2".to_owned();
    loop {
        let page = s.done(manager, "GET", &path, &NONE);
        paged.extend(page["items"].as_array().expect("items").clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/customers/g15/timeline?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, all);
    s.refused(manager, "GET", "/v1/customers/g15/timeline?cursor=e30", &NONE, 400, "#/query/cursor");
}

#[test]
fn two_guests_become_one_and_two_again() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    s.done(manager, "POST", "/v1/customers/g21/merge", &json!({"dropped": "g22", "reason": "same person"}));
    // g21: two bills of 10 at the bistro and one of 10 at the bar; g22: three of 11 at the bistro.
    let lifetime = s.done(manager, "GET", "/v1/customers/g21/lifetime", &NONE);
    assert_eq!(lifetime["items"][0]["total_spent"], "63.00");
    s.refused(
        manager,
        "POST",
        "/v1/customers/g21/merge",
        &json!({"dropped": "g22", "reason": "again"}),
        409,
        "",
    );
    s.refused(manager, "POST", "/v1/customers/g21/merge", &json!({"dropped": "spy", "reason": "?"}), 404, "");
    s.done(manager, "POST", "/v1/customers/g22/unmerge", &NONE);
    assert_eq!(
        s.done(manager, "GET", "/v1/customers/g21/lifetime", &NONE)["items"][0]["total_spent"],
        "30.00"
    );
    s.refused(manager, "POST", "/v1/customers/g22/unmerge", &NONE, 409, "");
}

#[test]
fn pairs_that_look_alike_are_shown_until_they_are_kept_apart() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let (one, other) = (made("Piet Mondriaan", "+31 20 794 6001"), made("Piet Mondrian", "+31 20 794 6001"));
    let pairs = || {
        let found = s.done(manager, "GET", "/v1/duplicates?limit=1000", &NONE);
        found["items"].as_array().expect("items").iter().any(|p| {
            let ids = [p["customer_id"].as_str(), p["other_id"].as_str()];
            ids.contains(&Some(one.as_str())) && ids.contains(&Some(other.as_str()))
        })
    };
    assert!(pairs());
    s.done(manager, "POST", "/v1/duplicates/keep-apart", &json!({"customer": one, "other": other}));
    assert!(!pairs());
    s.refused(manager, "POST", "/v1/duplicates/keep-apart", &json!({"customer": one, "other": one}), 400, "");
    s.refused(&s.one_venue, "GET", "/v1/duplicates", &NONE, 403, "");
}

#[test]
fn a_guest_is_blocked_with_a_reason() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    s.done(manager, "PUT", "/v1/customers/g30/block", &json!({"reason": "left without paying"}));
    let dossier = s.done(manager, "GET", "/v1/customers/g30/dossier", &NONE);
    assert_eq!(dossier["badges"][0], json!({"badge": "BLOCKED", "why": "left without paying"}));
    s.done(manager, "DELETE", "/v1/customers/g30/block", &NONE);
    s.refused(manager, "PUT", "/v1/customers/g30/block", &json!({"reason": ""}), 400, "#/body/reason");
    s.refused(&s.one_venue, "PUT", "/v1/customers/g30/block", &json!({"reason": "x"}), 403, "");
}

#[test]
fn an_order_is_given_to_a_guest() {
    let s = &*SERVICE;
    let order = s.database.session().value(
        r#"INSERT INTO "Order" ("venueId", status, total, "completedAt") VALUES ('bar', 'COMPLETED', 25, '2025-06-03 20:00Z') RETURNING id"#,
    );
    s.done(&s.manager, "POST", &format!("/v1/orders/{order}/customer"), &json!({"customer": "g33"}));
    let lifetime = s.done(&s.manager, "GET", "/v1/customers/g33/lifetime", &NONE);
    // g33: two bills of 10 at the bistro, one of 10 at the bar, and this one.
    assert_eq!(lifetime["items"][0]["total_spent"], "55.00");
    s.refused(
        &s.manager,
        "POST",
        "/v1/orders/none/customer",
        &json!({"customer": "g33"}),
        404,
        "#/path/order",
    );
    s.refused(
        &s.manager,
        "POST",
        &format!("/v1/orders/{order}/customer"),
        &json!({"customer": "spy"}),
        404,
        "#/body/customer",
    );
}
