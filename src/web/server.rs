//! Listens, and answers each connection once, within limits: nobody who asks can keep this process from its work.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use hyper::http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::guard::{Refusal, check};

/// Connections at once; full: further ones wait in the kernel, each of these ends in time.
const CONNECTIONS: usize = 32;

/// The most bytes of a request's head; more is answered with 431.
const HEAD: usize = 16 * 1024;

/// A request's head must be there by then.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// From the first byte to the last of an answer.
const ALL_WITHIN: Duration = Duration::from_secs(15);

/// After an error of the listener itself, such as too many open files, it is left alone for so long.
const RECOVERY: Duration = Duration::from_millis(500);

const TEXT: &str = "text/plain; charset=utf-8";

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 200, or what else applies.
    pub status: StatusCode,
    /// Its media type.
    pub content_type: &'static str,
    /// What it says.
    pub body: String,
}

/// The page at a path; `None`: there is none.
pub type Pages = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When it is taken, not of this machine, or not allowed.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers, for as long as it is polled.
    pub async fn serve(self, pages: Pages) -> Infallible {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS {
                connections.join_next().await;
            }
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => _ = connections.spawn(timeout(ALL_WITHIN, answer(stream, pages.clone()))),
                    Err(error) => {
                        warn!("{}: {error}", self.address);
                        sleep(RECOVERY).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// Answers one request.
async fn answer(stream: TcpStream, pages: Pages) {
    // Where any address is listened on, this is the one that was asked.
    let Ok(local) = stream.local_addr() else { return };
    let service = service_fn(move |request: Request<Incoming>| {
        let page = page(&request, local.ip(), &pages);
        async move { Ok::<_, Infallible>(response(page)) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        debug!("a request was not answered: {error}");
    }
}

fn page(request: &Request<Incoming>, local: IpAddr, pages: &Pages) -> (Page, Option<Refusal>) {
    let said = |status, text: String| Page { status, content_type: TEXT, body: format!("{text}\n") };
    if let Err(refusal) = check(request.method(), request.uri(), request.headers(), local) {
        return (said(refusal.status(), refusal.to_string()), Some(refusal));
    }
    let found = pages(request.uri().path());
    (found.unwrap_or_else(|| said(StatusCode::NOT_FOUND, "there is no such page".to_owned())), None)
}

fn response((page, refusal): (Page, Option<Refusal>)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if refusal == Some(Refusal::Method) {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn started() -> (SocketAddr, JoinSet<Infallible>) {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.address();
        let pages: Pages = Arc::new(|path| {
            let body = format!("page {path}");
            (path == "/a").then_some(Page { status: StatusCode::OK, content_type: "text/x", body })
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(listener.serve(pages));
        (address, tasks)
    }

    async fn exchange(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_page_is_answered_and_the_connection_closed() {
        let (address, _tasks) = started().await;
        let answer = exchange(address, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\npage /a"), "{answer}");
        assert!(answer.contains("content-type: text/x\r\n") && answer.contains("connection: close\r\n"), "{answer}");
        let head = exchange(address, "HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
        let missing = exchange(address, "GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
        let refused = exchange(address, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET, HEAD\r\n"), "{refused}");
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_off() {
        let (address, _tasks) = started().await;
        let long = format!("GET /a HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(HEAD));
        let answer = exchange(address, &long).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    #[tokio::test]
    async fn connections_that_say_nothing_hold_up_others_only_until_their_time_is_over() {
        let (address, _tasks) = started().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let answer = exchange(address, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for mut one in silent {
            let mut said = Vec::new();
            _ = one.read_to_end(&mut said).await;
        }
    }
}
