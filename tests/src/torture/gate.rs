//! Tells the clients when to work, and collects what goes wrong for them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres::Config;

use crate::session::{Refusal, Session};

/// Shared by all clients of a run.
pub struct Gate {
    /// Odd while the clients work.
    turn: AtomicU64,
    at_work: AtomicUsize,
    over: AtomicBool,
    config: Mutex<Config>,
    findings: Mutex<Vec<String>>,
    /// The CRM's clock, and how often it was set; none for the real one.
    clock: Mutex<(u64, String)>,
}

/// Ends all clients of a gate for good when it is dropped, in a panic too.
pub struct Shift<'a>(pub &'a Gate);

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.0.turn.fetch_add(2, Ordering::SeqCst);
    }
}

/// The connection is gone; whether the last transaction was done is not known.
pub struct Lost;

impl Default for Gate {
    fn default() -> Self {
        Self {
            turn: AtomicU64::new(0),
            at_work: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            config: Mutex::new(Config::new()),
            findings: Mutex::new(Vec::new()),
            clock: Mutex::new((0, String::new())),
        }
    }
}

impl Gate {
    /// Lets the clients connect and work.
    pub fn open(&self, config: Config) {
        *self.config.lock().expect("no panic while held") = config;
        self.turn.fetch_add(1, Ordering::SeqCst);
    }

    /// Stops them, each after the transaction it is at, and waits.
    pub fn close(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
        let start = Instant::now();
        while self.at_work.load(Ordering::SeqCst) > 0 {
            assert!(start.elapsed() < Duration::from_secs(120), "a client does not come back");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sets the CRM's clock of all sessions, each from its next step on.
    pub fn set_clock(&self, moment: &str) {
        let mut clock = self.clock.lock().expect("no panic while held");
        *clock = (clock.0 + 1, moment.to_owned());
    }

    fn follow_clock(&self, known: &mut u64, session: &mut Session) -> Result<(), Lost> {
        let (set, moment) = self.clock.lock().expect("no panic while held").clone();
        if set == *known {
            return Ok(());
        }
        *known = set;
        match session.attempt(&format!("SET crm.as_of = '{moment}'")) {
            Ok(()) => Ok(()),
            Err(refusal) => self.judge(refusal, &[], "the clock"),
        }
    }

    /// Whether the clients are to go on with what they do.
    pub fn is_open(&self) -> bool {
        !self.turn.load(Ordering::SeqCst).is_multiple_of(2)
    }

    /// Works through a session whenever it may, until the connection is lost or the gate closes; then waits.
    pub fn work(&self, mut step: impl FnMut(&mut Session) -> Result<(), Lost>) {
        let mut seen = 0;
        while !self.over.load(Ordering::SeqCst) {
            let turn = self.turn.load(Ordering::SeqCst);
            if turn.is_multiple_of(2) || turn == seen {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            self.at_work.fetch_add(1, Ordering::SeqCst);
            seen = turn;
            let config = self.config.lock().expect("no panic while held").clone();
            if let Ok(mut session) = Session::try_open(&config) {
                let mut known = 0;
                while self.turn.load(Ordering::SeqCst) == turn
                    && self.follow_clock(&mut known, &mut session).is_ok()
                    && step(&mut session).is_ok()
                {}
            }
            self.at_work.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What is wrong with a refusal, if it is not the connection that went. Codes that may be are no finding.
    pub fn judge(&self, refusal: Refusal, may_be: &[&str], what: &str) -> Result<(), Lost> {
        let code = refusal.code.as_str();
        // The connection itself, an administrator's or a crash's shutdown, a server that is starting.
        if code.is_empty() || code.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&code) {
            return Err(Lost);
        }
        if !may_be.contains(&code) {
            self.find(format!("{what}: {refusal:?}"));
        }
        Ok(())
    }

    /// Notes something that should not be.
    pub fn find(&self, finding: String) {
        eprintln!("FINDING {finding}");
        self.findings.lock().expect("no panic while held").push(finding);
    }

    /// What was found so far.
    pub fn findings(&self) -> Vec<String> {
        self.findings.lock().expect("no panic while held").clone()
    }
}
