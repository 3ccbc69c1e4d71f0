//! Bits of pixels: one bit of one voxel of one patient, as loud as the clip allows.

use super::claim::Claim;
use super::estimate::{Fact, mu, plan, recovery};
use super::lab::{QUIET, two_cohorts};
use super::sandboxed::Guest;
use super::tries;

pub const GUEST: &str = "attack_low_bit";

#[test]
fn a_bit_of_a_voxel_is_recovered_no_more_often_than_the_price_allows_and_less_noise_would_show() {
    let [zero, one] = two_cohorts(GUEST, 60, [QUIET, QUIET + 1]);
    let plan = plan(&Guest::built(GUEST).manifest.outputs, "0.5");
    Claim {
        name: "bits of pixels packed in values: one bit of one voxel",
        guest: GUEST,
        tries: "plus or minus the whole clip by the lowest bit of one voxel",
        bound: "Phi(mu) and 3 standard errors",
        fact: Fact::Bit,
        mu: mu(&plan),
        trials: tries(20_000, 200_000),
        sure: 1_000,
    }
    .holds(|noise, trials| recovery(&plan, [&zero, &one], noise, trials));
}
