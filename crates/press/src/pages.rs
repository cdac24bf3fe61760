//! The pages people read: the index, the posts, and what is said when there is none.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use policy::entry::Entry;
use policy::{AnyNote, Decision, Id, Time};

use crate::http::{FRESH, Failure, HTML, TEXT, answer};
use crate::posts::Reasons;
use crate::view::{self, Card, Step};
use crate::words::When;
use crate::{App, STYLE, fold, words};

/// Decisions on one page of the index: what a reader scrolls through, and at most this many posts to read.
const PER_PAGE: usize = 30;

/// Decisions among which related ones are looked for, newest first; a rarer tag from long ago is not worth more
/// than this many posts held in memory.
const RELATED_AMONG: usize = 200;

/// Related decisions shown under a post.
const RELATED: usize = 3;

/// Seconds for which `security.txt` is declared valid from each day on: 180 days, under the year that RFC 9116
/// section 2.5.5 recommends.
const SECURITY_TXT_VALID: u64 = 180 * DAY;
const DAY: u64 = 86_400;

/// A link with the words before it.
pub(crate) struct Contact {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) text: String,
}

/// What stands around every page.
pub(crate) struct Frame<'a> {
    pub(crate) operator: &'a str,
    pub(crate) base: &'a str,
    pub(crate) trust: String,
    pub(crate) demo: bool,
    pub(crate) style: &'static str,
    pub(crate) contacts: Vec<Contact>,
    /// Whether this press takes reports.
    pub(crate) reports: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn of(app: &'a App) -> Frame<'a> {
        let operator = &app.config.operator;
        Frame {
            operator: &operator.name,
            base: &operator.reasons_base,
            trust: app.config.trust.to_string(),
            demo: app.config.trust.is_demo(),
            style: STYLE,
            contacts: contacts(app),
            reports: app.intake.is_some(),
        }
    }
}

fn mail(label: &'static str, address: Option<&String>) -> Option<Contact> {
    address.map(|address| Contact { label, href: format!("mailto:{address}"), text: address.clone() })
}

fn web(label: &'static str, url: Option<&String>) -> Option<Contact> {
    url.map(|url| Contact { label, href: url.clone(), text: url.clone() })
}

