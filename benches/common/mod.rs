//! What the benches share.

pub mod fill;
pub mod people;
