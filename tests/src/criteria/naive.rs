//! Criteria evaluated guest by guest as the grammar reads, sharing nothing with the library: the oracle.
//!
//! Values are thousandths, days are chrono's, and a document is plain JSON that is known to be valid.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::Value;

use super::guests::{Guest, Item, Order};

/// What a row has in a field.
enum Cell {
    Number(Option<i64>),
    Day(Option<NaiveDate>),
    /// The date, and the day of the year, which may be known without it.
    Birthday(Option<NaiveDate>, Option<NaiveDate>),
    Boolean(bool),
    Text(Option<String>),
    Set(Vec<String>),
    Rows(Vec<(NaiveDate, Measured, Row)>),
}

/// What a row of a relation adds to sum and quantity.
struct Measured {
    money: i64,
    quantity: i64,
}

/// A row that conditions are about.
#[derive(Clone)]
pub enum Row {
    /// A guest.
    Guest(Box<Guest>),
    /// An order.
    Order(Box<Order>),
    /// A line of an order, with the order's day.
    Item(Item, NaiveDate),
}

/// Whether a document means a guest on a day.
pub fn means(document: &Value, guest: &Guest, today: NaiveDate) -> bool {
    holds(&document["where"], &Row::Guest(Box::new(guest.clone())), today)
}

/// Whether a node holds for a row on a day.
pub fn holds(node: &Value, row: &Row, today: NaiveDate) -> bool {
    if let Some(nodes) = node["all"].as_array() {
        return nodes.iter().all(|node| holds(node, row, today));
    }
    if let Some(nodes) = node["any"].as_array() {
        return nodes.iter().any(|node| holds(node, row, today));
    }
    if node.get("not").is_some() {
        return !holds(&node["not"], row, today);
    }
    let (operator, value) = (text(&node["op"]), &node["value"]);
    match cell(row, &text(&node["field"]), today) {
        Cell::Number(given) => number(given, &operator, value),
        Cell::Day(given) => day(given, &operator, value, today),
        Cell::Birthday(date, birthday) => {
            let of_year = ["on", "before", "after", "between"].contains(&operator.as_str());
            day(if of_year { date } else { birthday }, &operator, value, today)
        }
        Cell::Boolean(given) => Value::Bool(given) == *value,
        Cell::Text(given) => texts(
            given,
            &operator,
            value,
            matches!(
                node["field"].as_str(),
                Some(
                    "label"
                        | "previous_label"
                        | "daypart"
                        | "weekday"
                        | "kind"
                        | "preferred_daypart"
                        | "spend_trend"
                )
            ),
        ),
        Cell::Set(given) => set(&given, &operator, value),
        Cell::Rows(rows) => {
            let counted: Vec<_> = rows
                .into_iter()
                .filter(|(day, _, row)| {
                    within(*day, &node["within"], today)
                        && (node["where"].is_null() || holds(&node["where"], row, today))
                })
                .collect();
            let count = counted.len() as i64 * 1000;
            let money: i64 = counted.iter().map(|(_, measured, _)| measured.money).sum();
            let quantity: i64 = counted.iter().map(|(_, measured, _)| measured.quantity).sum();
            match operator.as_str() {
                "any" => count > 0,
                "none" => count == 0,
                "count_eq" => count == thousandths(value),
                "count_gte" => count >= thousandths(value),
                "count_lte" => count <= thousandths(value),
                "sum_gte" => money >= thousandths(value),
                "sum_lte" => money <= thousandths(value),
                "quantity_gte" => quantity >= thousandths(value),
                "quantity_lte" => quantity <= thousandths(value),
                other => panic!("{other}"),
            }
        }
    }
}

