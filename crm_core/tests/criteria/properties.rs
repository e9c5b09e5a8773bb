//! What holds for any document, and for any text at all.
//!
//! Coverage-guided fuzzing needs a nightly compiler; instead valid documents are drawn at random, spoilt at random
//! places with what breaks parsers, and plain bytes are tried too.

use crm_core::criteria::Criteria;
use crm_core::criteria::field::Group;
use crm_core::criteria::tree::Scope;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::documents;

/// A repeatable source of numbers: SplitMix64 (Steele, Lea & Flood 2014).
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The numbers of this seed.
    pub fn draw(&self) -> impl FnMut(u64) -> u64 + use<> {
        let mut state = self.0;
        move |below| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % below
        }
    }
}

/// Any seed.
pub fn draw_from() -> impl Strategy<Value = Seed> {
    any::<u64>().prop_map(Seed)
}

/// A document with up to three values replaced by others.
pub fn edited(document: &Value, draw: documents::Draw<'_>) -> Value {
    let mut edited = document.clone();
    for _ in 0..draw(4) {
        let count = count(&edited);
        let mut at = draw(count);
        let with = strange(draw, document);
        replace(&mut edited, &mut at, &with);
    }
    edited
}

fn strange(draw: documents::Draw<'_>, document: &Value) -> Value {
    let nodes = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(0.1),
        json!(""),
        json!("today"),
        json!("'; DROP TABLE crm.customer; --"),
        json!("0001-01-01"),
        json!("9999-12-31"),
        json!("100y"),
        json!("P99999999999999999999D"),
        json!([]),
        json!({}),
        json!({"all": []}),
        json!({"ago": "1200mo"}),
        json!(["today", "today"]),
        json!({"last": "1d"}),
        json!("\u{feff}\u{202e}🍕\\\"$1"),
        document["where"].clone(),
    ];
    nodes[draw(nodes.len() as u64) as usize].clone()
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum::<u64>(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn replace(value: &mut Value, at: &mut u64, with: &Value) {
    if *at == 0 {
        *value = with.clone();
        *at = u64::MAX;
        return;
    }
    *at -= 1;
    match value {
        Value::Array(values) => values.iter_mut().for_each(|inner| {
            if *at < u64::MAX / 2 {
                replace(inner, at, with)
            }
        }),
        Value::Object(members) => members.values_mut().for_each(|inner| {
            if *at < u64::MAX / 2 {
                replace(inner, at, with)
            }
        }),
        _ => {}
    }
}

/// Everything that can be made of a document; nothing of it may fail.
fn use_fully(criteria: &Criteria) {
    let _ = (
        criteria.hash(),
        criteria.sentence(),
        criteria.warnings(),
        criteria.fields(),
        criteria.groups(),
        criteria.segments(),
    );
    let _ = (
        criteria.predicate().render(3),
        criteria.next_change().map(|change| change.render(0)),
        criteria.to_query_builder(),
    );
    let explanation = criteria.explain();
    let _ = (explanation.verdicts().render(0), explanation.values().render(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_drawn_document_is_read_and_its_canonical_form_is_stable(seed in draw_from()) {
        let document = documents::document(&mut seed.draw());
        let criteria = Criteria::parse(&document.to_string()).unwrap();
        let again = Criteria::parse(&criteria.canonical()).unwrap();
        prop_assert_eq!(&again, &criteria);
        prop_assert_eq!(again.canonical(), criteria.canonical());
        prop_assert_eq!(again.hash(), criteria.hash());
        use_fully(&criteria);
    }

    #[test]
    fn a_spoilt_document_is_refused_with_pointers_into_it_or_read(seed in draw_from(), spoiling in draw_from()) {
        let document = edited(&documents::document(&mut seed.draw()), &mut spoiling.draw());
        match Criteria::parse(&document.to_string()) {
            Ok(criteria) => use_fully(&criteria),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(document.pointer(&problem.pointer).is_some(), "{} in {}", problem.pointer, document);
                }
            }
        }
        let _ = Criteria::from_query_builder(&document.to_string(), Scope::Org);
    }

    #[test]
    fn a_spoilt_text_is_refused_or_read(seed in draw_from(), at in any::<prop::sample::Index>(), with in prop::sample::select(vec![
        "\u{0}", "\\u0000", "\\ud800", "NaN", "1e400", "{", "}", "[", "]", "\"", "\\", ",", ":", "-", "é", "\u{10ffff}", "null", "",
    ]), cut in 0usize..4) {
        let text = documents::document(&mut seed.draw()).to_string();
        let start = at.index(text.len() + 1);
        let spoilt: String = text.chars().take(start).chain(with.chars()).chain(text.chars().skip(start + cut)).collect();
        if let Ok(criteria) = Criteria::parse(&spoilt) {
            use_fully(&criteria);
        }
        if let Ok(criteria) = Criteria::from_query_builder(&spoilt, Scope::Venue) {
            use_fully(&criteria);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Criteria::parse(&text), Criteria::from_query_builder(&text, Scope::Venue));
    }

    #[test]
    fn no_text_of_a_document_reaches_the_text_of_sql(seed in draw_from()) {
        // Every string that is not a name of the grammar carries a mark; numbers are told apart by their size.
        let mut document = documents::document(&mut seed.draw());
        let marked = mark(&mut document["where"]);
        let criteria = Criteria::parse(&document.to_string()).unwrap();
        let explanation = criteria.explain();
        let mut texts = vec![criteria.predicate().render(0), explanation.verdicts().render(0), explanation.values().render(0)];
        texts.extend(criteria.next_change().map(|change| change.render(0)));
        for text in texts {
            for mark in ["x'\";--", "777"] {
                prop_assert!(!text.contains(mark), "{} in {}\nof {} ({} marked)", mark, text, document, marked);
            }
        }
    }

    #[test]
    fn a_change_is_foretold_exactly_where_the_day_is_a_dependency(seed in draw_from()) {
        let document = json!({"v": 1, "where": documents::guest_leaf(&mut seed.draw())});
        let criteria = Criteria::parse(&document.to_string()).unwrap();
        prop_assert_eq!(criteria.next_change().is_some(), criteria.groups().contains(&Group::Time), "{}", document);
    }

    #[test]
    fn an_explanation_has_every_node_at_its_place(seed in draw_from()) {
        let document = json!({"v": 1, "where": documents::guest_node(&mut seed.draw(), 4)});
        let explanation = Criteria::parse(&document.to_string()).unwrap().explain();
        for node in &explanation.nodes {
            let there = document.pointer(&node.pointer).unwrap();
            prop_assert_eq!(there.get("field").and_then(Value::as_str), node.field.map(|field| field.name));
        }
        // A relation's `where` is part of its node.
        let inner = explanation.nodes.iter().filter(|node| node.pointer.contains("/where/where")).count();
        prop_assert_eq!(inner, 0);
    }

    #[test]
    fn a_rule_group_comes_back_as_the_same_document(seed in draw_from()) {
        let document = documents::document(&mut seed.draw());
        let criteria = Criteria::parse(&document.to_string()).unwrap();
        if let Ok(group) = criteria.to_query_builder() {
            let back = Criteria::from_query_builder(&group, criteria.scope()).unwrap();
            let canonical: Value = serde_json::from_str(&criteria.canonical()).unwrap();
            prop_assert_eq!(&back.to_query_builder().unwrap(), &group);
            let back: Value = serde_json::from_str(&back.canonical()).unwrap();
            prop_assert_eq!(in_groups(&back["where"], true), in_groups(&canonical["where"], true), "{}", group);
        }
    }
}

/// A leaf that stands alone, as the root or in a `where`, in the group of one that a rule group makes of it.
fn in_groups(node: &Value, alone: bool) -> Value {
    let mut node = node.clone();
    for key in ["all", "any"] {
        if let Some(nodes) = node[key].as_array() {
            return json!({key: nodes.iter().map(|node| in_groups(node, false)).collect::<Vec<_>>()});
        }
    }
    if node.get("not").is_some() {
        return json!({"not": in_groups(&node["not"], false)});
    }
    if node.get("where").is_some() {
        node["where"] = in_groups(&node["where"], true);
    }
    if alone { json!({"all": [node]}) } else { node }
}

/// Puts a mark into every text value and makes every number a large one of sevens.
fn mark(node: &mut Value) -> usize {
    for key in ["all", "any"] {
        if let Some(nodes) = node.get_mut(key).and_then(Value::as_array_mut) {
            return nodes.iter_mut().map(mark).sum();
        }
    }
    if let Some(inner) = node.get_mut("not") {
        return mark(inner);
    }
    let of_text = [
        "name",
        "phone",
        "email",
        "in_segment",
        "channel",
        "table",
        "promo_code",
        "payment_method",
        "product",
        "category",
    ]
    .iter()
    .any(|field| node["field"] == *field);
    let whole = node["op"] != "month_is" && node["op"] != "between";
    let mut marked = node.get_mut("where").map(mark).unwrap_or_default();
    let mut put = |value: &mut Value| match value {
        Value::String(text) if of_text => {
            text.push_str("x'\";--");
            marked += 1;
        }
        Value::Number(number) if whole => {
            *number = 777_777.into();
            marked += 1;
        }
        _ => {}
    };
    match node.get_mut("value") {
        Some(Value::Array(values)) => values.iter_mut().for_each(put),
        Some(value) => put(value),
        None => {}
    }
    marked
}
