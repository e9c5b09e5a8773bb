//! Payloads of `crm.outbox`, as text: PostgreSQL's functions that build JSON take longer than to read it.

use std::fmt::Write;

use pgrx::datum::Uuid;

/// Guests of one row.
pub(crate) const MOST_GUESTS: usize = 500;

/// A payload: what happened at a venue, or (nil) in the organisation, and to whom.
pub(crate) fn payload(scope: Uuid, cause: &str, changes: &[String]) -> String {
    let venue = if scope == crate::segment::nil() { "null".to_owned() } else { format!("\"{scope}\"") };
    format!(r#"{{"venue_id":{venue},"cause":"{cause}","changes":[{}]}}"#, changes.join(","))
}

/// A change of a guest's label, to none where he is not profiled any more.
pub(crate) fn label(guest: Uuid, from: &str, to: Option<&str>, order_ref: Option<&str>) -> String {
    format!(
        r#"{{"customer_id":"{guest}","from":"{from}","to":{},"order_ref":{}}}"#,
        text(to),
        text(order_ref)
    )
}

/// A change of a guest's segments.
pub(crate) fn membership(guest: Uuid, entered: &[i32], exited: &[i32], order_ref: Option<&str>) -> String {
    format!(
        r#"{{"customer_id":"{guest}","entered":[{}],"exited":[{}],"order_ref":{}}}"#,
        listed(entered),
        listed(exited),
        text(order_ref)
    )
}

/// Numbers with commas between them, as JSON and arrays have them.
pub(crate) fn listed(numbers: &[i32]) -> String {
    numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

/// A JSON string, or null.
fn text(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "null".to_owned();
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing to a String cannot fail.
            '\0'..='\u{1f}' => _ = write!(quoted, "\\u{:04x}", u32::from(character)),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
