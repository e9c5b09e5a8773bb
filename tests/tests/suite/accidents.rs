//! What happens to a server: its disks fill, its connections run out, transactions stay prepared over a crash.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crm_tests::Session;
use crm_tests::database::succeed;
use crm_tests::restaurant::totals;
use crm_tests::torture::cluster::{CAREFUL, PrivateCluster};
use crm_tests::torture::examination::{examine, prepare};

const A_SALE: Duration = Duration::from_millis(1500);
const DATABASE: &str = "accidents";

fn platform(cluster: &PrivateCluster, tablespace: &str) -> Session {
    cluster.session("postgres").run(&format!("CREATE DATABASE {DATABASE} TABLESPACE {tablespace}"));
    let mut sql = cluster.session(DATABASE);
    sql.run("CREATE EXTENSION pg_crm CASCADE; SELECT crm.install()");
    prepare(&mut sql);
    sql
}

fn order(id: &str, guest: &str) -> String {
    format!(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES ('{id}', 'bistro', '{guest}', 'COMPLETED', 20, now())"#
    )
}

#[test]
fn prepared_transactions_count_when_they_commit_and_outlive_a_crash() {
    let settings = [CAREFUL, &["max_prepared_transactions=10", "max_connections=14"]].concat();
    let mut cluster = PrivateCluster::start("accidents", &settings);
    let mut sql = platform(&cluster, "pg_default");

    let before = totals(&mut sql, "bistro", "g1");
    for (name, order_of) in [("kept", "kept"), ("dropped", "dropped")] {
        sql.run(&format!(
            "BEGIN; {}; {}; PREPARE TRANSACTION '{name}'",
            order(order_of, "g1"),
            order(&format!("{order_of}-2"), "g2")
        ));
        // Another sale of a guest whom the first holds is put off, and no night waits for it.
        sql.run_within(A_SALE, &order(&format!("beside-{name}"), "g1"));
        sql.run_within(Duration::from_secs(30), "CALL crm.run_night()");
        cluster.kill();
        cluster.start_again();
        sql = cluster.session(DATABASE);
        sql.run_within(A_SALE, &order(&format!("after-{name}"), "g1"));
        sql.run(&match name {
            "kept" => format!("COMMIT PREPARED '{name}'"),
            _ => format!("ROLLBACK PREPARED '{name}'"),
        });
        let findings = examine(&mut sql, &[], true);
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
    sql.expect_rows(
        r#"SELECT id FROM "Order" WHERE id IN ('kept', 'kept-2', 'dropped', 'dropped-2') ORDER BY 1"#,
        &["kept", "kept-2"],
    );
    let orders = |totals: &str| {
        totals.split(' ').next().and_then(|n| n.parse::<i64>().ok()).expect("a number of orders")
    };
    assert_eq!(orders(&totals(&mut sql, "bistro", "g1")), orders(&before) + 5);

    // Out of connections: who is connected goes on, who comes later is told so, and all is well afterwards.
    let mut others = Vec::new();
    let refused = loop {
        match Session::try_open(&cluster.config(DATABASE)) {
            Ok(session) => others.push(session),
            Err(error) => break error,
        }
        assert!(others.len() < 20, "there is a limit");
    };
    assert_eq!(
        refused.as_db_error().map(|e| e.code().code().to_owned()),
        Some("53300".to_owned()),
        "{refused:?}"
    );
    sql.run_within(A_SALE, &order("crowded", "g1"));
    for job in ["CALL crm.run_sweep()", "CALL crm.run_night()"] {
        sql.run(job);
    }
    drop(others);
    let findings = examine(&mut sql, &[], true);
    assert!(findings.is_empty(), "{findings:#?}");
}

/// A file system of few megabytes; only root may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        static MOUNTED: AtomicU32 = AtomicU32::new(0);
        let number = MOUNTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("pg_crm-disk-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0777"), "tmpfs"])
            .arg(&folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            let _ = fs::remove_dir(&folder);
        }
        mounted.then_some(Self(folder))
    }

    /// Takes what is left of it.
    fn fill(&self) -> PathBuf {
        let file = self.0.join("filler");
        let mut filler = fs::File::create(&file).expect("an empty file still fits");
        while std::io::Write::write(&mut filler, &[0; 8192]).is_ok_and(|written| written > 0) {}
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
        let _ = fs::remove_dir(&self.0);
    }
}

