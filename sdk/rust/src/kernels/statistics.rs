//! Count, mean, standard deviation and extremes.

use super::voxel::{BLOCK, Moments, Voxel};

/// What was added so far. Blocks of 4,096 voxels are summed about their own mean and joined as Chan, Golub and LeVeque do
/// (The American Statistician 37, 1983), so that a large mean does not hide a small spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    count: u64,
    sum: f64,
    deviations: f64,
    low: f64,
    high: f64,
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

impl Statistics {
    /// Of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, sum: 0.0, deviations: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }

    /// Adds voxels.
    pub fn add<V: Voxel>(&mut self, voxels: &[V]) {
        voxels.chunks(BLOCK).for_each(|block| self.join(&V::moments(block)));
    }

    /// Adds the voxels whose mark is 1. What is longer, voxels or marks, is not looked at beyond the other's end.
    pub fn add_inside<V: Voxel>(&mut self, voxels: &[V], inside: &[u8]) {
        for (block, marks) in voxels.chunks(BLOCK).zip(inside.chunks(BLOCK)) {
            self.join(&V::moments_inside(block, marks));
        }
    }

    fn join(&mut self, block: &Moments) {
        if block.count == 0 {
            return;
        }
        let (n, m) = (self.count as f64, block.count as f64);
        if self.count > 0 {
            let apart = block.sum / m - self.sum / n;
            self.deviations += apart * apart * (n * m / (n + m));
        }
        self.count += block.count;
        self.sum += block.sum;
        self.deviations += block.deviations;
        self.low = self.low.min(block.low);
        self.high = self.high.max(block.high);
    }

    /// Number of voxels.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// Their mean; `None` without any. A voxel that is not a number makes it, and `sd`, not a number.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Their variance, divided by the count; `None` without any.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| self.deviations / self.count as f64)
    }

    /// The root of the variance; `None` without any voxel.
    #[must_use]
    pub fn sd(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// The least; `None` without any. What is not a number is passed over.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.low <= self.high).then_some(self.low)
    }

    /// The greatest; `None` without any. What is not a number is passed over.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.low <= self.high).then_some(self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919) % 1013) as f32 / 8.0 - 40.0).collect()
    }

    fn plain(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    fn close(a: Option<f64>, b: f64) {
        assert!(a.is_some_and(|a| (a - b).abs() <= 1e-12 * b.abs().max(1.0)), "{a:?} is not {b}");
    }

    #[test]
    fn slabs_of_any_length_give_mean_and_sd_of_the_whole() {
        let voxels = waves(20_011);
        let (mean, sd) = plain(&voxels.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        for step in [1, 7, 4096, 5000, 20_011] {
            let mut all = Statistics::new();
            voxels.chunks(step).for_each(|slab| all.add(slab));
            close(all.mean(), mean);
            close(all.sd(), sd);
            assert_eq!((all.count(), all.min(), all.max()), (20_011, Some(-40.0), Some(86.5)));
        }
    }

    #[test]
    fn whole_numbers_are_summed_exactly_at_their_limits() {
        let mut all = Statistics::new();
        all.add(&[i16::MIN; 10_000]);
        all.add(&[i16::MAX; 10_000]);
        close(all.sd(), 32767.5);
        assert_eq!(all.mean(), Some(-0.5));
        assert_eq!((all.min(), all.max()), (Some(-32768.0), Some(32767.0)));
    }

    #[test]
    fn a_small_spread_on_a_large_mean_is_not_lost() {
        let mut all = Statistics::new();
        let voxels: Vec<f32> =
            (0..9000).map(|i| 1_000_000.0 + f32::from(u8::from(i % 2 == 0)) * 0.125).collect();
        all.add(&voxels);
        close(all.sd(), 0.0625);
    }

    #[test]
    fn only_voxels_of_the_mask_are_added_whatever_their_type() {
        let whole: Vec<i16> = (0..9001_i16).collect();
        let marks: Vec<u8> = whole.iter().map(|v| u8::from(v % 3 == 0 && *v > 100)).collect();
        let kept: Vec<f64> =
            whole.iter().filter(|v| *v % 3 == 0 && **v > 100).map(|v| f64::from(*v)).collect();
        let (mean, sd) = plain(&kept);
        let reals: Vec<f32> = whole.iter().map(|v| f32::from(*v)).collect();
        let (mut a, mut b) = (Statistics::new(), Statistics::new());
        a.add_inside(&whole, &marks);
        b.add_inside(&reals, &marks);
        for all in [a, b] {
            close(all.mean(), mean);
            close(all.sd(), sd);
            assert_eq!((all.count(), all.min(), all.max()), (kept.len() as u64, Some(102.0), Some(9000.0)));
        }
    }

    #[test]
    fn bytes_are_numbers_too() {
        let (mut all, mut some) = (Statistics::new(), Statistics::new());
        all.add(&[0_u8, 255, 255]);
        some.add_inside(&[0_u8, 255, 7], &[0, 1, 1]);
        assert_eq!((all.mean(), some.mean(), some.min()), (Some(170.0), Some(131.0), Some(7.0)));
    }

    #[test]
    fn nothing_has_no_mean_and_what_is_not_a_number_shows() {
        let mut all = Statistics::new();
        all.add_inside(&[1.0_f32, 2.0], &[0, 0]);
        assert_eq!((all.mean(), all.sd(), all.min(), all.max()), (None, None, None, None));
        all.add(&[1.0_f32, f32::NAN]);
        assert!(all.mean().is_some_and(f64::is_nan) && all.max() == Some(1.0));
    }
}
