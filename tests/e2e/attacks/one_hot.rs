//! Presence: one patient alone fills a cell, and is in the cohort or not.

use super::claim::Claim;
use super::estimate::{Fact, mu, plan, recovery};
use super::lab::{QUIET, two_cohorts};
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
    Claim {
        name: "bits of pixels packed in values: presence in a cell",
        guest: GUEST,
        tries: "a cell that one patient alone fills",
        bound: "Phi(mu / 2) and 3 standard errors",
        fact: Fact::Presence,
        mu: mu(&plan),
        trials: tries(20_000, 200_000),
        sure: 1_000,
    }
    .holds(|noise, trials| recovery(&plan, [&without, &with], noise, trials));
}
