//! Compiled criteria agree with a naive evaluator, over random documents and random guests.

use chrono::{Days, NaiveDate};
use crm_core::criteria::facts::CUSTOMER_FACTS;
use crm_core::criteria::{Criteria, Doubt};
use crm_tests::criteria::{chosen, create_facts, documents, guests, load, naive, rows};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};
use serde_json::{Value, json};

/// The last day of a month: a month before it is clamped to February's.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 3, 31).expect("a date")
}

fn facts(purpose: &str, count: usize) -> (TestDatabase, Session, Vec<guests::Guest>) {
    let database = TestDatabase::empty(purpose);
    let mut sql = database.session();
    create_facts(&mut sql);
    let guests = guests::some(count, today(), &mut Sequence::from_seed(7));
    load(&mut sql, &guests, today());
    (database, sql, guests)
}

#[track_caller]
fn compiled(document: &Value) -> Criteria {
    Criteria::parse(&document.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}\nof: {document}"))
}

fn drawn<T>(seed: u64, from: impl FnOnce(documents::Draw<'_>) -> T) -> T {
    let mut random = Sequence::from_seed(seed);
    from(&mut |below| random.below(below))
}

fn meant(document: &Value, guests: &[guests::Guest]) -> Vec<usize> {
    guests.iter().filter(|guest| naive::means(document, guest, today())).map(|guest| guest.number).collect()
}

#[test]
fn ten_thousand_documents_choose_the_guests_that_a_naive_evaluator_chooses() {
    let (_database, mut sql, guests) = facts("criteria_naive", 120);
    let (mut telling, mut doubted) = (0, 0);
    for seed in 0..10_000 {
        let document = drawn(seed, documents::document);
        let expected = meant(&document, &guests);
        let criteria = compiled(&document);
        let found = chosen(&mut sql, &criteria.predicate());
        assert_eq!(found, expected, "seed {seed}: {document}");
        for doubt in criteria.warnings().iter().filter(|warning| warning.pointer == "/where") {
            let meant = if doubt.code == Doubt::AlwaysTrue { guests.len() } else { 0 };
            assert_eq!(expected.len(), meant, "{}, seed {seed}: {document}", doubt.message);
            doubted += 1;
        }
        let share = expected.len() * 100 / guests.len();
        telling += usize::from((5..=95).contains(&share));
    }
    assert!(doubted >= 50, "only {doubted} documents are warned about");
    assert!(telling >= 5_000, "only {telling} of 10000 documents choose from 5 to 95 % of the guests");
}

#[test]
fn de_morgan_holds_with_nulls_in_every_field() {
    let (_database, mut sql, guests) = facts("criteria_de_morgan", 120);
    for seed in 0..1_000 {
        let [a, b] = drawn(seed, |draw| [documents::guest_node(draw, 2), documents::guest_node(draw, 2)]);
        let pairs = [
            (json!({"not": {"all": [&a, &b]}}), json!({"any": [{"not": &a}, {"not": &b}]})),
            (json!({"not": {"any": [&a, &b]}}), json!({"all": [{"not": &a}, {"not": &b}]})),
        ];
        for (left, right) in pairs {
            let [left, right] = [left, right].map(|root| json!({"v": 1, "where": root}));
            let found = [&left, &right].map(|document| chosen(&mut sql, &compiled(document).predicate()));
            assert_eq!(found[0], found[1], "seed {seed}: {left}");
            assert_eq!(found[0], meant(&left, &guests), "seed {seed}: {left}");
        }
    }
}

#[test]
fn negative_operators_are_complements_and_unknown_is_never_positive() {
    let (_database, mut sql, guests) = facts("criteria_complements", 200);
    let everyone: Vec<usize> = guests.iter().map(|guest| guest.number).collect();
    let pairs = [
        (
            json!({"field": "recency_score", "op": "eq", "value": 3}),
            json!({"field": "recency_score", "op": "neq", "value": 3}),
        ),
        (
            json!({"field": "label", "op": "in", "value": ["NEW", "LOST"]}),
            json!({"field": "label", "op": "not_in", "value": ["NEW", "LOST"]}),
        ),
        (
            json!({"field": "name", "op": "eq", "value": "ben"}),
            json!({"field": "name", "op": "neq", "value": "ben"}),
        ),
        (
            json!({"field": "last_order_at", "op": "within_last", "value": "30d"}),
            json!({"field": "last_order_at", "op": "not_within_last", "value": "30d"}),
        ),
        (
            json!({"field": "in_segment", "op": "has_any", "value": ["vip"]}),
            json!({"field": "in_segment", "op": "has_none", "value": ["vip"]}),
        ),
        (json!({"field": "orders", "op": "any"}), json!({"field": "orders", "op": "none"})),
        (json!({"field": "phone", "op": "is_null"}), json!({"field": "phone", "op": "not_null"})),
    ];
    for (positive, negative) in pairs {
        let [yes, no] = [&positive, &negative]
            .map(|leaf| chosen(&mut sql, &compiled(&json!({"v": 1, "where": leaf})).predicate()));
        let mut both = [yes.clone(), no].concat();
        both.sort_unstable();
        assert_eq!(both, everyone, "{positive}");
        assert!(!yes.is_empty() && yes.len() < everyone.len(), "{positive}");
    }
}

/// What time alone does to a verdict is looked up day by day, for more than a year.
#[test]
fn no_verdict_changes_before_the_day_that_was_foretold() {
    let (_database, mut sql, _guests) = facts("criteria_boundary", 20);
    let horizon = 430;
    let (mut foretold, mut true_to_the_day) = (0, 0);
    for seed in 0..1000 {
        let document = drawn(seed, |draw| json!({"v": 1, "where": documents::guest_leaf(draw)}));
        let criteria = compiled(&document);
        let (predicate, change) = (criteria.predicate(), criteria.next_change());
        let boundary =
            change.as_ref().map_or("NULL::date".to_owned(), |change| change.render(predicate.params().len()));
        let columns: Vec<&str> = CUSTOMER_FACTS
            .iter()
            .map(|(name, _)| if *name == "today" { "day::date AS today" } else { name })
            .collect();
        let on_a_later_day = format!(
            "SELECT number, {} FROM crm.customer_facts, generate_series(today::timestamp, today + {horizon}, interval '1 day') AS day",
            columns.join(", ")
        );
        let statement = format!(
            "WITH foretold AS MATERIALIZED (SELECT f.number, f.today, {verdict} AS verdict, {boundary} AS day FROM crm.customer_facts AS f),
                  later AS MATERIALIZED (SELECT f.number, f.today, {verdict} AS verdict FROM ({on_a_later_day}) AS f)
             SELECT f.day, f.today, (SELECT min(l.today) FROM later AS l WHERE l.number = f.number AND l.today > f.today AND l.verdict <> f.verdict)
             FROM foretold AS f",
            verdict = predicate.render(0),
        );
        let params: Vec<_> =
            predicate.params().iter().chain(change.iter().flat_map(|change| change.params())).collect();
        for row in rows(&mut sql, &statement, &params) {
            let [day, today, changed] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
            let of = format!("seed {seed}: {document}\n{statement}");
            assert!(day == "null" || day > today, "foretold for {day}, which is past: {of}");
            if changed != "null" {
                assert!(day != "null" && day <= changed, "changed on {changed}, foretold for {day}: {of}");
                foretold += 1;
                true_to_the_day += usize::from(day == changed);
            }
        }
    }
    assert!(foretold > 1_000, "only {foretold} verdicts changed");
    assert!(true_to_the_day * 10 > foretold * 8, "only {true_to_the_day} of {foretold} were true to the day");
}

#[test]
fn the_first_day_that_reaches_another_is_found() {
    let (_database, mut sql, _guests) = facts("criteria_reaching", 1);
    sql.expect_none(
        "WITH day AS (SELECT d::date AS day FROM generate_series(date '2023-12-20', date '2025-03-10', interval '1 day') AS d),
              moved AS (SELECT months, days, (date '2019-01-01' + i) AS from_day,
                               (date '2019-01-01' + i + make_interval(months => months, days => days))::date AS to_day
                        FROM (VALUES (1, 0), (-1, 0), (-1, -3), (2, 5), (-12, 0), (13, 0), (-14, -40)) AS m(months, days), generate_series(0, 4000) AS i)
         SELECT day, months, days, crm.first_day_reaching(day, months, days), min(from_day)
         FROM day JOIN moved ON to_day >= day GROUP BY 1, 2, 3
         HAVING crm.first_day_reaching(day, months, days) <> min(from_day)",
    );
}

#[test]
fn a_birthday_comes_round_once_a_year() {
    let (_database, mut sql, _guests) = facts("criteria_birthday", 1);
    sql.expect_rows(
        "SELECT crm.next_anniversary(birthday, today) FROM (VALUES
           (date '1990-06-15', date '2025-06-15'), ('1990-06-15', '2025-06-16'), ('1992-02-29', '2025-02-01'), ('1992-02-29', '2025-03-01'),
           ('1992-02-29', '2027-12-31'), ('2025-12-31', '2025-01-01'), ('infinity', '2025-01-01'), (NULL, '2025-01-01')) AS v(birthday, today)",
        &["2025-06-15", "2026-06-15", "2025-02-28", "2026-02-28", "2028-02-29", "2025-12-31", "null", "null"],
    );
}

