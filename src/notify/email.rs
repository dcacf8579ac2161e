//! One mail over SMTP (RFC 5321): in the clear, with STARTTLS (RFC 3207), or with TLS from the first byte.
//!
//! Bodies go out in base64 and nothing else: lettre up to 0.11.23 takes a line that a lone LF begins for no line
//! (RUSTSEC-2026-0561), and what devices said stands in them. The server's words are shown in errors without the
//! password, in whatever form it saw it.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};
use std::{fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use lettre::{Address as MailAddress, Message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::trust::{Roots, read_roots, tls};
use super::{Letter, SendError, Way};
use crate::inventory::{Email, MailTls};
use crate::model::escape::printable;
use crate::model::{Address, SECRET_SHOWN, Secret};
use crate::transport::Connect;

/// A server that says more than this in one conversation, in bytes, is not listened to any longer.
const MOST_SAID: usize = 256 * 1024;
/// So much of what a server said is shown, in characters.
const MOST_SHOWN: usize = 300;
/// How long a server's good-bye is waited for: the mail is delivered already.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Sends a mail; `secret` is the password.
pub(super) async fn send<C>(
    email: &Email,
    letter: &Letter,
    secret: Option<Secret>,
    way: &Way<'_, C>,
    deadline: Instant,
) -> Result<(), SendError>
where
    C: Connect,
    C::Stream: Sync,
{
    let message = compose(email, letter)?;
    let address = Address::parse(&bracketed(&email.host), Some(email.port))
        .map(|address| Address { port: email.port, ..address })
        .map_err(|error| SendError::Address(format!("its `server` is no host: {error}")))?;
    let host = address.to_string();
    let roots = read_roots(way.folder, email.ca_file.as_deref())?;
    let talk = Talk { email, host: &host, secret: secret.as_ref() };
    let connected = (way.connect)().connect(&address, deadline).await;
    let stream = connected.map_err(|source| SendError::Connect { host: host.clone(), source })?;
    let hello = ClientId::default();
    let mut connection = match email.tls {
        MailTls::None => talk.open(stream, &hello).await?,
        MailTls::StartTls => {
            let parameters = talk.parameters(roots)?;
            let mut connection = talk.open(stream, &hello).await?;
            connection.starttls(parameters, &hello).await.map_err(|error| talk.no_tls(&error))?;
            connection
        }
        MailTls::Wrapper => {
            let wrong = |why: String| SendError::Tls { host: host.clone(), why };
            let name = ServerName::try_from(email.host.to_string()).map_err(|error| wrong(error.to_string()))?;
            let connector = TlsConnector::from(tls(roots, &host)?);
            let secured = connector.connect(name, stream).await.map_err(|error| wrong(error.to_string()))?;
            talk.open(secured, &hello).await?
        }
    };
    if let (Some((user, _)), Some(secret)) = (&email.login, &secret) {
        let credentials = Credentials::new(user.to_string(), secret.expose().to_owned());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&mechanisms, &credentials).await.map_err(|error| talk.failed(&error))?;
    }
    let sent = talk.hand_over(&mut connection, &message).await;
    _ = timeout(GOOD_BYE, connection.quit()).await;
    sent
}

/// The mail as it goes out: the same bytes at every try.
fn compose(email: &Email, letter: &Letter) -> Result<Message, SendError> {
    let Letter::Mail { id, at, subject, text, html } = letter else { return Err(SendError::OtherKind) };
    let mailbox = |text: &str| -> Result<Mailbox, SendError> {
        text.parse().map_err(|error| SendError::Address(format!("`{}` is no mail address: {error}", printable(text))))
    };
    let from = mailbox(&email.from)?;
    let part = |content_type, body: &str| {
        SinglePart::builder().header(content_type).header(ContentTransferEncoding::Base64).body(body.to_owned())
    };
    let since = Duration::from_millis(u64::try_from(*at).unwrap_or_default());
    let domain = atoms(MailAddress::domain(&from.email));
    let mut message = Message::builder()
        .from(from)
        .subject(printable(subject))
        .date(UNIX_EPOCH + since)
        // Nobody's absence note comes back (RFC 3834, 5.1).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .message_id(Some(format!("<{}@{domain}>", atoms(id))));
    for to in &email.to {
        message = message.to(mailbox(to)?);
    }
    let parts = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
    message.multipart(parts).map_err(|error| SendError::Internal(error.to_string()))
}

/// A text as both halves of a Message-ID may hold it (RFC 5322, 3.2.3): what is no letter, digit, point, dash or
/// underscore stands as `=` and its bytes in hex, so that two texts are never one.
fn atoms(text: &str) -> String {
    let mut atoms = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => atoms.push(char::from(byte)),
            // Writing to a `String` cannot fail.
            other => _ = write!(atoms, "={other:02X}"),
        }
    }
    atoms
}

