//! The text of a file: UTF-8, or another encoding where its byte order mark or the caller says so.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::{MOST_BYTES, Refusal};

const SAVE_AS_UTF_8: &str = "Save it as \"CSV UTF-8\", or name its encoding in the options, such as {\"encoding\": \"windows-1252\"}, which is Excel's in Western Europe and the Americas.";

/// The text of a file, without a byte order mark. The encoding is a label of the WHATWG's Encoding Standard.
pub fn decode<'a>(bytes: &'a [u8], encoding: Option<&str>) -> Result<Cow<'a, str>, Refusal> {
    if bytes.len() > MOST_BYTES {
        return Err(Refusal::content(
            format!("the file has {} bytes; at most {MOST_BYTES} are read", bytes.len()),
            "Split it.",
        ));
    }
    let named = match encoding {
        None => UTF_8,
        Some(label) => Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| Refusal {
            parameter: "options",
            message: format!("unknown encoding \"{}\"", label.chars().take(60).collect::<String>()),
            hint: "Such as utf-8, utf-16le, windows-1252 or iso-8859-2.",
        })?,
    };
    // A byte order mark tells more surely than anybody.
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((named, 0));
    let bytes = &bytes[mark..];
    let text = if encoding == UTF_8 {
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
            let at = error.valid_up_to();
            Refusal::content(
                format!(
                    "line {} is not UTF-8: byte {} of it is 0x{:02X}",
                    line_of(bytes, at),
                    at - line_start(bytes, at) + 1,
                    bytes[at]
                ),
                SAVE_AS_UTF_8,
            )
        })?
    } else {
        encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or_else(|| Refusal::content(format!("the file is not {}", encoding.name()), SAVE_AS_UTF_8))?
    };
    match text.bytes().position(|byte| byte == 0) {
        None => Ok(text),
        Some(at) => Err(Refusal::content(
            format!("line {} holds a zero byte: the file is no text", line_of(text.as_bytes(), at)),
            "Save it as \"CSV UTF-8\"; a workbook (.xlsx) is not read, nor UTF-16 without a byte order mark.",
        )),
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// A text with every run of blanks, line breaks and other control characters as one blank, and none around it; none
/// for an empty one.
pub fn tidy(raw: &str) -> Option<String> {
    let mut tidied = String::with_capacity(raw.len());
    for word in raw.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !tidied.is_empty() {
            tidied.push(' ');
        }
        tidied.push_str(word);
    }
    (!tidied.is_empty()).then_some(tidied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_of_excel_are_read() {
        for bytes in [
            "José;5 €".as_bytes().to_vec(),
            [b"\xEF\xBB\xBF".as_slice(), "José;5 €".as_bytes()].concat(),
            [0xFF, 0xFE].into_iter().chain("José;5 €".encode_utf16().flat_map(u16::to_le_bytes)).collect(),
            [0xFE, 0xFF].into_iter().chain("José;5 €".encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        ] {
            assert_eq!(decode(&bytes, None).as_deref(), Ok("José;5 €"));
        }
        assert_eq!(decode(b"Jos\xE9;5 \x80", Some("windows-1252")).as_deref(), Ok("José;5 €"));
        assert_eq!(decode(b"Jos\xE9", Some("latin1")).as_deref(), Ok("José"));
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let refused = |bytes: &[u8], encoding| decode(bytes, encoding).expect_err("no text");
        assert_eq!(
            refused(b"name\nAna\nJos\xE9\n", None).message,
            "line 3 is not UTF-8: byte 4 of it is 0xE9"
        );
        assert!(refused(b"PK\x03\x04\x14\x00\x06", None).message.contains("zero byte"));
        assert!(refused(b"n\x00a\x00", None).message.contains("line 1"));
        assert!(refused(b"\xFF\xFEa", None).message.contains("UTF-16LE"), "half a character");
        assert_eq!(refused(b"a", Some("klingon")).parameter, "options");
        assert!(refused(&vec![b'a'; MOST_BYTES + 1], None).message.contains("at most"));
    }

    #[test]
    fn blanks_of_any_kind_are_one() {
        assert_eq!(tidy("  Zoë\t\u{a0}Quick\r\n ").as_deref(), Some("Zoë Quick"));
        assert_eq!(tidy("\u{1}\u{2003} "), None);
    }
}
