//! Generated platforms, bound to the CRM: every case measures in a copy of its own.

use std::path::PathBuf;

use crate::Failure;
use crate::cases::Bench;
use crate::cluster::STAFF;
use crate::session::Session;

/// The large venue.
pub const VENUE: &str = "venue-1";

/// What the history looks like. Sizes are for two million orders and scale with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One venue of 170,000 guests with 1.7 million orders, five small venues with the rest.
    Chain,
    /// The large venue alone.
    Venue,
    /// One venue of a million guests with three million orders.
    Crowd,
    /// One venue of 170,000 guests with half a million orders, and its double with ten times the orders.
    Growing,
}

/// Template databases of a shape: bound with the history yet to be counted, and counted.
pub struct Platform {
    pub shape: Shape,
    pub pending: String,
    pub counted: String,
    /// Of `Growing`, counted: the same guests with each order ten times.
    pub grown: Option<String>,
    /// What it holds, in words.
    pub size: String,
}

impl Platform {
    pub fn make(bench: &Bench, shape: Shape) -> Result<Self, Failure> {
        bench.cluster.make_staff()?;
        let pending = generate(bench, shape, "pending", 1)?;
        let counted = count(bench, &pending, "counted")?;
        let grown = match shape {
            Shape::Growing => {
                let larger = generate(bench, shape, "larger", 10)?;
                Some(count(bench, &larger, "grown")?)
            }
            _ => None,
        };
        let size = bench.cluster.open(&counted)?.value::<String>(
            r#"SELECT format('%s: %s orders (%s) of %s guests at %s venue(s), of these %s orders of %s guests at the large one', '$shape',
                    (SELECT count(*) FROM public."Order"), pg_size_pretty(pg_total_relation_size('public."Order"')),
                    (SELECT count(*) FROM public."Customer"), (SELECT count(*) FROM public."Venue"),
                    (SELECT count(*) FROM public."Order" WHERE "venueId" = 'venue-1'),
                    (SELECT count(*) FROM bench.guest WHERE venue = 'venue-1'))"#
                .replace("$shape", &format!("{shape:?}"))
                .as_str(),
        )?;
        bench.say(&size);
        Ok(Self { shape, pending, counted, grown, size })
    }

    /// A copy of the counted platform, in memory.
    pub fn copy<'a>(&self, bench: &'a Bench, purpose: &str) -> Result<Copy<'a>, Failure> {
        Copy::of(bench, &self.counted, purpose)
    }
}

/// A copy of a platform for one case; dropped with it.
pub struct Copy<'a> {
    bench: &'a Bench,
    pub name: String,
}

impl<'a> Copy<'a> {
    pub fn of(bench: &'a Bench, template: &str, purpose: &str) -> Result<Self, Failure> {
        let copy = Self { bench, name: bench.cluster.create(purpose, template)? };
        copy.open()?.run(
            "CREATE EXTENSION IF NOT EXISTS pg_prewarm;
             SELECT pg_prewarm(c.oid) FROM pg_class AS c
             WHERE c.relkind IN ('r', 'i') AND c.relnamespace::regnamespace::text IN ('public', 'crm', 'bench')
               AND c.relname NOT LIKE '%OrderItem%'",
        )?;
        Ok(copy)
    }

    /// A superuser's connection.
    pub fn open(&self) -> Result<Session, Failure> {
        self.bench.cluster.open(&self.name)
    }

    pub fn open_as_staff(&self) -> Result<Session, Failure> {
        self.bench.cluster.open_as_staff(&self.name)
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        // What cannot be dropped here is dropped with all the rest.
        let _ = self.bench.cluster.drop_database(&self.name);
    }
}

fn generate(bench: &Bench, shape: Shape, purpose: &str, copies: u32) -> Result<String, Failure> {
    let orders = bench.options.orders;
    let main = orders / 1000 * 85;
    // With three in ten guests at exactly ten orders and the few with a long history, usual 8.2 makes ten on average.
    let (guests, other, usual, exact, deep) = match shape {
        Shape::Chain => (main, orders / 1000 * 15, 8.2, 3, (main / 400).max(32)),
        Shape::Venue => (main, 0, 8.2, 3, (main / 400).max(32)),
        Shape::Crowd => (orders / 2, 0, 3.0, 0, 0),
        Shape::Growing => (main, 0, 3.0, 0, 0),
    };
    bench.say(&format!("generating {shape:?}, {guests} guests at the large venue"));
    let name = bench.cluster.create(purpose, "template0")?;
    let root = root();
    bench.cluster.psql(&name, &root.join("sql/demo/schema.sql"), &[])?;
    bench.cluster.psql(
        &name,
        &root.join("bench/sql/generate.sql"),
        &[
            ("guests", guests.to_string()),
            ("other_guests", other.to_string()),
            ("usual", usual.to_string()),
            ("exact", exact.to_string()),
            ("deep_guests", deep.to_string()),
            ("deep_orders", deep_orders(orders).to_string()),
            ("copies", copies.to_string()),
        ],
    )?;
    bench
        .cluster
        .open(&name)?
        .run("SET client_min_messages = warning; CREATE EXTENSION pg_crm CASCADE; SELECT crm.install()")?;
    bench.cluster.psql(&name, &root.join("sql/demo/bind.sql"), &[])?;
    let mut sql = bench.cluster.open(&name)?;
    sql.run(&format!("SELECT crm.create_principal('bench', NULL, 'staff', NULL, '{STAFF}')"))?;
    // Not the CRM's own tables: nothing is known of them yet.
    sql.settle(r#"public."Venue", public."Customer", public."Order", bench.guest"#)?;
    Ok(name)
}

/// A copy with its history counted.
fn count(bench: &Bench, pending: &str, purpose: &str) -> Result<String, Failure> {
    let counted = bench.cluster.create(purpose, pending)?;
    let mut sql = bench.cluster.open(&counted)?;
    bench.say("counting the history");
    sql.run("CALL crm.backfill()")?;
    sql.expect_no_warning()?;
    sql.settle("")?;
    Ok(counted)
}

/// Orders of a guest with a long history.
pub fn deep_orders(orders: u32) -> u32 {
    (orders / 100).clamp(30, 500)
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
