//! Reads JSON so that every fault has a pointer.
//!
//! `serde_json` rounds numbers to doubles (unless for every crate of the build at once), drops the first of
//! two equal keys, and stops at the first fault without a pointer.

use super::json::Json;
use super::place::Place;
use super::problem::{Code, Problem, Problems};

/// Deepest nesting that is read; criteria need 24.
const DEEPEST: usize = 64;

/// Reads a text. `None` when it is not JSON; faults that leave the rest readable are recorded and read on.
pub(super) fn read(text: &str, problems: &mut Problems) -> Option<Json> {
    let mut reader = Reader { text, next: 0, place: Place::default(), problems };
    let value = reader.value(0).and_then(|value| {
        reader.skip_space();
        if reader.next < text.len() {
            Err(reader.fault("text after the end of the document"))
        } else {
            Ok(value)
        }
    });
    match value {
        Ok(value) => Some(value),
        Err(problem) => {
            problems.add(*problem);
            None
        }
    }
}

/// A fault after which nothing more can be read.
type Fatal = Box<Problem>;

struct Reader<'a, 'p> {
    text: &'a str,
    /// Offset of the next byte, always between characters.
    next: usize,
    place: Place,
    problems: &'p mut Problems,
}

impl Reader<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.next..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.next).copied()
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.next += token.len();
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.next += 1;
        }
    }

    fn fault(&self, expected: &str) -> Fatal {
        let before = &self.text[..self.next];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let found: String = self.rest().chars().take(12).collect();
        let message = format!("not JSON at line {line}, column {column}: {expected}");
        let problem = Problem::new(self.place.pointer(), Code::InvalidJson, message);
        Box::new(problem.got(if found.is_empty() { "end of the text" } else { &found }))
    }

    fn record(&mut self, code: Code, message: &str) {
        self.problems.add(Problem::new(self.place.pointer(), code, message));
    }

    fn value(&mut self, depth: usize) -> Result<Json, Fatal> {
        if depth > DEEPEST {
            let message = format!("nested deeper than {DEEPEST} values");
            return Err(Box::new(Problem::new(self.place.pointer(), Code::TooDeep, message)));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(self.string()?.map_or(Json::Faulty, Json::Text)),
            Some(b'-' | b'0'..=b'9') if !self.rest().starts_with("-I") => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, Fatal> {
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.takes(word) {
                self.record(Code::NotANumber, &format!("{word} is not a JSON number"));
                return Ok(Json::Faulty);
            }
        }
        match () {
            () if self.takes("null") => Ok(Json::Null),
            () if self.takes("true") => Ok(Json::Bool(true)),
            () if self.takes("false") => Ok(Json::Bool(false)),
            () => Err(self.fault("expected a value")),
        }
    }

    fn number(&mut self) -> Result<Json, Fatal> {
        let start = self.next;
        self.takes("-");
        if !self.takes("0") {
            self.digits()?;
        }
        if self.takes(".") {
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            self.digits()?;
        }
        Ok(Json::Number(self.text[start..self.next].to_owned()))
    }

    fn digits(&mut self) -> Result<(), Fatal> {
        let start = self.next;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.next += 1;
        }
        if self.next == start { Err(self.fault("expected a digit")) } else { Ok(()) }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Fatal> {
        self.next += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.takes("]") {
            return Ok(Json::Array(values));
        }
        loop {
            values.push(self.inside(&values.len().to_string(), |reader| reader.value(depth + 1))?);
            self.skip_space();
            if self.takes("]") {
                return Ok(Json::Array(values));
            }
            if !self.takes(",") {
                return Err(self.fault("expected , or ] in an array"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Fatal> {
        self.next += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        self.skip_space();
        if self.takes("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("expected a key in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if !self.takes(":") {
                return Err(self.fault("expected : after a key"));
            }
            match key {
                Some(key) => {
                    let value = self.inside(&key, |reader| reader.value(depth + 1))?;
                    if keys.insert(key.clone()) {
                        members.push((key, value));
                    } else {
                        self.inside(&key, |reader| {
                            reader.record(Code::DuplicateKey, "this key stands twice in its object")
                        });
                    }
                }
                None => {
                    self.value(depth + 1)?;
                }
            }
            self.skip_space();
            if self.takes("}") {
                return Ok(Json::Object(members));
            }
            if !self.takes(",") {
                return Err(self.fault("expected , or } in an object"));
            }
        }
    }

    fn inside<R>(&mut self, step: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        let outside = self.place.enter(step);
        let result = work(self);
        self.place.leave(outside);
        result
    }

    /// A string; `None` when a fault in it was recorded.
    fn string(&mut self) -> Result<Option<String>, Fatal> {
        self.next += 1;
        let mut text = String::new();
        let mut fault = None;
        loop {
            let Some(character) = self.rest().chars().next() else {
                return Err(self.fault("a string without its closing quote"));
            };
            match character {
                '"' => {
                    self.next += 1;
                    break;
                }
                '\\' => match self.escape()? {
                    Ok('\0') => {
                        fault = Some((Code::NulCharacter, "a string cannot hold the character U+0000"))
                    }
                    Ok(character) => text.push(character),
                    Err(()) => {
                        fault = Some((Code::UnpairedSurrogate, "a \\u escape is half of a surrogate pair"));
                    }
                },
                '\0'..='\u{1f}' => return Err(self.fault("a control character that is not escaped")),
                character => {
                    self.next += character.len_utf8();
                    text.push(character);
                }
            }
        }
        match fault {
            None => Ok(Some(text)),
            Some((code, message)) => {
                self.record(code, message);
                Ok(None)
            }
        }
    }

    /// The character of an escape; `Err(())` inside for half a surrogate pair.
    fn escape(&mut self) -> Result<Result<char, ()>, Fatal> {
        for (token, character) in [
            ("\\\"", '"'),
            ("\\\\", '\\'),
            ("\\/", '/'),
            ("\\b", '\u{8}'),
            ("\\f", '\u{c}'),
            ("\\n", '\n'),
            ("\\r", '\r'),
            ("\\t", '\t'),
        ] {
            if self.takes(token) {
                return Ok(Ok(character));
            }
        }
        let Some(first) = self.unit() else {
            return Err(self.fault("an escape that JSON does not know"));
        };
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            let before = self.next;
            match self.unit() {
                Some(second) if (0xdc00..0xe000).contains(&second) => units.push(second),
                _ => self.next = before,
            }
        }
        let mut decoded = char::decode_utf16(units);
        Ok(decoded.next().and_then(Result::ok).ok_or(()))
    }

    /// A `\uXXXX` escape.
    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.next += 6;
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Vec<(String, &'static str)> {
        let mut problems = Problems::default();
        read(text, &mut problems);
        problems.into_vec().into_iter().map(|p| (p.pointer, p.code.name())).collect()
    }

    #[test]
    fn digits_are_kept_as_written() {
        let mut problems = Problems::default();
        let text = "[12345678901234567890.10,1e400,-0.0]";
        assert_eq!(read(text, &mut problems).unwrap().to_string(), text);
        assert!(problems.is_empty());
    }

    #[test]
    fn every_fault_of_a_readable_text_has_its_pointer() {
        let text = r#"{"a":[1,NaN,-Infinity],"b":"\ud800","a":2,"c/d":"x\u0000y","\udc00":1}"#;
        let expected = [
            ("/a/1", "not_a_number"),
            ("/a/2", "not_a_number"),
            ("/b", "unpaired_surrogate"),
            ("/a", "duplicate_key"),
            ("/c~1d", "nul_character"),
            ("", "unpaired_surrogate"),
        ];
        assert_eq!(codes(text), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn what_is_not_json_says_where() {
        let mut problems = Problems::default();
        assert!(read("{\"where\": [1,\n 01]}", &mut problems).is_none());
        let problem = problems.into_vec().remove(0);
        assert_eq!((problem.pointer.as_str(), problem.code), ("/where", Code::InvalidJson));
        assert!(problem.message.contains("line 2, column 3"), "{}", problem.message);
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "'a'",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "1.",
            "-",
            "1 2",
            "nul",
            "\u{feff}1",
        ] {
            assert_eq!(codes(text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_surrogate_pair_is_one_character() {
        let mut problems = Problems::default();
        assert_eq!(read(r#""\ud83c\udf55""#, &mut problems), Some(Json::text("🍕")));
        assert!(problems.is_empty());
        assert_eq!(codes(r#""\ud83cx""#)[0].1, "unpaired_surrogate");
        assert_eq!(codes(r#""\ud83c\ud83c""#)[0].1, "unpaired_surrogate");
    }

    #[test]
    fn nesting_is_bounded() {
        for open in ["[", "{\"a\":"] {
            assert_eq!(codes(&open.repeat(20_000))[0].1, "too_deep");
        }
    }

    proptest! {
        /// serde_json as the judge of what is JSON.
        #[test]
        fn the_same_texts_are_json_as_for_serde(text in r#"[\[\]{}",:0-9eE.+\-a-f\\u ntrls]{0,24}"#) {
            let mut problems = Problems::default();
            let read = read(&text, &mut problems);
            let serde = serde_json::from_str::<serde_json::Value>(&text);
            let beyond_doubles = serde.as_ref().is_err_and(|e| e.to_string().contains("out of range"));
            let own_rules = problems.into_vec().iter().any(|p| p.code != Code::InvalidJson);
            if !own_rules && !beyond_doubles {
                prop_assert_eq!(read.is_some(), serde.is_ok(), "{}", text);
            }
        }

        #[test]
        fn what_is_written_reads_the_same(text in ".*", number in any::<i64>()) {
            let value = Json::object([
                ("text", Json::Text(text.replace('\0', ""))),
                ("list", Json::Array(vec![Json::Number(number.to_string()), Json::Null, Json::Bool(true)])),
            ]);
            let mut problems = Problems::default();
            prop_assert_eq!(read(&value.to_string(), &mut problems), Some(value));
        }
    }
}
