//! Somebody is told of a run: real mail and web servers, what they got, and what stands in no message.
//!
//! `telling.rs` gives a recorded night to the library, as whoever runs schedules does; the rest runs the program.

mod hostile;
mod mail;
mod nights;
mod programs;
mod relay_owner;
mod telling;
mod test_command;
mod web;
