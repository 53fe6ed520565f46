//! What the benches share; each of them uses its part.

#![allow(dead_code)]

pub(crate) mod fill;
pub(crate) mod firm;
pub(crate) mod people;
pub(crate) mod rows;
