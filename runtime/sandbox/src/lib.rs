//! Runs an algorithm over one patient. The only user of wasmtime.
//!
//! A component is admitted by its bytes ([`admit`]), compiled ([`compile`]), loaded ([`Runner::load`]) and then run
//! ([`run`]), each time in a fresh store with a fresh guest instance. What comes out is `Untrusted`.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp
)]

mod admit;
mod engine;
mod grant;
mod host;
mod meter;
mod prices;
mod run;
#[cfg(test)]
mod tests;

pub use admit::{AdmitError, admit};
pub use engine::{CompileError, ENGINE, Runner, compile, engine_id};
pub use grant::Grant;
pub use run::{Call, MapFault, run};
pub use trocar_inference::Models;

#[allow(missing_docs, unreachable_pub, reason = "generated from sdk/wit, which documents them")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        world: "algorithm",
        with: {
            "trocar:guest/imaging.patient": crate::host::PatientHandle,
            "trocar:guest/imaging.volume": crate::host::VolumeHandle,
            "trocar:guest/imaging.mask": crate::host::MaskHandle,
        },
    });
}
