//! What row-level security costs who reads the list of guests: through its function, and from the tables behind it.

use std::time::Instant;

use super::Bench;
use super::page::Page;
use crate::Failure;
use crate::platform::{Platform, VENUE};
use crate::report::{Row, Section, Target, median};
use crate::session::Session;
use crate::statistics::ratios;

/// Calls of a short statement that a round counts with their mean.
const CALLS: usize = 50;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "isolation")?;
    let mut owner = copy.open()?;
    // A superuser is bound by no policy; the function asks for the organisation of whoever calls it.
    owner.run("SELECT crm.create_principal('superuser', NULL, 'staff', NULL, session_user)")?;
    owner.settle("")?;
    let mut staff = copy.open_as_staff()?;
    let page = Page { venue: Some(VENUE), sort: "-spend", ..Page::default() }.statement();
    let at = format!("t.org_id = 1 AND t.venue_id = crm.key('{VENUE}')");
    let columns = "c.name, t.label, t.total_visits, t.total_spent FROM crm.customer_venue_stats AS t JOIN crm.customer AS c USING (org_id, customer_id)";
    let guest: String = owner.value("SELECT max(customer_id::text) FROM crm.customer_venue_stats")?;
    let mut rows = Vec::new();
    let most = Some(Target::AtMost(1.1));
    for (what, statement, calls, target) in [
        ("a page of crm.customer_list", page, CALLS, most),
        (
            "one guest's row",
            format!("SELECT {columns} WHERE {at} AND t.customer_id = '{guest}'"),
            CALLS,
            None,
        ),
        (
            "50 guests in the order of their ids",
            format!("SELECT {columns} WHERE {at} ORDER BY t.customer_id LIMIT 50"),
            CALLS,
            None,
        ),
        (
            "the 50 guests who spent most, of all",
            format!("SELECT {columns} WHERE {at} ORDER BY t.total_spent DESC, t.customer_id LIMIT 50"),
            1,
            most,
        ),
        (
            "guests and spend per label, of all",
            format!(
                "SELECT t.label, count(*), sum(t.total_spent) FROM crm.customer_venue_stats AS t WHERE {at} GROUP BY t.label ORDER BY t.label"
            ),
            1,
            most,
        ),
    ] {
        if staff.rows(&statement)? != owner.rows(&statement)? {
            return Err(format!("{what}: the two read different rows").into());
        }
        let mut found = [Vec::new(), Vec::new()];
        for round in 0..4 * bench.options.rounds {
            // Bound, free, free, bound: each is first as often as second.
            let side = (round + round / 2) % 2;
            let session = if side == 0 { &mut staff } else { &mut owner };
            found[side].push(mean(session, &statement, calls)?);
        }
        let [bound, free] = &found;
        let figures = format!("{} ms against {} ms", median(bound), median(free));
        rows.push(Row::ratio(what, "the same as superuser", figures, &ratios(bound, free), target));
    }
    Ok(Section {
        title: "Row-level security".to_owned(),
        method: format!(
            "As an employee, whom policies limit to his organisation and venues, against a superuser, whom none limits; the same statements over TCP, with planning, \
             {CALLS} calls a round where they are short. Both read the same rows. A statement as such costs about 0.3 ms more, as \
             its policies are planned and the caller is looked up: without a target where the statement itself takes less."
        ),
        rows,
        plans: Vec::new(),
    })
}

fn mean(session: &mut Session, statement: &str, calls: usize) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..calls {
        session.rows(statement)?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e3 / calls as f64)
}
