//! Handing mails to the smarthost (RFC 5321), step by step, so that what fails can be said in words.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;
use policy::MailAddress;

use super::message::lettre_address;

/// How long a step may take. RFC 5321 section 4.5.3.2 asks for five minutes where a server looks things up before it
/// answers; a smarthost of our own does not.
const STEP: Duration = Duration::from_secs(60);

/// How long the answer after the whole mail may take: ten minutes (RFC 5321 section 4.5.3.2.6). Whoever gives up earlier
/// sends what was taken a second time.
const TAKEN: Duration = Duration::from_secs(600);

/// How the way to the smarthost is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte (port 465, RFC 8314).
    Wrapped,
    /// `STARTTLS`, and nothing without it (port 587 or 25).
    StartTls,
    /// None: on the same machine only.
    None,
}

/// Where mails are handed in.
pub struct Smarthost {
    /// Its name, which its certificate must have too.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS.
    pub tls: Tls,
    /// A root (PEM) beside those of the system, for a smarthost with a certificate of one's own.
    pub ca: Option<Vec<u8>>,
    /// User and password.
    pub login: Option<(String, String)>,
}

impl fmt::Debug for Smarthost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        f.debug_struct("Smarthost")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

/// Why the smarthost took no mail, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// What was tried, and what came back.
    pub what: String,
    /// What to look at.
    pub next: &'static str,
}

/// Why this mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was this mail; the next one may go.
    Mail {
        /// In the server's words.
        what: String,
        /// Another attempt would hear the same.
        for_good: bool,
    },
    /// The connection is of no use any more. Whether this mail was taken is not known.
    Lost(String),
    /// It was not about this mail: the smarthost wants something else of us.
    Smarthost(Unreachable),
}

/// An open connection.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
}

impl Smarthost {
    /// Connects, and logs in. `tell` hears each step that was made.
    pub(crate) async fn open(
        &self,
        hello: &str,
        tell: &mut (dyn FnMut(String) + Send),
    ) -> Result<Session, Unreachable> {
        if self.tls == Tls::None && !is_loopback(&self.host) {
            let what = format!("{} is elsewhere, and tls is none", self.host);
            return Err(Unreachable { what, next: "write tls = \"starttls\" or \"tls\"" });
        }
        let tls = self.parameters()?;
        let hello = ClientId::Domain(hello.to_owned());
        let wrapped = tls.clone().filter(|_| self.tls == Tls::Wrapped);
        let address = (self.host.as_str(), self.port);
        let connect = AsyncSmtpConnection::connect_tokio1(address, Some(STEP), &hello, wrapped, None);
        let failed = |what: String| {
            self.unreachable(
                "connect",
                &what,
                match self.tls {
                    Tls::Wrapped => {
                        "is the address right, is it up, is the port one for TLS from the first byte (465)?"
                    }
                    _ => "is the address right, and is it up? Port 465 wants tls = \"tls\"",
                },
            )
        };
        let mut connection = within(STEP, connect).await.map_err(|e| failed(e.words()))?;
        tell(format!("connected to {}:{}", self.host, self.port));
        if let Some(tls) = tls.filter(|_| self.tls == Tls::StartTls) {
            if !connection.can_starttls() {
                return Err(self.unreachable(
                    "start TLS",
                    "it offers no STARTTLS",
                    "use a port that offers it (587), or tls = \"tls\" with port 465",
                ));
            }
            let started = within(STEP, connection.starttls(tls, &hello)).await;
            started.map_err(|e| self.unreachable("start TLS", &e.words(), "is its certificate for this name, and by an authority this system trusts? For one of your own, set ca"))?;
        }
        if connection.is_encrypted() {
            tell(format!("TLS is on, and the certificate is that of {}", self.host));
        }
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            within(STEP, login).await.map_err(|e| {
                self.unreachable(
                    &format!("log in as {user}"),
                    &e.words(),
                    "are user and password those of the smarthost, and does it take PLAIN or LOGIN here?",
                )
            })?;
            tell(format!("logged in as {user}"));
        }
        Ok(Session { connection })
    }

    fn parameters(&self) -> Result<Option<TlsParameters>, Unreachable> {
        if self.tls == Tls::None {
            return Ok(None);
        }
        let broken =
            |e: Error| self.unreachable("prepare TLS", &e.to_string(), "is ca a certificate in PEM?");
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.ca {
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(broken)?);
        }
        builder.build_rustls().map(Some).map_err(broken)
    }

    fn unreachable(&self, doing: &str, what: &str, next: &'static str) -> Unreachable {
        Unreachable {
            what: format!("could not {doing} at the smarthost {}:{}: {what}", self.host, self.port),
            next,
        }
    }

    /// Whether its settings are whole.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self) -> Result<(), Unreachable> {
        if self.tls == Tls::None && !is_loopback(&self.host) {
            let what = format!("tls is none, and {} is not this machine", self.host);
            return Err(Unreachable { what, next: "write tls = \"starttls\" or \"tls\"" });
        }
        self.parameters().map(drop)
    }
}

