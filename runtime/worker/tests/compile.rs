//! What a hostile component can do to whoever compiles it: nothing but be refused.
#![allow(clippy::expect_used, reason = "the helpers of a test may panic as the test itself may")]

use std::path::PathBuf;
use trocar_terms::Modality;
use trocar_worker::{CompileError, Grant, Launcher, compile};

fn grant() -> Grant {
    let modalities = vec![Modality::CT];
    Grant { modalities, pixels: true, masks: vec![], attributes: vec![], columns: vec![], models: false }
}

fn refused(wasm: &[u8]) -> CompileError {
    let launcher = Launcher::new(PathBuf::from(env!("CARGO_BIN_EXE_trocar-worker")));
    compile(&launcher, wasm, &grant()).expect_err("a hostile component was compiled")
}

/// A component of one module, whose export has another type than an algorithm's.
fn component(module: &str) -> Vec<u8> {
    let wat = format!(
        r#"(component (core module $m {module} (func (export "f"))) (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f"))) (export "map-patient" (func $f)))"#
    );
    wat::parse_str(wat).expect("WAT")
}

#[test]
fn a_component_over_64_mebibytes_is_refused_before_it_is_read() {
    let error = refused(&vec![0; (64 << 20) + 1]);
    assert!(matches!(&error, CompileError::Invalid { why } if why.contains("64 MiB")), "{error}");
}

#[test]
fn a_component_whose_function_is_deep_or_has_too_many_locals_is_refused_and_breaks_nothing() {
    let deep = format!("(func {} {})", "block ".repeat(20_000), "end ".repeat(20_000));
    let wide = format!("(func {})", "(local i32) (local f32)".repeat(30_000));
    for module in [deep, wide] {
        let error = refused(&component(&module));
        assert!(matches!(error, CompileError::Invalid { .. } | CompileError::Died), "{error}");
    }
}
