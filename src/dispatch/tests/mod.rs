//! The engine on in-memory streams under a paused clock: what devices receive, when, and what is said of them.
//!
//! `world.rs` is the world around the engine (gateways that follow a script and keep a record); the tests are grouped by
//! what they show: `attempts.rs` retries and waits, `intents.rs` what is told before a command and what earlier runs mean,
//! `keeping.rs` which connections serve the next device, `lanes.rs` who shares what, `order.rs` who begins first,
//! `stops.rs` how runs end early, `pacing.rs` rate, circuits and batches, `failures.rs` too many failures, `passes.rs` what
//! comes back, `record.rs` what is known of one device, step by step, `reply_times.rs` how long replies took,
//! `reporters.rs` reporters that are behind, `telnet.rs` gateways that speak Telnet, `windows.rs` stops and deadlines at
//! every moment of an attempt, `transfers.rs` those of a file, `unwritten.rs` writes that come to nothing or stay a part,
//! all three over the wires of `wire.rs`, `warnings.rs` what the log says of this machine.

mod attempts;
mod checks;
mod failures;
mod intents;
mod keeping;
mod lanes;
mod order;
mod pacing;
mod passes;
mod record;
mod reply_times;
mod reporters;
mod stops;
mod telnet;
mod transfers;
mod unwritten;
mod warnings;
mod windows;
mod wire;
mod world;
