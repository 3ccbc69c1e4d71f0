//! A guest that tries to leave its sandbox: memory, tables, stack, handles, lists, sizes, and components made to break the host.

use super::imports::packed;
use super::lab::{Lab, QUIET};
use super::row::Row;
use super::sandboxed::{Guest, component};
use super::tries;
use crate::world::{manifest, root};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use trocar_filter::{Contribution, Outcome, Sums, Untrusted, release};
use trocar_sandbox::{Grant, MapFault, admit, compile};

pub const GUEST: &str = "attack_escape";

/// The first voxel at which the guest makes its first attempt; the next makes the second, and so on.
const FIRST: i16 = 1991;

/// The words of the row's channel.
const CHANNEL: &str = "a guest, decoder or model runtime that escapes the sandbox";

fn text() -> String {
    std::fs::read_to_string(root().join("tests/guests").join(GUEST).join("guest.wat")).unwrap()
}

/// The attempts of the guest, in their order: each stands behind a comment inside `map-patient`.
fn attempts(text: &str) -> Vec<String> {
    let map = &text[text.find("(local.set $voxel").unwrap()..];
    map.lines().filter_map(|line| line.trim().strip_prefix(";; ")).map(str::to_owned).collect()
}

fn voxel(attempt: usize) -> i16 {
    FIRST + i16::try_from(attempt).unwrap()
}

/// What becomes of a job whose last patient has this voxel.
fn outcome(guest: &Guest, voxel: i16, seed: u64) -> Outcome {
    let plan = trocar_node::plan_of(&guest.manifest, 10, 500).unwrap();
    let mut sums = Sums::new(&plan);
    for _ in 0..49 {
        sums.add(Untrusted::new(Contribution(vec![vec![0.0]])));
    }
    match guest.map(&[voxel]) {
        Ok(contribution) => sums.add(contribution),
        Err(_) => sums.add_default(),
    }
    release(sums, &mut ChaCha20Rng::seed_from_u64(seed))
}

#[test]
fn no_attempt_to_leave_the_sandbox_reaches_anything_or_can_be_told() {
    let text = text();
    let attempts = attempts(&text);
    assert!(attempts.len() >= 43, "{attempts:?}");
    let guest = Guest::written(&text, GUEST);
    let quiet = guest.numbers(&[QUIET]);
    let mut reached = Vec::new();
    for (at, name) in attempts.iter().enumerate() {
        let answered = name.starts_with("a slab of");
        match guest.map(&[voxel(at)]) {
            Ok(_) if answered && guest.numbers(&[voxel(at)]) == quiet => {}
            Err(MapFault::Trap(_) | MapFault::Memory | MapFault::Fuel) if !answered => {}
            other => reached.push(format!("{name}: {:?}", other.map(drop))),
        }
        let seed = u64::try_from(at).unwrap();
        assert_eq!(outcome(&guest, voxel(at), seed), outcome(&guest, QUIET, seed), "{name} can be told");
        assert_eq!(guest.numbers(&[QUIET]), quiet, "{name} changed what the next patient gives");
    }
    let runs = in_processes(&text, attempts.len());
    Row {
        name: &format!("{CHANNEL}: inside the guest"),
        guest: GUEST,
        tries: "memory, tables and stack past their ends, forged, foreign and dropped handles, lists of 4 GiB, slabs outside",
        bound: "the default contribution; every other patient and every byte outside as if nothing was tried",
        measured: format!("{} of {} attempts reached something; {runs} whole runs are the same bytes", reached.len(), attempts.len()),
        noise_off: "the same: nothing here rests on noise",
        value: reached.len() as f64,
        unit: "attempts that reached something",
        bar: 0.0,
    }
    .holds();
    assert!(reached.is_empty(), "{reached:#?}");
}

/// Whole runs by real processes: three on every run, all for `cargo xtask attack`.
fn in_processes(text: &str, attempts: usize) -> usize {
    let manifest = std::fs::read_to_string(manifest(GUEST)).unwrap();
    let lab = Lab::packed(45, "7", |world| packed(world, &manifest, &component(text)));
    let quiet = lab.run(QUIET);
    assert_eq!(quiet.state(), "released", "the seed gives a closed gate, which would prove less");
    let step = if tries(0, 1) == 0 { attempts / 3 + 1 } else { 1 };
    let tried = (0..attempts).step_by(step);
    for at in tried.clone() {
        let loud = lab.run(voxel(at));
        assert!(loud == quiet, "attempt {at} can be told: {}", loud.first_difference(&quiet));
    }
    tried.count()
}

/// What a guest needs besides its attack.
const SUPPORT: &str = r#"
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-s16" (func $read (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func $answer (result i32)
    (i32.store (i32.const 512) (i32.const 520)) (i32.store (i32.const 516) (i32.const 1))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500))"#;
