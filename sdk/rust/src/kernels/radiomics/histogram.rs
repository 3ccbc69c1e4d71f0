use super::{Levels, information};

figures! {
    /// Figures of the histogram of grey levels (IBSI 3.4).
    Intensities {
        /// Mean grey level (X6K6).
        mean,
        /// Variance of grey levels (CH89).
        variance,
        /// Entropy in bits (TLU2).
        entropy,
        /// Uniformity (BJ5W).
        uniformity,
        /// The most frequent grey level; of equals the one nearest to the mean, then the lower (AMMC).
        mode,
    }
}

/// Of the grey levels of a region, which is never empty.
#[must_use]
pub fn intensities(levels: &Levels) -> Intensities {
    let mut counts = vec![0_u64; levels.count + 1];
    levels.own.iter().for_each(|level| counts[usize::from(*level)] += 1);
    let n = levels.places.len() as f64;
    let share = || counts.iter().enumerate().map(|(level, count)| (level as f64, *count as f64 / n));
    let mean: f64 = share().map(|(level, p)| level * p).sum();
    let most = counts.iter().copied().max().unwrap_or(0);
    let modes = counts.iter().enumerate().filter(|(_, count)| **count == most).map(|(level, _)| level as f64);
    Intensities {
        mean,
        variance: share().map(|(level, p)| (level - mean) * (level - mean) * p).sum(),
        entropy: -share().map(|(_, p)| information(p)).sum::<f64>(),
        uniformity: share().map(|(_, p)| p * p).sum(),
        mode: modes.reduce(|a, b| if (b - mean).abs() < (a - mean).abs() { b } else { a }).unwrap_or(0.0),
    }
}
