//! Whether recording consent scales while the ledger is sealed: sixteen tills of one organisation, each in a transaction
//! that holds other work of ten milliseconds, with and without a session that seals without a pause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Bench;
use crate::Failure;
use crate::platform::{Copy, Platform};
use crate::report::{Row, Section, Target, median};
use crate::statistics::ratios;

const TILLS: usize = 16;
/// Guests of one till: nobody is at two tills at once.
const GUESTS: usize = 40;
const TIME: Duration = Duration::from_secs(2);

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "consent")?;
    let guests = copy
        .open()?
        .column(&format!("SELECT ref FROM crm.customer ORDER BY customer_id LIMIT {}", TILLS * GUESTS))?;
    let tills: Vec<&[String]> = guests.chunks((guests.len() / TILLS).max(1)).take(TILLS).collect();
    let mut found = [Vec::new(), Vec::new()];
    for round in 0..2 * bench.options.rounds {
        // Bare, sealed, sealed, bare: each is first as often as second.
        let side = (round + round / 2) % 2;
        found[side].push(per_second(&copy, &tills, side == 1)?);
        copy.open()?.run("CALL crm.run_sweep()")?;
    }
    let [bare, sealed] = &found;
    let problems: i64 = copy.open()?.value("SELECT count(*)::bigint FROM crm.verify_consent_log()")?;
    if problems > 0 {
        return Err(format!("{problems} problems of the ledger after all").into());
    }
    Ok(Section {
        title: "Consent while the ledger is sealed".to_owned(),
        method: format!(
            "{} clients of one organisation, each in a loop for {} s: BEGIN, ten milliseconds of other work (pg_sleep), crm.record_consent of a guest of its own, COMMIT; \
             beside them nothing, or a session that calls crm.sweep() without a pause. Afterwards crm.verify_consent_log() finds nothing.",
            tills.len(),
            TIME.as_secs()
        ),
        rows: vec![Row::ratio(
            &format!("{} clients record consent, sealing all the while", tills.len()),
            "the same without sealing",
            format!("{} a second sealed, {} without", median(sealed), median(bare)),
            &ratios(sealed, bare),
            Some(Target::AtLeast(0.9)),
        )],
        plans: Vec::new(),
    })
}

/// Consents recorded in a second by all tills together.
fn per_second(copy: &Copy<'_>, tills: &[&[String]], sealed: bool) -> Result<f64, Failure> {
    let done = AtomicBool::new(false);
    let mut sessions = tills.iter().map(|_| copy.open()).collect::<Result<Vec<_>, _>>()?;
    let mut sealer = copy.open()?;
    let start = Instant::now();
    let recorded = thread::scope(|scope| {
        let sealing = scope.spawn(|| {
            while sealed && !done.load(Ordering::Relaxed) {
                sealer.run("SELECT crm.sweep()").map_err(|failure| failure.to_string())?;
            }
            Ok::<_, String>(())
        });
        let working: Vec<_> = sessions
            .iter_mut()
            .zip(tills)
            .map(|(session, guests)| {
                scope.spawn(move || {
                    let mut recorded = 0_u32;
                    while start.elapsed() < TIME {
                        let guest = &guests[recorded as usize % guests.len()];
                        let action = ["GRANTED", "REVOKED"][recorded as usize / guests.len() % 2];
                        session
                            .run(&format!(
                                "BEGIN; SELECT pg_sleep(0.01); SELECT crm.record_consent('{guest}', 'EMAIL_MARKETING', '{action}', 'checkout'); COMMIT"
                            ))
                            .map_err(|failure| failure.to_string())?;
                        recorded += 1;
                    }
                    Ok::<_, String>(recorded)
                })
            })
            .collect();
        let counts: Result<Vec<u32>, String> = working
            .into_iter()
            .map(|till| till.join().map_err(|_| "a client panicked".to_owned())?)
            .collect();
        done.store(true, Ordering::Relaxed);
        sealing.join().map_err(|_| "the sealing session panicked".to_owned())??;
        counts.map(|counts| counts.iter().sum::<u32>())
    })?;
    Ok(f64::from(recorded) / start.elapsed().as_secs_f64())
}
