//! Makes one component of a guest that calls the kernels and of the kernels themselves.
//!
//! What comes out imports `trocar:guest` alone and exports `map-patient`, as every other algorithm: a node sees one
//! component with one digest, and both parts take their handles of patients, volumes and masks from the same import,
//! so that the guest can hand its own to a kernel.

mod contract;
mod layout;
mod parts;

use contract::Prelude;
use layout::Layout;
use parts::Part;
use wasmparser::Parser;

/// C declarations of the contract and the kernels, for trocar.h.
pub const HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/trocar.h"));

/// What they need, for trocar.c.
pub const SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/trocar.c"));

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The bytes are not WebAssembly that this composes.
    #[error("not a component: {0}")]
    Invalid(String),
    /// The guest asks for what neither the contract nor the kernels have.
    #[error("the guest imports {0}, which neither the contract nor the kernels have")]
    Unknown(String),
    /// The guest is no algorithm.
    #[error("the guest does not export map-patient")]
    NoExport,
    /// The contract's own text cannot be encoded.
    #[error("the contract cannot be encoded: {0}")]
    Contract(String),
}

impl From<wasmparser::BinaryReaderError> for ComposeError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A component as it is; a core module, as a C compiler or the Rust SDK makes it, encoded as one.
///
/// # Errors
/// The module's imports or exports are not those of the contract and the kernels.
pub fn component(bytes: Vec<u8>) -> Result<Vec<u8>, ComposeError> {
    if Parser::is_core_wasm(&bytes) { contract::encode(bytes) } else { Ok(bytes) }
}

/// Composes `script`, a component that may import the kernels, with `kernels`, the component of sdk/kernels.
///
/// # Errors
/// One of them is not a component, or the script imports what there is not.
pub fn compose(script: &[u8], kernels: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let (guest, library) = (Part::read(script)?, Part::read(kernels)?);
    if !guest.exports_algorithm() {
        return Err(ComposeError::NoExport);
    }
    let prelude = Prelude::new(guest.imports_model())?;
    let mut layout = Layout::new(&prelude);
    layout.component(kernels).component(script);
    layout.instantiate_library(&library)?;
    layout.instantiate_guest(&guest)?;
    let whole = layout.finish();
    wasmparser::Validator::new().validate_all(&whole)?;
    Ok(whole)
}

#[cfg(test)]
mod tests;
