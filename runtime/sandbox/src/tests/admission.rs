use super::{everything, guests, nothing};
use crate::{AdmitError, CompileError, Grant, Runner, admit, compile};

/// A guest that imports only what it uses, that is nothing.
fn plain(more: &str) -> Vec<u8> {
    let wat = guests::guest("(call $answer (i32.const 0))");
    let start = wat.find("(import").unwrap();
    let end = wat.find("(memory").unwrap();
    guests::component(&format!("{}{}{more}){}", &wat[..start], &wat[end..wat.len() - 1], ""))
}

fn refused(wasm: &[u8], grant: &Grant) -> String {
    match admit(wasm, grant) {
        Err(AdmitError::ImportRefused { name }) => name,
        other => panic!("{other:?}"),
    }
}

fn invalid(wasm: &[u8]) -> String {
    match admit(wasm, &everything()) {
        Err(AdmitError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_that_imports_nothing_is_admitted_under_an_empty_grant() {
    assert_eq!(admit(&plain(""), &nothing()), Ok(()));
}

#[test]
fn any_import_of_wasi_is_refused_by_name() {
    for name in
        ["wasi:cli/environment@0.2.0", "wasi:clocks/monotonic-clock@0.2.6", "wasi:random/random@0.2.0"]
    {
        let wasm = wat::parse_str(format!(r#"(component (import "{name}" (instance)))"#)).unwrap();
        assert_eq!(refused(&wasm, &everything()), name);
    }
}

#[test]
fn another_version_or_interface_of_the_package_is_refused() {
    for name in [
        "trocar:guest/imaging@0.1.2",
        "trocar:guest/imaging@0.2.0",
        "trocar:guest/imaging",
        "trocar:guest/logging@0.1.0",
        "imaging",
    ] {
        let wasm = wat::parse_str(format!(r#"(component (import "{name}" (instance)))"#)).unwrap();
        assert_eq!(refused(&wasm, &everything()), name);
    }
}

#[test]
fn an_import_of_model_is_refused_where_the_manifest_asks_for_none() {
    let wasm = guests::component(&guests::guest("(call $answer (i32.const 0))"));
    assert_eq!(refused(&wasm, &Grant { models: false, ..everything() }), "trocar:guest/model@0.1.1");
    assert_eq!(admit(&wasm, &everything()), Ok(()));
}

#[test]
fn what_is_not_a_component_that_exports_map_patient_is_invalid() {
    assert!(!invalid(b"").is_empty() && !invalid(b"\0asm").is_empty());
    assert!(!invalid(&plain("")[..200]).is_empty());
    assert_eq!(invalid(&wat::parse_str("(module)").unwrap()), "it is a core module");
    assert_eq!(invalid(&wat::parse_str("(component)").unwrap()), "it does not export map-patient");
}

#[test]
fn an_export_of_another_type_is_refused_when_compiled() {
    let wat = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "map-patient" (func $f)))"#;
    let wasm = wat::parse_str(wat).unwrap();
    assert_eq!(admit(&wasm, &nothing()), Ok(()));
    assert!(matches!(compile(&wasm, &nothing()), Err(CompileError::Engine(_))));
}

#[test]
fn proposals_that_no_guest_needs_are_off() {
    for (name, item) in [
        ("memory64", "(memory i64 1)"),
        ("threads", "(memory 1 1 shared)"),
        ("tail calls", "(func $t (return_call $t))"),
        (
            "relaxed SIMD",
            "(func (param v128 v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))",
        ),
        ("exceptions", "(tag $e)"),
        ("GC", "(type $s (struct (field i32)))"),
        ("function references", "(func (param (ref func)))"),
    ] {
        assert!(!invalid(&plain(item)).is_empty(), "{name}");
    }
}

#[test]
fn simd_bulk_memory_and_several_memories_are_on() {
    for item in [
        "(func (param v128) (drop (local.get 0)))",
        "(memory 1)",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
    ] {
        assert!(compile(&plain(item), &nothing()).is_ok(), "{item}");
    }
}

#[test]
fn machine_code_of_another_maker_is_refused() {
    let mut code = compile(&plain(""), &nothing()).unwrap();
    assert!(Runner::load(&code).is_ok());
    code.truncate(code.len() / 2);
    for bad in [&code[..], b"", b"\x7fELF"] {
        assert!(Runner::load(bad).is_err());
    }
}
