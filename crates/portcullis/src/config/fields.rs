//! Every key of `portcullis.toml`, once: what it is, what it defaults to, and what to write there.
//! `portcullis config explain` prints from here, and the reader checks against it.

/// What may stand behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text that is not empty.
    Text,
    /// An `http://` or `https://` address.
    Url,
    /// An origin at which browsers offer passkeys.
    Origin,
    /// An `http://` address.
    Http,
    /// A list of them.
    HttpList,
    /// A list of verifier keys.
    Keys,
    /// A mail address.
    Email,
    /// A file or directory, from the configuration's own directory.
    Path,
    /// `IP:PORT`, or `unix:PATH`.
    Listen,
    /// A list of `IP:PORT`.
    Addresses,
    /// A whole number.
    Number,
    /// `HOST:PORT`.
    HostPort,
    /// `true` or `false`.
    Flag,
    /// A length of time.
    Span,
    /// A command with its arguments.
    Command,
    /// An address that is posted to.
    Hook,
    /// A list of mail addresses.
    Emails,
    /// Hours of a day.
    Hours,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// How the way to the smarthost is kept from others.
pub(crate) const TLS_WORDS: [&str; 3] = ["starttls", "tls", "none"];
/// Languages of mails.
pub(crate) const LANGUAGES: [&str; 2] = ["en", "de"];

impl Kind {
    /// In words, for complaints and explanations.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Text => "a text that is not empty",
            Self::Url => "an address that begins with http:// or https://",
            Self::Origin => {
                "https:// and a domain, in lower case and without a slash at the end (or http://localhost)"
            }
            Self::Http => "an address that begins with http://",
            Self::Keys => "a list of keys as `portcullis key new` prints them",
            Self::HttpList => "a list of addresses that begin with http://",
            Self::Email => "a mail address",
            Self::Path => "a file or directory; a relative one starts where this file is",
            Self::Listen => "\"IP:PORT\" or \"unix:PATH\"",
            Self::Addresses => "a list of \"IP:PORT\"",
            Self::Number => "a whole number from 0",
            Self::HostPort => "\"HOST:PORT\"",
            Self::Flag => "true or false",
            Self::Span => "a time such as 40s, 5m or 2h; 0m is at once",
            Self::Command => "a list: the whole path of a program, and its arguments",
            Self::Hook => "an address that begins with https://, or with http:// on this machine",
            Self::Emails => "a list of mail addresses",
            Self::Hours => "hours of a day in UTC, HH:MM-HH:MM",
            Self::Word(["starttls", ..]) => "one of \"starttls\", \"tls\", \"none\"",
            Self::Word(_) => "\"en\" or \"de\"",
        }
    }
}

/// Whether a key must be there when its table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Must be given.
    Required,
    /// May be left out, and then it is this.
    Default(&'static str),
    /// May be left out, and then there is none.
    Optional,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Field {
    /// `table.key`; of a step `page.step.key`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
    /// A value as it would be written.
    pub(crate) example: &'static str,
    /// The manual.
    pub(crate) doc: &'static str,
}

impl Field {
    pub(crate) fn table(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(table, _)| table)
    }

    pub(crate) fn key(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, key)| key)
    }
}

/// The table that may be there several times.
pub(crate) const STEP: &str = "page.step";

/// The tables and what each is for.
pub(crate) const TABLES: [(&str, &str); 11] = [
    ("operator", "Who operates this edge: shown on block pages, in posts and feeds."),
    ("log", "The public log's own key and its trust line."),
    ("desk", "Where people work: API and console. Needs [log]."),
    (
        "mail",
        "Mail out of the desk: to customers about decisions, to reporters about their reports. docs/mail.md says how to begin.",
    ),
    (
        "page",
        "Who is called in the night when somebody is needed. docs/paging.md says how to begin. Left out: nobody, and the console shows it.",
    ),
    (
        STEP,
        "One step: written as often as there are steps, each begun with [[page.step]], in the order in which they are called.",
    ),
    ("press", "What the public reads: posts, decisions, feeds, the ledger."),
    ("relay", "Where edges ring and report."),
    ("edge", "Carries requests. The only table beside [operator] that an edge on its own machine needs."),
    ("witness", "Watches logs of others, and signs that it has seen one history of each."),
    ("demo", "Only for demonstrations; read by `run --demo` alone."),
];

use Kind::{
    Addresses, Command, Email, Emails, Flag, Hook, HostPort, Hours, Http, HttpList, Keys, Listen, Number,
    Origin, Path, Span, Text, Url, Word,
};
use Need::{Default, Optional, Required};

