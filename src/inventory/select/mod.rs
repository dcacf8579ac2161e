//! The `--select` language: who is meant.
//!
//! `parse.rs` reads an expression, `matches.rs` finds the devices that it means and judges its terms, `nearest.rs` says
//! what may have been meant by one, `set.rs` is the set of device positions it computes with, `sample.rs` takes a random
//! part of a selection. Nothing here knows the command line; groups of the inventory are written in the same language.

mod matches;
mod nearest;
mod parse;
#[cfg(test)]
mod properties;
mod sample;
mod set;
#[cfg(test)]
mod tests;

pub use matches::{Selection, resolve};
pub use parse::{Selector, parse};
pub use sample::{SampleSize, sample};

pub(super) use parse::{Expression, Term};

use std::ops::Range;

/// A mistake in a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectError {
    /// The bytes of the expression that are wrong.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}
