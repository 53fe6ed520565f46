//! What the benches share.

pub(crate) mod fill;
pub(crate) mod people;
