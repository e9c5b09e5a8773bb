//! Hours of mixed work on a fast clock: nothing may grow without bound, nothing fail, and all must hold at the end.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::cluster::{CAREFUL, PrivateCluster};
use super::examination::{examine, prepare};
use super::gate::{Gate, Lost, Shift};
use super::journal::Journal;
use super::load::{Desk, GUESTS, Seller};
use crate::sequence::Sequence;
use crate::session::Session;

const DATABASE: &str = "soak";
/// Memory of a session may grow by so much after the first tenth of the run, in MB: caches of plans and catalogues.
const MOST_GROWTH: u64 = 24;
/// Tables whose rows are as many as there are guests, segments or days: what they weigh must not grow with the work.
const BOUNDED: [&str; 6] =
    ["customer_venue_stats", "venue_scoring", "guest_segments", "listed_guest", "reachable_guest", "consent"];

/// How long, and how gently.
pub struct Plan {
    /// How long in all.
    pub lasting: Duration,
    /// How long a day of the CRM's clock takes.
    pub day: Duration,
    /// How long a client rests after each step.
    pub pause: Duration,
    /// What the clients choose.
    pub seed: u64,
}

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// How long it ran.
    pub seconds: u64,
    /// Nights, one a day of the clock.
    pub nights: u32,
    /// Transactions acknowledged, and reads answered.
    pub acknowledged: u64,
    /// Memory of each session of its own in kB: after a tenth of the run, at the end.
    pub memory: BTreeMap<String, (u64, u64)>,
    /// Of the tables with a bounded number of rows: bytes after a tenth of the run, at the end, and dead per cent of them.
    pub tables: BTreeMap<String, (i64, i64, f64)>,
    /// What was not as it should be.
    pub findings: Vec<String>,
}

fn read(choices: &mut Sequence, gate: &Gate, sql: &mut Session) -> Result<(), Lost> {
    let guest = choices.below(GUESTS);
    let query = match choices.below(8) {
        0 => "SELECT count(*) FROM crm.customer_list('bistro', sort => '-spend')".to_owned(),
        1 => format!("SELECT count(*) FROM crm.customer_list(search => 'Guest {guest}')"),
        2 => format!("SELECT crm.dossier('g{guest}')"),
        3 => format!("SELECT crm.explain_rfm('g{guest}', 'bistro')"),
        4 => "SELECT crm.overview('bar')".to_owned(),
        5 => format!("SELECT crm.timeline('g{guest}')"),
        6 => r#"SELECT crm.preview_segment('{"v":1,"where":{"all":[{"field":"total_spent","op":"gte","value":"500"},{"field":"orders","op":"count_gte","value":2,"within":{"last":"30d"}}]}}', 'bistro')"#.to_owned(),
        _ => format!("SELECT crm.tag_customers(ARRAY['g{guest}'], ARRAY['t{}'])", choices.below(5)),
    };
    match sql.try_rows(&query) {
        Ok(_) => Ok(()),
        Err(refusal) => gate.judge(refusal, &["55P03", "40P01"], &query),
    }
}

