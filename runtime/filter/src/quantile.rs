//! Quantiles: an edge read off a noisy histogram with public edges, so never a patient's own value.

use crate::interval::{Estimate, Z95};

/// For probability p the upper edge of the bin in which the patients' quantile lies, and an interval of whole bins that
/// holds the quantile itself.
///
/// With bins y_1..y_B, their sum N and C_j the sum of the first j, the bin is the first j with D_j = C_j - p N >= 0. The
/// noise makes D rise and fall, so the first crossing would come too early; j is where isotonic regression of D crosses 0,
/// which is where the sum of D_1..D_(j-1) is least. The interval holds each j that two one-sided tests let stand,
/// D_j >= -z s_j and D_(j-1) <= z s_(j-1): the true j fails one of them in 5 % of draws at most, whatever the number of bins.
/// `None` where N does not differ from 0 by more than its noise.
pub(crate) fn quantile(bins: &[f64], edges: &[f64], p: f64, sigma: f64) -> Option<Estimate> {
    let (total, count) = (bins.iter().sum::<f64>(), bins.len() as f64);
    if total <= Z95 * sigma * count.sqrt() {
        return None;
    }
    let distances = distances(bins, p * total);
    let spread = |j: usize| {
        let (below, above) = (j as f64, count - j as f64);
        Z95 * sigma * (below * (1.0 - p).powi(2) + above * p * p).sqrt()
    };
    let at = |j: usize| distances.get(j).copied().unwrap_or(0.0);
    let stands = |j: &usize| at(*j) >= -spread(*j) && at(j.saturating_sub(1)) <= spread(j.saturating_sub(1));
    let found = crossing(&distances);
    let standing: Vec<usize> = (1..=bins.len()).filter(stands).chain([found]).collect();
    let (first, last) = (standing.iter().min()?, standing.iter().max()?);
    let edge = |j: usize| edges.get(j).copied();
    let (value, low95, high95) = (edge(found)?, edge(first.checked_sub(1)?)?, edge(*last)?);
    // What a normal distribution of this interval would have: a step of bins has no density to take one from.
    Some(Estimate { value, sd: (high95 - low95) / (2.0 * Z95), low95, high95 })
}

/// D_0 to D_B.
fn distances(bins: &[f64], reached: f64) -> Vec<f64> {
    let rest = bins.iter().scan(-reached, |sum, y| {
        *sum += y;
        Some(*sum)
    });
    std::iter::once(-reached).chain(rest).collect()
}

/// The first j of 1..=B at which the sum of D_1..D_(j-1) is least.
fn crossing(distances: &[f64]) -> usize {
    let (mut sum, mut least, mut found) = (0.0, 0.0, 1);
    for (j, d) in distances.iter().enumerate().skip(1).take(distances.len().saturating_sub(2)) {
        sum += d;
        if sum < least {
            (least, found) = (sum, j.saturating_add(1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [f64; 6] = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0];

    fn value(bins: &[f64; 5], p: f64) -> f64 {
        quantile(bins, &EDGES, p, 0.0).unwrap().value
    }

    #[test]
    fn without_noise_it_is_the_least_edge_below_which_the_share_lies() {
        let bins = [10.0, 0.0, 20.0, 60.0, 10.0];
        for (p, edge) in [(0.05, 10.0), (0.1, 10.0), (0.11, 30.0), (0.3, 30.0), (0.5, 40.0), (0.95, 50.0)] {
            assert_eq!(value(&bins, p), edge, "at {p}");
        }
        let e = quantile(&bins, &EDGES, 0.5, 0.0).unwrap();
        assert_eq!((e.low95, e.high95), (30.0, 40.0), "the bin that holds the median");
    }

    #[test]
    fn one_bin_that_falls_by_noise_does_not_move_it() {
        assert_eq!(value(&[40.0, 6.0, -30.0, 72.0, 0.0], 0.5), 40.0, "the first crossing is at 20");
        assert_eq!(value(&[10.0, 0.0, -8.0, 60.0, 10.0], 0.5), 40.0);
    }

    #[test]
    fn more_noise_means_more_bins() {
        let bins = [20.0, 20.0, 20.0, 20.0, 20.0];
        let width = |sigma| {
            let e = quantile(&bins, &EDGES, 0.5, sigma).unwrap();
            e.high95 - e.low95
        };
        assert!(width(0.5) < width(6.0) && width(6.0) <= width(12.0));
        assert_eq!(quantile(&[1.0, 2.0, 0.0, 1.0, 1.0], &EDGES, 0.5, 5.0), None);
    }
}
