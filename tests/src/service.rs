//! The service over a small bound database, spoken to as a client would; every answer is held against the OpenAPI
//! document that the service publishes.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{Program, Session, TestDatabase, restaurant};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../crm_api/openapi.json")).expect("the document is JSON")
});

/// The service with its database, and keys of the organisations house and rival.
pub struct Service {
    /// The running service.
    pub program: Program,
    /// What it is over.
    pub database: TestDatabase,
    /// Key of an admin of house.
    pub admin: String,
    /// Key of a manager of house.
    pub manager: String,
    /// Key of staff of the bar.
    pub one_venue: String,
    /// Key of an admin of rival.
    pub rival: String,
    /// Key of a reader of house.
    pub reader: String,
}

/// A key of a new principal; venues as SQL.
pub fn key(sql: &mut Session, org: &str, role: &str, venues: &str) -> String {
    sql.value(&format!(
        "SELECT crm.create_api_key(crm.create_principal('{org} {role}', '{org}', '{role}', {venues}))"
    ))
}

impl Service {
    /// 60 guests of bistro, every third also of bar, with many equal amounts, times and counts; one guest of the rival.
    pub fn start(purpose: &str) -> Self {
        Self::start_with(purpose, &[])
    }

    /// The same with further settings of the service.
    pub fn start_with(purpose: &str, settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        restaurant::create(&mut sql);
        sql.run(
            r#"INSERT INTO "Venue" VALUES ('bistro', 'house', 'Bistro', 'Europe/Paris', 'EUR'), ('bar', 'house', 'Bar', 'Europe/Paris', 'EUR'), ('rival', 'rival', 'Rival', 'UTC', 'USD');
               SELECT dine('g' || i, 'bistro', timestamp '2025-06-01 20:00' - make_interval(days => i % 5 + k), 10 + i % 3) FROM generate_series(1, 60) i, generate_series(0, i % 4) k;
               SELECT dine('g' || i, 'bar', timestamp '2025-06-02 20:00', 10) FROM generate_series(3, 60, 3) i;
               SELECT dine('spy', 'rival', timestamp '2025-06-02 20:00', 10);
               UPDATE "Customer" SET name = 'Guest ' || id, phone = '+33 6 00 00 00 ' || lpad(substr(id, 2), 2, '0'), email = id || '@example.org';
               UPDATE "Customer" SET name = 'Zoë Müller-Łukasz', phone = '+49 171 5550199', email = 'zoe@beispiel.example' WHERE id = 'g7'"#,
        );
        restaurant::bind_with_organisations(&mut sql);
        sql.run("SELECT crm.recompute_venue(ref) FROM crm.venue");
        let program = Program::start(&database, settings);
        Self {
            program,
            admin: key(&mut sql, "house", "admin", "NULL"),
            manager: key(&mut sql, "house", "manager", "NULL"),
            one_venue: key(&mut sql, "house", "staff", "ARRAY['bar']"),
            rival: key(&mut sql, "rival", "admin", "NULL"),
            reader: key(&mut sql, "house", "reader", "NULL"),
            database,
        }
    }

    /// A request with headers and, unless it is null, a body of JSON.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let url = format!("{}{path}", self.program.base);
        let mut request =
            minreq::Request::new(minreq::Method::Custom(method.to_owned()), url).with_timeout(20);
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        if !body.is_null() {
            request = request.with_header("Content-Type", "application/json").with_body(body.to_string());
        }
        answer(method, path, request)
    }

    /// A request under a key.
    #[track_caller]
    pub fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("Authorization", &format!("Bearer {key}"))], body)
    }

    /// The body of a request that succeeds.
    #[track_caller]
    pub fn done(&self, key: &str, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(key, method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
        answer.body
    }

    /// A request that is refused with a status, and with a pointer unless it is empty.
    #[track_caller]
    pub fn refused(&self, key: &str, method: &str, path: &str, body: &Value, status: i32, pointer: &str) {
        let answer = self.call(key, method, path, body);
        answer.expect_problem(status);
        if !pointer.is_empty() {
            assert_eq!(answer.body["pointer"], pointer, "{method} {path}: {}", answer.body);
        }
    }

    /// A request without a body, under a key or none.
    #[track_caller]
    pub fn get(&self, key: Option<&str>, path: &str) -> Answer {
        match key {
            Some(key) => self.call(key, "GET", path, &Value::Null),
            None => self.send("GET", path, &[], &Value::Null),
        }
    }

    /// A body that is not JSON.
    #[track_caller]
    pub fn upload(&self, key: &str, path: &str, content_type: &str, body: &str) -> Answer {
        let url = format!("{}{path}", self.program.base);
        let request = minreq::post(url)
            .with_timeout(20)
            .with_header("Authorization", format!("Bearer {key}"))
            .with_header("Content-Type", content_type)
            .with_body(body);
        answer("POST", path, request)
    }
}

#[track_caller]
fn answer(method: &str, path: &str, request: minreq::Request) -> Answer {
    let response = request.send().unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let text = response.as_str().expect("text").to_owned();
    let header = |name: &str| response.headers.get(name).cloned().unwrap_or_default();
    let answer = Answer {
        status: response.status_code,
        content_type: header("content-type"),
        cookie: header("set-cookie"),
        etag: header("etag"),
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    };
    answer.expect_documented(method, path);
    answer
}

/// What the service answered.
pub struct Answer {
    /// The status.
    pub status: i32,
    /// The header of this name; empty without one, like the next two.
    pub content_type: String,
    /// Set-Cookie.
    pub cookie: String,
    /// ETag.
    pub etag: String,
    /// Null for what is not JSON.
    pub body: Value,
    /// The body.
    pub text: String,
}

impl Answer {
    /// RFC 9457: the media type, the status repeated, a title and a detail.
    #[track_caller]
    pub fn expect_problem(&self, status: i32) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.content_type.starts_with("application/problem+json"), "{}", self.content_type);
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", self.body);
    }

    /// The status and the body are ones that the document has for the operation; a path it does not have gets 404.
    #[track_caller]
    fn expect_documented(&self, method: &str, path: &str) {
        let path = path.split('?').next().unwrap_or_default();
        let Some(template) = template_of(path) else {
            assert_eq!(self.status, 404, "{method} {path} is not documented");
            return;
        };
        let operation = &DOCUMENT["paths"][&template][method.to_lowercase()];
        if operation.is_null() {
            assert_eq!(self.status, 405, "{method} {template} is not documented");
            return;
        }
        let response = &operation["responses"][self.status.to_string()];
        assert!(!response.is_null(), "{method} {template}: {} is not documented: {}", self.status, self.text);
        let media_type = self.content_type.split(';').next().unwrap_or_default();
        let Some(content) = response["content"].as_object() else {
            assert_eq!(self.text, "", "{method} {template}: a body that is not documented");
            return;
        };
        let content = content.get(media_type);
        let content =
            content.unwrap_or_else(|| panic!("{method} {template}: {media_type} is not documented"));
        if matches!(media_type, "application/json" | "application/problem+json") {
            let schema = json!({"allOf": [content["schema"]], "components": DOCUMENT["components"]});
            let validator = jsonschema::draft202012::new(&schema).expect("a schema of the document");
            let faults: Vec<_> =
                validator.iter_errors(&self.body).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(faults.is_empty(), "{method} {template}: {faults:#?}\n{}", self.body);
        }
    }
}

/// The path of the document that a request's path is one of; the one with most fixed parts.
fn template_of(path: &str) -> Option<String> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let fits = |template: &&String| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(part, given)| part == given || part.starts_with('{'))
    };
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).cloned()
}
