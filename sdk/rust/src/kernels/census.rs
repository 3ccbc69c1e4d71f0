//! How often each whole number occurs: from that all else follows exactly, in memory that does not grow.

use super::histogram::EvenBins;

/// Values of 16 bits.
const VALUES: usize = 1 << 16;

/// Voxels after which a 32-bit count could be full.
const FULL: u64 = 1 << 31;

/// Counts of each value of 16 bits. Neighbours are often equal, and a count that was just written is slow to be read back,
/// so odd and even voxels have a table each.
#[derive(Debug, Clone)]
pub struct Census {
    even: Box<[u32; VALUES]>,
    odd: Box<[u32; VALUES]>,
    whole: Box<[u64; VALUES]>,
    pending: u64,
}

impl Default for Census {
    fn default() -> Self {
        Self::new()
    }
}

impl Census {
    /// Nothing counted. It takes 1 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self { even: table(), odd: table(), whole: table(), pending: 0 }
    }

    /// Counts voxels.
    pub fn add(&mut self, voxels: &[i16]) {
        for part in voxels.chunks(1 << 20) {
            let (even, odd) = (&mut *self.even, &mut *self.odd);
            let (pairs, last) = part.as_chunks::<2>();
            for [a, b] in pairs {
                even[place(*a)] += 1;
                odd[place(*b)] += 1;
            }
            last.iter().for_each(|v| even[place(*v)] += 1);
            self.counted(part.len());
        }
    }

    /// Counts the voxels whose mark is 1. What is longer, voxels or marks, is not looked at beyond the other's end.
    pub fn add_inside(&mut self, voxels: &[i16], inside: &[u8]) {
        let n = voxels.len().min(inside.len());
        let (voxels, inside) = (&voxels[..n], &inside[..n]);
        for (part, marks) in voxels.chunks(1 << 20).zip(inside.chunks(1 << 20)) {
            let (even, odd) = (&mut *self.even, &mut *self.odd);
            let ((pairs, last), (both, end)) = (part.as_chunks::<2>(), marks.as_chunks::<2>());
            for ([a, b], [m, n]) in pairs.iter().zip(both) {
                even[place(*a)] += u32::from(*m == 1);
                odd[place(*b)] += u32::from(*n == 1);
            }
            last.iter().zip(end).for_each(|(v, m)| even[place(*v)] += u32::from(*m == 1));
            self.counted(part.len());
        }
    }

    fn counted(&mut self, voxels: usize) {
        self.pending += voxels as u64;
        if self.pending >= FULL {
            self.gather();
        }
    }

    fn gather(&mut self) {
        for ((whole, even), odd) in self.whole.iter_mut().zip(self.even.iter_mut()).zip(self.odd.iter_mut()) {
            *whole += u64::from(std::mem::take(even)) + u64::from(std::mem::take(odd));
        }
        self.pending = 0;
    }

    /// Each value that occurs and how often, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = (i16, u64)> + '_ {
        (i16::MIN..=i16::MAX).filter_map(|value| {
            let at = place(value);
            let count = self.whole[at] + u64::from(self.even[at]) + u64::from(self.odd[at]);
            (count > 0).then_some((value, count))
        })
    }

    /// Number of voxels.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.values().map(|(_, n)| n).sum()
    }

    /// Mean and standard deviation (divided by the count), rounded once; `None` without a voxel.
    #[must_use]
    pub fn mean_and_sd(&self) -> Option<(f64, f64)> {
        let (mut n, mut sum, mut squares) = (0_i128, 0_i128, 0_i128);
        for (value, count) in self.values() {
            let (value, count) = (i128::from(value), i128::from(count));
            (n, sum, squares) = (n + count, sum + value * count, squares + value * value * count);
        }
        let total = n as f64;
        (n > 0).then(|| (sum as f64 / total, ((n * squares - sum * sum) as f64).sqrt() / total))
    }

    /// Least and greatest value; `None` without a voxel.
    #[must_use]
    pub fn extremes(&self) -> Option<(i16, i16)> {
        Some((self.values().next()?.0, self.values().next_back()?.0))
    }

    /// The value below which a share of the voxels lies, between neighbours in order by straight line (numpy's default);
    /// `None` without a voxel or for a share outside 0..=1.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.count().checked_sub(1).filter(|_| (0.0..=1.0).contains(&share))?;
        let place = share * last as f64;
        let (low, high) = (self.ranked(place.floor())?, self.ranked(place.ceil())?);
        Some(low + (high - low) * place.fract())
    }

    fn ranked(&self, rank: f64) -> Option<f64> {
        let mut below = 0;
        let mut found = self.values().skip_while(|(_, count)| {
            below += count;
            below as f64 <= rank
        });
        found.next().map(|(value, _)| f64::from(value))
    }

    /// Counts by bins, and how many lie in none.
    #[must_use]
    pub fn bins(&self, bins: &EvenBins) -> (Vec<u64>, u64) {
        let (mut counts, mut outside) = (vec![0; bins.count()], 0);
        for (value, count) in self.values() {
            match bins.find(f64::from(value)).and_then(|bin| counts.get_mut(bin)) {
                Some(bin) => *bin += count,
                None => outside += count,
            }
        }
        (counts, outside)
    }
}

