/// The bins of a histogram output: strictly increasing edges, as in the manifest. A bin holds its lower edge and not
/// its upper one.
#[derive(Debug, Clone, Copy)]
pub struct Bins<'a>(&'a [f64]);

impl<'a> Bins<'a> {
    /// Bins between `edges`.
    #[must_use]
    pub const fn new(edges: &'a [f64]) -> Self {
        Self(edges)
    }

    /// Number of bins.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The bin that holds `value`; `None` outside the edges and for what is not a number.
    #[must_use]
    pub fn find(&self, value: f64) -> Option<usize> {
        let below = self.0.partition_point(|edge| *edge <= value);
        below.checked_sub(1).filter(|bin| *bin < self.count())
    }
}

/// Counts values bin by bin, and adds them up.
#[derive(Debug, Clone)]
pub struct Tally<'a> {
    bins: Bins<'a>,
    counts: Vec<u64>,
    values: u64,
    sum: f64,
}

impl<'a> Tally<'a> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(bins: Bins<'a>) -> Self {
        Self { bins, counts: vec![0; bins.count()], values: 0, sum: 0.0 }
    }

    /// Counts one value, whether a bin holds it or not.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.values += 1;
        self.sum += value;
        if let Some(count) = self.bins.find(value).and_then(|bin| self.counts.get_mut(bin)) {
            *count += 1;
        }
    }

    /// Number of values.
    #[must_use]
    pub const fn values(&self) -> u64 {
        self.values
    }

    /// Mean of all values; `None` without any.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.values > 0).then(|| self.sum / self.values as f64)
    }

    /// For each bin, the share of all values that it holds; all zero without any value.
    #[must_use]
    pub fn fractions(&self) -> Vec<f64> {
        let total = self.values.max(1) as f64;
        self.counts.iter().map(|count| *count as f64 / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINS: Bins<'static> = Bins::new(&[0.0, 1.0, 10.0]);

    #[test]
    fn a_bin_holds_its_lower_edge_and_not_its_upper_one() {
        let found = [-0.1, 0.0, 0.99, 1.0, 9.99, 10.0, f64::NAN, f64::INFINITY].map(|x| BINS.find(x));
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(1), None, None, None]);
    }

    #[test]
    fn values_outside_the_bins_count_in_the_whole() {
        let mut tally = Tally::new(BINS);
        [0.5, 2.0, 3.0, 100.0].into_iter().for_each(|x| tally.add(x));
        assert_eq!(tally.fractions(), [0.25, 0.5]);
        assert_eq!(tally.mean(), Some(105.5 / 4.0));
    }

    #[test]
    fn without_values_there_is_no_mean_and_no_share() {
        let tally = Tally::new(BINS);
        assert_eq!((tally.mean(), tally.fractions()), (None, vec![0.0, 0.0]));
    }
}