/// An IPv6 address as addresses write it.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A conversation, as far as its errors need to know it.
struct Talk<'a> {
    email: &'a Email,
    host: &'a str,
    secret: Option<&'a Secret>,
}

impl Talk<'_> {
    async fn open<S>(&self, stream: S, hello: &ClientId) -> Result<AsyncSmtpConnection, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let stream = Box::new(Bounded { stream, left: MOST_SAID });
        AsyncSmtpConnection::connect_with_transport(stream, hello).await.map_err(|error| self.failed(&error))
    }

    /// The mail transaction (RFC 5321, 3.3). A recipient that the server refuses keeps the others from nothing.
    async fn hand_over(&self, connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), SendError> {
        let failed = |error| self.failed(&error);
        let envelope = message.envelope();
        let is_ascii = envelope.to().iter().chain(envelope.from()).all(|one| one.to_string().is_ascii());
        let parameters = if is_ascii { vec![] } else { vec![MailParameter::SmtpUtfEight] };
        connection.command(Mail::new(envelope.from().cloned(), parameters)).await.map_err(failed)?;
        let (mut taken, mut refused) = (0, Vec::new());
        for to in envelope.to() {
            match connection.command(Rcpt::new(to.clone(), vec![])).await {
                Ok(_) => taken += 1,
                Err(error) if error.is_permanent() || error.is_transient() => refused.push((to.to_string(), error)),
                Err(error) => return Err(failed(error)),
            }
        }
        if taken == 0
            && let Some((_, error)) = refused.pop()
        {
            return Err(failed(error));
        }
        connection.command(Data).await.map_err(failed)?;
        connection.message(&message.formatted()).await.map_err(failed)?;
        let Some((_, error)) = refused.first() else { return Ok(()) };
        let said = self.shown(&error.to_string());
        let who: Vec<String> = refused.iter().map(|(who, _)| printable(who)).collect();
        Err(SendError::NotEverybody { host: self.host.to_owned(), who: who.join(", "), said })
    }

    fn parameters(&self, roots: Option<Roots>) -> Result<TlsParameters, SendError> {
        let wrong = |error: lettre::transport::smtp::Error| SendError::Tls {
            host: self.host.to_owned(),
            why: self.shown(&error.to_string()),
        };
        let mut builder = TlsParameters::builder(self.email.host.to_string());
        if let Some(roots) = roots {
            builder = builder.add_root_certificate(Certificate::from_pem(&roots.pem).map_err(wrong)?);
        }
        builder.build_rustls().map_err(wrong)
    }

    fn failed(&self, error: &lettre::transport::smtp::Error) -> SendError {
        let (host, said) = (self.host.to_owned(), self.shown(&error.to_string()));
        if error.is_transient() {
            SendError::NotNow { host, said }
        } else if error.is_permanent() {
            SendError::Refused { host, said }
        } else if error.is_client() {
            // What the server does not offer: STARTTLS, or a way to log in.
            SendError::Refused { host, said: said.replace("internal client error: ", "") }
        } else {
            SendError::Broken { host, why: said }
        }
    }

    fn no_tls(&self, error: &lettre::transport::smtp::Error) -> SendError {
        match self.failed(error) {
            SendError::Broken { host, why } => SendError::Tls { host, why },
            other => other,
        }
    }

    /// What may be shown of a server's words.
    fn shown(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let (Some(secret), Some((user, _))) = (self.secret, &self.email.login) {
            let password = secret.expose();
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            for form in [password, &STANDARD.encode(password), &plain].iter().filter(|form| !form.is_empty()) {
                text = text.replace(*form, SECRET_SHOWN);
            }
        }
        printable(&text).chars().take(MOST_SHOWN).collect()
    }
}

/// A stream that ends with an error when too much came.
struct Bounded<S> {
    stream: S,
    left: usize,
}

impl<S> fmt::Debug for Bounded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a connection to a mail server")
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = buffer.filled().len().saturating_sub(before);
        match self.left.checked_sub(came) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the server talks and talks"))),
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Bounded<S> {
    /// Nobody asks: the connection is made elsewhere.
    fn peer_addr(&self) -> io::Result<std::net::SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
