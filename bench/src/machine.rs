//! What the figures were measured on.

use std::fs;
use std::process::Command;

use crate::Failure;
use crate::cases::Bench;

/// Settings that a reader needs in order to compare.
const SETTINGS: &str = "shared_buffers,work_mem,fsync,full_page_writes,wal_compression,synchronous_commit,max_wal_size,\
                        checkpoint_timeout,autovacuum,jit,random_page_cost,max_parallel_workers_per_gather";

/// Pairs of a subject and its value.
pub fn describe(bench: &Bench) -> Result<Vec<(String, String)>, Failure> {
    let mut sql = bench.cluster.open("postgres")?;
    let settings = sql.rows(&format!(
        "SELECT name, current_setting(name) FROM unnest(string_to_array('{SETTINGS}', ',')) AS name"
    ))?;
    let settings: Vec<_> = settings.iter().map(|row| row.join(" ")).collect();
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let facts: [(&str, String); 10] = [
        ("date", sql.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'")?),
        ("cores", format!("{threads} × {}", line_of("/proc/cpuinfo", "model name").unwrap_or_else(unknown))),
        (
            "memory",
            line_of("/proc/meminfo", "MemTotal").as_deref().and_then(gigabytes).unwrap_or_else(unknown),
        ),
        (
            "kernel",
            fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |s| s.trim().to_owned()),
        ),
        (
            "load before",
            fs::read_to_string("/proc/loadavg").map_or_else(|_| unknown(), |s| s.chars().take(14).collect()),
        ),
        ("PostgreSQL", sql.value("SHOW server_version")?),
        (
            "pg_crm",
            format!(
                "{}, commit {}",
                sql.value::<String>(
                    "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_crm'"
                )?,
                output("git", &["describe", "--always", "--dirty"]).unwrap_or_else(unknown)
            ),
        ),
        ("rustc", output("rustc", &["--version"]).unwrap_or_else(unknown)),
        ("settings", settings.join(", ")),
        (
            "size",
            format!("{} orders on the main platform, {} rounds", bench.options.orders, bench.options.rounds),
        ),
    ];
    Ok(facts.into_iter().map(|(subject, value)| (subject.to_owned(), value)).collect())
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn line_of(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn gigabytes(kilobytes: &str) -> Option<String> {
    let number: f64 = kilobytes.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} GB", number / 1_048_576.0))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(crate::platform::root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
