//! `torture kill`: KILLS (200), SEED. `torture soak`: SOAK_MINUTES (120), SOAK_DAY_SECONDS (20), SOAK_PAUSE_MS (20), SEED.

use std::process::ExitCode;
use std::time::Duration;

use crm_tests::torture::{kill, soak};

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    }
}

fn main() -> ExitCode {
    let seed = number("SEED", u64::from(std::process::id()));
    println!("SEED={seed}");
    match std::env::args().nth(1).as_deref() {
        Some("kill") => {
            let kills = u32::try_from(number("KILLS", 200)).expect("KILLS is a number of times");
            println!("{:#?}", kill::run(&kill::Plan { kills, longest: Duration::from_millis(2500), seed }));
        }
        Some("soak") => {
            let plan = soak::Plan {
                lasting: Duration::from_secs(60 * number("SOAK_MINUTES", 120)),
                day: Duration::from_secs(number("SOAK_DAY_SECONDS", 20)),
                pause: Duration::from_millis(number("SOAK_PAUSE_MS", 20)),
                seed,
            };
            println!("{:#?}", soak::run(&plan));
        }
        _ => {
            eprintln!("torture kill|soak");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
