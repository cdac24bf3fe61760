//! The 32 pairs of category and type, and what each needs beside the core (xarf-spec, `schemas/v4/types`).

use policy::report::Category;

use Category::{ChildSexualAbuse, Illegal, Malware, NetworkAttack, Other, Phishing};
use Rule::{Cve, OneOf, Text, Texts, Uri, When, Whole};

/// What a field must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// A text of at most so many characters.
    Text(usize),
    /// An address with a scheme.
    Uri,
    /// A moment (RFC 3339).
    When,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number within these.
    Whole(i64, i64),
    /// At least so many texts, of these words if there are any.
    Texts(usize, &'static [&'static str]),
    /// The number of a vulnerability.
    Cve,
}

/// When `source_port` must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// Never.
    Free,
    /// When the source is an IP address: it may be shared by many.
    OfAddress,
    /// When it came by SMTP, and the envelope's sender with it.
    OfSmtp,
}

/// One pair.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) category: &'static str,
    pub(super) kind: &'static str,
    /// What we hold it for.
    pub(super) ours: Category,
    pub(super) needs: &'static [(&'static str, Rule)],
    pub(super) port: Port,
    /// An object, and fields of which it needs one.
    pub(super) inner: Option<(&'static str, &'static [&'static str])>,
}

impl Kind {
    /// Whether nothing of what it reports may come along.
    pub(super) fn hash_only(&self) -> bool {
        self.ours == ChildSexualAbuse
    }
}

const PROTOCOL: (&str, Rule) = ("protocol", OneOf(&["tcp", "udp"]));
const ANY_PROTOCOL: (&str, Rule) = ("protocol", OneOf(&["tcp", "udp", "icmp", "sctp"]));
const SEEN: (&str, Rule) = ("first_seen", When);
const URL: (&str, Rule) = ("url", Uri);
const INFRINGING: (&str, Rule) = ("infringing_url", Uri);
/// Texts for which the schema names no length: what a report holds in all.
const LONG: usize = policy::report::MAX_TEXT;
/// Kinds of files, torrents and the like.
const P2P: &[&str] = &["bittorrent", "edonkey", "gnutella", "kademlia", "other"];
const BOTS: &[&str] = &[
    "search_engine",
    "ai_agent",
    "monitoring",
    "seo_analyzer",
    "link_checker",
    "feed_reader",
    "social_media",
    "advertising",
    "malicious",
    "unknown",
];
const SCANS: &[&str] = &[
    "port_scan",
    "vulnerability_scan",
    "version_detection",
    "os_fingerprinting",
    "service_enumeration",
    "web_vuln_scan",
    "directory_brute_force",
    "mixed",
];
const INFRINGEMENTS: &[&str] = &[
    "counterfeit",
    "typosquatting",
    "lookalike",
    "homograph",
    "unauthorized_reseller",
    "trademark_violation",
    "brand_impersonation",
    "logo_misuse",
    "other",
];
const DETECTED: &[&str] = &["hash_match", "ai_detection", "manual_review", "user_report", "automated_scan"];
const EXPLOITED: &[&str] =
    &["grooming", "solicitation", "sextortion", "trafficking", "distribution", "production", "possession"];
const NOTICED: &[&str] = &[
    "behavioral_analysis",
    "keyword_detection",
    "user_report",
    "ai_detection",
    "manual_review",
    "law_enforcement_referral",
];
const DATA: &[&str] = &[
    "personal_information",
    "credentials",
    "financial",
    "medical",
    "government_id",
    "email_addresses",
    "phone_numbers",
    "api_keys",
    "database_dumps",
    "source_code",
    "internal_documents",
    "customer_data",
    "employee_data",
    "intellectual_property",
    "other",
];
const EXPOSED: &[&str] = &[
    "misconfigured_server",
    "open_directory",
    "database_exposure",
    "git_repository",
    "backup_file",
    "log_file",
    "cloud_storage",
    "paste_site",
    "forum_post",
    "ransomware_leak",
    "intentional_leak",
    "other",
];
const FRAUDS: &[&str] = &[
    "investment",
    "romance",
    "tech_support",
    "lottery",
    "advance_fee",
    "cryptocurrency",
    "shopping",
    "charity",
    "employment",
    "government_impersonation",
    "other",
];
const COMPROMISES: &[&str] = &[
    "webshell",
    "backdoor",
    "defacement",
    "malicious_redirect",
    "seo_spam",
    "cryptominer",
    "phishing_kit",
    "malware_host",
    "c2_server",
    "proxy",
    "scanner",
    "other",
];
const SUSPICIOUS: &[&str] = &[
    "typosquatting",
    "homograph_attack",
    "brand_keyword",
    "suspicious_tld",
    "bulk_registration",
    "privacy_protection",
    "suspicious_registrant",
    "fast_flux",
    "dga_pattern",
    "known_bad_nameserver",
    "suspicious_ssl_cert",
    "immediate_activation",
    "parked_page",
    "other",
];
const SPAM: &[&str] =
    &["smtp", "sms", "whatsapp", "telegram", "signal", "chat", "social_media", "push_notification", "other"];
const BULK: &[&str] = &["smtp", "sms", "whatsapp", "telegram", "social_media", "push_notification", "other"];

const fn kind(
    category: &'static str,
    kind: &'static str,
    ours: Category,
    needs: &'static [(&'static str, Rule)],
) -> Kind {
    Kind { category, kind, ours, needs, port: Port::Free, inner: None }
}