#[test]
fn an_explanation_agrees_with_the_naive_evaluator_node_by_node() {
    let (_database, mut sql, guests) = facts("criteria_explain", 20);
    for seed in 0..300 {
        let document = drawn(seed, documents::document);
        let explanation = compiled(&document).explain();
        let (verdicts, values) = (explanation.verdicts(), explanation.values());
        let statement = format!(
            "SELECT array_to_string({}, ','), array_length({}, 1) FROM crm.customer_facts AS f ORDER BY f.number",
            verdicts.render(0),
            values.render(verdicts.params().len())
        );
        let params: Vec<_> = verdicts.params().iter().chain(values.params()).collect();
        let found = rows(&mut sql, &statement, &params);
        for (guest, found) in guests.iter().zip(found) {
            let row = naive::Row::Guest(Box::new(guest.clone()));
            let expected: Vec<&str> = explanation
                .nodes
                .iter()
                .map(|node| {
                    let json = document
                        .pointer(&node.pointer)
                        .unwrap_or_else(|| panic!("{} in {document}", node.pointer));
                    if naive::holds(json, &row, today()) { "t" } else { "f" }
                })
                .collect();
            assert_eq!(
                found,
                format!("{}|{}", expected.join(","), expected.len()),
                "seed {seed}: {document}"
            );
        }
    }
}

