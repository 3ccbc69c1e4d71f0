//! Agreement with the sampler of opendp 0.16, a million draws of which `tests/opendp` has pinned for each sigma.

use crate::fit::{Grid, agreement, hold};
use crate::{Sampler, trials};
use std::collections::BTreeMap;

const PINNED: &str = include_str!("../../../../tests/oracles/opendp_draws.tsv");
const SIGMAS: [u64; 3] = [4, 2560, 46_341];

/// How many of a million draws fell into each cell of the grid.
fn pinned(sigma: u64) -> BTreeMap<i128, f64> {
    let rows = PINNED.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let rows = rows.filter(|row| row[0].parse() == Ok(sigma));
    rows.map(|row| (row[1].parse().unwrap(), row[2].parse().unwrap())).collect()
}

#[test]
fn both_samplers_draw_as_opendp_s_does() {
    let n = trials(40_000, 1_000_000);
    for sampler in Sampler::BOTH {
        let p = |drawn: u64, sigma: u64| {
            let ours = Grid::of(sigma).counts(&sampler.draws(drawn, n, sigma + 3));
            agreement(&pinned(sigma), &ours)
        };
        let name = format!("opendp 0.16: agreement with {}", sampler.word());
        let tries = format!("chi-squared of {n} draws against a million of opendp's, sigma 4, 2560, 46341");
        hold(&name, &tries, "opendp 0.16.0", &SIGMAS.map(|sigma| p(sigma, sigma)), p(2048, 2560));
    }
}
