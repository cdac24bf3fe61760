//! Names to addresses: a port, so that tests can answer as an attacker's name server would.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The answer to one question, when it comes.
pub type Answer<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Who is asked for the addresses of a name. It is asked once for each connection, and the connection goes to an address
/// out of that very answer: a name server that says something else the second time gains nothing.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, in the order in which they should be tried.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a>;
}

/// The machine's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a> {
        Box::pin(async move {
            let answers = tokio::net::lookup_host((host, port)).await?;
            Ok(answers.map(|address| address.ip()).collect())
        })
    }
}

/// Names whose addresses the operator gave; the next one is asked for the others. What it says is judged like any answer.
pub struct Given<R> {
    /// Host in lower case, port, address.
    pub hosts: Vec<(String, u16, IpAddr)>,
    /// Who knows the rest.
    pub next: R,
}

impl<R: Resolve> Resolve for Given<R> {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a> {
        let own = self.hosts.iter().filter(|(name, at, _)| name == host && *at == port);
        let own: Vec<IpAddr> = own.map(|(_, _, address)| *address).collect();
        if own.is_empty() { self.next.resolve(host, port) } else { Box::pin(async move { Ok(own) }) }
    }
}