fn cell(row: &Row, field: &str, today: NaiveDate) -> Cell {
    let whole = |number: Option<i64>| Cell::Number(number.map(|n| n * 1000));
    let cents = |number: Option<i64>| Cell::Number(number.map(|n| n * 10));
    match row {
        Row::Guest(guest) => match field {
            "total_orders" => whole(Some(guest.total_orders)),
            "total_visits" => whole(Some(guest.total_visits)),
            "total_spent" => cents(Some(guest.total_spent)),
            "aov" => cents(guest.aov),
            "highest_order" => cents(guest.highest_order),
            "first_order_at" => Cell::Day(guest.first_order_day),
            "last_order_at" => Cell::Day(guest.last_order_day),
            "days_since_last_order" => whole(guest.last_order_day.map(|day| (today - day).num_days().max(0))),
            "avg_gap_days" => cents(guest.avg_gap_days),
            "recency_score" => whole(guest.recency_score),
            "frequency_score" => whole(guest.frequency_score),
            "monetary_score" => whole(guest.monetary_score),
            "label" => Cell::Text(guest.label.clone()),
            "previous_label" => Cell::Text(guest.previous_label.clone()),
            "label_changed_at" => Cell::Day(guest.label_changed_day),
            "spend_percentile" => whole(guest.spend_percentile),
            "name" => Cell::Text(guest.name.clone()),
            "phone" => Cell::Text(guest.phone.clone()),
            "email" => Cell::Text(guest.email.clone()),
            "birth_date" => Cell::Birthday(guest.birth_date, guest.birthday),
            "created_at" => Cell::Day(Some(guest.created_day)),
            "in_segment" => Cell::Set(guest.segments.clone().unwrap_or_default()),
            "kind" => Cell::Text(Some(guest.kind.clone())),
            "blocked" => Cell::Boolean(guest.blocked),
            "language" => Cell::Text(guest.language.clone()),
            "city" => Cell::Text(guest.city.clone()),
            "tags" => Cell::Set(guest.tags.clone()),
            channel if channel.starts_with("consent.") => {
                Cell::Text(guest.consents.get(&channel["consent.".len()..].to_uppercase()).cloned())
            }
            channel if channel.starts_with("reachable.") => {
                let channel = channel["reachable.".len()..].to_uppercase();
                Cell::Boolean(guest.reachable_on.contains(&channel))
            }
            "allergens" => Cell::Set(guest.allergens.clone()),
            "dietary" => Cell::Set(guest.dietary.clone()),
            "favourites" => Cell::Set(guest.favourites.clone()),
            "dislikes" => Cell::Set(guest.dislikes.clone()),
            "preferred_category" => Cell::Text(guest.preferred_category.clone()),
            "preferred_daypart" => Cell::Text(guest.preferred_daypart.clone()),
            "preferred_table" => Cell::Text(guest.preferred_table.clone()),
            "preferred_channel" => Cell::Text(guest.preferred_channel.clone()),
            "preferred_payment_method" => Cell::Text(guest.preferred_payment_method.clone()),
            "spend_trend" => Cell::Text(guest.spend_trend.clone()),
            "random_bucket" => whole(Some(guest.random_bucket)),
            "orders" => Cell::Rows(guest.orders.iter().map(of_order).collect()),
            "items" => Cell::Rows(guest.orders.iter().flat_map(of_items).collect()),
            other => panic!("{other}"),
        },
        Row::Order(order) => match field {
            "total" => cents(Some(order.total)),
            "channel" => Cell::Text(order.channel.clone()),
            "daypart" => Cell::Text(Some(order.daypart.clone())),
            "weekday" => Cell::Text(Some(weekday(order.day).to_owned())),
            "table" => Cell::Text(order.table.clone()),
            "promo_code" => Cell::Text(order.promo_code.clone()),
            "payment_method" => Cell::Text(order.payment_method.clone()),
            "completed_at" => Cell::Day(Some(order.day)),
            "items" => Cell::Rows(of_items(order)),
            other => panic!("{other}"),
        },
        Row::Item(item, day) => match field {
            "product" => Cell::Text(item.product.clone()),
            "category" => Cell::Text(item.category.clone()),
            "quantity" => Cell::Number(item.quantity),
            "amount" => cents(item.amount),
            "completed_at" => Cell::Day(Some(*day)),
            other => panic!("{other}"),
        },
    }
}

/// The English name of a day of the week.
pub fn weekday(day: NaiveDate) -> &'static str {
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        [day.weekday().num_days_from_monday() as usize]
}

fn of_order(order: &Order) -> (NaiveDate, Measured, Row) {
    (order.day, Measured { money: order.total * 10, quantity: 0 }, Row::Order(Box::new(order.clone())))
}

