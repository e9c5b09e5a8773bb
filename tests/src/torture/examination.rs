//! What must hold after every restart, with nobody else at work.

use std::sync::Mutex;

use super::journal::Journal;
use super::load::GUESTS;
use crate::session::Session;
use crate::{oracle, restaurant};

/// The platform, bound: two venues, its guests, and an order a day of each.
pub fn prepare(sql: &mut Session) {
    restaurant::create(sql);
    restaurant::add_venue(sql, "bistro", "Europe/Paris");
    restaurant::add_venue(sql, "bar", "America/New_York");
    sql.run(&format!(
        r#"INSERT INTO public."Customer" (id, name, email) SELECT 'g' || i, 'Guest ' || i, 'g' || i || '@example.org' FROM generate_series(0, {GUESTS} - 1) AS i;
           INSERT INTO public."Order" (id, "venueId", "customerId", status, total, "completedAt")
           SELECT 'old-' || i || '-' || d, CASE WHEN (i + d) % 3 = 0 THEN 'bar' ELSE 'bistro' END, 'g' || i, 'COMPLETED', 10 + (i * 7 + d) % 90, now() - d * interval '9 days'
             FROM generate_series(0, {GUESTS} - 1) AS i, generate_series(1, 1 + i % 20) AS d"#
    ));
    restaurant::bind_with_refunds(sql);
    sql.run(
        r#"SELECT crm.set_region('FR');
           SELECT crm.create_segment('bistro', 'spenders', 'Spenders', '{"v":1,"where":{"field":"total_spent","op":"gte","value":"900"}}');
           SELECT crm.create_segment('bar', 'often', 'Often', '{"v":1,"where":{"field":"total_visits","op":"gte","value":8}}')"#,
    );
    oracle::install(sql, oracle::Source::RestaurantWithRefunds);
    sql.run(include_str!("../../oracle/orders_of_merged_guests.sql"));
}

/// Collects what is not as it should be.
struct Examination<'a> {
    sql: &'a mut Session,
    broken: Vec<String>,
}

impl Examination<'_> {
    fn succeeds(&mut self, statement: &str) {
        if let Err(refusal) = self.sql.attempt(statement) {
            self.broken.push(format!("{statement}: {refusal:?}"));
        }
    }

    fn none(&mut self, what: &str, query: &str) {
        match self.sql.try_rows(query) {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => {
                self.broken.push(format!("{what}: {} rows: {:?}", rows.len(), &rows[..rows.len().min(3)]))
            }
            Err(refusal) => self.broken.push(format!("{what}: {refusal:?}")),
        }
    }
}

/// Every acknowledged transaction is there, orders complete, and all that is derived follows from them. Of what was
/// acknowledged only what is new since the last time is looked at, unless everything is asked for.
pub fn examine(sql: &mut Session, journals: &[Mutex<Journal>], everything: bool) -> Vec<String> {
    let mut broken = Vec::new();
    for journal in journals {
        broken.extend(journal.lock().expect("no panic while held").broken(sql, everything));
    }
    let mut it = Examination { sql, broken };
    it.succeeds(
        r#"INSERT INTO public."Order" ("venueId", "customerId", status, total, refunded, "completedAt") VALUES ('bistro', 'g0', 'COMPLETED', 5, 0, crm.now())"#,
    );
    // The connection may have gone between unbinding and binding.
    if it.sql.number("SELECT count(*) FROM crm.binding_list() WHERE entity = 'order'") == 0 {
        it.succeeds(restaurant::BIND_ORDER_WITH_REFUNDS);
    }
    it.succeeds("CALL crm.backfill()");
    it.succeeds("CALL crm.run_sweep()");
    it.none("totals by the independent oracle", "SELECT * FROM oracle.differing_totals()");
    it.none("verify_stats", "SELECT v.ref, d.* FROM crm.venue AS v, crm.verify_stats(v.ref) AS d");
    it.none("changes put off after the sweep", "SELECT * FROM crm.failed_change");
    it.none("verify_consent_log", "SELECT * FROM crm.verify_consent_log()");
    it.none("consents not sealed after the sweep", "SELECT * FROM crm.unsealed_consent");
    it.none("verify_list", "SELECT * FROM crm.verify_list()");
    // A night that was cut off is gone on with, and ends.
    it.succeeds("CALL crm.run_night()");
    it.none(
        "a night that did not end",
        "SELECT * FROM crm.job_progress WHERE job = 'night' AND finished_at IS NULL",
    );
    it.none(
        "verify_stats after the night",
        "SELECT v.ref, d.* FROM crm.venue AS v, crm.verify_stats(v.ref) AS d",
    );
    it.none("verify_venue_days", "SELECT v.ref, d.* FROM crm.venue AS v, crm.verify_venue_days(v.ref) AS d");
    it.none("members of a segment of spend", MISPLACED_SPENDERS);
    it.none("health", "SELECT * FROM crm.health() WHERE severity = 'error'");
    it.broken
}

const MISPLACED_SPENDERS: &str = "
    SELECT t.customer_id FROM crm.customer_venue_stats AS t JOIN crm.segment AS s ON s.org_id = t.org_id AND s.key = 'spenders'
     WHERE t.venue_id = crm.key('bistro') AND t.total_orders > 0 AND (t.total_spent >= 900) <> EXISTS (
       SELECT FROM crm.segment_member AS m WHERE m.org_id = t.org_id AND m.segment_id = s.segment_id AND m.customer_id = t.customer_id)";
