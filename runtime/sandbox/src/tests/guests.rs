use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

const IMPORTS: &str = r#"
  (import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.series" (func $series (param i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.attribute" (func $attribute (param i32 i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open-mask" (func $open_mask (param i32 i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]mask.read" (func $read_mask (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[resource-drop]mask" (func $drop_mask (param i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.grid" (func $grid (param i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-s16" (func $read_s16 (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-f32" (func $read_f32 (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-bytes" (func $read_bytes (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open-on" (func $open_on (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.resample" (func $resample (param i32 i32 i32 i32 f64 f64 f64 i32)))
  (import "trocar:guest/model@0.1.1" "infer" (func $infer (param i32 i32 i32 i32 i32)))
"#;

/// Memory of a test guest: 0 strings, 64 where a method answers, 512 the list of outputs, 1024 the numbers, from 8192
/// on what the host hands over.
const SUPPORT: &str = r#"
  (memory (export "memory") 80)
  (global $free (mut i32) (i32.const 8192))
  (data (i32.const 0) "age_yearssexabsentsecretManufacturerliverPatientID")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  ;; Answers one output with `n` numbers from 1024 on.
  (func $answer (param $n i32) (result i32)
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (local.get $n))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500))
  (func $put (param $i i32) (param $x f64)
    (f64.store (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 8))) (local.get $x)))
"#;

/// A core module whose `map-patient` has this body. Parameters: `$patient`, `$params`, `$params_len`, `$state`,
/// `$state_len`; locals: `$i`, `$h`.
pub(super) fn module(body: &str, more: &str) -> String {
    format!(
        r#"(module {IMPORTS} {SUPPORT} {more}
  (func (export "map-patient") (param $patient i32) (param $params i32) (param $params_len i32)
    (param $state i32) (param $state_len i32) (result i32) (local $i i32) (local $h i32)
    {body}))"#
    )
}

/// The guest with this body.
pub(super) fn guest(body: &str) -> String {
    module(body, "")
}

/// Encodes a core module as a component of the contract's world.
pub(super) fn component(wat: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir("../../sdk/wit").expect("sdk/wit");
    encoded(wat, resolve, package)
}

/// As [`component`], of the contract's version 0.1.0, which had no resampling.
pub(super) fn component_of_0_1_0(wat: &str) -> Vec<u8> {
    let text = std::fs::read_to_string("../../sdk/wit/algorithm.wit").expect("sdk/wit");
    let older = |line: &&str| !line.contains("resample: func") && !line.contains("open-on: func");
    let text = text.lines().filter(older).collect::<Vec<_>>().join("\n").replace("@0.1.1", "@0.1.0");
    let mut resolve = Resolve::default();
    let package = resolve.push_str("algorithm.wit", &text).expect("the older contract");
    let wat = wat.lines().filter(|l| !l.contains("resample") && !l.contains("open-on"));
    encoded(&wat.collect::<Vec<_>>().join("\n").replace("@0.1.1", "@0.1.0"), resolve, package)
}

fn encoded(wat: &str, resolve: Resolve, package: PackageId) -> Vec<u8> {
    let mut module = wat::parse_str(wat).expect("WAT");
    let world = resolve.select_world(&[package], Some("algorithm")).expect("world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("embeds");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(false).module(&module).expect("module");
    encoder.encode().expect("encodes")
}
