use super::{
    everything,
    guests::{guest, module},
    limits, load, map, once,
    patient::{OPEN, OPENING, SLICE},
};
use crate::MapFault;
use trocar_terms::Limits;

#[test]
fn numbers_come_back_as_the_guest_returned_them() {
    let wat = guest(
        "(call $put (i32.const 0) (f64.const 1.5)) (call $put (i32.const 1) (f64.const -2)) (call $answer (i32.const 2))",
    );
    assert_eq!(once(&wat, &[2]).unwrap(), [[1.5, -2.0]]);
}

#[test]
fn a_nan_is_handed_on_to_the_filter() {
    let wat = guest("(call $put (i32.const 0) (f64.const nan:0x4000000001234)) (call $answer (i32.const 1))");
    assert!(once(&wat, &[1]).unwrap()[0][0].is_nan());
}

#[test]
fn parameters_and_state_reach_the_guest_in_order() {
    // A param is a name (8 bytes), a tag and its value at 16; 24 bytes in all.
    let wat = guest(
        "(call $put (i32.const 0) (f64.convert_i64_s (i64.load offset=16 (local.get $params))))
         (call $put (i32.const 1) (f64.load offset=40 (local.get $params)))
         (call $put (i32.const 2) (f64.load (local.get $state)))
         (call $put (i32.const 3) (f64.convert_i32_u (i32.add (local.get $params_len) (local.get $state_len))))
         (call $answer (i32.const 4))",
    );
    assert_eq!(once(&wat, &[4]).unwrap(), [[61.0, 0.5, 0.25, 4.0]]);
}

#[test]
fn each_patient_meets_a_fresh_guest() {
    let wat = module(
        "(global.set $seen (f64.add (global.get $seen) (f64.const 1)))
         (i32.store (i32.const 4000) (i32.add (i32.load (i32.const 4000)) (i32.const 1)))
         (call $put (i32.const 0) (global.get $seen))
         (call $put (i32.const 1) (f64.convert_i32_u (i32.load (i32.const 4000))))
         (call $answer (i32.const 2))",
        "(global $seen (mut f64) (f64.const 0))",
    );
    let runner = load(&wat);
    for _ in 0..3 {
        assert_eq!(map(&runner, &everything(), &limits(), &[2]).unwrap(), [[1.0, 1.0]]);
    }
}

#[test]
fn a_trap_ends_this_patient_only() {
    let runner = load(&guest("unreachable"));
    assert!(matches!(map(&runner, &everything(), &limits(), &[1]), Err(MapFault::Trap(_))));
    assert!(matches!(map(&runner, &everything(), &limits(), &[1]), Err(MapFault::Trap(_))));
}

#[test]
fn an_endless_loop_uses_up_its_fuel() {
    assert!(matches!(once(&guest("(loop (br 0)) unreachable"), &[1]), Err(MapFault::Fuel)));
}

#[test]
fn endless_recursion_is_a_trap() {
    let wat = module("(call $deep) (call $answer (i32.const 0))", "(func $deep (call $deep) (call $deep))");
    assert!(matches!(once(&wat, &[0]), Err(MapFault::Trap(_))));
}

#[test]
fn memory_grows_up_to_its_limit_and_no_further() {
    // 80 pages are 5 MiB; the limit of these tests is 8.
    let grow =
        |pages: u32| guest(&format!("(drop (memory.grow (i32.const {pages}))) (call $answer (i32.const 0))"));
    assert_eq!(once(&grow(48), &[0]).unwrap(), [[0.0; 0]]);
    assert!(matches!(once(&grow(49), &[0]), Err(MapFault::Memory)));
}

#[test]
fn several_memories_share_one_limit() {
    let wat = |pages: u32| module("(call $answer (i32.const 0))", &format!("(memory $more {pages})"));
    assert!(once(&wat(48), &[0]).is_ok());
    assert!(matches!(once(&wat(49), &[0]), Err(MapFault::Memory)));
}

