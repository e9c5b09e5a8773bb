//! Criteria from outside: what is accepted, what is refused and how, and what is made of it.

mod documents;
mod meaning;
mod problems;
mod properties;
mod query_builder;
mod reference;
mod schema;
mod sql;
