//! `portcullis log rekey | deliver | adopt`: the way back from a stolen log key or a fork. Officers outrank the log: the
//! policy quorum names a new key, edges take nothing more of the old one, and the ledger goes on.

use ledger::note::{KeyKind, Note, VerifierKey};
use policy::clock::Clock as _;
use policy::note::{Head, PolicyNote};
use policy::{Id, Seen, State};
use store::{Store, publish};

use super::token::store_failure;
use crate::cli::{Adopt, Deliver, Global, Log, Rekey};
use crate::clock::RealClock;
use crate::config::{Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};

/// Where every edge takes it, on every hostname.
const PATH: &str = "/.well-known/portcullis/log-key";

pub(super) async fn run(global: &Global, args: Log) -> Result<Exit> {
    match args {
        Log::Rekey(args) => rekey(global, args).await,
        Log::Deliver(args) => deliver(global, args).await,
        Log::Adopt(args) => adopt(global, args).await,
    }
}

/// Prints the text that the policy quorum signs.
async fn rekey(global: &Global, args: Rekey) -> Result<Exit> {
    let key = VerifierKey::parse(&args.vkey).map_err(|e| Failure::input(format!("{:?}: {e}", args.vkey)))?;
    let store = super::token::open(global).await?;
    let trust = store
        .trust()
        .await
        .map_err(store_failure)?
        .ok_or_else(|| Failure::input("there is no ledger yet"))?;
    if key.name() != trust.origin || !matches!(key.kind(), KeyKind::Ed25519(_)) {
        return Err(Failure::input(format!("{key} is no key of the log {}", trust.origin))
            .next(format!("portcullis key new FILE --for log --name {}", trust.origin)));
    }
    let reader = store.reader();
    let public = reader.size().await.map_err(store_failure)?;
    let size = args.size.unwrap_or(public);
    let entries = reader.entries(0, size).await.map_err(store_failure)?;
    let (Some((first, rest)), true) = (entries.split_first(), entries.len() as u64 == size) else {
        return Err(Failure::input(format!(
            "this ledger has {public} entries; --size is at most that, and at least 1"
        )));
    };
    let genesis = State::genesis(&trust, first, true);
    let mut state = genesis.map_err(|e| Failure::new(Exit::Failed, format!("entry 0: {e}")))?;
    for (index, entry) in (1..).zip(rest) {
        state.apply(index, entry, Seen::CatchUp);
    }
    let newest = state.newest_policy();
    let version = newest.version + 1;
    let id = Id::parse(&format!("policy-{version}")).expect("letters, a hyphen and digits");
    let policy = PolicyNote {
        head: Head { origin: trust.origin.clone(), id },
        version,
        log: key,
        log_from: Some((size, state.root())),
        ..newest.clone()
    };
    out::data(policy.to_string().trim_end_matches('\n'));
    let dropped = public - size;
    if dropped > 0 {
        out::note(format_args!(
            "{dropped} entries after the first {size} will be let go of; what undoes among them keeps its effect"
        ));
    }
    out::note(format_args!(
        "next: put this text into a file; a majority of the officers, one of them independent, sign it: {} sign FILE",
        global.somebody()
    ));
    Ok(Exit::Ok)
}

/// Brings the signed policy to edges: from then on they take nothing of the old key.
async fn deliver(global: &Global, args: Deliver) -> Result<Exit> {
    let bytes = std::fs::read(&args.file).map_err(|e| Failure::io("read", &args.file, &e))?;
    let mut refused = None;
    for edge in &args.edge {
        if let Err(failure) = super::lift::to_edge(edge, PATH, bytes.clone(), "delivered").await {
            out::note(format_args!("{edge}: {failure}"));
            refused = Some(failure);
        }
    }
    match refused {
        Some(failure) => Err(failure),
        None => {
            out::made(global, "delivered", args.edge.len());
            Ok(Exit::Ok)
        }
    }
}

/// Lets the desk's ledger go on under the new key, on the desk's own machine and with the desk stopped.
async fn adopt(global: &Global, args: Adopt) -> Result<Exit> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["desk", "log"])?;
    if let Listen::Tcp(address) = config.desk().listen
        && std::net::TcpStream::connect(address).is_ok()
    {
        return Err(Failure::refused(format!("the desk is running, at {address}"))
            .next("stop it first: it holds the old key, and what it would publish now would be lost"));
    }
    let bytes = std::fs::read(&args.file).map_err(|e| Failure::io("read", &args.file, &e))?;
    let key = home::machine_key(&args.key)?;
    let store = super::token::open(global).await?;
    let now = RealClock::new().now();
    let done = store.rekey(&bytes, &key, now).await.map_err(store_failure)?;
    for note in &done.undos {
        again(&store, note, &key).await?;
    }
    match &done.before {
        Some(before) => out::note(format_args!("what was there before is kept in {}", before.display())),
        None => out::note("it was done before"),
    }
    if !done.undos.is_empty() {
        out::note(format_args!(
            "{} lifts and suspensions that stood after that were logged again",
            done.undos.len()
        ));
    }
    out::note(format_args!(
        "next: put {} in the place of {}, start the desk, and watch `{} edges`; witnesses must be told the new key",
        args.key.display(),
        config.log().key.display(),
        global.somebody()
    ));
    out::made(global, "size", done.size);
    Ok(Exit::Ok)
}

/// Logs a note under the new key.
async fn again(store: &Store, note: &Note, key: &ledger::note::SigningKey) -> Result<()> {
    let head = store.head().await.map_err(store_failure)?.expect("there is a ledger");
    let tree = store.tree().await.map_err(store_failure)?;
    let now = RealClock::new().now().max(head.logged);
    let plan = publish::decide(&head, &tree, &note.to_bytes(), &[], now, None).map_err(store_failure)?;
    store.commit_plan(&plan).await.map_err(store_failure)?;
    publish::run(store, &plan, key).await.map_err(store_failure).map(|_| ())
}