#[inline(always)]
fn place(value: i16) -> usize {
    usize::from(value.cast_unsigned())
}

fn table<T: Copy + Default>() -> Box<[T; VALUES]> {
    let all = vec![T::default(); VALUES].into_boxed_slice();
    all.try_into().unwrap_or_else(|_| Box::new([T::default(); VALUES]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(voxels: &[i16]) -> Census {
        let mut census = Census::new();
        census.add(voxels);
        census
    }

    #[test]
    fn values_at_both_ends_are_counted_apart() {
        let census = seen(&[i16::MIN, -1, 0, 1, i16::MAX, 1, 1]);
        let all: Vec<_> = census.values().collect();
        assert_eq!(all, [(i16::MIN, 1), (-1, 1), (0, 1), (1, 3), (i16::MAX, 1)]);
        assert_eq!((census.count(), census.extremes()), (7, Some((i16::MIN, i16::MAX))));
    }

    #[test]
    fn mean_sd_and_quantiles_are_those_of_the_sorted_values() {
        let census = seen(&[4, 1, 3, 2]);
        assert_eq!(census.mean_and_sd(), Some((2.5, 1.25_f64.sqrt())));
        let quantiles = [0.0, 0.1, 0.5, 0.75, 1.0].map(|q| census.quantile(q).unwrap());
        assert_eq!(quantiles, [1.0, 1.3, 2.5, 3.25, 4.0]);
        assert_eq!((census.quantile(1.5), Census::new().quantile(0.5)), (None, None));
    }

    #[test]
    fn only_marked_voxels_are_counted() {
        let mut census = Census::new();
        census.add_inside(&[5, 6, 7, 8, 9], &[1, 0, 1, 2, 1]);
        assert_eq!(census.values().map(|(v, _)| v).collect::<Vec<_>>(), [5, 7, 9]);
    }

    #[test]
    fn marks_that_end_early_or_late_change_nothing_else() {
        let mut census = Census::new();
        census.add_inside(&[1, 2, 3, 4, 5], &[1, 1, 1]);
        census.add_inside(&[6], &[1, 1, 1]);
        assert_eq!(census.values().map(|(v, _)| v).collect::<Vec<_>>(), [1, 2, 3, 6]);
    }

    #[test]
    fn gathering_full_tables_loses_nothing() {
        let mut census = seen(&[1, 1, 2]);
        census.gather();
        census.add(&[2]);
        assert_eq!(census.values().collect::<Vec<_>>(), [(1, 2), (2, 2)]);
    }
}
