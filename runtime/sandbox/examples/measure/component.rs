//! Components of whatever a guest is written in.

use std::error::Error;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const IMPORTS: &str = r#"
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open-mask" (func $open_mask (param i32 i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-s16" (func $read_s16 (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-f32" (func $read_f32 (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-bytes" (func $read_bytes (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]mask.read" (func $read_mask (param i32 i32 i32 i32)))
"#;

/// 0 strings, 64 where a method answers, 512 the outputs, 1024 the numbers, from 65536 on what the host hands over.
const SUPPORT: &str = r#"
  (memory (export "memory") 64)
  (global $free (mut i32) (i32.const 65536))
  (data (i32.const 0) "mask")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func $answer (param $n i32) (result i32)
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (local.get $n))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500))
"#;

/// WAT of a guest whose map has this body; `$patient` is the handle, `$i`, `$h` and `$x` are locals.
pub(crate) fn guest(body: &str) -> String {
    module(body, "")
}

/// The same, with more definitions in the module.
pub(crate) fn module(body: &str, more: &str) -> String {
    format!(
        r#"(module {IMPORTS} {SUPPORT} {more}
  (func (export "map-patient") (param $patient i32) (param i32 i32 i32 i32) (result i32)
    (local $i i32) (local $h i32) (local $x i64) (local $f f64) {body}))"#
    )
}

/// A component of a component, a core module of the contract's world, or WAT.
pub(crate) fn of(file: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let wasm = if file.starts_with(b"\0asm") { file.to_vec() } else { embedded(file)? };
    // The layer of a component's version says what it is.
    if wasm.get(6) == Some(&1) {
        return Ok(wasm);
    }
    Ok(ComponentEncoder::default().validate(true).module(&wasm)?.encode()?)
}

fn embedded(wat: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut module = wat::parse_bytes(wat)?.into_owned();
    if module.get(6) == Some(&1) {
        return Ok(module);
    }
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/wit");
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some("algorithm"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(module)
}