fn of_items(order: &Order) -> Vec<(NaiveDate, Measured, Row)> {
    let measured = |item: &Item| Measured {
        money: item.amount.unwrap_or_default() * 10,
        quantity: item.quantity.unwrap_or_default(),
    };
    order.items.iter().map(|item| (order.day, measured(item), Row::Item(item.clone(), order.day))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A number or decimal string, exactly.
fn thousandths(value: &Value) -> i64 {
    let literal = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = literal.split_once('.').unwrap_or((&literal, ""));
    format!("{whole}{fraction:0<3}").parse().expect("a decimal of at most three places")
}

fn number(given: Option<i64>, operator: &str, value: &Value) -> bool {
    let among =
        || value.as_array().is_some_and(|list| list.iter().any(|one| given == Some(thousandths(one))));
    let compared = |test: fn(i64, i64) -> bool| given.is_some_and(|given| test(given, thousandths(value)));
    match operator {
        "is_null" => given.is_none(),
        "not_null" => given.is_some(),
        "eq" => compared(|a, b| a == b),
        "neq" => !compared(|a, b| a == b),
        "lt" => compared(|a, b| a < b),
        "lte" => compared(|a, b| a <= b),
        "gt" => compared(|a, b| a > b),
        "gte" => compared(|a, b| a >= b),
        "between" => {
            given.is_some_and(|given| thousandths(&value[0]) <= given && given <= thousandths(&value[1]))
        }
        "in" => among(),
        "not_in" => !among(),
        other => panic!("{other}"),
    }
}

/// A duration as months and days.
fn duration(value: &Value) -> (u32, u64) {
    let literal = text(value);
    if let Some(parts) = literal.strip_prefix('P') {
        let (mut months, mut days, mut count) = (0, 0, String::new());
        for c in parts.chars() {
            let amount = || count.parse::<u32>().expect("a number before its unit");
            match c {
                'Y' => months += 12 * amount(),
                'M' => months += amount(),
                'W' => days += 7 * u64::from(amount()),
                'D' => days += u64::from(amount()),
                digit => {
                    count.push(digit);
                    continue;
                }
            }
            count.clear();
        }
        return (months, days);
    }
    let digits: String = literal.chars().filter(char::is_ascii_digit).collect();
    let amount: u32 = digits.parse().expect("a number");
    match &literal[digits.len()..] {
        "d" => (0, u64::from(amount)),
        "w" => (0, 7 * u64::from(amount)),
        "mo" => (amount, 0),
        _ => (12 * amount, 0),
    }
}

fn before(today: NaiveDate, by: &Value) -> NaiveDate {
    let (months, days) = duration(by);
    today - Months::new(months) - Days::new(days)
}

fn after(today: NaiveDate, by: &Value) -> NaiveDate {
    let (months, days) = duration(by);
    today + Months::new(months) + Days::new(days)
}

fn bound(value: &Value, today: NaiveDate) -> NaiveDate {
    match (value.as_str(), value.get("ago"), value.get("ahead")) {
        (Some("today"), ..) => today,
        (Some(day), ..) => day.parse().expect("a date"),
        (_, Some(by), _) => before(today, by),
        (_, _, Some(by)) => after(today, by),
        _ => panic!("{value}"),
    }
}

fn day(given: Option<NaiveDate>, operator: &str, value: &Value, today: NaiveDate) -> bool {
    let is = |test: &dyn Fn(NaiveDate) -> bool| given.is_some_and(test);
    match operator {
        "is_null" => given.is_none(),
        "not_null" => given.is_some(),
        "on" => is(&|day| day == bound(value, today)),
        "before" => is(&|day| day < bound(value, today)),
        "after" => is(&|day| day > bound(value, today)),
        "between" => is(&|day| day >= bound(&value[0], today) && day <= bound(&value[1], today)),
        "within_last" => is(&|day| day > before(today, value)),
        "not_within_last" => !is(&|day| day > before(today, value)),
        "month_is" => is(&|day| u64::from(day.month()) == value.as_u64().unwrap_or_default()),
        "anniversary_today" => is(&|day| comes_round_on(day, today)),
        "anniversary_within_next" => {
            let end = after(today, value);
            is(&|day| {
                today.iter_days().take_while(|ahead| *ahead < end).any(|ahead| comes_round_on(day, ahead))
            })
        }
        other => panic!("{other}"),
    }
}

fn comes_round_on(birthday: NaiveDate, day: NaiveDate) -> bool {
    let leap_day = birthday.month() == 2 && birthday.day() == 29;
    let celebrated = if leap_day && !day.leap_year() { 28 } else { birthday.day() };
    day.month() == birthday.month() && day.day() == celebrated
}

fn within(day: NaiveDate, window: &Value, today: NaiveDate) -> bool {
    if let Some(by) = window.get("last") {
        return day > before(today, by);
    }
    if let Some(by) = window.get("next") {
        return day >= today && day < after(today, by);
    }
    match (window.get("from"), window.get("to")) {
        (Some(from), Some(to)) => day >= bound(from, today) && day <= bound(to, today),
        _ => true,
    }
}

fn texts(given: Option<String>, operator: &str, value: &Value, exact: bool) -> bool {
    let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
    let given = given.map(|text| fold(&text));
    let same = |one: &Value| given.as_deref() == Some(fold(&text(one)).as_str());
    let among = || value.as_array().is_some_and(|list| list.iter().any(same));
    let part = fold(&text(value));
    match operator {
        "is_null" => given.is_none(),
        "not_null" => given.is_some(),
        "eq" => same(value),
        "neq" => !same(value),
        "in" => among(),
        "not_in" => !among(),
        "starts_with" => given.is_some_and(|given| given.starts_with(&part)),
        "contains" => given.is_some_and(|given| given.contains(&part)),
        other => panic!("{other}"),
    }
}

fn set(given: &[String], operator: &str, value: &Value) -> bool {
    let has = |one: &Value| given.contains(&text(one));
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    match operator {
        "has" => has(value),
        "has_any" => list.iter().any(has),
        "has_all" => list.iter().all(has),
        "has_none" => !list.iter().any(has),
        "is_empty" => given.is_empty(),
        other => panic!("{other}"),
    }
}
