//! What a host does at the door, among many guests: find, open, capture.

use super::Bench;
use super::latency::{at, timed};
use crate::Failure;
use crate::platform::{Platform, VENUE};
use crate::report::{Row, Section, Target, figure};
use crate::session::Session;

/// Different questions of each kind.
const QUESTIONS: usize = 50;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "guests")?;
    let mut owner = copy.open()?;
    let mut staff = copy.open_as_staff()?;
    owner.run("CALL crm.run_sweep()")?;
    owner.settle("")?;
    let guests: String = owner.value("SELECT count(*) FROM crm.customer")?;
    let mut rows = Vec::new();
    let mut searches = Vec::new();
    for (kind, expression) in [
        ("the last four digits", "right(phone, 4)"),
        ("a phone number", "phone"),
        ("a whole name", "name"),
        ("the beginning of a family name", "left(split_part(name, ' ', 2), 4)"),
        ("a misspelt name", "overlay(name PLACING 'x' FROM length(name) - 2 FOR 1)"),
        ("an e-mail address", "email"),
        ("nobody", "'Qwxyz ' || g.n"),
    ] {
        let calls = asked(
            &mut owner,
            &format!("'SELECT ref FROM crm.find_customers(' || quote_literal({expression}) || ')'"),
        )?;
        let mut times = measure(bench, &mut staff, &calls)?;
        rows.push(row(kind, &mut times, None));
        searches.extend(times);
    }
    rows.insert(0, row(&format!("{guests} guests, all searches"), &mut searches, Some((99.0, 10.0))));
    for (what, call, target) in [
        ("a dossier", "'SELECT crm.dossier(' || quote_literal(id) || ')'".to_owned(), Some((50.0, 5.0))),
        (
            "a kitchen card",
            format!("'SELECT crm.kitchen_card(' || quote_literal(id) || ', ''{VENUE}'')'"),
            Some((50.0, 1.0)),
        ),
        ("a timeline", "'SELECT * FROM crm.timeline(' || quote_literal(id) || ')'".to_owned(), None),
        (
            "a capture of a known number",
            format!("'SELECT crm.capture_customer(' || quote_literal(phone) || ', venue => ''{VENUE}'')'"),
            None,
        ),
    ] {
        let calls = asked(&mut owner, &call)?;
        rows.push(row(what, &mut measure(bench, &mut staff, &calls)?, target));
    }
    Ok(Section {
        title: "A host at the door".to_owned(),
        method: format!(
            "As an employee, over TCP, {QUESTIONS} different questions of each kind, drawn evenly from all guests. The generated guests share sixteen first names, \
             so that a whole name is one of several."
        ),
        rows,
        plans: Vec::new(),
    })
}

/// Calls about guests drawn evenly, made by an expression.
fn asked(owner: &mut Session, call: &str) -> Result<Vec<String>, Failure> {
    owner.column(&format!(
        "SELECT {call} FROM bench.guest AS g JOIN public.\"Customer\" AS c USING (id)
          WHERE g.n % greatest(1, (SELECT count(*) FROM bench.guest) / {QUESTIONS}) = 1 AND g.n > 0 LIMIT {QUESTIONS}"
    ))
}

fn measure(bench: &Bench, staff: &mut Session, calls: &[String]) -> Result<Vec<f64>, Failure> {
    // Once for the plans and the cache.
    for call in calls {
        staff.rows(call)?;
    }
    let mut times = Vec::new();
    for _ in 0..bench.options.rounds {
        for call in calls {
            times.push(timed(staff, call)?);
        }
    }
    Ok(times)
}

fn row(what: &str, times: &mut [f64], target: Option<(f64, f64)>) -> Row {
    let (p50, p99) = (at(times, 50.0), at(times, 99.0));
    let found = format!("p50 {} ms, p99 {} ms, {} calls", figure(p50), figure(p99), times.len());
    match target {
        Some((percent, within)) => {
            Row::time(what, &format!("p{percent}"), found, at(times, percent), Some(Target::WithinMs(within)))
        }
        None => Row::time(what, "–", found, p50, None),
    }
}
