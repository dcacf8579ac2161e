//! What comes back in a vector, read by the codec until a frame is judged, without a socket and without a clock.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use crate::codec::{CodecError, Frame, FrameCodec, Framing};
use crate::device_type::conclude::WaitEnd;

/// How the wait for a frame ended.
pub(super) enum Waited<T> {
    /// One was judged; what came after it.
    Judged(T, Rest),
    /// None was, for this reason.
    Ended(WaitEnd, Rest),
}

/// What came and is no frame that was judged.
pub(super) struct Rest {
    pub(super) stream: BytesMut,
    codec: FrameCodec,
}

impl Rest {
    /// Whether it may be the beginning of a reply.
    pub(super) fn begun(&self, request: &[u8]) -> bool {
        self.codec.may_be_begun(&self.stream, request)
    }
}

/// Reads frames until `judge` takes one, or all segments have come and `then` happens.
pub(super) fn frames<T>(
    framing: &Arc<Framing>,
    segments: &[&[u8]],
    then: WaitEnd,
    judge: impl Fn(&Frame) -> Option<T>,
) -> Waited<T> {
    let mut codec = FrameCodec::new();
    codec.expect(framing);
    let mut stream = BytesMut::new();
    for place in 0..=segments.len() {
        let segment = segments.get(place);
        stream.extend_from_slice(segment.copied().unwrap_or_default());
        loop {
            let is_end = segment.is_none() && then == WaitEnd::Closed;
            let decoded = if is_end { codec.decode_eof(&mut stream) } else { codec.decode(&mut stream) };
            let end = match decoded {
                Ok(Some(frame)) => match judge(&frame) {
                    Some(judged) => {
                        for later in segments.iter().skip(place + 1) {
                            stream.extend_from_slice(later);
                        }
                        return Waited::Judged(judged, Rest { stream, codec });
                    }
                    None => continue,
                },
                Ok(None) => break,
                Err(CodecError::TooLong { .. }) => WaitEnd::TooLong,
                Err(CodecError::WrongChecksum { .. }) => WaitEnd::WrongChecksum,
                Err(CodecError::Io(_)) => WaitEnd::Reset,
            };
            return Waited::Ended(end, Rest { stream, codec });
        }
    }
    Waited::Ended(then, Rest { stream, codec })
}
