//! Presence: one patient alone fills a cell, and is in the cohort or not.

use super::estimate::{Fact, Noise, bound, mu, plan, recovery};
use super::lab::{QUIET, two_cohorts};
use super::row::Row;
use super::sandboxed::Guest;
use super::tries;
use trocar_filter::Contribution;

pub const GUEST: &str = "attack_one_hot";

#[test]
fn presence_in_a_cell_is_recovered_no_more_often_than_the_price_allows_and_less_noise_would_show() {
    let [_, with] = two_cohorts(GUEST, 60, [QUIET, QUIET + 3]);
    let alone = |one: &Contribution| one.0.concat().iter().sum::<f64>() == 1.0;
    assert_eq!(with.iter().filter(|one| alone(one)).count(), 1, "the guest fills one cell for one patient");
    let without: Vec<Contribution> = with.iter().filter(|one| !alone(one)).cloned().collect();
    let plan = plan(&Guest::built(GUEST).manifest.outputs, "0.5");
    let trials = tries(20_000, 200_000);
    let right = |noise, trials| recovery(&plan, [&without, &with], noise, trials);
    assert_eq!(right(Noise::Off, 1_000), 1.0, "without noise the guest must always succeed");
    let bar = bound(Fact::Presence, mu(&plan), trials);
    let weak = right(Noise::Weak, trials);
    assert!(weak > bar, "sigma / 1.25 passed: {weak} against {bar}");
    let value = right(Noise::Real, trials);
    Row {
        name: "bits of pixels packed in values: presence in a cell",
        guest: GUEST,
        tries: "a cell that one patient alone fills",
        bound: "Phi(mu / 2) and 3 standard errors",
        measured: format!("{value:.4} of {trials} guesses right; sigma / 1.25: {weak:.4}"),
        noise_off: "100 %",
        value,
        unit: "share of right guesses",
        bar,
    }
    .holds();
}
