//! Criteria against an oracle: random guests and documents, a naive evaluator, and the contract's relations as
//! plain tables, so that a disagreement is the compiler's.

#[path = "../../../crm_core/tests/criteria/documents.rs"]
pub mod documents;
pub mod guests;
pub mod naive;

use chrono::NaiveDate;
use crm_core::criteria::{Param, Sql, facts};

use crate::session::Session;
use guests::Guest;

/// Makes what criteria need of a database, empty.
pub fn create_facts(sql: &mut Session) {
    let columns = |columns: &[facts::Column]| {
        columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
    };
    let (guest, order, item) =
        (columns(facts::CUSTOMER_FACTS), columns(facts::ORDERS_OF), columns(facts::ITEMS_OF));
    sql.run(&format!(
        "CREATE SCHEMA crm;
         CREATE TABLE crm.customer_facts (number int PRIMARY KEY, {guest});
         CREATE TABLE test_order (guest text, {order});
         CREATE TABLE test_item (of_order text, {item});
         CREATE INDEX ON test_order (guest);
         CREATE INDEX ON test_item (of_order);
         CREATE FUNCTION crm.orders_of(org_id int, customer_ref text, venue_ref text) RETURNS TABLE ({order})
           LANGUAGE sql STABLE AS 'SELECT {order_names} FROM test_order AS t WHERE t.guest = $2';
         CREATE FUNCTION crm.items_of_order(order_ref text, of_day date) RETURNS TABLE ({item})
           LANGUAGE sql STABLE AS 'SELECT {item_names} FROM test_item AS t WHERE t.of_order = $1';
         CREATE FUNCTION crm.items_of(org_id int, customer_ref text, venue_ref text) RETURNS TABLE ({item})
           LANGUAGE sql STABLE AS 'SELECT {item_names} FROM test_order AS o JOIN test_item AS t ON t.of_order = o.order_ref WHERE o.guest = $2'",
        order_names = names(facts::ORDERS_OF),
        item_names = names(facts::ITEMS_OF),
    ));
    sql.run(include_str!("../../../sql/segment/next_anniversary.sql"));
    sql.run(include_str!("../../../sql/segment/first_day_reaching.sql"));
}

fn names(columns: &[facts::Column]) -> String {
    columns.iter().map(|(name, _)| format!("t.{name}")).collect::<Vec<_>>().join(", ")
}

/// Writes guests, as of a day, with their orders.
pub fn load(sql: &mut Session, guests: &[Guest], today: NaiveDate) {
    let mut script = String::from("BEGIN;");
    for guest in guests {
        let set = |members: &[String]| array(members.iter().map(String::as_str));
        let segments = guest.segments.as_deref().map(set);
        let row = [
            Some(guest.number.to_string()),
            Some("1".to_owned()),
            Some(guest.number.to_string()),
            None,
            Some(today.to_string()),
            Some(guest.total_orders.to_string()),
            Some(guest.total_visits.to_string()),
            Some(decimal(guest.total_spent, 2)),
            guest.aov.map(|n| decimal(n, 2)),
            guest.highest_order.map(|n| decimal(n, 2)),
            guest.first_order_day.map(|day| day.to_string()),
            guest.last_order_day.map(|day| day.to_string()),
            guest.avg_gap_days.map(|n| decimal(n, 2)),
            guest.recency_score.map(|n| n.to_string()),
            guest.frequency_score.map(|n| n.to_string()),
            guest.monetary_score.map(|n| n.to_string()),
            guest.label.clone(),
            guest.previous_label.clone(),
            guest.label_changed_day.map(|day| day.to_string()),
            guest.spend_percentile.map(|n| n.to_string()),
            guest.name.clone(),
            guest.phone.clone(),
            guest.email.clone(),
            guest.birth_date.map(|day| day.to_string()),
            guest.birthday.map(|day| day.to_string()),
            Some(guest.kind.clone()),
            Some(guest.blocked.to_string()),
            guest.language.clone(),
            guest.city.clone(),
            Some(set(&guest.tags)),
            (!guest.consents.is_empty()).then(|| serde_json::json!(guest.consents).to_string()),
            Some(set(&guest.reachable_on)),
            Some(guest.created_day.to_string()),
            segments,
            Some(guest.random_bucket.to_string()),
            Some(set(&guest.allergens)),
            Some(set(&guest.dietary)),
            Some(set(&guest.favourites)),
            Some(set(&guest.dislikes)),
            guest.preferred_category.clone(),
            guest.preferred_daypart.clone(),
            guest.preferred_table.clone(),
            guest.preferred_channel.clone(),
            guest.preferred_payment_method.clone(),
            guest.spend_trend.clone(),
        ];
        script += &insert("crm.customer_facts", &row);
        for order in &guest.orders {
            let reference = order.number.to_string();
            script += &insert(
                "test_order",
                &[
                    Some(guest.number.to_string()),
                    Some(reference.clone()),
                    Some(decimal(order.total, 2)),
                    Some(order.day.to_string()),
                    Some(order.daypart.clone()),
                    Some(naive::weekday(order.day).to_owned()),
                    order.channel.clone(),
                    order.table.clone(),
                    order.payment_method.clone(),
                    order.promo_code.clone(),
                ],
            );
            for item in &order.items {
                script += &insert(
                    "test_item",
                    &[
                        Some(reference.clone()),
                        item.product.clone(),
                        item.category.clone(),
                        item.quantity.map(|n| decimal(n, 3)),
                        item.amount.map(|n| decimal(n, 2)),
                        Some(order.day.to_string()),
                    ],
                );
            }
        }
    }
    sql.run(&(script + "COMMIT; ANALYZE"));
}

