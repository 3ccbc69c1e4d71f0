//! Runs ONNX models over f32 tensors. The only user of tract and of onnxruntime.
//!
//! A model's bytes are hostile. They are read here first, by a reader that allocates no more than they hold ([`ModelError`]
//! names what is refused), then analysed with fixed shapes, which gives the price of a run, and only then made ready to run:
//! all at once, so that nothing is opened, started or measured later ([`Model::load`] runs it once on zeros).
//!
//! **Boundary**: bytes and tensors in, tensors out. No path is opened but that of a library whose descriptor the caller holds.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

mod check;
#[cfg(feature = "tract")]
mod embedded;
mod error;
mod facts;
#[cfg(feature = "onnxruntime")]
mod installed;
mod model;
mod onnx;
mod operators;
mod wire;

#[cfg(test)]
mod tests;

pub use error::{InferError, ModelError};
pub use facts::{ModelFacts, Port};
pub use model::{Library, Model, Models, Runtime, Tensor};

/// The embedded runtime, as a bundle names it.
pub const EMBEDDED: &str = "tract-onnx 0.23.9";

/// Bytes that a model's file may have.
pub const MODEL_BYTES: usize = 256 << 20;
