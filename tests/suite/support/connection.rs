//! One accepted connection: reads commands, carries out the steps of the script, ends as the script says.
//!
//! A thread each, so that a display may sleep, babble or hang without touching another, as in a building.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::fleet::Shared;
use super::script::Step;

/// Takes a connection over. What the gateway says unasked and at once is said here, before anything else runs.
pub(super) fn accept(shared: &Arc<Shared>, stream: TcpStream) {
    let Ok(local) = stream.local_addr() else { return };
    // A reply is forwarded as it comes, not when Nagle allows it.
    stream.set_nodelay(true).ok();
    let gateway = local.ip();
    let (number, mut steps) = shared.accepted(gateway, &stream);
    let mut connection = Serving { shared: Arc::clone(shared), gateway, number, stream, line: Vec::new() };
    let at_once = steps.iter().take_while(|step| matches!(step, Step::Send(_) | Step::Reset)).count();
    let later = steps.split_off(at_once);
    if connection.carry_out(&steps, None).is_break() {
        shared.ending(gateway, number);
        return;
    }
    thread::Builder::new().stack_size(256 * 1024).spawn(move || connection.serve(&later)).unwrap();
}

struct Serving {
    shared: Arc<Shared>,
    gateway: IpAddr,
    number: usize,
    stream: TcpStream,
    line: Vec<u8>,
}

/// A command that is being answered.
struct Asked {
    command: usize,
    request: Vec<u8>,
    reply: String,
}

impl Serving {
    fn serve(mut self, first: &[Step]) {
        let mut flow = self.carry_out(first, None);
        let mut chunk = [0_u8; 512];
        while flow.is_continue() {
            let Ok(count @ 1..) = self.stream.read(&mut chunk) else { break };
            self.shared.received(self.gateway, self.number, &chunk[..count]);
            self.line.extend_from_slice(&chunk[..count]);
            while flow.is_continue()
                && let Some(end) = self.line.iter().position(|byte| *byte == b'\r')
            {
                let request: Vec<u8> = self.line.drain(..=end).collect();
                let text = String::from_utf8_lossy(&request[..end]).into_owned();
                let (command, steps, reply) = self.shared.commanded(self.gateway, &text);
                flow = self.carry_out(&steps, Some(&Asked { command, request, reply }));
            }
        }
        self.shared.ending(self.gateway, self.number);
    }

    fn carry_out(&mut self, steps: &[Step], asked: Option<&Asked>) -> ControlFlow<()> {
        for step in steps {
            match step {
                Step::Reply => self.write(asked, asked.map_or(b"", |asked| asked.reply.as_bytes()))?,
                Step::ReplyByteByByte(every) => {
                    for byte in asked.map_or(b"".as_slice(), |asked| asked.reply.as_bytes()) {
                        self.write(asked, &[*byte])?;
                        thread::sleep(*every);
                    }
                }
                Step::Echo => self.write(asked, asked.map_or(b"", |asked| asked.request.as_slice()))?,
                Step::Send(bytes) => self.write(asked, bytes)?,
                Step::Pause(time) => thread::sleep(*time),
                Step::Wait(gate) => gate.wait(),
                Step::Babble(bytes) => loop {
                    self.write(asked, bytes)?;
                },
                Step::Close => return self.close(),
                Step::Reset => return self.reset(),
            }
        }
        ControlFlow::Continue(())
    }

    fn write(&mut self, asked: Option<&Asked>, bytes: &[u8]) -> ControlFlow<()> {
        if let Some(asked) = asked
            && !bytes.is_empty()
        {
            self.shared.answering(self.gateway, asked.command);
        }
        match self.stream.write_all(bytes) {
            Ok(()) => ControlFlow::Continue(()),
            // The other side has gone: for a display the most usual thing in the world.
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// FIN. Closing with unread bytes would be an RST, so what still comes is read, and noted.
    fn close(&mut self) -> ControlFlow<()> {
        self.stream.shutdown(Shutdown::Write).ok();
        self.stream.set_read_timeout(Some(Duration::from_secs(5))).ok();
        let mut chunk = [0_u8; 512];
        while let Ok(count @ 1..) = self.stream.read(&mut chunk) {
            self.shared.received(self.gateway, self.number, &chunk[..count]);
        }
        ControlFlow::Break(())
    }

    /// RST: no lingering, and no second handle that would keep the socket alive.
    fn reset(&mut self) -> ControlFlow<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).ok();
        self.shared.ending(self.gateway, self.number);
        ControlFlow::Break(())
    }
}
