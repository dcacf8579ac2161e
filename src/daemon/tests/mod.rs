//! The loop in a machine whose clock, files and runs are the tests' own: `nights.rs` one thing at a time, `year.rs` a year
//! in which all of them happen.

mod nights;
mod year;