/// Whether it is this machine, without asking DNS.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

impl Session {
    /// Hands one mail over. Says what the server said when it took it.
    pub(crate) async fn send(
        &mut self,
        from: &MailAddress,
        to: &MailAddress,
        mail: &[u8],
        tell: &mut (dyn FnMut(String) + Send),
    ) -> Result<String, Refused> {
        let defect = |what: String| Refused::Mail { what, for_good: true };
        if !mail.is_ascii() && !self.connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(defect("the mail is not ASCII".into()));
        }
        let (from, to) = (lettre_address(from).map_err(defect)?, lettre_address(to).map_err(defect)?);
        let shown = (from.to_string(), to.to_string());
        self.step("sender", Mail::new(Some(from), Vec::new())).await?;
        tell(format!("it takes mail from {}", shown.0));
        self.step("recipient", Rcpt::new(to, Vec::new())).await?;
        tell(format!("it takes mail to {}", shown.1));
        self.step("mail", Data).await?;
        let taken = within(TAKEN, self.connection.message(mail)).await;
        match taken {
            Ok(answer) => Ok(words(&answer)),
            Err(fault) => Err(Self::refused("mail", &fault)),
        }
    }

    async fn step(&mut self, what: &str, command: impl fmt::Display) -> Result<(), Refused> {
        match within(STEP, self.connection.command(command)).await {
            Ok(_) => Ok(()),
            Err(fault) => Err(Self::refused(what, &fault)),
        }
    }

    /// What a refusal means.
    fn refused(what: &str, fault: &Fault) -> Refused {
        let Fault::Said(error) = fault else { return Refused::Lost(format!("{what}: {}", fault.words())) };
        let Some(code) = error.status() else { return Refused::Lost(format!("{what}: {}", fault.words())) };
        let said = format!("{what} refused: {}", fault.words());
        match code.to_string().as_str() {
            // It closes the connection.
            "421" => return Refused::Lost(said),
            // It wants us to log in, or to encrypt (RFC 4954 section 6).
            "530" | "535" | "538" => {
                let next = "it wants a login or TLS: look at user, password and tls";
                return Refused::Smarthost(Unreachable { what: said, next });
            }
            _ => {}
        }
        Refused::Mail { what: said, for_good: error.is_permanent() }
    }

    /// Whether it can take another mail after one that it refused.
    pub(crate) async fn lives(&mut self) -> bool {
        within(STEP, self.connection.command(Rset)).await.is_ok()
    }

    /// Says goodbye. Nothing depends on it.
    pub(crate) async fn close(mut self) {
        drop(within(STEP, self.connection.quit()).await);
    }
}

enum Fault {
    Said(Error),
    Slow(Duration),
}

impl Fault {
    fn words(&self) -> String {
        match self {
            Fault::Said(error) => error.to_string(),
            Fault::Slow(limit) => format!("no answer within {} seconds", limit.as_secs()),
        }
    }
}

async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done.map_err(Fault::Said),
        Err(_) => Err(Fault::Slow(limit)),
    }
}

fn words(answer: &Response) -> String {
    let lines: Vec<&str> = answer.message().collect();
    format!("{} {}", answer.code(), lines.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smarthost(host: &str, tls: Tls) -> Smarthost {
        let login = Some(("desk".to_owned(), "a-secret".to_owned()));
        Smarthost { host: host.into(), port: 587, tls, ca: None, login }
    }

    #[test]
    fn nothing_goes_in_the_clear_to_another_machine() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(smarthost(host, Tls::None).check().is_ok(), "{host}");
        }
        for host in ["mail.shield.example", "192.0.2.1", "localhost.shield.example", "127.0.0.1.example"] {
            assert!(smarthost(host, Tls::None).check().is_err(), "{host}");
            assert!(smarthost(host, Tls::StartTls).check().is_ok(), "{host}");
        }
    }

    #[test]
    fn a_password_is_in_no_debug_line() {
        let shown = format!("{:?}", smarthost("mail.shield.example", Tls::StartTls));
        assert!(shown.contains("desk") && !shown.contains("a-secret"), "{shown}");
    }
}
