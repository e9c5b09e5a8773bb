//! The service over a small bound database, spoken to as a client would. `CRM_API_BIN` names the program.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::Value;

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http"));

fn items(service: &Service, key: &str, query: &str) -> Vec<Value> {
    let answer = service.get(Some(key), &format!("/v1/customers?limit=200{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.body["items"].as_array().expect("items").clone()
}

fn refs(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["ref"].as_str().expect("a ref")).collect()
}

#[test]
fn it_says_that_it_is_alive_and_ready() {
    let service = &*SERVICE;
    assert_eq!(service.get(None, "/healthz").status, 200);
    let ready = service.get(None, "/readyz");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let version = service.database.session().number("SELECT crm.schema_version()");
    assert_eq!(ready.body["schema_version"], version);
}

#[test]
fn no_key_and_an_unknown_key_are_unauthorised() {
    let service = &*SERVICE;
    for path in ["/v1/customers", "/v1/venues", "/v1/customers/g1"] {
        service.get(None, path).expect_problem(401);
        service.get(Some("crm_0000"), path).expect_problem(401);
        service.get(Some(&format!("{}0", service.manager)), path).expect_problem(401);
    }
}

#[test]
fn a_reader_is_forbidden_to_see_guests() {
    SERVICE.get(Some(&SERVICE.reader), "/v1/customers").expect_problem(403);
    SERVICE.get(Some(&SERVICE.reader), "/v1/customers/g1").expect_problem(403);
}

#[test]
fn what_is_not_there_is_not_found() {
    let service = &*SERVICE;
    let manager = Some(service.manager.as_str());
    for path in [
        "/v1/customers/nobody",
        "/v1/customers?venue=nowhere",
        "/v1/customers/00000000-0000-4000-8000-000000000000",
        "/v1/nothing",
    ] {
        service.get(manager, path).expect_problem(404);
    }
}

#[test]
fn a_bad_parameter_is_named() {
    let service = &*SERVICE;
    for (query, parameter) in [
        ("label=CHAMPIGNON", "label"),
        ("label=CHAMPION,", "label"),
        ("sort=beauty", "sort"),
        ("sort=--spend", "sort"),
        ("spend_from=much", "spend_from"),
        ("spend_to=1e3", "spend_to"),
        ("spend_from=10&spend_to=9.99", "spend_to"),
        ("orders_from=1.5", "orders_from"),
        ("orders_from=5&orders_to=4", "orders_to"),
        ("visits_from=5&visits_to=4", "visits_to"),
        ("last_visit_from=yesterday", "last_visit_from"),
        ("last_visit_to=2025-02-30", "last_visit_to"),
        ("last_visit_from=2025-06-02&last_visit_to=2025-06-01", "last_visit_to"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=eyJ4IjoxfQ", "cursor"),
    ] {
        let answer = service.get(Some(&service.manager), &format!("/v1/customers?{query}"));
        answer.expect_problem(400);
        let pointer = answer.body["pointer"].as_str().unwrap_or_default();
        assert!(pointer.ends_with(&format!("/{parameter}")), "{query}: {}", answer.body);
    }
}

#[test]
fn pages_have_no_gap_and_no_repeat_in_any_order() {
    let service = &*SERVICE;
    let key = Some(service.manager.as_str());
    let rows = service
        .database
        .session()
        .rows("SELECT c.ref FROM crm.customer c JOIN crm.organisation o USING (org_id) WHERE o.ref = 'house' ORDER BY 1");
    assert_eq!(rows.len(), 60);
    for (sort, field) in [
        ("last_visit", "last_order_at"),
        ("spend", "total_spent"),
        ("orders", "total_orders"),
        ("visits", "total_visits"),
    ] {
        for (sign, direction) in [("-", -1.0), ("", 1.0)] {
            let mut seen = Vec::new();
            let mut previous = f64::MIN;
            let mut next = String::new();
            loop {
                let page = service.get(key, &format!("/v1/customers?sort={sign}{sort}&limit=7{next}"));
                assert_eq!(page.status, 200, "{}", page.body);
                let items = page.body["items"].as_array().expect("items");
                assert!(items.len() <= 7);
                for item in items {
                    seen.push(item["ref"].as_str().expect("a ref").to_owned());
                    let value = match &item[field] {
                        Value::Number(number) => number.as_f64().expect("finite"),
                        // An amount, or a time whose digits sort as it does (UTC, one format).
                        Value::String(text) => text
                            .chars()
                            .filter(|c| c.is_ascii_digit() || *c == '.')
                            .collect::<String>()
                            .parse()
                            .unwrap_or(0.0),
                        other => panic!("{field} is {other}"),
                    };
                    assert!(value * direction >= previous, "{sign}{sort}: {value} after {previous}");
                    previous = value * direction;
                }
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                next = format!("&cursor={cursor}");
                assert!(seen.len() <= 60, "the pages end");
            }
            seen.sort();
            assert_eq!(seen, rows, "{sign}{sort}");
        }
    }
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let service = &*SERVICE;
    let page = service.get(Some(&service.manager), "/v1/customers?sort=-spend&limit=3");
    let cursor = page.body["next_cursor"].as_str().expect("more pages");
    service
        .get(Some(&service.manager), &format!("/v1/customers?sort=last_visit&limit=3&cursor={cursor}"))
        .expect_problem(400);
    service
        .get(Some(&service.manager), &format!("/v1/customers?sort=spend&limit=3&cursor={cursor}"))
        .expect_problem(400);
}

#[test]
fn guests_are_found_by_name_phone_and_mail() {
    let service = &*SERVICE;
    for search in [
        "zo%C3%AB",
        "m%C3%BCller",
        "ZO%C3%8B",
        "5550199",
        "%2B49%20171%205550199",
        "0171%2F555-0199",
        "0049171555",
        "zoe%40beispiel",
        "beispiel.example",
    ] {
        let items = items(service, &service.manager, &format!("&search={search}"));
        assert_eq!(refs(&items), ["g7"], "{search}");
    }
    assert!(items(service, &service.manager, "&search=spy").is_empty());
    assert!(
        items(service, &service.manager, "&search=%25").is_empty(),
        "a percent sign is a character like any other"
    );
    assert!(items(service, &service.manager, "&search=_____").is_empty());
}

#[test]
fn the_list_is_narrowed_by_label_and_venue() {
    let service = &*SERVICE;
    assert_eq!(items(service, &service.manager, "").len(), 60);
    assert_eq!(items(service, &service.manager, "&venue=bistro").len(), 60);
    assert_eq!(items(service, &service.manager, "&venue=bar").len(), 20);
    let mut labelled = 0;
    for label in ["CHAMPION", "LOYAL", "POTENTIAL", "NEW", "AT_RISK", "LOST", "INACTIVE"] {
        let items = items(service, &service.manager, &format!("&label={label}"));
        assert!(items.iter().all(|item| item["label"] == label));
        labelled += items.len();
    }
    assert_eq!(labelled, 60, "every guest has one best label");
    let two = items(service, &service.manager, "&label=LOST,INACTIVE").len();
    let one = items(service, &service.manager, "&label=LOST").len();
    assert_eq!(two, one + items(service, &service.manager, "&label=INACTIVE").len());
}

#[test]
fn the_list_is_narrowed_by_ranges() {
    let service = &*SERVICE;
    // At the bistro guest i has i % 4 + 1 orders, on as many days, of 10 + i % 3 each, the last i % 5 days before 1 June 2025.
    let at_bistro = |holds: fn(u32) -> bool| (1..=60).filter(|i| holds(*i)).count();
    for (query, expected) in [
        ("orders_from=4", at_bistro(|i| i % 4 == 3)),
        ("orders_from=2&orders_to=3", at_bistro(|i| i % 4 == 1 || i % 4 == 2)),
        ("visits_to=1", at_bistro(|i| i % 4 == 0)),
        ("spend_from=22&spend_to=33.00", at_bistro(|i| (22..=33).contains(&((i % 4 + 1) * (10 + i % 3))))),
        ("last_visit_from=2025-05-31", at_bistro(|i| i % 5 <= 1)),
        ("last_visit_to=2025-05-28", at_bistro(|i| i % 5 >= 4)),
    ] {
        assert_eq!(
            items(service, &service.manager, &format!("&venue=bistro&{query}")).len(),
            expected,
            "{query}"
        );
    }
}

#[test]
fn a_guest_of_two_venues_is_one_row() {
    let service = &*SERVICE;
    // g3: four bills of 10 at the bistro, and one at the bar a day later.
    let items = items(service, &service.manager, "&search=g3%40example");
    assert_eq!(refs(&items), ["g3"]);
    let guest = &items[0];
    assert_eq!(guest["venues"], 2);
    assert_eq!((&guest["total_orders"], &guest["total_visits"]), (&5.into(), &5.into()));
    assert_eq!(guest["total_spent"], "50.00");
    assert_eq!(guest["spent_by_currency"], serde_json::json!({"EUR": "50.00"}));
    assert_eq!(guest["last_order_at"], "2025-06-02T18:00:00Z");
}

#[test]
fn each_key_sees_its_own_venues() {
    let service = &*SERVICE;
    assert_eq!(refs(&items(service, &service.rival, "")), ["spy"]);
    let bar = items(service, &service.one_venue, "");
    assert!(
        bar.iter()
            .all(|item| item["venue_name"] == "Bar" && item["venues"] == 1 && item["total_spent"] == "10.00"),
        "{bar:?}"
    );
    assert_eq!(bar.len(), 20);
    service.get(Some(&service.rival), "/v1/customers/g1").expect_problem(404);
    service.get(Some(&service.manager), "/v1/customers/spy").expect_problem(404);
    let venues = service.get(Some(&service.one_venue), "/v1/venues");
    assert_eq!(refs(venues.body["items"].as_array().expect("items")), ["bar"]);
}

#[test]
fn a_profile_shows_every_venue_with_money_as_text() {
    let service = &*SERVICE;
    // g3: three further days at the bistro (3 % 4), four bills of 10 (3 % 3 = 0), and one evening at the bar.
    let answer = service.get(Some(&service.manager), "/v1/customers/g3");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["email"], "g3@example.org");
    let mut venues: Vec<_> = answer.body["venues"]
        .as_array()
        .expect("venues")
        .iter()
        .map(|v| {
            format!("{} {} {} {}", v["venue_name"], v["total_orders"], v["total_visits"], v["total_spent"])
        })
        .collect();
    venues.sort();
    assert_eq!(venues, [r#""Bar" 1 1 "10.00""#, r#""Bistro" 4 4 "40.00""#]);
    let by_uuid = answer.body["customer_id"].as_str().expect("an id");
    assert_eq!(service.get(Some(&service.manager), &format!("/v1/customers/{by_uuid}")).body, answer.body);
}

#[test]
fn venues_count_their_guests_by_label() {
    let service = &*SERVICE;
    let answer = service.get(Some(&service.manager), "/v1/venues");
    assert_eq!(answer.status, 200);
    for (reference, guests) in [("bistro", 60), ("bar", 20)] {
        let venues = answer.body["items"].as_array().expect("items");
        let venue = venues.iter().find(|v| v["ref"] == reference).expect("the venue");
        assert_eq!(venue["guests"], guests);
        let labels = venue["labels"].as_object().expect("labels");
        assert_eq!(labels.values().filter_map(Value::as_i64).sum::<i64>(), guests);
    }
}
