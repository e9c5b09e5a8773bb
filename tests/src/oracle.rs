//! The independent oracle: plain SQL in schema `oracle` of the test database, from the orders to the label.

use crate::session::Session;

/// Where the oracle reads the counted orders.
pub enum Source {
    /// The tables of the restaurant platform, past the binding.
    RestaurantTables,
    /// The tables of the restaurant platform with refunds, past the binding.
    RestaurantWithRefunds,
    /// The tables of the demo platform.
    DemoTables,
    /// The invoices of Online Retail.
    RetailTables,
    /// The bound view `crm.orders`, where the platform's own tables are compared with it elsewhere.
    BoundOrders,
}

/// Creates schema `oracle` in a bound database.
pub fn install(sql: &mut Session, source: Source) {
    sql.run("CREATE SCHEMA oracle");
    sql.run(match source {
        Source::RestaurantTables => include_str!("../oracle/orders_of_restaurant.sql"),
        Source::RestaurantWithRefunds => include_str!("../oracle/orders_with_refunds.sql"),
        Source::DemoTables => include_str!("../oracle/orders_of_demo.sql"),
        Source::RetailTables => include_str!("../oracle/orders_of_retail.sql"),
        Source::BoundOrders => include_str!("../oracle/orders_of_binding.sql"),
    });
    sql.run(include_str!("../oracle/totals.sql"));
    sql.run(include_str!("../oracle/scores.sql"));
    sql.run(include_str!("../oracle/differences.sql"));
}

/// Orders, visits, spend, highest, first and last of every guest, against the orders as they stand.
#[track_caller]
pub fn expect_totals(sql: &mut Session) {
    sql.expect_none("SELECT * FROM oracle.differing_totals()");
}

/// Totals, scores and labels, right after a night at that moment.
#[track_caller]
pub fn expect_scores(sql: &mut Session, as_of: &str) {
    sql.expect_none(&format!("SELECT * FROM oracle.differences(NULL, '{as_of}')"));
}
