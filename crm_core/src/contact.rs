//! How people are found: phone numbers in one notation, words of names without accents, names that are nearly alike.

use deunicode::deunicode;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Longer texts are no phone number.
const LONGEST_PHONE: usize = 60;
/// Names longer than any are looked through up to here.
const LONGEST_NAME: usize = 1_000;
/// Numbers of fewer digits, their country's code among them, are services and house extensions, nobody's phone.
const LEAST_DIGITS: usize = 7;
const MOST_WORDS: usize = 32;
const LONGEST_WORD: usize = 64;

/// Whether a region is known by that code of ISO 3166-1 alpha-2, in capitals.
pub fn is_region(code: &str) -> bool {
    region(code).is_some()
}

fn region(code: &str) -> Option<Region> {
    if code.len() != 2 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return None;
    }
    code.parse().ok().filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some())
}

/// A phone number in ITU-T E.164, read as it would be dialled in a region; none where its length is impossible, or where
/// it is no international number and the region is not known.
pub fn phone_e164(raw: &str, in_region: Option<&str>) -> Option<String> {
    if raw.len() > LONGEST_PHONE {
        return None;
    }
    let written = read_phone(raw.trim(), in_region)?;
    // A trunk prefix written twice is taken off once a reading: what is kept must read as itself.
    let again = read_phone(&written, None)?;
    (again == written || read_phone(&again, None).as_ref() == Some(&again)).then_some(again)
}

fn read_phone(raw: &str, in_region: Option<&str>) -> Option<String> {
    // The library takes what stands between these of RFC 3966, and panics where they stand the other way round.
    if let (Some(scheme), Some(context)) = (raw.find("tel:"), raw.find(";phone-context="))
        && context < scheme + "tel:".len()
    {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(raw, in_region.and_then(region)).ok()?;
    let written = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    (PHONE_NUMBER_UTIL.is_possible_number(&number) && written.len() > LEAST_DIGITS).then_some(written)
}

/// The words of a name in lower case Latin letters and digits, without accents and each once.
pub fn name_words(name: &str) -> Vec<String> {
    let beginning = match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => &name[..end],
        None => name,
    };
    let mut words: Vec<String> = Vec::new();
    // An apostrophe is part of a word: o'brien is found as obrien.
    let plain = deunicode(beginning).to_lowercase().replace('\'', "");
    for word in plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = &word[..word.len().min(LONGEST_WORD)];
        if words.len() < MOST_WORDS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// How alike two names are, 0 to 1, whatever the order of their words: Jaro and Winkler's measure of their sorted words.
pub fn name_similarity(one: &str, other: &str) -> f64 {
    let sorted = |name: &str| {
        let mut words = name_words(name);
        words.sort_unstable();
        words.join(" ")
    };
    let (one, other) = (sorted(one), sorted(other));
    if one.is_empty() || other.is_empty() { 0.0 } else { strsim::jaro_winkler(&one, &other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_region, name_similarity, name_words, phone_e164};

    #[test]
    fn a_context_before_its_number_is_no_phone() {
        assert_eq!(phone_e164("030 123456;phone-context=+49;tel:030", None), None);
        assert_eq!(phone_e164("tel:030123456;phone-context=+49", None).as_deref(), Some("+4930123456"));
    }

    #[test]
    fn a_number_reads_as_itself() {
        // Austria's trunk prefix twice.
        assert_eq!(phone_e164("+43 (0)0 794644958", None).as_deref(), Some("+43794644958"));
        assert_eq!(phone_e164("+43794644958", None).as_deref(), Some("+43794644958"));
        // Part of the number in Italy, where it stays.
        assert_eq!(phone_e164("06 698 12345", Some("IT")).as_deref(), Some("+390669812345"));
        assert_eq!(phone_e164("+390669812345", None).as_deref(), Some("+390669812345"));
    }

    #[test]
    fn numbers_are_read_as_dialled_in_their_region() {
        // National and international prefixes as of ITU's national numbering plans.
        for (raw, region, expected) in [
            ("(11) 98765-4321", Some("BR"), Some("+5511987654321")),
            ("0171 2345678", Some("DE"), Some("+491712345678")),
            ("00 49 171 2345678", Some("FR"), Some("+491712345678")),
            ("+49 (0) 171 2345678", None, Some("+491712345678")),
            ("06 12 34 56 78", Some("FR"), Some("+33612345678")),
            ("(212) 555-0147", Some("US"), Some("+12125550147")),
            ("0171 2345678", None, None),
            ("123", Some("DE"), None),
            ("0", Some("DE"), None),
            ("call me", Some("US"), None),
            ("+999 1234", None, None),
            ("", Some("DE"), None),
        ] {
            assert_eq!(phone_e164(raw, region).as_deref(), expected, "{raw} in {region:?}");
        }
        assert_eq!(phone_e164(&"1".repeat(5000), Some("DE")), None);
    }

    #[test]
    fn regions_are_codes_of_iso_3166() {
        assert!(is_region("DE") && is_region("BR"));
        assert!(!is_region("XX") && !is_region("de") && !is_region("Germany") && !is_region(""));
    }

    #[test]
    fn words_lose_accents_and_case() {
        assert_eq!(name_words("  José   María O’Brien-Núñez "), ["jose", "maria", "obrien", "nunez"]);
        assert_eq!(name_words("Łukasz Straße"), ["lukasz", "strasse"]);
        assert_eq!(name_words("Ana ANA ána"), ["ana"]);
        assert_eq!(name_words("\u{202e}🤷 -- ").len(), 1, "an emoji is read as its name");
        assert!(name_words("--").is_empty());
        assert_eq!(name_words(&"a b ".repeat(9_000)), ["a", "b"]);
    }

    #[test]
    fn names_are_alike_in_any_order() {
        assert!((name_similarity("Ana Silva", "silva, ÁNA") - 1.0).abs() < 1e-9);
        assert!(name_similarity("Martha Jones", "Marhta Jones") > 0.9);
        assert!(name_similarity("Martha Jones", "Bob Stone") < 0.7);
        assert!(name_similarity("", "Ana").abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", region in "[A-Z]{2}") {
            if let Some(number) = phone_e164(&text, Some(&region)) {
                // ITU-T E.164: at most fifteen digits.
                prop_assert!(number.starts_with('+') && number.len() <= 18, "{number}");
                prop_assert_eq!(phone_e164(&number, None), Some(number.clone()));
            }
            for word in name_words(&text) {
                prop_assert!(word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
            }
            prop_assert!((0.0..=1.0).contains(&name_similarity(&text, &region)));
        }

        #[test]
        fn digits_in_any_notation_are_one_number(digits in "1[5-7][0-9]{8}", gaps in prop::collection::vec("[-. /]{0,2}", 10)) {
            let spaced: String = digits.chars().zip(&gaps).flat_map(|(d, gap)| gap.chars().chain([d])).collect();
            prop_assert_eq!(phone_e164(&format!("0{spaced}"), Some("DE")), phone_e164(&format!("+49{digits}"), None));
        }
    }
}
