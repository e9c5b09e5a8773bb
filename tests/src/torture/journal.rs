//! What the server has acknowledged, kept on the client's side.

use std::collections::{BTreeMap, BTreeSet};

use crate::session::Session;

/// An order as it was last acknowledged. Amounts are hundredths.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The platform's id of the guest.
    pub guest: String,
    /// The platform's id of the venue.
    pub venue: &'static str,
    /// Whether it counts.
    pub completed: bool,
    /// The total before refunds.
    pub total: u64,
    /// What of it was given back.
    pub refunded: u64,
}

impl Order {
    /// As `stored` reads it.
    fn text(&self) -> String {
        let status = if self.completed { "COMPLETED" } else { "PENDING" };
        format!("{}|{}|{status}|{}|{}", self.guest, self.venue, self.total, self.refunded)
    }
}

/// Orders of one transaction and what each is after it; none where it is deleted.
pub type Change = Vec<(String, Option<Order>)>;

/// A fact outside the orders that was acknowledged: a query that must find a row.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The relation and its alias, such as `crm.consent_entry AS e`.
    pub relation: &'static str,
    /// What identifies the row and what it must say, as a condition.
    pub condition: String,
}

/// The journal of one client.
#[derive(Default)]
pub struct Journal {
    /// Orders as acknowledged.
    pub orders: BTreeMap<String, Option<Order>>,
    /// Acknowledged since the last examination.
    fresh: BTreeSet<String>,
    /// The transaction under way when the connection went: done as a whole or not at all.
    in_doubt: Option<Change>,
    /// Other facts acknowledged.
    pub facts: Vec<Fact>,
    fresh_facts: usize,
    /// Transactions acknowledged.
    pub acknowledged: u64,
    /// Transactions in doubt that turned out done, and not done.
    pub settled: (u64, u64),
}

impl Journal {
    /// The server said yes.
    pub fn acknowledge(&mut self, change: Change) {
        self.acknowledged += 1;
        for (id, order) in change {
            self.fresh.insert(id.clone());
            self.orders.insert(id, order);
        }
    }

    /// The server said yes to something else.
    pub fn promise(&mut self, relation: &'static str, condition: String) {
        self.acknowledged += 1;
        self.facts.push(Fact { relation, condition });
    }

    /// The server went before it said anything.
    pub fn doubt(&mut self, change: Change) {
        self.in_doubt = Some(change);
    }

    /// What is not as it was acknowledged; of what is new since the last examination, or of everything.
    pub fn broken(&mut self, sql: &mut Session, everything: bool) -> Vec<String> {
        let mut broken = Vec::new();
        if let Some(change) = self.in_doubt.take() {
            let ids: Vec<&str> = change.iter().map(|(id, _)| id.as_str()).collect();
            let found = stored(sql, &ids);
            let is = |id: &str, order: Option<&Order>| found.get(id).cloned() == order.map(Order::text);
            if change.iter().all(|(id, after)| is(id, after.as_ref())) {
                self.settled.0 += 1;
                self.acknowledge(change);
            } else if change.iter().all(|(id, _)| is(id, self.orders.get(id).and_then(Option::as_ref))) {
                self.settled.1 += 1;
            } else {
                broken.push(format!("half a transaction: {change:?}, found {found:?}"));
            }
        }
        let ids: Vec<&str> = if everything {
            self.orders.keys().map(String::as_str).collect()
        } else {
            self.fresh.iter().map(String::as_str).collect()
        };
        for some in ids.chunks(5000) {
            let found = stored(sql, some);
            for id in some {
                let expected = self.orders[*id].as_ref().map(Order::text);
                if found.get(*id).cloned() != expected {
                    broken.push(format!("order {id}: {expected:?} acknowledged, {:?} found", found.get(*id)));
                }
            }
        }
        self.fresh.clear();
        let first = if everything { 0 } else { self.fresh_facts };
        for some in self.facts[first..].chunks(200) {
            let asked: Vec<_> = some
                .iter()
                .enumerate()
                .map(|(n, fact)| {
                    format!(
                        "SELECT {n} WHERE NOT EXISTS (SELECT FROM {} WHERE {})",
                        fact.relation, fact.condition
                    )
                })
                .collect();
            for lost in sql.rows(&asked.join(" UNION ALL ")) {
                let fact = &some[lost.parse::<usize>().expect("its place")];
                broken
                    .push(format!("acknowledged and not there: {} where {}", fact.relation, fact.condition));
            }
        }
        self.fresh_facts = self.facts.len();
        broken
    }
}

fn stored(sql: &mut Session, ids: &[&str]) -> BTreeMap<String, String> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    sql.rows(&format!(
        r#"SELECT id, "customerId", "venueId", status, (total * 100)::bigint, (coalesce(refunded, 0) * 100)::bigint
             FROM public."Order" WHERE id IN ('{}')"#,
        ids.join("','")
    ))
    .into_iter()
    .filter_map(|row| row.split_once('|').map(|(id, rest)| (id.to_owned(), rest.to_owned())))
    .collect()
}
