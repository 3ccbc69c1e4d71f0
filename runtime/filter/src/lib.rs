//! The output filter: the only door out of a node. PRIVACY.md is its specification, and section 3 there numbers the
//! steps that the modules here follow.
//!
//! A patient's [`Untrusted`] contribution is opened here and nowhere else; a [`Released`] is made here and nowhere else.
//! What happens between the two is `draw::draw`, and `draw::draw_again` for each later round, so that no caller can change
//! the order of the steps.
//!
//! Exact results, of reviewed code alone, are a path of their own with types of their own (`exact`).
//!
//! Absent on purpose: minimum and maximum, any way from a [`Rehearsal`] to a [`Released`], I/O, a
//! clock, logging, and a generator of its own: the caller hands over the operating system's.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::float_cmp, reason = "a test may panic"))]

mod block;
mod clip;
mod contribution;
mod count;
mod course;
mod derived;
mod digits;
mod draw;
mod epsilon;
mod exact;
#[cfg(test)]
mod exhaustive;
mod expected;
mod figure;
mod gate;
mod integer;
mod interval;
mod noise;
mod plan;
mod quantile;
mod quantise;
mod rehearsal;
mod release;
mod sums;
mod variance;

pub use contribution::{Contribution, Untrusted};
pub use count::{Count, CountPlan};
pub use derived::{At, DerivedFigure, Part};
pub use epsilon::epsilon;
pub use exact::{
    CellEvidence, Checked, Evidence, Exact, ExactAdmission, ExactFigure, ExactFigures, ExactPatients,
    ExactPlan, ExactRehearsal, ExactReleased, ExactSums, Held, Members, OutputEvidence, Pseudonym,
    Refinement, SmallAtom, rehearse_exact, rules,
};
pub use expected::{Expected, ExpectedGate};
pub use figure::{Figure, Figures, Number, Patients};
pub use noise::{GaussianNoise, NoiseSource};
pub use plan::{Admission, Plan, Refusal};
pub use rehearsal::{PatientRow, Rehearsal, rehearse, rehearse_rounds};
pub use release::{Outcome, Released, Round, Step, Withheld, first_round, release};
pub use sums::{OtherPlan, Sums};
