//! Which requests are answered: only questions, and only from whoever knows whom they ask.
//!
//! A web page that a browser on this machine shows could send requests here, and read the answers where its own name was
//! made to lead to this address (DNS rebinding). Such a request carries the page's name in `Host`, and most carry its
//! `Origin`: both must be our own. Pure.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Method, StatusCode, Uri};

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no question.
    #[error("only GET and HEAD are answered")]
    Method,
    /// It does not say whom it asks, or says so twice.
    #[error("exactly one Host header is needed")]
    NoHost,
    /// It asks somebody else.
    #[error("the Host is not this one: ask by localhost or by the IP address that is listened on")]
    ForeignHost,
    /// A page of somebody else's asks.
    #[error("requests of other origins are not answered")]
    ForeignOrigin,
}

impl Refusal {
    /// Its status (RFC 9110, section 15.5).
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether a request is answered that came in at this address of ours.
///
/// # Errors
/// Why it is not.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap, local: IpAddr) -> Result<(), Refusal> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal::Method);
    }
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Refusal::NoHost) };
    let host = authority(host).ok_or(Refusal::NoHost)?;
    let is_asked = |authority: &Authority| is_own(authority.host(), local);
    if !is_asked(&host) || !uri.authority().is_none_or(is_asked) {
        return Err(Refusal::ForeignHost);
    }
    let is_own_page = |origin: &HeaderValue| origin.to_str().is_ok_and(|text| text == format!("http://{host}"));
    if !headers.get_all(ORIGIN).iter().all(is_own_page) {
        return Err(Refusal::ForeignOrigin);
    }
    Ok(())
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    let text = value.to_str().ok().filter(|text| !text.contains('@'))?;
    text.parse().ok()
}

/// Whether it is a name or address of loopback, or the address at which the request came in.
fn is_own(host: &str, local: IpAddr) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == local.to_canonical()
        }
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, uri: &str, lines: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let local = "192.0.2.7".parse().unwrap();
        check(&method.parse().unwrap(), &uri.parse().unwrap(), &headers, local)
    }

    #[test]
    fn whoever_asks_by_loopback_or_by_the_address_that_is_listened_on_is_answered() {
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "127.9.9.9", "[::1]:9464", "192.0.2.7:9464"] {
            assert_eq!(asked("GET", "/metrics", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(asked("HEAD", "http://localhost/metrics", &[("host", "localhost")]), Ok(()));
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_refused() {
        for host in
            ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.8"]
        {
            assert_eq!(asked("GET", "/metrics", &[("host", host)]), Err(Refusal::ForeignHost), "{host}");
        }
        let absolute = asked("GET", "http://evil.example/metrics", &[("host", "localhost")]);
        assert_eq!(absolute, Err(Refusal::ForeignHost));
        for hosts in
            [&[][..], &[("host", "localhost"), ("host", "evil.example")], &[("host", "localhost@evil.example")]]
        {
            assert_eq!(asked("GET", "/metrics", hosts), Err(Refusal::NoHost), "{hosts:?}");
        }
    }

    #[test]
    fn pages_of_others_and_anything_that_is_no_question_are_refused() {
        let with_origin = |origin: &str| asked("GET", "/", &[("host", "localhost:9464"), ("origin", origin)]);
        assert_eq!(with_origin("http://localhost:9464"), Ok(()));
        for origin in ["http://evil.example", "null", "http://localhost:8080", "https://localhost:9464"] {
            assert_eq!(with_origin(origin), Err(Refusal::ForeignOrigin), "{origin}");
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT"] {
            assert_eq!(asked(method, "/", &[("host", "localhost")]), Err(Refusal::Method), "{method}");
        }
    }
}
