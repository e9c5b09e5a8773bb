//! The numbered migrations, compiled into the library.

use pgrx::prelude::*;

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(($version, $name, include_str!(concat!("../../sql/migrations/", $name, ".sql")))),+]
    };
}

/// Version, name and text, in order of version. A migration once released never changes.
const MIGRATIONS: &[(i32, &str, &str)] = migrations! {
    1 "001_organisation",
    2 "002_access",
    3 "003_customer",
    4 "004_stats",
    5 "005_binding",
    6 "006_job",
    7 "007_customer_list",
    8 "008_night",
    9 "009_merge",
    10 "010_segment",
    11 "011_facts",
    12 "012_dossier",
    13 "013_preference",
    14 "014_import",
    15 "015_consent",
    16 "016_access_log",
    17 "017_bi",
    18 "018_privacy",
    19 "019_service",
    20 "020_list_order",
    21 "021_settings",
    22 "022_erasure_mail",
    23 "023_orders_since",
};

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn library_schema_version() -> i32 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn compiled_migrations()
-> TableIterator<'static, (name!(version, i32), name!(name, &'static str), name!(statements, &'static str))> {
    TableIterator::new(MIGRATIONS.iter().copied())
}
