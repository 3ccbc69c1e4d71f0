use crate::kernels::{Refused, Voxel, voxel::extremes};

figures! {
    /// Intensity-based statistics of a region (IBSI 3.3). Quantiles lie on the straight line between neighbours in order, as
    /// numpy's do.
    FirstOrder {
        /// Mean (Q4LE).
        mean,
        /// Variance, divided by the number of voxels (ECT3).
        variance,
        /// Skewness (KE2A); 0 where all values are equal.
        skewness,
        /// Excess kurtosis (IPH6); 0 where all values are equal. (pyradiomics adds 3.)
        kurtosis,
        /// Median (Y12H).
        median,
        /// Minimum (1GSF).
        minimum,
        /// 10th percentile (QG58).
        percentile_10,
        /// 90th percentile (8DWT).
        percentile_90,
        /// Maximum (84IY).
        maximum,
        /// Interquartile range (SALO).
        interquartile_range,
        /// Range (2OJQ).
        range,
        /// Mean absolute deviation from the mean (4FUA).
        mean_absolute_deviation,
        /// The same of the values from the 10th to the 90th percentile (1128).
        robust_mean_absolute_deviation,
        /// Mean absolute deviation from the median (N72L).
        median_absolute_deviation,
        /// Coefficient of variation (7TET).
        variation,
        /// Quartile coefficient of dispersion (9S40).
        quartile_dispersion,
        /// Energy, the sum of squares (N8CA).
        energy,
        /// Root mean square (5ZWQ).
        root_mean_square,
    }
}

/// The statistics of the voxels whose mark is 1. It takes eight bytes a voxel inside.
///
/// # Errors
/// Voxels and marks are of different lengths; the region is empty, or has a value that is not finite.
pub fn first_order<V: Voxel>(voxels: &[V], inside: &[u8]) -> Result<FirstOrder, Refused> {
    if voxels.len() != inside.len() {
        return Err(Refused::Length);
    }
    let kept = voxels.iter().zip(inside).filter(|(_, mark)| **mark == 1);
    of(kept.map(|(value, _)| value.real()).collect())
}

/// Sums run in the order of the voxels; only then are they put in another.
fn of(mut values: Vec<f64>) -> Result<FirstOrder, Refused> {
    if values.is_empty() || !values.iter().all(|v| v.is_finite()) {
        return Err(Refused::Size);
    }
    let n = values.len() as f64;
    let mean = sum(&values, |v| v) / n;
    let energy = sum(&values, |v| v * v);
    let [second, third, fourth] = moments(&values, mean).map(|m| m / n);
    let spread = |power: f64, moment: f64| if second > 0.0 { moment / second.powf(power) } else { 0.0 };
    let away = |from: f64| sum(&values, |v| (v - from).abs()) / n;
    let mean_absolute_deviation = away(mean);
    let mut ordered = values.clone();
    let [p10, q1, median, q3, p90] = quantiles(&mut ordered, [0.1, 0.25, 0.5, 0.75, 0.9]);
    let median_absolute_deviation = away(median);
    values.retain(|v| (p10..=p90).contains(v));
    let core = sum(&values, |v| v) / values.len().max(1) as f64;
    let robust = sum(&values, |v| (v - core).abs()) / values.len().max(1) as f64;
    let (minimum, maximum) = extremes(ordered.iter().copied());
    Ok(FirstOrder {
        mean,
        variance: second,
        skewness: spread(1.5, third),
        kurtosis: if second > 0.0 { spread(2.0, fourth) - 3.0 } else { 0.0 },
        median,
        minimum,
        percentile_10: p10,
        percentile_90: p90,
        maximum,
        interquartile_range: q3 - q1,
        range: maximum - minimum,
        mean_absolute_deviation,
        robust_mean_absolute_deviation: robust,
        median_absolute_deviation,
        variation: second.sqrt() / mean,
        quartile_dispersion: (q3 - q1) / (q3 + q1),
        energy,
        root_mean_square: (energy / n).sqrt(),
    })
}

/// Eight sums side by side, in a fixed order: one alone would wait for itself at each voxel.
#[inline(always)]
fn sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        lanes.iter_mut().zip(eight).for_each(|(lane, v)| *lane += term(*v));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|v| term(*v)).sum::<f64>()
}

/// Sums of the second, third and fourth powers of the distances from the mean.
fn moments(values: &[f64], mean: f64) -> [f64; 3] {
    let square = |v: f64| (v - mean) * (v - mean);
    [sum(values, square), sum(values, |v| square(v) * (v - mean)), sum(values, |v| square(v) * square(v))]
}

/// Each share's value in order, on the line between the two ranks that it lies between.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
fn quantiles<const N: usize>(values: &mut [f64], shares: [f64; N]) -> [f64; N] {
    let last = values.len() - 1;
    let place = |share: f64| share * last as f64;
    let near = |share: f64| [place(share) as usize, (place(share) as usize + 1).min(last)];
    let mut ranks: Vec<usize> = shares.iter().flat_map(|share| near(*share)).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let mut found = Vec::with_capacity(ranks.len());
    pick(values, 0, &ranks, &mut found);
    let at = |rank: usize| ranks.binary_search(&rank).map_or(f64::NAN, |i| found[i]);
    shares.map(|share| {
        let [low, high] = near(share).map(at);
        low + (high - low) * place(share).fract()
    })
}

/// The values of these ranks, which stand in order; each search parts the values for those that follow.
fn pick(values: &mut [f64], from: usize, ranks: &[usize], found: &mut Vec<f64>) {
    let middle = ranks.len() / 2;
    let Some(rank) = ranks.get(middle) else { return };
    let (below, value, above) = values.select_nth_unstable_by(rank - from, f64::total_cmp);
    let value = *value;
    pick(below, from, &ranks[..middle], found);
    found.push(value);
    pick(above, rank + 1, &ranks[middle + 1..], found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_of_one_value_has_no_spread() {
        let found = first_order(&[7_i16, 7, 7, 9], &[1, 1, 1, 0]).unwrap();
        let flat = [found.variance, found.skewness, found.kurtosis, found.range, found.interquartile_range];
        assert_eq!(flat, [0.0; 5]);
        assert_eq!((found.mean, found.median, found.energy, found.root_mean_square), (7.0, 7.0, 147.0, 7.0));
    }

    #[test]
    fn quantiles_lie_on_the_line_between_neighbours() {
        let found = first_order(&[4_i16, 1, 3, 2], &[1; 4]).unwrap();
        assert_eq!((found.percentile_10, found.median, found.interquartile_range), (1.3, 2.5, 1.5));
        let one = first_order(&[5.0_f32], &[1]).unwrap();
        assert_eq!((one.percentile_10, one.percentile_90, one.maximum), (5.0, 5.0, 5.0));
    }

    #[test]
    fn a_region_without_voxels_or_with_what_is_no_number_is_refused() {
        assert_eq!(first_order(&[1_i16], &[0]), Err(Refused::Size));
        assert_eq!(first_order(&[1.0, f32::NAN], &[1, 1]), Err(Refused::Size));
        assert_eq!(first_order(&[1.0_f32], &[1, 1]), Err(Refused::Length));
        assert!(first_order(&[1.0, f32::NAN], &[1, 0]).is_ok(), "what lies outside is not looked at");
    }
}
