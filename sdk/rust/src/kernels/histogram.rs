//! Histograms with bins of equal width.

use super::{Refused, census::Census, voxel::Voxel};

/// More bins than this would be a table of values.
const MOST: usize = 1 << 20;

/// Bins of equal width. A bin holds its lower edge and not its upper one; edge i is `low + i * (high - low) / count`.
#[derive(Debug, Clone, PartialEq)]
pub struct EvenBins {
    edges: Vec<f64>,
    low: f64,
    scale: f64,
}

impl EvenBins {
    /// `count` bins from `low` to `high`.
    ///
    /// # Errors
    /// No bin or over 1,048,576; ends that are not finite or not in order; bins too narrow for doubles.
    pub fn new(low: f64, high: f64, count: usize) -> Result<Self, Refused> {
        let (width, scale) = ((high - low) / count as f64, count as f64 / (high - low));
        let plain = low.is_finite() && width.is_finite() && scale.is_finite() && width > 0.0;
        if !plain || !(1..=MOST).contains(&count) {
            return Err(Refused::Size);
        }
        let mut edges: Vec<f64> = (0..count).map(|i| low + i as f64 * width).collect();
        edges.push(high);
        if edges.windows(2).all(|w| w[0] < w[1]) {
            Ok(Self { edges, low, scale })
        } else {
            Err(Refused::Size)
        }
    }

    /// Number of bins.
    #[must_use]
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// The edges, one more than bins.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The bin that holds `value`; `None` outside the edges and for what is not a number.
    #[inline]
    #[must_use]
    pub fn find(&self, value: f64) -> Option<usize> {
        let bin = self.place(value);
        (bin < self.count()).then_some(bin)
    }

    /// The bin, or the number of bins where there is none. A guess by multiplication, set right by the edges themselves, as
    /// rounding may put a value that lies on an edge one bin off.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates; NaN is no bin"
    )]
    fn place(&self, value: f64) -> usize {
        let none = self.edges.len() - 1;
        let guess = (((value - self.low) * self.scale) as u32 as usize).min(none - 1);
        let (low, high) = (self.edges[guess], self.edges[guess + 1]);
        let bin = (guess + usize::from(value >= high)).wrapping_sub(usize::from(value < low));
        if bin < none && !value.is_nan() { bin } else { none }
    }
}

/// Counts voxels bin by bin. Whole numbers are counted by value first (1 MiB), which is faster than finding a bin for each.
#[derive(Debug, Clone)]
pub struct Histogram {
    bins: EvenBins,
    /// One place more than bins: voxels that lie in none.
    counts: Vec<u64>,
    whole: Option<Census>,
}

impl Histogram {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(bins: EvenBins) -> Self {
        let counts = vec![0; bins.count() + 1];
        Self { bins, counts, whole: None }
    }

    /// Counts voxels.
    pub fn add<V: Voxel>(&mut self, voxels: &[V]) {
        V::count(voxels, self);
    }

    /// Counts the voxels whose mark is 1. What is longer, voxels or marks, is not looked at beyond the other's end.
    pub fn add_inside<V: Voxel>(&mut self, voxels: &[V], inside: &[u8]) {
        V::count_inside(voxels, inside, self);
    }

    pub(super) fn census(&mut self) -> &mut Census {
        self.whole.get_or_insert_with(Census::new)
    }

    /// Counts reals, each with whether it counts.
    #[inline(always)]
    pub(super) fn count_reals(&mut self, values: impl Iterator<Item = (f32, bool)>) {
        let (bins, counts) = (&self.bins, self.counts.as_mut_slice());
        for (value, keep) in values {
            counts[bins.place(f64::from(value))] += u64::from(keep);
        }
    }

    /// The bins.
    #[must_use]
    pub const fn bins(&self) -> &EvenBins {
        &self.bins
    }

    /// Voxels in each bin.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = self.all();
        counts.pop();
        counts
    }

    /// Voxels in no bin, those that are not a number among them.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.all().pop().unwrap_or(0)
    }

    /// For each bin, the share of all voxels that it holds; all zero without any voxel.
    #[must_use]
    pub fn fractions(&self) -> Vec<f64> {
        let mut all = self.all();
        let total = all.iter().sum::<u64>().max(1) as f64;
        all.pop();
        all.iter().map(|n| *n as f64 / total).collect()
    }

    fn all(&self) -> Vec<u64> {
        let Some(census) = &self.whole else { return self.counts.clone() };
        let (mut more, outside) = census.bins(&self.bins);
        more.push(outside);
        self.counts.iter().zip(more).map(|(a, b)| a + b).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bins;

    #[test]
    fn bins_of_no_width_or_number_are_refused() {
        let nan = f64::NAN;
        let bad = [
            (0.0, 0.0, 4),
            (1.0, 0.0, 4),
            (0.0, 1.0, 0),
            (nan, 1.0, 4),
            (0.0, nan, 4),
            (0.0, f64::INFINITY, 4),
        ];
        for (low, high, count) in bad {
            assert_eq!(EvenBins::new(low, high, count), Err(Refused::Size), "{low} {high} {count}");
        }
        assert_eq!(EvenBins::new(0.0, 1.0, MOST + 1), Err(Refused::Size));
        assert_eq!(
            EvenBins::new(1.0, 1.0 + f64::EPSILON, 4),
            Err(Refused::Size),
            "bins without a number in them"
        );
        assert_eq!(EvenBins::new(-f64::MAX, f64::MAX, 4), Err(Refused::Size), "a width that overflows");
    }

    #[test]
    fn the_fast_search_finds_what_a_search_by_halves_finds_at_every_edge_and_beside_it() {
        for (low, high, count) in [(-1024.0, 3071.0, 256), (0.1, 0.7, 7), (-3.3, 9.9, 1000), (0.0, 1e-9, 3)] {
            let bins = EvenBins::new(low, high, count).unwrap();
            let plain = Bins::new(bins.edges());
            for edge in bins.edges() {
                for value in [edge.next_down(), *edge, edge.next_up()] {
                    assert_eq!(bins.find(value), plain.find(value), "{value} of {low}, {high}, {count}");
                }
            }
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
                assert_eq!(bins.find(value), None);
            }
        }
    }

    #[test]
    fn whole_numbers_reals_and_bytes_count_alike() {
        let whole: Vec<i16> = (-50..200).collect();
        let reals: Vec<f32> = whole.iter().map(|v| f32::from(*v)).collect();
        let bins = EvenBins::new(0.0, 100.0, 7).unwrap();
        let (mut a, mut b, mut c) =
            (Histogram::new(bins.clone()), Histogram::new(bins.clone()), Histogram::new(bins));
        a.add(&whole);
        b.add(&reals);
        c.add(&(0..=255).collect::<Vec<u8>>());
        assert_eq!((a.counts(), a.outside()), (b.counts(), b.outside()));
        assert_eq!((a.counts(), a.outside()), (vec![15, 14, 14, 15, 14, 14, 14], 150));
        assert_eq!((c.counts(), c.outside()), (a.counts(), 156));
        assert!((a.fractions().iter().sum::<f64>() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn only_marked_voxels_are_counted() {
        let bins = EvenBins::new(0.0, 4.0, 2).unwrap();
        let mut all = Histogram::new(bins);
        all.add_inside(&[0.0_f32, 1.0, 2.0, 9.0, f32::NAN], &[1, 0, 1, 1, 1]);
        all.add_inside(&[0_i16, 3, 3], &[0, 1, 1]);
        all.add_inside(&[0_u8, 9], &[1, 1]);
        assert_eq!((all.counts(), all.outside()), (vec![2, 3], 3));
    }
}
