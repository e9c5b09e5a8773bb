//! Random documents of criteria, drawn from a list of fields and values of its own.
//!
//! `draw(n)` is a number below n; the same numbers give the same document. Values lie where the guests of the
//! tests do, so that most documents choose some of them.

use serde_json::{Value, json};

/// Where random numbers below a bound come from.
pub type Draw<'a> = &'a mut dyn FnMut(u64) -> u64;

/// A valid document.
pub fn document(draw: Draw<'_>) -> Value {
    let scope = if draw(4) == 0 { "org" } else { "venue" };
    let mut document = json!({ "v": 1, "where": node(draw, Of::Guest, scope == "venue", 4) });
    if scope == "org" || draw(2) == 0 {
        document["scope"] = json!(scope);
    }
    document
}

/// A condition on a guest, or several combined, at most so many levels deep.
pub fn guest_node(draw: Draw<'_>, depth: u64) -> Value {
    node(draw, Of::Guest, true, depth)
}

/// A condition on one field of a guest.
pub fn guest_leaf(draw: Draw<'_>) -> Value {
    leaf(draw, Of::Guest, true, 2)
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Guest,
    Order,
    Item,
}

fn node(draw: Draw<'_>, of: Of, at_venue: bool, depth: u64) -> Value {
    match (depth, draw(8)) {
        (0 | 1, _) | (_, 0..=3) => leaf(draw, of, at_venue, depth),
        (_, 4) => json!({ "not": node(draw, of, at_venue, depth - 1) }),
        (_, kind) => {
            let nodes: Vec<Value> = (0..1 + draw(3)).map(|_| node(draw, of, at_venue, depth - 1)).collect();
            if kind == 5 { json!({ "all": nodes }) } else { json!({ "any": nodes }) }
        }
    }
}

const LABELS: [&str; 7] = ["CHAMPION", "LOYAL", "POTENTIAL", "NEW", "AT_RISK", "LOST", "INACTIVE"];
const DAYPARTS: [&str; 5] = ["breakfast", "lunch", "afternoon", "dinner", "late"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn leaf(draw: Draw<'_>, of: Of, at_venue: bool, depth: u64) -> Value {
    match of {
        Of::Guest => match draw(if at_venue { 42 } else { 27 }) {
            0 => number(draw, "total_orders", 0, 20, Literal::Whole),
            1 => number(draw, "total_visits", 0, 15, Literal::Whole),
            2 => number(draw, "total_spent", 0, 900, Literal::Money),
            3 => number(draw, "aov", 5, 60, Literal::Money),
            4 => number(draw, "highest_order", 10, 90, Literal::Money),
            5 => number(draw, "days_since_last_order", 0, 120, Literal::Whole),
            6 => number(draw, "avg_gap_days", 1, 40, Literal::Decimal),
            7 => number(draw, "random_bucket", 0, 99, Literal::Whole),
            8 => timestamp(draw, "first_order_at"),
            9 | 10 => timestamp(draw, "last_order_at"),
            11 => timestamp(draw, "created_at"),
            12 | 13 => birthday(draw),
            14 => text(draw, "name", &["Ana", "Ben", "cleo", "O'Brien", "100%", "a_b", "b\\c", "漢字"]),
            15 => text(draw, "phone", &["+331", "+332", "0044", "5"]),
            16 => text(draw, "email", &["ana@example.org", "BEN@example.org", "x@example.com"]),
            17 => set(draw, "in_segment", &["vip", "lunch_guests", "o'brien", "{}"]),
            18 => relation(draw, "orders", Of::Order, depth),
            19 => relation(draw, "items", Of::Item, depth),
            20 => set(draw, "allergens", &["milk", "nuts", "gluten", "fish"]),
            21 => set(draw, "dietary", &["vegan", "halal", "low_sodium", "kosher"]),
            33 => set(draw, "favourites", &["Pizza", "pizza", "wine", "o'brien", "Food"]),
            34 => set(draw, "dislikes", &["Pizza", "Pasta", "wine", "o'brien"]),
            35 => text(draw, "preferred_category", &["food", "Drinks"]),
            36 => choice(draw, "preferred_daypart", &DAYPARTS),
            37 => text(draw, "preferred_table", &["T1", "t2", "12"]),
            38 => text(draw, "preferred_channel", &["delivery", "Pickup"]),
            39 => text(draw, "preferred_payment_method", &["card", "CASH"]),
            40 | 41 => choice(draw, "spend_trend", &["up", "down", "steady"]),
            27 => number(draw, "recency_score", 1, 5, Literal::Whole),
            28 => number(draw, "frequency_score", 1, 5, Literal::Whole),
            29 => number(draw, "monetary_score", 1, 5, Literal::Whole),
            30 => choice(draw, "label", &LABELS),
            31 => choice(draw, "previous_label", &LABELS),
            32 => timestamp(draw, "label_changed_at"),
            22 => choice_known(draw, "kind", &["guest", "registered", "wholesale", "walk_in"]),
            23 => json!({ "field": "blocked", "op": "is", "value": draw(2) == 0 }),
            24 => text(draw, "language", &["pt-BR", "en", "fr"]),
            25 => text(draw, "city", &["lyon", "São Paulo"]),
            26 => set(draw, "tags", &["VIP", "vip", "wine", "o'brien"]),
            _ => number(draw, "spend_percentile", 0, 99, Literal::Whole),
        },
        Of::Order => match draw(if depth > 1 { 9 } else { 8 }) {
            0 => number(draw, "total", 5, 60, Literal::Money),
            1 => text(draw, "channel", &["delivery", "Pickup", "dine-in"]),
            2 => choice(draw, "daypart", &DAYPARTS),
            3 => choice(draw, "weekday", &WEEKDAYS),
            4 => text(draw, "table", &["T1", "t2", "12"]),
            5 => text(draw, "promo_code", &["SUMMER", "summer10", "x"]),
            6 => text(draw, "payment_method", &["card", "CASH"]),
            7 => timestamp(draw, "completed_at"),
            _ => relation(draw, "items", Of::Item, depth),
        },
        Of::Item => match draw(5) {
            0 => text(draw, "product", &["Pizza", "pasta", "Wine"]),
            1 => text(draw, "category", &["food", "Drinks"]),
            2 => number(draw, "quantity", 1, 4, Literal::Decimal),
            3 => number(draw, "amount", 2, 40, Literal::Money),
            _ => timestamp(draw, "completed_at"),
        },
    }
}

#[derive(Clone, Copy)]
enum Literal {
    Whole,
    Decimal,
    Money,
}

fn literal(draw: Draw<'_>, least: u64, most: u64, as_what: Literal) -> Value {
    let whole = least + draw(most - least + 1);
    match (as_what, draw(4)) {
        (Literal::Whole, _) => json!(whole),
        (Literal::Decimal, 0) => json!(whole as f64 + 0.5),
        (Literal::Decimal, _) => json!(whole),
        (Literal::Money, 0) => json!(whole),
        (Literal::Money, 1) => json!(format!("{whole}.5")),
        (Literal::Money, _) => json!(format!("{whole}.{:02}", draw(100))),
    }
}

fn several(draw: Draw<'_>, mut one: impl FnMut(Draw<'_>) -> Value) -> Value {
    let count = 1 + draw(5);
    Value::Array((0..count).map(|_| one(&mut *draw)).collect())
}

