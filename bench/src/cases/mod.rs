//! The cases, one file each, grouped by the platform they measure on.

mod backfill;
mod bulk;
mod complete;
mod consent;
mod day;
mod growth;
mod guests;
mod isolation;
mod latency;
mod night;
mod page;
mod segments;
mod triggers;
mod unmapped;
mod upkeep;

use std::sync::LazyLock;
use std::time::Instant;

use crate::Failure;
use crate::cluster::Cluster;
use crate::options::Options;
use crate::platform::{Platform, Shape};
use crate::report::Section;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What every case is given.
pub struct Bench {
    pub cluster: Cluster,
    pub options: Options,
}

impl Bench {
    /// Progress, on stderr.
    pub fn say(&self, what: &str) {
        eprintln!("[{:4}s] {what}", START.elapsed().as_secs());
    }
}

/// One case.
pub struct Case {
    pub name: &'static str,
    pub run: fn(&Bench, &Platform) -> Result<Section, Failure>,
}

/// Cases that share a platform.
pub struct Group {
    pub shape: Shape,
    pub cases: &'static [Case],
}

pub static GROUPS: [Group; 4] = [
    Group {
        shape: Shape::Chain,
        cases: &[
            Case { name: "complete", run: complete::run },
            Case { name: "unmapped", run: unmapped::run },
            Case { name: "bulk", run: bulk::run },
            Case { name: "backfill", run: backfill::run },
        ],
    },
    Group {
        shape: Shape::Venue,
        cases: &[
            Case { name: "night", run: night::run },
            Case { name: "page", run: page::run },
            Case { name: "segments", run: segments::run },
        ],
    },
    Group {
        shape: Shape::Crowd,
        cases: &[
            Case { name: "crowd-night", run: night::run },
            Case { name: "latency", run: latency::run },
            Case { name: "guests", run: guests::run },
            Case { name: "isolation", run: isolation::run },
            Case { name: "consent", run: consent::run },
            Case { name: "upkeep", run: upkeep::run },
        ],
    },
    Group { shape: Shape::Growing, cases: &[Case { name: "growth", run: growth::run }] },
];

/// Names of all cases.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.cases.iter().map(|case| case.name))
}
