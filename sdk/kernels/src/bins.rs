use crate::bindings::exports::trocar::kernels::statistics::Bins as Asked;
use trocar_guest::Bins;
use trocar_guest::kernels::EvenBins;

/// More would be a table of values.
const MOST: usize = 1 << 16;

/// Bins that mean something.
#[derive(Debug)]
pub(crate) enum Edges {
    Even(EvenBins),
    Listed(Vec<f64>),
}

impl Edges {
    pub(crate) fn new(asked: &Asked) -> Option<Self> {
        match asked {
            Asked::Even(even) => {
                let count = usize::try_from(even.count).ok().filter(|count| *count <= MOST)?;
                EvenBins::new(even.low, even.high, count).ok().map(Self::Even)
            }
            Asked::Edges(edges) => {
                let sorted = edges.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
                let sized = (2..=MOST.saturating_add(1)).contains(&edges.len());
                (sorted && sized).then(|| Self::Listed(edges.clone()))
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Even(bins) => bins.count(),
            Self::Listed(edges) => Bins::new(edges).count(),
        }
    }

    pub(crate) fn find(&self, value: f64) -> Option<usize> {
        match self {
            Self::Even(bins) => bins.find(value),
            Self::Listed(edges) => Bins::new(edges).find(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::trocar::kernels::statistics::EvenBins as Even;

    #[test]
    fn bins_that_mean_nothing_or_are_too_many_are_none() {
        let even = |low, high, count| Edges::new(&Asked::Even(Even { low, high, count }));
        assert!(even(0.0, 1.0, 4).is_some() && even(0.0, 1.0, 65_536).is_some());
        assert!(
            even(1.0, 0.0, 4).is_none() && even(0.0, 1.0, 0).is_none() && even(0.0, 1.0, 65_537).is_none()
        );
        for edges in [vec![], vec![1.0], vec![1.0, 1.0], vec![0.0, f64::NAN], vec![2.0, 1.0]] {
            assert!(Edges::new(&Asked::Edges(edges.clone())).is_none(), "{edges:?}");
        }
    }

    #[test]
    fn both_ways_to_name_bins_find_the_same() {
        let even = Edges::new(&Asked::Even(Even { low: 0.0, high: 3.0, count: 3 })).unwrap();
        let listed = Edges::new(&Asked::Edges(vec![0.0, 1.0, 2.0, 3.0])).unwrap();
        assert_eq!((even.count(), listed.count()), (3, 3));
        for value in [-0.5, 0.0, 0.99, 1.0, 2.5, 3.0, f64::NAN] {
            assert_eq!(even.find(value), listed.find(value), "{value}");
        }
    }
}
