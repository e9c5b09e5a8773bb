//! Venues over HTTP: figures, settings, upkeep; bindings, jobs and health.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_venues"));

const NONE: Value = Value::Null;

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().expect("items").clone()
}

#[test]
fn a_venue_shows_its_figures() {
    let (s, reader) = (&*SERVICE, SERVICE.reader.as_str());
    s.database.session().run("CALL crm.run_night()");
    let overview = s.done(reader, "GET", "/v1/venues/bar/overview", &NONE);
    // Twenty bills of 10.
    assert_eq!(
        (&overview["cohort"], &overview["revenue"], &overview["average_bill"]),
        (&json!(20), &json!("200.00"), &json!("10.00"))
    );
    let days = items(&s.done(reader, "GET", "/v1/venues/bar/days?from=2025-06-01&to=2025-06-30", &NONE));
    let sold: Vec<_> = days.iter().filter(|day| day["orders"] != 0).collect();
    assert_eq!(sold.len(), 1);
    assert_eq!(
        (&sold[0]["day"], &sold[0]["revenue"], &sold[0]["guests"]),
        (&json!("2025-06-02"), &json!("200.00"), &json!(20))
    );
    let flow =
        items(&s.done(reader, "GET", "/v1/venues/bar/label-flow?from=2025-06-01&to=2025-06-30", &NONE));
    assert!(flow.iter().all(|step| step["moves"].is_number()));
    let movers = "/v1/venues/bar/label-movers?from=2025-06-01&to=2025-06-30";
    // All twenty came first on that day.
    assert_eq!(items(&s.done(&s.one_venue, "GET", movers, &NONE)).len(), 20);
    s.refused(&s.one_venue, "GET", &format!("{movers}&from_label=GONE"), &NONE, 400, "#/query/from_label");
    s.refused(reader, "GET", movers, &NONE, 403, "");
    s.done(&s.one_venue, "GET", "/v1/venues/bar/upcoming-labels?days=90", &NONE);
    for path in [
        "overview",
        "days?from=2025-06-01&to=2025-06-30",
        "label-flow?from=2025-06-01&to=2025-06-30",
        "settings",
    ] {
        s.refused(&s.rival, "GET", &format!("/v1/venues/bar/{path}"), &NONE, 404, "#/path/venue");
        s.refused(&s.one_venue, "GET", &format!("/v1/venues/bistro/{path}"), &NONE, 404, "#/path/venue");
    }
    s.refused(reader, "GET", "/v1/venues/bar/days?from=2025-06-02&to=2025-06-01", &NONE, 400, "#/query/to");
    s.refused(reader, "GET", "/v1/venues/bar/days?from=2025-06-02", &NONE, 400, "");
    s.refused(&s.one_venue, "GET", "/v1/venues/bar/upcoming-labels?days=91", &NONE, 400, "#/query/days");
}

#[test]
fn the_organisation_has_settings_too() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    let path = "/v1/organisation/settings";
    let settings = s.done(&s.manager, "GET", path, &NONE);
    assert_eq!((&settings["crm_enabled"], &settings["quiet_hours"]), (&json!(true), &json!(null)));
    let quiet = json!({"from": "21:00:00", "to": "09:00:00"});
    let changed = json!({"quiet_hours": quiet, "loyalty_enabled": true});
    let now = s.done(admin, "PATCH", path, &changed);
    assert_eq!((&now["quiet_hours"], &now["loyalty_enabled"]), (&quiet, &json!(true)));
    let venues = items(&s.done(&s.manager, "GET", "/v1/venues", &NONE));
    assert!(venues.iter().all(|venue| venue["crm_enabled"] == true && venue["loyalty_enabled"] == true));
    // Null takes them back, what is left out stays.
    let now = s.done(admin, "PATCH", path, &json!({"quiet_hours": null}));
    assert_eq!((&now["quiet_hours"], &now["loyalty_enabled"]), (&json!(null), &json!(true)));
    let now = s.done(admin, "PATCH", "/v1/venues/bistro/settings", &json!({"quiet_hours": quiet}));
    assert_eq!(now["quiet_hours"], quiet);
    let now = s.done(admin, "PATCH", "/v1/venues/bistro/settings", &json!({"quiet_hours": null}));
    assert_eq!(now["quiet_hours"], json!(null));
    let endless = json!({"quiet_hours": {"from": "21:00", "to": "21:00"}});
    s.refused(admin, "PATCH", path, &endless, 400, "#/body/quiet_hours");
    s.refused(admin, "PATCH", path, &json!({"crm": true}), 400, "#/body/crm");
    s.refused(&s.manager, "PATCH", path, &json!({}), 403, "");
}

