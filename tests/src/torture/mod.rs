//! What takes minutes or hours: a server that is killed again and again, and one that works for long.
//!
//! `make torture` and `make soak` run these through the program `torture`; the tests run short versions.

pub mod cluster;
pub mod examination;
pub mod gate;
pub mod journal;
pub mod kill;
pub mod load;
pub mod soak;
