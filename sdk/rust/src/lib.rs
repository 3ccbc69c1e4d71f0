//! Write a Trocar algorithm: one pure function over one patient.
//!
//! ```
//! use trocar_guest::{Failure, Outputs, Params, Patient};
//!
//! /// How many patients are at least `age` years old.
//! #[trocar_guest::algorithm]
//! fn at_least(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
//!     let limit = params.integer("age")?;
//!     let age = trocar_guest::integer(&patient.column("age_years")?);
//!     Ok(Outputs::new().count(age.is_some_and(|age| age >= limit)))
//! }
//! # fn main() {}
//! ```
//!
//! The vectors of [`Outputs`] stand in the order of `[[outputs]]` in the manifest. Whatever ends the function early
//! (an error, a panic, no fuel left) makes the host use the default contribution, which counts nowhere.

mod histogram;
pub mod kernels;
pub mod logistic;
mod outputs;
mod params;
mod slabs;
mod windows;

pub use bindings::trocar::guest::{
    imaging::{Mask, Patient, Volume},
    model::{Tensor, infer},
    types::{Fault, Grid, SeriesInfo, Value},
};
pub use histogram::{Bins, Tally};
pub use outputs::{Failure, Outputs, finish};
pub use params::{Params, integer, real, text};
pub use slabs::{Slab, Slabs, Voxels};
pub use trocar_guest_macros::algorithm;
pub use windows::{Window, Windows};

/// What sdk/wit says, in Rust. The attribute [`algorithm`] uses it; an algorithm has no need to.
#[doc(hidden)]
#[allow(missing_docs, reason = "generated from sdk/wit, which documents them")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "algorithm",
        pub_export_macro: true,
        default_bindings_module: "::trocar_guest::bindings",
    });
}
