//! Recognises Telnet negotiation in what a gateway says.

/// Whether bytes open with a Telnet negotiation: WILL, WONT, DO or DONT.
pub(super) fn is_negotiation(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfb..=0xfe, ..])
}

/// The bytes without the negotiation in them; a doubled `FF` is a byte of the data.
pub(super) fn without_negotiation(bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return data,
            [0xff, 0xff, after @ ..] => {
                data.push(0xff);
                after
            }
            [0xff, 0xfa, after @ ..] => match after.windows(2).position(|pair| pair == [0xff, 0xf0]) {
                Some(end) => after.get(end + 2..).unwrap_or_default(),
                None => return data,
            },
            [0xff, 0xfb..=0xfe, after @ ..] => after.get(1..).unwrap_or_default(),
            [0xff, 0xf1..=0xf9, after @ ..] => after,
            [byte, after @ ..] => {
                data.push(*byte);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // protocols.md §2.3: GW-02, ser2net's `telnet(rfc2217)` greeting.
    const GREETING: &[u8] = b"\xff\xfb\x03\xff\xfd\x03\xff\xfb\x01\xff\xfe\x01\xff\xfd\x00\xff\xfb\x00\xff\xfd\x2c";

    #[test]
    fn a_greeting_is_negotiation_and_nothing_else() {
        assert!(is_negotiation(GREETING));
        assert_eq!(without_negotiation(GREETING), b"");
        assert_eq!(without_negotiation(&[GREETING, b"a 01 OK01x"].concat()), b"a 01 OK01x");
        assert_eq!(without_negotiation(b"A\xff\xffB\xff\xfa\x2c\x65\xff\xf0C\xff\xf1D\xff\xfd"), b"A\xffBCD");
        // DV-13: a Devantech board's lone FF is an answer.
        assert!(!is_negotiation(b"\xff"));
    }
}
