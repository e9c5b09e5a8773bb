//! Every fault has its pointer and code, and all faults of a document are told at once.

use crm_core::criteria::{Code, Criteria, Problem};

fn problems(document: &str) -> Vec<Problem> {
    Criteria::parse(document).expect_err(document)
}

/// Pointer and code of the only problem of a document whose `where` is this.
#[track_caller]
fn refused(node: &str, pointer: &str, code: &str) -> Problem {
    let found = problems(&format!(r#"{{"v":1,"where":{node}}}"#));
    let told: Vec<_> = found.iter().map(|p| (p.pointer.as_str(), p.code.name())).collect();
    assert_eq!(told, [(pointer, code)], "{node}\n{found:#?}");
    found.into_iter().next().unwrap()
}

#[track_caller]
fn accepted(node: &str) {
    let document = format!(r#"{{"v":1,"where":{node}}}"#);
    Criteria::parse(&document).unwrap_or_else(|problems| panic!("{document}\n{problems:#?}"));
}

#[test]
fn all_problems_of_a_document_are_told_at_once() {
    let document = r#"{"v":2,"scop":"venue","where":{"all":[
        {"field":"total_order","op":"gte","value":3},
        {"field":"label","op":"eq","value":"CHAMPIN"},
        {"any":[]},
        {"field":"aov","op":"within_last","value":"30d"},
        {"not":{"field":"last_order_at","op":"within_last","value":"30 days"}},
        {"field":"orders","op":"count_gte","value":2.5,"within":{"last":"0d"},"where":{"field":"totl","op":"gt","value":"1.005"}},
        {"field":"total_spent","op":"gt","value":NaN}]}}"#;
    let found = problems(document);
    let told: Vec<_> =
        found.iter().map(|p| (p.pointer.as_str(), p.code.name(), p.suggestion.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("/where/all/6/value", "not_a_number", None),
            ("/scop", "unknown_key", Some("scope")),
            ("/v", "unsupported_version", None),
            ("/where/all/0/field", "unknown_field", Some("total_orders")),
            ("/where/all/1/value", "unknown_value", Some("CHAMPION")),
            (
                "/where/all/2/any",
                "empty_group",
                Some("{\"all\":[]} as the whole of \"where\" means everyone")
            ),
            ("/where/all/3/op", "unknown_operator", None),
            ("/where/all/4/not/value", "invalid_duration", None),
            ("/where/all/5/value", "too_precise", None),
            ("/where/all/5/within/last", "invalid_duration", None),
            ("/where/all/5/where/field", "unknown_field", Some("total")),
        ]
    );
}

