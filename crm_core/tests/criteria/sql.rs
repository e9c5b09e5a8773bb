//! The SQL of each operator, by hand. What it means is tested against PostgreSQL by the system tests.

use crm_core::criteria::number::{Number, Unit};
use crm_core::criteria::{Criteria, Param, facts};

#[track_caller]
fn criteria(node: &str) -> Criteria {
    let document = format!(r#"{{"v":1,"where":{node}}}"#);
    Criteria::parse(&document).unwrap_or_else(|problems| panic!("{document}\n{problems:#?}"))
}

fn money(minor: i64) -> Param {
    Param::Numeric(Number { minor, unit: Unit::Money })
}

#[test]
fn every_operator_is_two_valued() {
    let texts = |texts: &[&str]| Param::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    let text = |text: &str| Param::Text(text.to_owned());
    for (node, sql, params) in [
        (r#"{"all":[]}"#, "true", vec![]),
        (
            r#"{"field":"total_orders","op":"eq","value":5}"#,
            "(f.total_orders = $1::int8)",
            vec![Param::Int8(5)],
        ),
        (
            r#"{"field":"total_orders","op":"neq","value":5}"#,
            "(NOT (f.total_orders = $1::int8))",
            vec![Param::Int8(5)],
        ),
        (r#"{"field":"aov","op":"lte","value":5}"#, "((f.aov <= $1::numeric) IS TRUE)", vec![money(500)]),
        (r#"{"field":"aov","op":"neq","value":5}"#, "((f.aov = $1::numeric) IS NOT TRUE)", vec![money(500)]),
        (
            r#"{"field":"aov","op":"between","value":[1,2]}"#,
            "((f.aov BETWEEN $1::numeric AND $2::numeric) IS TRUE)",
            vec![money(100), money(200)],
        ),
        (
            r#"{"field":"recency_score","op":"not_in","value":[1,2]}"#,
            "((f.recency_score = ANY ($1::int8[])) IS NOT TRUE)",
            vec![Param::Int8s(vec![1, 2])],
        ),
        (r#"{"field":"aov","op":"is_null"}"#, "(f.aov IS NULL)", vec![]),
        (r#"{"field":"aov","op":"not_null"}"#, "(NOT (f.aov IS NULL))", vec![]),
        (
            r#"{"field":"days_since_last_order","op":"gte","value":30}"#,
            "((CASE WHEN f.last_order_day > f.today THEN 0 ELSE f.today - f.last_order_day END >= $1::int8) IS TRUE)",
            vec![Param::Int8(30)],
        ),
        (
            r#"{"field":"last_order_at","op":"on","value":"2000-01-11"}"#,
            "((f.last_order_day = $1::date) IS TRUE)",
            vec![Param::Date(10)],
        ),
        (r#"{"field":"created_at","op":"after","value":"today"}"#, "(f.created_day > f.today)", vec![]),
        (
            r#"{"field":"last_order_at","op":"within_last","value":"30d"}"#,
            "((f.last_order_day > (f.today - $1::int4)) IS TRUE)",
            vec![Param::Int4(30)],
        ),
        (
            r#"{"field":"last_order_at","op":"not_within_last","value":"1mo"}"#,
            "((f.last_order_day > (f.today - make_interval(months => $1::int4, days => $2::int4))::date) IS NOT TRUE)",
            vec![Param::Int4(1), Param::Int4(0)],
        ),
        (
            r#"{"field":"birth_date","op":"anniversary_within_next","value":"7d"}"#,
            "((crm.next_anniversary(f.birthday, f.today) < (f.today + $1::int4)) IS TRUE)",
            vec![Param::Int4(7)],
        ),
        (
            r#"{"field":"birth_date","op":"anniversary_today"}"#,
            "((crm.next_anniversary(f.birthday, f.today) = f.today) IS TRUE)",
            vec![],
        ),
        (
            r#"{"field":"birth_date","op":"month_is","value":2}"#,
            "((EXTRACT(month FROM f.birthday) = $1::int4) IS TRUE)",
            vec![Param::Int4(2)],
        ),
        (
            r#"{"field":"name","op":"neq","value":"Ana"}"#,
            "((lower(f.name) = lower($1::text)) IS NOT TRUE)",
            vec![text("Ana")],
        ),
        (
            r#"{"field":"name","op":"in","value":["b","a"]}"#,
            "((lower(f.name) = ANY (ARRAY(SELECT lower(v) FROM unnest($1::text[]) AS v))) IS TRUE)",
            vec![texts(&["a", "b"])],
        ),
        (
            r#"{"field":"name","op":"starts_with","value":"A%"}"#,
            "((starts_with(lower(f.name), lower($1::text))) IS TRUE)",
            vec![text("A%")],
        ),
        (
            r#"{"field":"name","op":"contains","value":"_"}"#,
            "((strpos(lower(f.name), lower($1::text)) > 0) IS TRUE)",
            vec![text("_")],
        ),
        (r#"{"field":"label","op":"eq","value":"NEW"}"#, "((f.label = $1::text) IS TRUE)", vec![text("NEW")]),
        (
            r#"{"field":"in_segment","op":"has","value":"vip"}"#,
            "($1::text = ANY (COALESCE(f.segments, '{}'::text[])))",
            vec![text("vip")],
        ),
        (
            r#"{"field":"in_segment","op":"has_none","value":["a","b"]}"#,
            "(NOT (COALESCE(f.segments, '{}'::text[]) && $1::text[]))",
            vec![texts(&["a", "b"])],
        ),
        (
            r#"{"field":"in_segment","op":"is_empty"}"#,
            "(cardinality(COALESCE(f.segments, '{}'::text[])) = 0)",
            vec![],
        ),
        (
            r#"{"field":"orders","op":"none","within":{"last":"7d"}}"#,
            "(NOT (EXISTS (SELECT FROM crm.orders_of(f.org_id, f.customer_ref, f.venue_ref) AS o WHERE o.day > (f.today - $1::int4))))",
            vec![Param::Int4(7)],
        ),
        (
            r#"{"field":"orders","op":"sum_gte","value":9,"where":{"field":"items","op":"count_gte","value":2,"where":{"field":"amount","op":"gt","value":1}}}"#,
            "((SELECT COALESCE(sum(o.total), 0) FROM crm.orders_of(f.org_id, f.customer_ref, f.venue_ref) AS o WHERE ((SELECT count(*) FROM crm.items_of_order(o.order_ref, o.day) AS i WHERE ((i.amount > $1::numeric) IS TRUE)) >= $2::int8)) >= $3::numeric)",
            vec![money(100), Param::Int8(2), money(900)],
        ),
        (
            r#"{"any":[{"field":"total_orders","op":"gt","value":1},{"not":{"all":[{"field":"total_visits","op":"lt","value":2}]}}]}"#,
            "((f.total_orders > $1::int8) OR (NOT ((f.total_visits < $2::int8))))",
            vec![Param::Int8(1), Param::Int8(2)],
        ),
    ] {
        let predicate = criteria(node).predicate();
        assert_eq!(predicate.render(0), sql, "{node}");
        assert_eq!(predicate.params(), params, "{node}");
    }
}

#[test]
fn the_foretold_day_is_when_the_moving_bound_passes() {
    for (node, sql) in [
        (
            r#"{"field":"last_order_at","op":"within_last","value":"30d"}"#,
            "CASE WHEN (f.last_order_day - $1::int4) > f.today THEN (f.last_order_day - $2::int4) END",
        ),
        (
            r#"{"field":"last_order_at","op":"before","value":{"ago":"1mo"}}"#,
            "CASE WHEN crm.first_day_reaching((f.last_order_day + 1), $1::int4, $2::int4) > f.today THEN crm.first_day_reaching((f.last_order_day + 1), $3::int4, $4::int4) END",
        ),
        (
            r#"{"all":[{"field":"total_orders","op":"gt","value":1},{"field":"days_since_last_order","op":"gt","value":30}]}"#,
            "CASE WHEN (f.last_order_day + $1::int4) > f.today THEN (f.last_order_day + $2::int4) END",
        ),
        (
            r#"{"field":"orders","op":"any","within":{"last":"7d"},"where":{"field":"total","op":"gt","value":5}}"#,
            "((SELECT min(o.day) FROM crm.orders_of(f.org_id, f.customer_ref, f.venue_ref) AS o WHERE o.day > (f.today - $1::int4) AND (o.total > $2::numeric)) - $3::int4)",
        ),
    ] {
        assert_eq!(criteria(node).next_change().unwrap().render(0), sql, "{node}");
    }
}

#[test]
fn statements_of_several_documents_share_one_numbering() {
    let a = criteria(r#"{"field":"total_orders","op":"between","value":[1,2]}"#).predicate();
    let b = criteria(r#"{"field":"total_visits","op":"gt","value":3}"#).predicate();
    let offset = a.params().len();
    assert_eq!(b.render(offset), "(f.total_visits > $3::int8)");
}

/// The contract in `facts` names every column that SQL of the catalogue reads, and no others.
#[test]
fn the_contract_lists_what_is_read() {
    let documents = [
        r#"{"field":"days_since_last_order","op":"gt","value":1}"#.to_owned(),
        r#"{"field":"birth_date","op":"before","value":"today"}"#.to_owned(),
        r#"{"field":"orders","op":"any","where":{"field":"items","op":"any"}}"#.to_owned(),
        r#"{"field":"items","op":"sum_gte","value":1,"within":{"last":"1d"}}"#.to_owned(),
        r#"{"field":"items","op":"quantity_gte","value":1}"#.to_owned(),
    ];
    let of_fields = |fields: &'static [crm_core::criteria::field::Field], around: &'static str| {
        fields.iter().filter_map(move |field| {
            let leaf = match field.type_name() {
                "relation" => return None,
                "boolean" => format!(r#"{{"field":"{}","op":"is","value":true}}"#, field.name),
                "set" => format!(r#"{{"field":"{}","op":"is_empty"}}"#, field.name),
                _ => format!(r#"{{"field":"{}","op":"is_null"}}"#, field.name),
            };
            Some(around.replace("LEAF", &leaf))
        })
    };
    let (mut orders, mut items) = (None, None);
    for field in crm_core::criteria::catalogue::GUEST {
        if let crm_core::criteria::field::Kind::Relation(relation) = field.kind {
            match field.name {
                "orders" => orders = Some(relation.fields),
                _ => items = Some(relation.fields),
            }
        }
    }
    let all: Vec<String> = documents
        .into_iter()
        .chain(of_fields(crm_core::criteria::catalogue::GUEST, "LEAF"))
        .chain(of_fields(orders.unwrap(), r#"{"field":"orders","op":"any","where":LEAF}"#))
        .chain(of_fields(items.unwrap(), r#"{"field":"items","op":"any","where":LEAF}"#))
        .map(|node| criteria(&node).predicate().render(0))
        .collect();
    let text = all.join(" ");
    for (alias, contract) in
        [("f.", facts::CUSTOMER_FACTS), ("o.", facts::ORDERS_OF), ("i.", facts::ITEMS_OF)]
    {
        let mut read: Vec<&str> = text
            .match_indices(alias)
            .filter(|(at, _)| text[..*at].ends_with([' ', '(']))
            .map(|(at, _)| {
                let name = &text[at + alias.len()..];
                &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len())]
            })
            .collect();
        read.sort_unstable();
        read.dedup();
        let mut listed: Vec<&str> = contract.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        assert_eq!(read, listed, "{alias}");
    }
}
