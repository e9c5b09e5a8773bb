//! SIGKILL at random moments under load.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::cluster::{CAREFUL, PrivateCluster};
use super::examination::{examine, prepare};
use super::gate::{Gate, Shift};
use super::journal::Journal;
use super::load::{Desk, Seller, jobs};
use crate::sequence::Sequence;

const DATABASE: &str = "torture";
const SELLERS: usize = 3;

/// How often, and from which seed the choices follow.
pub struct Plan {
    /// Times that the whole server is killed.
    pub kills: u32,
    /// Longest time that the load runs between two of them.
    pub longest: Duration,
    /// What the clients choose, and the moments.
    pub seed: u64,
}

/// What was seen.
#[derive(Debug)]
pub struct Outcome {
    /// The server and all its processes killed.
    pub servers_killed: u32,
    /// One session's process killed, which the server survives by ending all others.
    pub sessions_killed: u32,
    /// Transactions that were acknowledged, all of which were found.
    pub acknowledged: u64,
    /// Transactions under way when the connection went, that were found done, and not done at all.
    pub in_doubt: (u64, u64),
    /// What was not as it should be.
    pub findings: Vec<String>,
}

/// Kills, restarts and examines, as often as planned; ends at the first finding, with the cluster kept.
pub fn run(plan: &Plan) -> Outcome {
    let mut cluster = PrivateCluster::start("kill", CAREFUL);
    cluster.session("postgres").run(&format!("CREATE DATABASE {DATABASE}"));
    let mut sql = cluster.session(DATABASE);
    sql.run("CREATE EXTENSION pg_crm CASCADE; SELECT crm.install()");
    prepare(&mut sql);
    drop(sql);

    let gate = Gate::default();
    let journals: Vec<Mutex<Journal>> = (0..=SELLERS).map(|_| Mutex::default()).collect();
    let mut choices = Sequence::from_seed(plan.seed);
    let mut outcome = Outcome {
        servers_killed: 0,
        sessions_killed: 0,
        acknowledged: 0,
        in_doubt: (0, 0),
        findings: vec![],
    };
    std::thread::scope(|threads| {
        let gate = &gate;
        let _shift = Shift(gate);
        for (n, journal) in journals[1..].iter().enumerate() {
            let mut seller = Seller::new(&format!("s{n}"), gate, journal, plan.seed + 1 + n as u64);
            threads.spawn(move || gate.work(|sql| seller.step(sql)));
        }
        let mut desk = Desk::new(gate, &journals[0], plan.seed + 100);
        threads.spawn(move || gate.work(|sql| desk.step(sql)));
        let mut order_of_jobs = Sequence::from_seed(plan.seed + 200);
        threads.spawn(move || gate.work(|sql| jobs(gate, &mut order_of_jobs, sql)));

        while outcome.servers_killed < plan.kills && outcome.findings.is_empty() {
            let mut sql = cluster.session(DATABASE);
            let victim = sql.value("SELECT pg_backend_pid()").parse().expect("a process");
            gate.open(cluster.config(DATABASE));
            let longest = plan.longest.as_millis() as u64;
            std::thread::sleep(Duration::from_millis(50 + choices.below(longest)));
            let whole = choices.below(6) > 0;
            if whole {
                cluster.kill();
                outcome.servers_killed += 1;
            } else {
                cluster.kill_session(victim);
                outcome.sessions_killed += 1;
            }
            drop(sql);
            gate.close();
            if whole {
                cluster.start_again();
            }
            let mut sql = after_recovery(&cluster);
            let everything =
                outcome.servers_killed == plan.kills || outcome.servers_killed.is_multiple_of(50);
            outcome.findings = gate.findings();
            outcome.findings.extend(examine(&mut sql, &journals, everything));
            if outcome.servers_killed.is_multiple_of(10) && whole {
                println!("{} kills: {} findings", outcome.servers_killed, outcome.findings.len());
            }
        }
    });
    for journal in &journals {
        let journal = journal.lock().expect("no panic while held");
        outcome.acknowledged += journal.acknowledged;
        outcome.in_doubt.0 += journal.settled.0;
        outcome.in_doubt.1 += journal.settled.1;
    }
    // Internal errors and damaged data are findings wherever they were met.
    outcome.findings.extend(cluster.logged(&[" XX000 ", " XX001 ", " XX002 ", "PANIC:", "TRAP:"]));
    assert!(outcome.findings.is_empty(), "seed {}: {:#?}", plan.seed, outcome);
    outcome
}

/// A session as soon as the server takes one: after one process was killed it recovers by itself.
fn after_recovery(cluster: &PrivateCluster) -> crate::Session {
    let start = Instant::now();
    loop {
        match crate::Session::try_open(&cluster.config(DATABASE)) {
            Ok(session) => return session,
            Err(e) => assert!(start.elapsed() < Duration::from_secs(60), "the server does not recover: {e}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
