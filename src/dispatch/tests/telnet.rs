//! Gateways that speak Telnet: what of it reaches the device, the counts and the outcome.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::{Instant, sleep};

use super::world::{Does, Ran, Record, World};
use crate::model::{Address, Delivery, ErrorKind, Status, StopReason};
use crate::transport::{Connect, ConnectError};

const GREETING: &[u8] = b"\xFF\xFB\x03\xFF\xFD\x03\xFF\xFB\x01\xFF\xFE\x01\xFF\xFD\x00\xFF\xFB\x00";
const ANSWER: &[u8] = b"\xFF\xFD\x03\xFF\xFB\x03\xFF\xFE\x01\xFF\xFB\x00\xFF\xFD\x00";
const COMMAND: &[u8] = b"ka 01 01\r";
const OFFER: &[u8] = b"\xFF\xFD\x2C\xFF\xFB\x2C";
const SETTINGS: &[u8] = b"\xFF\xFA\x2C\x01\x00\x00\x25\x80\xFF\xF0\xFF\xFA\x2C\x02\x08\xFF\xF0\xFF\xFA\x2C\x03\x01\xFF\xF0\xFF\xFA\x2C\x04\x01\xFF\xF0";
const SET: &[u8] = b"\xFF\xFA\x2C\x65\x00\x00\x25\x80\xFF\xF0\xFF\xFA\x2C\x66\x08\xFF\xF0\xFF\xFA\x2C\x67\x01\xFF\xF0\xFF\xFA\x2C\x68\x01\xFF\xF0";

/// Segments, each sent once the wire has ended with what stands before it (nothing: on opening).
type Script = &'static [(&'static [u8], &'static [&'static [u8]])];

