//! Tests of the whole system from outside: what an administrator, a host application and a BI user see.
//!
//! `CRM_TEST_URL` names a superuser connection to a throw-away cluster that has pg_crm installed. Every test
//! works in a database of its own, dropped at the end unless `CRM_TEST_KEEP` is set.

pub mod catalogue;
pub mod criteria;
pub mod database;
pub mod isolation;
pub mod mail_sink;
pub mod naughty;
pub mod oracle;
pub mod program;
pub mod restaurant;
pub mod sequence;
pub mod service;
pub mod session;
pub mod torture;

pub use database::TestDatabase;
pub use mail_sink::MailSink;
pub use program::Program;
pub use service::{Answer, Service};
pub use session::Session;
