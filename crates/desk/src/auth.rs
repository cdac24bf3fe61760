//! Who may do what. A permission is a value that acts demand as an argument: forgetting to ask does not compile.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts, uri::Authority};
use ledger::Hash;
use store::Token;

use crate::desk::Shared;
use crate::error::DeskError;

/// What a token lets its holder do. No role replaces a signature: an officer's token submits, an officer's key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads, handles reports and cases, and is called in the night.
    Analyst,
    /// Reads, handles reports and cases, and submits notes, signatures, blobs, undo notes and edges.
    Officer,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] = &[Role::Reader, Role::Analyst, Role::Officer];

    /// The word in the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Analyst => "analyst",
            Role::Officer => "officer",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.word() == word)
    }

    /// The matrix, role x act. `tests/matrix.txt` holds the same as a table over all routes.
    pub(crate) fn may(self, act: Act) -> bool {
        match (self, act) {
            (_, Act::Read)
            | (Role::Officer, _)
            | (
                Role::Analyst,
                Act::ReadReports
                | Act::Triage
                | Act::ReadCases
                | Act::WorkCases
                | Act::ReadRegister
                | Act::Register
                | Act::ReadPages
                | Act::Acknowledge,
            )
            | (_, Act::OwnPasskey) => true,
            (
                Role::Reader,
                Act::ReadReports
                | Act::Triage
                | Act::ReadCases
                | Act::WorkCases
                | Act::ReadRegister
                | Act::Register
                | Act::ReadPages
                | Act::Acknowledge,
            )
            | (
                Role::Reader | Role::Analyst,
                Act::PutBlob | Act::Draft | Act::Sign | Act::Undo | Act::Enrol | Act::DestroyEvidence,
            ) => false,
        }
    }
}

/// Something that needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    PutBlob,
    Draft,
    Sign,
    Undo,
    Enrol,
    ReadReports,
    Triage,
    ReadCases,
    WorkCases,
    DestroyEvidence,
    ReadRegister,
    Register,
    ReadPages,
    Acknowledge,
    OwnPasskey,
}

impl Act {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Act::Read => "read",
            Act::PutBlob => "put-blob",
            Act::Draft => "draft",
            Act::Sign => "sign",
            Act::Undo => "undo",
            Act::Enrol => "enrol",
            Act::ReadReports => "read-reports",
            Act::Triage => "triage",
            Act::ReadCases => "read-cases",
            Act::WorkCases => "work-cases",
            Act::DestroyEvidence => "destroy-evidence",
            Act::ReadRegister => "read-register",
            Act::Register => "register",
            Act::ReadPages => "read-pages",
            Act::Acknowledge => "acknowledge",
            Act::OwnPasskey => "own-passkey",
        }
    }
}

/// An act as a type, so that a permission for one is none for another.
pub(crate) trait Permit: Send + Sync {
    const ACT: Act;
}

macro_rules! permits {
    ($($name:ident)+) => { $(
        /// Permission to do the act of the same name.
        #[derive(Debug)]
        pub(crate) struct $name;
        impl Permit for $name {
            const ACT: Act = Act::$name;
        }
    )+ };
}
permits! { Read PutBlob Draft Sign Undo Enrol ReadReports Triage ReadCases WorkCases DestroyEvidence ReadRegister Register ReadPages Acknowledge OwnPasskey }

/// Proof that whoever asks may do `P`. Only the extractor below makes one.
#[derive(Debug)]
pub(crate) struct Authorised<P: Permit> {
    /// Name of the token, for the log and for the scope of idempotency keys; empty for an open read.
    name: String,
    /// `None` for an open read.
    role: Option<Role>,
    permit: PhantomData<P>,
}

impl<P: Permit> Authorised<P> {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is somebody who works on cases: they are called, and may say that they take care.
    pub(crate) fn is_called(&self) -> bool {
        self.role.is_some_and(|role| role.may(Act::Acknowledge))
    }

    /// Whether it is an officer who asks: officers see what a decision rests on.
    pub(crate) fn is_officer(&self) -> bool {
        self.role == Some(Role::Officer)
    }
}

impl<P: Permit> FromRequestParts<Arc<Shared>> for Authorised<P> {
    type Rejection = DeskError;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Shared>) -> Result<Self, DeskError> {
        let token = match bearer(parts)? {
            // A look-up by the hash of the secret: how long it takes says nothing about the secret.
            Some(token) => {
                Some(desk.store.token(&Hash::of(token.as_bytes())).await?.ok_or(DeskError::NoToken)?)
            }
            None => login(parts, desk).await?,
        };
        let permit = PhantomData;
        let Some(token) = token else {
            let open = P::ACT == Act::Read && desk.config.open_reads && asks_loopback(parts);
            return if open {
                Ok(Self { name: String::new(), role: None, permit })
            } else {
                Err(DeskError::NoToken)
            };
        };
        let role = Role::parse(&token.scope).ok_or(DeskError::NoToken)?;
        if !role.may(P::ACT) {
            return Err(DeskError::Forbidden { role: role.word(), act: P::ACT.word() });
        }
        Ok(Self { name: token.name, role: Some(role), permit })
    }
}

/// The cookie of a login. Its prefix makes browsers refuse it from anybody but this host, over anything but TLS (or
/// `localhost`).
pub(crate) const COOKIE: &str = "__Host-portcullis";

/// The secret of the login that the browser sends, if it sends one.
pub(crate) fn cookie(parts: &Parts) -> Option<&str> {
    let all = parts.headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';')).find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// The token for which a browser is logged in. A cookie goes along with whatever any page asks for, so what changes
/// things has to say that a page of ours asks.
async fn login(parts: &Parts, desk: &Shared) -> Result<Option<Token>, DeskError> {
    let (Some(secret), Some(passkeys)) = (cookie(parts), &desk.passkeys) else { return Ok(None) };
    let Some(token) = desk.store.session(&Hash::of(secret.as_bytes()), desk.now()).await? else {
        return Ok(None);
    };
    if !parts.method.is_safe() && !asks_ourselves(parts, passkeys.origin()) {
        return Err(DeskError::Foreign);
    }
    Ok(Some(token))
}

/// Whether a page of this origin asks, as the browser says.
pub(crate) fn asks_ourselves(parts: &Parts, origin: &str) -> bool {
    parts.headers.get(header::ORIGIN).is_some_and(|v| v.as_bytes() == origin.as_bytes())
}

/// The token of `Authorization: Bearer`. A header that is something else is refused, not ignored.
fn bearer(parts: &Parts) -> Result<Option<String>, DeskError> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or(DeskError::NoToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(DeskError::NoToken);
    }
    Ok(Some(token.trim().to_owned()))
}

/// Whether the request names this machine's loopback. A page elsewhere that rebinds its own name to 127.0.0.1 would
/// make a visitor's browser read an open console; its requests carry that name, so they are not open.
fn asks_loopback(parts: &Parts) -> bool {
    let host = parts.headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let authority = host.and_then(|h| h.parse::<Authority>().ok());
    let name = authority.as_ref().map(|a| a.host().trim_matches(['[', ']']));
    name.is_some_and(|n| n == "localhost" || n.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()))
}