fn folder_of_postgres(folder: &Path) {
    // The server runs as postgres where the tests run as root.
    let _ = Command::new("chown").arg("postgres:").arg(folder).output();
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_leaves_nothing_half_done() {
    let Some(disk) = SmallDisk::mount(160) else {
        eprintln!("no file system can be mounted here: not tried");
        return;
    };
    let space = disk.0.join("space");
    fs::create_dir(&space).expect("an empty disk has room");
    folder_of_postgres(&space);
    let cluster = PrivateCluster::start("full-disk", CAREFUL);
    cluster.session("postgres").run(&format!("CREATE TABLESPACE small LOCATION '{}'", space.display()));
    let mut sql = platform(&cluster, "small");

    let filler = disk.fill();
    let (mut sold, mut refused) = (Vec::new(), 0);
    for number in 0..3000 {
        let id = format!("d{number}");
        match sql.attempt(&order(&id, &format!("g{}", number % 300))) {
            Ok(()) => sold.push(id),
            Err(refusal) => {
                assert_eq!(refusal.code, "53100", "{refusal:#?}");
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert!(refused > 0, "the disk was full");
    // Jobs fail with the same, or have their failure noted, and do not stop the server.
    for job in ["CALL crm.run_sweep()", "CALL crm.run_night()"] {
        if let Err(refusal) = sql.attempt(job) {
            assert_eq!(refusal.code, "53100", "{refusal:#?}");
        }
    }
    fs::remove_file(filler).expect("the filler is ours");
    let findings = examine(&mut sql, &[], true);
    assert!(findings.is_empty(), "{findings:#?}");
    let kept = sql.number(r#"SELECT count(*) FROM "Order" WHERE id LIKE 'd%'"#);
    assert_eq!(kept, sold.len() as i64, "what was acknowledged is there, and nothing else");
    drop(sql);
    drop(cluster);
}

#[test]
fn a_full_disk_under_the_log_stops_the_server_and_loses_nothing_acknowledged() {
    let Some(disk) = SmallDisk::mount(192) else {
        eprintln!("no file system can be mounted here: not tried");
        return;
    };
    let mut cluster = PrivateCluster::start("full-log", CAREFUL);
    let mut sql = platform(&cluster, "pg_default");
    sql.run("CREATE TABLE ballast (id int, filling text)");
    drop(sql);
    cluster.stop();
    let (log, moved) = (cluster.data().join("pg_wal"), disk.0.join("pg_wal"));
    succeed(Command::new("cp").arg("-a").arg(&log).arg(&moved));
    fs::remove_dir_all(&log).expect("the server is stopped");
    std::os::unix::fs::symlink(&moved, &log).expect("its place is free");
    cluster.start_again();

    // A consent after every order; each is acknowledged, or in doubt when the connection goes.
    let filler = disk.fill();
    let (mut sold, mut in_doubt, mut consents) = (BTreeSet::new(), BTreeSet::new(), 0);
    let start = Instant::now();
    let mut number = 0;
    while cluster.is_running() {
        assert!(start.elapsed() < Duration::from_secs(120), "the log's disk is full");
        // In between the server may have recovered by itself within what was left.
        let Ok(mut session) = Session::try_open(&cluster.config(DATABASE)) else {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        loop {
            number += 1;
            let (id, guest) = (format!("l{number}"), format!("g{}", number % 300));
            if session.attempt(&order(&id, &guest)).is_err() {
                in_doubt.insert(id);
                break;
            }
            sold.insert(id);
            let granted =
                format!("SELECT crm.record_consent('{guest}', 'EMAIL_MARKETING', 'GRANTED', 'admin')");
            if session.attempt(&granted).is_err() {
                break;
            }
            consents += 1;
            let ballast = format!(
                "INSERT INTO ballast SELECT {number}, repeat(md5(i::text), 60) FROM generate_series(1, 500) AS i"
            );
            if session.attempt(&ballast).is_err() {
                break;
            }
        }
    }
    let stopped = cluster.logged(&["No space left on device"]);
    assert!(stopped.iter().any(|line| line.contains("PANIC")), "it stopped as PostgreSQL does: {stopped:#?}");
    assert!(sold.len() > 10, "it sold before: {sold:?}");

    fs::remove_file(filler).expect("the filler is ours");
    cluster.start_again();
    let mut sql = cluster.session(DATABASE);
    let found: BTreeSet<String> =
        sql.rows(r#"SELECT id FROM "Order" WHERE id LIKE 'l%'"#).into_iter().collect();
    assert!(sold.is_subset(&found), "acknowledged and lost: {:?}", sold.difference(&found));
    let known: BTreeSet<String> = sold.union(&in_doubt).cloned().collect();
    assert!(found.is_subset(&known), "never sold: {:?}", found.difference(&known));
    let kept = sql.number("SELECT count(*) FROM crm.consent_entry WHERE source = 'admin'");
    assert!(
        kept == consents || kept == consents + 1,
        "{consents} consents were acknowledged, {kept} are there"
    );
    let findings = examine(&mut sql, &[], true);
    assert!(findings.is_empty(), "{findings:#?}");
    cluster.stop();
    drop(sql);
    drop(cluster);
}