fn contacts(app: &App) -> Vec<Contact> {
    let operator = &app.config.operator;
    [
        web("Operator", operator.url.as_ref()),
        web("Life at risk", operator.help_url.as_ref()),
        web("Is a block page real?", operator.check_url.as_ref()),
        web("Appeal", operator.appeal_url.as_ref())
            .or_else(|| mail("Appeal", operator.appeal_email.as_ref())),
        mail("Abuse", operator.abuse_email.as_ref()),
        mail("Press", operator.press_email.as_ref()),
        mail("Service", operator.service_email.as_ref()),
        mail("Security", operator.security_email.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The `before=N` of a query; any other query is ignored.
pub(crate) fn before(query: Option<&str>) -> Option<u64> {
    query?.split('&').find_map(|pair| pair.strip_prefix("before="))?.parse().ok()
}

impl App {
    /// Cards of `decisions`, in their order.
    pub(crate) async fn cards(&self, decisions: &[Decision], now: Time) -> Result<Vec<Card>, Failure> {
        let mut cards = Vec::with_capacity(decisions.len());
        for decision in decisions {
            let reasons = self.posts.get(&decision.impose.post).await?;
            cards.push(self.card(decision, &reasons, now));
        }
        Ok(cards)
    }

    pub(crate) fn card(&self, decision: &Decision, reasons: &Reasons, now: Time) -> Card {
        let operator = &self.config.operator;
        Card::new(decision, reasons, &operator.reasons_base, &operator.name, now)
    }
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexPage<'a> {
    frame: Frame<'a>,
    description: String,
    in_force: Vec<Card>,
    cards: Vec<Card>,
    older: Option<u64>,
    refused: Vec<Refused>,
    record: String,
}

/// Refusals that stand beside the decisions: as many as decisions. The ledger has all.
const REFUSALS: usize = PER_PAGE;

/// Something that was asked, and not done.
struct Refused {
    index: u64,
    at: When,
    class: &'static str,
    asked_by: &'static str,
    why: String,
}

impl Refused {
    /// The refusal at this place of the ledger, if one can be read there.
    async fn read(app: &App, index: u64) -> Result<Option<Self>, Failure> {
        let entry = app.reader.entry(index).await?.and_then(|bytes| Entry::parse(&bytes).ok());
        let Some(AnyNote::Refuse(note)) = entry.and_then(|entry| AnyNote::parse(entry.note.text()).ok())
        else {
            return Ok(None);
        };
        let (class, asked_by) = (words::class(note.class), words::asked_by(note.asked_by));
        Ok(Some(Self { index, at: When::from(note.time), class, asked_by, why: note.why.to_string() }))
    }
}

/// `/`
pub(crate) async fn index(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    let now = app.now();
    let before = before(query.as_deref()).unwrap_or(u64::MAX);
    let (decisions, active, refusals, size) = {
        let state = app.fold.current().await?;
        let active: Vec<Decision> =
            state.at(now).iter().filter_map(|measure| state.decision(&measure.id).cloned()).collect();
        let refusals: Vec<u64> = state.refusals().rev().filter(|at| *at < before).take(REFUSALS).collect();
        (fold::newest(&state, before, PER_PAGE + 1), active, refusals, state.size())
    };
    let mut refused = Vec::with_capacity(refusals.len());
    for index in refusals {
        refused.extend(Refused::read(&app, index).await?);
    }
    let page = decisions.get(..PER_PAGE).unwrap_or(&decisions);
    let older = (decisions.len() > PER_PAGE).then(|| page.last().map(|last| last.index)).flatten();
    let operator = &app.config.operator.name;
    let html = IndexPage {
        frame: Frame::of(&app),
        description: format!(
            "What {operator} decided to block, why, since when and until when; with proofs."
        ),
        in_force: app.cards(&active, now).await?,
        cards: app.cards(page, now).await?,
        older,
        refused,
        record: match size {
            1 => "The ledger holds one entry.".to_string(),
            size => format!("The ledger holds {size} entries."),
        },
    }
    .render()?;
    Ok(answer(&asked, HTML, FRESH, html.into_bytes()))
}

struct Check {
    post: String,
    index: u64,
    size: u64,
}

#[derive(Template)]
#[template(path = "post.html")]
struct PostPage<'a> {
    frame: Frame<'a>,
    card: Card,
    end_label: &'static str,
    scope: String,
    notice: String,
    order: String,
    authorities: String,
    withheld: Option<String>,
    opened: Option<String>,
    language: &'a str,
    direction: &'static str,
    body: String,
    absent: &'static str,
    limiting: String,
    steps: Vec<Step>,
    appeal: Vec<Contact>,
    check: Check,
    related: Vec<Card>,
}

#[derive(Template)]
#[template(source = "<pre>{{ text }}</pre>\n", ext = "html")]
struct PlainBody<'a> {
    text: &'a str,
}

/// The body to print for `reasons`, or nothing and why.
pub(crate) fn body(reasons: &Reasons) -> Result<(String, &'static str), Failure> {
    Ok(match reasons {
        Reasons::Held(post) => (post.html.clone(), "The signed text is empty."),
        Reasons::Plain { text } => (PlainBody { text }.render()?, ""),
        Reasons::Absent => (
            String::new(),
            "The text is not held here. An edge that does not hold it does not enforce the decision.",
        ),
        Reasons::Changed => (
            String::new(),
            "What is stored here is not what was signed, so it is not shown. The fault is ours.",
        ),
    })
}

/// `/posts/{id}`
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    const MISSING: Failure = Failure::NotFound("No decision has this id.");
    let id = Id::parse(&id).ok_or(MISSING)?;
    let now = app.now();
    let (decision, size, others) = {
        let state = app.fold.current().await?;
        let decision = state.decision(&id).cloned().ok_or(MISSING)?;
        (decision, state.size(), fold::newest(&state, u64::MAX, RELATED_AMONG))
    };
    let impose = &decision.impose;
    let reasons = app.posts.get(&impose.post).await?;
    let (body, absent) = body(&reasons)?;
    let card = app.card(&decision, &reasons, now);
    let related = related(&card, app.cards(&others, now).await?);
    let operator = &app.config.operator;
    let html = PostPage {
        frame: Frame::of(&app),
        notice: words::notice(&decision, now),
        order: words::order(impose.order.as_ref()),
        authorities: words::authorities(impose.referral.as_ref().map_or(0, |referral| referral.count)),
        withheld: impose.withheld.as_ref().map(|withheld| words::withheld(withheld, now)),
        opened: impose.withheld.as_ref().filter(|w| w.opens <= now).map(|w| w.narrative.to_string()),
        language: reasons.post().map_or("en", |post| &post.language),
        direction: reasons.post().map_or("ltr", |post| post.direction()),
        body,
        absent,
        limiting: impose.limiting.to_string(),
        steps: view::timeline(&decision, now),
        appeal: [web("", operator.appeal_url.as_ref()), mail("", operator.appeal_email.as_ref())]
            .into_iter()
            .flatten()
            .collect(),
        check: Check { post: impose.post.to_string(), index: decision.index, size },
        related,
        end_label: words::end_label(&decision),
        scope: words::scope_counted(impose.scope, impose.hostnames),
        card,
    }
    .render()?;
    Ok(answer(&asked, HTML, FRESH, html.into_bytes()))
}

