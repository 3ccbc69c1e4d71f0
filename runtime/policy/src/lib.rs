//! Whether it may: a dataset's policy, and the decision over policy, manifest and request.
//!
//! **Invariant**: a decision reads these three alone. No I/O, clock, randomness or logging, and no patient's data, so
//! that its words may be verbose.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

mod check;
mod columns;
mod common;
mod complete;
mod decide;
mod grantable;
mod inference;
mod policy;
mod raw;

pub use common::{COMMON_NAMES, CommonName, From};
pub use complete::with_operator;
pub use decide::{Admitted, Decision, Request, countable, decide};
pub use policy::{Authors, InstalledRuntime, Isolation, Layer, Policy, PolicyError, Witness};
pub use raw::schema;
