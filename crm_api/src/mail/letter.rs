//! One mail: what it says, in the guest's language, and its headers.

use askama::Template;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};
use tokio_postgres::Row;

use super::settings::MailSettings;
use crate::public::words::Words;

/// As of `crm.take_mail`.
pub struct Letter {
    pub id: i64,
    pub kind: String,
    pub address: String,
    pub language: Option<String>,
    pub sender: String,
    /// The text of the consent.
    pub wording: Option<String>,
    pub token: String,
    pub unsubscribe_token: Option<String>,
    pub preferences_token: Option<String>,
}

impl TryFrom<&Row> for Letter {
    type Error = tokio_postgres::Error;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get("mail_id")?,
            kind: row.try_get("kind")?,
            address: row.try_get("address")?,
            language: row.try_get("language")?,
            sender: row.try_get("sender")?,
            wording: row.try_get("wording")?,
            token: row.try_get("token")?,
            unsubscribe_token: row.try_get("unsubscribe_token")?,
            preferences_token: row.try_get("preferences_token")?,
        })
    }
}

/// No name of the guest stands in it: whoever types a name into a form could have us mail any text to anybody.
#[derive(Template)]
#[template(path = "mail/request.html")]
struct Html<'a> {
    words: &'a Words,
    subject: &'a str,
    sender: &'a str,
    text: &'a str,
    link: &'a str,
    button: &'a str,
    wording: Option<&'a str>,
    note: &'a str,
    unsubscribe: Option<&'a str>,
    preferences: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/request.txt")]
struct Text<'a> {
    words: &'a Words,
    sender: &'a str,
    text: &'a str,
    link: &'a str,
    wording: Option<&'a str>,
    note: &'a str,
    unsubscribe: Option<&'a str>,
    preferences: Option<&'a str>,
}

impl Letter {
    /// The mail ready to be sent; an error where it never can be.
    pub fn compose(&self, settings: &MailSettings) -> Result<Message, String> {
        let words = Words::for_guest(self.language.as_deref());
        let page = |path: &str, token: &str| format!("{}/public/{path}/{token}", settings.public_url);
        let (subject, text, button, note, path) = match self.kind.as_str() {
            "confirm_opt_in" => (
                words.mail_confirm_subject,
                words.mail_confirm_text,
                words.confirm_button,
                words.mail_confirm_note,
                "confirm",
            ),
            "confirm_erasure" => (
                words.mail_erasure_subject,
                words.mail_erasure_text,
                words.erasure_confirm_button,
                words.mail_erasure_note,
                "erasure",
            ),
            other => return Err(format!("no template for mails of the kind {other}")),
        };
        let link = page(path, &self.token);
        let unsubscribe = self.unsubscribe_token.as_deref().map(|token| page("unsubscribe", token));
        let preferences = self.preferences_token.as_deref().map(|token| page("preferences", token));
        let sender = one_line(&self.sender);
        let (wording, unsubscribe, preferences) =
            (self.wording.as_deref(), unsubscribe.as_deref(), preferences.as_deref());
        let html = Html {
            words,
            subject,
            sender: &sender,
            text,
            link: &link,
            button,
            wording,
            note,
            unsubscribe,
            preferences,
        };
        let plain =
            Text { words, sender: &sender, text, link: &link, wording, note, unsubscribe, preferences };
        let (html, plain) = (html.render(), plain.render());
        let (html, plain) = html.and_then(|html| Ok((html, plain?))).map_err(|error| error.to_string())?;

        let to: Address = self.address.parse().map_err(|_| "not a mail address".to_owned())?;
        let mut message = Message::builder()
            .from(Mailbox::new(Some(sender), settings.from.email.clone()))
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date_now()
            .message_id(Some(self.message_id(settings)))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", words.code));
        if let Some(unsubscribe) = unsubscribe {
            // RFC 2369 and RFC 8058.
            message = message
                .raw_header(header("List-Unsubscribe", &format!("<{unsubscribe}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        message.multipart(MultiPart::alternative_plain_html(plain, html)).map_err(|error| error.to_string())
    }

    /// The same each time: a mail that was sent twice, as nobody could say that it had been sent, is seen to be one.
    fn message_id(&self, settings: &MailSettings) -> String {
        let hash = Sha256::digest(format!("{}:{}", self.id, self.token));
        let unique: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        format!("<{}.{unique}@{}>", self.id, settings.from.email.domain())
    }
}

/// Of names that are set, not text that is sent: the value is ASCII without a break of lines.
fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.to_owned(),
        value.to_owned(),
    )
}

/// A name as it may stand in a header: no control characters, so no further header.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::settings::MailDraft;

    fn letter() -> Letter {
        Letter {
            id: 7,
            kind: "confirm_opt_in".into(),
            address: "ana@example.org".into(),
            language: Some("pt-BR".into()),
            sender: "Casa <Ação> & Co".into(),
            wording: Some("Sim, quero <b>novidades</b>".into()),
            token: "a".repeat(64),
            unsubscribe_token: Some("b".repeat(64)),
            preferences_token: Some("c".repeat(64)),
        }
    }

    fn sent(letter: &Letter) -> Result<String, String> {
        let mut draft = MailDraft::default();
        draft.take("CRM_PUBLIC_URL", "https://crm.example.org/guests").unwrap();
        let settings = draft.finish("127.0.0.1:1".parse().unwrap()).unwrap().unwrap();
        Ok(String::from_utf8(letter.compose(&settings)?.formatted()).unwrap())
    }

    fn headers(mail: &str) -> Vec<&str> {
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).collect()
    }

