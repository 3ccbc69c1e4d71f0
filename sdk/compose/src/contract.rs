//! The contract's imports, as the head of a component.

use crate::ComposeError;
use crate::parts::kind;
use std::ops::Range;
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{ComponentAlias, ComponentExternalKind, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{Resolve, WorldId, WorldItem};

const CONTRACT: &str = include_str!("../../wit/algorithm.wit");
const KERNELS: &str = include_str!("../../kernels/wit/kernels.wit");

/// Types, imports and aliases of a component that imports the whole contract: all that stands before its first module.
pub(crate) struct Prelude {
    bytes: Vec<u8>,
    sections: Vec<(u8, Range<usize>)>,
    /// Name, kind and index of each import.
    pub(crate) imports: Vec<(String, ComponentExternalKind, u32)>,
    /// How many instances there are.
    pub(crate) instances: u32,
}

impl Prelude {
    /// The interface `model` is imported only where the guest does so: a policy may not grant it.
    pub(crate) fn new(model: bool) -> Result<Self, ComposeError> {
        let bytes = whole(model).map_err(|error| ComposeError::Contract(format!("{error:#}")))?;
        let mut prelude = Self { bytes, sections: Vec::new(), imports: Vec::new(), instances: 0 };
        prelude.scan()?;
        Ok(prelude)
    }

    /// The sections, as they are.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.sections.iter().filter_map(|(id, range)| Some((*id, self.bytes.get(range.clone())?)))
    }

    fn scan(&mut self) -> Result<(), ComposeError> {
        let (bytes, mut types) = (std::mem::take(&mut self.bytes), 0_u32);
        for payload in Parser::new(0).parse_all(&bytes) {
            let payload = payload?;
            match &payload {
                Payload::Version { .. } => continue,
                Payload::ComponentTypeSection(section) => types = types.saturating_add(section.count()),
                Payload::ComponentAliasSection(section) => {
                    for alias in section.clone() {
                        let ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } = alias?
                        else {
                            return Err(ComposeError::Contract("an alias of another kind".into()));
                        };
                        types = types.saturating_add(1);
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section.clone() {
                        let import = import?;
                        self.import(import.name.full_name().into_owned(), kind(import.ty), &mut types)?;
                    }
                }
                _ => break,
            }
            self.keep(&payload)?;
        }
        self.bytes = bytes;
        Ok(())
    }

    fn import(
        &mut self,
        name: String,
        kind: ComponentExternalKind,
        types: &mut u32,
    ) -> Result<(), ComposeError> {
        let next = match kind {
            ComponentExternalKind::Instance => &mut self.instances,
            ComponentExternalKind::Type => types,
            _ => return Err(ComposeError::Contract("an import of another kind".into())),
        };
        self.imports.push((name, kind, *next));
        *next = next.saturating_add(1);
        Ok(())
    }

    fn keep(&mut self, payload: &Payload<'_>) -> Result<(), ComposeError> {
        let (id, range) = payload.as_section().ok_or_else(|| ComposeError::Contract("no section".into()))?;
        let at = |n: u64| usize::try_from(n).map_err(|e| ComposeError::Contract(e.to_string()));
        self.sections.push((id, at(range.start)?..at(range.end)?));
        Ok(())
    }
}

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A component that imports every function of the contract, and does nothing.
fn whole(model: bool) -> Outcome<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("algorithm.wit", CONTRACT)?;
    let world = resolve.select_world(&[package], Some("algorithm"))?;
    idle_component(&resolve, world, model)
}

/// A component of this world that does nothing.
pub(crate) fn idle_component(resolve: &Resolve, world: WorldId, model: bool) -> Outcome<Vec<u8>> {
    let mut module = idle(resolve, world, model).finish();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false)?;
    Ok(ComponentEncoder::default().module(&module)?.encode()?)
}

/// The contract and the kernels, and a world of the latter.
pub(crate) fn with_kernels(world: &str) -> Outcome<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    resolve.push_str("algorithm.wit", CONTRACT)?;
    let package = resolve.push_str("kernels.wit", KERNELS)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// Encodes a core module as a component. One that does not say what it is, as the Rust SDK's do, is taken for a guest
/// of the widest world: what it does not import, its component does not either.
pub(crate) fn encode(mut module: Vec<u8>) -> Result<Vec<u8>, ComposeError> {
    let done = (|| -> Outcome<Vec<u8>> {
        if !says_what_it_is(&module) {
            let (resolve, world) = with_kernels("script-with-models")?;
            embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
        }
        Ok(ComponentEncoder::default().validate(true).module(&module)?.encode()?)
    })();
    done.map_err(|error| ComposeError::Invalid(format!("{error:#}")))
}

/// Bindings write the types of imports and exports into a custom section of such a name.
fn says_what_it_is(module: &[u8]) -> bool {
    let mut payloads = Parser::new(0).parse_all(module).map_while(Result::ok);
    payloads.any(|p| matches!(p, Payload::CustomSection(s) if s.name().starts_with("component-type")))
}

/// Imports all functions of the world's interfaces, and exports what the world wants.
fn idle(resolve: &Resolve, world: WorldId, model: bool) -> Module {
    let mut idle = Idle::default();
    let Some(world) = resolve.worlds.get(world) else { return Module::new() };
    for (key, item) in &world.imports {
        let name = resolve.name_world_key(key);
        if let WorldItem::Interface { id, .. } = item
            && (model || !name.contains("/model@"))
        {
            for function in resolve.interfaces.get(*id).into_iter().flat_map(|i| i.functions.values()) {
                idle.import(
                    &name,
                    &function.name,
                    &resolve.wasm_signature(AbiVariant::GuestImport, function),
                );
            }
        }
    }
    for (key, item) in &world.exports {
        let name = resolve.name_world_key(key);
        if let WorldItem::Function(function) = item {
            idle.export(&name, &resolve.wasm_signature(AbiVariant::GuestExport, function));
        }
        if let WorldItem::Interface { id, .. } = item {
            for function in resolve.interfaces.get(*id).into_iter().flat_map(|i| i.functions.values()) {
                let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
                idle.export(&format!("{name}#{}", function.name), &signature);
            }
        }
    }
    idle.finish()
}

#[derive(Default)]
struct Idle {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
}

impl Idle {
    fn signature(&mut self, of: &WasmSignature) -> u32 {
        let core = |types: &[WasmType]| types.iter().map(|t| value(*t)).collect::<Vec<_>>();
        self.types.ty().function(core(&of.params), core(&of.results));
        self.types.len().saturating_sub(1)
    }

    fn import(&mut self, module: &str, name: &str, signature: &WasmSignature) {
        let ty = self.signature(signature);
        self.imports.import(module, name, wasm_encoder::EntityType::Function(ty));
    }

    fn function(&mut self, name: &str, ty: u32) {
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        self.functions.function(ty);
        self.code.function(&body);
        let index = self.imports.len().saturating_add(self.functions.len()).saturating_sub(1);
        self.exports.export(name, ExportKind::Func, index);
    }

    fn export(&mut self, name: &str, signature: &WasmSignature) {
        let ty = self.signature(signature);
        self.function(name, ty);
    }

    fn finish(mut self) -> Module {
        self.types.ty().function([ValType::I32; 4], [ValType::I32]);
        let realloc = self.types.len().saturating_sub(1);
        self.function("cabi_realloc", realloc);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 0,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        self.exports.export("memory", ExportKind::Memory, 0);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions).section(&memories);
        module.section(&self.exports).section(&self.code);
        module
    }
}

const fn value(ty: WasmType) -> ValType {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
    }
}
