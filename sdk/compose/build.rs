//! Makes the C bindings of the guests' world. In a build script, as the generator's parts are then those that
//! `wit-bindgen` has built for this machine already.

use std::path::PathBuf;
use wit_bindgen_core::{Files, wit_parser::Resolve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sdk = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    let (contract, kernels) = (sdk.join("wit/algorithm.wit"), sdk.join("kernels/wit/kernels.wit"));
    println!("cargo::rerun-if-changed={}", contract.display());
    println!("cargo::rerun-if-changed={}", kernels.display());
    let mut resolve = Resolve::default();
    resolve.push_str("algorithm.wit", &std::fs::read_to_string(contract)?)?;
    let package = resolve.push_str("kernels.wit", &std::fs::read_to_string(kernels)?)?;
    let world = resolve.select_world(&[package], Some("script-with-models"))?;
    let options = wit_bindgen_c::Opts {
        no_object_file: true,
        rename_world: Some("trocar".to_owned()),
        ..wit_bindgen_c::Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    for (name, text) in files.iter() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
