//! What a database is made of, as lines that can be compared with another's.

use crate::Session;

/// The query: the scripts outside of these tests read the same file.
const LINES: &str = include_str!("catalogue.sql");

/// One line an object of the CRM's and the platform's schemas: definition, owner, comment, privileges.
pub fn catalogue(sql: &mut Session) -> Vec<String> {
    let lines = sql.rows(LINES);
    assert!(lines.len() > 20, "the catalogue is read: {lines:?}");
    lines
}

/// One line a table (name, rows, checksum of the rows in text order) and a sequence (its position).
pub fn contents(sql: &mut Session) -> Vec<String> {
    let tables = sql.rows(
        "SELECT CASE c.relkind WHEN 'S' THEN format($$SELECT 'sequence %1$s', last_value, is_called FROM %1$s$$, c.oid::regclass)
                     ELSE format($$SELECT '%1$s', count(*), md5(string_agg(t::text, e'\\n' ORDER BY t::text)) FROM %1$s AS t$$, c.oid::regclass) END
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'S') AND n.nspname IN ('crm', 'public') ORDER BY c.oid::regclass::text",
    );
    assert!(!tables.is_empty(), "there are tables");
    tables.iter().map(|query| sql.value(query)).collect()
}

/// Fails with what only one of the two has.
#[track_caller]
pub fn expect_same(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    let (missing, unexpected) = (only(expected, found), only(found, expected));
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "missing:\n{}\nunexpected:\n{}",
        missing.join("\n"),
        unexpected.join("\n")
    );
    assert_eq!(found.len(), expected.len());
}
