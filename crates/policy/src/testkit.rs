//! A house of people with keys, for tests. Only with the feature `testkit`.

use crate::case::Act;
use crate::case::facts::{self, Answer, Answered, Channel, Country, Evidence, Judgement, Source};
use crate::{
    Id, Scope, Sentence, Subject, Time, Trust,
    entry::Entry,
    floor::{Bounds, FLOOR},
    note::{
        Class, Config, Continue, ContinueReason, Criterion, Finding, Head, Impose, Lift, LiftReason,
        PersonKeys, PolicyNote, Referral, Role, ScopeKind, Verdict,
    },
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use ledger::{
    Hash,
    note::{Note, Signature, SigningKey},
    testkit::{Passkey, SshKey},
};

/// How long the danger of [`House::finding`] lasts, seconds.
pub const WINDOW: u64 = 48 * 3600;

/// An id, in tests.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn id(s: &str) -> Id {
    Id::parse(s).expect("a valid id in a test")
}

/// A sentence, in tests.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn sentence(s: &str) -> Sentence {
    Sentence::parse(s).expect("a valid sentence in a test")
}

/// The smallest house that can decide an emergency, with one to spare: anna and ben assess (ben may propose), clara
/// (a trustee) approves, dora (a trustee) reviews, emil is an officer without a role in findings.
pub struct House {
    /// The log's origin.
    pub origin: String,
    /// The log's key.
    pub log: SigningKey,
    /// Name, organisation, roles, key.
    pub people: Vec<(String, String, Vec<Role>, SshKey)>,
    /// Passkeys beside the SSH keys, in the order of the people, or none.
    pub passkeys: Vec<Passkey>,
    /// The key of the machine that publishes configurations.
    pub config: Option<SigningKey>,
    /// Keys of witnesses that the policy names.
    pub witnesses: Vec<SigningKey>,
    /// Bounds of the policy.
    pub bounds: Bounds,
    /// When entry 0 was logged.
    pub start: Time,
}

impl House {
    /// The demonstration house at `start`.
    ///
    /// # Panics
    /// Never: its names are valid.
    #[must_use]
    pub fn demo(start: Time) -> Self {
        Self::new("demo:localhost/ledger", start)
    }

    /// A house with another origin. Keys are marked `demo:` when the origin is.
    ///
    /// # Panics
    /// When the origin is no key name.
    #[must_use]
    pub fn new(origin: &str, start: Time) -> Self {
        let prefix = if origin.starts_with("demo:") { "demo:" } else { "" };
        // The log's seed follows from the origin, so that two houses do not share a key.
        let log =
            SigningKey::from_seed(origin, Hash::of(origin.as_bytes()).0).expect("a valid origin in a test");
        let person = |n: u8, name: &str, org: &str, roles: &[Role]| {
            let mut seed = Hash::of(origin.as_bytes()).0;
            seed[0] = n;
            (
                name.to_string(),
                org.to_string(),
                roles.to_vec(),
                SshKey::from_seed(&(prefix.to_string() + name), seed),
            )
        };
        let people = Vec::from([
            person(1, "anna", "the-house", &[Role::Assessor]),
            person(2, "ben", "the-house", &[Role::Assessor, Role::Approver]),
            person(3, "clara", "trustees", &[Role::Approver, Role::Independent]),
            person(4, "dora", "trustees", &[Role::Reviewer, Role::Independent]),
            person(5, "emil", "the-house", &[Role::Legal]),
        ]);
        Self {
            origin: origin.to_string(),
            log,
            people,
            passkeys: Vec::new(),
            config: None,
            witnesses: Vec::new(),
            bounds: FLOOR,
            start,
        }
    }

    /// The same house with a key for configurations.
    ///
    /// # Panics
    /// Never: the name is a key name.
    #[must_use]
    pub fn configured(mut self) -> Self {
        let seed = Hash::of(&[self.origin.as_bytes(), b" config"].concat()).0;
        self.config = Some(SigningKey::from_seed("demo:config", seed).expect("a valid key name"));
        self
    }

    /// The same house in which everybody has a passkey too, used at one desk: `phone:anna` signs with anna's.
    ///
    /// # Panics
    /// Never: the seeds are scalars.
    #[must_use]
    pub fn with_passkeys(mut self) -> Self {
        let passkey = |(n, person): (usize, &(String, _, _, SshKey))| {
            let key = person.3.verifier().expect("a valid key name");
            let mut seed = Hash::of(self.origin.as_bytes()).0;
            seed[0] = 64 + u8::try_from(n).expect("few people");
            Passkey::from_seed(key.name(), "https://desk.example.org", seed).expect("a scalar")
        };
        self.passkeys = self.people.iter().enumerate().map(passkey).collect();
        self
    }

