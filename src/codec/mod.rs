//! Bytes ↔ frames: where a reply begins and ends in what a socket gives, and where it does not.
//!
//! Incremental and bounded: the frames are the same however the stream is cut, and what is held has a named cap. Knows
//! no sockets and no device names; what a frame means is judged in `device_type`. A framing is a file in `framing/` and
//! a variant of [`Framing`].

mod certain;
mod engine;
mod first_end;
mod first_of;
mod frame;
mod framing;
mod layout;
mod lead;
mod memo;
mod one_end;
mod pattern;
mod serial_line;
mod telnet;

pub use first_of::FirstOf;
pub use frame::{CodecError, Frame, FrameCodec};
pub use framing::{EndFraming, Framing, FramingError, PatternFraming, TemplateFraming};
pub use layout::{Cut, Layout, LayoutError, LayoutPiece};
pub use lead::Lead;
pub use memo::Memo;
pub use pattern::{BytePattern, PatternError};
pub use serial_line::{LineState, Parity, SerialLine};
pub use telnet::{TelnetCodec, TelnetMode, encode as encode_telnet};
