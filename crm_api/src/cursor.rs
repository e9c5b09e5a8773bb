//! Page cursors: the JSON text that SQL gives for the last row of a page, in base64url without padding (RFC
//! 4648, section 5). Opaque to clients. The text is carried verbatim: through a number type its digits could
//! change.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
#[error("This is not a cursor that a previous page returned as next_cursor.")]
pub struct InvalidCursor;

/// The cursor as clients see it.
pub fn encode(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

/// The JSON text of a cursor. Refuses what is not base64url of a JSON object, and what JSONB cannot hold;
/// whether the object is a cursor of this list is for SQL to say.
pub fn decode(cursor: &str) -> Result<String, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
    match serde_json::from_str(&text) {
        Ok(value @ Value::Object(_)) if !holds_nul(&value) => Ok(text),
        _ => Err(InvalidCursor),
    }
}

/// JSON can escape a NUL, JSONB refuses it.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_byte_for_byte() {
        let json = r#"{"s": "spend", "v": 10000000000000000000000000000.10, "id": "é"}"#;
        assert_eq!(decode(&encode(json)).unwrap(), json);
    }

    #[test]
    fn a_cursor_needs_no_escaping_in_a_url() {
        let cursor = encode(r#"{"k":"???>>>~~~"}"#);
        assert!(cursor.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    }

    #[test]
    fn what_is_not_a_cursor_is_refused() {
        let not_json = URL_SAFE_NO_PAD.encode("{");
        let not_object = URL_SAFE_NO_PAD.encode("[1]");
        let not_utf8 = URL_SAFE_NO_PAD.encode([0xff, 0xfe]);
        let nul = URL_SAFE_NO_PAD.encode(r#"{"k":["\u0000"]}"#);
        for cursor in ["", "%%%", "e30=", &not_json, &not_object, &not_utf8, &nul] {
            assert_eq!(decode(cursor), Err(InvalidCursor), "{cursor}");
        }
    }
}