#[test]
fn tables_have_a_limit_of_their_own() {
    let wat = |entries: u32| module("(call $answer (i32.const 0))", &format!("(table {entries} funcref)"));
    assert!(once(&wat(100_000), &[0]).is_ok());
    assert!(matches!(once(&wat(300_000), &[0]), Err(MapFault::Memory)));
}

#[test]
fn outputs_of_another_length_or_number_are_a_fault() {
    let wat = guest("(call $answer (i32.const 2))");
    for shape in [&[][..], &[1], &[3], &[2, 1]] {
        assert!(matches!(once(&wat, shape), Err(MapFault::Shape { .. })), "{shape:?}");
    }
    assert!(once(&wat, &[2]).is_ok());
}

#[test]
fn lists_that_overlap_do_not_fill_the_hosts_memory() {
    // 400,000 outputs, each of the same 100,000 numbers: 320 GB if the host copied them.
    let wat = guest(
        "(loop $next
           (i32.store (i32.add (i32.const 65536) (local.get $i)) (i32.const 0))
           (i32.store (i32.add (i32.const 65540) (local.get $i)) (i32.const 100000))
           (local.set $i (i32.add (local.get $i) (i32.const 8)))
           (br_if $next (i32.lt_u (local.get $i) (i32.const 3200000))))
         (i32.store (i32.const 500) (i32.const 65536)) (i32.store (i32.const 504) (i32.const 400000))
         (i32.const 500)",
    );
    assert!(matches!(once(&wat, &[1]), Err(MapFault::Trap(_))));
}

#[test]
fn the_same_patient_uses_the_same_fuel() {
    let wat = guest(
        "(call $open (local.get $patient) (i32.const 0) (i32.const 64))
         (call $read_s16 (i32.load (i32.const 68)) (i32.const 0) (i32.const 3) (i32.const 80))
         (call $answer (i32.const 0))",
    );
    let runner = load(&wat);
    let enough = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]).is_ok();
    let (mut low, mut high) = (1, 100_000_000);
    while low < high {
        let middle = (low + high) / 2;
        if enough(middle) { high = middle } else { low = middle + 1 }
    }
    for _ in 0..3 {
        assert!(enough(low) && !enough(low - 1));
    }
    // Two host calls, opening, three slices and 48 bytes are the most of it.
    let work = OPEN + OPENING + 3 * SLICE + 2 * 5_000 + 48 * 8;
    assert!((work..work + 6_000).contains(&low), "{low}");
}

#[test]
fn host_calls_use_up_fuel() {
    let wat = guest(
        "(loop (call $series (local.get $patient) (i32.const 64)) (global.set $free (i32.const 8192)) (br 0)) unreachable",
    );
    assert!(matches!(once(&wat, &[0]), Err(MapFault::Fuel)));
}

#[test]
fn the_bytes_of_a_slab_use_up_fuel() {
    // 2 MiB at 8 units a byte are 16.8 million units; opening and decoding come on top.
    let wat = guest(
        "(call $open (local.get $patient) (i32.const 2) (i32.const 64))
         (call $read_s16 (i32.load (i32.const 68)) (i32.const 0) (i32.const 1) (i32.const 80))
         (call $answer (i32.const 0))",
    );
    let runner = load(&wat);
    let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    let work = OPEN + OPENING + SLICE;
    assert!(matches!(with(work + 16_777_000), Err(MapFault::Fuel)));
    assert!(with(work + 16_800_000).is_ok());
}

#[test]
fn a_series_is_opened_and_paid_for_once() {
    let wat = guest(
        "(loop $again (call $open (local.get $patient) (i32.const 0) (i32.const 64))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
         (call $answer (i32.const 0))",
    );
    let runner = load(&wat);
    let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    assert!(matches!(with(OPEN + OPENING), Err(MapFault::Fuel)));
    assert!(with(OPEN + OPENING + 50 * 6_000).is_ok());
}

