//! How long a page of the customer list takes among a million stats rows, over a mix of what users ask.

use std::time::{Duration, Instant};

use super::Bench;
use super::page::Page;
use crate::Failure;
use crate::platform::{Platform, VENUE};
use crate::report::{Row, Section, Target, figure};
use crate::session::Session;
use crate::statistics::percentile;

const SORTS: [&str; 5] = ["-last_visit", "-spend", "-orders", "-visits", "name"];
const LABELS: [&str; 6] = ["CHAMPION", "LOYAL", "AT_RISK", "LOST", "NEW", "POTENTIAL"];
/// Calls for each round of the other cases, or as many as fit into the time.
const CALLS: usize = 300;
const TIME: Duration = Duration::from_secs(40);

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "latency")?;
    let mut staff = copy.open_as_staff()?;
    let start = Instant::now();
    let pages = mix(&mut staff, &mut copy.open()?)?;
    let mut kinds: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut all = Vec::new();
    let start_of_calls = start.elapsed();
    for (kind, page) in pages.iter().cycle().take(CALLS * bench.options.rounds) {
        let time = timed(&mut staff, &page.statement())?;
        all.push(time);
        match kinds.iter_mut().find(|(known, _)| known == kind) {
            Some((_, times)) => times.push(time),
            None => kinds.push((kind, vec![time])),
        }
        // A list too slow for the mix is measured on part of it.
        if start.elapsed() > start_of_calls + TIME && all.len() >= pages.len().min(20) {
            break;
        }
    }
    let mut empty: Vec<f64> = Vec::new();
    for _ in 0..500 {
        empty.push(timed(&mut staff, "SELECT 1")?);
    }
    let guests: String = copy.open()?.value("SELECT count(*) FROM crm.customer_venue_stats")?;
    let what = format!("{guests} stats rows, the whole mix, {} calls", all.len());
    let p50 = at(&mut all, 50.0);
    let p99 = at(&mut all, 99.0);
    let way = at(&mut empty, 50.0);
    let found = format!(
        "p50 {} ms, p99 {} ms; of this {} ms are the way over TCP",
        figure(p50),
        figure(p99),
        figure(way)
    );
    let mut rows = vec![
        Row::time(&what, "p50", found.clone(), p50, Some(Target::WithinMs(1.0))),
        Row::time(&what, "p99", found, p99, Some(Target::WithinMs(5.0))),
    ];
    for (kind, times) in &mut kinds {
        let found = format!(
            "p50 {} ms, p99 {} ms, {} calls",
            figure(at(times, 50.0)),
            figure(at(times, 99.0)),
            times.len()
        );
        rows.push(Row::time(kind, "–", found, at(times, 50.0), None));
    }
    Ok(Section {
        title: "The customer list among many guests".to_owned(),
        method: format!(
            "`crm.customer_list` as an employee, {} different pages in turns: per venue and over the chain, every sort, every label, the second and the tenth page, \
             parts of names and of phone numbers. Times include planning and the way over TCP.",
            pages.len()
        ),
        rows,
        plans: Vec::new(),
    })
}

pub(super) fn at(times: &mut [f64], percent: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    percentile(times, percent).unwrap_or(f64::INFINITY)
}

pub(super) fn timed(sql: &mut Session, statement: &str) -> Result<f64, Failure> {
    let start = Instant::now();
    sql.rows(statement)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// What is asked, kind by kind, the kinds interleaved.
fn mix(staff: &mut Session, owner: &mut Session) -> Result<Vec<(&'static str, Page)>, Failure> {
    let mut pages = Vec::new();
    for sort in SORTS {
        for venue in [Some(VENUE), None] {
            let first = Page { venue, sort, ..Page::default() };
            pages.push(("first page", first.clone()));
            pages.extend(following(staff, &first)?);
            for label in LABELS {
                let labelled = Page { label: Some(label), ..first.clone() };
                pages.push(("by label", labelled));
            }
        }
    }
    let names = owner.column("SELECT substr(split_part(name, ' ', 2), 1, 5) FROM bench.guest AS g JOIN public.\"Customer\" AS c USING (id) WHERE g.n % 70003 = 11 LIMIT 12")?;
    let phones = owner.column("SELECT substr(phone, 7, 5) FROM bench.guest AS g JOIN public.\"Customer\" AS c USING (id) WHERE g.n % 70003 = 17 LIMIT 12")?;
    for (kind, parts) in [("part of a name", names), ("part of a phone number", phones)] {
        pages.extend(parts.into_iter().map(|part| {
            (kind, Page { venue: Some(VENUE), search: Some(part), sort: "-last_visit", ..Page::default() })
        }));
    }
    // A fixed order in which neighbours differ.
    let count = pages.len();
    let step = (count / 3..count).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    Ok((0..count).map(|n| pages[n * step % count].clone()).collect())
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The second and the tenth page, reached as a user reaches them.
fn following(staff: &mut Session, first: &Page) -> Result<Vec<(&'static str, Page)>, Failure> {
    let mut found = Vec::new();
    let mut page = first.clone();
    for number in 2..=10 {
        let Some(cursor) = staff.rows(&page.statement())?.pop().and_then(|mut row| row.pop()) else { break };
        page.after = Some(cursor);
        if number == 2 || number == 10 {
            found.push((if number == 2 { "second page" } else { "tenth page" }, page.clone()));
        }
    }
    Ok(found)
}
