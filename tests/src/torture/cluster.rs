//! A PostgreSQL cluster of our own, which may be killed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use postgres::Config;

use crate::database::succeed;
use crate::session::Session;

/// Settings of a server that is careful with its data, small enough to reach checkpoints and vacuums within minutes.
pub const CAREFUL: &[&str] = &[
    "fsync=on",
    "full_page_writes=on",
    "shared_buffers=128MB",
    "max_wal_size=128MB",
    "checkpoint_timeout=30s",
    "autovacuum_naptime=5s",
    "max_connections=60",
    "max_locks_per_transaction=256",
    "log_line_prefix=%m [%p] %e ",
];

/// A cluster made by scripts/cluster.sh; removed when dropped, unless the test failed.
pub struct PrivateCluster {
    name: String,
    settings: Vec<String>,
    data: PathBuf,
    config: Config,
}

impl PrivateCluster {
    /// Makes and starts one.
    pub fn start(purpose: &str, settings: &[&str]) -> Self {
        let name = format!("{purpose}-{}", std::process::id());
        let settings = settings.iter().map(|&s| s.to_owned()).collect();
        let mut cluster = Self { name, settings, data: PathBuf::new(), config: Config::new() };
        cluster.start_again();
        cluster
    }

    /// Starts it after a stop or a crash, and waits until it has recovered; it may get another port.
    pub fn start_again(&mut self) {
        let mut start = script();
        start.arg("start").arg(&self.name).args(&self.settings);
        // Somebody else may take the port between finding it free and listening there.
        let taken = start.output().is_ok_and(|output| !output.status.success());
        if taken {
            std::thread::sleep(Duration::from_secs(1));
        }
        let output = succeed(&mut start);
        let text = String::from_utf8_lossy(&output.stdout);
        let told: HashMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
        self.data = told["PGDATA"].into();
        self.config = Config::new();
        self.config
            .host("127.0.0.1")
            .port(told["PGPORT"].parse().expect("a port is a number"))
            .user("postgres")
            .password(told["PGPASSWORD"])
            .dbname("postgres")
            .connect_timeout(Duration::from_secs(10));
    }

    /// How to connect to one of its databases as superuser.
    pub fn config(&self, database: &str) -> Config {
        let mut config = self.config.clone();
        config.dbname(database);
        config
    }

    /// A superuser's session in one of its databases.
    pub fn session(&self, database: &str) -> Session {
        Session::open(&self.config(database))
    }

    /// SIGKILL to the server and all its processes, as when the machine goes.
    pub fn kill(&self) {
        // The server first, as nobody makes new processes once it is gone; then also those it made meanwhile.
        let server = self.server();
        kill(&[server]);
        let start = Instant::now();
        loop {
            let left = self.processes();
            // Until its number is given back, the server looks alive to who wants to start the next one.
            if left.is_empty() && !Path::new("/proc").join(server.to_string()).exists() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{server} or {left:?} survive SIGKILL");
            if left.is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            } else {
                kill(&left);
            }
        }
    }

    /// Stops it as an administrator does.
    pub fn stop(&self) {
        succeed(script().arg("stop").arg(&self.name));
    }

    /// Whether the server still has a process.
    pub fn is_running(&self) -> bool {
        !self.processes().is_empty()
    }

    /// SIGKILL to one session's process; the server then ends all others and recovers by itself.
    pub fn kill_session(&self, process: u32) {
        assert!(self.processes().contains(&process), "process {process} is one of ours");
        kill(&[process]);
    }

    /// Lines of the server's log that contain one of these, but for those of a port that was taken.
    pub fn logged(&self, parts: &[&str]) -> Vec<String> {
        let log = fs::read(self.data.join("log")).expect("the log can be read");
        let log = String::from_utf8_lossy(&log);
        let of_a_port = ["could not bind", "TCP/IP socket", "Is another postmaster"];
        log.lines()
            .filter(|line| {
                parts.iter().any(|part| line.contains(part))
                    && !of_a_port.iter().any(|part| line.contains(part))
            })
            .map(str::to_owned)
            .collect()
    }

    /// Where its data are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The server's processes: all work in the folder of its data.
    fn processes(&self) -> Vec<u32> {
        let entries = fs::read_dir("/proc").expect("/proc can be read");
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|process| fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|cwd| cwd == self.data))
            .collect()
    }

    fn server(&self) -> u32 {
        let file = self.data.join("postmaster.pid");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        text.lines().next().and_then(|line| line.trim().parse().ok()).expect("the first line is the process")
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the cluster is kept in {}", self.data.display());
        } else {
            succeed(script().arg("remove").arg(&self.name));
        }
    }
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/cluster.sh"))
}

fn kill(processes: &[u32]) {
    // Who has gone by himself meanwhile makes kill complain.
    let _ = Command::new("kill").arg("-KILL").args(processes.iter().map(u32::to_string)).output();
}