const REALLOC: &str =
    r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"#;
const MAP: &str = r#"(func (export "map-patient") (param $patient i32) (param i32 i32 i32 i32) (result i32)
    (call $open (local.get $patient) (i32.const 0) (i32.const 64))
    (call $read (i32.load (i32.const 68)) (i32.const 0) (i32.const 1) (i32.const 64))
    (call $answer))"#;

fn realloc(body: &str) -> String {
    format!(
        r#"(module {SUPPORT} (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {body}) {MAP})"#
    )
}

fn with(more: &str) -> String {
    format!("(module {SUPPORT} {REALLOC} {MAP} {more})")
}

/// Guests that are admitted, and end early for every patient.
fn broken() -> Vec<(&'static str, String)> {
    let tables = "(table 1 funcref)".repeat(99);
    vec![
        ("memory for an answer that lies beyond the end", realloc("(i32.const -16)")),
        ("memory for an answer at an odd place", realloc("(i32.const 1025)")),
        ("memory for an answer that is never given", realloc("(loop (br 0)) unreachable")),
        ("memory for an answer that traps", realloc("unreachable")),
        (
            "a call of the host while the host asks for memory",
            realloc("(call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 1024)"),
        ),
        (
            "recursion while the host asks for memory",
            realloc("(call $answer) drop (loop (br 0)) unreachable"),
        ),
        (
            "a trap after the return",
            with(r#"(func (export "cabi_post_map-patient") (param i32) unreachable)"#),
        ),
        (
            "a loop after the return",
            with(r#"(func (export "cabi_post_map-patient") (param i32) (loop (br 0)))"#),
        ),
        (
            "a call of the host after the return",
            with(
                r#"(func (export "cabi_post_map-patient") (param i32) (call $open (i32.const 0) (i32.const 0) (i32.const 64)))"#,
            ),
        ),
        ("a start that traps", with("(func $start unreachable) (start $start)")),
        ("a start that never ends", with("(func $start (loop (br 0))) (start $start)")),
        (
            "a start that calls the host",
            with("(func $start (call $open (i32.const 0) (i32.const 0) (i32.const 64))) (start $start)"),
        ),
        ("a table of ten million at the start", with("(table 10000000 funcref)")),
        ("many large tables at the start", with(&"(table 60000 funcref)".repeat(8))),
        ("ninety-nine tables beside those of the component", with(&tables)),
        ("data beyond memory at the start", with(r#"(data (i32.const 131070) "12345678")"#)),
        (
            "entries beyond a table at the start",
            with("(table $t 1 funcref) (func $f) (elem (table $t) (i32.const 1) func $f)"),
        ),
    ]
}

#[test]
fn a_guest_that_breaks_the_rules_of_the_interface_gives_nothing_and_breaks_nothing() {
    let quiet = Guest::written(&with(""), GUEST);
    let before = quiet.numbers(&[0]);
    assert_eq!(before, Contribution(vec![vec![0.0]]));
    let mut reached = Vec::new();
    let all = broken();
    for (name, wat) in &all {
        let guest = Guest::written(wat, GUEST);
        match guest.map(&[0]) {
            Err(_) => {}
            // More tables than a guest may have are refused; fewer are no attack.
            Ok(_) if name.starts_with("ninety-nine") => {}
            Ok(_) => reached.push(*name),
        }
        assert_eq!(quiet.numbers(&[0]), before, "{name} changed what another guest gives");
    }
    Row {
        name: &format!("{CHANNEL}: round the guest's functions"),
        guest: "written in WAT",
        tries: "answers beyond memory, calls of the host from within the host, traps and loops before and after the map",
        bound: "the default contribution; another guest in the same process gives what it gave",
        measured: format!("{} of {} guests reached something", reached.len(), all.len()),
        noise_off: "the same: nothing here rests on noise",
        value: reached.len() as f64,
        unit: "guests that reached something",
        bar: 0.0,
    }
    .holds();
    assert!(reached.is_empty(), "{reached:?}");
}

/// A section of a component's binary form.
fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id], &leb(body.len())[..], body].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7F).unwrap();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

/// The number at a place, and the place behind it.
fn read_leb(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[at];
        number |= usize::from(byte & 0x7F) << shift;
        (at, shift) = (at + 1, shift + 7);
        if byte & 0x80 == 0 {
            return (number, at);
        }
    }
}

/// Core modules that a component defines itself.
fn modules(component: &[u8]) -> usize {
    let (mut at, mut found) = (8, 0);
    while at < component.len() {
        let (length, body) = read_leb(component, at + 1);
        found += usize::from(component[at] == 1);
        at = body + length;
    }
    found
}

