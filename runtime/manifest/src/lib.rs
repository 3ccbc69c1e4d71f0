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
pub mod cohort;
pub mod dsse;
pub mod key_history;
pub mod keys;
pub mod parameters;
pub mod reading;
pub mod text;

mod approval;
mod check;
mod declared;
mod derived;
mod fields;
mod manifest;
mod outputs;
mod package;
mod place;
mod raw;
mod signed;
mod statement;

pub use approval::{Approval, ApprovalError, Permit, countersign_approval, verify_approval};
pub use manifest::{
    Capabilities, Cohort, Manifest, ManifestError, Model, Privacy, with_component, with_models,
};
pub use package::{Package, PackageError, model_path};
pub use parameters::{Parameter, ParameterKind};
pub use place::Place;
pub use raw::schema;
pub use signed::{Decision, Review, SignedError, Verdict, verify_decision, verify_review};