/// Memory of its own of each session of the database in kB, by its name and process.
fn memory(sql: &mut Session) -> BTreeMap<String, u64> {
    sql.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
        .into_iter()
        .filter_map(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
            Some((format!("session {pid}"), line.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect()
}

fn sizes(sql: &mut Session) -> BTreeMap<String, (i64, f64)> {
    BOUNDED
        .iter()
        .map(|table| {
            let row = sql.value(&format!(
                "SELECT pg_total_relation_size('crm.{table}'), s.dead_tuple_percent FROM pgstattuple('crm.{table}') AS s"
            ));
            let (bytes, dead) = row.split_once('|').expect("two columns");
            ((*table).to_owned(), (bytes.parse().expect("bytes"), dead.parse().expect("per cent")))
        })
        .collect()
}

/// Works for as long as planned and examines all at the end.
pub fn run(plan: &Plan) -> Outcome {
    let settings = [CAREFUL, &["autovacuum_vacuum_scale_factor=0.1"]].concat();
    let cluster = PrivateCluster::start("soak", &settings);
    cluster.session("postgres").run(&format!("CREATE DATABASE {DATABASE}"));
    let mut sql = cluster.session(DATABASE);
    sql.run("CREATE EXTENSION pg_crm CASCADE; CREATE EXTENSION pgstattuple; SELECT crm.install()");
    prepare(&mut sql);
    // Who reads guests acts for an organisation.
    sql.run(
        "SELECT crm.create_principal('soak', (SELECT ref FROM crm.organisation), 'admin', NULL, 'postgres')",
    );
    let mut outcome = Outcome {
        seconds: 0,
        nights: 0,
        acknowledged: 0,
        memory: BTreeMap::new(),
        tables: BTreeMap::new(),
        findings: vec![],
    };

    let gate = Gate::default();
    let journals: [Mutex<Journal>; 2] = Default::default();
    let start = Instant::now();
    let mut clock = String::new();
    let mut early = None;
    std::thread::scope(|threads| {
        let gate = &gate;
        let _shift = Shift(gate);
        let rest = plan.pause;
        let mut seller = Seller::new("s", gate, &journals[0], plan.seed);
        threads.spawn(move || {
            gate.work(|sql| {
                std::thread::sleep(rest);
                seller.step(sql)
            })
        });
        let mut desk = Desk::new(gate, &journals[1], plan.seed + 1);
        let mut reads = Sequence::from_seed(plan.seed + 2);
        threads.spawn(move || {
            gate.work(|sql| {
                std::thread::sleep(rest);
                desk.step(sql)?;
                read(&mut reads, gate, sql)
            })
        });
        gate.open(cluster.config(DATABASE));
        let mut jobs = cluster.session(DATABASE);
        while start.elapsed() < plan.lasting && gate.findings().is_empty() {
            let night = Instant::now();
            outcome.nights += 1;
            clock = sql.value(&format!("SELECT clock_timestamp() + interval '{} days'", outcome.nights));
            gate.set_clock(&clock);
            jobs.run(&format!("SET crm.as_of = '{clock}'"));
            for job in ["CALL crm.run_night()", "CALL crm.run_sweep()", "DELETE FROM crm.outbox"] {
                if let Err(refusal) = jobs.attempt(job) {
                    gate.find(format!("{job}: {refusal:?}"));
                }
            }
            if early.is_none() && start.elapsed() > plan.lasting / 10 {
                early = Some((memory(&mut sql), sizes(&mut sql)));
            }
            std::thread::sleep(plan.day.saturating_sub(night.elapsed()));
        }
        let (memory_then, sizes_then) = early.unwrap_or_default();
        let memory_now = memory(&mut sql);
        gate.close();
        sql.run("VACUUM");
        let sizes_now = sizes(&mut sql);
        for (session, then) in memory_then {
            if let Some(&now) = memory_now.get(&session) {
                outcome.memory.insert(session, (then, now));
            }
        }
        for (table, (then, _)) in sizes_then {
            let (now, dead) = sizes_now[&table];
            outcome.tables.insert(table, (then, now, dead));
        }
    });
    outcome.seconds = start.elapsed().as_secs();
    outcome.findings = gate.findings();
    for (session, (then, now)) in &outcome.memory {
        if *now > then + MOST_GROWTH * 1024 {
            outcome.findings.push(format!("{session} grew from {then} to {now} kB"));
        }
    }
    for (table, (then, now, _)) in &outcome.tables {
        // A quarter more guests come than there were, and pages once used are kept.
        if *now > 3 * then + 4_000_000 {
            outcome.findings.push(format!("crm.{table} grew from {then} to {now} bytes"));
        }
    }
    sql.run(&format!("SET crm.as_of = '{clock}'"));
    outcome.findings.extend(examine(&mut sql, &journals, true));
    outcome.findings.extend(cluster.logged(&[" XX000 ", " XX001 ", " XX002 ", "PANIC:", "TRAP:"]));
    for journal in &journals {
        outcome.acknowledged += journal.lock().expect("no panic while held").acknowledged;
    }
    assert!(outcome.findings.is_empty(), "seed {}: {outcome:#?}", plan.seed);
    outcome
}
