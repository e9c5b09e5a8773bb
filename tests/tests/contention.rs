//! Many sessions that change the orders of the same few guests while the jobs run: no order fails or waits, and
//! nothing is lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crm_tests::restaurant;
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

const SESSIONS: u64 = 64;
const GUESTS: u64 = 6;

/// What a session saw: how long each statement took, and what was refused.
#[derive(Default)]
struct Seen {
    took: Vec<Duration>,
    refused: Vec<String>,
}

/// An application whose every order is its own, so that only the guests' totals are shared.
struct Till {
    app: Session,
    random: Sequence,
    number: u64,
    seen: Seen,
}

impl Till {
    fn open(database: &TestDatabase, number: u64, isolation: &str) -> Self {
        let mut app = database.session();
        app.run(&format!("SET default_transaction_isolation = '{isolation}'"));
        Self { app, random: Sequence::from_seed(number), number, seen: Seen::default() }
    }

    fn run(&mut self, statement: &str) -> bool {
        let start = Instant::now();
        let outcome = self.app.attempt(statement);
        self.seen.took.push(start.elapsed());
        thread::sleep(Duration::from_millis(2 + self.random.below(20)));
        outcome
            .map_err(|refusal| {
                self.seen.refused.push(format!("{} {} of {statement}", refusal.code, refusal.message))
            })
            .is_ok()
    }

    /// One statement on orders of this till, one of them or many.
    fn change(&mut self) -> String {
        let (till, random) = (self.number, &mut self.random);
        let order = format!("t{till}-{}", random.below(8));
        let guest = format!("g{}", random.below(GUESTS));
        let venue = ["bistro", "bar"][random.below(2) as usize];
        let total = random.below(5000);
        let time = format!("now() - interval '{} hours'", random.below(30) * 5);
        let status = ["COMPLETED", "COMPLETED", "CANCELLED"][random.below(3) as usize];
        match random.below(11) {
            0..=2 => format!(
                r#"INSERT INTO "Order" VALUES ('{order}', '{venue}', '{guest}', 'COMPLETED', {total} / 100.0, {time})
                   ON CONFLICT (id) DO UPDATE SET status = excluded.status, total = excluded.total, "completedAt" = excluded."completedAt""#
            ),
            3 => format!(r#"UPDATE "Order" SET status = '{status}' WHERE id = '{order}'"#),
            4 => format!(r#"UPDATE "Order" SET "customerId" = '{guest}' WHERE id = '{order}'"#),
            5 => format!(r#"UPDATE "Order" SET "venueId" = '{venue}' WHERE id = '{order}'"#),
            6 => format!(
                r#"UPDATE "Order" SET refunded = CASE {total} % 3 WHEN 0 THEN total WHEN 1 THEN total / 2 END WHERE id = '{order}'"#
            ),
            7 => format!(
                r#"UPDATE "Order" SET total = {total} / 100.0, "completedAt" = {time} WHERE id = '{order}'"#
            ),
            8 => format!(r#"DELETE FROM "Order" WHERE id = '{order}'"#),
            9 => format!(
                r#"UPDATE "Order" SET total = total + 1, status = '{status}', "customerId" = CASE WHEN {total} % 2 = 0 THEN '{guest}' ELSE "customerId" END
                    WHERE id LIKE 't{till}-%'"#
            ),
            _ => format!(
                r#"INSERT INTO "Order" SELECT 't{till}-' || i, '{venue}', 'g' || ({total} + i) % {GUESTS}, 'COMPLETED', i, now()
                     FROM generate_series(1, 8) i ON CONFLICT (id) DO UPDATE SET total = excluded.total, status = excluded.status"#
            ),
        }
    }

    fn work(mut self, stop: &AtomicBool) -> Seen {
        while !stop.load(Ordering::Relaxed) {
            let changes = [self.change(), self.change(), self.change()];
            match self.random.below(4) {
                0 => {
                    // Several orders of one transaction: the guests in the order of chance, held between statements.
                    let went_well = self.run("BEGIN") && changes.iter().all(|change| self.run(change));
                    self.run(if went_well { "COMMIT" } else { "ROLLBACK" });
                }
                1 => {
                    let went_well = self.run("BEGIN")
                        && self.run(&changes[0])
                        && self.run("SAVEPOINT s")
                        && self.run(&changes[1])
                        && self.run("ROLLBACK TO s")
                        && self.run(&changes[2]);
                    self.run(if went_well { "COMMIT" } else { "ROLLBACK" });
                }
                _ => {
                    self.run(&changes[0]);
                }
            }
        }
        self.seen
    }
}

/// The tills and the jobs for a while; what the tills of an isolation level saw, and what the jobs were refused.
fn under_load(database: &TestDatabase, lasting: Duration) -> (Seen, Seen, Vec<String>) {
    let stop = AtomicBool::new(false);
    let (mostly, serializable) = (Mutex::new(Seen::default()), Mutex::new(Seen::default()));
    let jobs = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..SESSIONS {
            let (isolation, sink) = match number % 16 {
                0 => ("serializable", &serializable),
                n if n % 2 == 0 => ("repeatable read", &mostly),
                _ => ("read committed", &mostly),
            };
            let (till, stop) = (Till::open(database, number, isolation), &stop);
            scope.spawn(move || {
                let seen = till.work(stop);
                let mut sink = sink.lock().expect("no panic while held");
                sink.took.extend(seen.took);
                sink.refused.extend(seen.refused);
            });
        }
        for job in ["CALL crm.run_night()", "CALL crm.run_sweep()", "SELECT crm.repair_failed()"] {
            let (mut session, stop, jobs) = (database.session(), &stop, &jobs);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Err(refusal) = session.attempt(job) {
                        jobs.lock()
                            .expect("no panic while held")
                            .push(format!("{job}: {} {}", refusal.code, refusal.message));
                    }
                    thread::sleep(Duration::from_millis(30));
                }
            });
        }
        thread::sleep(lasting);
        stop.store(true, Ordering::Relaxed);
    });
    let inner = |seen: Mutex<Seen>| seen.into_inner().expect("no panic while held");
    (inner(mostly), inner(serializable), jobs.into_inner().expect("no panic while held"))
}

