//! Who works while the server is killed: sellers, the front desk and the jobs.

use std::sync::Mutex;
use std::time::Duration;

use super::gate::{Gate, Lost};
use super::journal::{Change, Journal, Order};
use crate::restaurant;
use crate::sequence::Sequence;
use crate::session::Session;

/// Guests `g0`, `g1`, … that are there from the start.
pub const GUESTS: u64 = 300;
const VENUES: [&str; 2] = ["bistro", "bar"];

/// A seller's orders: completed, refunded, handed to another guest, deleted, one or many at once.
pub struct Seller<'a> {
    /// Tells his orders from others'.
    pub name: String,
    /// When to work.
    pub gate: &'a Gate,
    /// What was acknowledged.
    pub journal: &'a Mutex<Journal>,
    /// His choices.
    pub choices: Sequence,
    made: u64,
}

impl<'a> Seller<'a> {
    /// One with choices of his own.
    pub fn new(name: &str, gate: &'a Gate, journal: &'a Mutex<Journal>, seed: u64) -> Self {
        Self { name: name.to_owned(), gate, journal, choices: Sequence::from_seed(seed), made: 0 }
    }

    /// One transaction.
    pub fn step(&mut self, sql: &mut Session) -> Result<(), Lost> {
        let change = self.choose();
        if change.is_empty() {
            return Ok(());
        }
        let statements = statements(&change, &self.journal.lock().expect("no panic while held"));
        match sql.attempt(&statements) {
            Ok(()) => {
                self.journal.lock().expect("no panic while held").acknowledge(change);
                Ok(())
            }
            Err(refusal) => {
                let lost = self.gate.judge(refusal, &[], "a sale");
                if lost.is_err() {
                    self.journal.lock().expect("no panic while held").doubt(change);
                }
                lost
            }
        }
    }

    fn choose(&mut self) -> Change {
        let kind = self.choices.below(100);
        match kind {
            0..40 => vec![self.new_order(true)],
            40..52 => vec![self.new_order(false)],
            52..58 => (0..2 + self.choices.below(28)).map(|_| self.new_order(true)).collect(),
            58..96 => self.edited(1, kind),
            _ => self.edited(10, kind),
        }
    }

    fn new_order(&mut self, completed: bool) -> (String, Option<Order>) {
        self.made += 1;
        let guest = format!("g{}", self.choices.below(GUESTS));
        let venue = VENUES[usize::from(self.choices.below(3) == 0)];
        let total = 100 + self.choices.below(20_000);
        (format!("{}-{}", self.name, self.made), Some(Order { guest, venue, completed, total, refunded: 0 }))
    }

    /// Some of his orders, changed.
    fn edited(&mut self, most: u64, kind: u64) -> Change {
        let journal = self.journal.lock().expect("no panic while held");
        let mut change = Change::new();
        for _ in 0..most {
            let id = format!("{}-{}", self.name, 1 + self.choices.below(self.made.max(1)));
            let Some(Some(order)) = journal.orders.get(&id) else { continue };
            if change.iter().any(|(other, _)| *other == id) {
                continue;
            }
            let mut order = order.clone();
            match kind % 5 {
                0 | 1 => order.completed = true,
                2 => order.refunded = order.total * self.choices.below(5) / 4,
                3 => order.guest = format!("g{}", self.choices.below(GUESTS)),
                _ if self.choices.below(3) == 0 => {
                    change.push((id, None));
                    continue;
                }
                _ => order.total = order.refunded + self.choices.below(20_000),
            }
            order.refunded = order.refunded.min(order.total);
            change.push((id, Some(order)));
        }
        change
    }
}

