//! What surrounds a body on the wire: literal bytes, its length, checksums. `AA {len} {body} {sum8}`.
//!
//! One description works in both directions: forwards it makes a request, backwards it finds a reply and checks it, and
//! a simulated device cuts requests with it.

/// A part of a frame, in the order of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutPiece {
    /// These bytes.
    Literal(Box<[u8]>),
    /// The bytes of the body from the first place to before the second; to its end where there is no second.
    Body(usize, Option<usize>),
    /// The length of the body plus a constant, in one byte.
    Len(i64),
    /// The sum of all bytes before it, from this place of the frame on, in one byte.
    Sum8(usize),
    /// All bytes before it, from this place of the frame on, combined by exclusive or.
    Xor8(usize),
}

/// The parts of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pieces: Box<[LayoutPiece]>,
}

/// Why a frame cannot be made, or why parts make no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Some of the body would be missing, or there twice.
    #[error("`frame` must hold the whole `{{body}}` exactly once")]
    Body,
    /// Its end cannot be found in a stream.
    #[error("a reply's frame needs a `{{len}}` before its body, and must not split it")]
    Endless,
    /// A length does not fit into its byte.
    #[error("a body of {0} bytes does not fit into this frame")]
    TooLong(usize),
}

/// What a layout says about the beginning of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// It cannot be a frame.
    No,
    /// More bytes are needed.
    More,
    /// A whole frame of so many bytes; whether its checksums hold.
    Whole { len: usize, holds: bool },
}

/// What is to be done with the beginning of a stream of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is a whole request of so many bytes.
    Whole(usize),
    /// So many bytes belong to none.
    Drop(usize),
    /// More bytes are needed.
    More,
}

impl Default for Layout {
    /// The body alone.
    fn default() -> Self {
        Self { pieces: [LayoutPiece::Body(0, None)].into() }
    }
}

impl Layout {
    /// A layout of these parts.
    ///
    /// # Errors
    /// When they do not hold the whole body once.
    pub fn new(pieces: Vec<LayoutPiece>) -> Result<Self, LayoutError> {
        let mut next = Some(0);
        for piece in &pieces {
            if let LayoutPiece::Body(from, to) = piece {
                if next != Some(*from) {
                    return Err(LayoutError::Body);
                }
                next = *to;
                if to.is_none() {
                    next = None;
                }
            }
        }
        let ends = pieces.iter().filter(|piece| matches!(piece, LayoutPiece::Body(_, None))).count();
        if ends != 1 || next.is_some() {
            return Err(LayoutError::Body);
        }
        Ok(Self { pieces: pieces.into() })
    }

    /// Whether nothing surrounds the body.
    pub fn is_bare(&self) -> bool {
        matches!(&*self.pieces, [LayoutPiece::Body(0, None)])
    }

    /// The bytes after the body, when they are always the same.
    pub fn suffix(&self) -> Option<&[u8]> {
        match &*self.pieces {
            [.., LayoutPiece::Body(_, None), LayoutPiece::Literal(last)] => Some(last),
            _ => None,
        }
    }

    /// The bytes before the body, when they are always the same.
    pub fn prefix(&self) -> Option<&[u8]> {
        match &*self.pieces {
            [LayoutPiece::Literal(first), LayoutPiece::Body(0, None), ..] => Some(first),
            _ => None,
        }
    }

    /// Whether a frame says how long it is, so that its end can be found.
    pub fn has_length(&self) -> bool {
        self.check_readable().is_ok()
    }

    /// Makes a frame, part by part: `literal` gets the bytes around the body, `body` the places of the body's own.
    ///
    /// # Errors
    /// When a length does not fit into its byte.
    pub fn write(
        &self,
        body: &[u8],
        mut each: impl FnMut(&[u8], Option<std::ops::Range<usize>>),
    ) -> Result<(), LayoutError> {
        let mut frame: Vec<u8> = Vec::with_capacity(body.len() + 8);
        for piece in &self.pieces {
            let start = frame.len();
            let mut of_body = None;
            match piece {
                LayoutPiece::Literal(bytes) => frame.extend_from_slice(bytes),
                LayoutPiece::Body(from, to) => {
                    let range = *from..to.unwrap_or(body.len());
                    frame.extend_from_slice(body.get(range.clone()).ok_or(LayoutError::TooLong(body.len()))?);
                    of_body = Some(range);
                }
                LayoutPiece::Len(add) => {
                    let len = i64::try_from(body.len()).ok().and_then(|len| u8::try_from(len.checked_add(*add)?).ok());
                    frame.push(len.ok_or(LayoutError::TooLong(body.len()))?);
                }
                LayoutPiece::Sum8(from) => frame.push(sum8(frame.get(*from..).unwrap_or_default())),
                LayoutPiece::Xor8(from) => frame.push(xor8(frame.get(*from..).unwrap_or_default())),
            }
            each(frame.get(start..).unwrap_or_default(), of_body);
        }
        Ok(())
    }

    /// Whether a frame of this layout can be found in a stream.
    ///
    /// # Errors
    /// When it has no length before its body, or splits the body.
    pub fn check_readable(&self) -> Result<(), LayoutError> {
        let body = self.pieces.iter().position(|piece| matches!(piece, LayoutPiece::Body(0, None)));
        let len = self.pieces.iter().position(|piece| matches!(piece, LayoutPiece::Len(_)));
        match (len, body) {
            (Some(len), Some(body)) if len < body => Ok(()),
            _ => Err(LayoutError::Endless),
        }
    }

