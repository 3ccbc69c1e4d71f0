//! Synthetic cohorts for authors and tests: real DICOM files with lesions of known volume, a clinical table with a
//! known survival model, and the truth beside them. All of it follows from a seed.

/// Writing a cohort.
pub mod cohort;
/// Writing DICOM files.
pub mod dicom;
mod no_noise;
mod outcome;
mod patient;
mod phantom;

pub use no_noise::NoNoise;
