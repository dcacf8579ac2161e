//! One POST, for webhooks and heartbeats.
//!
//! HTTP/1.1 over a connection of its own. No redirect is followed: neither the report nor its signature goes to anybody
//! but the address in the inventory. Of the answer only the status counts. A URL may be a secret as a whole (who knows a
//! heartbeat's may ping it), so errors name its host alone.

use std::fmt::Write as _;
use std::pin::pin;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use ring::hmac;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::trust::{read_roots, tls};
use super::{SendError, Way};
use crate::model::{Address, Secret};
use crate::transport::Connect;

/// The header that carries the signature.
const SIGNATURE: &str = "x-fleetctl-signature-256";

/// What is posted where.
pub(super) struct Post<'a> {
    pub(super) url: &'a str,
    /// Put behind the URL's path, before its query: `/start`.
    pub(super) suffix: &'a str,
    pub(super) ca_file: Option<&'a str>,
    pub(super) content_type: &'static str,
    /// What signs the body.
    pub(super) secret: Option<Secret>,
    pub(super) body: Bytes,
}

/// Posts it before `deadline`; every answer but 2xx is an error.
pub(super) async fn post<C: Connect>(post: &Post<'_>, way: &Way<'_, C>, deadline: Instant) -> Result<(), SendError> {
    let target = Target::of(post.url, post.suffix)?;
    let host = target.address.to_string();
    let config = if target.is_tls { Some(tls(read_roots(way.folder, post.ca_file)?, &host)?) } else { None };
    let request = request(post, &target)?;
    let connected = (way.connect)().connect(&target.address, deadline).await;
    let stream = connected.map_err(|source| SendError::Connect { host: host.clone(), source })?;
    let status = match config {
        None => exchange(stream, request, &host).await?,
        Some(config) => {
            let wrong = |why: String| SendError::Tls { host: host.clone(), why };
            let name = ServerName::try_from(target.name.clone()).map_err(|error| wrong(error.to_string()))?;
            let secured = TlsConnector::from(config).connect(name, stream).await;
            exchange(secured.map_err(|error| wrong(error.to_string()))?, request, &host).await?
        }
    };
    judge(status, host)
}

/// Host and port of a URL, for errors.
pub(super) fn host_of(url: &str) -> String {
    Target::of(url, "").map_or_else(|_| "the web server".to_owned(), |target| target.address.to_string())
}

/// Where a URL leads.
struct Target {
    address: Address,
    /// The host as certificates name it.
    name: String,
    /// What the `Host` header says.
    authority: HeaderValue,
    path: String,
    is_tls: bool,
}

impl Target {
    fn of(url: &str, suffix: &str) -> Result<Self, SendError> {
        let wrong = |what: &str| SendError::Address(format!("its `url` {what}; write `https://host/path`"));
        let uri: Uri = url.parse().map_err(|_| wrong("is no address of the web"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("is neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("holds a user name, which is not understood"));
        }
        let host = authority.host();
        let default = if is_tls { 443 } else { 80 };
        let address = Address::parse(authority.as_str(), Some(default)).map_err(|_| wrong("names no host"))?;
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = match suffix {
            "" => uri.path().to_owned(),
            suffix => format!("{}{suffix}", uri.path().trim_end_matches('/')),
        };
        Ok(Self {
            address,
            name: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| wrong("names no host"))?,
            path: format!("{path}{query}"),
            is_tls,
        })
    }
}

fn request(post: &Post<'_>, target: &Target) -> Result<Request<Full<Bytes>>, SendError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, concat!("fleetctl/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, post.content_type)
        .header(CONNECTION, "close");
    if let Some(secret) = &post.secret {
        request = request.header(SIGNATURE, signature(secret, &post.body));
    }
    request.body(Full::new(post.body.clone())).map_err(|error| SendError::Internal(error.to_string()))
}

/// `sha256=` and the HMAC-SHA256 of the body (RFC 2104) in lower-case hex.
fn signature(secret: &Secret, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in hmac::sign(&key, body).as_ref() {
        // Writing to a `String` cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, host: &str) -> Result<StatusCode, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| SendError::Broken { host: host.to_owned(), why: chain(&error) };
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut driving = pin!(async {
        // What goes wrong with the connection, the answer tells.
        _ = connection.await;
        std::future::pending::<()>().await;
    });
    tokio::select! {
        answer = sender.send_request(request) => Ok(answer.map_err(broken)?.status()),
        () = &mut driving => Err(SendError::Internal("an endless wait ended".to_owned())),
    }
}

fn judge(status: StatusCode, host: String) -> Result<(), SendError> {
    let said = match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_redirection() => {
            let said = format!("{said}; no redirect is followed, write the address that it leads to");
            Err(SendError::Refused { host, said })
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(SendError::NotNow { host, said })
        }
        _ if status.is_server_error() => Err(SendError::NotNow { host, said }),
        _ => Err(SendError::Refused { host, said }),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_everybody_checks_it() {
        // RFC 4231, test case 2.
        let signed = signature(&Secret::new("Jefe".to_owned()), b"what do ya want for nothing?");
        assert_eq!(signed, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_suffix_stands_behind_the_path_and_before_the_query() {
        for (url, suffix, address, path, is_tls) in [
            ("https://hc.example/ping/1", "/start", "hc.example:443", "/ping/1/start", true),
            ("http://[::1]:8000/?k=v", "/fail", "[::1]:8000", "/fail?k=v", false),
            ("http://127.0.0.1", "", "127.0.0.1:80", "/", false),
        ] {
            let target = Target::of(url, suffix).unwrap();
            assert_eq!((target.address.to_string().as_str(), target.path.as_str()), (address, path));
            assert_eq!(target.is_tls, is_tls);
        }
        let wrong = Target::of("https://ops:Zq7kW@hc.example/", "").err().unwrap().to_string();
        assert!(wrong.contains("user name") && !wrong.contains("Zq7kW"), "{wrong}");
    }
}