/// Every key there is.
pub(crate) const FIELDS: &[Field] = &[
    field("operator.name", Text, Required, "\"Example Shield\"", "Name, as pages and posts sign."),
    field(
        "operator.url",
        Url,
        Required,
        "\"https://shield.example\"",
        "Home page. Stands in `Link: rel=\"blocked-by\"` of block pages.",
    ),
    field(
        "operator.appeal_url",
        Url,
        Required,
        "\"https://shield.example/appeal\"",
        "Where the owner of a blocked site appeals. An appeal needs no account.",
    ),
    field("operator.appeal_email", Email, Optional, "\"appeals@shield.example\"", "The same by mail."),
    field(
        "operator.abuse_email",
        Email,
        Required,
        "\"abuse@shield.example\"",
        "Where anybody reports abuse.",
    ),
    field(
        "operator.security_email",
        Email,
        Required,
        "\"security@shield.example\"",
        "Where a hole in this service is reported; opens /.well-known/security.txt.",
    ),
    field("operator.press_email", Email, Required, "\"press@shield.example\"", "For journalists."),
    field(
        "operator.service_email",
        Email,
        Required,
        "\"service@shield.example\"",
        "For customers and visitors.",
    ),
    field(
        "operator.help_url",
        Url,
        Optional,
        "\"https://help.example\"",
        "Help for people whose life is at risk. Shown on the block page.",
    ),
    field(
        "operator.check_url",
        Url,
        Optional,
        "\"https://shield.example/check\"",
        "Explains how a visitor checks that a block page is real.",
    ),
    field(
        "operator.reasons_base",
        Url,
        Required,
        "\"https://decisions.shield.example\"",
        "Public base address of the press, without a slash at its end. Links to reasons and decisions begin with it.",
    ),
    field(
        "log.key",
        Path,
        Default("log.key"),
        "\"log.key\"",
        "The log's private key (`PRIVATE+KEY+...`). It orders entries; it cannot block. Keep it readable by the owner only.",
    ),
    field(
        "log.trust",
        Path,
        Default("trust"),
        "\"trust\"",
        "The trust line, one line. Give it to everybody; edges and `verify` start from it.",
    ),
    field(
        "desk.listen",
        Listen,
        Default("127.0.0.1:8081"),
        "\"unix:/run/portcullis/desk.sock\"",
        "Where the desk's API and console are. Loopback or a Unix socket; put a TLS proxy before it if people are elsewhere.",
    ),
    field(
        "desk.origin",
        Origin,
        Optional,
        "\"https://desk.shield.example\"",
        "The address at which people open the console, as their browsers write it: with it they log in and sign with passkeys, which are bound to it. Passkeys made at another address are worth nothing here.",
    ),
    field(
        "desk.dir",
        Path,
        Default("desk"),
        "\"/var/lib/portcullis/desk\"",
        "Directory of the database and of the ledger's files.",
    ),
    field(
        "desk.sites",
        Path,
        Default("sites.toml"),
        "\"sites.toml\"",
        "The sites file, to show customers and sites. Read again when it changes. With `desk.config_key` it is what every edge serves.",
    ),
    field(
        "desk.config_key",
        Path,
        Optional,
        "\"config.key\"",
        "The private key that the policy names for configurations; `portcullis key new config.key --for config` makes it. With it the sites file goes into the log by its hash, and edges serve what the log says. Left out: each edge reads its own sites file.",
    ),
    field(
        "desk.witnesses",
        HttpList,
        Optional,
        "[\"http://witness.example.org\"]",
        "Witnesses (C2SP tlog-witness) that are asked to cosign each checkpoint. Which of them count is for the policy to say.",
    ),
    field(
        "desk.metrics",
        Listen,
        Optional,
        "\"127.0.0.1:8086\"",
        "Where Prometheus finds the desk's figures (mails, customers who were not told), at /metrics. Keep it from the public; left out: nowhere.",
    ),
    field(
        "mail.smtp",
        HostPort,
        Required,
        "\"mail.shield.example:587\"",
        "The smarthost that takes our mails. Its certificate must have this name.",
    ),
    field(
        "mail.tls",
        Word(&TLS_WORDS),
        Default("starttls"),
        "\"starttls\"",
        "`starttls` (port 587), `tls` from the first byte (port 465), or `none`, which only a smarthost on this machine may have.",
    ),
    field(
        "mail.ca",
        Path,
        Optional,
        "\"smarthost-ca.pem\"",
        "A root certificate (PEM) beside those of the system, for a smarthost with a certificate of your own.",
    ),
    field("mail.user", Text, Optional, "\"portcullis\"", "Who logs in there. Needs `mail.password`."),
    field(
        "mail.password",
        Path,
        Optional,
        "\"smtp.password\"",
        "The file with the password, one line, readable by the owner only.",
    ),
    field(
        "mail.from",
        Email,
        Required,
        "\"portcullis@shield.example\"",
        "Who writes, and where what cannot be delivered comes back. Somebody should read it.",
    ),
    field(
        "mail.reply_to",
        Email,
        Optional,
        "\"service@shield.example\"",
        "Where answers go. Left out: operator.service_email.",
    ),
    field(
        "mail.dkim_domain",
        Text,
        Optional,
        "\"shield.example\"",
        "The domain that signs (DKIM), that of `mail.from` or one above it. Left out: the smarthost signs. Needs the two below.",
    ),
    field(
        "mail.dkim_selector",
        Text,
        Optional,
        "\"portcullis1\"",
        "The name of the key below _domainkey in DNS; a new key gets a new one.",
    ),
    field(
        "mail.dkim_key",
        Path,
        Optional,
        "\"dkim.pem\"",
        "The private RSA key, readable by the owner only; `portcullis mail key dkim.pem` makes it, `mail dns` prints its record.",
    ),
    field(
        "mail.receipts",
        Flag,
        Default("false"),
        "true",
        "Whether whoever leaves an address with a report gets a receipt. Nobody has checked these addresses, so this writes to strangers: once a day to each, and 60 an hour in all.",
    ),
    field(
        "mail.language",
        Word(&LANGUAGES),
        Default("en"),
        "\"de\"",
        "The language for people of whom the desk knows none.",
    ),
    field(
        "page.console",
        Url,
        Optional,
        "\"https://desk.shield.example\"",
        "Where people on call reach the console, for links in pages. Left out: desk.listen.",
    ),
    field(
        "page.ack",
        Span,
        Default("30m"),
        "\"30m\"",
        "For how long an acknowledgement holds when whoever gives it does not say, at most 12h. Then it begins again, if the need still stands.",
    ),
    field(
        "page.repeat",
        Span,
        Default("5m"),
        "\"5m\"",
        "How long after the last step the first is called again, while nobody acknowledges; at least 1m.",
    ),
    field(
        "page.ca",
        Path,
        Optional,
        "\"webhook-ca.pem\"",
        "A root certificate (PEM) beside those of the system, for webhooks with a certificate of your own.",
    ),
    field(
        "page.step.after",
        Span,
        Required,
        "\"5m\"",
        "When it is called, after it began; the first step usually at 0m, the next ones five minutes apart.",
    ),
    field(
        "page.step.command",
        Command,
        Optional,
        "[\"/usr/local/bin/dial\", \"+491701234567\"]",
        "A program to run, without a shell. The page is JSON on its stdin, and PORTCULLIS_PAGE_* in its environment. It has 20 seconds; what is not 0 at its end is tried again.",
    ),
    field(
        "page.step.webhook",
        Hook,
        Optional,
        "\"https://hooks.shield.example/page\"",
        "Where the page is posted as JSON. Redirects are not followed; what is not 2xx within 10 seconds is tried again.",
    ),
    field(
        "page.step.secret",
        Path,
        Optional,
        "\"page.secret\"",
        "A file with a secret, readable by the owner only: the header X-Portcullis-Signature of the webhook is then `sha256=` and the HMAC-SHA256 of the body.",
    ),
    field(
        "page.step.mail",
        Emails,
        Optional,
        "[\"oncall@shield.example\"]",
        "Who gets a mail. Needs [mail]. Nobody is woken by one: for the last step.",
    ),
    field(
        "page.step.hours",
        Hours,
        Optional,
        "\"20:00-08:00\"",
        "Only in these hours, UTC, over midnight when the end is before the beginning; else the next step is called. One step at least must have none.",
    ),
    field(
        "page.step.person",
        Text,
        Optional,
        "\"anna\"",
        "Who that is, for `portcullis page` and for the page itself.",
    ),
    field(
        "press.listen",
        Listen,
        Default("127.0.0.1:8082"),
        "\"127.0.0.1:8082\"",
        "Where the press is. Public; any cache may stand before it.",
    ),
    field(
        "press.maildir",
        Path,
        Optional,
        "\"/var/mail/portcullis\"",
        "A mailbox (Maildir) whose mails become reports. Each is put away when it was read, and none is deleted. docs/reports.md says how mails get there. Left out: mails are for people alone.",
    ),
    field(
        "witness.listen",
        Listen,
        Default("127.0.0.1:8085"),
        "\"0.0.0.0:8085\"",
        "Where logs hand in checkpoints and anybody reads the newest one.",
    ),
    field(
        "witness.key",
        Path,
        Default("witness.key"),
        "\"witness.key\"",
        "The witness's private key; `portcullis key new witness.key --for witness` makes it. One witness, one key, never shared.",
    ),
    field(
        "witness.dir",
        Path,
        Default("witness"),
        "\"/var/lib/portcullis/witness\"",
        "What was promised. Never bring back an old copy: who forgets could promise two histories.",
    ),
    field(
        "witness.logs",
        Keys,
        Required,
        "[\"shield.example/ledger+9c3a0b1d+AbCd…\"]",
        "The keys of the logs to watch (vkey), any C2SP log. A log with a new key by its policy quorum: write the new key; where it went on from before what this witness holds, `portcullis witness let-go` as well.",
    ),
    field(
        "relay.listen",
        Listen,
        Default("127.0.0.1:8083"),
        "\"10.0.0.1:8083\"",
        "Where edges ring, report, and hand in what undoes.",
    ),
    field(
        "edge.ledger",
        Http,
        Required,
        "\"http://127.0.0.1:8082/ledger\"",
        "Where the edge reads the ledger: a press, or any cache of one. What is read proves itself, so it goes over plain HTTP; a tunnel keeps it private.",
    ),
    field("edge.relay", Http, Required, "\"http://127.0.0.1:8083\"", "The desk's relay address."),
    field(
        "edge.peers",
        HttpList,
        Optional,
        "[\"http://edge2.example\", \"http://edge3.example\"]",
        "Other edges, by any address at which visitors reach them: lifts and suspensions are passed on to them without the desk, and their checkpoints are compared with ours. Two or three are enough; they pass on too.",
    ),
    field(
        "edge.witnesses",
        HttpList,
        Optional,
        "[\"http://witness.example.org\"]",
        "Witnesses (C2SP tlog-witness, or `portcullis witness`) whose checkpoints are compared with ours.",
    ),
    field(
        "edge.trust",
        Path,
        Default("trust"),
        "\"trust\"",
        "The trust line this edge was born with. Whoever can write this file owns this edge's decisions.",
    ),
    field(
        "edge.key",
        Path,
        Default("edge.key"),
        "\"edge.key\"",
        "The edge's private key; `portcullis key new` makes it. It signs receipts, nothing else.",
    ),
    field(
        "edge.dir",
        Path,
        Default("edge"),
        "\"/var/lib/portcullis/edge\"",
        "What the edge verified and holds, so that it enforces and ends without the desk.",
    ),
    field(
        "edge.sites",
        Path,
        Default("sites.toml"),
        "\"sites.toml\"",
        "The sites file: customers, hostnames, origins, certificates. Read again when it changes; the last good one is kept. Where the log says which sites are served, only its folder counts: the paths of certificates start there.",
    ),
    field(
        "edge.listen",
        Addresses,
        Default("127.0.0.1:8080"),
        "[\"0.0.0.0:80\", \"[::]:80\"]",
        "Where visitors come in without TLS. An empty list: nowhere.",
    ),
    field(
        "edge.listen_tls",
        Addresses,
        Optional,
        "[\"0.0.0.0:443\", \"[::]:443\"]",
        "Where visitors come in with TLS. Left out: nowhere.",
    ),
    field("edge.workers", Number, Default("0"), "4", "Worker threads; 0 is one per core."),
    field(
        "edge.rate",
        Number,
        Optional,
        "200",
        "Requests per second that one source may keep up (IPv4 /32, IPv6 /64); more are answered 429.",
    ),
    field("edge.burst", Number, Optional, "400", "Requests that one source may send at once above the rate."),
    field(
        "edge.connections_per_source",
        Number,
        Optional,
        "256",
        "Connections open at once from one source.",
    ),
    field(
        "edge.connections",
        Number,
        Optional,
        "20000",
        "Connections open at once in all; an idle TLS connection costs about 40 KiB.",
    ),
    field(
        "edge.metrics",
        Listen,
        Optional,
        "\"127.0.0.1:8084\"",
        "Where Prometheus finds this edge's figures, at /metrics. Keep it from the public; left out: nowhere.",
    ),
    field(
        "demo.origins",
        Addresses,
        Optional,
        "[\"127.0.0.1:9001\", \"127.0.0.1:9002\"]",
        "Where the built-in demonstration origins listen. The sites file sends visitors there.",
    ),
];

const fn field(
    name: &'static str,
    kind: Kind,
    need: Need,
    example: &'static str,
    doc: &'static str,
) -> Field {
    Field { name, kind, need, example, doc }
}
