//! Where a ledger is read from: a directory or a press.

use std::fmt;
use std::path::PathBuf;

use http::StatusCode;

use crate::client::{Address, Ask, MAX_ANSWER, ask};
use crate::exit::{Exit, Failure, Result};

/// A ledger's files.
pub(super) enum Source {
    Dir(PathBuf),
    Press(Address),
}

impl Source {
    pub(super) fn open(place: &str) -> Result<Self> {
        if place.contains("://") {
            return Address::parse(place).map(Self::Press);
        }
        let dir = PathBuf::from(place);
        if dir.is_dir() {
            return Ok(Self::Dir(dir));
        }
        Err(Failure::input(format!("{place} is neither an address nor a directory")))
    }

    /// One file; `None` when it is not there.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Dir(dir) => {
                let file = dir.join(path);
                match std::fs::metadata(&file) {
                    Ok(meta) if meta.len() > MAX_ANSWER as u64 => {
                        Err(Failure::input(format!("{} is larger than any file of a ledger", file.display())))
                    }
                    Ok(_) => std::fs::read(&file).map(Some).map_err(|e| Failure::io("read", &file, &e)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(Failure::io("read", &file, &e)),
                }
            }
            Self::Press(address) => {
                let answer = ask(address, Ask::get(&format!("/{path}"))).await?;
                match answer.status {
                    StatusCode::OK => Ok(Some(answer.body.to_vec())),
                    StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
                    status => {
                        let what = format!("{address}/{path} answers {status}");
                        Err(Failure::new(Exit::Unavailable, what).next("is this the address of a ledger?"))
                    }
                }
            }
        }
    }
}

/// One file by its address or path.
pub(super) async fn file(place: &str) -> Result<Vec<u8>> {
    let missing = || Failure::input(format!("there is nothing at {place}"));
    match place.rsplit_once('/').filter(|_| place.contains("://")) {
        Some((base, name)) => Source::Press(Address::parse(base)?).get(name).await?.ok_or_else(missing),
        None => std::fs::read(place).map_err(|e| Failure::io("read", std::path::Path::new(place), &e)),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(dir) => write!(f, "{}", dir.display()),
            Self::Press(address) => write!(f, "{address}"),
        }
    }
}
