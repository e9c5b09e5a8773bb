//! The rules of pg_crm as pure functions: no database, no clock, no I/O, no unsafe.
//!
//! Money is an integer of hundredths, a day is the number of days since 2000-01-01 (PostgreSQL's own
//! day number), an instant is microseconds since 1970-01-01 UTC.

#![forbid(unsafe_code)]

pub mod contact;
pub mod criteria;
pub mod import;
pub mod key;
pub mod scoring;
