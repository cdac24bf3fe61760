//! The one way out: every connection of a capture is made here, and goes to the very address that was judged here.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::address::{Allowed, Refusal};
use crate::limits;
use crate::record::Stream;
use crate::resolve::Resolve;
use crate::tls::{Tls, Trust, Witness};

/// An address that a name has, and what was thought of it.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) address: IpAddr,
    pub(crate) refused: Option<Refusal>,
}

/// What came of the wish to connect. Facts are kept when it failed, too.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) resolved: Vec<Resolved>,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) tls: Option<Tls>,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// We do not go there: an address that is not public, a port that nobody allowed.
    Refused(String),
    /// It could not be reached.
    Unreachable(String),
}

/// Who connects: what is allowed, who knows names, what is trusted.
pub(crate) struct Connector<'a> {
    pub(crate) allowed: &'a Allowed,
    pub(crate) resolver: &'a dyn Resolve,
    pub(crate) trust: &'a Trust,
    pub(crate) patience: Duration,
}

impl Connector<'_> {
    /// A connection for `url`, judged at `now`; what is learnt on the way is written into `line`.
    pub(crate) async fn connect(
        &self,
        url: &Url,
        now: UnixTime,
        line: &mut Line,
    ) -> Result<Box<dyn Stream>, Closed> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Closed::Refused("an address without a host".into()));
        };
        if !self.allowed.port(port) {
            return Err(Closed::Refused(format!("port {port} is not allowed")));
        }
        line.resolved = self.resolve(&host, port).await?;
        let stream = self.dial(port, line).await?;
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        self.handshake(stream, &host, now, line).await
    }

    /// The addresses of a host, each with its judgement. The name server is asked here and nowhere else.
    async fn resolve(&self, host: &Host<&str>, port: u16) -> Result<Vec<Resolved>, Closed> {
        let addresses =
            match host {
                Host::Ipv4(address) => vec![IpAddr::from(*address)],
                Host::Ipv6(address) => vec![IpAddr::from(*address)],
                Host::Domain(name) => self.resolver.resolve(name, port).await.map_err(|error| {
                    Closed::Unreachable(format!("the name {name} has no address: {error}"))
                })?,
            };
        let judge = |address: IpAddr| Resolved { address, refused: self.allowed.check(address).err() };
        Ok(addresses.into_iter().take(limits::ANSWERS).map(judge).collect())
    }

    /// Connects to the first public address that answers.
    async fn dial(&self, port: u16, line: &mut Line) -> Result<TcpStream, Closed> {
        let public = line.resolved.iter().filter(|it| it.refused.is_none()).map(|it| it.address);
        let mut last = None;
        for address in public.take(limits::TRIED) {
            let at = SocketAddr::new(address, port);
            match timeout(self.patience, TcpStream::connect(at)).await {
                Ok(Ok(stream)) => {
                    line.remote = Some(at);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(format!("{at}: {error}")),
                Err(_) => last = Some(format!("{at}: no answer in {:?}", self.patience)),
            }
        }
        if let Some(why) = last {
            return Err(Closed::Unreachable(why));
        }
        let refused: Vec<String> = line
            .resolved
            .iter()
            .filter_map(|it| it.refused.map(|why| format!("{} is {why}", it.address)))
            .collect();
        match refused.first() {
            Some(first) => Err(Closed::Refused(format!("the address {first}"))),
            None => Err(Closed::Unreachable("the name has no address".into())),
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        host: &Host<&str>,
        now: UnixTime,
        line: &mut Line,
    ) -> Result<Box<dyn Stream>, Closed> {
        let witness = Witness::new(self.trust);
        let failed = |error: io::Error| Closed::Unreachable(format!("no TLS: {error}"));
        let config = witness.config(now).map_err(|error| failed(io::Error::other(error)))?;
        let name = match host {
            Host::Domain(name) => ServerName::try_from((*name).to_owned())
                .map_err(|_| Closed::Unreachable(format!("no TLS: {name:?} is no name for a certificate")))?,
            Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
        };
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let ended = timeout(self.patience, connector.connect(name, stream)).await;
        let mut seen = witness.seen();
        let stream = match ended {
            Ok(Ok(stream)) => stream,
            other => {
                line.tls = Some(seen);
                let why = match other {
                    Ok(Err(error)) => error,
                    _ => io::Error::other(format!("the handshake took over {:?}", self.patience)),
                };
                return Err(failed(why));
            }
        };
        let (_, session) = stream.get_ref();
        seen.protocol = session.protocol_version().map(protocol);
        seen.cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        seen.key_exchange =
            session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        line.tls = Some(seen);
        Ok(Box::new(stream))
    }
}

fn protocol(version: rustls::ProtocolVersion) -> String {
    match version {
        rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3".into(),
        rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2".into(),
        other => format!("{other:?}"),
    }
}
