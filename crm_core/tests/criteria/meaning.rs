//! Sentences, warnings, canonical form, dependencies and templates, by hand.

use crm_core::criteria::field::Group;
use crm_core::criteria::templates::{OFFERED, SYSTEM};
use crm_core::criteria::{Criteria, catalogue};

#[track_caller]
fn criteria(node: &str) -> Criteria {
    let document = format!(r#"{{"v":1,"where":{node}}}"#);
    Criteria::parse(&document).unwrap_or_else(|problems| panic!("{document}\n{problems:#?}"))
}

#[track_caller]
fn warned(node: &str, expected: &[(&str, &str)]) {
    let warnings = criteria(node).warnings();
    let found: Vec<_> = warnings.iter().map(|w| (w.pointer.as_str(), w.code.name())).collect();
    assert_eq!(found, expected, "{node}\n{warnings:#?}");
}

#[test]
fn sentences_read_as_english() {
    for (node, sentence) in [
        (r#"{"all":[]}"#, "Every guest."),
        (
            r#"{"field":"total_orders","op":"gte","value":5}"#,
            "Guests for whom number of orders is at least 5.",
        ),
        (
            r#"{"all":[{"field":"label","op":"in","value":["LOYAL","CHAMPION"]},{"not":{"field":"last_order_at","op":"within_last","value":"1y"}}]}"#,
            "Guests for whom label is “CHAMPION” or “LOYAL” and (it is not so that last order is within the last 1 year).",
        ),
        (
            r#"{"any":[{"field":"aov","op":"between","value":[10,"20.5"]},{"all":[{"field":"email","op":"is_null"},{"field":"in_segment","op":"has_none","value":["vip"]}]}]}"#,
            "Guests for whom average order value is from 10.00 to 20.50 or (e-mail address is unknown and segments include none of “vip”).",
        ),
        (
            r#"{"field":"orders","op":"count_gte","value":2,"within":{"last":"P1M"},"where":{"field":"items","op":"any","where":{"field":"category","op":"eq","value":"Wine"}}}"#,
            "Guests for whom there are at least 2 orders within the last 1 month where (there is an item where category is “Wine”).",
        ),
        (
            r#"{"field":"items","op":"quantity_gte","value":10,"within":{"from":"2025-01-01","to":"today"}}"#,
            "Guests for whom items from 2025-01-01 to today come to a quantity of at least 10.",
        ),
        (
            r#"{"field":"birth_date","op":"month_is","value":2}"#,
            "Guests for whom birthday falls in February.",
        ),
        (
            r#"{"field":"created_at","op":"before","value":{"ago":"90d"}}"#,
            "Guests for whom first sight is before 90 days ago.",
        ),
    ] {
        assert_eq!(criteria(node).sentence(), sentence);
    }
}

#[test]
fn all_spellings_of_a_document_share_one_canonical_form() {
    let spellings = [
        r#"{"where":{"all":[{"op":"in","field":"total_orders","value":[3,1.0,3e0]},{"value":"5","op":"gt","field":"aov"},
            {"field":"orders","where":{"field":"channel","op":"in","value":["b","a","b"]},"op":"any","within":{"to":"today","from":{"ago":"2w"}}},
            {"field":"last_order_at","op":"within_last","value":"P1Y"}]},"v":1}"#,
        r#"{"v":1,"scope":"venue","where":{"all":[{"field":"total_orders","op":"in","value":[1,3]},{"field":"aov","op":"gt","value":5.00},
            {"field":"orders","op":"any","within":{"from":{"ago":"P14D"},"to":"today"},"where":{"field":"channel","op":"in","value":["a","b"]}},
            {"field":"last_order_at","op":"within_last","value":"12mo"}]}}"#,
    ];
    let canonical = r#"{"v":1,"scope":"venue","where":{"all":[{"field":"total_orders","op":"in","value":[1,3]},{"field":"aov","op":"gt","value":"5.00"},{"field":"orders","op":"any","within":{"from":{"ago":"14d"},"to":"today"},"where":{"field":"channel","op":"in","value":["a","b"]}},{"field":"last_order_at","op":"within_last","value":"12mo"}]}}"#;
    for spelling in spellings {
        assert_eq!(Criteria::parse(spelling).unwrap().canonical(), canonical);
    }
}

