//! What devices, gateways and the machine do to a run: each fault ends in the right status, delivery and kind of error,
//! and none disturbs another device.

mod busy;
mod chain;
mod closing;
mod connecting;
mod failing_calls;
mod failing_fetch;
mod gateway_text;
mod handles;
mod history_file;
mod history_neighbours;
mod input;
mod killed;
mod killed_at_random;
mod names;
mod network;
mod noise;
mod open_files;
mod pair;
mod replies;
mod retry_safety;
mod signals;
mod silence;
mod stale;
mod stalled;
mod stalled_crowd;
mod transfer;
