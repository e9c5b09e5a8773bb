//! Tags, criteria and segments over HTTP.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_segments"));

const NONE: Value = Value::Null;

fn visits_from(visits: i32) -> Value {
    json!({"v": 1, "where": {"field": "total_visits", "op": "gte", "value": visits}})
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().expect("items").clone()
}

fn made(venue: &str, key: &str, criteria: &Value) -> i64 {
    let body = json!({"venue": venue, "key": key, "name": key, "criteria": criteria});
    SERVICE.done(&SERVICE.manager, "POST", "/v1/segments", &body)["segment_id"].as_i64().expect("a number")
}

#[test]
fn a_segment_is_previewed_saved_changed_and_archived() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    // At the bistro guest i has i % 4 + 1 visits: 15 of 60 have four, 30 three or more.
    let preview = s.done(
        manager,
        "POST",
        "/v1/segments/preview",
        &json!({"venue": "bistro", "criteria": visits_from(4)}),
    );
    assert_eq!(
        (&preview["members"], &preview["base"], &preview["estimated"]),
        (&json!(15), &json!(60), &json!(false))
    );
    let segment = made("bistro", "often", &visits_from(4));
    let path = format!("/v1/segments/{segment}");
    let read = s.done(manager, "GET", &path, &NONE);
    assert_eq!((&read["members"], &read["key"]), (&json!(15), &json!("often")));
    assert_eq!(read["criteria"]["where"], visits_from(4)["where"]);

    let against = json!({"segment": segment, "criteria": visits_from(3)});
    assert_eq!(s.done(manager, "POST", "/v1/segments/preview", &against)["joining"], 15);
    s.done(manager, "PATCH", &path, &json!({"criteria": visits_from(3), "name": "Three or more"}));
    let read = s.done(manager, "GET", &path, &NONE);
    assert_eq!((&read["members"], &read["name"]), (&json!(30), &json!("Three or more")));
    assert_eq!(s.done(manager, "POST", &format!("{path}/refresh"), &NONE)["members"], 30);

    let copy =
        s.done(manager, "POST", &format!("{path}/duplicate"), &json!({"key": "often_2"}))["segment_id"]
            .clone();
    assert_ne!(copy, json!(segment));
    s.refused(manager, "POST", &format!("{path}/duplicate"), &json!({"key": "often_2"}), 409, "#/body/key");
    s.refused(
        manager,
        "PATCH",
        &path,
        &json!({"criteria": {"v": 1, "where": {"field": "shoe", "op": "eq", "value": 1}}}),
        400,
        "#/body/criteria",
    );
    s.refused(&s.rival, "PATCH", &path, &json!({"name": "mine"}), 404, "#/path/segment");
    s.refused(&s.one_venue, "PATCH", &path, &json!({"name": "mine"}), 403, "");
    s.done(manager, "DELETE", &path, &NONE);
    s.refused(manager, "DELETE", &path, &NONE, 409, "#/path/segment");
    let listed = |query: &str| {
        items(&s.done(manager, "GET", &format!("/v1/segments{query}"), &NONE))
            .iter()
            .any(|x| x["segment_id"] == segment)
    };
    assert!(!listed("?venue=bistro") && listed("?archived=true"));
    s.refused(manager, "GET", "/v1/segments?venue=rival", &NONE, 404, "#/query/venue");
    s.refused(manager, "GET", "/v1/segments/x", &NONE, 400, "#/path/segment");
    s.refused(manager, "GET", "/v1/segments/2147483647", &NONE, 404, "#/path/segment");
}

#[test]
fn members_come_in_pages_with_why_and_since_when() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let segment = made("bar", "of_the_bar", &visits_from(1));
    let path = format!("/v1/segments/{segment}");
    let mut seen = Vec::new();
    let mut page_path = format!("{path}/members?limit=7");
    loop {
        let page = s.done(manager, "GET", &page_path, &NONE);
        seen.extend(items(&page).iter().map(|member| member["ref"].as_str().expect("a ref").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page_path = format!("{path}/members?limit=7&cursor={cursor}");
    }
    seen.sort();
    let mut expected: Vec<_> = (3..=60).step_by(3).map(|i| format!("g{i}")).collect();
    expected.sort();
    assert_eq!(seen, expected);

    let events = s.done(manager, "GET", &format!("{path}/events?limit=200"), &NONE);
    assert_eq!(items(&events).iter().filter(|event| event["event"] == "entered").count(), 20);
    let first = s.done(manager, "GET", &format!("{path}/events?limit=3"), &NONE);
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = s.done(manager, "GET", &format!("{path}/events?limit=3&cursor={cursor}"), &NONE);
    assert_eq!([items(&first), items(&second)].concat(), items(&events)[..6]);
    s.refused(manager, "GET", &format!("{path}/events?cursor=e30"), &NONE, 400, "#/query/cursor");

    let then = s.done(manager, "GET", &format!("{path}/as-of?at=2020-01-01T00:00:00Z"), &NONE);
    assert!(items(&then).is_empty());
    let why = s.done(manager, "GET", &format!("{path}/explanation?customer=g3"), &NONE);
    assert_eq!(items(&why)[0]["verdict"], true);
    s.refused(manager, "GET", &format!("{path}/explanation?customer=g1"), &NONE, 404, "#/query/customer");

    let by_hand = format!("{path}/overrides/g6");
    s.done(manager, "PUT", &by_hand, &json!({"included": false, "reason": "asked for it"}));
    let overrides = s.done(manager, "GET", &format!("{path}/overrides"), &NONE);
    assert_eq!(
        (&items(&overrides)[0]["ref"], &items(&overrides)[0]["included"]),
        (&json!("g6"), &json!(false))
    );
    assert_eq!(s.done(manager, "GET", &path, &NONE)["members"], 19);
    s.done(manager, "DELETE", &by_hand, &NONE);
    assert_eq!(s.done(manager, "GET", &path, &NONE)["members"], 20);
    s.refused(manager, "PUT", &by_hand, &json!({"included": true, "reason": " "}), 400, "#/body/reason");
    s.refused(
        manager,
        "PUT",
        &format!("{path}/overrides/spy"),
        &json!({"included": true, "reason": "x"}),
        404,
        "#/path/id",
    );
    for part in ["members", "events", "overrides", "as-of?at=2025-07-01T00:00:00Z", "explanation?customer=g3"]
    {
        s.refused(&s.rival, "GET", &format!("{path}/{part}"), &NONE, 404, "#/path/segment");
        s.refused(&s.reader, "GET", &format!("{path}/{part}"), &NONE, 403, "");
    }
}

#[test]
fn a_guests_segments_say_since_when() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    made("bistro", "fours", &visits_from(4));
    let of_g7 = items(&s.done(manager, "GET", "/v1/customers/g7/segments", &NONE));
    let fours = of_g7.iter().find(|segment| segment["key"] == "fours").expect("g7 has four visits");
    assert!(fours["since"].is_string() && fours["is_system"] == false, "{fours}");
    assert!(of_g7.iter().any(|segment| segment["is_system"] == true), "his label's");
}

