//! What an impose note refers to: may these two blobs stand behind it?

use ledger::Hash;
use policy::case::Case;
use policy::note::Impose;
use policy::{MAX_POST, Scope, Subject};

use crate::desk::CustomerView;

/// The blobs of an impose note, as far as the desk holds them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blobs {
    pub(crate) subject: Option<Vec<u8>>,
    pub(crate) post: Option<Vec<u8>>,
    /// What is withheld and opens later.
    pub(crate) narrative: Option<Vec<u8>>,
    /// Whether the snapshot of a configuration is held.
    pub(crate) snapshot: bool,
    /// The case behind a finding that opens the emergency track, or behind what rests on one, where this desk has it.
    pub(crate) case: Option<Case>,
}

/// Which blobs are still missing, in words; or why those that are held cannot stand behind the note. An edge would
/// refuse most of this too, but only after the note is public: the desk says it before.
pub(crate) fn check(
    impose: &Impose,
    origin: &str,
    blobs: &Blobs,
    customers: &[CustomerView],
) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    match &blobs.post {
        Some(post) => check_post(post)?,
        None => missing.push(lacks("post", &impose.post)),
    }
    if let Some(withheld) = &impose.withheld {
        match &blobs.narrative {
            Some(narrative) => {
                check_post(narrative).map_err(|why| why.replace("the post", "the narrative"))?
            }
            None => missing.push(lacks("withheld narrative", &withheld.narrative)),
        }
    }
    match &blobs.subject {
        Some(bytes) => check_subject(impose, origin, bytes, customers)?,
        None => missing.push(lacks("subject", &impose.subject)),
    }
    Ok(missing)
}

fn lacks(what: &str, hash: &Hash) -> String {
    format!("the {what} with SHA-256 {hash}, to be uploaded to the desk")
}

fn check_post(post: &[u8]) -> Result<(), String> {
    if post.len() > MAX_POST {
        return Err(format!("the post has {} bytes; at most {MAX_POST} are allowed", post.len()));
    }
    std::str::from_utf8(post).map_err(|_| "the post is not UTF-8 text".to_owned())?;
    Ok(())
}

fn check_subject(
    impose: &Impose,
    origin: &str,
    bytes: &[u8],
    customers: &[CustomerView],
) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the subject is not UTF-8 text".to_owned())?;
    let subject = Subject::parse(text).map_err(|e| format!("the subject is not in the grammar: {e}"))?;
    if subject.origin != origin {
        return Err(format!("the subject is meant for another log, {}", subject.origin));
    }
    if subject.scope.kind() != impose.scope {
        return Err(format!("the note's scope is {}, the subject's {}", impose.scope, subject.scope));
    }
    if subject.hostnames.len() as u64 != impose.hostnames {
        let (says, names) = (impose.hostnames, subject.hostnames.len());
        return Err(format!("the note counts {says} hostnames, the subject names {names}"));
    }
    let customer = customers.iter().find(|c| c.id == subject.customer);
    let customer = customer.ok_or_else(|| format!("there is no customer {} here", subject.customer))?;
    let mine = hostnames(customer, &subject.scope)?;
    match subject.hostnames.iter().find(|host| !mine.contains(&host.as_str())) {
        Some(host) => Err(format!(
            "the subject names {host}, which does not belong to {} within the scope {}; a subject that names \
             another's hostname is refused whole",
            customer.id, subject.scope
        )),
        None => Ok(()),
    }
}

