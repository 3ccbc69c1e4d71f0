//! Bits of pixels: one bit of one voxel of one patient, as loud as the clip allows.

use super::estimate::{Fact, Noise, bound, mu, plan, recovery};
use super::lab::{QUIET, two_cohorts};
use super::row::Row;
use super::sandboxed::Guest;
use super::tries;

pub const GUEST: &str = "attack_low_bit";

#[test]
fn a_bit_of_a_voxel_is_recovered_no_more_often_than_the_price_allows_and_less_noise_would_show() {
    let [zero, one] = two_cohorts(GUEST, 60, [QUIET, QUIET + 1]);
    let plan = plan(&Guest::built(GUEST).manifest.outputs, "0.5");
    let trials = tries(20_000, 200_000);
    let right = |noise, trials| recovery(&plan, [&zero, &one], noise, trials);
    assert_eq!(right(Noise::Off, 1_000), 1.0, "without noise the guest must always succeed");
    let bar = bound(Fact::Bit, mu(&plan), trials);
    let weak = right(Noise::Weak, trials);
    assert!(weak > bar, "sigma / 1.25 passed: {weak} against {bar}");
    let value = right(Noise::Real, trials);
    Row {
        name: "bits of pixels packed in values: one bit of one voxel",
        guest: GUEST,
        tries: "plus or minus the whole clip by the lowest bit of one voxel",
        bound: "Phi(mu) and 3 standard errors",
        measured: format!("{value:.4} of {trials} guesses right; sigma / 1.25: {weak:.4}"),
        noise_off: "100 %",
        value,
        unit: "share of right guesses",
        bar,
    }
    .holds();
}