#[test]
fn criteria_are_checked_described_and_translated() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let schema = s.done(manager, "GET", "/v1/criteria/schema", &NONE);
    assert!(schema["$defs"]["catalogue"].is_object() || schema["$defs"]["catalogue"].is_array());
    assert!(
        items(&s.done(manager, "POST", "/v1/criteria/validate", &json!({"criteria": visits_from(3)})))
            .is_empty()
    );
    let bad = json!({"criteria": {"v": 1, "where": {"field": "total_visit", "op": "gte", "value": 3}}});
    let found = items(&s.done(manager, "POST", "/v1/criteria/validate", &bad));
    assert_eq!((&found[0]["severity"], &found[0]["suggestion"]), (&json!("error"), &json!("total_visits")));
    // A doubled key, which a JSON parser would drop.
    let doubled = s.upload(
        manager,
        "/v1/criteria/validate",
        "application/json",
        r#"{"criteria": {"v": 1, "v": 1, "where": {"all": []}}}"#,
    );
    assert_eq!(doubled.status, 200);
    assert!(!items(&doubled.body).is_empty(), "{}", doubled.text);

    let sentence = s.done(manager, "POST", "/v1/criteria/describe", &json!({"criteria": visits_from(3)}));
    assert!(sentence["sentence"].as_str().expect("text").contains('3'));
    let rules =
        s.done(manager, "POST", "/v1/criteria/to-query-builder", &json!({"criteria": visits_from(3)}));
    let back = s.done(manager, "POST", "/v1/criteria/from-query-builder", &json!({"rules": rules["rules"]}));
    assert_eq!(back["criteria"]["v"], 1);
    let same = s.done(manager, "POST", "/v1/criteria/describe", &json!({"criteria": back["criteria"]}));
    assert_eq!(same, sentence);
    s.refused(manager, "POST", "/v1/criteria/describe", &bad, 400, "");
    s.refused(manager, "POST", "/v1/criteria/from-query-builder", &json!({"rules": {"rules": 1}}), 400, "");
    s.refused(manager, "POST", "/v1/criteria/validate", &json!({"criterion": {}}), 400, "#/body/criterion");
    assert!(!items(&s.done(manager, "GET", "/v1/segments/templates", &NONE)).is_empty());
}

#[test]
fn tags_are_made_renamed_put_on_many_and_deleted() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    s.done(manager, "PUT", "/v1/tags/Wine%20lover", &json!({"colour": "#8844aa"}));
    let on =
        s.done(manager, "POST", "/v1/tags/Wine%20lover/customers", &json!({"customers": ["g1", "g2", "g3"]}));
    assert_eq!(on["guests"], 3);
    s.done(manager, "PUT", "/v1/tags/Wine%20lover", &json!({"new_name": "Wine", "colour": "#8844aa"}));
    let tags = items(&s.done(manager, "GET", "/v1/tags", &NONE));
    let wine = tags.iter().find(|tag| tag["name"] == "Wine").expect("the tag");
    assert_eq!((&wine["guests"], &wine["colour"]), (&json!(3), &json!("#8844aa")));
    assert_eq!(
        s.done(manager, "POST", "/v1/tags/Wine/customers/remove", &json!({"customers": ["g1"]}))["guests"],
        1
    );
    s.refused(
        manager,
        "POST",
        "/v1/tags/Wine/customers",
        &json!({"customers": ["g1", "spy"]}),
        404,
        "#/body/customers",
    );
    s.refused(
        manager,
        "POST",
        "/v1/tags/Wine/customers",
        &json!({"customers": [7]}),
        400,
        "#/body/customers/0",
    );
    s.refused(manager, "PUT", "/v1/tags/Wine", &json!({"colour": "red"}), 400, "#/body/colour");
    s.refused(&s.one_venue, "DELETE", "/v1/tags/Wine", &NONE, 403, "");
    s.refused(&s.rival, "DELETE", "/v1/tags/Wine", &NONE, 404, "#/path/tag");
    assert_eq!(s.done(manager, "DELETE", "/v1/tags/Wine", &NONE)["guests"], 2);
}
