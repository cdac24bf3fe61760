//! From a mail of the outbox to the bytes on the wire (RFC 5322), signed with DKIM where a key is set.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use policy::{MailAddress, Sentence, Time};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _, LineEnding};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::traits::PublicKeyParts as _;

/// RSA keys that receivers verify: below 1,024 bits none does (RFC 8301 section 3.2), below 2,048 none should be new,
/// and a key above 4,096 need not be checked.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Headers that the signature covers: all that we write. Those that a relay adds on the way are not ours.
const SIGNED: [&str; 10] = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// `Auto-Submitted: auto-generated` (RFC 3834 section 5): no holiday notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

/// The key that signs mails, and where its public half stands in DNS. RSA alone: hardly any receiver checks the Ed25519
/// of RFC 8463.
pub struct Dkim {
    domain: String,
    selector: String,
    /// PKCS#1, as the library wants it. Parsed once, to know that it is good.
    pem: String,
    public: Vec<u8>,
}

impl std::fmt::Debug for Dkim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dkim")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl Dkim {
    /// Takes an RSA key in PEM (PKCS#8 or PKCS#1).
    ///
    /// # Errors
    /// Says what is wrong with it, without showing it.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Dkim, String> {
        let name = format!("{selector}._domainkey.{domain}");
        let label =
            |l: &str| !l.is_empty() && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(format!("{name:?} is no name for DNS"));
        }
        let key = RsaPrivateKey::from_pkcs8_pem(pem).ok().or_else(|| RsaPrivateKey::from_pkcs1_pem(pem).ok());
        let key = key.ok_or("it holds no RSA key in PEM (BEGIN PRIVATE KEY, or BEGIN RSA PRIVATE KEY)")?;
        let bits = key.size() * 8;
        if !KEY_BITS.contains(&bits) {
            return Err(format!(
                "it is an RSA key of {bits} bits; receivers want 2048, and check up to 4096"
            ));
        }
        let public = key.to_public_key().to_public_key_der().map_err(|e| e.to_string())?;
        let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|e| e.to_string())?;
        let (domain, selector) = (domain.to_owned(), selector.to_owned());
        Ok(Dkim { domain, selector, pem: pem.to_string(), public: public.into_vec() })
    }

    /// Name and value of the TXT record that makes receivers believe the signature (RFC 6376 section 3.6.2).
    #[must_use]
    pub fn record(&self) -> (String, String) {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::STANDARD.encode(&self.public);
        (format!("{}._domainkey.{}", self.selector, self.domain), format!("v=DKIM1; k=rsa; p={key}"))
    }

    fn config(&self) -> Result<DkimConfig, String> {
        let key = DkimSigningKey::new(&self.pem, DkimSigningAlgorithm::Rsa).map_err(|e| e.to_string())?;
        Ok(DkimConfig::new(
            self.selector.clone(),
            self.domain.clone(),
            key,
            SIGNED.map(HeaderName::new_from_ascii_str).to_vec(),
            // Relays fold headers and trim lines; `relaxed` lives with it.
            DkimCanonicalization {
                header: DkimCanonicalizationType::Relaxed,
                body: DkimCanonicalizationType::Relaxed,
            },
        ))
    }
}

/// Who writes.
#[derive(Debug)]
pub struct Sender {
    /// The name beside the address: the operator's.
    pub name: String,
    /// `From`, and where what cannot be delivered comes back.
    pub from: MailAddress,
    /// `Reply-To`.
    pub reply_to: Option<MailAddress>,
    /// Signs, if there is one.
    pub dkim: Option<Dkim>,
}

/// The parts of one mail.
pub(crate) struct Parts<'a> {
    pub(crate) to: &'a MailAddress,
    pub(crate) message_id: &'a str,
    pub(crate) date: Time,
    pub(crate) subject: &'a Sentence,
    pub(crate) body: &'a str,
}

impl Sender {
    /// The bytes of a mail. Everything but the time in the signature follows from the arguments, so that the same mail
    /// sent again is the same.
    ///
    /// # Errors
    /// In words; a defect of ours.
    pub(crate) fn write(&self, parts: &Parts<'_>) -> Result<Vec<u8>, String> {
        let mailbox = |name: Option<&str>, address: &MailAddress| {
            let parsed = lettre_address(address)?;
            Ok::<_, String>(Mailbox::new(name.map(str::to_owned), parsed))
        };
        let mut message = Message::builder()
            .from(mailbox(Some(&self.name), &self.from)?)
            .to(mailbox(None, parts.to)?)
            .subject(parts.subject.as_str())
            .date(UNIX_EPOCH + Duration::from_secs(parts.date.0))
            .message_id(Some(parts.message_id.to_owned()))
            .header(AutoSubmitted)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(mailbox(None, reply_to)?);
        }
        let mut message = message.body(parts.body.to_owned()).map_err(|e| e.to_string())?;
        if let Some(dkim) = &self.dkim {
            message.sign(&dkim.config()?);
        }
        Ok(message.formatted())
    }
}

