//! What an operator can try when a device failed: one or two plain sentences per kind of failure.
//!
//! The knowledge is that of the displays' and gateways' manuals and of people who run such fleets. What failed is said
//! by `Failure` itself; a hint only says what to do about it.

use std::borrow::Cow;

use crate::model::{ErrorKind, Failure, Status};

/// What to try. `status` is what became of the device; `None` for an attempt that was followed by another.
pub fn hint(failure: &Failure, status: Option<Status>) -> Cow<'static, str> {
    let text = match failure.kind {
        ErrorKind::Dns => "Check the spelling of the host name, and that this machine's DNS server knows it.",
        ErrorKind::ConnectionRefused => {
            "The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode."
        }
        ErrorKind::ConnectTimeout => {
            "Check power and network of the gateway, its address, and that no firewall drops the connection."
        }
        ErrorKind::Unreachable => "Check this machine's network, routes and VPN to the gateway, and its address.",
        ErrorKind::GatewayBusy => {
            "Another program is connected to the gateway: close it, or restart the gateway if the connection is left over from one that died."
        }
        ErrorKind::ReplyTimeout | ErrorKind::Interrupted | ErrorKind::DeviceDeadline if failure.received > 0 => {
            return noise(failure.received).into();
        }
        ErrorKind::ReplyTimeout => {
            "Check the serial cable (crossed, null-modem), that RS-232 control is enabled on the device, its set ID, and the command's terminator. In standby some devices answer nothing but power commands."
        }
        ErrorKind::ConnectionClosed | ErrorKind::ConnectionReset => match status {
            Some(Status::Unreachable) => {
                "The gateway hung up before the command was written: it may serve another client, or limit who may connect."
            }
            Some(Status::BadReply) => {
                "The connection broke in the middle of the reply: check the network, the gateway's idle time, and whether another client took the port over. The device may have acted."
            }
            _ => {
                "The gateway hung up without a reply: another client may have taken the port over, or it restarted. The device may have acted."
            }
        },
        ErrorKind::MalformedReply => {
            "Something else answers on this port, or the device speaks another language: check device type, address, baud rate and parity."
        }
        ErrorKind::ReplyTooLong => {
            "The line never stops talking: check baud rate and parity, that nothing else uses the serial line, and the device type."
        }
        ErrorKind::WrongChecksum => "Bytes are damaged on the way: check baud rate, parity, cable and device type.",
        ErrorKind::Refused => {
            "The device understood and said no: check that this model supports the command, and that its present state allows it."
        }
        ErrorKind::Busy => {
            "The device kept asking to wait, as displays do while they start: try again later, or raise `device_deadline`."
        }
        ErrorKind::AuthFailed => {
            "Check the password in the inventory; nothing is tried again, so that the device is not locked."
        }
        ErrorKind::Mismatch => "The device acknowledged, but did not change: look at the device itself.",
        ErrorKind::DeviceDeadline if status == Some(Status::Unreachable) => {
            "The connection took too long: check power and network of the gateway, or raise `device_deadline`."
        }
        ErrorKind::DeviceDeadline => {
            "The time for this device was over before its reply came: raise `device_deadline`, or lower `retries` or `reply_timeout`."
        }
        ErrorKind::Interrupted => {
            "The run stopped before the reply came, so the device may have acted: ask for its state, or run again."
        }
        ErrorKind::Internal => {
            "This is not the device's fault: look at the messages on stderr, lower `concurrency` if this machine ran out of files or ports, else please report a bug."
        }
        ErrorKind::Io => "Look at the message: the gateway or this machine could not do what is asked for.",
    };
    text.into()
}

fn noise(received: u64) -> String {
    let came =
        if received == 1 { "1 byte came that makes".to_owned() } else { format!("{received} bytes came that make") };
    format!("{came} no reply: check baud rate, parity and device type.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_hint_whatever_became_of_the_device() {
        for kind in ErrorKind::ALL {
            for status in Status::ALL.map(Some).into_iter().chain([None]) {
                let hint = hint(&Failure::new(kind), status);
                assert!(hint.len() > 20 && hint.ends_with('.'), "{kind:?} {status:?}: {hint}");
            }
        }
    }

    #[test]
    fn bytes_that_came_point_to_the_line() {
        let failure = Failure::new(ErrorKind::ReplyTimeout).received(12);
        let text = hint(&failure, Some(Status::NoReply));
        assert_eq!(text, "12 bytes came that make no reply: check baud rate, parity and device type.");
    }
}
