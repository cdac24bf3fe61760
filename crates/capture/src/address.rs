//! Which addresses a capture may speak to: the public internet, and what the operator allowed by name.
//!
//! A page decides where a capture goes next, so without this it could have us ask what only this machine or its network
//! may ask. The judgement is made on the address that is then connected to, never on a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Why an address is not spoken to. Source: IANA's registries of special-purpose addresses (RFC 6890 and its updates).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `0.0.0.0/8`, `::` (RFC 1122, RFC 4291): means "this machine" to many systems.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `10/8`, `172.16/12`, `192.168/16` (RFC 1918).
    Private,
    /// `100.64.0.0/10`: addresses inside a provider (RFC 6598).
    SharedByProvider,
    /// `169.254.0.0/16`, `fe80::/10`: where clouds answer questions about their machines.
    LinkLocal,
    /// `fc00::/7` (RFC 4193), and `fec0::/10` before it.
    UniqueLocal,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// `192.0.2/24`, `198.51.100/24`, `203.0.113/24`, `2001:db8::/32`, `3fff::/20`.
    Documentation,
    /// `198.18.0.0/15`, `2001:2::/48`.
    Benchmark,
    /// Held back by IANA, or given to a protocol and not to hosts.
    Reserved,
    /// `168.63.129.16`: a public number that Azure's machines reach their host under.
    CloudHost,
    /// An IPv6 address that carries an IPv4 address (NAT64, 6to4, mapped, ISATAP) which is refused itself.
    Embeds,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::SharedByProvider => "shared by a provider (CGNAT)",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique local",
            Self::Multicast => "multicast",
            Self::Documentation => "for documentation",
            Self::Benchmark => "for benchmarks",
            Self::Reserved => "reserved",
            Self::CloudHost => "a cloud's own host",
            Self::Embeds => "a wrapping of an IPv4 address that is refused",
        })
    }
}

/// Why `address` is not public, or nothing when it is.
pub fn refusal(address: IpAddr) -> Option<Refusal> {
    match address {
        IpAddr::V4(v4) => refusal_v4(v4),
        IpAddr::V6(v6) => refusal_v6(v6),
    }
}

fn refusal_v4(address: Ipv4Addr) -> Option<Refusal> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        (0, ..) => Refusal::Unspecified,
        (127, ..) => Refusal::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Refusal::Private,
        (100, 64..=127, _) => Refusal::SharedByProvider,
        (169, 254, _) => Refusal::LinkLocal,
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Refusal::Documentation,
        (198, 18..=19, _) => Refusal::Benchmark,
        // Protocol assignments (RFC 6890), relays of 6to4 (RFC 7526), the old class E with the broadcast address.
        (192, 0, 0) | (192, 88, 99) | (240..=255, ..) => Refusal::Reserved,
        (224..=239, ..) => Refusal::Multicast,
        (168, 63, 129) if address == Ipv4Addr::new(168, 63, 129, 16) => Refusal::CloudHost,
        _ => return None,
    })
}

fn refusal_v6(address: Ipv6Addr) -> Option<Refusal> {
    let s = address.segments();
    let embeds = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        refusal_v4(Ipv4Addr::new(a, b, c, d)).map(|_| Refusal::Embeds)
    };
    if address.is_unspecified() {
        return Some(Refusal::Unspecified);
    }
    if address.is_loopback() {
        return Some(Refusal::Loopback);
    }
    match s {
        // ::ffff:a.b.c.d is an IPv4 connection to the kernel; the answer is the IPv4 address's own.
        [0, 0, 0, 0, 0, 0xffff, high, low] => return embeds(high, low),
        // NAT64 (RFC 6052). The prefix for local use (RFC 8215) always leads into a network of somebody's own.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return embeds(high, low),
        [0x64, 0xff9b, ..] => return Some(Refusal::Reserved),
        [first, ..] if first & 0xffc0 == 0xfe80 => return Some(Refusal::LinkLocal),
        [first, ..] if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 => {
            return Some(Refusal::UniqueLocal);
        }
        [first, ..] if first & 0xff00 == 0xff00 => return Some(Refusal::Multicast),
        // Hosts on the internet live in 2000::/3 (RFC 4291); the rest is not given out.
        [first, ..] if first & 0xe000 != 0x2000 => return Some(Refusal::Reserved),
        [0x2001, 0xdb8, ..] => return Some(Refusal::Documentation),
        [0x3fff, second, ..] if second < 0x1000 => return Some(Refusal::Documentation),
        [0x2001, 2, 0, ..] => return Some(Refusal::Benchmark),
        // Teredo, ORCHID and other protocols (RFC 2928), none of them hosts of the web.
        [0x2001, second, ..] if second < 0x200 => return Some(Refusal::Reserved),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => return embeds(high, low),
        _ => {}
    }
    // ISATAP (RFC 5214, 6.1): a tunnel to the IPv4 address in the last half.
    if s[4] & 0xfdff == 0 && s[5] == 0x5efe { embeds(s[6], s[7]) } else { None }
}

/// What the operator allows besides the public internet.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Networks allowed although they are not public, for captures of one's own pages and for tests.
    pub networks: Vec<IpNet>,
    /// Ports allowed besides 80 and 443.
    pub ports: Vec<u16>,
}