/// A gateway that follows a script and keeps what it got.
#[derive(Clone)]
struct Gateway {
    script: Script,
    closes: bool,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Connect for Gateway {
    type Stream = DuplexStream;

    async fn connect(&self, _: &Address, _: Instant) -> Result<DuplexStream, ConnectError> {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let gateway = self.clone();
        tokio::spawn(async move {
            let mut from = 0;
            for (until, segments) in gateway.script {
                while !gateway.got.lock().unwrap()[from..].ends_with(until) {
                    let Ok(byte) = theirs.read_u8().await else { return };
                    gateway.got.lock().unwrap().push(byte);
                }
                from = gateway.got.lock().unwrap().len();
                for segment in *segments {
                    theirs.write_all(segment).await.unwrap();
                    sleep(Duration::from_millis(10)).await;
                }
            }
            if gateway.closes {
                return;
            }
            while let Ok(byte) = theirs.read_u8().await {
                gateway.got.lock().unwrap().push(byte);
            }
        });
        Ok(ours)
    }
}

/// A run over a display with this `link` behind such a gateway, and what the gateway got.
async fn run(link: &str, script: Script, closes: bool) -> (Ran, Vec<u8>) {
    let got = Arc::new(Mutex::new(Vec::new()));
    let gateway = Gateway { script, closes, got: got.clone() };
    let ran = world(link).run_over(gateway, Record::default()).await;
    // The gateway still reads what was written before the end.
    sleep(Duration::from_millis(100)).await;
    let got = got.lock().unwrap().clone();
    (ran, got)
}

fn world(link: &str) -> World {
    let mut world =
        World::new(&format!("[[device]]\nname = \"tv\"\naddress = \"10.0.0.1\"\nlink = {{ {link} }}\n"), |_, _| {
            Does::Nothing
        });
    world.flags.retries = Some(0);
    world
}

fn result(ran: &Ran) -> (Status, Option<ErrorKind>, Delivery) {
    let outcome = &ran.outcomes[0];
    (outcome.status, outcome.error.as_ref().map(|failure| failure.kind), outcome.delivery)
}

const OK: (Status, Option<ErrorKind>, Delivery) = (Status::Ok, None, Delivery::Confirmed);
const AUTO: &str = "";
const ALWAYS: &str = "telnet = \"always\"";
const NEVER: &str = "telnet = \"never\"";
const SERIAL: &str = "serial = { baud = 9600 }";

#[tokio::test(start_paused = true)]
async fn a_sequence_that_is_cut_before_a_reply_is_no_part_of_it() {
    // GW-10.
    let script: Script = &[(COMMAND, &[b"\xFF\xFD", b"\x2Ca 01 OK01x"])];
    for (link, refusal) in [(AUTO, &b"\xFF\xFC\x2C"[..]), (ALWAYS, b"\xFF\xFC\x2C"), (NEVER, b"")] {
        let (ran, got) = run(link, script, false).await;
        assert_eq!(result(&ran), OK, "{link}");
        assert_eq!(ran.outcomes[0].reply.as_deref(), Some(&b"a 01 OK01x"[..]), "{link}");
        assert_eq!(got, [COMMAND, refusal].concat(), "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn negotiation_counts_neither_as_written_nor_as_received() {
    for (link, answer, received) in [(AUTO, ANSWER, 0), (ALWAYS, ANSWER, 0), (NEVER, &b""[..], 18)] {
        // The greeting comes after the command, so that nothing drops it.
        let (ran, got) = run(link, &[(COMMAND, &[GREETING])], false).await;
        assert_eq!(result(&ran), (Status::NoReply, Some(ErrorKind::ReplyTimeout), Delivery::Unknown), "{link}");
        assert_eq!(ran.outcomes[0].error.as_ref().unwrap().received, received, "{link}");
        assert_eq!(got, [COMMAND, answer].concat(), "{link}");
    }
    // A peer that greets and hangs up at once: answers went out, the command did not.
    let (ran, got) = run("serial = { baud = 9600 }, gap = \"1s\"", &[(OFFER, &[GREETING])], true).await;
    assert_eq!(result(&ran), (Status::Unreachable, Some(ErrorKind::ConnectionClosed), Delivery::None));
    assert_eq!(got, OFFER);
}

#[tokio::test(start_paused = true)]
async fn a_gateways_own_words_are_known_through_the_layer() {
    let busy = (Status::Unreachable, Some(ErrorKind::GatewayBusy), Delivery::None);
    let command: Script = &[(COMMAND, &[GREETING, b"Port already in use\r\n"])];
    let offer: Script = &[(OFFER, &[GREETING, b"Port already in use\r\n"])];
    for (link, script) in [(AUTO, command), (ALWAYS, command), (SERIAL, offer)] {
        let (ran, _) = run(link, script, true).await;
        assert_eq!(result(&ran), busy, "{link}");
        assert_eq!(&*ran.outcomes[0].error.as_ref().unwrap().detail, "Port already in use", "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_serial_line_is_set_first_and_only_then_the_command_written() {
    let script: Script =
        &[(OFFER, &[GREETING, b"\xFF\xFD\x2C"]), (SETTINGS, &[b"a 01 OK01x", SET]), (COMMAND, &[b"a 01 NG00x"])];
    let (ran, got) = run(SERIAL, script, false).await;
    let refused = (Status::Rejected, Some(ErrorKind::Refused), Delivery::Confirmed);
    assert_eq!(result(&ran), refused, "the reply that came before the command answers nothing");
    assert_eq!(got, [OFFER, ANSWER, SETTINGS, COMMAND].concat());
}

#[tokio::test(start_paused = true)]
async fn a_serial_line_that_is_not_set_gets_no_command() {
    let refuses: Script = &[(OFFER, &[b"\xFF\xFC\x2C\xFF\xFE\x2C"])];
    let is_silent: Script = &[];
    let forgets: Script = &[(OFFER, &[b"\xFF\xFD\x2C"])];
    let sets_another: Script =
        &[(OFFER, &[b"\xFF\xFD\x2C"]), (SETTINGS, &[b"\xFF\xFA\x2C\x65\x00\x00\x4B\x00\xFF\xF0"])];
    for (script, why, after) in [
        (refuses, "the gateway refuses RFC 2217", 0),
        (is_silent, "the gateway does not answer RFC 2217", 2000),
        (forgets, "the gateway does not answer RFC 2217", 2000),
        (sets_another, "`baud` is 19200, not 9600", 10),
    ] {
        let (ran, got) = run(SERIAL, script, false).await;
        assert_eq!(result(&ran), (Status::Unreachable, Some(ErrorKind::Io), Delivery::None), "{why}");
        let outcome = &ran.outcomes[0];
        assert!(outcome.error.as_ref().unwrap().detail.contains(why), "{:?}", outcome.error);
        assert_eq!(outcome.elapsed, Duration::from_millis(after), "{why}");
        assert!(!got.ends_with(COMMAND), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_while_a_line_is_set_leaves_the_device_untouched() {
    let got = Arc::new(Mutex::new(Vec::new()));
    let gateway = Gateway { script: &[], closes: false, got: got.clone() };
    let world = world(SERIAL);
    let stop = world.stop.clone();
    let stopping = async {
        sleep(Duration::from_secs(1)).await;
        stop.no_more(StopReason::Interrupt);
    };
    let (ran, ()) = tokio::join!(world.run_over(gateway, Record::default()), stopping);
    assert_eq!(result(&ran), (Status::Skipped, None, Delivery::None));
    assert_eq!(*got.lock().unwrap(), OFFER);
}
