//! A mail server (RFC 5321) that keeps what it is sent.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Refuses mails to `nobody@…` for good and to `later@…` the first time; takes all others.
pub struct MailSink {
    port: u16,
    taken: Arc<Mutex<Vec<Mail>>>,
}

/// A mail as it came.
#[derive(Clone)]
pub struct Mail {
    /// Of the envelope.
    pub to: String,
    text: String,
}

impl MailSink {
    /// Listens on a free port of the local host, until the test ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sink = taken.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sink = sink.clone();
                std::thread::spawn(move || converse(client, &sink));
            }
        });
        Self { port, taken }
    }

    /// As the service is told it.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// All that came so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.taken.lock().expect("no test panics in it").clone()
    }

    /// The latest mail to an address, once it has come.
    #[track_caller]
    pub fn wait_for(&self, to: &str) -> Mail {
        let start = Instant::now();
        loop {
            if let Some(mail) = self.mails().into_iter().rfind(|mail| mail.to == to) {
                return mail;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "a mail to {to} within 20 seconds");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Mail {
    /// The value of a header that stands there once, with its folds undone.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let (head, _) = self.text.split_once("\r\n\r\n").expect("a body");
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut values = unfolded.split("\r\n").filter_map(|line| line.split_once(": "));
        let found: Vec<_> = values.by_ref().filter(|(key, _)| key.eq_ignore_ascii_case(name)).collect();
        assert_eq!(found.len(), 1, "{name} in {head}");
        found[0].1.to_owned()
    }

    /// Whether it has a header.
    pub fn has(&self, name: &str) -> bool {
        let (head, _) = self.text.split_once("\r\n\r\n").expect("a body");
        head.lines().any(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())))
    }

    /// The token in the address of a page, wherever it stands in the mail.
    #[track_caller]
    pub fn token(&self, page: &str) -> String {
        // Quoted-printable breaks long lines with "=".
        let text = self.text.replace("=\r\n", "");
        let start =
            text.find(&format!("/public/{page}/")).expect("a link") + "/public/".len() + page.len() + 1;
        text[start..].chars().take_while(char::is_ascii_hexdigit).collect()
    }
}

fn converse(client: TcpStream, taken: &Mutex<Vec<Mail>>) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?);
    let say = |text: &str| (&client).write_all(format!("{text}\r\n").as_bytes()).ok();
    let mut to = String::new();
    say("220 sink")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return Some(());
        }
        let command = line.trim().to_uppercase();
        if command.starts_with("RCPT TO:") {
            to = line.trim()[8..].trim_matches(['<', '>']).to_owned();
            let known = taken.lock().ok()?.iter().any(|mail| mail.to == format!("tried {to}"));
            if to.starts_with("nobody@") {
                say(&format!("550 5.1.1 <{to}>: no such user"))?;
            } else if to.starts_with("later@") && !known {
                taken.lock().ok()?.push(Mail { to: format!("tried {to}"), text: String::new() });
                say("451 4.7.1 try again later")?;
            } else {
                say("250 ok")?;
            }
        } else if command == "DATA" {
            say("354 go on")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if lines.read_line(&mut text).ok()? == 0 {
                    return None;
                }
            }
            taken.lock().ok()?.push(Mail { to: to.clone(), text });
            say("250 kept")?;
        } else if command == "QUIT" {
            say("221 bye")?;
            return Some(());
        } else {
            say("250 sink")?;
        }
    }
}
