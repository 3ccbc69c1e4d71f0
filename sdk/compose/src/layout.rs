use crate::ComposeError;
use crate::contract::Prelude;
use crate::parts::{ALGORITHM, Part};
use std::collections::BTreeMap;
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentInstanceSection, ComponentSectionId, RawSection,
};
use wasmparser::ComponentExternalKind;

/// A component in the making, and what has a name in it.
pub(crate) struct Layout {
    component: Component,
    known: BTreeMap<String, (ComponentExportKind, u32)>,
    instances: u32,
}

/// Indices of the nested components, in the order of [`Layout::component`].
const LIBRARY: u32 = 0;
const GUEST: u32 = 1;

impl Layout {
    pub(crate) fn new(prelude: &Prelude) -> Self {
        let mut component = Component::new();
        for (id, data) in prelude.sections() {
            component.section(&RawSection { id, data });
        }
        let known =
            prelude.imports.iter().filter_map(|(name, kind, at)| Some((name.clone(), (export(*kind)?, *at))));
        Self { component, known: known.collect(), instances: prelude.instances }
    }

    /// Takes a component in, as it is.
    pub(crate) fn component(&mut self, bytes: &[u8]) -> &mut Self {
        self.component.section(&RawSection { id: ComponentSectionId::Component.into(), data: bytes });
        self
    }

    /// Makes the kernels' instance; from then on its interfaces are known.
    pub(crate) fn instantiate_library(&mut self, library: &Part) -> Result<(), ComposeError> {
        let instance = self.instantiate(LIBRARY, library)?;
        let mut aliases = ComponentAliasSection::new();
        for export in library.exports.iter().filter(|e| e.kind == ComponentExternalKind::Instance) {
            let kind = ComponentExportKind::Instance;
            aliases.alias(Alias::InstanceExport { instance, kind, name: &export.name });
            self.known.insert(export.name.clone(), (kind, self.instances));
            self.instances = self.instances.saturating_add(1);
        }
        self.component.section(&aliases);
        Ok(())
    }

    /// Makes the guest's instance and hands its algorithm out.
    pub(crate) fn instantiate_guest(&mut self, guest: &Part) -> Result<(), ComposeError> {
        let instance = self.instantiate(GUEST, guest)?;
        let (mut aliases, mut exports) = (ComponentAliasSection::new(), ComponentExportSection::new());
        let kind = ComponentExportKind::Func;
        aliases.alias(Alias::InstanceExport { instance, kind, name: ALGORITHM });
        // The contract has interfaces, and no functions outside them: this is the first.
        exports.export(ALGORITHM, kind, 0, None);
        self.component.section(&aliases).section(&exports);
        Ok(())
    }

    fn instantiate(&mut self, component: u32, part: &Part) -> Result<u32, ComposeError> {
        let mut given = Vec::new();
        for import in &part.imports {
            let unknown = || ComposeError::Unknown(import.name.clone());
            let (kind, at) = self.known.get(&import.name).ok_or_else(unknown)?;
            given.push((import.name.as_str(), *kind, *at));
        }
        let mut section = ComponentInstanceSection::new();
        section.instantiate(component, given);
        self.component.section(&section);
        let instance = self.instances;
        self.instances = self.instances.saturating_add(1);
        Ok(instance)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.component.finish()
    }
}

/// The contract has these two kinds alone.
const fn export(kind: ComponentExternalKind) -> Option<ComponentExportKind> {
    match kind {
        ComponentExternalKind::Instance => Some(ComponentExportKind::Instance),
        ComponentExternalKind::Type => Some(ComponentExportKind::Type),
        _ => None,
    }
}
