//! Who may ask the web server: lines of method, target and headers. What is answered is a question to loopback or to the
//! address that is listened on, from no foreign page.

use std::net::IpAddr;

use fleetctl::web::check;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Method, Uri};

/// The target: `METHOD`, `TARGET`, then `h HOST` and `o ORIGIN` lines.
pub(super) fn guard(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let method = lines.next().and_then(|line| Method::from_bytes(line).ok());
    let uri = lines.next().and_then(|line| Uri::try_from(line).ok());
    let (Some(method), Some(uri)) = (method, uri) else { return };
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = match line.split_first_chunk() {
            Some((b"h ", value)) => (HOST, value),
            Some((b"o ", value)) => (ORIGIN, value),
            _ => continue,
        };
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(name, value);
    }
    for local in ["127.0.0.1", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
        let local: IpAddr = local.parse().unwrap();
        let answer = check(&method, &uri, &headers, local);
        let hosts: Vec<&HeaderValue> = headers.get_all(HOST).iter().collect();
        if answer.is_err() {
            continue;
        }
        assert!(method == Method::GET || method == Method::HEAD, "{method} is answered");
        let [host] = hosts.as_slice() else { panic!("{hosts:?} are answered") };
        let host = host.to_str().unwrap();
        assert!(is_ours(host, local), "{host:?} is answered at {local}");
        if let Some(asked) = uri.authority() {
            assert!(is_ours(asked.as_str(), local), "{uri} is answered at {local}");
        }
        for origin in headers.get_all(ORIGIN) {
            assert_eq!(origin.to_str().ok(), Some(format!("http://{host}").as_str()));
        }
    }
}

/// A second reading of `host` or `host:port`.
fn is_ours(host: &str, local: IpAddr) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = bare.parse::<IpAddr>().map(|address| address.to_canonical());
    bare.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback() || address == local.to_canonical())
}
