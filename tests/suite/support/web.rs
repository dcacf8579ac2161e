//! A web server on loopback, with or without TLS, that writes down every request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Workspace;

/// A request: its first line, its other header lines in lower case, its body.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A server that gives every request the same answer.
pub(crate) struct WebServer {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl WebServer {
    /// A server without TLS; `answer` is the status line's end, such as `200 OK`, with further header lines.
    pub(crate) fn start(answer: &'static str) -> Self {
        Self::serve(answer, None)
    }

    /// A server with the certificate that `write_authority` has put into the workspace.
    pub(crate) fn with_tls(workspace: &Workspace, answer: &'static str) -> Self {
        let chain = CertificateDer::pem_file_iter(workspace.path("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(workspace.path("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        Self::serve(answer, Some(Arc::new(config)))
    }

    fn serve(answer: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (scheme, noted) = (if tls.is_some() { "https" } else { "http" }, Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, noted) = (tls.clone(), Arc::clone(&noted));
                thread::spawn(move || match tls {
                    None => hear(stream, answer, &noted),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        hear(StreamOwned::<_, TcpStream>::new(connection, stream), answer, &noted);
                    }
                });
            }
        });
        Self { address, scheme, requests }
    }

    /// `http://127.0.0.1:port` or `https://…`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Every request so far, in the order in which they were complete; noted before they are answered.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn hear(mut stream: impl Read + Write, answer: &str, noted: &Mutex<Vec<Request>>) {
    let mut heard = Vec::new();
    let mut chunk = [0; 8 * 1024];
    loop {
        if let Some(request) = whole(&heard) {
            noted.lock().unwrap().push(request);
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").ok();
            stream.flush().ok();
            return;
        }
        match stream.read(&mut chunk) {
            Ok(count @ 1..) => heard.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    }
}

/// The request, if all of it is there.
fn whole(heard: &[u8]) -> Option<Request> {
    let text = String::from_utf8_lossy(heard).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (line, head) = head.split_once("\r\n")?;
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    (body.len() >= length).then(|| Request { line: line.to_owned(), head, body: body.to_owned() })
}
