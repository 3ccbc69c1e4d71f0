//! Receiver operating characteristic, from a noised table of score bins by two labels.

use super::source::{Pair, Source, categories, edges, two};
use super::{At, Part, monotone};
use crate::figure::Number;
use crate::interval::fieller;

/// The area, then for each edge the shares of positives and of negatives whose score is at least the edge.
pub(crate) fn parts(source: &Source<'_>, positive: &str) -> Vec<Part> {
    let axes = source.axes();
    let (with, without) = two(&source.y, categories(axes.last()), positive);
    let at = || At::Numbers(edges(axes.first()).to_vec());
    vec![
        Part::one("auc", area(source, &with, &without)),
        Part::many("true_positive_rate", at(), rates(source, &with)),
        Part::many("false_positive_rate", at(), rates(source, &without)),
    ]
}

/// For each edge the share of `counts` at or above it.
fn rates(source: &Source<'_>, counts: &[f64]) -> Vec<Number> {
    let (all, bins) = (counts.iter().sum::<f64>(), counts.len() as f64);
    let rate = |(sum, cells): (f64, f64)| {
        source.proportion(&Pair { a: sum, b: all, aa: cells, ab: cells, bb: bins })
    };
    let mut rates: Vec<Number> = above(counts).into_iter().map(rate).collect();
    monotone::falling(&mut rates);
    rates
}

/// For each edge the sum of the bins above it, and how many they are.
fn above(counts: &[f64]) -> Vec<(f64, f64)> {
    let sums = counts.iter().rev().scan((0.0, 0.0), |(sum, cells), y| {
        *sum += y;
        *cells += 1.0;
        Some((*sum, *cells))
    });
    let mut all: Vec<(f64, f64)> = std::iter::once((0.0, 0.0)).chain(sums).collect();
    all.reverse();
    all
}

/// The chance that a positive scores above a negative, equal bins counting half.
///
/// With P_i, N_j the cells and w_ij = 1, 1/2 or 0, the area t solves sum (w_ij - t) P_i N_j = 0. The noise of different cells is
/// independent, so that sum has mean 0 at the true t, and a variance that is quadratic in t: Fieller's inequality. The variance
/// is taken at the noised cells, which on average is too much by the square of the noise: never too little.
fn area(source: &Source<'_>, with: &[f64], without: &[f64]) -> Number {
    let (p, n, bins) = (with.iter().sum::<f64>(), without.iter().sum::<f64>(), with.len() as f64);
    let (below, over) = (halves(without, false), halves(with, true));
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
    let v = source.sigma * source.sigma;
    let aa = v * (dot(&below, &below) + dot(&over, &over));
    let ab = v * (n * below.iter().sum::<f64>() + p * over.iter().sum::<f64>());
    let bb = v * bins * (n * n + p * p);
    // Both below the line in fact: the product of two negative numbers would look like one.
    let known = p > 0.0 && n > 0.0;
    let estimate = if known { fieller(dot(with, &below), p * n, [aa, ab, bb]) } else { None };
    Number::new(estimate, p >= source.k && n >= source.k, (0.0, 1.0))
}

/// For each bin the sum of all bins before it, or after it, and half of itself.
fn halves(counts: &[f64], after: bool) -> Vec<f64> {
    let step = |sum: &mut f64, y: &f64| {
        *sum += y;
        Some(*sum - y / 2.0)
    };
    if !after {
        return counts.iter().scan(0.0, step).collect();
    }
    let mut sums: Vec<f64> = counts.iter().rev().scan(0.0, step).collect();
    sums.reverse();
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_before_and_after_count_the_bin_itself_half() {
        assert_eq!(halves(&[2.0, 4.0, 6.0], false), [1.0, 4.0, 9.0]);
        assert_eq!(halves(&[2.0, 4.0, 6.0], true), [11.0, 8.0, 3.0]);
        assert_eq!(above(&[2.0, 4.0]), [(6.0, 2.0), (4.0, 1.0), (0.0, 0.0)]);
    }
}