impl Allowed {
    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        // A mapped address goes where its IPv4 address goes, so both spellings are allowed or none.
        let plain = address.to_canonical();
        if self.networks.iter().any(|net| net.contains(&plain) || net.contains(&address)) {
            return Ok(());
        }
        refusal(address).map_or(Ok(()), Err)
    }

    /// Whether `port` may be connected to: a page must not have us talk to other services.
    pub fn port(&self, port: u16) -> bool {
        port == 80 || port == 443 || self.ports.contains(&port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_public_is_refused() {
        for (address, why) in [
            ("0.0.0.0", Refusal::Unspecified),
            ("0.1.2.3", Refusal::Unspecified),
            ("127.0.0.1", Refusal::Loopback),
            ("127.255.255.254", Refusal::Loopback),
            ("10.0.0.1", Refusal::Private),
            ("172.16.0.1", Refusal::Private),
            ("172.31.255.255", Refusal::Private),
            ("192.168.1.1", Refusal::Private),
            ("100.64.0.1", Refusal::SharedByProvider),
            ("100.127.255.255", Refusal::SharedByProvider),
            ("169.254.169.254", Refusal::LinkLocal),
            ("192.0.2.1", Refusal::Documentation),
            ("198.51.100.1", Refusal::Documentation),
            ("203.0.113.1", Refusal::Documentation),
            ("198.18.0.1", Refusal::Benchmark),
            ("192.0.0.192", Refusal::Reserved),
            ("192.88.99.1", Refusal::Reserved),
            ("240.0.0.1", Refusal::Reserved),
            ("255.255.255.255", Refusal::Reserved),
            ("224.0.0.1", Refusal::Multicast),
            ("168.63.129.16", Refusal::CloudHost),
            ("::", Refusal::Unspecified),
            ("::1", Refusal::Loopback),
            ("::127.0.0.1", Refusal::Reserved),
            ("::ffff:127.0.0.1", Refusal::Embeds),
            ("::ffff:10.0.0.1", Refusal::Embeds),
            ("64:ff9b::a00:1", Refusal::Embeds),
            ("64:ff9b:1::808:808", Refusal::Reserved),
            ("2002:7f00:1::", Refusal::Embeds),
            ("2002:a9fe:a9fe::1", Refusal::Embeds),
            ("2600::5efe:10.0.0.1", Refusal::Embeds),
            ("2600::200:5efe:192.168.0.1", Refusal::Embeds),
            ("fe80::1", Refusal::LinkLocal),
            ("fec0::1", Refusal::UniqueLocal),
            ("fc00::1", Refusal::UniqueLocal),
            ("fd00:ec2::254", Refusal::UniqueLocal),
            ("ff02::1", Refusal::Multicast),
            ("100::1", Refusal::Reserved),
            ("5f00::1", Refusal::Reserved),
            ("2001::1", Refusal::Reserved),
            ("2001:2::1", Refusal::Benchmark),
            ("2001:20::1", Refusal::Reserved),
            ("2001:db8::1", Refusal::Documentation),
            ("3fff:fff::1", Refusal::Documentation),
        ] {
            assert_eq!(refusal(address.parse().expect(address)), Some(why), "{address}");
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "168.63.129.17",
            "192.0.1.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700::1111",
            "2001:200::1",
            "2001:4860:4860::8888",
            "3fff:1000::1",
            "2600::5efe:8.8.8.8",
        ] {
            assert_eq!(refusal(public.parse().expect(public)), None, "{public}");
        }
    }

    #[test]
    fn what_is_allowed_by_name_is_allowed_in_each_spelling_and_nothing_else_is() {
        let allowed = Allowed { networks: vec!["127.0.0.0/30".parse().expect("a net")], ports: vec![8080] };
        for good in ["127.0.0.1", "::ffff:127.0.0.1", "127.0.0.3"] {
            assert_eq!(allowed.check(good.parse().expect(good)), Ok(()), "{good}");
        }
        for bad in ["127.0.0.4", "::1", "10.0.0.1", "2002:7f00:1::"] {
            assert!(allowed.check(bad.parse().expect(bad)).is_err(), "{bad}");
        }
        assert!(allowed.port(80) && allowed.port(443) && allowed.port(8080) && !allowed.port(22));
    }

    proptest! {
        /// However a refused IPv4 address is wrapped, it stays refused; the standard library's own names agree.
        #[test]
        fn a_wrapping_hides_nothing(bits: u32, low: u64) {
            let v4 = Ipv4Addr::from(bits);
            let plain = refusal_v4(v4);
            let [a, b, c, d] = v4.octets();
            let (high, half) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let l = low.to_be_bytes();
            let pair = |n: usize| u16::from_be_bytes([l[n], l[n + 1]]);
            for wrapped in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, half),
                Ipv6Addr::new(0x2002, high, half, pair(0), pair(2), 1, pair(4), pair(6)),
                Ipv6Addr::new(0x2600, pair(0), pair(2), pair(4), 0x0200, 0x5efe, high, half),
            ] {
                prop_assert_eq!(refusal(wrapped.into()).is_some(), plain.is_some(), "{}", wrapped);
            }
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()
            {
                prop_assert!(plain.is_some(), "{}", v4);
            }
        }

        #[test]
        fn what_the_standard_library_calls_local_is_refused(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() || v6.is_loopback() {
                prop_assert!(refusal(v6.into()).is_some(), "{}", v6);
            }
        }
    }
}
