use crate::Grant;
use wasmparser::{
    ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload, TypeBounds, Validator, WasmFeatures,
};

/// Why a component is not admitted. Depends on its bytes and the grant alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// It asks for something that its manifest does not grant.
    #[error("the component imports {name}, which its manifest does not grant")]
    ImportRefused {
        /// The import, as the component names it.
        name: String,
    },
    /// It is not a component that this host can run.
    #[error("not a component that this host runs: {0}")]
    Invalid(String),
}

/// The export that makes a component an algorithm.
const EXPORT: &str = "map-patient";
/// The interfaces of the contract, and its versions: 0.1.1 adds resampling, and takes nothing away.
const TYPES: &str = "trocar:guest/types";
const IMAGING: &str = "trocar:guest/imaging";
const MODEL: &str = "trocar:guest/model";
const VERSIONS: [&str; 2] = ["0.1.0", "0.1.1"];

/// WASM.md section 6: what guests of all languages need, and nothing more. Multi-memory stays on, since without it a
/// hostile component panics wasmtime's own adapters.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The largest component: a script runtime with its library takes some 40 MB, and reading takes memory for each byte.
const COMPONENT_BYTES: usize = 64 << 20;

/// Checks a component's bytes, without compiling them: valid under the strict feature set, imports within the grant,
/// `map-patient` exported.
///
/// # Errors
/// The first import outside the grant, or what makes it invalid.
pub fn admit(wasm: &[u8], grant: &Grant) -> Result<(), AdmitError> {
    if wasm.len() > COMPONENT_BYTES {
        return Err(AdmitError::Invalid("it is larger than 64 MiB".into()));
    }
    Validator::new_with_features(FEATURES).validate_all(wasm).map_err(invalid)?;
    let surface = surface(wasm)?;
    match surface.imports.into_iter().find(|name| !granted(name, grant)) {
        Some(name) => Err(AdmitError::ImportRefused { name }),
        None if !surface.exported => Err(AdmitError::Invalid(format!("it does not export {EXPORT}"))),
        None => Ok(()),
    }
}

fn invalid(error: wasmparser::BinaryReaderError) -> AdmitError {
    AdmitError::Invalid(error.to_string())
}

fn granted(name: &str, grant: &Grant) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let known = interface == TYPES || interface == IMAGING || (interface == MODEL && grant.models);
    known && VERSIONS.contains(&version)
}

/// What the outermost component imports, and whether it exports the algorithm.
struct Surface {
    imports: Vec<String>,
    exported: bool,
}

/// Imports of components further in are supplied by the outermost one, so they reach nothing that it does not.
fn surface(wasm: &[u8]) -> Result<Surface, AdmitError> {
    let mut found = Surface { imports: Vec::new(), exported: false };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        if let Payload::Version { encoding, .. } = &payload {
            depth = depth.saturating_add(1);
            if depth == 1 && *encoding != Encoding::Component {
                return Err(AdmitError::Invalid("it is a core module".into()));
            }
        }
        if depth == 1 {
            note(&payload, &mut found)?;
        }
        if matches!(payload, Payload::End(_)) {
            depth = depth.saturating_sub(1);
        }
    }
    Ok(found)
}

fn note(payload: &Payload<'_>, found: &mut Surface) -> Result<(), AdmitError> {
    if let Payload::ComponentImportSection(section) = payload {
        for import in section.clone() {
            let import = import.map_err(invalid)?;
            // A name for a type that is already known brings nothing in: `use types.{param}` of the world.
            if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                found.imports.push(import.name.full_name().into_owned());
            }
        }
    }
    if let Payload::ComponentExportSection(section) = payload {
        for export in section.clone() {
            let export = export.map_err(invalid)?;
            found.exported |= export.name.name == EXPORT && export.kind == ComponentExternalKind::Func;
        }
    }
    Ok(())
}
