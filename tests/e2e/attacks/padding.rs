//! The guest of PRIVACY.md section 1: its sum passes a cell size of 10, dominance and p = 10 %, and gives a bit away.

use super::estimate::{Fact, Noise, bound, mu, plan, recovery, seen};
use super::lab::{QUIET, two_cohorts};
use super::row::Row;
use super::sandboxed::Guest;
use super::tries;

pub const GUEST: &str = "attack_padding";

#[test]
fn what_every_threshold_lets_through_is_recovered_no_more_often_than_the_price_allows() {
    let cohorts = two_cohorts(GUEST, 60, [QUIET, QUIET + 1]);
    for cohort in &cohorts {
        thresholds_let_through(&cohort.iter().map(|one| one.0[0][0]).collect::<Vec<_>>());
    }
    let plan = plan(&Guest::built(GUEST).manifest.outputs, "0.5");
    let trials = tries(20_000, 200_000);
    let right = |noise, trials| recovery(&plan, [&cohorts[0], &cohorts[1]], noise, trials);
    assert_eq!(right(Noise::Off, 1_000), 1.0, "without noise the guest must always succeed");
    let exact = |cohort| seen(&plan, cohort, Noise::Off, 0).unwrap()[1].0;
    assert_eq!(exact(&cohorts[1]) - exact(&cohorts[0]), 128.0, "the two sums lie the whole range apart");
    let bar = bound(Fact::Bit, mu(&plan), trials);
    let value = right(Noise::Real, trials);
    Row {
        name: "bits of pixels packed in values: padding",
        guest: GUEST,
        tries: "64 for all but one, who gives 0 or 128: lets every threshold through",
        bound: "Phi(mu) and 3 standard errors",
        measured: format!("{value:.4} of {trials} guesses right"),
        noise_off: "100 %",
        value,
        unit: "share of right guesses",
        bar,
    }
    .holds();
}

/// The rules that other platforms release exact sums by (PRIVACY.md section 1).
fn thresholds_let_through(values: &[f64]) {
    let mut sizes: Vec<f64> = values.iter().map(|x| x.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = sizes.iter().sum();
    assert!(values.len() >= 10, "below the minimum cell size");
    assert!(sizes[0] + sizes[1] < 0.9 * total, "two hold 90 %");
    assert!((total - sizes[0] - sizes[1]) / sizes[0] >= 0.1, "the second can estimate the first");
}