/// Opens series 0 fifty times on the grid of another.
fn opens_on(like: u32) -> crate::Runner {
    load(&guest(&format!(
        "(loop $again (call $open_on (local.get $patient) (i32.const 0) (i32.const {like}) (i32.const 64))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
         (call $answer (i32.const 0))"
    )))
}

#[test]
fn a_series_that_does_not_open_on_another_s_grid_is_tried_and_paid_for_once() {
    // The second CT has a frame of reference of its own.
    let runner = opens_on(2);
    let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    assert!(matches!(with(2 * OPEN), Err(MapFault::Fuel)), "a failure is not free");
    assert!(with(2 * OPEN + 50 * 6_000).is_ok());
    let runner = opens_on(0);
    let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    assert!(matches!(with(50 * (2 * OPEN + OPENING)), Err(MapFault::Fuel)), "each is made anew");
    assert!(with(50 * (2 * OPEN + OPENING + 6_000)).is_ok());
}

#[test]
fn a_segmentation_is_made_and_paid_for_each_time_it_is_opened() {
    let wat = guest(
        "(loop $again
           (call $open_mask (local.get $patient) (i32.const 0) (i32.const 36) (i32.const 5) (i32.const 64))
           (call $drop_mask (i32.load (i32.const 68)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
         (call $answer (i32.const 0))",
    );
    let runner = load(&wat);
    let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    assert!(matches!(with(50 * (OPEN + OPENING)), Err(MapFault::Fuel)));
    assert!(with(50 * (OPEN + OPENING + 6_000)).is_ok());
}

#[test]
fn the_bytes_of_a_name_use_up_fuel() {
    let wat = |length: u32| {
        guest(&format!(
            "(call $column (local.get $patient) (i32.const 0) (i32.const {length}) (i32.const 64)) (call $answer (i32.const 0))"
        ))
    };
    let (short, long) = (load(&wat(9)), load(&wat(4_000)));
    let with = |runner, fuel| map(runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
    assert!(with(&short, 30_000).is_ok());
    assert!(matches!(with(&long, 4_000 * 8), Err(MapFault::Fuel)));
    assert!(with(&long, 4_000 * 8 + 30_000).is_ok());
}

#[test]
fn work_that_takes_long_costs_what_it_takes() {
    // The least that each body costs; the rest of the guest costs less than a quarter of it.
    let cases: [(&str, &str, usize, u64); 6] = [
        ("memory.fill", "(memory.fill (i32.const 0x10000) (local.get $i) (i32.const 0x100000))", 1, 1 << 20),
        ("memory.copy", "(memory.copy (i32.const 0x10000) (local.get $i) (i32.const 0x100000))", 1, 1 << 20),
        ("memory.grow", "(drop (memory.grow (local.get $i)))", 1_000, 255_000),
        ("loads", "(drop (i32.load (local.get $i)))", 1_000, 160_000),
        ("stores", "(i32.store (local.get $i) (local.get $h))", 5_000, 80_000),
        ("divisions", "(drop (i32.div_u (local.get $h) (i32.const 7)))", 5_000, 160_000),
    ];
    for (name, body, times, least) in cases {
        let runner = load(&guest(&format!("{} (call $answer (i32.const 0))", body.repeat(times))));
        let with = |fuel| map(&runner, &everything(), &Limits::new(fuel, 8, 10).unwrap(), &[0]);
        assert!(matches!(with(least), Err(MapFault::Fuel)), "{name} costs less than {least}");
        assert!(with(least + least / 4 + 5_000).is_ok(), "{name} costs more than {least} and a quarter");
    }
}

#[test]
fn an_operation_that_claims_four_gibibytes_ends_before_it_begins() {
    for body in [
        "(memory.fill (i32.const 0) (local.get $i) (i32.const -1))",
        "(memory.copy (i32.const 0) (local.get $i) (i32.const -1))",
    ] {
        let wat = guest(&format!("{body} unreachable"));
        assert!(matches!(once(&wat, &[0]), Err(MapFault::Fuel)), "{body}");
    }
}
