//! The worker that mails what guests are to confirm. Any number of instances work side by side: `crm.take_mail` gives a mail to one
//! of them, and again, later each time, until `crm.mail_done` says what became of it. So a mail whose worker dies, or cannot say
//! that it was sent, is sent once more, under the same Message-ID.

mod letter;
mod outlet;
pub mod settings;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch::Receiver, task::JoinSet, time::sleep};

use crate::{database::Database, metrics::Metrics, problem::Problem};
use letter::Letter;
use outlet::{Failure, Outlet};
use settings::{MailSettings, OutletSettings};

/// Between two looks into an empty queue.
const PAUSE: Duration = Duration::from_secs(2);

/// Between two looks where the database or the outlet cannot be used; it doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Mails taken at once; sent side by side, so that all are done before they are due again.
const AT_ONCE: i32 = 10;

/// Tries to say that a mail was sent.
const REPORTS: u32 = 5;

struct Worker {
    database: Database,
    settings: MailSettings,
    metrics: Arc<Metrics>,
}

/// Sends mails until `stop` is true; those under way are sent to the end.
pub async fn run(
    settings: MailSettings,
    database: Database,
    metrics: Arc<Metrics>,
    mut stop: Receiver<bool>,
) {
    match &settings.outlet {
        OutletSettings::Smtp(_) => tracing::info!("mails are sent by SMTP"),
        OutletSettings::Mailbox(folder) => tracing::warn!(
            folder = %std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display(),
            "no mail server is set: mails are written into a folder instead"
        ),
    }
    let worker = Arc::new(Worker { database, settings, metrics });
    let mut outlet = None;
    let mut failing = PAUSE;
    loop {
        let pause = match worker.clone().work(&mut outlet).await {
            Ok(0) => {
                failing = PAUSE;
                PAUSE
            }
            Ok(_) => Duration::ZERO,
            Err(reason) => {
                tracing::warn!(reason, "no mails can be sent; tried again");
                failing = LONGEST_PAUSE.min(failing * 2);
                failing
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
    }
}

impl Worker {
    /// Takes some mails and sends them; returns how many it took.
    async fn work(self: Arc<Self>, opened: &mut Option<Outlet>) -> Result<usize, String> {
        let outlet = match opened {
            Some(outlet) => outlet,
            None => opened.insert(Outlet::open(&self.settings.outlet)?),
        };
        let rows = self
            .database
            .as_public("SELECT * FROM crm.take_mail($1::int)", &[&AT_ONCE])
            .await
            .map_err(|problem| problem.to_string())?;
        let mut sending = JoinSet::new();
        for row in &rows {
            let letter = Letter::try_from(row).map_err(|error| error.to_string())?;
            sending.spawn(self.clone().send(outlet.clone(), letter));
        }
        sending.join_all().await;
        Ok(rows.len())
    }

    async fn send(self: Arc<Self>, outlet: Outlet, letter: Letter) {
        let sent = match letter.compose(&self.settings) {
            Ok(message) => outlet.send(letter.id, message).await,
            Err(reason) => Err(Failure { reason, permanent: true }),
        };
        let failure = sent
            .err()
            .map(|failure| Failure { reason: without(&failure.reason, &letter.address), ..failure });
        let outcome = match &failure {
            None => "sent",
            Some(Failure { permanent: true, .. }) => "refused",
            Some(_) => "failed",
        };
        self.metrics.mailed(outcome);
        tracing::info!(
            mail = letter.id,
            kind = letter.kind,
            outcome,
            reason = failure.as_ref().map(|f| &*f.reason),
            "mail"
        );
        if let Err(problem) = self.report(letter.id, failure.as_ref()).await {
            tracing::error!(mail = letter.id, reason = %problem, "what became of a mail cannot be kept; it will be sent again");
        }
    }

    async fn report(&self, mail: i64, failure: Option<&Failure>) -> Result<(), Problem> {
        const SQL: &str = "SELECT crm.mail_done($1::bigint, $2::text, $3::boolean)";
        let reason = failure.map(|failure| failure.reason.as_str());
        let permanent = failure.is_some_and(|failure| failure.permanent);
        let mut tries = 1;
        loop {
            match self.database.as_public(SQL, &[&mail, &reason, &permanent]).await {
                Err(Problem::Unavailable { .. }) if tries < REPORTS => {
                    sleep(Duration::from_secs(1 << tries)).await;
                    tries += 1;
                }
                result => return result.map(drop),
            }
        }
    }
}

/// What a mail server says, without the address that it repeats.
fn without(reason: &str, address: &str) -> String {
    let (lower, wanted) = (reason.to_ascii_lowercase(), address.to_ascii_lowercase());
    let mut clean = String::new();
    let mut from = 0;
    for (at, _) in lower.match_indices(&wanted).filter(|_| !wanted.is_empty()) {
        clean += &reason[from..at];
        clean += "address";
        from = at + wanted.len();
    }
    clean + &reason[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_address() {
        let said = "550 5.1.1 <Ana@Example.org>: ana@example.org is unknown";
        assert_eq!(without(said, "ana@example.org"), "550 5.1.1 <address>: address is unknown");
        assert_eq!(without("timeout", ""), "timeout");
    }
}
