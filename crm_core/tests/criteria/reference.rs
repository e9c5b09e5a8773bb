//! The reference in docs/criteria.md names everything there is.

use crm_core::criteria::field::{Field, Kind};
use crm_core::criteria::{Code, Criteria, Doubt, catalogue};

const REFERENCE: &str = include_str!("../../../docs/criteria.md");

#[track_caller]
fn named(name: &str) {
    assert!(REFERENCE.contains(&format!("`{name}`")), "docs/criteria.md does not name {name}");
}

fn fields_named(fields: &[Field]) {
    for field in fields {
        named(field.name);
        field.operators().iter().for_each(|operator| named(operator.name()));
        if let Kind::Relation(relation) = field.kind {
            fields_named(relation.fields);
        }
    }
}

#[test]
fn fields_operators_and_codes_are_named() {
    fields_named(catalogue::GUEST);
    Code::ALL.iter().for_each(|code| named(code.name()));
    [Doubt::AlwaysTrue, Doubt::Contradictory, Doubt::MatchesNobody]
        .iter()
        .for_each(|doubt| named(doubt.name()));
}

#[test]
fn its_example_is_valid() {
    let json = REFERENCE.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(Criteria::parse(json).unwrap().warnings(), []);
}
