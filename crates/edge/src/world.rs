//! The config lane's snapshot: hostnames, sites and certificates, swapped as a whole.

use crate::Host;
use crate::hostmap::HostMap;
use crate::pool::Place;
use crate::sites::{Site, Sites};
use crate::tls;
use http::HeaderValue;
use policy::Id;
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A site as requests need it.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) customer: Id,
    pub(crate) site: Id,
    origins: Box<[Arc<Place>]>,
    pub(crate) host_header: Option<HeaderValue>,
    certified: Option<Arc<CertifiedKey>>,
    turn: AtomicUsize,
}

impl Served {
    fn load(customer: &Id, site: &Site) -> io::Result<Self> {
        let place = |origin: &String| Place::new(customer.clone(), origin.clone());
        let host_header = site.host_header.as_deref().map(HeaderValue::from_str).transpose();
        Ok(Self {
            customer: customer.clone(),
            site: site.id.clone(),
            origins: site.origins.iter().map(place).collect(),
            host_header: host_header.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?,
            certified: site.certificate.as_ref().map(|(chain, key)| tls::load(chain, key)).transpose()?,
            turn: AtomicUsize::new(0),
        })
    }

    /// `host:port` of every origin.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(|origin| origin.address.as_str())
    }

    /// The origins, beginning with the next in turn.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &Arc<Place>> {
        let start = if self.origins.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let first = start % self.origins.len().max(1);
        self.origins[first..].iter().chain(&self.origins[..first])
    }
}

/// Everything the sites file says, made for looking up.
#[derive(Debug, Default)]
pub(crate) struct World {
    map: Option<HostMap>,
    sites: Vec<Arc<Served>>,
    /// Certificates of hostnames that are blocked by name and left the sites file: TLS stays valid (DESIGN 5).
    kept: HashMap<Host, Arc<CertifiedKey>>,
}

impl World {
    /// Reads certificates and builds the map.
    pub(crate) fn load(sites: &Sites) -> io::Result<Self> {
        let mut world = Self::default();
        let mut names: Vec<(&str, u32)> = Vec::new();
        for customer in &sites.customers {
            for site in &customer.sites {
                let index = u32::try_from(world.sites.len()).map_err(io::Error::other)?;
                names.extend(site.hostnames.iter().map(|h| (h.as_str(), index)));
                world.sites.push(Arc::new(Served::load(&customer.id, site)?));
            }
        }
        world.map = Some(HostMap::build(names));
        Ok(world)
    }

    /// Hostnames that a measure names keep the certificate they had `before` when they leave the file.
    pub(crate) fn keep<'h>(&mut self, before: &Self, named: impl Iterator<Item = &'h Host>) {
        for host in named {
            if self.find(host).is_none()
                && let Some(certified) = before.certified(host)
            {
                self.kept.insert(host.clone(), certified);
            }
        }
    }

    /// The site that serves a host.
    pub(crate) fn find(&self, host: &Host) -> Option<&Arc<Served>> {
        let index = self.map.as_ref()?.get(host.as_str())?;
        self.sites.get(index as usize)
    }

    /// The certificate for a host.
    pub(crate) fn certified(&self, host: &Host) -> Option<Arc<CertifiedKey>> {
        self.find(host).and_then(|s| s.certified.clone()).or_else(|| self.kept.get(host).cloned())
    }
}
