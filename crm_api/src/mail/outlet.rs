//! Where mails go: to a mail server, or into a folder.

use std::{
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::settings::OutletSettings;

/// How long a mail server may take for one mail.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub enum Outlet {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Mailbox(PathBuf),
}

/// Why a mail did not leave.
#[derive(Debug, PartialEq)]
pub struct Failure {
    pub reason: String,
    /// Whether another try is in vain.
    pub permanent: bool,
}

impl Outlet {
    pub fn open(settings: &OutletSettings) -> Result<Self, String> {
        match settings {
            OutletSettings::Smtp(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                let transport = transport.map_err(|_| "the mail server's URL cannot be used".to_owned())?;
                Ok(Self::Smtp(transport.timeout(Some(PATIENCE)).build()))
            }
            OutletSettings::Mailbox(folder) => {
                let cannot =
                    |error| format!("the mailbox folder {} cannot be used: {error}", folder.display());
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
                let folder = folder.canonicalize().map_err(cannot)?;
                Ok(Self::Mailbox(folder))
            }
        }
    }

    /// Sends a mail, or writes it as `<id>.eml`.
    pub async fn send(&self, id: i64, message: Message) -> Result<(), Failure> {
        match self {
            Self::Smtp(transport) => match tokio::time::timeout(PATIENCE, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => {
                    let reason = error.to_string();
                    let code = error.status().map(|code| code.to_string());
                    Err(Failure { permanent: has_no_mailbox(code.as_deref(), &reason), reason })
                }
                Err(_) => Err(Failure { reason: "the mail server took too long".into(), permanent: false }),
            },
            Self::Mailbox(folder) => write(folder, id, &message.formatted()).map_err(|error| Failure {
                reason: format!("the mailbox folder cannot be written: {error}"),
                permanent: false,
            }),
        }
    }
}

/// Whether the server says that there is no such mailbox (RFC 3463, 5.1.x): what it refuses for other reasons, a wrong password or
/// a policy, may be set right.
fn has_no_mailbox(code: Option<&str>, reason: &str) -> bool {
    let enhanced = reason
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|word| word.starts_with("5.") && word.len() >= 5);
    match (code, enhanced) {
        (Some("550" | "551" | "553"), None) => true,
        (Some(code), Some(enhanced)) => code.starts_with('5') && enhanced.starts_with("5.1."),
        _ => false,
    }
}

/// Under its name only once it is whole.
fn write(folder: &Path, id: i64, mail: &[u8]) -> std::io::Result<()> {
    let path = folder.join(format!("{id}.eml"));
    let draft = folder.join(format!(".{id}.{}", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(mail)?;
    std::fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mailbox_that_is_not_there_is_given_up_at_once() {
        for (code, reason, expected) in [
            (Some("550"), "permanent error (550): 5.1.1 <x@example.org>: User unknown", true),
            (Some("550"), "permanent error (550): no such user", true),
            (Some("553"), "permanent error (553): 5.1.3 bad address", true),
            (Some("550"), "permanent error (550): 5.7.1 relaying denied", false),
            (Some("535"), "permanent error (535): 5.7.8 authentication failed", false),
            (Some("554"), "permanent error (554): try from elsewhere", false),
            (Some("451"), "transient error (451): 4.7.1 greylisted", false),
            (None, "connection refused", false),
        ] {
            assert_eq!(has_no_mailbox(code, reason), expected, "{reason}");
        }
    }
}
