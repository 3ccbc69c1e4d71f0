//! What is asked of a node, and by whom: manifests, packages and approvals are parsed, checked, brought to canonical
//! bytes, signed and verified here.
//!
//! No I/O, clock, randomness or logging: text and bytes go in, checked values come out.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

pub mod archive;
pub mod canonical;
pub mod dsse;
pub mod keys;