fn money(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A change as one INSERT, one UPDATE and one DELETE at most, in one transaction.
fn statements(change: &Change, journal: &Journal) -> String {
    let (mut made, mut edited, mut gone) = (vec![], vec![], vec![]);
    for (id, after) in change {
        let known = journal.orders.get(id).is_some_and(Option::is_some);
        match after {
            Some(order) => {
                let status = if order.completed { "COMPLETED" } else { "PENDING" };
                let row = format!(
                    "('{id}', '{}', '{}', '{status}', {}, {})",
                    order.venue,
                    order.guest,
                    money(order.total),
                    money(order.refunded)
                );
                if known { edited.push(row) } else { made.push(row) }
            }
            None => gone.push(format!("'{id}'")),
        }
    }
    let mut sql = Vec::new();
    if !made.is_empty() {
        sql.push(format!(
            r#"INSERT INTO public."Order" (id, "venueId", "customerId", status, total, refunded, "completedAt")
               SELECT v.*, crm.now() - random() * interval '60 days' FROM (VALUES {}) AS v"#,
            made.join(", ")
        ));
    }
    if !edited.is_empty() {
        sql.push(format!(
            r#"UPDATE public."Order" AS o SET "customerId" = v.guest, status = v.status, total = v.total, refunded = v.refunded
                 FROM (VALUES {}) AS v (id, venue, guest, status, total, refunded) WHERE o.id = v.id"#,
            edited.join(", ")
        ));
    }
    if !gone.is_empty() {
        sql.push(format!(r#"DELETE FROM public."Order" WHERE id IN ({})"#, gone.join(", ")));
    }
    match sql.len() {
        1 => sql.remove(0),
        _ => format!("BEGIN; {}; COMMIT", sql.join("; ")),
    }
}

/// The front desk: consents, captures with an order, notes and merges.
pub struct Desk<'a> {
    gate: &'a Gate,
    journal: &'a Mutex<Journal>,
    choices: Sequence,
    /// Guests captured and not merged, by the platform's id.
    captured: Vec<String>,
    made: u64,
}

/// A lock that was not had in time is to be tried again; a merge meets sweeps and nights.
const TRY_AGAIN: &[&str] = &["55P03", "40P01"];

impl<'a> Desk<'a> {
    /// One with choices of its own.
    pub fn new(gate: &'a Gate, journal: &'a Mutex<Journal>, seed: u64) -> Self {
        Self { gate, journal, choices: Sequence::from_seed(seed), captured: vec![], made: 0 }
    }

    /// One thing it does.
    pub fn step(&mut self, sql: &mut Session) -> Result<(), Lost> {
        match self.choices.below(10) {
            0..5 => self.consent(sql),
            5..7 => self.capture(sql),
            7 => self.note(sql),
            _ => self.merge(sql),
        }
    }

    /// Runs a query and keeps what the answer promises.
    fn ask(
        &mut self,
        sql: &mut Session,
        query: &str,
        facts: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Result<Option<String>, Lost> {
        match sql.try_rows(query) {
            Ok(rows) => {
                let mut journal = self.journal.lock().expect("no panic while held");
                let answer = rows.into_iter().next().unwrap_or_default();
                for (relation, condition) in facts(&answer) {
                    journal.promise(relation, condition);
                }
                Ok(Some(answer))
            }
            // Whoever is at work while the orders are taken out of the binding may not read them any more.
            Err(refusal) if refusal.message == "permission denied for table Order" => Ok(None),
            Err(refusal) => self.gate.judge(refusal, TRY_AGAIN, query).map(|()| None),
        }
    }

    fn consent(&mut self, sql: &mut Session) -> Result<(), Lost> {
        let guest = format!("g{}", self.choices.below(GUESTS));
        let channel = ["EMAIL_MARKETING", "SMS_MARKETING"][self.choices.below(2) as usize];
        let action = ["GRANTED", "GRANTED", "REVOKED"][self.choices.below(3) as usize];
        let query = format!(
            "SELECT entry_id FROM crm.record_consent('{guest}', '{channel}', '{action}', 'checkout', ip => '192.0.2.1', user_agent => 'till')"
        );
        self.ask(sql, &query, |entry| {
            vec![
                (
                    "crm.consent_entry AS e",
                    format!("e.org_id = 1 AND e.entry_id = {entry} AND e.customer_id = crm.key('{guest}') AND e.channel = '{channel}' AND e.action = '{action}'"),
                ),
                ("crm.consent_evidence AS e", format!("e.org_id = 1 AND e.entry_id = {entry} AND e.user_agent = 'till'")),
            ]
        })?;
        Ok(())
    }

    fn capture(&mut self, sql: &mut Session) -> Result<(), Lost> {
        self.made += 1;
        let phone = format!("+336{:08}", 10_000_000 + self.made);
        let query = format!("SELECT ref FROM crm.capture_customer('{phone}', 'Guest {}')", self.made);
        let made = self.ask(sql, &query, |guest| {
            vec![
                (
                    "crm.customer AS c",
                    format!("c.org_id = 1 AND c.ref = '{guest}' AND c.phone_e164 = '{phone}'"),
                ),
                (r#"public."Customer" AS c"#, format!("c.id = '{guest}' AND c.phone = '{phone}'")),
            ]
        })?;
        let Some(guest) = made else { return Ok(()) };
        let order = format!("desk-{}", self.made);
        let placed = format!(
            r#"INSERT INTO public."Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('{order}', 'bar', '{guest}', 'COMPLETED', 12, crm.now())"#
        );
        self.captured.push(guest.clone());
        self.ask(sql, &placed, |_| {
            vec![(
                r#"public."Order" AS o"#,
                format!("o.id = '{order}' AND o.status = 'COMPLETED' AND o.total = 12"),
            )]
        })?;
        Ok(())
    }

    fn note(&mut self, sql: &mut Session) -> Result<(), Lost> {
        self.made += 1;
        let query =
            format!("SELECT crm.add_note('g{}', 'bistro', 'Note {}')", self.choices.below(GUESTS), self.made);
        let body = format!("Note {}", self.made);
        self.ask(sql, &query, |note| {
            vec![("crm.note AS n", format!("n.org_id = 1 AND n.note_id = {note} AND n.body = '{body}'"))]
        })?;
        Ok(())
    }

    fn merge(&mut self, sql: &mut Session) -> Result<(), Lost> {
        if self.captured.len() < 2 {
            return Ok(());
        }
        // Whoever was in doubt is left alone from now on.
        let dropped = self.captured.swap_remove(self.choices.below(self.captured.len() as u64) as usize);
        let keep = self.captured[self.choices.below(self.captured.len() as u64) as usize].clone();
        let for_good = self.choices.below(4) > 0;
        let merge = format!("SELECT crm.merge_customers('{keep}', '{dropped}', 'one person')");
        let done = self.ask(sql, &merge, |_| match for_good {
            true => vec![(
                "crm.merged_customer AS m",
                format!(
                    "m.org_id = 1 AND m.customer_id = crm.key('{dropped}') AND m.into_id = crm.key('{keep}')"
                ),
            )],
            false => vec![],
        })?;
        if done.is_some() && !for_good {
            self.ask(sql, &format!("SELECT crm.unmerge_customer('{dropped}')"), |_| vec![])?;
        }
        Ok(())
    }
}

/// Sweeps, nights and backfills, one after the other.
pub fn jobs(gate: &Gate, choices: &mut Sequence, sql: &mut Session) -> Result<(), Lost> {
    let steps: &[&str] = match choices.below(20) {
        0..9 => &["CALL crm.run_sweep()"],
        9..16 => &["CALL crm.run_night()"],
        16..18 => &["CALL crm.run_night(recount => true)"],
        18 => &["SELECT crm.rebind('order')"],
        _ => &["SELECT crm.unbind('order')", restaurant::BIND_ORDER_WITH_REFUNDS, "CALL crm.backfill()"],
    };
    for step in steps {
        // A binding waits two seconds for its lock; one that is there already was made by the examination.
        while let Err(refusal) = sql.attempt(step) {
            let again = refusal.code == "55P03";
            gate.judge(refusal, &["55P03"], step)?;
            if !again || !gate.is_open() {
                break;
            }
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    Ok(())
}