fn number(draw: Draw<'_>, field: &str, least: u64, most: u64, as_what: Literal) -> Value {
    let operator = [
        "eq", "neq", "lt", "lte", "gt", "gte", "lt", "gte", "between", "between", "in", "not_in", "is_null",
        "not_null",
    ][draw(14) as usize];
    match operator {
        "is_null" | "not_null" => json!({ "field": field, "op": operator }),
        "in" | "not_in" => {
            let list = several(draw, |draw| literal(draw, least, most, as_what));
            json!({ "field": field, "op": operator, "value": list })
        }
        "between" => {
            let middle = least + draw(most - least + 1);
            let range = [literal(draw, least, middle, as_what), literal(draw, middle + 1, most + 1, as_what)];
            json!({ "field": field, "op": operator, "value": range })
        }
        _ => json!({ "field": field, "op": operator, "value": literal(draw, least, most, as_what) }),
    }
}

fn duration(draw: Draw<'_>) -> Value {
    match draw(6) {
        0 => json!(format!("{}w", 1 + draw(12))),
        1 => json!(format!("{}mo", 1 + draw(8))),
        2 => json!(format!("P{}D", 1 + draw(90))),
        3 => json!(format!("P{}M{}D", draw(4), 1 + draw(20))),
        4 => json!("1y"),
        _ => json!(format!("{}d", 1 + draw(120))),
    }
}

fn day(draw: Draw<'_>) -> Value {
    match draw(8) {
        0 => json!("today"),
        1 => json!({ "ahead": duration(draw) }),
        2..=4 => json!({ "ago": duration(draw) }),
        _ => json!(format!("{}-{:02}-{:02}", 2024 + draw(2), 1 + draw(12), 1 + draw(28))),
    }
}

fn range(draw: Draw<'_>) -> (Value, Value) {
    match draw(3) {
        0 => (json!({ "ago": duration(draw) }), json!("today")),
        1 => (json!(format!("2024-{:02}-01", 1 + draw(12))), json!(format!("2025-{:02}-28", 1 + draw(12)))),
        _ => (json!(format!("2023-{:02}-01", 1 + draw(12))), json!({ "ago": format!("{}d", 1 + draw(100)) })),
    }
}

fn timestamp(draw: Draw<'_>, field: &str) -> Value {
    let operator =
        ["on", "before", "after", "between", "within_last", "not_within_last", "is_null", "not_null"]
            [draw(8) as usize];
    match operator {
        "is_null" | "not_null" => json!({ "field": field, "op": operator }),
        "within_last" | "not_within_last" => {
            json!({ "field": field, "op": operator, "value": duration(draw) })
        }
        "between" => {
            let (from, to) = range(draw);
            json!({ "field": field, "op": operator, "value": [from, to] })
        }
        _ => json!({ "field": field, "op": operator, "value": day(draw) }),
    }
}

