//! react-querybuilder's format, both ways.

use crm_core::criteria::Criteria;
use crm_core::criteria::tree::Scope;

#[track_caller]
fn read(group: &str) -> Criteria {
    Criteria::from_query_builder(group, Scope::Venue)
        .unwrap_or_else(|problems| panic!("{group}\n{problems:#?}"))
}

#[track_caller]
fn refused(group: &str) -> Vec<(String, &'static str)> {
    let problems = Criteria::from_query_builder(group, Scope::Venue).expect_err(group);
    problems.into_iter().map(|problem| (problem.pointer, problem.code.name())).collect()
}

#[test]
fn a_rule_group_as_the_editor_saves_it_is_read() {
    // As its documentation shows queries: ids, texts for numbers, lists joined with commas.
    let group = r#"{"id":"root","combinator":"and","not":false,"rules":[
        {"id":"r1","field":"total_orders","operator":">=","valueSource":"value","value":"5"},
        {"id":"r2","field":"label","operator":"in","value":"LOYAL,CHAMPION"},
        {"id":"r3","field":"aov","operator":"between","value":["10","20.50"]},
        {"id":"g1","combinator":"or","not":true,"rules":[
          {"field":"email","operator":"null","value":""},
          {"field":"name","operator":"beginsWith","value":"An"}]},
        {"field":"orders","operator":"=","match":{"mode":"atLeast","threshold":2},"value":{"combinator":"and","rules":[
          {"field":"daypart","operator":"=","value":"lunch"}]}},
        {"field":"items","match":{"mode":"none"},"value":{"combinator":"and","rules":[]}}]}"#;
    let expected = r#"{"v":1,"where":{"all":[
        {"field":"total_orders","op":"gte","value":5},
        {"field":"label","op":"in","value":["CHAMPION","LOYAL"]},
        {"field":"aov","op":"between","value":["10","20.50"]},
        {"not":{"any":[{"field":"email","op":"is_null"},{"field":"name","op":"starts_with","value":"An"}]}},
        {"field":"orders","op":"count_gte","value":2,"where":{"all":[{"field":"daypart","op":"eq","value":"lunch"}]}},
        {"field":"items","op":"none"}]}}"#;
    assert_eq!(read(group), Criteria::parse(expected).unwrap());
}

#[test]
fn an_empty_query_means_everyone() {
    assert_eq!(read(r#"{"combinator":"and","rules":[]}"#).sentence(), "Every guest.");
}

#[test]
fn problems_point_into_the_rule_group() {
    let group = r#"{"combinator":"and","rules":[
        {"field":"total_order","operator":"=","value":1},
        {"combinator":"or","not":true,"rules":[{"field":"aov","operator":"~","value":1},{"field":"aov","operator":"=","value":"x"}]},
        {"field":"orders","match":{"mode":"some"},"value":{"combinator":"and","rules":[{"field":"totl","operator":"=","value":1}]}},
        {"combinator":"and","not":true,"rules":[{"field":"label","operator":"=","value":"OLD"}]},
        {"combinator":"or","rules":[]}]}"#;
    let expected = [
        ("/rules/0/field", "unknown_field"),
        ("/rules/1/rules/0/operator", "unknown_operator"),
        ("/rules/1/rules/1/value", "wrong_type"),
        ("/rules/2/value/rules/0/field", "unknown_field"),
        ("/rules/3/rules/0/value", "unknown_value"),
        ("/rules/4/rules", "empty_group"),
    ];
    assert_eq!(refused(group), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn what_criteria_cannot_say_is_refused_at_its_node() {
    let told = |rule: &str| refused(&format!(r#"{{"combinator":"and","rules":[{rule}]}}"#)).remove(0);
    for (rule, pointer, code) in [
        (
            r#"{"field":"aov","operator":"=","valueSource":"field","value":"highest_order"}"#,
            "/rules/0/valueSource",
            "not_representable",
        ),
        (
            r#"{"field":"orders","match":{"mode":"all"},"value":{"combinator":"and","rules":[]}}"#,
            "/rules/0/match",
            "not_representable",
        ),
        (r#"{"combinator":"xor","rules":[]}"#, "/rules/0/combinator", "unknown_value"),
        (r#"{"field":"aov","operator":"=","value":1,"muted":true}"#, "/rules/0/muted", "not_representable"),
    ] {
        assert_eq!(told(rule), (pointer.to_owned(), code));
    }
    let independent = r#"{"rules":[{"field":"aov","operator":"=","value":1},"and",{"field":"aov","operator":"=","value":1}]}"#;
    assert_eq!(refused(independent)[0], ("/rules".to_owned(), "not_representable"));
    for text in ["", "[]", "null", "5", r#"{"combinator":"and"}"#] {
        assert!(!refused(text).is_empty(), "{text}");
    }
}

#[test]
fn what_a_rule_group_cannot_say_names_the_node() {
    let document = r#"{"v":1,"where":{"all":[{"not":{"field":"orders","op":"sum_gte","value":5}},
        {"any":[{"field":"items","op":"any","within":{"last":"1d"}},{"field":"aov","op":"gt","value":1}]}]}}"#;
    let problems = Criteria::parse(document).unwrap().to_query_builder().expect_err("neither can be said");
    let told: Vec<_> = problems.iter().map(|p| (p.pointer.as_str(), p.code.name())).collect();
    assert_eq!(
        told,
        [("/where/all/0/not/op", "not_representable"), ("/where/all/1/any/0/within", "not_representable")]
    );
}
