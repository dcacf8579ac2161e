//! What users do, a file each: the real program against displays that remember what they were told.

mod actions;
mod broadcast;
mod canary;
mod daisy_chain;
mod doctor;
mod doctor_boards;
mod doctor_usage;
mod dry_run;
mod esc_cr;
mod example_fleets;
mod formats;
mod greeting;
mod hub;
mod hub_save;
mod lanes;
mod latency;
mod outputs;
mod page;
mod relays_devantech;
mod relays_login;
mod relays_mixed;
mod relays_ncd;
mod rerun;
mod ser2net;
mod simulated;
mod tv_operator;
