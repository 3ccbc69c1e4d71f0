//! Agreement with the sampler of opendp 0.16, a million draws of which `tests/opendp` has pinned for each sigma.

use crate::fit::{Grid, agreement};
use crate::row::Row;
use crate::{Sampler, trials};
use std::collections::BTreeMap;

const PINNED: &str = include_str!("../../../../tests/oracles/opendp_draws.tsv");
const SIGMAS: [u64; 3] = [4, 2560, 46_341];
/// True samplers fall below it once in 2,000 such runs.
const BAR: f64 = 5e-4;

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
        let least = SIGMAS.map(|sigma| p(sigma, sigma)).into_iter().fold(1.0, f64::min);
        let least = (3.0 * least).min(1.0);
        let narrow = p(2048, 2560);
        assert!(narrow < 1e-12, "the test does not see sigma / 1.25: {narrow}");
        Row {
            name: format!("opendp 0.16: agreement with {}", sampler.word()),
            tries: format!("chi-squared of {n} draws against a million of opendp's, sigma 4, 2560, 46341"),
            bound: format!("p at least {BAR}"),
            measured: format!("p {least:.3}"),
            noise_off: format!("sigma / 1.25 is found: p {narrow:.0e}"),
            value: least,
            unit: "p, the least of 3, times 3",
            against: "opendp 0.16.0",
            bar: BAR,
            op: ">=",
        }
        .hold();
    }
}
