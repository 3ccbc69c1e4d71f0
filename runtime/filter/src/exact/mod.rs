//! The class `reviewed-code`: exact sums under the disclosure rules of PRIVACY.md section 6.
//!
//! What protects a patient here is that two people have read the code, that these rules hold, and that a third person
//! looks at each result before it leaves. **What it does not protect against**: the guest of PRIVACY.md section 1, which
//! returns 64 for every patient but one and 0 or 128 for her, passes the threshold, the dominance rule and the
//! p-ratio rule, and gives her bit away. Only noise stops that guest, and there is none here; its reviewers must. Nor do
//! the rules see what a result says together with knowledge from outside, or a difference between the cells of two
//! cohorts that differ by k patients or more: those cells are rounded, and that is all.
//!
//! The types are apart from those of `any-code` on purpose: an [`ExactSums`] is no [`crate::Sums`], and what comes of it is
//! [`Held`]. It becomes [`ExactReleased`] only with a [`Checked`], which the refined partition over all earlier exact
//! releases gives; and a bundle takes an `ExactReleased` only beside an output checker's signed decision. There is
//! no way from here to a [`crate::Released`]:
//! ```compile_fail,E0308
//! fn noise(sums: trocar_filter::ExactSums, rng: &mut impl rand::CryptoRng) -> trocar_filter::Outcome {
//!     trocar_filter::release(sums, rng)
//! }
//! ```
//! and none past the partition:
//! ```compile_fail,E0061
//! fn leak(held: trocar_filter::Held) -> trocar_filter::ExactReleased {
//!     held.released()
//! }
//! ```

mod evidence;
mod figure;
mod held;
mod members;
mod partition;
mod plan;
mod reading;
pub mod rules;
mod sums;
mod tally;

pub use evidence::{CellEvidence, Evidence, OutputEvidence};
pub use figure::{Exact, ExactFigure, ExactFigures, ExactPatients};
pub use held::{ExactRehearsal, ExactReleased, Held, rehearse_exact};
pub use members::{Members, Pseudonym};
pub use partition::{Checked, Refinement, SmallAtom};
pub use plan::{ExactAdmission, ExactPlan};
pub use sums::ExactSums;