#[test]
fn settings_are_previewed_changed_and_recomputed() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    let settings = s.done(admin, "GET", "/v1/venues/bistro/settings", &NONE);
    assert_eq!((&settings["at_risk_days"], &settings["lost_days"]), (&json!(30), &json!(90)));
    let wider = json!({"at_risk_days": 20000, "lost_days": 30000});
    let effects = items(&s.done(&s.manager, "POST", "/v1/venues/bistro/settings-preview", &wider));
    // All 30 guests with three visits or more were lost after 90 days; none is after 30,000.
    assert_eq!(
        effects
            .iter()
            .filter(|e| e["from_label"] == "LOST")
            .filter_map(|e| e["guests"].as_i64())
            .sum::<i64>(),
        30
    );
    let closures = json!([{"from_day": "2025-08-04", "to_day": "2025-08-17"}]);
    let now = s.done(
        admin,
        "PATCH",
        "/v1/venues/bistro/settings",
        &json!({"at_risk_days": 20000, "lost_days": 30000, "closures": closures}),
    );
    assert_eq!(
        (&now["at_risk_days"], &now["closures"], &now["new_days"]),
        (&json!(20000), &closures, &json!(30))
    );
    assert!(
        s.done(&s.manager, "POST", "/v1/venues/bistro/recompute", &NONE)["changed"]
            .as_i64()
            .expect("a number")
            >= 30
    );
    assert_eq!(s.done(&s.manager, "POST", "/v1/venues/bistro/recompute", &NONE)["changed"], 0);
    s.refused(
        admin,
        "PATCH",
        "/v1/venues/bistro/settings",
        &json!({"lost_days": 1}),
        400,
        "#/body/lost_days",
    );
    s.refused(admin, "PATCH", "/v1/venues/bistro/settings", &json!({"lost_day": 1}), 400, "#/body/lost_day");
    s.refused(admin, "PATCH", "/v1/venues/rival/settings", &json!({"lost_days": 100}), 404, "#/path/venue");
    s.refused(&s.manager, "PATCH", "/v1/venues/bistro/settings", &json!({"lost_days": 100}), 403, "");
    s.refused(&s.manager, "POST", "/v1/venues/rival/recompute", &NONE, 404, "#/path/venue");
    s.refused(&s.one_venue, "POST", "/v1/venues/bar/recompute", &NONE, 403, "");
}

#[test]
fn totals_that_are_wrong_are_found_and_repaired() {
    let s = &*SERVICE;
    assert!(items(&s.done(&s.manager, "GET", "/v1/venues/bar/verify", &NONE)).is_empty());
    s.database.session().run(
        "UPDATE crm.customer_venue_stats SET total_spent = 99 WHERE venue_id = crm.key('bar') AND customer_id = crm.key('g12')",
    );
    let wrong = items(&s.done(&s.manager, "GET", "/v1/venues/bar/verify", &NONE));
    assert_eq!(
        (&wrong[0]["ref"], &wrong[0]["stored"]["total_spent"], &wrong[0]["expected"]["total_spent"]),
        (&json!("g12"), &json!("99.00"), &json!("10.00"))
    );
    assert_eq!(s.done(&s.manager, "POST", "/v1/venues/bar/repair", &NONE)["changed"], 1);
    assert!(items(&s.done(&s.manager, "GET", "/v1/venues/bar/verify", &NONE)).is_empty());
    s.refused(&s.rival, "GET", "/v1/venues/bar/verify", &NONE, 404, "#/path/venue");
    s.refused(&s.manager, "POST", "/v1/venues/rival/repair", &NONE, 404, "#/path/venue");
}

#[test]
fn an_admin_sees_jobs_health_and_bindings() {
    let (s, admin) = (&*SERVICE, SERVICE.admin.as_str());
    s.database.session().run("CALL crm.run_night()");
    assert!(!items(&s.done(admin, "GET", "/v1/jobs", &NONE)).is_empty());
    let runs = s.done(admin, "GET", "/v1/jobs/runs?limit=2", &NONE);
    let cursor = runs["next_cursor"].as_str().expect("two venues, backfill and night");
    let older = s.done(admin, "GET", &format!("/v1/jobs/runs?limit=2&cursor={cursor}"), &NONE);
    assert!(items(&older)[0]["run_id"].as_i64() < items(&runs)[1]["run_id"].as_i64());
    let rivals =
        s.database.session().rows("SELECT run_id FROM crm.job_run WHERE venue_id = crm.key('rival')");
    let all = items(&s.done(admin, "GET", "/v1/jobs/runs?limit=200", &NONE));
    assert!(!rivals.is_empty() && all.iter().all(|run| !rivals.contains(&run["run_id"].to_string())));
    s.done(admin, "GET", "/v1/health", &NONE);
    let bound = items(&s.done(admin, "GET", "/v1/bindings", &NONE));
    assert_eq!(
        bound.iter().map(|b| b["entity"].as_str().expect("text")).collect::<Vec<_>>(),
        ["venue", "customer", "order"]
    );
    s.done(admin, "GET", "/v1/bindings/check?entity=order", &NONE);
    s.refused(&s.one_venue, "GET", "/v1/jobs/runs", &NONE, 403, "");
    for path in ["/v1/health", "/v1/bindings", "/v1/bindings/check"] {
        s.refused(&s.manager, "GET", path, &NONE, 403, "");
    }
}
