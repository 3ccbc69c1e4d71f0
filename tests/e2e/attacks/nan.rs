//! NaN payloads and the sign of zero: 51 bits in a number that is none, and none of them comes through.

use super::row::Row;
use super::sandboxed::Guest;
use super::tries;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use trocar_filter::{Contribution, Sums, Untrusted};

pub const GUEST: &str = "attack_nan";

#[test]
fn no_bit_of_a_payload_reaches_a_sum() {
    let guest = Guest::built(GUEST);
    let plan = trocar_node::plan_of(&guest.manifest, 10, 500).unwrap();
    let sum = |add: &dyn Fn(&mut Sums)| {
        let mut sums = Sums::new(&plan);
        add(&mut sums);
        sums.bytes()
    };
    // All zero is what the default contribution is, coordinate by coordinate.
    let default = sum(&Sums::add_default);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let payloads = tries(2_000, 100_000);
    let through = (0..payloads).filter(|_| {
        let voxels = [0; 3].map(|_: i16| (rng.next_u32() % 4_096) as i16 - 1_024);
        let mapped = guest.map(&voxels).expect("the guest answers");
        sum(&|sums| sums.add(mapped.clone())) != default
    });
    let through = through.count();
    // The payloads did reach the filter: the guest's own numbers differ, it is the filter that they end in.
    let bits = |bits: u64| sum(&|sums| sums.add(Untrusted::new(nothing(f64::from_bits(bits)))));
    assert!((0..64).all(|n| bits(0x7ff8_0000_0000_0000 | (0x5_5555_5555_5555 >> n)) == default));
    assert_eq!(bits((-0.0_f64).to_bits()), bits(0), "the sign of zero reaches a sum");
    Row {
        name: "NaN payload, relaxed SIMD, threads",
        guest: GUEST,
        tries: "voxels in the payload of quiet and signalling NaNs, and in the sign of zero",
        bound: "0 bits",
        measured: format!("{through} of {payloads} payloads change a sum"),
        noise_off: "the same: sums before noise are compared",
        value: through as f64,
        unit: "payloads that come through",
        bar: 0.0,
    }
    .holds();
}

fn nothing(number: f64) -> Contribution {
    Contribution(vec![vec![number], vec![f64::NAN], vec![number; 3]])
}

#[test]
fn relaxed_simd_and_threads_are_refused_before_they_are_compiled() {
    let grant = trocar_node::grant_of(&Guest::built(GUEST).manifest);
    let refused = |module: &str| {
        let component = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        matches!(trocar_sandbox::admit(&component, &grant), Err(trocar_sandbox::AdmitError::Invalid(_)))
    };
    let relaxed =
        "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))";
    assert!(refused(relaxed), "relaxed SIMD differs between CPUs");
    assert!(refused("(memory 1 1 shared)"), "a shared memory is a clock");
    assert!(refused("(memory 1) (func (result i32) (i32.atomic.load (i32.const 0)))"));
}