    #[test]
    fn the_headers_are_those_of_one_click() {
        let mail = sent(&letter()).unwrap();
        let headers = headers(&mail);
        let unsubscribe = format!(
            "List-Unsubscribe: <https://crm.example.org/guests/public/unsubscribe/{}>",
            "b".repeat(64)
        );
        for expected in [
            unsubscribe.as_str(),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
            "Content-Language: pt",
            "To: ana@example.org",
            "MIME-Version: 1.0",
        ] {
            assert_eq!(headers.iter().filter(|line| **line == expected).count(), 1, "{expected}\n{mail}");
        }
        for name in ["From", "To", "Subject", "Date", "Message-ID"] {
            let of_name = headers.iter().filter(|line| line.starts_with(&format!("{name}: "))).count();
            assert_eq!(of_name, 1, "{name}\n{mail}");
        }
        assert!(mail.is_ascii(), "names and texts are encoded");
    }

    #[test]
    fn no_value_makes_a_header() {
        let honest = headers(&sent(&letter()).unwrap()).len();
        for evil in
            ["Casa\r\nBcc: all@example.org", "Casa\nBcc: all@example.org\n\nHello", "\u{2028}\r\u{0}Bcc: x"]
        {
            let mail = sent(&Letter { sender: evil.into(), wording: Some(evil.into()), ..letter() }).unwrap();
            let headers = headers(&mail);
            assert_eq!(headers.len(), honest, "{mail}");
            assert!(!headers.iter().any(|line| line.to_lowercase().starts_with("bcc")), "{mail}");
        }
        for address in
            ["ana@example.org\r\nBcc: all@example.org", "ana", "ana@example.org, all@example.org", ""]
        {
            assert!(sent(&Letter { address: address.into(), ..letter() }).is_err(), "{address}");
        }
        assert!(sent(&Letter { kind: "newsletter".into(), ..letter() }).is_err());
    }

    #[test]
    fn a_mail_that_is_sent_again_has_the_same_id() {
        let id = |letter: &Letter| {
            let mail = sent(letter).unwrap();
            headers(&mail).iter().find(|line| line.starts_with("Message-ID")).unwrap().to_string()
        };
        assert_eq!(id(&letter()), id(&letter()));
        assert_ne!(id(&letter()), id(&Letter { id: 8, ..letter() }));
    }
}