fn birthday(draw: Draw<'_>) -> Value {
    match draw(7) {
        0 => json!({ "field": "birth_date", "op": "anniversary_today" }),
        1 => {
            json!({ "field": "birth_date", "op": "anniversary_within_next", "value": format!("{}mo", 1 + draw(11)) })
        }
        2 => {
            json!({ "field": "birth_date", "op": "anniversary_within_next", "value": format!("{}d", 1 + draw(300)) })
        }
        3 => json!({ "field": "birth_date", "op": "month_is", "value": 1 + draw(12) }),
        4 => {
            json!({ "field": "birth_date", "op": "before", "value": { "ago": format!("{}y", 18 + draw(40)) } })
        }
        5 => {
            json!({ "field": "birth_date", "op": "between", "value": [format!("19{}-01-01", 50 + draw(49)), { "ago": "20y" }] })
        }
        _ => json!({ "field": "birth_date", "op": if draw(2) == 0 { "is_null" } else { "not_null" } }),
    }
}

fn pick(draw: Draw<'_>, from: &[&str]) -> Value {
    json!(from[draw(from.len() as u64) as usize])
}

fn text(draw: Draw<'_>, field: &str, values: &[&str]) -> Value {
    let operator =
        ["eq", "neq", "in", "not_in", "starts_with", "contains", "is_null", "not_null"][draw(8) as usize];
    match operator {
        "is_null" | "not_null" => json!({ "field": field, "op": operator }),
        "in" | "not_in" => {
            json!({ "field": field, "op": operator, "value": several(draw, |draw| pick(draw, values)) })
        }
        "starts_with" | "contains" => {
            let whole = values[draw(values.len() as u64) as usize];
            let from = if operator == "contains" { draw(2) as usize } else { 0 };
            let part: String = whole.chars().skip(from).take(1 + draw(3) as usize).collect();
            json!({ "field": field, "op": operator, "value": if part.is_empty() { whole } else { &part } })
        }
        _ => json!({ "field": field, "op": operator, "value": pick(draw, values) }),
    }
}

fn choice(draw: Draw<'_>, field: &str, values: &[&str]) -> Value {
    let operator = ["eq", "neq", "in", "in", "not_in", "is_null", "not_null"][draw(7) as usize];
    match operator {
        "is_null" | "not_null" => json!({ "field": field, "op": operator }),
        "in" | "not_in" => {
            json!({ "field": field, "op": operator, "value": several(draw, |draw| pick(draw, values)) })
        }
        _ => json!({ "field": field, "op": operator, "value": pick(draw, values) }),
    }
}

fn choice_known(draw: Draw<'_>, field: &str, values: &[&str]) -> Value {
    match ["eq", "neq", "in", "not_in"][draw(4) as usize] {
        operator @ ("in" | "not_in") => {
            json!({ "field": field, "op": operator, "value": several(draw, |draw| pick(draw, values)) })
        }
        operator => json!({ "field": field, "op": operator, "value": pick(draw, values) }),
    }
}

fn set(draw: Draw<'_>, field: &str, values: &[&str]) -> Value {
    let operator = ["has", "has_any", "has_all", "has_none", "is_empty"][draw(5) as usize];
    match operator {
        "is_empty" => json!({ "field": field, "op": operator }),
        "has" => json!({ "field": field, "op": operator, "value": pick(draw, values) }),
        _ => json!({ "field": field, "op": operator, "value": several(draw, |draw| pick(draw, values)) }),
    }
}

fn relation(draw: Draw<'_>, field: &str, of: Of, depth: u64) -> Value {
    let mut operators =
        vec!["any", "none", "count_eq", "count_gte", "count_gte", "count_lte", "sum_gte", "sum_lte"];
    if of == Of::Item {
        operators.extend(["quantity_gte", "quantity_lte"]);
    }
    let operator = operators[draw(operators.len() as u64) as usize];
    let mut leaf = json!({ "field": field, "op": operator });
    if operator.starts_with("count") {
        leaf["value"] = json!(draw(6));
    } else if operator.starts_with("sum") {
        leaf["value"] = literal(draw, 0, 200, Literal::Money);
    } else if operator.starts_with("quantity") {
        leaf["value"] = literal(draw, 0, 12, Literal::Decimal);
    }
    match draw(5) {
        0 | 1 => leaf["within"] = json!({ "last": duration(draw) }),
        2 => {
            let (from, to) = range(draw);
            leaf["within"] = json!({ "from": from, "to": to });
        }
        3 => leaf["within"] = json!({ "next": duration(draw) }),
        _ => {}
    }
    if depth > 0 && draw(2) == 0 {
        leaf["where"] = node(draw, of, true, depth.saturating_sub(1).min(2));
    }
    leaf
}
