//! What to measure, and at which size.

use std::path::PathBuf;

use crate::Failure;

const USAGE: &str = "crm_bench [--orders N] [--rounds N] [--only CASE[,CASE…]] [--output FILE]";

/// Sizes and selection of one run.
pub struct Options {
    /// Orders of the main platform; all other sizes follow from it.
    pub orders: u32,
    /// Interleaved rounds of a case; the long ones take about half as many.
    pub rounds: usize,
    /// Names of the cases to run; all of them if empty.
    only: Vec<String>,
    /// Where to write the document, if anywhere.
    pub output: Option<PathBuf>,
}

impl Options {
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self { orders: 2_000_000, rounds: 9, only: Vec::new(), output: None };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value\nusage: {USAGE}"))?;
            let number = || value.parse().map_err(|_| format!("{name} needs a number, not \"{value}\""));
            match name.as_str() {
                "--orders" => options.orders = number()?,
                "--rounds" => options.rounds = number()? as usize,
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--output" => options.output = Some(value.into()),
                _ => return Err(format!("unknown option {name}\nusage: {USAGE}").into()),
            }
        }
        // Fewer leave a cohort too small to be scored by quintiles, more would overflow a file of ids.
        if !(4_000..=50_000_000).contains(&options.orders) || !(1..=1_000).contains(&options.rounds) {
            return Err("--orders is 4000 to 50000000, --rounds 1 to 1000".into());
        }
        if let Some(unknown) =
            options.only.iter().find(|name| !crate::cases::names().any(|known| known == *name))
        {
            let known: Vec<_> = crate::cases::names().collect();
            return Err(format!("unknown case \"{unknown}\": {}", known.join(", ")).into());
        }
        Ok(options)
    }

    pub fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == case)
    }

    /// Rounds of a case whose rounds are long.
    pub fn long_rounds(&self) -> usize {
        self.rounds.div_ceil(2)
    }

    /// Orders of a bulk statement: 100,000, or a twentieth of a small platform.
    pub fn bulk(&self) -> u32 {
        (self.orders / 20).min(100_000)
    }
}