#[test]
fn an_explanation_shows_what_the_guest_has() {
    let (_database, mut sql, mut guests) = facts("criteria_values", 1);
    let guest = &mut guests[0];
    (guest.aov, guest.last_order_day, guest.label) = (Some(1250), Some(today() - Days::new(12)), None);
    guest.segments = Some(vec!["vip".to_owned()]);
    guest.orders.truncate(0);
    sql.run("TRUNCATE crm.customer_facts, test_order, test_item");
    load(&mut sql, &guests, today());
    let document = json!({"v": 1, "where": {"all": [
        {"field": "aov", "op": "gt", "value": 1},
        {"field": "days_since_last_order", "op": "lt", "value": 30},
        {"field": "last_order_at", "op": "within_last", "value": "10d"},
        {"field": "label", "op": "eq", "value": "NEW"},
        {"field": "in_segment", "op": "has", "value": "vip"},
        {"field": "orders", "op": "none"},
        {"field": "orders", "op": "sum_gte", "value": 5},
    ]}});
    let explanation = compiled(&document).explain();
    let (verdicts, values) = (explanation.verdicts(), explanation.values());
    let statement = format!(
        "SELECT {}, to_jsonb({}) FROM crm.customer_facts AS f",
        verdicts.render(0),
        values.render(verdicts.params().len())
    );
    let params: Vec<_> = verdicts.params().iter().chain(values.params()).collect();
    let expected = r#"{f,t,t,f,f,t,t,f}|[null, "12.50", 12, "2025-03-19", null, ["vip"], 0, "0"]"#;
    assert_eq!(rows(&mut sql, &statement, &params), [expected]);
}
