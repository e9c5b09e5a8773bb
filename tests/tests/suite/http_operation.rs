//! The night started over HTTP, one venue, and bindings planned and suggested.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crm_tests::{Program, Service, program::connection_string};
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_operation"));

const NONE: Value = Value::Null;

/// Status and code of the answer of another instance, one that may run jobs.
fn start_night(instance: &Program, key: &str) -> (i32, Value) {
    let request = minreq::post(format!("{}/v1/jobs/night", instance.base)).with_timeout(20);
    let response = request.with_header("Authorization", format!("Bearer {key}")).send().expect("an answer");
    let body: Value = serde_json::from_str(response.as_str().expect("text")).expect("JSON");
    (response.status_code, body)
}

#[test]
fn the_night_is_started_once_by_an_admin() {
    let s = &*SERVICE;
    s.refused(&s.manager, "POST", "/v1/jobs/night", &NONE, 403, "");
    s.refused(&s.admin, "POST", "/v1/jobs/night", &NONE, 409, "");
    let jobs = connection_string(&s.database, "postgres");
    let instance = Program::start(&s.database, &[("CRM_JOBS_DATABASE_URL", jobs.as_str())]);
    let mut sql = s.database.session();
    sql.run("SELECT pg_advisory_lock(hashtextextended('crm_api night', 0))");
    let (status, body) = start_night(&instance, &s.admin);
    assert_eq!((status, &body["code"]), (409, &json!("CR409")), "another instance is at it");
    sql.run("SELECT pg_advisory_unlock(hashtextextended('crm_api night', 0))");
    let runs =
        "SELECT count(*) FROM crm.job_run WHERE job = 'night' AND finished_at IS NOT NULL AND error IS NULL";
    let before = sql.number(runs);
    let (status, body) = start_night(&instance, &s.admin);
    assert_eq!((status, &body["job"]), (202, &json!("night")));
    let start = Instant::now();
    while sql.number(runs) < before + 3 {
        assert!(start.elapsed() < Duration::from_secs(30), "the three venues have their night");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn one_venue_is_read_by_either_id_within_reach() {
    let s = &*SERVICE;
    let list = s.done(&s.reader, "GET", "/v1/venues", &NONE);
    for venue in list["items"].as_array().expect("items") {
        for id in [&venue["ref"], &venue["venue_id"]] {
            let one = s.done(&s.reader, "GET", &format!("/v1/venues/{}", id.as_str().expect("an id")), &NONE);
            assert_eq!(&one, venue);
        }
    }
    s.refused(&s.one_venue, "GET", "/v1/venues/bistro", &NONE, 404, "#/path/venue");
    s.refused(&s.rival, "GET", "/v1/venues/bar", &NONE, 404, "#/path/venue");
}

#[test]
fn bindings_are_suggested_and_planned_and_nothing_is_done() {
    let s = &*SERVICE;
    let suggested = s.done(&s.admin, "GET", "/v1/bindings/suggestion", &NONE);
    let of = |entity: &str| {
        let items = suggested["items"].as_array().expect("items");
        items
            .iter()
            .find(|item| item["entity"] == entity)
            .unwrap_or_else(|| panic!("{entity}: {suggested}"))
            .clone()
    };
    assert_eq!(of("customer")["host_table"], r#"public."Customer""#);
    assert_eq!(of("customer")["mapping"]["phone"], "phone");
    s.refused(&s.manager, "GET", "/v1/bindings/suggestion", &NONE, 403, "");

    let mut sql = s.database.session();
    sql.run(r#"CREATE TABLE "Dish" (id text PRIMARY KEY, title text NOT NULL)"#);
    let plan =
        |mapping: Value| json!({"entity": "product", "host_table": "public.\"Dish\"", "mapping": mapping});
    let steps = s.done(&s.admin, "POST", "/v1/bindings/plan", &plan(json!({"ref": "id", "name": "title"})));
    let statements = steps["items"].to_string();
    assert!(
        statements.contains("GRANT SELECT ON public.\\\"Dish\\\"")
            && statements.contains("INSERT INTO crm.binding"),
        "{statements}"
    );
    sql.expect_none("SELECT FROM crm.binding WHERE entity = 'product'");
    s.refused(
        &s.admin,
        "POST",
        "/v1/bindings/plan",
        &plan(json!({"ref": "id", "name": "name"})),
        422,
        "#/body/mapping/name",
    );
    s.refused(
        &s.admin,
        "POST",
        "/v1/bindings/plan",
        &json!({"entity": "dish", "host_table": null, "mapping": {}}),
        422,
        "#/body/entity",
    );
    s.refused(&s.manager, "POST", "/v1/bindings/plan", &plan(json!({})), 403, "");
}
