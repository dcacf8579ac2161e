//! The one seam to the network: how a connection to a gateway is opened, and what a stream must be able to do.
//!
//! Everything after `Connect::connect` is generic over the stream, so that the engine runs unchanged over TCP, over
//! in-memory streams under a paused clock, and against a simulated fleet. Nothing else in the program opens sockets to
//! devices.

mod connect;
mod open_files;
mod resolve;
mod tcp;
mod tcp_line;
mod telnet;

pub use connect::{Connect, ConnectError, DeviceStream, LastLook};
pub use open_files::{Fit, OpenFiles, own_file_table, raise_open_files, reserve_files};
pub use resolve::Resolver;
pub use tcp::TcpConnect;
pub(crate) use tcp::connect_to;
pub use tcp_line::TcpLine;
pub use telnet::Telnet;
