//! Synthetic cohorts for authors and tests: real DICOM files with lesions of known volume, a clinical table with a
//! known survival model, and the truth beside them. All of it follows from a seed.
//!
//! The survival model: a patient's time to event is exponential with the hazard a day
//! `1 / 2000 * exp(0.25 * (age - 60) / 10 + 0.35 * ln(1 + lesion volume in mL))`, censored at a follow-up that is
//! uniform between one and five years. `truth.csv` has each patient's hazard, `model.csv` the hazard ratios.

mod codec;
/// Writing a cohort.
pub mod cohort;
mod contour;
mod device;
/// Writing DICOM files.
pub mod dicom;
mod fault;
mod grid;
mod image;
/// Files that are wrong in many ways, for whoever reads hostile ones.
pub mod mutant;
mod no_noise;
/// Writing ONNX models.
pub mod onnx;
mod outcome;
mod patient;
mod phantom;
mod seed;
mod segmentation;
mod series;
mod structure;
mod syntax;
mod tables;
mod weak_noise;

pub use fault::Fault;
pub use grid::Size;
pub use no_noise::NoNoise;
pub use syntax::Syntax;
pub use tables::Table;
pub use weak_noise::WeakNoise;
