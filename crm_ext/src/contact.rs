//! How people are found, in SQL.

use pgrx::prelude::*;

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn known_region(code: &str) -> bool {
    crm_core::contact::is_region(code)
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn phone_e164(phone: Option<&str>, region: Option<&str>) -> Option<String> {
    crm_core::contact::phone_e164(phone?, region)
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn name_words(name: &str) -> Vec<String> {
    crm_core::contact::name_words(name)
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn name_similarity(name: &str, other: &str) -> f64 {
    crm_core::contact::name_similarity(name, other)
}
