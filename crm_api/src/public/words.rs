//! What the pages and mails for guests say, in each language: a language that lacks a sentence does not compile.

mod de;
mod en;
mod pt;

use chrono::{DateTime, Utc};

/// The sentences of one language. `{day}` stands for a day.
pub struct Words {
    /// BCP 47.
    pub code: &'static str,
    /// The language's own name.
    pub name: &'static str,
    /// Heading of the choice of languages.
    pub languages: &'static str,
    /// As of `strftime`.
    day: &'static str,

    pub confirm_title: &'static str,
    pub confirm_text: &'static str,
    pub confirm_button: &'static str,
    pub confirm_note: &'static str,
    pub confirmed_title: &'static str,
    pub confirmed_text: &'static str,

    pub unsubscribe_title: &'static str,
    pub unsubscribe_text: &'static str,
    pub unsubscribe_button: &'static str,
    pub unsubscribed_title: &'static str,
    pub unsubscribed_text: &'static str,

    pub email: &'static str,
    pub sms: &'static str,
    pub whatsapp: &'static str,
    pub review: &'static str,

    pub preferences_title: &'static str,
    pub preferences_text: &'static str,
    pub preferences_pending: &'static str,
    pub preferences_save: &'static str,
    pub preferences_none: &'static str,
    pub preferences_saved: &'static str,

    pub erasure_title: &'static str,
    pub erasure_teaser: &'static str,
    pub erasure_link: &'static str,
    pub erasure_ask_text: &'static str,
    pub erasure_ask_button: &'static str,
    pub erasure_mailed_title: &'static str,
    pub erasure_mailed_text: &'static str,
    pub erasure_no_address: &'static str,
    pub erasure_confirm_text: &'static str,
    pub erasure_confirm_button: &'static str,
    pub erasure_done_title: &'static str,
    pub erasure_done_text: &'static str,

    pub invalid_title: &'static str,
    pub invalid_text: &'static str,
    pub busy_title: &'static str,
    pub busy_text: &'static str,

    pub mail_greeting: &'static str,
    pub mail_confirm_subject: &'static str,
    pub mail_confirm_text: &'static str,
    pub mail_confirm_note: &'static str,
    pub mail_erasure_subject: &'static str,
    pub mail_erasure_text: &'static str,
    pub mail_erasure_note: &'static str,
    pub mail_copy_link: &'static str,
}

/// All languages; the first is spoken where none of the others is asked for.
pub static ALL: [&Words; 3] = [&en::WORDS, &de::WORDS, &pt::WORDS];

impl Words {
    /// The language of a tag such as `pt-BR`, where it is one of ours.
    pub fn of(tag: &str) -> Option<&'static Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        ALL.into_iter().find(|words| words.code.eq_ignore_ascii_case(primary))
    }

    /// The language that an `Accept-Language` header (RFC 9110, 12.5.4) prefers among ours.
    pub fn accepted(header: &str) -> Option<&'static Self> {
        let mut best: Option<(f32, &'static Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let Some(words) = parts.next().and_then(Self::of) else { continue };
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            if quality > best.map_or(0.0, |(best, _)| best) {
                best = Some((quality, words));
            }
        }
        best.map(|(_, words)| words)
    }

    /// The language of the guest, else the first one.
    pub fn for_guest(language: Option<&str>) -> &'static Self {
        language.and_then(Self::of).unwrap_or(ALL[0])
    }

    /// What a channel of consent is called.
    pub fn channel(&self, channel: &str) -> &'static str {
        match channel {
            "SMS_MARKETING" => self.sms,
            "WHATSAPP_MARKETING" => self.whatsapp,
            "REVIEW_REQUEST" => self.review,
            _ => self.email,
        }
    }

    pub fn date(&self, at: DateTime<Utc>) -> String {
        at.format(self.day).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_that_is_ours_is_taken() {
        for (header, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", Some("de")),
            ("fr-FR, pt-BR;q=0.7, en;q=0.3", Some("pt")),
            ("en;q=0.3, DE;q=0.4", Some("de")),
            ("de;q=0", None),
            ("fr, *;q=0.5", None),
            ("de;q=much", None),
            ("", None),
        ] {
            assert_eq!(Words::accepted(header).map(|words| words.code), expected, "{header}");
        }
    }

    #[test]
    fn a_guests_language_may_name_a_region() {
        assert_eq!(Words::for_guest(Some("pt-BR")).code, "pt");
        assert_eq!(Words::for_guest(Some("de_CH")).code, "de");
        assert_eq!(Words::for_guest(Some("zh-Hant")).code, "en");
        assert_eq!(Words::for_guest(None).code, "en");
    }
}