/// The share of statements that took longest, one in so many.
fn longest_one_in(took: &mut [Duration], many: usize) -> Duration {
    took.sort_unstable();
    took[took.len() - 1 - took.len() / many]
}

#[test]
fn sixty_four_sessions_on_the_same_guests_lose_nothing_and_do_not_wait() {
    let database = TestDatabase::new("contention");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "America/New_York");
    sql.run(&format!(
        r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(0, {GUESTS} - 1) i"#
    ));
    restaurant::bind_with_refunds(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantWithRefunds);

    sql.run(r#"ALTER TABLE "Order" DISABLE TRIGGER USER"#);
    let (mut bare, ..) = under_load(&database, Duration::from_secs(3));
    sql.run("SELECT crm.rebind('order')");
    let (mut counted, serializable, jobs) = under_load(&database, Duration::from_secs(8));
    for many in [2, 10, 100, 1000, usize::MAX] {
        println!(
            "one in {many}: bare {:?} counted {:?}",
            longest_one_in(&mut bare.took, many),
            longest_one_in(&mut counted.took, many)
        );
    }
    println!(
        "{} statements, {} bare; failed {}; serializable {} of {}",
        counted.took.len(),
        bare.took.len(),
        sql.number("SELECT count(*) FROM crm.failed_change"),
        serializable.refused.len(),
        serializable.took.len()
    );

    assert_eq!(counted.refused, [""; 0], "no order fails for what the CRM does");
    assert!(
        serializable.refused.iter().all(|refusal| refusal.starts_with("40001")),
        "{:?}",
        serializable.refused
    );
    assert_eq!(jobs, [""; 0], "nor does a job");

    sql.run("CALL crm.run_sweep()");
    sql.expect_none("SELECT * FROM crm.failed_change");
    oracle::expect_totals(&mut sql);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
}