fn insert(table: &str, values: &[Option<String>]) -> String {
    let values: Vec<String> =
        values.iter().map(|value| value.as_deref().map_or("NULL".to_owned(), literal)).collect();
    format!("INSERT INTO {table} VALUES ({});", values.join(", "))
}

fn decimal(minor: i64, places: u32) -> String {
    let scale = 10_i64.pow(places);
    format!("{}.{:0width$}", minor / scale, minor % scale, width = places as usize)
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn array<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted = texts.map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// Runs a statement with its parameters as parameters, each of its own type; rows as text.
#[track_caller]
pub fn rows(sql: &mut Session, statement: &str, params: &[&Param]) -> Vec<String> {
    let types: Vec<&str> = params.iter().map(|param| param.type_name()).collect();
    let values: Vec<String> = params.iter().map(|param| literal(&as_text(param))).collect();
    let list =
        |items: Vec<String>| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
    let types = list(types.into_iter().map(str::to_owned).collect());
    let rows =
        sql.rows(&format!("PREPARE evaluated {types} AS {statement}; EXECUTE evaluated {}", list(values)));
    sql.run("DEALLOCATE evaluated");
    rows
}

/// The numbers of the guests for whom an expression of type bool is true.
#[track_caller]
pub fn chosen(sql: &mut Session, predicate: &Sql) -> Vec<usize> {
    let statement =
        format!("SELECT f.number FROM crm.customer_facts AS f WHERE {} ORDER BY 1", predicate.render(0));
    let rows = rows(sql, &statement, &predicate.params().iter().collect::<Vec<_>>());
    rows.iter().map(|row| row.parse().expect("a number")).collect()
}

/// A parameter as PostgreSQL reads a value of its type.
pub fn as_text(param: &Param) -> String {
    match param {
        Param::Int4(n) => n.to_string(),
        Param::Int4s(list) => {
            array(list.iter().map(i32::to_string).collect::<Vec<_>>().iter().map(String::as_str))
        }
        Param::Int8(n) => n.to_string(),
        Param::Int8s(list) => {
            array(list.iter().map(i64::to_string).collect::<Vec<_>>().iter().map(String::as_str))
        }
        Param::Numeric(n) => n.to_string(),
        Param::Numerics(list) => {
            array(list.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(String::as_str))
        }
        Param::Text(text) => text.clone(),
        Param::Texts(list) => array(list.iter().map(String::as_str)),
        Param::Bool(value) => value.to_string(),
        Param::Date(day) => {
            let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");
            (epoch + chrono::TimeDelta::days(i64::from(*day))).to_string()
        }
    }
}
