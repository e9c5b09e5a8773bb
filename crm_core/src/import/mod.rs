//! Files of guests: bytes become rows of text, columns are recognised, and each row is read as a guest or refused with
//! the reason. Nothing here knows a database; any bytes at all are read or refused.

pub mod day;
pub mod field;
pub mod guest;
pub mod table;
pub mod text;

/// Larger files are refused.
pub const MOST_BYTES: usize = 50 * 1024 * 1024;
/// Rows of guests in a file.
pub const MOST_ROWS: usize = 1_000_000;
/// Columns of a file.
pub const MOST_COLUMNS: usize = 200;
/// Characters of a cell; a row with a longer one is rejected.
pub const MOST_CHARACTERS: usize = 10_000;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The parameter at fault: content or options.
    pub parameter: &'static str,
    /// What is wrong, and where.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl Refusal {
    fn content(message: impl Into<String>, hint: &'static str) -> Self {
        Self { parameter: "content", message: message.into(), hint }
    }
}
