//! Looks up host names in addresses, each time they are dialled: `/dns`, `/dns4`, `/dns6`.

use std::{net::IpAddr, time::Duration};

use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::{net::lookup_host, time::timeout};

/// How long the system may take to look up one name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Addresses used of those that one name has.
const PER_NAME_MAX: usize = 4;

/// The kinds of IP address that a name is to stand for.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
    Any,
}

/// Whether a name has to be looked up before `address` can be dialled.
pub(crate) fn has_name(address: &Multiaddr) -> bool {
    name(address).is_some()
}

/// The same addresses with names replaced; without those whose name is not known.
pub(crate) async fn look_up(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    let mut found = vec![];
    for address in addresses {
        let Some((host, family)) = name(&address) else {
            found.push(address);
            continue;
        };
        match timeout(LOOKUP_TIMEOUT, lookup_host((host.as_str(), 0))).await {
            Ok(Ok(sockets)) => {
                let ips = sockets.map(|socket| socket.ip()).filter(|ip| family.has(ip));
                found.extend(ips.take(PER_NAME_MAX).map(|ip| with_ip(&address, ip)));
            }
            Ok(Err(error)) => tracing::debug!(%host, %error, "unknown host"),
            Err(_) => tracing::debug!(%host, "looking up the host took too long"),
        }
    }
    found
}

fn name(address: &Multiaddr) -> Option<(String, Family)> {
    match address.iter().next()? {
        Protocol::Dns(host) => Some((host.into_owned(), Family::Any)),
        Protocol::Dns4(host) => Some((host.into_owned(), Family::V4)),
        Protocol::Dns6(host) => Some((host.into_owned(), Family::V6)),
        _ => None,
    }
}

fn with_ip(address: &Multiaddr, ip: IpAddr) -> Multiaddr {
    std::iter::once(Protocol::from(ip)).chain(address.iter().skip(1)).collect()
}

impl Family {
    const fn has(self, ip: &IpAddr) -> bool {
        match self {
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
            Self::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_become_addresses_and_the_rest_stays() {
        let parse = |text: &str| text.parse::<Multiaddr>().expect("an address");
        let plain = parse("/ip4/192.0.2.1/tcp/1");
        let named = parse("/dns4/localhost/udp/4001/quic-v1");
        let unknown = parse("/dns4/no-such-host.invalid/tcp/1");
        assert!(has_name(&named) && !has_name(&plain));
        let found = look_up(vec![plain.clone(), named, unknown]).await;
        assert_eq!(found, [plain, parse("/ip4/127.0.0.1/udp/4001/quic-v1")]);
    }
}
