//! A text's signature: a bit for each run of three characters. A text that holds another has all bits of the other's, so
//! that a walk leaves out, by two numbers in the index, almost everybody whom a search does not find.

use pgrx::prelude::*;

/// Bits of runs without a digit, of two numbers of 64: a name and an address have some twenty-five. The others are left to
/// the digits of phones, which would fill all.
const LETTERS: u64 = 96;
const ALL: u64 = 128;

pub(super) fn signature(text: &str) -> [i64; 2] {
    let mut bits = 0_u128;
    let characters: Vec<char> = text.chars().collect();
    for run in characters.windows(3).filter(|run| !run.contains(&'\n')) {
        // FNV-1a
        let hash = run
            .iter()
            .flat_map(|c| u32::from(*c).to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        let digits = run.iter().any(|c| c.is_ascii_digit() || *c == '+');
        bits |= 1 << if digits { LETTERS + hash % (ALL - LETTERS) } else { hash % LETTERS };
    }
    let bytes = bits.to_le_bytes();
    let half = |from: usize| i64::from_le_bytes(std::array::from_fn(|place| bytes[from + place]));
    [half(0), half(8)]
}

/// The text that a LIKE pattern of `crm.search_patterns` looks for, without its wildcards.
pub(super) fn wanted(pattern: &str) -> String {
    let inner = pattern.strip_prefix('%').unwrap_or(pattern);
    let inner = inner.strip_suffix('%').unwrap_or(inner);
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    text
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn text_signature(text: &str) -> Vec<i64> {
    signature(text).to_vec()
}
