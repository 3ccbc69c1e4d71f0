//! Guests in the sandbox, without a process round each: for runs of thousands.

use crate::world::{guest, manifest, root};
use std::path::Path;
use std::sync::Arc;
use trocar_filter::{Contribution, Untrusted};
use trocar_manifest::Manifest;
use trocar_sandbox::{Call, Grant, MapFault, Runner, compile, run};
use trocar_terms::{Fault, Grid, Limits, Mask, Patient, SeriesInfo, Value, Volume};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A guest that is compiled and linked, with what its manifest asks for.
pub struct Guest {
    runner: Runner,
    grant: Grant,
    limits: Limits,
    pub manifest: Manifest,
}

impl Guest {
    /// A guest of tests/guests, as `cargo xtask guests` built it.
    pub fn built(name: &str) -> Self {
        let manifest = Self::manifest(&manifest(name));
        let module = std::fs::read(guest(name)).unwrap();
        let component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap();
        Self::of(&component, manifest)
    }

    /// A guest written in WAT, under the manifest of another that returns as much.
    pub fn written(wat: &str, manifest_of: &str) -> Self {
        Self::of_component(&component(wat), manifest_of)
    }

    /// A component, under the manifest of a guest.
    pub fn of_component(component: &[u8], manifest_of: &str) -> Self {
        Self::of(component, Self::manifest(&manifest(manifest_of)))
    }

    /// A manifest, read.
    pub fn manifest(path: &Path) -> Manifest {
        let text = std::fs::read_to_string(path).unwrap();
        Manifest::parse(&path.display().to_string(), &text).unwrap()
    }

    fn of(component: &[u8], manifest: Manifest) -> Self {
        let grant = trocar_node::grant_of(&manifest);
        let code = compile(component, &grant).expect("the guest compiles");
        Self {
            runner: Runner::load(&code).expect("the guest loads"),
            grant,
            limits: manifest.limits,
            manifest,
        }
    }

    /// The same guest with less fuel, so that an endless one ends soon.
    pub fn with_fuel(self, fuel: u64) -> Self {
        let limits = Limits::new(fuel, self.limits.memory_mib(), self.limits.seconds()).unwrap();
        Self { limits, ..self }
    }

    /// How many numbers each output has.
    pub fn shape(&self) -> Vec<usize> {
        self.manifest.outputs.iter().map(|output| output.kind.length()).collect()
    }

    /// Maps a patient whose first voxels are these, as a node's worker does: a fresh store and instance.
    pub fn map(&self, voxels: &[i16]) -> Result<Untrusted<Contribution>, MapFault> {
        self.map_in(voxels, &[])
    }

    /// As `map`, in a round after the first.
    pub fn map_in(&self, voxels: &[i16], state: &[f64]) -> Result<Untrusted<Contribution>, MapFault> {
        let shape = self.shape();
        let models = &std::sync::Arc::default();
        let call =
            Call { grant: &self.grant, limits: &self.limits, params: &[], state, shape: &shape, models };
        run(&self.runner, Box::new(Phantom::new(voxels)), &call)
    }

    /// What she gave, in numbers: the way that a worker's answer takes over its pipe. Nothing is the default.
    pub fn numbers(&self, voxels: &[i16]) -> Contribution {
        opened(self.map(voxels))
    }
}

/// Only the filter opens what a guest made; a test reads what its serde form says.
pub fn opened(mapped: Result<Untrusted<Contribution>, MapFault>) -> Contribution {
    mapped.map_or_else(
        |_| Contribution::default(),
        |shut| {
            let text = serde_json::to_string(&shut).unwrap();
            // JSON has no NaN: it is written as null, and is none of what these tests look at.
            serde_json::from_str(&text.replace("null", "0.0")).unwrap()
        },
    )
}

/// Makes a component of a core module in WAT.
pub fn component(wat: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("sdk/wit")).expect("sdk/wit");
    let mut module = wat::parse_str(wat).expect("WAT");
    let world = resolve.select_world(&[package], Some("algorithm")).expect("world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("embeds");
    ComponentEncoder::default().validate(true).module(&module).expect("module").encode().expect("encodes")
}

const GRID: Grid = Grid { columns: 8, rows: 8, slices: 4, spacing_mm: (40.0, 40.0, 20.0) };

/// A patient with one CT series of which a test says the first voxels.
struct Phantom(Arc<[i16]>);

impl Phantom {
    fn new(voxels: &[i16]) -> Self {
        let rest = std::iter::repeat(-1000);
        Self(voxels.iter().copied().chain(rest).take(256).collect())
    }
}

impl Patient for Phantom {
    fn column(&self, _: &str) -> Result<Value, Fault> {
        Ok(Value::Missing)
    }

    fn series(&self) -> Vec<SeriesInfo> {
        vec![SeriesInfo { modality: "CT".into(), unit: "[hnsf'U]".into(), grid: GRID, integral: true }]
    }

    fn attribute(&self, _: u32, _: &str) -> Result<Value, Fault> {
        Err(Fault::Absent)
    }

    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault> {
        if series == 0 { Ok(Arc::new(Voxels(self.0.clone()))) } else { Err(Fault::OutOfRange) }
    }

    fn open_cost(&self, _: u32) -> u64 {
        10_000
    }

    fn open_on(&self, _: u32, _: u32) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Absent)
    }

    fn open_mask(&self, _: u32, _: &str) -> Result<Arc<dyn Mask>, Fault> {
        Err(Fault::Absent)
    }

    fn open_mask_cost(&self, _: u32, _: &str) -> u64 {
        0
    }
}

struct Voxels(Arc<[i16]>);

impl Voxels {
    fn slab(&self, first: u32, count: u32) -> Result<&[i16], Fault> {
        let slice = |n: u32| n as usize * 64;
        let end = first.checked_add(count).ok_or(Fault::OutOfRange)?;
        self.0.get(slice(first)..slice(end)).ok_or(Fault::OutOfRange)
    }
}

impl Volume for Voxels {
    fn grid(&self) -> Grid {
        GRID
    }

    fn integral(&self) -> bool {
        true
    }

    fn opening_cost(&self) -> u64 {
        10_000
    }

    fn slab_cost(&self, _: u32, count: u32) -> u64 {
        u64::from(count) * 10_000
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        self.slab(first, count).map(Arc::from)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        Ok(self.slab(first, count)?.iter().map(|voxel| f32::from(*voxel)).collect())
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Ok(self)
    }
}
