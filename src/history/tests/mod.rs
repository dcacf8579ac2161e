//! The history as a whole: what is recorded comes back, what was killed reads truthfully, and nothing wrong with the file
//! stops a run.

mod asking;
mod broken;
mod recording;
mod roster;
mod size;
