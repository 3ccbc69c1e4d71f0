use crate::ComposeError;
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload};

/// What an algorithm exports.
pub(crate) const ALGORITHM: &str = "map-patient";
const MODEL: &str = "trocar:guest/model@";

/// A name, and what stands behind it.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: ComponentExternalKind,
}

/// The outside of a component.
pub(crate) struct Part {
    pub(crate) imports: Vec<Item>,
    pub(crate) exports: Vec<Item>,
}

impl Part {
    /// Reads the outermost imports and exports.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ComposeError> {
        let mut part = Self { imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::Version { encoding, .. } => {
                    depth = depth.saturating_add(1);
                    if depth == 1 && *encoding != Encoding::Component {
                        return Err(ComposeError::Invalid("it is a core module".into()));
                    }
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth == 1 => part.note(&payload)?,
                _ => {}
            }
        }
        Ok(part)
    }

    fn note(&mut self, payload: &Payload<'_>) -> Result<(), ComposeError> {
        if let Payload::ComponentImportSection(section) = payload {
            for import in section.clone() {
                let import = import?;
                self.imports.push(Item { name: import.name.full_name().into_owned(), kind: kind(import.ty) });
            }
        }
        if let Payload::ComponentExportSection(section) = payload {
            for export in section.clone() {
                let export = export?;
                self.exports.push(Item { name: export.name.full_name().into_owned(), kind: export.kind });
            }
        }
        Ok(())
    }

    pub(crate) fn exports_algorithm(&self) -> bool {
        self.exports.iter().any(|e| e.name == ALGORITHM && e.kind == ComponentExternalKind::Func)
    }

    pub(crate) fn imports_model(&self) -> bool {
        self.imports.iter().any(|import| import.name.starts_with(MODEL))
    }
}

/// What an import brings in.
pub(crate) const fn kind(ty: ComponentTypeRef) -> ComponentExternalKind {
    match ty {
        ComponentTypeRef::Module(_) => ComponentExternalKind::Module,
        ComponentTypeRef::Func(_) => ComponentExternalKind::Func,
        ComponentTypeRef::Value(_) => ComponentExternalKind::Value,
        ComponentTypeRef::Type(_) => ComponentExternalKind::Type,
        ComponentTypeRef::Instance(_) => ComponentExternalKind::Instance,
        ComponentTypeRef::Component(_) => ComponentExternalKind::Component,
    }
}