/// Up to [`RELATED`] of `others` that share a tag with `card`: rarer shared tags weigh more, then newer ones first.
/// `others` comes newest first, and the order of equals is kept, so the answer is always the same.
fn related(card: &Card, others: Vec<Card>) -> Vec<Card> {
    let mut uses: BTreeMap<String, u64> = BTreeMap::new();
    for tag in others.iter().flat_map(|other| &other.tags) {
        *uses.entry(tag.clone()).or_default() += 1;
    }
    // A tag on n of the posts weighs 10,000 / n: whole numbers compare the same everywhere.
    let weight = |tag: &String| 10_000 / uses.get(tag).copied().unwrap_or(1).max(1);
    let mut scored: Vec<(u64, Card)> = others
        .into_iter()
        .filter(|other| other.id != card.id)
        .map(|other| (other.tags.iter().filter(|tag| card.tags.contains(tag)).map(weight).sum(), other))
        .filter(|(score, _)| *score > 0)
        .collect();
    scored.sort_by_key(|(score, _)| Reverse(*score));
    scored.into_iter().take(RELATED).map(|(_, other)| other).collect()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame<'a>,
    status: u16,
    title: &'static str,
    detail: &'a str,
}

/// The page for a failure.
pub(crate) fn problem(app: &App, failure: &Failure, detail: &str) -> Result<String, askama::Error> {
    ProblemPage { frame: Frame::of(app), status: failure.status().as_u16(), title: failure.title(), detail }
        .render()
}

/// `/.well-known/security.txt`, RFC 9116.
pub(crate) async fn security_txt(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let operator = &app.config.operator;
    let contact = operator
        .security_email
        .as_ref()
        .ok_or(Failure::NotFound("The operator has named no security contact."))?;
    // Whole days, so that the text changes once a day and caches can hold it.
    let today = app.now().0 / DAY * DAY;
    let text = format!(
        "Contact: mailto:{contact}\nExpires: {}\nPreferred-Languages: en\nCanonical: {}/.well-known/security.txt\n",
        Time(today).plus(SECURITY_TXT_VALID),
        operator.reasons_base
    );
    Ok(answer(&asked, TEXT, FRESH, text.into_bytes()))
}
