//! Number and shape of outputs: fixed by the manifest, whatever is returned.

use super::row::Row;
use super::sandboxed::Guest;
use super::tries;
use crate::world::root;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use trocar_filter::{Contribution, Sums, Untrusted};
use trocar_sandbox::MapFault;

pub const GUEST: &str = "attack_shape";

#[test]
fn whatever_is_returned_the_sums_have_one_length_and_nothing_panics() {
    let guest = Guest::built(GUEST);
    assert!(guest.map(&[1990]).is_ok());
    for hu in [1991, 1992, 2000, 2040, 2100, 2900] {
        let mapped = guest.map(&[hu]);
        assert!(matches!(mapped, Err(MapFault::Shape { .. } | MapFault::Trap(_))), "{hu}: {mapped:?}");
    }
    // Beyond what the guest can return: a job with an output of every kind.
    let every_kind = Guest::manifest(&root().join("manifests/valid/every-kind.toml"));
    let plan = trocar_node::plan_of(&every_kind, 10, 500).unwrap();
    let mut sums = Sums::new(&plan);
    let length = sums.bytes().len();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let returns = tries(200_000, 1_000_000);
    let mut moved = 0_u32;
    for _ in 0..returns {
        let before = sums.bytes();
        sums.add(Untrusted::new(any(&plan.shape(), &mut rng)));
        let after = sums.bytes();
        assert_eq!(after.len(), length, "a return changed the length");
        moved += u32::from(before[8..] != after[8..]);
    }
    assert!(moved > 0 && moved < returns, "{moved} of {returns} returns were of the right shape");
    Row {
        name: "number or shape of outputs",
        guest: GUEST,
        tries: "as many numbers as a voxel says; random returns of any shape and any bits to outputs of every kind",
        bound: "constant length, no panic",
        measured: format!("{returns} random returns, {length} bytes each"),
        noise_off: "the same: sums before noise are compared",
        value: 0.0,
        unit: "lengths that differ",
        bar: 0.0,
    }
    .holds();
}

/// Any number of vectors of any bits; the right shape one time in two.
fn any(shape: &[usize], rng: &mut ChaCha20Rng) -> Contribution {
    let mut shape = shape.to_vec();
    match rng.next_u32() % 4 {
        0 => shape = (0..rng.next_u32() % 5).map(|_| (rng.next_u32() % 9) as usize).collect(),
        1 => {
            let at = rng.next_u32() as usize % shape.len();
            shape[at] = (rng.next_u32() % 9) as usize;
        }
        _ => {}
    }
    Contribution(
        shape.iter().map(|length| (0..*length).map(|_| f64::from_bits(rng.next_u64())).collect()).collect(),
    )
}
