//! One page of the customer list, against the same page computed on the fly from the orders.

use std::time::Instant;

use super::Bench;
use crate::Failure;
use crate::plans::{self, Plan};
use crate::platform::{Platform, VENUE};
use crate::report::{Row, Section, Target, median};
use crate::session::Session;
use crate::statistics::ratios;

const ON_THE_FLY: &str = include_str!("../../sql/on_the_fly.sql");
/// Rows of a page.
pub const ROWS: usize = 50;
/// Calls of the list for each computation on the fly; a round counts with their mean.
const CALLS: usize = 20;

/// A page of `crm.customer_list`: what is asked of it.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub venue: Option<&'static str>,
    pub label: Option<&'static str>,
    pub search: Option<String>,
    pub sort: &'static str,
    /// Cursor of the last row of the page before, as JSON.
    pub after: Option<String>,
}

impl Page {
    /// The call: the one place that knows the function's signature. Columns that are read: ref, label, orders, visits,
    /// spend, last order, cursor.
    pub fn statement(&self) -> String {
        let text =
            |value: Option<&str>| value.map_or("NULL".to_owned(), |v| format!("'{}'", v.replace('\'', "''")));
        format!(
            "SELECT ref, label, total_orders, total_visits, total_spent, last_order_at, cursor FROM crm.customer_list(
               venue => {}, labels => {}, search => {}, sort => '{}', after => {}, page_size => {ROWS})",
            text(self.venue),
            self.label.map_or("NULL".to_owned(), |label| format!("'{{{label}}}'")),
            text(self.search.as_deref()),
            self.sort,
            text(self.after.as_deref())
        )
    }
}

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "page")?;
    let mut owner = copy.open()?;
    let mut staff = copy.open_as_staff()?;
    let mut rows = Vec::new();
    for (what, page, order, labelled) in [
        (
            "guests at risk by last visit",
            Page { label: Some("AT_RISK"), sort: "-last_visit", ..Page::default() },
            "last_at",
            true,
        ),
        ("all guests by spend", Page { sort: "-spend", ..Page::default() }, "spent", false),
    ] {
        let page = Page { venue: Some(VENUE), ..page };
        let computed = on_the_fly(order, labelled);
        let statement = page.statement();
        same_guests(&mut owner, &mut staff, &computed, &statement)?;
        let (mut listed, mut on_the_fly) = (Vec::new(), Vec::new());
        for round in 0..bench.options.rounds {
            if round % 2 == 0 {
                on_the_fly.push(owner.milliseconds(&computed)?);
            }
            let start = Instant::now();
            for _ in 0..CALLS {
                staff.rows(&statement)?;
            }
            listed.push(start.elapsed().as_secs_f64() * 1e3 / CALLS as f64);
            if round % 2 == 1 {
                on_the_fly.push(owner.milliseconds(&computed)?);
            }
        }
        let found = format!("{} ms against {} ms", median(&listed), median(&on_the_fly));
        let against = if labelled {
            "the same page from the orders"
        } else {
            "totals alone from the orders, no scores"
        };
        rows.push(Row::ratio(
            what,
            against,
            found,
            &ratios(&on_the_fly, &listed),
            Some(Target::AtLeast(500.0)),
        ));
    }
    let plans = show_plans(&copy.name, bench)?;
    Ok(Section {
        title: "A page of the customer list".to_owned(),
        method: format!(
            "The first {ROWS} guests of the large venue; `crm.customer_list` as an employee, {CALLS} calls a round with planning and the way over TCP, against one \
             statement over the orders as superuser (`bench/sql/on_the_fly.sql`). The page by spend is computed without scores and labels, though the list \
             shows them. Both sides return the same guests in the same order."
        ),
        rows,
        plans,
    })
}

/// The page from the orders; without labels where the page does not need them to choose its guests.
fn on_the_fly(order: &str, labelled: bool) -> String {
    if labelled {
        return format!("{ON_THE_FLY} WHERE t.label = 'AT_RISK' ORDER BY t.{order} DESC LIMIT {ROWS}");
    }
    format!(
        r#"SELECT c.id, c.name, c.phone, c.email, g.* FROM (
             SELECT "customerId", count(*) AS orders, count(DISTINCT ("completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date) AS visits,
                    sum(total - "refundedAmount") AS spent, max(total - "refundedAmount"), min("completedAt"), max("completedAt") AS last_at
             FROM public."Order" WHERE "venueId" = '{VENUE}' AND status = 'COMPLETED' AND "customerId" IS NOT NULL
             GROUP BY "customerId" ORDER BY {order} DESC LIMIT {ROWS}) AS g
           JOIN public."Customer" AS c ON c.id = g."customerId" ORDER BY {order} DESC"#
    )
}

/// Guests with the same value may stand in either order.
fn same_guests(
    owner: &mut Session,
    staff: &mut Session,
    computed: &str,
    listed: &str,
) -> Result<(), Failure> {
    let (mut computed, mut listed) = (owner.column(computed)?, staff.column(listed)?);
    if computed.is_empty() {
        return Err("the page is empty".into());
    }
    computed.sort();
    listed.sort();
    if computed == listed {
        return Ok(());
    }
    let strangers = listed.iter().filter(|guest| !computed.contains(guest)).count();
    Err(format!("{strangers} of {} guests are not on the page computed from the orders", listed.len()).into())
}

fn show_plans(database: &str, bench: &Bench) -> Result<Vec<Plan>, Failure> {
    let mut watched = bench.cluster.open(database)?;
    plans::watch(&mut watched)?;
    watched.run(&format!("SET SESSION AUTHORIZATION {}", crate::cluster::STAFF))?;
    let page = Page { venue: Some(VENUE), label: Some("AT_RISK"), sort: "-last_visit", ..Page::default() };
    watched.rows(&page.statement())?;
    plans::of(&mut watched, "A page of guests at risk", &page.statement(), 0.05, 2)
}
