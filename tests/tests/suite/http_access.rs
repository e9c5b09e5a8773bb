//! Other ways in: tokens of an identity provider, tools for language models; and how much anybody may ask.

use std::sync::LazyLock;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crm_tests::{Service, program::connection_string};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

const SECRET: &str = "a secret of at least thirty-two bytes";
const NONE: Value = Value::Null;

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    Service::start_with(
        "http_access",
        &[
            ("CRM_JWT_SECRET", SECRET),
            ("CRM_JWT_ISSUER", "https://id.example"),
            ("CRM_JWT_ORGANISATION_CLAIM", "org"),
            ("CRM_REQUESTS_PER_SECOND", "20"),
        ],
    )
});

fn token(subject: &str, org: &str, secret: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = json!({"iss": "https://id.example", "sub": subject, "org": org, "exp": now + 60});
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("a token")
}

#[test]
fn a_token_signs_in_the_principal_of_its_subject() {
    let s = &*SERVICE;
    let desk = json!({"name": "Ada", "role": "staff", "venues": ["bar"], "subject": "ada@id"});
    s.done(&s.admin, "POST", "/v1/principals", &desk);
    let who = s.done(&token("ada@id", "house", SECRET), "GET", "/v1/session", &NONE);
    assert_eq!(
        (&who["name"], &who["role"], &who["venues"][0]["ref"]),
        (&json!("Ada"), &json!("staff"), &json!("bar"))
    );
    s.refused(&token("eve@id", "house", SECRET), "GET", "/v1/session", &NONE, 401, "");
    s.refused(&token("ada@id", "rival", SECRET), "GET", "/v1/session", &NONE, 401, "");
    s.refused(
        &token("ada@id", "house", "another secret of thirty-two bytes"),
        "GET",
        "/v1/session",
        &NONE,
        401,
        "",
    );
    s.refused("a.b.c", "GET", "/v1/session", &NONE, 401, "");
    s.refused(&s.admin, "POST", "/v1/principals", &desk, 409, "#/body/subject");
}

#[test]
fn who_asks_too_often_waits_and_others_do_not() {
    let s = &*SERVICE;
    let mut sql = s.database.session();
    let key = crm_tests::service::key(&mut sql, "house", "staff", "ARRAY['bar']");
    // From several places at once, or a slow machine would never ask too often.
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| (0..40).map(|_| s.get(Some(&key), "/v1/venues").status).collect::<Vec<_>>())
            })
            .collect();
        asking.into_iter().flat_map(|one| one.join().expect("answers")).collect()
    });
    assert!(answers.contains(&200) && answers.contains(&429), "{answers:?}");
    assert_eq!(s.get(Some(&s.rival), "/v1/venues").status, 200);
}

/// One request of the protocol, as a client without a session sends it.
fn mcp(key: &str, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut request = minreq::post(format!("{}/mcp", SERVICE.program.base))
        .with_timeout(10)
        .with_header("Content-Type", "application/json")
        .with_header("Accept", "application/json, text/event-stream")
        .with_header("MCP-Protocol-Version", "2025-06-18")
        .with_body(body.to_string());
    if !key.is_empty() {
        request = request.with_header("Authorization", format!("Bearer {key}"));
    }
    let response = request.send().expect("an answer");
    let text = response.as_str().expect("text");
    // An answer may come as the one event of a stream.
    let text = text
        .lines()
        .find_map(|line| line.strip_prefix("data: ").filter(|data| !data.is_empty()))
        .unwrap_or(text);
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {} {text}", response.status_code))
}

fn tool(key: &str, name: &str, arguments: &Value) -> (bool, Value) {
    let answer = mcp(key, "tools/call", &json!({"name": name, "arguments": arguments}));
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    (result["isError"] == true, serde_json::from_str(text).unwrap_or_else(|_| json!(text)))
}

