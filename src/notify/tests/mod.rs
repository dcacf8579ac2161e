//! Tests of the whole way: what is said of a night, and what becomes of it when nobody listens.

mod messages;
mod sending;
mod world;
