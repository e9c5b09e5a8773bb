//! The PostgreSQL extension `pg_crm`: thin wrappers over `crm_core`, and the list of the SQL files.

// Only pgrx's own error report keeps the SQLSTATE, and it is large.
#![allow(clippy::result_large_err)]

mod caller;
mod clock;
mod cohort;
mod collected;
mod contact;
mod criteria;
mod day_totals;
mod guest_totals;
mod import;
mod key;
mod list;
mod local_time;
mod migration;
mod money;
mod order_change;
mod outbox;
mod patience;
mod plan;
mod score_guest;
mod scoring;
mod secret;
mod segment;
mod segment_facts;
mod segment_follow;
mod segment_found;
mod segment_preview;
mod segment_statement;
mod segment_write;
mod sql;
mod venue_scoring;

pgrx::pg_module_magic!(name, version);

/// Declares the schema to pgrx; `sql/schema/bootstrap.sql` creates it.
#[pgrx::pg_schema]
mod crm {}

/// Runs when the library is loaded into a session.
#[allow(non_snake_case)]
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    caller::define_setting();
    clock::define_settings();
    order_change::define_settings();
    secret::define_setting();
    venue_scoring::listen();
    segment::listen();
}
