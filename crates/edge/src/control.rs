//! What all workers share, and the one place that changes it.

use crate::Config;
use crate::Host;
use crate::Notes;
use crate::bindings::Bindings;
use crate::enforce::{Moment, Table};
use crate::flood::{Open, Rates};
use crate::page::Operator;
use crate::sites::Sites;
use crate::world::World;
use arc_swap::ArcSwap;
use policy::clock::Clock;
use relay::Effective;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Name of the file in the state directory.
const BINDINGS: &str = "bindings";

/// Read by every request.
pub(crate) struct Shared {
    pub(crate) world: ArcSwap<World>,
    pub(crate) table: ArcSwap<Table>,
    pub(crate) rates: Rates,
    pub(crate) open: Open,
    /// Requests at origins, by source.
    pub(crate) asking: Open,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) notes: Arc<dyn Notes>,
}

impl Shared {
    /// Both clocks.
    pub(crate) fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), mono: self.clock.mono() }
    }

    /// Whether a measure applies to this host now.
    pub(crate) fn is_blocked(&self, host: &Host) -> bool {
        let (world, table) = (self.world.load(), self.table.load());
        let owner = world.find(host).map(|s| (&s.customer, &s.site));
        table.find(host, owner, || self.moment()).is_some()
    }

    /// How many hostnames that moved are blocked all the same, and how many are spared.
    pub(crate) fn moved(&self) -> (usize, usize) {
        let (world, table, now) = (self.world.load(), self.table.load(), self.clock.now());
        table.count_moved(now, |host| world.find(host).map(|s| s.customer.clone()))
    }
}

/// Changes what is shared: a new sites file, or a new effective state.
pub(crate) struct Control {
    pub(crate) shared: Arc<Shared>,
    state: Mutex<State>,
    /// Held while a sites file is taken over, so that the later one counts.
    taking: Mutex<()>,
    operator: Operator,
    file: PathBuf,
    changed: watch::Sender<u64>,
}

struct State {
    bindings: Bindings,
    effective: Arc<Effective>,
}

impl Control {
    pub(crate) fn open(
        config: &Config,
        sites: &Sites,
        effective: Arc<Effective>,
        notes: Arc<dyn Notes>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(&config.state_dir)?;
        let file = config.state_dir.join(BINDINGS);
        let bindings = read(&file)?;
        let shared = Arc::new(Shared {
            world: ArcSwap::default(),
            table: ArcSwap::default(),
            rates: Rates::new(config.limits.rate, config.limits.burst),
            open: Open::new(config.limits.connections_per_source),
            asking: Open::new(config.limits.exchanges_per_source),
            clock,
            notes,
        });
        let state = Mutex::new(State { bindings, effective });
        let control = Self {
            shared,
            state,
            taking: Mutex::new(()),
            operator: config.operator.clone(),
            file,
            changed: watch::Sender::new(0),
        };
        control.set_sites(sites)?;
        Ok(control)
    }

    /// Told whenever the world or the table has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes over a sites file, or leaves everything as it was.
    pub(crate) fn set_sites(&self, sites: &Sites) -> io::Result<()> {
        let _taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        // Certificates are files, and a file may not answer: no block and no lift waits for that.
        let mut world = World::load(sites)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bindings = state.bindings.clone();
        bindings.update(sites, self.shared.clock.now());
        world.keep(&self.shared.world.load(), self.shared.table.load().named());
        // Table before world: a hostname that comes from a stranger must be known as one before it is the customer's.
        let table = self.table(&state.effective, &mut bindings);
        write(&self.file, &bindings.to_text())?;
        state.bindings = bindings;
        self.shared.table.store(Arc::new(table));
        self.shared.world.store(Arc::new(world));
        self.changed.send_modify(|n| *n += 1);
        Ok(())
    }

    /// Takes over what is in force. It takes effect even when the state directory cannot be written; the error is
    /// for the log.
    pub(crate) fn set_effective(&self, effective: Arc<Effective>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.bindings.judgements().clone();
        let table = self.table(&effective, &mut state.bindings);
        for id in table.refused() {
            tracing::warn!(
                decision = id.as_str(),
                "refused whole: its subject names another customer's hostname"
            );
        }
        self.shared.table.store(Arc::new(table));
        self.changed.send_modify(|n| *n += 1);
        state.effective = effective;
        // After the store: a block does not wait for a disk.
        if *state.bindings.judgements() == before {
            Ok(())
        } else {
            write(&self.file, &state.bindings.to_text())
        }
    }

    fn table(&self, effective: &Effective, bindings: &mut Bindings) -> Table {
        Table::build(effective, bindings, &self.operator, &self.shared.table.load())
    }
}

fn read(file: &Path) -> io::Result<Bindings> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bindings::default()),
        Err(error) => return Err(error),
    };
    Bindings::parse(&text).map_err(|line| {
        let what = format!(
            "{}: line {line} is damaged; restore the file, or remove it to begin anew",
            file.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Writes beside, syncs, renames, syncs the directory: the file is the old or the new one, never a part.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut handle = std::fs::File::create(&new)?;
    handle.write_all(text.as_bytes())?;
    handle.sync_all()?;
    std::fs::rename(&new, file)?;
    let dir = file.parent().unwrap_or(Path::new("."));
    std::fs::File::open(dir)?.sync_all()
}
