//! Starts the program and returns its exit status; everything else is in the library.

fn main() {}
