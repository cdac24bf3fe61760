//! The published reasons, read once (the store hands out only what has the signed hash), and kept rendered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ledger::Hash;
use store::{Reader, StoreError};

use crate::post::Post;

/// Most bytes of rendered text kept: 32 MiB hold some 2,000 posts of a usual 16 KiB, and four of the worst that
/// 256 KiB of Markdown can become (7 MiB).
const MAX_KEPT: usize = 32 * 1024 * 1024;

/// What is known of the reasons behind a decision.
#[derive(Debug)]
pub(crate) enum Reasons {
    /// The signed text, rendered.
    Held(Box<Post>),
    /// The signed text, which is not in the form of a post; it is shown as it stands.
    Plain {
        /// The text, with what is not UTF-8 replaced.
        text: String,
    },
    /// The blob is not there.
    Absent,
    /// There is a blob, but not the one that was signed: never shown.
    Changed,
}

impl Reasons {
    fn of(bytes: &[u8]) -> Reasons {
        Post::parse(bytes).map_or_else(
            |_| Reasons::Plain { text: String::from_utf8_lossy(bytes).into_owned() },
            |post| Reasons::Held(Box::new(post)),
        )
    }

    /// Bytes of text held.
    fn size(&self) -> usize {
        match self {
            Reasons::Held(post) => post.html.len(),
            Reasons::Plain { text } => text.len(),
            Reasons::Absent | Reasons::Changed => 0,
        }
    }

    pub(crate) fn post(&self) -> Option<&Post> {
        match self {
            Reasons::Held(post) => Some(post),
            Reasons::Plain { .. } | Reasons::Absent | Reasons::Changed => None,
        }
    }
}

/// The posts of one ledger.
pub(crate) struct Posts {
    reader: Reader,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_hash: BTreeMap<Hash, Arc<Reasons>>,
    bytes: usize,
}

impl Posts {
    pub(crate) fn new(reader: Reader) -> Posts {
        Posts { reader, kept: Mutex::default() }
    }

    /// The reasons whose hash is `hash`. Only what is whole is kept, so a blob that arrives later is found.
    pub(crate) async fn get(&self, hash: &Hash) -> Result<Arc<Reasons>, StoreError> {
        if let Some(reasons) = self.lock().by_hash.get(hash) {
            return Ok(Arc::clone(reasons));
        }
        let bytes = match self.reader.blob(hash).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Arc::new(Reasons::Absent)),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(why, "a stored post is not the one that was signed; it is not shown");
                return Ok(Arc::new(Reasons::Changed));
            }
            Err(other) => return Err(other),
        };
        let reasons = Arc::new(Reasons::of(&bytes));
        let mut kept = self.lock();
        let size = reasons.size();
        if kept.bytes + size > MAX_KEPT {
            *kept = Kept::default();
        }
        if kept.by_hash.insert(*hash, Arc::clone(&reasons)).is_none() {
            kept.bytes += size;
        }
        Ok(reasons)
    }

    /// A panic while the lock was held cannot leave the map half-changed in a way that matters: it is a cache.
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_post_is_shown_as_it_stands() {
        assert!(matches!(Reasons::of(b"# Signed\n"), Reasons::Held(_)));
        assert!(
            matches!(Reasons::of(b"---\nnot a post\n"), Reasons::Plain { text } if text == "---\nnot a post\n")
        );
        assert!(matches!(Reasons::of(b"\xff\xfe"), Reasons::Plain { text } if text == "\u{fffd}\u{fffd}"));
    }
}
