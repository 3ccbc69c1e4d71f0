//! Guests in Python and C over the SDK's kernels: admitted, compiled and run as any other, and of one mind with those in Rust.

mod patient;

use crate::world::{guest, manifest};
use patient::Made;
use std::path::PathBuf;
use trocar_manifest::Manifest;
use trocar_sandbox::{Call, Grant, Runner, compile, run};
use trocar_terms::Value;
use wit_component::ComponentEncoder;

/// A guest that is compiled and linked under its manifest.
struct Guest {
    runner: Runner,
    grant: Grant,
    manifest: Manifest,
}

impl Guest {
    fn load(name: &str, component: &[u8]) -> Self {
        let path = manifest(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest = Manifest::parse(&path.display().to_string(), &text).unwrap();
        let grant = trocar_node::grant_of(&manifest);
        let code = compile(component, &grant).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { runner: Runner::load(&code).unwrap(), grant, manifest }
    }

    fn in_rust(name: &str) -> Self {
        let module = std::fs::read(guest(name)).unwrap();
        Self::load(name, &ComponentEncoder::default().module(&module).unwrap().encode().unwrap())
    }

    /// `None`, said on one line, where `cargo xtask` found no Python to build it with.
    fn composed(name: &str) -> Option<Self> {
        let path = beside(name);
        if path.is_file() {
            return Some(Self::load(name, &std::fs::read(&path).unwrap()));
        }
        println!("skipped: there is no {} (cargo xtask guest guest-examples/{name})", path.display());
        None
    }

    /// What it says of a patient, in words: JSON writes what is not a number as null.
    fn says(&self, patient: Made) -> String {
        let shape: Vec<usize> = self.manifest.outputs.iter().map(|output| output.kind.length()).collect();
        let params = [("body_threshold".to_owned(), Value::Integer(-300))];
        let limits = &self.manifest.limits;
        let (grant, models) = (&self.grant, std::sync::Arc::default());
        let call = Call { grant, limits, params: &params, state: &[], shape: &shape, models: &models };
        let made = run(&self.runner, Box::new(patient), &call).unwrap_or_else(|fault| panic!("{fault}"));
        serde_json::to_string(&made).unwrap()
    }
}

fn beside(name: &str) -> PathBuf {
    guest("ct-intensity").with_file_name(format!("{}.wasm", name.replace('-', "_")))
}

/// Of every patient the guest says what its twin in Rust says: those who lack what it looks at are among them.
#[track_caller]
fn agree(name: &str, rust: &str) {
    let Some(ours) = Guest::composed(name) else { return };
    let theirs = Guest::in_rust(rust);
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..6 {
        let (a, b) = (ours.says(Made::new(number)), theirs.says(Made::new(number)));
        assert_eq!(a, b, "{name} of patient {number}");
        seen.insert(a);
    }
    assert!(seen.len() >= 4, "these patients tell nothing apart: {seen:?}");
}

#[test]
fn a_guest_in_c_says_of_each_patient_what_the_one_in_rust_says() {
    agree("ct-intensity-c", "ct-intensity");
}

#[test]
fn a_guest_in_c_with_a_mask_says_of_each_patient_what_the_one_in_rust_says() {
    agree("pet-tumour-c", "pet-tumour");
}

#[test]
fn a_guest_in_c_gives_the_radiomics_of_each_patient_as_the_one_in_rust_does() {
    agree("radiomics-c", "radiomics");
}

#[test]
fn a_guest_in_python_says_of_each_patient_what_the_one_in_rust_says() {
    agree("ct-intensity-python", "ct-intensity");
}

#[test]
fn a_guest_in_python_with_a_mask_says_of_each_patient_what_the_one_in_rust_says() {
    agree("pet-tumour-python", "pet-tumour");
}
