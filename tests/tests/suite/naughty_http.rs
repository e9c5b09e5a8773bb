//! Hostile texts through every parameter and every member of a body that openapi.json describes, and hostile bodies:
//! the service answers or refuses, and never fails.

use crm_tests::{Answer, Service, naughty};
use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(include_str!("../../../crm_api/openapi.json")).expect("openapi.json is JSON")
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
        }
        None => schema,
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

struct Attack<'a> {
    service: &'a Service,
    tried: usize,
    wrong: Vec<String>,
}

impl Attack<'_> {
    fn judge(&mut self, what: String, answer: &Answer) {
        self.tried += 1;
        let problem = answer.status < 400 || answer.content_type.starts_with("application/problem+json");
        if answer.status >= 500 || !problem {
            let shown: String = what.chars().take(200).collect();
            let text: String = answer.text.chars().take(200).collect();
            self.wrong.push(format!("{shown}: {} {} {text}", answer.status, answer.content_type));
        }
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) {
        let answer = self.service.call(&self.service.admin, method, path, body);
        self.judge(format!("{method} {path} {body}"), &answer);
    }

    /// A parameter at a time, the others as a client would give them.
    fn parameters(&mut self, method: &str, path: &str, parameters: &[&Value], texts: &[String]) {
        let placed = |name: &str, text: &str| {
            let mut target = path.to_owned();
            let mut query = Vec::new();
            for parameter in parameters {
                let its_name = parameter["name"].as_str().expect("a name");
                let chosen = if its_name == name { text } else { "1" };
                if parameter["in"] == "path" {
                    target = target.replace(&format!("{{{its_name}}}"), &percent_encoded(chosen));
                } else if its_name == name {
                    query.push(format!("{its_name}={}", percent_encoded(chosen)));
                }
            }
            format!("{target}?{}", query.join("&"))
        };
        for parameter in
            parameters.iter().filter(|parameter| parameter["in"] == "path" || parameter["in"] == "query")
        {
            let name = parameter["name"].as_str().expect("a name");
            for text in texts {
                // What is in a URL has a length that servers limit.
                if text.len() < 4_000 {
                    let body = if method == "GET" || method == "DELETE" { Value::Null } else { json!({}) };
                    self.send(method, &placed(name, text), &body);
                }
            }
        }
    }

    /// Each member of a body, alone and all at once.
    fn body(&mut self, method: &str, path: &str, members: &Map<String, Value>, texts: &[String]) {
        for text in texts {
            for name in members.keys() {
                self.send(method, path, &json!({ name: text }));
            }
            let all: Map<String, Value> = members.keys().map(|name| (name.clone(), json!(text))).collect();
            self.send(method, path, &Value::Object(all));
        }
    }
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let service = Service::start("naughty");
    let document = document();
    // Some texts everywhere, the others spread over the parameters and members, as are the bodies.
    let texts = naughty::texts();
    let everywhere = ["'", "\\", "\u{1}\u{7f}"];
    let mut turn = 0;
    let mut some = || {
        turn += 1;
        let mut chosen: Vec<String> = everywhere.iter().map(|&text| text.to_owned()).collect();
        chosen.extend((0..3).map(|n| texts[(turn * 3 + n) % texts.len()].clone()));
        chosen
    };
    let documents = naughty::documents();
    let mut bodies = documents.iter().cycle();
    let mut attack = Attack { service: &service, tried: 0, wrong: vec![] };
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let method = method.to_uppercase();
            let parameters: Vec<&Value> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| resolved(&document, parameter))
                .collect();
            attack.parameters(&method, path, &parameters, &some());
            let schema =
                resolved(&document, &operation["requestBody"]["content"]["application/json"]["schema"]);
            let plain = path.replace(['{', '}'], "");
            if let Some(members) = schema["properties"].as_object() {
                attack.body(&method, &plain, members, &some());
            }
            if method == "POST" && operation.get("requestBody").is_some() {
                for raw in bodies.by_ref().take(12) {
                    let answer = service.upload(&service.admin, &plain, "application/json", raw);
                    attack.judge(format!("POST {plain} {raw}"), &answer);
                }
            }
        }
    }
    println!("{} requests", attack.tried);
    assert!(attack.tried > 1000, "{} requests", attack.tried);
    assert!(
        attack.wrong.is_empty(),
        "{} of {}:\n{}",
        attack.wrong.len(),
        attack.tried,
        attack.wrong[..attack.wrong.len().min(40)].join("\n")
    );
    assert_eq!(service.get(None, "/healthz").status, 200, "it lives");
}