pub(crate) fn lettre_address(address: &MailAddress) -> Result<lettre::Address, String> {
    address.as_str().parse().map_err(|e| format!("{address} is no address: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::testkit::sentence;

    fn address(text: &str) -> MailAddress {
        MailAddress::parse(text).expect("an address")
    }

    fn sender(dkim: Option<Dkim>) -> Sender {
        let reply_to = Some(address("service@shield.example"));
        Sender {
            name: "Schild \"für\" alle, e.V.".into(),
            from: address("desk@shield.example"),
            reply_to,
            dkim,
        }
    }

    fn written(sender: &Sender, subject: &str, body: &str) -> String {
        let (to, subject) = (address("abuse@customer.example"), sentence(subject));
        let message_id = "<0123@shield.example>";
        let date = Time(1_800_000_000);
        let parts = Parts { to: &to, message_id, date, subject: &subject, body };
        String::from_utf8(sender.write(&parts).expect("written")).expect("ASCII")
    }

    #[test]
    fn a_mail_on_the_wire() {
        let text = written(&sender(None), "Über Ihre Seiten", "Grüße\n.\nFrom here\n");
        assert!(text.is_ascii(), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        for line in [
            "To: abuse@customer.example",
            "Reply-To: service@shield.example",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
            "Message-ID: <0123@shield.example>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(head.lines().any(|l| l == line), "{line} in\n{head}");
        }
        assert!(head.contains("desk@shield.example") && head.contains("Subject: =?utf-8?"), "{head}");
        assert!(!head.to_lowercase().contains("user-agent") && !head.contains("X-"), "nothing else: {head}");
        assert!(body.contains("Gr=C3=BC=C3=9Fe") || head.contains("base64"), "{text}");
        assert_eq!(text.replace("\r\n", "").matches(['\r', '\n']).count(), 0, "lines end as SMTP wants");
        assert_eq!(
            text,
            written(&sender(None), "Über Ihre Seiten", "Grüße\n.\nFrom here\n"),
            "again is the same"
        );
    }

    proptest::proptest! {
        /// Whatever the outbox takes, the library takes too, as it stands.
        #[test]
        fn every_address_that_is_taken_can_be_written_to(
            text in "[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,20}@[a-zA-Z0-9-]{1,8}(\\.[a-z-]{1,5}){1,2}"
        ) {
            if let Ok(address) = MailAddress::parse(&text) {
                let known = lettre_address(&address);
                proptest::prop_assert_eq!(known.map(|a| a.to_string()), Ok(address.to_string()));
            }
        }
    }

    /// A key for tests alone, of 2048 bits.
    pub(crate) const KEY: &str = include_str!("../../tests/dkim.pem");

    #[test]
    fn a_signature_covers_what_we_write_and_the_record_fits() {
        let dkim = Dkim::new("shield.example", "desk1", KEY).expect("a key");
        let (name, value) = dkim.record();
        assert_eq!(name, "desk1._domainkey.shield.example");
        assert!(value.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBg"), "{value}");
        let shown = format!("{dkim:?}");
        assert!(!shown.contains("PRIVATE") && !shown.contains("MII"), "{shown}");
        let text = written(&sender(Some(dkim)), "Hello", "Text\n");
        let unfolded = text.replace("\r\n ", " ");
        let line =
            unfolded.lines().find(|l| l.starts_with("DKIM-Signature:")).expect("signed").to_lowercase();
        for part in ["a=rsa-sha256", "c=relaxed/relaxed", "d=shield.example", "s=desk1"] {
            assert!(line.contains(part), "{part} in {line}");
        }
        for header in SIGNED {
            assert!(line.contains(&header.to_lowercase()), "{header} in {line}");
        }
    }

    #[test]
    fn keys_that_nobody_would_check_are_refused_without_being_shown() {
        for (domain, selector, pem, why) in [
            ("shield.example", "desk1", "hello", "no RSA key"),
            ("shield.example", "a b", KEY, "no name for DNS"),
            ("", "desk1", KEY, "no name for DNS"),
            ("shield.example", "desk1", include_str!("../../tests/dkim-1024.pem"), "1024 bits"),
        ] {
            let said = Dkim::new(domain, selector, pem).expect_err("refused");
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("MII"), "{said}");
        }
    }
}
