//! A JSON Schema of criteria, with the catalogue for editors, both made from the catalogue.

use serde_json::{Map, Value, json};

use super::catalogue;
use super::check::{MOST_LEAVES, unit_of};
use super::field::{Field, Kind, Relation};
use super::number::{MOST, Unit};
use super::operand::MOST_VALUES;
use super::operator::{Operator, Takes};
use super::tree::Scope;

/// The JSON Schema (draft 2020-12) of criteria.
///
/// It accepts every valid document. What a schema cannot say, [`super::Criteria::parse`] still refuses: the depth,
/// the number of conditions, the calendar, reversed ranges, duplicate keys. `$defs.catalogue` lists the fields with
/// label, description, type, operators and values.
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert("day".to_owned(), day());
    definitions.insert(
        "duration".to_owned(),
        json!({
            "type": "string",
            "pattern": "^([0-9]+(d|w|mo|y)|P([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?)$",
            "examples": ["30d", "2w", "6mo", "1y", "P30D"],
        }),
    );
    definitions.insert(
        "window".to_owned(),
        json!({ "oneOf": [
            closed(&[("last", reference("duration"))]),
            closed(&[("next", reference("duration"))]),
            closed(&[("from", reference("day")), ("to", reference("day"))]),
        ]}),
    );
    nodes_over("guest", catalogue::GUEST, &mut definitions);
    definitions.insert(
        "catalogue".to_owned(),
        json!({ "$comment": "the fields, for editors", "enum": entries(catalogue::GUEST) }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pg_crm criteria",
        "description": format!("Which guests are meant. At most {MOST_LEAVES} conditions."),
        "type": "object",
        "properties": {
            "v": { "const": 1 },
            "scope": { "enum": [Scope::Venue.name(), Scope::Org.name()], "default": Scope::Venue.name() },
            "where": { "anyOf": [reference("guest"), closed(&[("all", json!({ "type": "array", "maxItems": 0 }))])] },
        },
        "required": ["v", "where"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

/// An object with exactly these members.
fn closed(members: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = members.iter().map(|(key, _)| *key).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn day() -> Value {
    json!({ "oneOf": [
        { "type": "string", "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|today)$" },
        closed(&[("ago", reference("duration"))]),
        closed(&[("ahead", reference("duration"))]),
    ]})
}

/// Defines the nodes over some fields, and those of their relations.
fn nodes_over(name: &str, fields: &'static [Field], definitions: &mut Map<String, Value>) {
    let group = json!({ "type": "array", "minItems": 1, "items": reference(name) });
    let mut alternatives = vec![
        closed(&[("all", group.clone())]),
        closed(&[("any", group)]),
        closed(&[("not", reference(name))]),
    ];
    for field in fields {
        let inner = format!("{name}.{}", field.name);
        alternatives.extend(conditions_on(field, &inner));
        if let Kind::Relation(relation) = field.kind {
            nodes_over(&inner, relation.fields, definitions);
        }
    }
    definitions.insert(name.to_owned(), json!({ "oneOf": alternatives }));
}

/// One schema for all operators of a field that take the same.
fn conditions_on(field: &Field, inner: &str) -> Vec<Value> {
    let mut by_value: Vec<(Option<Value>, Vec<&str>)> = Vec::new();
    for operator in field.operators() {
        let value = value_of(field, *operator);
        match by_value.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) => names.push(operator.name()),
            None => by_value.push((value, vec![operator.name()])),
        }
    }
    let condition = |(value, names): (Option<Value>, Vec<&str>)| {
        let mut properties = Map::new();
        properties.insert("field".to_owned(), json!({ "const": field.name }));
        properties.insert("op".to_owned(), json!({ "enum": names }));
        let mut required = vec!["field", "op"];
        if let Some(value) = value {
            properties.insert("value".to_owned(), value);
            required.push("value");
        }
        if matches!(field.kind, Kind::Relation(_)) {
            properties.insert("within".to_owned(), reference("window"));
            properties.insert("where".to_owned(), reference(inner));
        }
        json!({ "title": field.label, "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    by_value.into_iter().map(condition).collect()
}

fn value_of(field: &Field, operator: Operator) -> Option<Value> {
    let one = || match (unit_of(field, operator.takes()), field.kind) {
        (Some(unit), _) => number(unit),
        (_, Kind::Boolean) => json!({ "type": "boolean" }),
        (_, Kind::Timestamp | Kind::AnnualDate) => reference("day"),
        (_, Kind::Enum(values) | Kind::State(values)) => json!({ "enum": values }),
        (_, Kind::Set(values)) if !values.is_empty() => json!({ "enum": values }),
        (_, Kind::Set(_)) => json!({ "type": "string", "minLength": 1 }),
        _ if matches!(operator, Operator::StartsWith | Operator::Contains) => {
            json!({ "type": "string", "minLength": 1 })
        }
        _ => json!({ "type": "string" }),
    };
    Some(match operator.takes() {
        Takes::Nothing => return None,
        Takes::One | Takes::Number(_) => one(),
        Takes::Range => json!({ "type": "array", "items": one(), "minItems": 2, "maxItems": 2 }),
        Takes::List => json!({ "type": "array", "items": one(), "minItems": 1, "maxItems": MOST_VALUES }),
        Takes::Duration => reference("duration"),
        Takes::Month => json!({ "type": "integer", "minimum": 1, "maximum": 12 }),
    })
}

fn number(unit: Unit) -> Value {
    match unit {
        Unit::Whole => json!({ "type": "integer", "exclusiveMinimum": -MOST, "exclusiveMaximum": MOST }),
        Unit::Decimal(_) => json!({ "type": "number", "exclusiveMinimum": -MOST, "exclusiveMaximum": MOST }),
        Unit::Money => json!({ "anyOf": [
            { "type": "number", "exclusiveMinimum": -MOST, "exclusiveMaximum": MOST },
            { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
        ]}),
    }
}

/// The catalogue for editors.
fn entries(fields: &'static [Field]) -> Vec<Value> {
    fields.iter().map(entry).collect()
}

fn entry(field: &Field) -> Value {
    let operators: Vec<Value> = field
        .operators()
        .iter()
        .map(|operator| json!({ "name": operator.name(), "takes": takes(*operator) }))
        .collect();
    let mut entry = json!({
        "name": field.name,
        "label": field.label,
        "description": field.description,
        "type": field.type_name(),
        "operators": operators,
        "nullable": field.nullable,
        "sensitive": field.sensitive,
        "health": field.health,
        "venue_only": field.venue_only,
        "group": field.group.name(),
    });
    if let Some(object) = entry.as_object_mut() {
        if !field.values().is_empty() {
            object.insert("values".to_owned(), json!(field.values()));
        }
        if let Kind::Relation(Relation { fields, .. }) = field.kind {
            object.insert("fields".to_owned(), json!(entries(fields)));
        }
    }
    entry
}

fn takes(operator: Operator) -> &'static str {
    match operator.takes() {
        Takes::Nothing => "nothing",
        Takes::One => "one",
        Takes::Range => "range",
        Takes::List => "list",
        Takes::Duration => "duration",
        Takes::Month => "month",
        Takes::Number(Unit::Money) => "money",
        Takes::Number(_) => "number",
    }
}
