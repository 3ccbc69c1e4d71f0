//! Guests that make a unit of fuel take as long as they can. What a unit may take is what `seconds` of a manifest stand on.

use crate::{Options, Outcome, clock, component, line, loaded, map, volume};
use trocar_sandbox::MapFault;

/// Units that are enough to fill the memory of any guest here.
const SETUP: u64 = 700_000_000;
/// Units on top, whose time is measured.
const MEASURED: u64 = 200_000_000;
/// MiB of a guest that has memory above the bound from which a unit may take twice as long.
const LARGE: u32 = 256;
/// Times that an operation stands in the loop, so that the loop itself costs little.
const UNROLLED: usize = 32;

/// A guest that repeats something until its fuel is used up.
struct Case {
    name: &'static str,
    /// Definitions of the module.
    more: &'static str,
    setup: &'static str,
    /// What is repeated.
    body: String,
}

/// An operation on `$x` (64 bits) or `$f` (a double), each waiting for the one before.
fn chain(name: &'static str, operation: &str) -> Case {
    Case {
        name,
        more: "",
        setup: "(local.set $x (i64.const 77)) (local.set $f (f64.const 1.5))",
        body: operation.repeat(UNROLLED),
    }
}

fn with(name: &'static str, more: &'static str, body: &str) -> Case {
    Case { name, more, setup: "", body: body.repeat(UNROLLED) }
}

/// All of a memory is written first, so that it is there.
const FILLED_32: &str = "(drop (memory.grow (i32.const 512)))
    (memory.fill (i32.const 4194304) (i32.const 0) (i32.const 33554432))";
const FILLED: &str = "(drop (memory.grow (i32.const 4096)))
    (memory.fill (i32.const 4194304) (i32.const 0) (i32.const 268435456))";

/// A place in it, on another line each time, by a generator of full period.
const NEXT: &str =
    "(local.set $i (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)))";

fn cases() -> Vec<Case> {
    let at = "(i32.add (i32.const 4194304) (i32.and (local.get $i) (i32.const 0xfffffc0)))";
    let near = "(i32.add (i32.const 4194304) (i32.and (local.get $i) (i32.const 0x1ffffc0)))";
    let [dependent, nearer] =
        [at, near].map(|at| format!("{NEXT} (local.set $i (i32.add (local.get $i) (i32.load {at})))"));
    let store = format!("{NEXT} (i32.store {at} (local.get $i))");
    let branch =
        format!("{NEXT} (if (i32.lt_s (local.get $i) (i32.const 0)) (then (local.set $h (local.get $i))))");
    let large = |name, body: &str| Case { name, more: "", setup: FILLED, body: body.repeat(UNROLLED) };
    let table = "(table $t 150000 funcref) (elem (table $t) (i32.const 0) func $none) (func $none)
        (table $u 150 funcref)";
    let entry = format!("{NEXT} (drop (table.get $t (i32.rem_u (local.get $i) (i32.const 150000))))");
    let slab = |kind: &str, count: u32| {
        format!(
            "(global.set $free (i32.const 65536))
             (call $read_{kind} (i32.load (i32.const 68)) (i32.const 0) (i32.const {count}) (i32.const 80))"
        )
    };
    let open = "(call $open (local.get $patient) (i32.const 0) (i32.const 64))";
    let host = |name, body: String| Case { name, more: "", setup: open, body };
    vec![
        chain("multiplications in a chain", "(local.set $x (i64.mul (local.get $x) (local.get $x)))"),
        chain(
            "divisions in a chain",
            "(local.set $x (i64.div_u (i64.const -3) (i64.or (local.get $x) (i64.const 1))))",
        ),
        chain("real additions in a chain", "(local.set $f (f64.add (local.get $f) (local.get $f)))"),
        chain("real divisions in a chain", "(local.set $f (f64.div (f64.const 3.7) (local.get $f)))"),
        chain("square roots in a chain", "(local.set $f (f64.sqrt (local.get $f)))"),
        chain("minima in a chain", "(local.set $f (f64.min (local.get $f) (f64.const 1e9)))"),
        chain(
            "truncations in a chain",
            "(local.set $f (f64.convert_i64_u (i64.trunc_f64_u (local.get $f))))",
        ),
        Case {
            name: "loads that miss every cache, in 32 MiB",
            more: "",
            setup: FILLED_32,
            body: nearer.repeat(UNROLLED),
        },
        large("loads that miss every cache, in 256 MiB (twice the time)", &dependent),
        large("stores that miss every cache", &store),
        large(
            "memory.fill of 128 MiB",
            "(memory.fill (i32.const 4194304) (i32.const 1) (i32.const 134217728))",
        ),
        large(
            "memory.copy of 128 MiB",
            "(memory.copy (i32.const 4194304) (i32.const 138412032) (i32.const 134217728))",
        ),
        with("memory.fill of a byte", "", "(memory.fill (local.get $i) (i32.const 0) (local.get $h))"),
        with("memory.copy of a byte", "", "(memory.copy (local.get $i) (i32.const 64) (local.get $h))"),
        with("memory.grow by nothing", "", "(drop (memory.grow (local.get $i)))"),
        with("branches that are not foreseen", "", &branch),
        with("calls", "(func $none (param i32))", "(call $none (local.get $i))"),
        with("entries of tables", table, &entry),
        with("table.fill", table, "(table.fill $t (i32.const 0) (ref.func $none) (i32.const 150000))"),
        with("table.copy", table, "(table.copy $t $t (i32.const 0) (i32.const 75000) (i32.const 75000))"),
        with("table.grow by nothing", table, "(drop (table.grow $u (ref.null func) (local.get $i)))"),
        with("calls through a table", table, "(call_indirect $t (local.get $i))"),
        with(
            "globals",
            "(global $g (mut i64) (i64.const 1))",
            "(global.set $g (i64.add (global.get $g) (i64.const 1)))",
        ),
        host(
            "host calls that ask for nothing",
            "(call $column (local.get $patient) (i32.const 0) (i32.const 0) (i32.const 80))".repeat(UNROLLED),
        ),
        host("slabs of 16 bits", slab("s16", 4)),
        host("slabs of reals", slab("f32", 2)),
        host("slabs of bytes", slab("bytes", 4)),
        host("slabs of a slice", slab("s16", 1)),
    ]
}

pub(crate) fn measure() -> Outcome<()> {
    let scanned = volume::Scanned::made(false);
    for Case { name, more, setup, body } in cases() {
        let body = format!("{setup} (loop $again {body} (br $again)) unreachable");
        let runner = loaded(component::module(&body, more).as_bytes())?;
        let time = |fuel| -> Outcome<f64> {
            let options = Options { fuel, memory_mib: LARGE + 8, ..Options::default() };
            let begun = clock::now()?;
            let ended = map(&runner, &scanned, &options);
            if !matches!(ended, Err(MapFault::Fuel)) {
                return Err(format!("{name}: {:?}", ended.map(drop)).into());
            }
            Ok((clock::now()? - begun) as f64)
        };
        let before = time(SETUP)?;
        line(&format!("fuel, {name}"), (time(SETUP + MEASURED)? - before) / MEASURED as f64);
    }
    Ok(())
}