/// All that there are; any other pair is refused (xarf-spec, `docs/implementation-guide.md`).
pub(super) const KINDS: [Kind; 32] = [
    Kind { port: Port::OfSmtp, ..kind("messaging", "spam", Other, &[("protocol", OneOf(SPAM))]) },
    Kind {
        port: Port::OfSmtp,
        ..kind(
            "messaging",
            "bulk_messaging",
            Other,
            &[("protocol", OneOf(BULK)), ("recipient_count", Whole(100, i64::MAX))],
        )
    },
    Kind {
        port: Port::OfAddress,
        ..kind("connection", "login_attack", NetworkAttack, &[ANY_PROTOCOL, SEEN])
    },
    Kind { port: Port::OfAddress, ..kind("connection", "port_scan", NetworkAttack, &[ANY_PROTOCOL, SEEN]) },
    Kind { port: Port::OfAddress, ..kind("connection", "ddos", NetworkAttack, &[ANY_PROTOCOL, SEEN]) },
    kind("connection", "scraping", NetworkAttack, &[PROTOCOL, SEEN, ("total_requests", Whole(1, i64::MAX))]),
    kind("connection", "sql_injection", NetworkAttack, &[PROTOCOL, SEEN]),
    kind(
        "connection",
        "vulnerability_scan",
        NetworkAttack,
        &[("protocol", OneOf(&["tcp", "udp", "icmp", "mixed"])), SEEN, ("scan_type", OneOf(SCANS))],
    ),
    kind("connection", "infected_host", NetworkAttack, &[PROTOCOL, SEEN, ("bot_type", OneOf(BOTS))]),
    kind(
        "connection",
        "reconnaissance",
        NetworkAttack,
        &[PROTOCOL, SEEN, ("probed_resources", Texts(0, &[]))],
    ),
    kind("content", "phishing", Phishing, &[URL]),
    kind("content", "malware", Malware, &[URL]),
    kind("content", "fraud", Illegal, &[URL, ("fraud_type", OneOf(FRAUDS))]),
    kind(
        "content",
        "csam",
        ChildSexualAbuse,
        &[
            URL,
            ("classification", OneOf(&["baseline", "A1", "A2", "B1", "B2"])),
            ("detection_method", OneOf(DETECTED)),
        ],
    ),
    kind(
        "content",
        "csem",
        ChildSexualAbuse,
        &[URL, ("exploitation_type", OneOf(EXPLOITED)), ("detection_method", OneOf(NOTICED))],
    ),
    kind(
        "content",
        "exposed_data",
        Illegal,
        &[URL, ("data_types", Texts(1, DATA)), ("exposure_method", OneOf(EXPOSED))],
    ),
    kind(
        "content",
        "brand_infringement",
        Illegal,
        &[URL, ("infringement_type", OneOf(INFRINGEMENTS)), ("legitimate_site", Uri)],
    ),
    kind(
        "content",
        "suspicious_registration",
        Other,
        &[URL, ("registration_date", When), ("suspicious_indicators", Texts(1, SUSPICIOUS))],
    ),
    kind("content", "remote_compromise", NetworkAttack, &[URL, ("compromise_type", OneOf(COMPROMISES))]),
    kind("copyright", "copyright", Illegal, &[INFRINGING]),
    kind("copyright", "cyberlocker", Illegal, &[INFRINGING, ("hosting_service", Text(200))]),
    kind("copyright", "link_site", Illegal, &[INFRINGING, ("site_name", Text(200))]),
    Kind {
        inner: Some(("swarm_info", &["info_hash", "magnet_uri"])),
        ..kind("copyright", "p2p", Illegal, &[("p2p_protocol", OneOf(P2P))])
    },
    Kind {
        inner: Some(("message_info", &["message_id"])),
        ..kind("copyright", "usenet", Illegal, &[("newsgroup", Text(200))])
    },
    kind("copyright", "ugc_platform", Illegal, &[INFRINGING, ("platform_name", Text(200))]),
    kind(
        "vulnerability",
        "cve",
        Other,
        &[("service", Text(200)), ("service_port", Whole(1, 65_535)), ("cve_id", Cve)],
    ),
    kind("vulnerability", "misconfiguration", Other, &[("service", Text(LONG))]),
    kind("vulnerability", "open_service", Other, &[("service", Text(LONG))]),
    kind("infrastructure", "botnet", NetworkAttack, &[("compromise_evidence", Text(LONG))]),
    kind("infrastructure", "compromised_server", NetworkAttack, &[("compromise_method", Text(LONG))]),
    kind("reputation", "blocklist", Other, &[("threat_type", Text(LONG))]),
    kind("reputation", "threat_intelligence", Other, &[("threat_type", Text(LONG))]),
];
