//! The JSON Schema agrees with the parser, as an independent validator reads it.

use crm_core::criteria::{Criteria, json_schema};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::documents;
use crate::properties::{draw_from, edited};

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&json_schema()).expect("a valid schema")
}

#[test]
fn the_schema_is_a_valid_schema() {
    jsonschema::draft202012::meta::validate(&json_schema()).expect("valid against its meta-schema");
}

#[test]
fn the_schema_refuses_what_has_another_shape() {
    let validator = validator();
    for node in [
        json!({"field": "total_orders", "op": "gte", "value": "5"}),
        json!({"field": "total_orders", "op": "gte"}),
        json!({"field": "total_orders", "op": "within_last", "value": "30d"}),
        json!({"field": "colour", "op": "eq", "value": 1}),
        json!({"field": "label", "op": "eq", "value": "OLD"}),
        json!({"field": "orders", "op": "any", "where": {"field": "total_orders", "op": "gt", "value": 1}}),
        json!({"any": []}),
        json!({"not": {"all": []}}),
        json!({"all": [{"field": "aov", "op": "is_null"}], "note": 1}),
    ] {
        assert!(!validator.is_valid(&json!({"v": 1, "where": node})), "{node}");
    }
    assert!(validator.is_valid(&json!({"v": 1, "where": {"all": []}})));
}

#[test]
fn the_catalogue_for_editors_lists_every_field() {
    let schema = json_schema();
    let entries = schema["$defs"]["catalogue"]["enum"].as_array().unwrap();
    let field = |name: &str| entries.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(field("label")["values"][0], "CHAMPION");
    assert_eq!(field("email")["sensitive"], true);
    assert_eq!(
        field("birth_date")["operators"][0],
        json!({"name": "anniversary_within_next", "takes": "duration"})
    );
    assert!(field("orders")["fields"].as_array().unwrap().iter().any(|entry| entry["name"] == "items"));
}

proptest! {
    #[test]
    fn every_document_that_is_read_satisfies_the_schema(seeds in draw_from(), edits in draw_from()) {
        thread_local!(static VALIDATOR: jsonschema::Validator = validator());
        let document = edited(&documents::document(&mut seeds.draw()), &mut edits.draw());
        if Criteria::parse(&document.to_string()).is_ok() {
            let document: Value = serde_json::from_str(&document.to_string()).unwrap();
            prop_assert!(VALIDATOR.with(|validator| validator.is_valid(&document)), "{}", document);
        }
    }
}
