//! Guests from files and into files, over HTTP.

use std::sync::LazyLock;

use crm_tests::Service;
use serde_json::{Value, json};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::start("http_transfer"));

const NONE: Value = Value::Null;

const FILE: &str = "Customer,Mobile,E-mail\nAda Byron,+44 20 7946 0001,ada@example.org\nNobody,no number,\n";

#[test]
fn a_file_is_uploaded_mapped_checked_loaded_and_taken_back() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let upload = s.upload(manager, "/v1/imports?file_name=guests.csv&venue=bar", "text/csv", FILE);
    assert_eq!(upload.status, 201, "{}", upload.text);
    let path = format!("/v1/imports/{}", upload.body["import_id"]);
    let read = s.done(manager, "GET", &path, &NONE);
    assert_eq!(read["header"], json!(["Customer", "Mobile", "E-mail"]));
    s.refused(manager, "POST", &format!("{path}/start"), &NONE, 409, "");
    let mapped = s.done(
        manager,
        "PATCH",
        &path,
        &json!({"mapping": {"name": "Customer", "phone": 2, "email": "E-mail"}}),
    );
    assert_eq!(mapped["mapping"], json!({"name": 1, "phone": 2, "email": 3}));
    let checked = s.done(manager, "POST", &format!("{path}/check"), &NONE);
    assert_eq!((&checked["counts"]["new"], &checked["counts"]["rejected"]), (&json!(1), &json!(1)));
    let rejects = s.get(Some(manager), &format!("{path}/rejects"));
    assert_eq!(rejects.status, 200);
    assert!(
        rejects.text.starts_with("Customer,Mobile,E-mail,line,reason\n") && rejects.text.contains("Nobody"),
        "{}",
        rejects.text
    );
    s.done(manager, "POST", &format!("{path}/start"), &NONE);
    s.database.session().run("CALL crm.run_imports()");
    assert_eq!(s.done(manager, "GET", &path, &NONE)["counts"]["created"], 1);
    let rows = s.done(manager, "GET", &format!("{path}/rows?limit=1"), &NONE);
    let cursor = rows["next_cursor"].as_str().expect("two rows");
    assert_eq!(
        s.done(manager, "GET", &format!("{path}/rows?limit=1&cursor={cursor}"), &NONE)["items"][0]["outcome"],
        "rejected"
    );
    assert_eq!(
        s.done(manager, "GET", "/v1/customers/search?q=ada%20byron", &NONE)["items"][0]["name"],
        "Ada Byron"
    );
    s.done(manager, "POST", &format!("{path}/undo"), &NONE);
    s.database.session().run("CALL crm.run_imports()");
    assert_eq!(s.done(manager, "GET", &path, &NONE)["state"], "undone");

    assert_eq!(s.done(manager, "GET", "/v1/imports", &NONE)["items"][0]["file_name"], "guests.csv");
    s.refused(manager, "PATCH", &path, &json!({"mapping": {"shoe": 1}}), 409, "");
    s.refused(manager, "GET", &format!("{path}/rows?outcome=lost"), &NONE, 400, "#/query/outcome");
    for part in ["", "/rows", "/rejects"] {
        s.refused(&s.rival, "GET", &format!("{path}{part}"), &NONE, 404, "#/path/import");
    }
    s.refused(&s.rival, "POST", &format!("{path}/check"), &NONE, 404, "#/path/import");
    s.upload(manager, "/v1/imports?file_name=x.csv", "application/json", "{}").expect_problem(415);
    s.upload(manager, "/v1/imports?file_name=x.csv", "text/csv", "").expect_problem(400);
    s.upload(&s.one_venue, "/v1/imports?file_name=x.csv", "text/csv", FILE).expect_problem(403);
}

#[test]
fn guests_are_exported_as_a_file() {
    let (s, manager) = (&*SERVICE, SERVICE.manager.as_str());
    let file = s.call(manager, "POST", "/v1/exports", &json!({"filter": {"venue": "bar"}}));
    assert!(file.status == 200 && file.content_type.starts_with("text/csv"), "{}", file.text);
    assert_eq!(file.text.lines().count(), 21, "a line a guest, and the names of the columns");
    let lines = s.call(
        manager,
        "POST",
        "/v1/exports",
        &json!({"filter": {"venue": "bar", "orders_from": 1}, "format": "json"}),
    );
    assert_eq!(lines.text.lines().count(), 20);
    assert!(
        lines
            .text
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok_and(|guest| guest.is_object()))
    );
    let log = s.database.session().number("SELECT count(*) FROM crm.export_log");
    assert!(log >= 2, "every export is kept");
    s.refused(
        manager,
        "POST",
        "/v1/exports",
        &json!({"filter": {"venue": "rival"}}),
        404,
        "#/body/filter/venue",
    );
    s.refused(manager, "POST", "/v1/exports", &json!({"filter": {"shoe": 1}}), 400, "#/body/filter/shoe");
    s.refused(manager, "POST", "/v1/exports", &json!({"segment": 2147483647}), 404, "#/body/segment");
    s.refused(&s.one_venue, "POST", "/v1/exports", &json!({}), 403, "");
}
