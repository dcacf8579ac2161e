//! The black-box suite: runs the real program against displays that write down what they received.
//!
//! One binary, so that it links once. `support` plays the devices and runs the program, `stories` are what users do,
//! `faults` what devices and the machine do to us, `contract` what scripts rely on. Expectations come from the product's
//! contract, never from the code; a test asks the device what it saw, because an "ok" in a report proves little.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod contract;
mod faults;
mod notify;
mod stories;
mod support;
