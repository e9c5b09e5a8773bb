//! Measures what pg_crm costs and saves against plain PostgreSQL, side by side, and writes docs/benchmarks.md.
//! `scripts/bench.sh` gives it a private cluster; `CRM_BENCH_URL` names it.

mod cases;
mod cluster;
mod machine;
mod options;
mod plans;
mod platform;
mod report;
mod session;
mod statistics;

use std::process::ExitCode;

use cases::{Bench, GROUPS};
use cluster::Cluster;
use options::Options;
use report::Report;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("crm_bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every case ran and both sides of each computed the same. A missed target is a finding, not a failure.
fn run() -> Result<bool, Failure> {
    let options = Options::from_arguments(std::env::args().skip(1))?;
    let bench = Bench { cluster: Cluster::from_environment()?, options };
    let mut report = Report::new(machine::describe(&bench)?);
    for group in &GROUPS {
        let cases: Vec<_> = group.cases.iter().filter(|case| bench.options.wants(case.name)).collect();
        if cases.is_empty() {
            continue;
        }
        let outcome = platform::Platform::make(&bench, group.shape).map(|platform| {
            report.add_size(&platform);
            for case in cases {
                bench.say(case.name);
                match (case.run)(&bench, &platform) {
                    Ok(section) => report.add(section),
                    Err(failure) => report.fail(case.name, &failure.to_string()),
                }
            }
        });
        if let Err(failure) = outcome {
            report.fail(&format!("platform {:?}", group.shape), &failure.to_string());
        }
        bench.cluster.drop_all()?;
    }
    print!("{}", report.summary());
    if let Some(path) = &bench.options.output {
        std::fs::write(path, report.document())?;
    }
    Ok(report.is_complete())
}