    /// A configuration, signed by its machine and these people.
    ///
    /// # Panics
    /// When the house has no key for configurations.
    #[must_use]
    pub fn config_note(&self, config: &Config, names: &[&str]) -> Note {
        let text = config.to_string();
        let mut note = self.signed(&text, names);
        note.add(self.config.as_ref().expect("a key for configurations").sign(&text));
        note
    }

    /// The same house with `count` witnesses, of whom `quorum` must cosign.
    ///
    /// # Panics
    /// With more than nine.
    #[must_use]
    pub fn witnessed(mut self, count: u8, quorum: u64) -> Self {
        let key = |n: u8| {
            let seed = Hash::of(&[self.origin.as_bytes(), &[n]].concat()).0;
            SigningKey::from_seed(&alloc::format!("demo:witness-{n}"), seed).expect("a valid key name")
        };
        assert!(count < 10, "their names must stand in order");
        self.witnesses = (0..count).map(key).collect();
        self.bounds.witness_quorum = quorum;
        self
    }

    fn place(&self, name: &str) -> usize {
        self.people.iter().position(|p| p.0 == name).expect("a person of the house")
    }

    /// One signature; `phone:NAME` for the passkey of a person.
    ///
    /// # Panics
    /// When there is no such person, or no such passkey.
    #[must_use]
    pub fn sign(&self, text: &str, name: &str) -> Signature {
        let signed = match name.strip_prefix("phone:") {
            Some(name) => self.passkeys[self.place(name)].sign(text),
            None => self.people[self.place(name)].3.sign(text),
        };
        signed.expect("a valid key name")
    }

    /// A text signed by these people.
    ///
    /// # Panics
    /// When the text is no note's text.
    #[must_use]
    pub fn signed(&self, text: &str, names: &[&str]) -> Note {
        let mut note = Note::new(text).expect("a note's text in a test");
        for name in names {
            note.add(self.sign(text, name));
        }
        note
    }

    /// An entry of these people's note.
    #[must_use]
    pub fn entry(&self, logged: Time, text: &str, names: &[&str]) -> Vec<u8> {
        Entry { logged, note: self.signed(text, names) }.to_bytes()
    }

    /// Head of a note.
    #[must_use]
    pub fn head(&self, name: &str) -> Head {
        Head { origin: self.origin.clone(), id: id(name) }
    }

    /// Policy 0, unsigned.
    ///
    /// # Panics
    /// Never: the house is valid.
    #[must_use]
    pub fn policy(&self) -> PolicyNote {
        let persons = self.people.iter().enumerate().map(|(n, (name, org, roles, key))| PersonKeys {
            person: id(name),
            organisation: id(org),
            roles: roles.clone(),
            keys: [Ok(key), Err(n)]
                .into_iter()
                .filter_map(|key| match key {
                    Ok(key) => Some(key.verifier()),
                    Err(n) => self.passkeys.get(n).map(Passkey::verifier),
                })
                .map(|key| key.expect("a valid key name"))
                .collect(),
        });
        PolicyNote {
            head: self.head("policy-0"),
            version: 0,
            log: self.log.verifier(),
            log_from: None,
            config: self.config.as_ref().map(SigningKey::verifier),
            witnesses: self.witnesses.iter().map(SigningKey::cosigner).collect(),
            persons: persons.collect(),
            bounds: self.bounds.clone(),
        }
    }

    /// Policy 0's note, signed by everyone.
    #[must_use]
    pub fn policy_note(&self) -> Note {
        let names: Vec<&str> = self.people.iter().map(|p| p.0.as_str()).collect();
        self.signed(&self.policy().to_string(), &names)
    }

    /// Entry 0.
    #[must_use]
    pub fn entry0(&self) -> Vec<u8> {
        Entry { logged: self.start, note: self.policy_note() }.to_bytes()
    }

    /// The trust line.
    #[must_use]
    pub fn trust(&self) -> Trust {
        Trust { origin: self.origin.clone(), log: self.log.verifier(), entry0: Hash::of(&self.entry0()) }
    }

    /// A state with entry 0 taken.
    ///
    /// # Panics
    /// Never: the house is valid.
    #[must_use]
    pub fn state(&self) -> crate::State {
        crate::State::genesis(&self.trust(), &self.entry0(), true).expect("the house's own policy")
    }

