//! The command that keeps evidence.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::duration::Span;

#[derive(Args, Debug)]
pub(crate) struct Capture {
    /// The page: http or https.
    pub(crate) url: String,
    /// Where it goes: a directory that is not there yet, or empty. Made for you alone.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print the page's text too. It is foreign, and may be what nobody wants to read unasked.
    #[arg(long)]
    pub(crate) text: bool,
    /// The country it was submitted from, two letters.
    #[arg(long, value_name = "CC", value_parser = country)]
    pub(crate) from_country: Option<String>,
    /// How it came to be captured.
    #[arg(long, value_enum, default_value = "manual")]
    pub(crate) how: How,
    /// Countries of addresses: a file in MaxMind's format (GeoLite2-Country, DB-IP).
    #[arg(long, value_name = "FILE")]
    pub(crate) country_db: Option<PathBuf>,
    /// What the page is told in User-Agent.
    #[arg(long, value_name = "TEXT", value_parser = user_agent)]
    pub(crate) user_agent: Option<String>,
    /// A port besides 80 and 443; again for each.
    #[arg(long = "port", value_name = "PORT")]
    pub(crate) ports: Vec<u16>,
    /// Speak to this network although it is not public; again for each. The result says so.
    #[arg(long = "allow-address", value_name = "CIDR")]
    pub(crate) networks: Vec<IpNet>,
    /// The address of a name, which is then not looked up; again for each. It must be public like any other.
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    pub(crate) resolve: Vec<Place>,
    /// How long the whole of it may take.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) max_time: Span,
    /// How many redirects are followed.
    #[arg(long, value_name = "COUNT", default_value = "20")]
    pub(crate) max_redirects: usize,
}

/// urlscan.io's words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum How {
    /// A person asked for it.
    Manual,
    /// A program asked for it on somebody's behalf.
    Api,
    /// It happened by itself.
    Automatic,
}

impl How {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Api => "api",
            Self::Automatic => "automatic",
        }
    }
}

/// Where a name is: `HOST:PORT:ADDR`, as curl writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) address: IpAddr,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not HOST:PORT:ADDR, as in a.example:443:192.0.2.1 or a.example:443:[2001:db8::1]"
            )
        };
        let (host, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (port, address) = rest.split_once(':').ok_or_else(wrong)?;
        let address = address.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(address);
        let port = port.parse().map_err(|_| wrong())?;
        let address = address.parse().map_err(|_| wrong())?;
        if host.is_empty() {
            Err(wrong())
        } else {
            Ok(Self { host: host.to_ascii_lowercase(), port, address })
        }
    }
}

fn country(text: &str) -> Result<String, String> {
    let letters = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters { Ok(text.to_ascii_uppercase()) } else { Err("two letters, as in DE (ISO 3166-1)".into()) }
}

fn user_agent(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 512 && text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("1 to 512 characters of ASCII".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = |text: &str| text.parse::<Place>();
        let made = |host: &str, port, address: &str| {
            Ok(Place { host: host.into(), port, address: address.parse().expect("an address") })
        };
        assert_eq!(place("A.example:443:192.0.2.1"), made("a.example", 443, "192.0.2.1"));
        assert_eq!(place("a:80:[2001:db8::1]"), made("a", 80, "2001:db8::1"));
        assert_eq!(place("a:80:2001:db8::1"), made("a", 80, "2001:db8::1"));
        for bad in ["", "a", "a:80", ":80:1.1.1.1", "a:x:1.1.1.1", "a:80:b", "a:99999:1.1.1.1", "a:80:"] {
            assert!(place(bad).is_err(), "{bad}");
        }
        assert_eq!(country("de").as_deref(), Ok("DE"));
        assert!(country("ger").is_err() && country("1x").is_err() && user_agent("a\nb").is_err());
    }
}
