//! The service as a program of its own. `CRM_API_BIN` names it.

use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use postgres::config::Host;

use crate::database::TestDatabase;

/// A running service; it is told to stop when this is dropped, and when the tests end in whatever way.
pub struct Program {
    process: Child,
    /// Its address as a URL, without a path.
    pub base: String,
}

impl Program {
    /// Starts the service over a database, with further settings, and waits until it answers.
    pub fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let program = std::env::var("CRM_API_BIN").expect("CRM_API_BIN must name the crm_api program");
        let listen =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        // A shell passes on that the pipe to it closed. Settings the service does not know make it refuse to start,
        // and the tests have some.
        let process = Command::new("/bin/sh")
            .args(["-c", r#""$0" & read -r _; kill $!; wait $!"#, &program])
            .env_clear()
            .env("CRM_DATABASE_URL", connection_string(database, "crm_service"))
            .env("CRM_LISTEN", listen.to_string())
            .env("CRM_SEND_MAIL", "off")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("crm_api starts");
        let base = format!("http://{listen}");
        let start = Instant::now();
        while minreq::get(format!("{base}/healthz")).with_timeout(1).send().is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "crm_api answers within 20 seconds");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, base }
    }

    /// Tells it to stop, as SIGTERM does.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("the process is ours")
    }
}

/// How a login connects to a database, as the service is told it.
pub fn connection_string(database: &TestDatabase, login: &str) -> String {
    let config = database.config_as(login);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "127.0.0.1".to_owned(),
    };
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("host={host} port={port} user={login} password='{password}' dbname={}", database.name())
}
