//! One attempt at one device: from connecting to a judged reply.
//!
//! `connection.rs` is an open connection with its codec, `attempt.rs` the story of an attempt (connect, make the line
//! quiet, exchange), `exchange.rs` its heart (write, read, judge) and `ending.rs` what an attempt can end as. Nothing
//! here decides whether to try again, knows a lane, or prints.

mod attempt;
mod connection;
mod ending;
mod exchange;
mod intents;
mod login;
mod pacer;
mod saving;
mod stop;
mod transfer;
mod wait;

pub use attempt::{Attempt, Before, Progress, attempt, close};
pub use connection::Connection;
pub use ending::{Ending, Keep};
pub use intents::Intents;
pub use pacer::{Pacer, Turn};
pub use saving::FileWork;
pub use stop::Stop;
