//! Lists in parts: `limit` and `cursor`, and what comes next.

use policy::{Decision, Id, State, Time};
use serde::Deserialize;
use store::{Draft, Page, Queue, Store};
use utoipa::IntoParams;

use crate::error::DeskError;
use crate::limits;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Items in the answer; 50 when absent, at most 200.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the part before.
    pub(crate) cursor: Option<String>,
}

impl Part {
    /// How many items are wanted, within the bounds.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(limits::PAGE).clamp(1, limits::MAX_PAGE)
    }
}

/// Which part of the queue of reports, or of cases.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `open` (when absent); `decided` for reports, `closed` for cases.
    pub(crate) state: Option<String>,
    /// Items in the answer; 50 when absent, at most 200.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the part before.
    pub(crate) cursor: Option<String>,
}

impl Which {
    /// As the store is asked. `done` is the word for what is not open.
    pub(crate) fn queue(&self, done: &str) -> Result<Queue, DeskError> {
        let open = match self.state.as_deref() {
            None | Some("open") => true,
            Some(state) if state == done => false,
            Some(_) => return Err(DeskError::Request(format!("`state` must be `open` or `{done}`"))),
        };
        let after = self.cursor.as_deref().map(|c| Id::parse(c).ok_or_else(wrong_cursor)).transpose()?;
        Ok(Queue { open, after, limit: self.limit.unwrap_or(limits::PAGE).clamp(1, limits::MAX_PAGE) })
    }
}

fn wrong_cursor() -> DeskError {
    DeskError::Request("`cursor` must be the `next_cursor` of an answer before".into())
}

/// Notes, newest first, and the cursor of the next part.
pub(crate) async fn notes(store: &Store, part: &Part) -> Result<(Vec<Draft>, Option<String>), DeskError> {
    let before = part.cursor.as_deref().map(|c| note_cursor(c).ok_or_else(wrong_cursor)).transpose()?;
    let limit = part.limit();
    let drafts = store.drafts(&Page { before, limit }).await?;
    let full = drafts.len() as u64 >= u64::from(limit);
    let next = drafts.last().filter(|_| full).map(|d| format!("{}.{}", d.created.0, d.id));
    Ok((drafts, next))
}

fn note_cursor(cursor: &str) -> Option<(Time, Id)> {
    let (time, id) = cursor.split_once('.')?;
    Some((Time(time.parse().ok()?), Id::parse(id)?))
}

/// Decisions, newest first, and the cursor of the next part: the log's index of the last one.
pub(crate) fn decisions<'s>(
    state: &'s State,
    part: &Part,
) -> Result<(Vec<&'s Decision>, Option<String>), DeskError> {
    let below = part.cursor.as_deref().map(|c| c.parse::<u64>().map_err(|_| wrong_cursor())).transpose()?;
    let fits = |d: &&Decision| below.is_none_or(|index| d.index < index);
    let mut found = state.decisions().rev().filter(fits);
    let taken: Vec<_> = found.by_ref().take(part.limit() as usize).collect();
    let next = found.next().and(taken.last()).map(|d| d.index.to_string());
    Ok((taken, next))
}

/// Which entries of a ledger of this size come next: from and to.
pub(crate) fn entries(size: u64, part: &Part) -> Result<(u64, u64), DeskError> {
    let from = part.cursor.as_deref().map(|c| c.parse::<u64>().map_err(|_| wrong_cursor())).transpose()?;
    let from = from.unwrap_or(0).min(size);
    Ok((from, size.min(from + u64::from(part.limit()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_cursor_is_read_or_refused(cursor in ".{0,80}") {
            if let Some((time, id)) = note_cursor(&cursor) {
                prop_assert_eq!(note_cursor(&format!("{}.{id}", time.0)), Some((time, id)));
            }
        }

        #[test]
        fn a_cursor_names_where_the_page_ended(time: u64, id in "[a-z][a-z0-9_-]{2,63}") {
            let id = Id::parse(&id).expect("an id");
            prop_assert_eq!(note_cursor(&format!("{time}.{id}")), Some((Time(time), id)));
        }
    }
}