#[test]
fn a_document_is_an_object_with_version_and_where() {
    let told = |document: &str| -> Vec<_> {
        problems(document).iter().map(|p| (p.pointer.clone(), p.code)).collect()
    };
    assert_eq!(told("[]"), [(String::new(), Code::WrongType)]);
    assert_eq!(told("{}"), [(String::new(), Code::MissingKey), (String::new(), Code::MissingKey)]);
    assert_eq!(told(""), [(String::new(), Code::InvalidJson)]);
    assert_eq!(
        told(r#"{"v":1,"scope":"all","where":{"all":[]}}"#),
        [("/scope".to_owned(), Code::UnknownValue)]
    );
    assert_eq!(told(r#"{"v":"1","where":{"all":[]}}"#), [("/v".to_owned(), Code::UnsupportedVersion)]);
    assert_eq!(told(r#"{"v":1,"v":1,"where":{"all":[]}}"#), [("/v".to_owned(), Code::DuplicateKey)]);
}

#[test]
fn a_node_is_one_thing() {
    let leaf = r#"{"field":"total_orders","op":"gte","value":1}"#;
    refused("[]", "/where", "wrong_type");
    refused("{}", "/where", "not_a_node");
    refused(&format!(r#"{{"al":[{leaf}]}}"#), "/where", "not_a_node");
    refused(&format!(r#"{{"all":[{leaf}],"any":[{leaf}]}}"#), "/where", "not_a_node");
    refused(&format!(r#"{{"all":[{leaf}],"note":1}}"#), "/where/note", "unknown_key");
    refused(&format!(r#"{{"all":{leaf}}}"#), "/where/all", "wrong_type");
    refused(r#"{"not":{"all":[]}}"#, "/where/not/all", "empty_group");
    refused(r#"{"any":[]}"#, "/where/any", "empty_group");
    refused(r#"{"hasTag":"VIP"}"#, "/where", "not_a_node");
    accepted(r#"{"all":[]}"#);
}

#[test]
fn a_field_takes_the_operators_of_its_type() {
    let problem = refused(r#"{"field":"total_orders","op":">=","value":1}"#, "/where/op", "unknown_operator");
    assert_eq!(problem.suggestion.as_deref(), Some("gte"));
    assert!(problem.allowed.contains(&"between".to_owned()));
    refused(r#"{"field":"name","op":"gt","value":"a"}"#, "/where/op", "unknown_operator");
    refused(r#"{"field":"orders","op":"quantity_gte","value":1}"#, "/where/op", "unknown_operator");
    accepted(r#"{"field":"items","op":"quantity_gte","value":1.5}"#);
    refused(r#"{"field":"total_orders","value":1}"#, "/where", "missing_key");
    refused(r#"{"field":"total_orders","op":"gte"}"#, "/where", "missing_key");
    refused(r#"{"field":"aov","op":"is_null","value":1}"#, "/where/value", "value_not_allowed");
    refused(r#"{"field":7,"op":"gte","value":1}"#, "/where/field", "wrong_type");
    refused(r#"{"field":"aov","op":7,"value":1}"#, "/where/op", "wrong_type");
    refused(r#"{"field":"aov","op":"gt","value":1,"within":{"last":"1d"}}"#, "/where/within", "unknown_key");
}

#[test]
fn a_value_has_the_type_of_its_field() {
    let value =
        |field: &str, op: &str, value: &str| format!(r#"{{"field":"{field}","op":"{op}","value":{value}}}"#);
    for (field, op, given, pointer, code) in [
        ("total_orders", "eq", "\"5\"", "/where/value", "wrong_type"),
        ("total_orders", "eq", "null", "/where/value", "wrong_type"),
        ("total_orders", "eq", "2.5", "/where/value", "too_precise"),
        ("total_orders", "eq", "1e400", "/where/value", "out_of_range"),
        ("total_orders", "in", "5", "/where/value", "wrong_type"),
        ("total_orders", "in", "[]", "/where/value", "empty_value"),
        ("total_orders", "in", "[1,\"2\"]", "/where/value/1", "wrong_type"),
        ("total_orders", "between", "[1]", "/where/value", "wrong_type"),
        ("total_orders", "between", "[5,1]", "/where/value", "reversed_range"),
        ("aov", "eq", "\"12,50\"", "/where/value", "wrong_type"),
        ("aov", "eq", "12.505", "/where/value", "too_precise"),
        ("aov", "eq", "true", "/where/value", "wrong_type"),
        ("aov", "eq", "\"1000000000000\"", "/where/value", "out_of_range"),
        ("name", "eq", "5", "/where/value", "wrong_type"),
        ("name", "contains", "\"\"", "/where/value", "empty_value"),
        ("name", "eq", "\"\\u0000\"", "/where/value", "nul_character"),
        ("name", "eq", "\"\\ud800\"", "/where/value", "unpaired_surrogate"),
        ("label", "in", "[\"NEW\",\"OLD\"]", "/where/value/1", "unknown_value"),
        ("last_order_at", "on", "\"2025-02-30\"", "/where/value", "invalid_date"),
        ("last_order_at", "on", "5", "/where/value", "wrong_type"),
        ("last_order_at", "on", "{\"ago\":\"30d\",\"ahead\":\"1d\"}", "/where/value", "wrong_type"),
        ("last_order_at", "before", "{\"ago\":30}", "/where/value/ago", "wrong_type"),
        ("last_order_at", "between", "[\"2025-02-01\",\"2025-01-01\"]", "/where/value", "reversed_range"),
        ("last_order_at", "between", "[\"today\",{\"ago\":\"1mo\"}]", "/where/value", "reversed_range"),
        ("last_order_at", "within_last", "30", "/where/value", "wrong_type"),
        ("last_order_at", "within_last", "\"0d\"", "/where/value", "invalid_duration"),
        ("birth_date", "month_is", "13", "/where/value", "out_of_range"),
        ("birth_date", "anniversary_within_next", "\"2y\"", "/where/value", "out_of_range"),
        ("in_segment", "has", "\"\"", "/where/value", "empty_value"),
    ] {
        refused(&value(field, op, given), pointer, code);
    }
}

#[test]
fn the_day_of_a_written_instant_is_suggested() {
    let leaf = r#"{"field":"last_order_at","op":"on","value":"2025-03-01T12:00:00Z"}"#;
    assert_eq!(refused(leaf, "/where/value", "invalid_date").suggestion.as_deref(), Some("2025-03-01"));
}

#[test]
fn a_relation_knows_its_own_fields_only() {
    let orders = |inner: &str| format!(r#"{{"field":"orders","op":"any","where":{inner}}}"#);
    refused(
        &orders(r#"{"field":"total_orders","op":"gt","value":1}"#),
        "/where/where/field",
        "unknown_field",
    );
    refused(&orders(r#"{"field":"orders","op":"any"}"#), "/where/where/field", "unknown_field");
    refused(&orders(r#"{"all":[]}"#), "/where/where/all", "empty_group");
    accepted(&orders(
        r#"{"field":"items","op":"any","where":{"field":"category","op":"eq","value":"wine"}}"#,
    ));
    for within in [r#""30d""#, "{}", r#"{"from":"today"}"#, r#"{"last":"1d","next":"1d"}"#] {
        refused(
            &format!(r#"{{"field":"orders","op":"any","within":{within}}}"#),
            "/where/within",
            "wrong_type",
        );
    }
    refused(
        r#"{"field":"orders","op":"any","within":{"from":"2025-02-01","to":"2025-01-01"}}"#,
        "/where/within",
        "reversed_range",
    );
}

#[test]
fn what_belongs_to_a_venue_is_not_known_of_the_organisation() {
    let document = r#"{"v":1,"scope":"org","where":{"field":"label","op":"eq","value":"NEW"}}"#;
    let found = problems(document);
    assert_eq!((found[0].pointer.as_str(), found[0].code), ("/where/field", Code::NotInScope));
    assert!(!found[0].allowed.contains(&"label".to_owned()));
}

#[test]
fn limits_hold() {
    let leaf = r#"{"field":"total_orders","op":"gte","value":1}"#;
    let nested = |levels: usize| format!("{}{leaf}{}", r#"{"not":"#.repeat(levels), "}".repeat(levels));
    accepted(&nested(5));
    refused(&nested(6), &format!("/where{}", "/not".repeat(6)), "too_deep");
    let group = |count: usize| format!(r#"{{"all":[{}]}}"#, vec![leaf; count].join(","));
    accepted(&group(100));
    refused(&group(101), "/where", "too_many_leaves");
    let list = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        format!(r#"{{"field":"total_orders","op":"in","value":[{}]}}"#, values.join(","))
    };
    accepted(&list(500));
    refused(&list(501), "/where/value", "too_many_values");
    let padded = |bytes: usize| {
        let document = r#"{"v":1,"where":{"all":[]}}"#;
        format!("{document}{}", " ".repeat(bytes - document.len()))
    };
    assert!(Criteria::parse(&padded(32 * 1024)).is_ok());
    assert_eq!(problems(&padded(32 * 1024 + 1))[0].code, Code::TooLarge);
}

#[test]
fn a_hostile_document_gets_a_bounded_answer() {
    let many = format!(r#"{{"v":1,"where":{{"all":[{}]}}}}"#, vec!["{}"; 10_000].join(","));
    let found = problems(&many);
    assert_eq!(found.len(), 201);
    assert_eq!(found[200].code, Code::TooManyProblems);
    let deep = r#"{"all":["#.repeat(4_000);
    assert_eq!(problems(&deep)[0].code, Code::TooDeep);
    let name = "x".repeat(30_000);
    let got =
        problems(&format!(r#"{{"v":1,"where":{{"field":"{name}","op":"eq","value":1}}}}"#))[0].got.clone();
    assert!(got.is_some_and(|got| got.chars().count() <= 81));
}