    /// What the beginning of `bytes` is.
    pub(super) fn fit(&self, bytes: &[u8]) -> Fit {
        let mut at = 0;
        let mut body_len = 0;
        let mut holds = true;
        for piece in &self.pieces {
            match piece {
                LayoutPiece::Literal(literal) => {
                    for expected in literal {
                        match bytes.get(at) {
                            Some(byte) if byte == expected => at += 1,
                            Some(_) => return Fit::No,
                            None => return Fit::More,
                        }
                    }
                }
                LayoutPiece::Body(..) => {
                    at += body_len;
                    if bytes.len() < at {
                        return Fit::More;
                    }
                }
                LayoutPiece::Len(_) | LayoutPiece::Sum8(_) | LayoutPiece::Xor8(_) => {
                    let Some(&byte) = bytes.get(at) else { return Fit::More };
                    let before = |from: usize| bytes.get(from..at).unwrap_or_default();
                    match piece {
                        LayoutPiece::Len(add) => match usize::try_from(i64::from(byte) - add) {
                            Ok(len) => body_len = len,
                            Err(_) => return Fit::No,
                        },
                        LayoutPiece::Sum8(from) => holds &= byte == sum8(before(*from)),
                        LayoutPiece::Xor8(from) => holds &= byte == xor8(before(*from)),
                        LayoutPiece::Literal(_) | LayoutPiece::Body(..) => {}
                    }
                    at += 1;
                }
            }
        }
        Fit::Whole { len: at, holds }
    }

    /// What a device makes of the beginning of what it received; what does not hold is dropped in silence.
    pub fn cut(&self, received: &[u8]) -> Cut {
        if received.is_empty() {
            return Cut::More;
        }
        match self.fit(received) {
            Fit::No => Cut::Drop(1),
            Fit::More => Cut::More,
            Fit::Whole { len, holds: true } => Cut::Whole(len),
            Fit::Whole { len, holds: false } => Cut::Drop(len),
        }
    }

    /// The body of a whole frame.
    pub fn body<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        let width = |piece: &LayoutPiece| match piece {
            LayoutPiece::Literal(bytes) => bytes.len(),
            LayoutPiece::Body(..) => 0,
            LayoutPiece::Len(_) | LayoutPiece::Sum8(_) | LayoutPiece::Xor8(_) => 1,
        };
        let mut around = self.pieces.split(|piece| matches!(piece, LayoutPiece::Body(..)));
        let before: usize = around.next().unwrap_or_default().iter().map(width).sum();
        let after: usize = around.next().unwrap_or_default().iter().map(width).sum();
        frame.len().checked_sub(after).and_then(|end| frame.get(before..end)).unwrap_or_default()
    }
}

fn sum8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

fn xor8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |all, byte| all ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(layout: &Layout, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        layout.write(body, |piece, _| bytes.extend_from_slice(piece)).unwrap();
        bytes
    }

    fn ncd() -> Layout {
        Layout::new(vec![
            LayoutPiece::Literal([0xaa].into()),
            LayoutPiece::Len(0),
            LayoutPiece::Body(0, None),
            LayoutPiece::Sum8(0),
        ])
        .unwrap()
    }

    #[test]
    fn a_frame_is_made_and_taken_apart_again() {
        // protocols.md NC-07; §8: Samsung leaves the first byte out of its sum and names the command before the length.
        let frame = made(&ncd(), &[0xfe, 0x6c, 0x01]);
        assert_eq!(frame, [0xaa, 0x03, 0xfe, 0x6c, 0x01, 0x18]);
        assert_eq!(ncd().fit(&frame), Fit::Whole { len: 6, holds: true });
        assert_eq!(ncd().body(&frame), [0xfe, 0x6c, 0x01]);
        assert_eq!(ncd().fit(&frame[..4]), Fit::More);
        assert_eq!(ncd().fit(&[0xaa, 1, 0x55, 1]), Fit::Whole { len: 4, holds: false });
        assert_eq!(ncd().fit(&[0xab]), Fit::No);
        let mdc = Layout::new(vec![
            LayoutPiece::Literal([0xaa].into()),
            LayoutPiece::Body(0, Some(1)),
            LayoutPiece::Literal([1].into()),
            LayoutPiece::Len(-1),
            LayoutPiece::Body(1, None),
            LayoutPiece::Sum8(1),
        ])
        .unwrap();
        assert_eq!(made(&mdc, &[0x11, 0x01]), [0xaa, 0x11, 0x01, 0x01, 0x01, 0x14]);
        let xor = Layout::new(vec![LayoutPiece::Len(4), LayoutPiece::Body(0, None), LayoutPiece::Xor8(0)]).unwrap();
        assert_eq!(made(&xor, &[0x18, 0x02]), [0x06, 0x18, 0x02, 0x1c]);
    }

    #[test]
    fn a_body_that_is_missing_split_or_too_long_is_refused() {
        let body = |from, to| LayoutPiece::Body(from, to);
        assert_eq!(Layout::new(vec![LayoutPiece::Len(0)]), Err(LayoutError::Body));
        assert_eq!(Layout::new(vec![body(0, None), body(0, None)]), Err(LayoutError::Body));
        assert_eq!(Layout::new(vec![body(0, Some(1))]), Err(LayoutError::Body));
        assert_eq!(Layout::new(vec![body(1, None)]), Err(LayoutError::Body));
        assert_eq!(Layout::default().check_readable(), Err(LayoutError::Endless));
        assert_eq!(ncd().write(&[0; 256], |_, _| ()), Err(LayoutError::TooLong(256)));
    }
}