#[test]
fn the_hash_is_the_sha_256_of_the_canonical_form() {
    let everyone = criteria(r#"{"all":[]}"#);
    assert_eq!(everyone.canonical(), r#"{"v":1,"scope":"venue","where":{"all":[]}}"#);
    // printf '%s' '{"v":1,"scope":"venue","where":{"all":[]}}' | sha256sum
    assert_eq!(everyone.hash(), SHA256SUM_OF_EVERYONE);
}

const SHA256SUM_OF_EVERYONE: &str = "9cf18da52da06ebf76740de6bc345e6bae9e910163316880f979ebb446d450e5";

#[test]
fn contradictions_are_told_where_they_stand() {
    let contradiction = r#"{"all":[{"field":"total_orders","op":"gt","value":5},{"field":"total_orders","op":"lt","value":3}]}"#;
    warned(contradiction, &[("/where", "contradictory")]);
    warned(
        &format!(r#"{{"any":[{contradiction},{{"field":"aov","op":"gt","value":5}}]}}"#),
        &[("/where/any/0", "contradictory")],
    );
    warned(
        r#"{"all":[{"field":"label","op":"eq","value":"NEW"},{"field":"label","op":"in","value":["LOST","LOYAL"]}]}"#,
        &[("/where", "contradictory")],
    );
    warned(
        r#"{"all":[{"field":"last_order_at","op":"within_last","value":"30d"},{"field":"last_order_at","op":"not_within_last","value":"60d"}]}"#,
        &[("/where", "contradictory")],
    );
    warned(
        r#"{"all":[{"field":"in_segment","op":"has","value":"vip"},{"field":"in_segment","op":"has_none","value":["vip"]}]}"#,
        &[("/where", "contradictory")],
    );
    warned(
        r#"{"all":[{"field":"orders","op":"count_gte","value":5},{"field":"orders","op":"none"}]}"#,
        &[("/where", "contradictory")],
    );
    warned(
        r#"{"all":[{"field":"aov","op":"is_null"},{"field":"aov","op":"lt","value":20}]}"#,
        &[("/where", "contradictory")],
    );
    let in_a_row =
        r#"{"all":[{"field":"channel","op":"eq","value":"a"},{"field":"channel","op":"eq","value":"b"}]}"#;
    warned(
        &format!(r#"{{"field":"orders","op":"any","where":{in_a_row}}}"#),
        &[("/where/where", "contradictory"), ("/where", "matches_nobody")],
    );
}

#[test]
fn what_nobody_or_everybody_meets_is_told() {
    warned(r#"{"field":"recency_score","op":"gt","value":5}"#, &[("/where", "matches_nobody")]);
    warned(r#"{"field":"recency_score","op":"between","value":[1,5]}"#, &[]);
    warned(r#"{"field":"total_orders","op":"gte","value":0}"#, &[("/where", "always_true")]);
    warned(r#"{"field":"total_orders","op":"is_null"}"#, &[("/where", "matches_nobody")]);
    warned(r#"{"field":"total_orders","op":"not_null"}"#, &[("/where", "always_true")]);
    warned(r#"{"field":"orders","op":"count_gte","value":0}"#, &[("/where", "always_true")]);
    warned(
        r#"{"any":[{"field":"total_orders","op":"gt","value":5},{"field":"total_orders","op":"lt","value":10}]}"#,
        &[("/where", "always_true")],
    );
    // Unknown is neither above 5 nor below 10.
    warned(r#"{"any":[{"field":"aov","op":"gt","value":5},{"field":"aov","op":"lt","value":10}]}"#, &[]);
    warned(
        r#"{"any":[{"field":"aov","op":"gt","value":5},{"field":"aov","op":"lt","value":10},{"field":"aov","op":"is_null"}]}"#,
        &[("/where", "always_true")],
    );
    warned(
        r#"{"not":{"any":[{"field":"total_orders","op":"gt","value":5},{"field":"total_orders","op":"lte","value":5}]}}"#,
        &[("/where/not", "always_true"), ("/where", "matches_nobody")],
    );
}

#[test]
fn sensible_documents_are_not_warned_about() {
    for template in SYSTEM.iter().chain(&OFFERED) {
        assert_eq!(Criteria::parse(template.document).unwrap().warnings(), [], "{}", template.key);
    }
    warned(r#"{"all":[]}"#, &[]);
    warned(
        r#"{"all":[{"field":"total_orders","op":"gt","value":2},{"field":"total_orders","op":"lt","value":4},{"field":"orders","op":"count_gte","value":3},
            {"field":"orders","op":"none","within":{"last":"30d"}},{"field":"last_order_at","op":"before","value":"2025-01-01"},{"field":"last_order_at","op":"after","value":{"ago":"1y"}}]}"#,
        &[],
    );
}

#[test]
fn a_document_knows_what_it_depends_on() {
    let document = criteria(
        r#"{"all":[{"field":"total_orders","op":"gt","value":2},{"field":"in_segment","op":"has_any","value":["vip","b"]},
            {"not":{"field":"in_segment","op":"has","value":"a"}},
            {"field":"orders","op":"any","within":{"last":"30d"},"where":{"field":"items","op":"any","where":{"field":"product","op":"eq","value":"Pizza"}}}]}"#,
    );
    assert_eq!(
        Vec::from_iter(document.groups()),
        [Group::Stats, Group::Orders, Group::Items, Group::Segments, Group::Time]
    );
    assert_eq!(document.segments(), ["a", "b", "vip"]);
    assert_eq!(
        Vec::from_iter(document.fields()),
        ["in_segment", "orders", "orders.items", "orders.items.product", "total_orders"]
    );
    let groups = |node: &str| Vec::from_iter(criteria(node).groups());
    assert_eq!(groups(r#"{"field":"last_order_at","op":"before","value":"2025-01-01"}"#), [Group::Stats]);
    assert_eq!(
        groups(r#"{"field":"last_order_at","op":"before","value":"today"}"#),
        [Group::Stats, Group::Time]
    );
    assert_eq!(groups(r#"{"field":"birth_date","op":"anniversary_today"}"#), [Group::Profile, Group::Time]);
    assert_eq!(groups(r#"{"field":"birth_date","op":"month_is","value":5}"#), [Group::Profile]);
    assert_eq!(groups(r#"{"field":"days_since_last_order","op":"not_null"}"#), [Group::Stats]);
}

#[test]
fn time_dependent_documents_and_no_others_foretell_a_change() {
    for (node, moves) in [
        (r#"{"field":"days_since_last_order","op":"gte","value":30}"#, true),
        (r#"{"field":"days_since_last_order","op":"is_null"}"#, false),
        (
            r#"{"field":"orders","op":"none","where":{"field":"completed_at","op":"within_last","value":"30d"}}"#,
            true,
        ),
        (r#"{"field":"orders","op":"none","within":{"from":"2025-01-01","to":"2025-02-01"}}"#, false),
        (r#"{"field":"total_orders","op":"gte","value":3}"#, false),
    ] {
        let document = criteria(node);
        assert_eq!(document.next_change().is_some(), moves, "{node}");
        assert_eq!(document.groups().contains(&Group::Time), moves, "{node}");
    }
}

#[test]
fn templates_are_valid_and_their_keys_distinct() {
    let mut keys: Vec<&str> = SYSTEM.iter().chain(&OFFERED).map(|template| template.key).collect();
    for template in SYSTEM.iter().chain(&OFFERED) {
        Criteria::parse(template.document)
            .unwrap_or_else(|problems| panic!("{}: {problems:#?}", template.key));
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), SYSTEM.len() + OFFERED.len());
}

#[test]
fn names_of_fields_are_distinct_and_described() {
    let mut names: Vec<&str> = catalogue::GUEST.iter().map(|field| field.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for field in catalogue::GUEST {
        assert!(!field.label.is_empty() && !field.description.is_empty() && !field.operators().is_empty());
    }
}
