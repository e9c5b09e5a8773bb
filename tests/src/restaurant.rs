//! The small host platform that most tests bind.

use crate::session::Session;

/// The binding of the orders alone.
pub const BIND_ORDER: &str = r#"SELECT crm.bind('order', 'public."Order"',
    '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","completed_at":"completedAt",
      "completed":{"column":"status","in":["COMPLETED"]}}')"#;

/// The binding of the orders with the column that `bind_with_refunds` adds.
pub const BIND_ORDER_WITH_REFUNDS: &str = r#"SELECT crm.bind('order', 'public."Order"',
    '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","refunded":"refunded","completed_at":"completedAt",
      "completed":{"column":"status","in":["COMPLETED"]}}')"#;

const BIND_VENUE: &str = r#"SELECT crm.bind('venue', 'public."Venue"',
    '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}')"#;

const BIND_VENUE_WITH_ORGANISATION: &str = r#"SELECT crm.bind('venue', 'public."Venue"',
    '{"ref":"id","org":"orgId","name":"name","timezone":"tz","currency":"currency"}')"#;

const BIND_CUSTOMER: &str = r#"SELECT crm.bind('customer', 'public."Customer"',
    '{"ref":"id","name":"name","phone":"phone","email":"email","birth_date":"dateOfBirth"}')"#;

const BIND_CUSTOMER_WITH_ORGANISATION: &str = r#"SELECT crm.bind('customer', 'public."Customer"',
    '{"ref":"id","org":"orgId","name":"name","phone":"phone","email":"email","birth_date":"dateOfBirth"}')"#;

/// The platform's tables, empty and not bound.
pub fn create(sql: &mut Session) {
    sql.run(include_str!("../platform/restaurant.sql"));
}

/// A venue of the default organisation.
pub fn add_venue(sql: &mut Session, id: &str, timezone: &str) {
    sql.run(&format!(
        r#"INSERT INTO public."Venue" (id, name, tz, currency) VALUES ('{id}', initcap('{id}'), '{timezone}', 'EUR')"#
    ));
}

/// Binds everything but the orders: a test may change settings of a venue before its history is read.
pub fn bind_venues_and_customers(sql: &mut Session) {
    sql.run(BIND_VENUE);
    sql.run(BIND_CUSTOMER);
}

/// Binds the customers and the orders, and reads the history.
pub fn bind_customers_and_orders(sql: &mut Session) {
    sql.run(BIND_CUSTOMER);
    bind_orders_and_backfill(sql);
}

/// Binds the orders and reads their history.
pub fn bind_orders_and_backfill(sql: &mut Session) {
    sql.run(BIND_ORDER);
    sql.run("CALL crm.backfill()");
}

/// Binds as one organisation and reads the history.
pub fn bind(sql: &mut Session) {
    bind_venues_and_customers(sql);
    bind_orders_and_backfill(sql);
}

/// Gives the orders a column of refunds, binds it too and reads the history.
pub fn bind_with_refunds(sql: &mut Session) {
    sql.run(r#"ALTER TABLE public."Order" ADD refunded numeric(14,2)"#);
    bind_venues_and_customers(sql);
    sql.run(BIND_ORDER_WITH_REFUNDS);
    sql.run("CALL crm.backfill()");
}

/// Binds with the platform's organisations, on venues and customers, and reads the history.
pub fn bind_with_organisations(sql: &mut Session) {
    sql.run(BIND_VENUE_WITH_ORGANISATION);
    sql.run(BIND_CUSTOMER_WITH_ORGANISATION);
    bind_orders_and_backfill(sql);
}

/// One line a guest: `label R F M`.
pub fn label_and_scores(sql: &mut Session, venue: &str, guest: &str) -> String {
    sql.value(&format!(
        "SELECT concat_ws(' ', s.label, s.recency_score, s.frequency_score, s.monetary_score)
           FROM crm.customer_venue_stats s
           JOIN crm.venue v USING (org_id, venue_id)
           JOIN crm.customer c USING (org_id, customer_id)
          WHERE v.ref = '{venue}' AND c.ref = '{guest}'"
    ))
}

/// One line a guest: `orders visits spent`.
pub fn totals(sql: &mut Session, venue: &str, guest: &str) -> String {
    sql.value(&format!(
        "SELECT concat_ws(' ', s.total_orders, s.total_visits, s.total_spent)
           FROM crm.customer_venue_stats s
           JOIN crm.venue v USING (org_id, venue_id)
           JOIN crm.customer c USING (org_id, customer_id)
          WHERE v.ref = '{venue}' AND c.ref = '{guest}'"
    ))
}