/// A component with so many more instances of one more module.
fn instances(component: &[u8], module: &str, count: usize) -> Vec<u8> {
    let one = [&[0][..], &leb(modules(component)), &[0]].concat();
    let all = [leb(count), one.repeat(count)].concat();
    [component, &section(1, &wat::parse_str(module).unwrap()), &section(2, &all)].concat()
}

/// Components inside components.
fn nested(depth: usize) -> Vec<u8> {
    let empty = b"\0asm\x0d\0\x01\0";
    (0..depth).fold(empty.to_vec(), |inner, _| [&empty[..], &section(4, &inner)].concat())
}

/// What a manifest like the guest's grants.
fn grant() -> Grant {
    trocar_node::grant_of(&Guest::manifest(&manifest(GUEST)))
}

/// A component in WAT that imports this, and exports a function of the right name.
fn importing(import: &str) -> Vec<u8> {
    let wat = format!(
        r#"(component {import}
        (core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f"))) (export "map-patient" (func $f)))"#
    );
    wat::parse_str(wat).unwrap()
}

/// Components that a node does not take.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let plain = component(&with(""));
    let imaging = r#"(import "trocar:guest/imaging@0.1.1" (instance"#;
    let long = "x".repeat(200_000);
    vec![
        (
            "a custom section of 100 MB",
            [&plain[..], &section(0, &[&[1, b'x'][..], &vec![0; 100_000_000]].concat())].concat(),
        ),
        ("a section that claims 4 GiB", [&plain[..], &[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]].concat()),
        ("a section that ends early", plain[..plain.len() - 1].to_vec()),
        ("2,000 components one in the other", nested(2_000)),
        ("a core module", wat::parse_str(with("")).unwrap()),
        ("an import by a name of 200,000 letters", importing(&format!(r#"(import "{long}" (func))"#))),
        (
            "a function in the place of an interface",
            importing(r#"(import "trocar:guest/imaging@0.1.1" (func))"#),
        ),
        (
            "a function that the interface does not have",
            importing(&format!(r#"{imaging} (export "exec" (func (param "command" string)))))"#)),
        ),
        (
            "a resource that the interface does not have",
            importing(&format!(r#"{imaging} (export "file" (type (sub resource)))))"#)),
        ),
        (
            "a function of another type",
            importing(
                r#"(import "trocar:guest/model@0.1.1" (instance (export "infer" (func (result u64)))))"#,
            ),
        ),
        ("a version that does not exist", importing(r#"(import "trocar:guest/types@0.1.7" (instance))"#)),
        ("an export of another type", importing("")),
        (
            "a memory that is shared",
            wat::parse_str(r#"(component (core module (memory 1 1 shared)))"#).unwrap(),
        ),
        ("a memory of 64 bits", wat::parse_str(r#"(component (core module (memory i64 1)))"#).unwrap()),
        (
            "a stack that is switched",
            b"\0asm\x0d\0\x01\0\x01\x0e\0asm\x01\0\0\0\x01\x04\x01\x5d\0\x00".to_vec(),
        ),
    ]
}

#[test]
fn a_component_that_is_made_to_break_the_host_is_refused() {
    let grant = grant();
    let all = hostile();
    let taken: Vec<_> =
        all.iter().filter(|(_, wasm)| compile(wasm, &grant).is_ok()).map(|(name, _)| name).collect();
    Row {
        name: &format!("{CHANNEL}: components"),
        guest: "made byte by byte",
        tries: "sections of 100 MB, components in components, imports by other names, types and versions, features that are off",
        bound: "each refused before it is loaded",
        measured: format!("{} of {} taken", taken.len(), all.len()),
        noise_off: "the same: nothing here rests on noise",
        value: taken.len() as f64,
        unit: "components taken",
        bar: 0.0,
    }
    .holds();
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn a_large_component_is_read_and_one_of_many_instances_gives_nothing() {
    let plain = component(&with(""));
    let large = [&plain[..], &section(0, &[&[1, b'x'][..], &vec![0; 30_000_000]].concat())].concat();
    assert_eq!(admit(&large, &grant()), Ok(()), "30 MB that nobody reads are no attack");
    let module = r#"(module (memory 0) (table 1 funcref))"#;
    let few = Guest::of_component(&instances(&plain, "(module)", 60), GUEST);
    assert!(few.map(&[0]).is_ok(), "sixty more instances are those of a script guest");
    for (module, count) in [("(module)", 200), (module, 20), ("(module)", 5_000)] {
        let wasm = instances(&plain, module, count);
        let many =
            compile(&wasm, &grant()).is_ok_and(|_| Guest::of_component(&wasm, GUEST).map(&[0]).is_ok());
        assert!(!many, "{count} more instances of {module} were made");
    }
}
