//! Writes a seeded model and an input for it, for `tests/oracles/meshnet.py` and `cargo xtask bench sandbox`:
//! `onnx meshnet|unet SIDE FOLDER`.
#![allow(clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use trocar_testkit::onnx::{Numbers, meshnet, unet};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match write(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [kind, side, folder] = arguments else { return Err("onnx meshnet|unet SIDE FOLDER".into()) };
    let side: u32 = side.parse()?;
    let (model, axes) = match kind.as_str() {
        "meshnet" => (meshnet(side.into(), 1), 3),
        "unet" => (unet(side.into(), 32, 1), 2),
        other => return Err(format!("{other} is neither meshnet nor unet").into()),
    };
    std::fs::create_dir_all(folder)?;
    let input: Vec<u8> = Numbers(2).take((side as usize).pow(axes)).flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(format!("{folder}/model.onnx"), model)?;
    std::fs::write(format!("{folder}/input.f32"), input)?;
    Ok(())
}
