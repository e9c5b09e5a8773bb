//! `torture kill`: KILLS (200), SEED.

use std::process::ExitCode;
use std::time::Duration;

use crm_tests::torture::kill;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    }
}

fn main() -> ExitCode {
    let seed = number("SEED", u64::from(std::process::id()));
    match std::env::args().nth(1).as_deref() {
        Some("kill") => {
            println!("seed {seed}");
            let plan =
                kill::Plan { kills: number("KILLS", 200) as u32, longest: Duration::from_millis(2500), seed };
            println!("{:#?}", kill::run(&plan));
        }
        _ => {
            eprintln!("torture kill");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