/// The hostnames that a subject of this scope may name.
fn hostnames<'c>(customer: &'c CustomerView, scope: &Scope) -> Result<Vec<&'c str>, String> {
    let sites: Vec<_> = match scope {
        Scope::Site(id) => customer.sites.iter().filter(|s| s.id == *id).collect(),
        Scope::Customer | Scope::Tenant(_) | Scope::Hostname(_) => customer.sites.iter().collect(),
    };
    if let (Scope::Site(id), []) = (scope, sites.as_slice()) {
        return Err(format!("{} has no site {id}", customer.id));
    }
    Ok(sites.into_iter().flat_map(|s| &s.hostnames).map(String::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::SiteView;
    use policy::Time;
    use policy::testkit::{House, id};

    fn customers() -> Vec<CustomerView> {
        let site = |name: &str, hosts: &[&str]| SiteView {
            id: id(name),
            hostnames: hosts.iter().map(ToString::to_string).collect(),
        };
        let first = vec![site("site_one", &["a.example", "b.example"]), site("site_two", &["c.example"])];
        let second = vec![site("site_three", &["z.example"])];
        vec![
            CustomerView { id: id("cus_first"), name: "First".into(), sites: first },
            CustomerView { id: id("cus_second"), name: "Second".into(), sites: second },
        ]
    }

    #[test]
    fn only_this_customers_hostnames_within_the_scope() {
        let house = House::demo(Time(1_800_000_000));
        for (customer, scope, hosts, want) in [
            ("cus_first", Scope::Customer, &["a.example", "c.example"][..], ""),
            ("cus_first", Scope::Customer, &["a.example", "z.example"], "names z.example"),
            ("cus_first", Scope::Customer, &["a.example", "free.example"], "names free.example"),
            ("cus_third", Scope::Customer, &["a.example"], "no customer cus_third"),
            ("cus_first", Scope::Site(id("site_one")), &["a.example", "b.example"], ""),
            ("cus_first", Scope::Site(id("site_one")), &["c.example"], "names c.example"),
            ("cus_first", Scope::Site(id("site_three")), &["z.example"], "no site site_three"),
            ("cus_first", Scope::Hostname("b.example".into()), &["b.example"], ""),
            ("cus_second", Scope::Hostname("b.example".into()), &["b.example"], "names b.example"),
        ] {
            let subject = Subject { scope, ..house.subject(customer, hosts) };
            let impose = house.emergency("imp-1", house.start, "fnd-1", &subject, b"post");
            let blobs = Blobs {
                subject: Some(subject.to_string().into_bytes()),
                post: Some(b"post".to_vec()),
                ..Blobs::default()
            };
            match check(&impose, &house.origin, &blobs, &customers()) {
                Ok(missing) => assert_eq!((missing.len(), want), (0, ""), "{hosts:?}"),
                Err(why) => assert!(!want.is_empty() && why.contains(want), "{hosts:?}: {why}"),
            }
        }
    }

    #[test]
    fn blobs_that_cannot_stand_behind_a_note() {
        let house = House::demo(Time(1_800_000_000));
        let subject = house.subject("cus_first", &["a.example"]);
        let text = subject.to_string();
        let foreign = text.replace("origin demo:localhost/ledger", "origin demo:elsewhere/ledger");
        let site = text.replace("scope customer", "scope site site_one");
        let big = vec![b'x'; MAX_POST + 1];
        let impose = house.emergency("imp-1", house.start, "fnd-1", &subject, b"post");
        for (subject, post, want) in [
            (text.as_bytes(), &b"post"[..], ""),
            (text.as_bytes(), b"\xff\xfe", "not UTF-8"),
            (text.as_bytes(), &big, "at most 262144"),
            (b"\xff", b"post", "not UTF-8"),
            (b"hello\n", b"post", "not in the grammar"),
            (foreign.as_bytes(), b"post", "another log"),
            (site.as_bytes(), b"post", "the note's scope is customer"),
        ] {
            let blobs =
                Blobs { subject: Some(subject.to_vec()), post: Some(post.to_vec()), ..Blobs::default() };
            let got = check(&impose, &house.origin, &blobs, &customers()).err().unwrap_or_default();
            assert!(got.contains(want) && got.is_empty() == want.is_empty(), "{want:?}: {got}");
        }
        let none = check(&impose, &house.origin, &Blobs::default(), &customers()).expect("only missing");
        assert_eq!(none.len(), 2);
        assert!(none[0].contains("the post") && none[1].contains("the subject"), "{none:?}");
    }
}
