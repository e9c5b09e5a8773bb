//! What is wrong with a document, and where.

use std::fmt;

/// What kind of problem it is; its name is stable, messages may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The text is not JSON (RFC 8259).
    InvalidJson,
    /// The document is larger than 32 KiB.
    TooLarge,
    /// A key stands twice in one object.
    DuplicateKey,
    /// A string holds U+0000, which PostgreSQL cannot store.
    NulCharacter,
    /// A string holds half of a surrogate pair.
    UnpairedSurrogate,
    /// NaN or Infinity.
    NotANumber,
    /// A value of another JSON type than is needed.
    WrongType,
    /// A key that has no place here.
    UnknownKey,
    /// A key that is needed is missing.
    MissingKey,
    /// `v` is not a version this library reads.
    UnsupportedVersion,
    /// A node is none of all, any, not and leaf, or several at once.
    NotANode,
    /// A group without conditions.
    EmptyGroup,
    /// A field that is not in the catalogue.
    UnknownField,
    /// A field that is not known in this scope.
    NotInScope,
    /// An operator that does not exist, or not for this type of field.
    UnknownOperator,
    /// A value where the operator takes none.
    ValueNotAllowed,
    /// A value that is not among the possible ones.
    UnknownValue,
    /// A number or date beyond what can be stored.
    OutOfRange,
    /// More decimals than the field has.
    TooPrecise,
    /// A date that is not in the calendar, or not written YYYY-MM-DD.
    InvalidDate,
    /// A duration that cannot be read, or is shorter than a day.
    InvalidDuration,
    /// The lower bound lies above the upper.
    ReversedRange,
    /// A text or list without content.
    EmptyValue,
    /// More than 500 values in a list.
    TooManyValues,
    /// More than 100 conditions.
    TooManyLeaves,
    /// Nested deeper than six nodes, or more than two relations.
    TooDeep,
    /// What the other format cannot say.
    NotRepresentable,
    /// More problems than are listed.
    TooManyProblems,
}

impl Code {
    /// Every code, for documentation.
    pub const ALL: [Code; 28] = [
        Code::InvalidJson,
        Code::TooLarge,
        Code::DuplicateKey,
        Code::NulCharacter,
        Code::UnpairedSurrogate,
        Code::NotANumber,
        Code::WrongType,
        Code::UnknownKey,
        Code::MissingKey,
        Code::UnsupportedVersion,
        Code::NotANode,
        Code::EmptyGroup,
        Code::UnknownField,
        Code::NotInScope,
        Code::UnknownOperator,
        Code::ValueNotAllowed,
        Code::UnknownValue,
        Code::OutOfRange,
        Code::TooPrecise,
        Code::InvalidDate,
        Code::InvalidDuration,
        Code::ReversedRange,
        Code::EmptyValue,
        Code::TooManyValues,
        Code::TooManyLeaves,
        Code::TooDeep,
        Code::NotRepresentable,
        Code::TooManyProblems,
    ];

    /// The stable name, in snake_case.
    pub fn name(self) -> &'static str {
        match self {
            Code::InvalidJson => "invalid_json",
            Code::TooLarge => "too_large",
            Code::DuplicateKey => "duplicate_key",
            Code::NulCharacter => "nul_character",
            Code::UnpairedSurrogate => "unpaired_surrogate",
            Code::NotANumber => "not_a_number",
            Code::WrongType => "wrong_type",
            Code::UnknownKey => "unknown_key",
            Code::MissingKey => "missing_key",
            Code::UnsupportedVersion => "unsupported_version",
            Code::NotANode => "not_a_node",
            Code::EmptyGroup => "empty_group",
            Code::UnknownField => "unknown_field",
            Code::NotInScope => "not_in_scope",
            Code::UnknownOperator => "unknown_operator",
            Code::ValueNotAllowed => "value_not_allowed",
            Code::UnknownValue => "unknown_value",
            Code::OutOfRange => "out_of_range",
            Code::TooPrecise => "too_precise",
            Code::InvalidDate => "invalid_date",
            Code::InvalidDuration => "invalid_duration",
            Code::ReversedRange => "reversed_range",
            Code::EmptyValue => "empty_value",
            Code::TooManyValues => "too_many_values",
            Code::TooManyLeaves => "too_many_leaves",
            Code::TooDeep => "too_deep",
            Code::NotRepresentable => "not_representable",
            Code::TooManyProblems => "too_many_problems",
        }
    }
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer (RFC 6901) to the value at fault; empty for the document.
    pub pointer: String,
    /// What kind of problem.
    pub code: Code,
    /// What is wrong, in English.
    pub message: String,
    /// What was found, shortened.
    pub got: Option<String>,
    /// What would be accepted there.
    pub allowed: Vec<String>,
    /// What was probably meant, or how to mend it.
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem without details.
    pub(super) fn new(pointer: &str, code: Code, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code,
            message: message.into(),
            got: None,
            allowed: Vec::new(),
            suggestion: None,
        }
    }

    pub(super) fn got(mut self, found: impl AsRef<str>) -> Self {
        self.got = Some(shortened(found.as_ref()));
        self
    }

    pub(super) fn allowed<I>(mut self, allowed: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    pub(super) fn suggestion(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(out, "{pointer}: {}", self.message)
    }
}

/// The problems of one document, in the order they were found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

/// Most problems that are listed: a hostile document can hold thousands.
pub(super) const MOST_PROBLEMS: usize = 200;

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        if self.found.len() < MOST_PROBLEMS {
            self.found.push(problem);
        } else if self.found.len() == MOST_PROBLEMS {
            let message = format!("there are more problems than the {MOST_PROBLEMS} listed");
            self.found.push(Problem::new("", Code::TooManyProblems, message));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

/// At most 80 characters of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The candidate that was probably meant: the nearest within a third of its length in edits
/// (Damerau–Levenshtein), without regard to case and separators.
pub(super) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
    };
    let given = bare(given);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let bare = bare(candidate);
            let edits = strsim::damerau_levenshtein(&given, &bare);
            (edits <= (bare.chars().count() / 3).max(1) && edits < bare.chars().count())
                .then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_is_not() {
        let fields = ["total_orders", "total_spent", "label"];
        assert_eq!(nearest("total_order", fields), Some("total_orders"));
        assert_eq!(nearest("totalSpent", fields), Some("total_spent"));
        assert_eq!(nearest("lable", fields), Some("label"));
        assert_eq!(nearest("colour", fields), None);
        assert_eq!(nearest("", ["a", "eq"]), None);
    }

    #[test]
    fn names_of_codes_are_distinct() {
        let names: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
