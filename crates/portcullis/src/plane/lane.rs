//! The config lane's two ends: the desk asks what a sites file says and takes away, the edge serves what the log names.
//! Both are answered by the edge's own reader, which neither `desk` nor `relay` links.

use std::path::{Component, Path, PathBuf};
use std::sync::Weak;

use desk::{Change, CustomerView, Snapshots};
use edge::EdgeHandle;
use edge::sites::{self, Sites};
use policy::Id;
use relay::Configure;
use relay::config::Step;

/// Reads the snapshots of configurations: sites files, word for word.
#[derive(Debug)]
pub(super) struct Reader {
    /// The local one: the paths of certificates start where it lies.
    file: PathBuf,
}

impl Reader {
    /// Beside this sites file.
    pub(super) fn beside(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    pub(super) fn read(&self, snapshot: &[u8]) -> Result<Sites, String> {
        let text = str::from_utf8(snapshot).map_err(|_| "the sites file is not UTF-8 text".to_owned())?;
        super::parse_sites(&self.file, text)
    }

    /// The same for one of the log. It says what is read on every edge's machine, so it stays below the folder that the
    /// edge's operator gave it.
    fn read_from_log(&self, snapshot: &[u8]) -> Result<Sites, String> {
        let sites = self.read(snapshot)?;
        let base = self.file.parent().unwrap_or(Path::new(""));
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let certificates =
            sites.customers.iter().flat_map(|c| &c.sites).filter_map(|s| s.certificate.as_ref());
        for path in certificates.flat_map(|(chain, key)| [chain, key]) {
            if !path.strip_prefix(base).is_ok_and(|path| path.components().all(plain)) {
                return Err(format!(
                    "{} leads out of the folder of the sites file; in a configuration of the log, certificates and keys \
                     stand below it, as in certs/one.pem",
                    path.display()
                ));
            }
        }
        Ok(sites)
    }
}

impl Snapshots for Reader {
    fn customers(&self, snapshot: &[u8]) -> Result<Vec<CustomerView>, String> {
        self.read(snapshot).map(|sites| super::desk::customers(&sites))
    }

    fn publishable(&self, snapshot: &[u8]) -> Result<(), String> {
        self.read_from_log(snapshot).map(drop)
    }

    fn change(&self, before: &[u8], after: &[u8]) -> Result<Change, String> {
        let change = sites::Change::between(&self.read(before)?, &self.read(after)?);
        let names =
            |lost: Vec<(edge::Host, Id)>| lost.into_iter().map(|(h, id)| (h.to_string(), id)).collect();
        Ok(Change { withdrawn: names(change.withdrawn), lowered: names(change.lowered) })
    }
}

/// Serves configurations that do what the log says of them.
pub(super) struct Server {
    pub(super) reader: Reader,
    /// Gone when the edge stops; the tail must not keep it alive.
    pub(super) engine: Weak<EdgeHandle>,
}

impl Configure for Server {
    fn apply(&self, base: Option<&[u8]>, steps: &[Step]) -> Result<(), String> {
        let mut base = base.map(|base| self.reader.read(base)).transpose()?;
        // The first configuration of a log takes over from the local file: nobody loses by that either.
        if base.is_none() && steps.first().is_some_and(|step| step.note.version == 1) {
            base = std::fs::read(&self.reader.file).ok().and_then(|local| self.reader.read(&local).ok());
        }
        let read = |step: &Step| self.reader.read_from_log(&step.snapshot);
        let read: Vec<Sites> = steps.iter().map(read).collect::<Result<_, _>>()?;
        let previous = |step: &Step| step.previous.as_deref().map(|p| self.reader.read(p)).transpose();
        let previous: Vec<Option<Sites>> = steps.iter().map(previous).collect::<Result<_, _>>()?;
        let path: Vec<_> = (steps.iter().zip(&previous).zip(&read))
            .map(|((step, previous), sites)| (&step.note, previous.as_ref(), sites))
            .collect();
        sites::as_announced(base.as_ref(), &path)?;
        let (Some(engine), Some(last)) = (self.engine.upgrade(), read.last()) else { return Ok(()) };
        engine.set_sites(last).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Hash;
    use policy::Time;
    use policy::note::{Config, Head};

    const SITES: &str = include_str!("../demo/sites.toml");

    fn step(sites: &str, withdrawn: u64) -> Step {
        let read = reader().read(sites.as_bytes()).expect("good sites");
        let note = Config {
            head: Head { origin: "demo:x".into(), id: Id::parse("cfg-2").expect("an id") },
            version: 2,
            previous: None,
            snapshot: Hash::of(sites.as_bytes()),
            customers: read.served_customers(),
            hostnames: read.bindings().count() as u64,
            withdrawn,
            lowered: 0,
            time: Time(0),
        };
        Step { note, previous: None, snapshot: sites.into() }
    }

    fn reader() -> Reader {
        Reader::beside(Path::new("/nowhere/sites.toml"))
    }

    #[test]
    fn an_edge_serves_no_configuration_that_takes_more_than_it_says() {
        let sites = SITES.replace("{origin1}", "9001").replace("{origin2}", "9002");
        let (less, _) = sites.rsplit_once("[[customer]]").expect("two customers");
        let server = Server { reader: reader(), engine: Weak::new() };
        server.apply(Some(sites.as_bytes()), &[step(&sites, 0)]).expect("the same");
        server.apply(Some(sites.as_bytes()), &[step(less, 1)]).expect("as it says");
        let why = server.apply(Some(sites.as_bytes()), &[step(less, 0)]).expect_err("a lie");
        assert!(why.contains("shop.second.localhost"), "{why}");
        assert!(server.apply(None, &[Step { snapshot: b"[[".to_vec(), ..step(less, 0) }]).is_err());
    }

    #[test]
    fn the_first_configuration_takes_nothing_from_the_local_file() {
        let sites = SITES.replace("{origin1}", "9001").replace("{origin2}", "9002");
        let (less, _) = sites.rsplit_once("[[customer]]").expect("two customers");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("sites.toml");
        let server = Server { reader: Reader::beside(&file), engine: Weak::new() };
        let first = |sites: &str| {
            let Step { note, snapshot, .. } = step(sites, 0);
            Step { note: Config { version: 1, ..note }, previous: None, snapshot }
        };
        server.apply(None, &[first(less)]).expect("there is no local file");
        std::fs::write(&file, &sites).expect("written");
        server.apply(None, &[first(&sites)]).expect("the same");
        let why = server.apply(None, &[first(less)]).expect_err("it takes the second customer out");
        assert!(why.contains("shop.second.localhost"), "{why}");
        // An edge that joins later: what was lost on the way there was announced then.
        server.apply(None, &[step(less, 0)]).expect("a later one");
    }

    #[test]
    fn a_configuration_names_no_file_outside_its_folder() {
        let with = |path: &str| {
            format!(
                "[[customer]]\nid=\"cus_one\"\nname=\"n\"\n[[customer.site]]\nid=\"site_one\"\n\
                 hostnames=[\"a.example\"]\norigins=[\"x:80\"]\ncertificate=\"{path}\"\nkey=\"certs/k\"\n"
            )
        };
        for (path, fits) in [
            ("certs/one.pem", true),
            ("one.pem", true),
            ("/dev/ptmx", false),
            ("../one.pem", false),
            ("certs/../../one.pem", false),
            ("/nowhere/../dev/zero", false),
        ] {
            assert_eq!(reader().publishable(with(path).as_bytes()).is_ok(), fits, "{path}");
        }
    }
}
