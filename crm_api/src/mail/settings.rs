//! How mails leave, and where the links in them lead.

use std::{fmt, net::SocketAddr, path::PathBuf};

use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};

use crate::config::ConfigError;

pub const SEND_MAIL: &str = "CRM_SEND_MAIL";
pub const SMTP_URL: &str = "CRM_SMTP_URL";
pub const MAIL_FROM: &str = "CRM_MAIL_FROM";
pub const MAILBOX_DIR: &str = "CRM_MAILBOX_DIR";
pub const PUBLIC_URL: &str = "CRM_PUBLIC_URL";

/// The worker's settings.
#[derive(Clone)]
pub struct MailSettings {
    pub outlet: OutletSettings,
    /// The address of the sender; the name before it is the venue's or the organisation's.
    pub from: Mailbox,
    /// What the addresses of pages begin with, without a slash at the end.
    pub public_url: String,
}

#[derive(Clone)]
pub enum OutletSettings {
    /// A URL with the password in it, which lettre has read once already.
    Smtp(String),
    /// A folder into which mails are written instead.
    Mailbox(PathBuf),
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outlet = match &self.outlet {
            OutletSettings::Smtp(_) => "smtp".to_owned(),
            OutletSettings::Mailbox(folder) => format!("mailbox folder {}", folder.display()),
        };
        f.debug_struct("MailSettings").field("outlet", &outlet).field("public_url", &self.public_url).finish()
    }
}

/// The settings as they are read, one after the other.
pub struct MailDraft {
    send: bool,
    smtp: Option<String>,
    mailbox: PathBuf,
    from: Option<Mailbox>,
    public_url: Option<String>,
}

impl Default for MailDraft {
    fn default() -> Self {
        Self { send: true, smtp: None, mailbox: "mailbox".into(), from: None, public_url: None }
    }
}

impl MailDraft {
    /// Takes a setting; false where it is not one of the mail's.
    pub fn take(&mut self, key: &str, value: &str) -> Result<bool, ConfigError> {
        match key {
            SEND_MAIL => {
                self.send = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err(ConfigError::Invalid { key: SEND_MAIL, expected: "on or off" }),
                };
            }
            SMTP_URL => self.smtp = Some(smtp_url(value)?),
            MAILBOX_DIR if value.is_empty() => {
                return Err(ConfigError::Invalid { key: MAILBOX_DIR, expected: "the path of a folder" });
            }
            MAILBOX_DIR => self.mailbox = value.into(),
            MAIL_FROM => {
                let expected = "a mail address, such as news@example.org";
                let from = value.parse().map_err(|_| ConfigError::Invalid { key: MAIL_FROM, expected })?;
                self.from = Some(from);
            }
            PUBLIC_URL => self.public_url = Some(public_url(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// None where no mails are to be sent. Real mails need an address to come from and one that their links lead to.
    pub fn finish(self, listen: SocketAddr) -> Result<Option<MailSettings>, ConfigError> {
        if !self.send {
            return Ok(None);
        }
        let outlet = match self.smtp {
            Some(_) if self.from.is_none() => return Err(ConfigError::Missing(MAIL_FROM)),
            Some(_) if self.public_url.is_none() => return Err(ConfigError::Missing(PUBLIC_URL)),
            Some(url) => OutletSettings::Smtp(url),
            None => OutletSettings::Mailbox(self.mailbox),
        };
        let from = match self.from {
            Some(from) => from,
            None => Mailbox::new(
                None,
                lettre::Address::new("crm", "localhost").map_err(|_| ConfigError::Missing(MAIL_FROM))?,
            ),
        };
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{listen}"));
        Ok(Some(MailSettings { outlet, from, public_url }))
    }
}

/// The URL may hold a password: it is not passed on.
fn smtp_url(value: &str) -> Result<String, ConfigError> {
    let invalid = |expected| ConfigError::Invalid { key: SMTP_URL, expected };
    AsyncSmtpTransport::<Tokio1Executor>::from_url(value)
        .map_err(|_| invalid("an SMTP URL, such as smtps://user:password@mail.example.org"))?;
    // What the mails hold, links that stand for a guest, is not for the network to read.
    let rest = value.strip_prefix("smtp://").map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
    let plain =
        rest.is_some_and(|rest| !rest.contains("tls=required") && !rest.contains("tls=opportunistic"));
    let local = rest.is_some_and(|rest| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            rest.strip_prefix(host).is_some_and(|end| end.is_empty() || end.starts_with([':', '/', '?']))
        })
    });
    if plain && !local {
        return Err(invalid("smtps://…, or smtp://…?tls=required, unless the host is the local one"));
    }
    Ok(value.to_owned())
}

fn public_url(value: &str) -> Result<String, ConfigError> {
    let expected = "an address without a query, such as https://crm.example.org";
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>?#\\,".contains(&byte);
    match rest {
        Some(rest) if !rest.is_empty() && rest.len() <= 300 && rest.bytes().all(plain) => {
            Ok(value.trim_end_matches('/').to_owned())
        }
        _ => Err(ConfigError::Invalid { key: PUBLIC_URL, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTEN: &str = "127.0.0.1:8080";

    fn settings(pairs: &[(&str, &str)]) -> Result<Option<MailSettings>, ConfigError> {
        let mut draft = MailDraft::default();
        for (key, value) in pairs {
            assert!(draft.take(key, value)?, "{key}");
        }
        draft.finish(LISTEN.parse().unwrap())
    }

    #[test]
    fn without_a_mail_server_mails_go_into_a_folder() {
        let settings = settings(&[]).unwrap().unwrap();
        assert!(matches!(settings.outlet, OutletSettings::Mailbox(folder) if folder.ends_with("mailbox")));
        assert_eq!(settings.public_url, "http://127.0.0.1:8080");
    }

    #[test]
    fn a_mail_server_needs_to_know_from_whom_and_where_links_lead() {
        let smtp = (SMTP_URL, "smtps://crm:hunter2@mail.example.org");
        let from = (MAIL_FROM, "news@example.org");
        let url = (PUBLIC_URL, "https://crm.example.org/");
        assert_eq!(settings(&[smtp, url]).unwrap_err(), ConfigError::Missing(MAIL_FROM));
        assert_eq!(settings(&[smtp, from]).unwrap_err(), ConfigError::Missing(PUBLIC_URL));
        let complete = settings(&[smtp, from, url]).unwrap().unwrap();
        assert_eq!(complete.public_url, "https://crm.example.org");
        assert!(!format!("{complete:?}").contains("hunter2"));
        assert!(settings(&[smtp, (SEND_MAIL, "off")]).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_told() {
        for (key, value) in [
            (SMTP_URL, "mail.example.org"),
            (SMTP_URL, "smtp://crm:hunter2@mail.example.org:25"),
            (SMTP_URL, "smtp://127.0.0.1.example.org"),
            (MAIL_FROM, "news@example.org\r\nBcc: all@example.org"),
            (MAIL_FROM, "news"),
            (PUBLIC_URL, "crm.example.org"),
            (PUBLIC_URL, "https://"),
            (PUBLIC_URL, "https://crm.example.org>, <mailto:x@example.org"),
            (SEND_MAIL, "true"),
        ] {
            let error = settings(&[(key, value)]).unwrap_err();
            assert!(matches!(error, ConfigError::Invalid { key: refused, .. } if refused == key), "{value}");
            assert!(!error.to_string().contains("hunter2"));
        }
        for url in ["smtp://localhost:2525", "smtp://[::1]", "smtp://mail.example.org:587?tls=required"] {
            assert_eq!(smtp_url(url).as_deref(), Ok(url));
        }
    }
}
