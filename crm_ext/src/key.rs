//! `crm.key`: the one key type.

use pgrx::prelude::*;

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn key(reference: &str) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*crm_core::key::key(reference).as_bytes())
}