#[test]
fn a_language_model_asks_under_its_callers_role_and_sees_nobody() {
    let s = &*SERVICE;
    let hello = mcp(
        &s.manager,
        "initialize",
        &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
    );
    assert_eq!(hello["result"]["serverInfo"]["name"], "pg_crm", "{hello}");
    let listed = mcp(&s.manager, "tools/list", &json!({}));
    let tools = listed["result"]["tools"].as_array().expect("tools");
    assert!(
        tools.len() >= 9 && tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true),
        "{listed}"
    );

    let (failed, top) = tool(&s.manager, "top_guests", &json!({"venue": "bistro", "limit": 3}));
    assert!(!failed && top.as_array().is_some_and(|rows| rows.len() == 3), "{top}");
    assert!(!top.to_string().contains("example.org") && !top.to_string().contains("Guest"), "{top}");
    let (_, shown) =
        tool(&s.manager, "top_guests", &json!({"venue": "bistro", "limit": 3, "show_personal_data": true}));
    assert!(shown.to_string().contains("example.org"), "{shown}");
    let (failed, absent) = tool(&s.manager, "guests_not_seen", &json!({"venue": "bar", "days": 30}));
    assert!(!failed && absent.as_array().is_some_and(|rows| rows.len() == 20), "{absent}");
    let (failed, dossier) = tool(&s.manager, "guest", &json!({"customer": "g7"}));
    assert!(!failed && dossier["profile"]["name"] == "Z. M.", "{dossier}");
    let criteria = r#"{"v":1,"where":{"field":"total_visits","op":"gte","value":4}}"#;
    let (_, preview) = tool(&s.manager, "preview_segment", &json!({"venue": "bistro", "criteria": criteria}));
    assert_eq!(preview["members"], 15, "{preview}");
    for (name, arguments) in [
        ("overview", json!({"venue": "bar"})),
        ("segments", json!({})),
        ("label_movement", json!({"venue": "bar", "from": "2025-06-01", "to": "2025-06-30"})),
        ("reachable_counts", json!({"venue": "bar"})),
    ] {
        let (failed, found) = tool(&s.manager, name, &arguments);
        assert!(!failed, "{name}: {found}");
    }

    for (key, status) in [(s.rival.as_str(), 404), (s.reader.as_str(), 403), ("crm_0000", 401), ("", 401)] {
        let (failed, problem) = tool(key, "top_guests", &json!({"venue": "bar"}));
        assert!(failed && problem["status"] == status, "{problem}");
    }
}

#[test]
fn it_is_measured_and_documented_without_other_hosts() {
    let s = &*SERVICE;
    s.get(Some(&s.one_venue), "/v1/venues");
    let fetch = |path: &str| {
        let answer =
            minreq::get(format!("{}{path}", s.program.base)).with_timeout(10).send().expect("an answer");
        (answer.status_code, answer.as_str().expect("text").to_owned())
    };
    let (status, metrics) = fetch("/metrics");
    assert_eq!(status, 200);
    for expected in [
        "crm_http_requests_total{",
        r#"route="/v1/venues""#,
        "crm_http_request_duration_seconds_bucket",
        "crm_database_up 1",
        "crm_pool_connections",
        "crm_outbox_rows",
        "# EOF",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }
    assert!(!metrics.contains("g3"), "no guest in a label");
    let (status, page) = fetch("/docs/");
    assert_eq!(status, 200);
    let elsewhere: Vec<_> =
        page.split(['"', '\'']).filter(|part| part.starts_with("http") || part.starts_with("//")).collect();
    assert!(elsewhere.is_empty(), "the page loads {elsewhere:?}");
}

#[test]
fn keys_are_made_listed_and_revoked_by_the_program() {
    let s = &*SERVICE;
    let program = std::env::var("CRM_API_BIN").expect("CRM_API_BIN must name the crm_api program");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(&program)
            .args(arguments)
            .env_clear()
            .env("CRM_DATABASE_URL", connection_string(&s.database, "crm_service"))
            .env("CRM_JOBS_DATABASE_URL", connection_string(&s.database, "postgres"))
            .output()
            .expect("crm_api runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (code, key) =
        run(&["key", "create", "Till 9", "staff", "--org", "house", "--venues", "bar", "--expires", "30"]);
    assert_eq!(code, Some(0));
    assert_eq!(s.done(&key, "GET", "/v1/session", &NONE)["name"], "Till 9");
    let (_, list) = run(&["key", "list"]);
    let line = list.lines().find(|line| line.contains("Till 9")).expect("the key");
    assert!(!list.contains(&key));
    let id = line.split('\t').next().expect("an id");
    assert_eq!(run(&["key", "revoke", id]).0, Some(0));
    s.refused(&key, "GET", "/v1/session", &NONE, 401, "");
    assert_eq!(run(&["key", "revoke", id]).0, Some(1));
    assert_eq!(run(&["key", "create", "x"]).0, Some(2));
    assert_eq!(run(&["sweep"]).0, Some(0));
}