    /// A customer-wide subject.
    #[must_use]
    pub fn subject(&self, customer: &str, hostnames: &[&str]) -> Subject {
        Subject {
            origin: self.origin.clone(),
            case: id("cas-1"),
            salt: Hash::of(customer.as_bytes()),
            customer: id(customer),
            scope: Scope::Customer,
            hostnames: hostnames.iter().map(ToString::to_string).collect(),
            facts: Vec::from([sentence("A fact.")]),
        }
    }

    /// A finding with all criteria met, made at `at`.
    #[must_use]
    pub fn finding(&self, name: &str, at: Time, subject: &Subject) -> Finding {
        Finding {
            head: self.head(name),
            case: subject.case.clone(),
            scope: subject.scope.kind(),
            subject: Hash::of(subject.to_string().as_bytes()),
            time: at,
            window_until: at.plus(WINDOW),
            verdicts: [Verdict::Met; 8],
            assessment: Hash::of(b"assessment"),
        }
    }

    /// An emergency of 48 hours proposed at `at`.
    #[must_use]
    pub fn emergency(&self, name: &str, at: Time, finding: &str, subject: &Subject, post: &[u8]) -> Impose {
        Impose {
            head: self.head(name),
            class: Class::Emergency,
            scope: subject.scope.kind(),
            hostnames: subject.hostnames.len() as u64,
            ground: id("imminent-threat-to-life"),
            ground_version: 1,
            proposed: at,
            since: at,
            until: at.plus(48 * 3600),
            approve_by: at.plus(3600),
            finding: Some(id(finding)),
            referral: Some(Referral { count: 1, record: Hash::of(b"referral") }),
            order: None,
            post: Hash::of(post),
            subject: Hash::of(subject.to_string().as_bytes()),
            withheld: None,
            limiting: sentence("This decision is about this emergency alone and is no precedent."),
        }
    }

    /// An abuse decision (phishing) of a day, for one site.
    #[must_use]
    pub fn abuse(&self, name: &str, at: Time, subject: &Subject, post: &[u8]) -> Impose {
        Impose {
            class: Class::Abuse,
            scope: ScopeKind::Site,
            ground: id("phishing"),
            until: at.plus(24 * 3600),
            finding: None,
            referral: None,
            ..self.emergency(name, at, "fnd-none", subject, post)
        }
    }

    /// A lift.
    #[must_use]
    pub fn lift(&self, name: &str, target: &str, at: Time) -> Lift {
        Lift {
            head: self.head(name),
            lifts: id(target),
            reason: LiftReason::Over,
            time: at,
            why: sentence("The danger is over."),
        }
    }

    /// A validation to 72 hours after `since`.
    #[must_use]
    pub fn validation(&self, name: &str, impose: &Impose) -> Continue {
        Continue {
            head: self.head(name),
            continues: impose.head.id.clone(),
            reason: ContinueReason::Validated,
            until: impose.since.plus(72 * 3600),
            finding: None,
            order: None,
            why: sentence("The finding holds."),
        }
    }
}

/// What opens the emergency track of a case at `at`, for a finding of [`House::finding`]: two sources, an authority that
/// cannot act in time, and eight judgements.
#[must_use]
pub fn open_track(at: Time) -> Vec<Act> {
    let piece = |name: &str, source: Source, from: &str| {
        Act::Evidence(Evidence {
            id: id(name),
            sha256: Hash::of(name.as_bytes()),
            bytes: name.len() as u64,
            source,
            from: sentence(from),
            captured: at,
            what: sentence("He names the place and the hour."),
        })
    };
    let referral = facts::Referral {
        id: id("ref-1"),
        authority: id("aut-police"),
        country: Country::parse("SE").expect("a country"),
        channel: Channel::Phone,
        sent: at,
        answer_by: at.plus(4 * 3600),
        record: None,
        told: sentence("All that we know, and what we consider doing."),
    };
    let answer = Answered {
        referral: id("ref-1"),
        answer: Answer::CannotInTime,
        said: at,
        from: sentence("the duty officer, called back"),
        what: sentence("A court order takes three days."),
    };
    let mut acts = Vec::from([
        piece("evd-1", Source::Captured, "our capture"),
        piece("evd-2", Source::Reporter, "the person at risk"),
        Act::Refer(referral),
        Act::Answer(answer),
    ]);
    acts.extend(Criterion::ALL.iter().map(|criterion| {
        Act::Judge(Judgement {
            criterion: *criterion,
            verdict: Verdict::Met,
            until: (*criterion == Criterion::Imminent).then(|| at.plus(WINDOW)),
            evidence: Vec::from([id("evd-1"), id("evd-2")]),
            why: sentence("Because."),
        })
    }));
    acts
}
