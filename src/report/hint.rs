//! What an operator can try when a device failed: one or two plain sentences per kind of failure.
//!
//! The knowledge is that of the displays' and gateways' manuals and of people who run such fleets. What failed is said
//! by `Failure` itself; a hint only says what to do about it.

use std::borrow::Cow;

use crate::model::{Delivery, ErrorKind, Failure, Medium, Status};

/// What to try. `status` is what became of the device; `None` for an attempt that was followed by another. `delivery` says
/// whether its command was written, now or before: if not, it cannot have acted. `medium` is what lies between its address
/// and it: a board on the network has no serial cable to check.
pub fn hint(failure: &Failure, status: Option<Status>, delivery: Delivery, medium: Medium) -> Cow<'static, str> {
    let by_medium = |serial: &'static str, network: &'static str| match medium {
        Medium::Serial => serial,
        Medium::Network => network,
    };
    let text = match failure.kind {
        ErrorKind::Dns => "Check the spelling of the host name, and that this machine's DNS server knows it.",
        ErrorKind::ConnectionRefused => by_medium(
            "The host is up, but nothing listens on this port: check the port number, and that the gateway is in TCP server mode.",
            "The host is up, but nothing listens on this port: check the address and the port number, and that the device's TCP access is enabled.",
        ),
        ErrorKind::ConnectTimeout => by_medium(
            "Check power and network of the gateway, its address, and that no firewall drops the connection.",
            "Check power and network of the device, its address, and that no firewall drops the connection.",
        ),
        ErrorKind::Unreachable => by_medium(
            "Check this machine's network, routes and VPN to the gateway, and its address.",
            "Check this machine's network, routes and VPN to the device, and its address.",
        ),
        ErrorKind::GatewayBusy => {
            "Another program is connected to the gateway: close it, or restart the gateway if the connection is left over from one that died."
        }
        ErrorKind::ReplyTimeout | ErrorKind::Interrupted | ErrorKind::DeviceDeadline if failure.received > 0 => {
            return noise(failure.received, medium).into();
        }
        ErrorKind::ReplyTimeout => by_medium(
            "Check the serial cable (crossed, null-modem), that RS-232 control is enabled on the device, its set ID, and the command's terminator. In standby some devices answer nothing but power commands.",
            "Check that this is the device's command port, its device type and mode, and that no other program holds its connections: some boards serve one client at a time. `fleetctl doctor` asks it step by step.",
        ),
        ErrorKind::ConnectionClosed | ErrorKind::ConnectionReset => match status {
            Some(Status::Unreachable) => by_medium(
                "The gateway hung up before the command was written: it may serve another client, or limit who may connect.",
                "The device hung up before the command was written: it may serve another client, or limit who may connect.",
            ),
            None if delivery == Delivery::None => by_medium(
                "The gateway hung up before the command was written: another client may have taken the port over, or it restarted.",
                "The device hung up before the command was written: another client may have taken it over, or it restarted.",
            ),
            Some(_) if delivery == Delivery::None => by_medium(
                "The gateway hung up during the log-in, so the command was not written: another client may have taken the port over, or it restarted.",
                "The device hung up during the log-in, so the command was not written: another client may have taken it over, or it restarted.",
            ),
            Some(Status::BadReply) => by_medium(
                "The connection broke in the middle of the reply: check the network, the gateway's idle time, and whether another client took the port over. The device may have acted.",
                "The connection broke in the middle of the reply: check the network, and whether another client took the device over. The device may have acted.",
            ),
            _ => by_medium(
                "The gateway hung up without a reply: another client may have taken the port over, or it restarted. The device may have acted.",
                "The device hung up without a reply: another client may have taken it over, or it restarted. It may have acted.",
            ),
        },
        ErrorKind::MalformedReply => by_medium(
            "Something else answers on this port, or the device speaks another language: check device type, address, baud rate and parity.",
            "Something else answers on this port, or the device speaks another language: check device type, address, port and mode.",
        ),
        ErrorKind::ReplyTooLong => by_medium(
            "The line never stops talking: check baud rate and parity, that nothing else uses the serial line, and the device type.",
            "More came than any reply has: check address, port and device type.",
        ),
        ErrorKind::WrongChecksum => by_medium(
            "Bytes are damaged on the way: check baud rate, parity, cable and device type.",
            "The reply's checksum is wrong: check device type and mode, and that no other program uses the same connection.",
        ),
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
        ErrorKind::DeviceDeadline if status == Some(Status::Unreachable) => by_medium(
            "The connection took too long: check power and network of the gateway, or raise `device_deadline`.",
            "The connection took too long: check power and network of the device, or raise `device_deadline`.",
        ),
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

fn noise(received: u64, medium: Medium) -> String {
    let came =
        if received == 1 { "1 byte came that makes".to_owned() } else { format!("{received} bytes came that make") };
    let check = match medium {
        Medium::Serial => "baud rate, parity and device type",
        Medium::Network => "address, port, device type and mode",
    };
    format!("{came} no reply: check {check}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_hint_whatever_became_of_the_device() {
        for kind in ErrorKind::ALL {
            for status in Status::ALL.map(Some).into_iter().chain([None]) {
                for (_, medium) in Medium::WORDS {
                    let of = |delivery| hint(&Failure::new(kind), status, delivery, medium);
                    for hint in [of(Delivery::None), of(Delivery::Unknown)] {
                        assert!(hint.len() > 20 && hint.ends_with('.'), "{kind:?} {status:?} {medium:?}: {hint}");
                    }
                    // A run that stopped cuts a device only once its command was written; else it is skipped.
                    let hint = of(Delivery::None);
                    let may_act = hint.contains("may have acted");
                    assert!(
                        !may_act || kind == ErrorKind::Interrupted,
                        "nothing was written: {kind:?} {status:?} {hint}"
                    );
                }
            }
        }
    }

    #[test]
    fn bytes_that_came_point_to_the_line() {
        let failure = Failure::new(ErrorKind::ReplyTimeout).received(12);
        let text = hint(&failure, Some(Status::NoReply), Delivery::Unknown, Medium::Serial);
        assert_eq!(text, "12 bytes came that make no reply: check baud rate, parity and device type.");
    }

    #[test]
    fn a_board_on_the_network_is_never_told_to_check_a_serial_line() {
        for failure in ErrorKind::ALL.into_iter().flat_map(|kind| [Failure::new(kind), Failure::new(kind).received(3)])
        {
            for status in Status::ALL.map(Some).into_iter().chain([None]) {
                let hint = hint(&failure, status, Delivery::Unknown, Medium::Network);
                let of_a_line = ["baud", "parity", "cable", "RS-232", "set ID", "serial"];
                assert!(!of_a_line.iter().any(|word| hint.contains(word)), "{failure:?} {status:?}: {hint}");
            }
        }
    }
}
