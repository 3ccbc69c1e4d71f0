//! What is kept of the contributions to one released number: exact integers, the same in whatever order they come.

use super::rules::Weight;

/// One number's sum and the evidence beside it. Only the rules read the evidence; it is never released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Sum of the contributions, in grid units.
    pub(super) sum: i128,
    /// Sum of their squares.
    pub(super) squares: u128,
    pub(super) weight: Weight,
}

impl Tally {
    /// Adds one patient's contribution.
    pub(super) fn add(&mut self, value: i64) {
        let size = value.unsigned_abs();
        // Admission bounds sum and squares far below these types; saturated they would be refused as dominated.
        self.sum = self.sum.saturating_add(i128::from(value));
        self.squares = self.squares.saturating_add(u128::from(size).saturating_mul(u128::from(size)));
        let one = Weight { n: 1, total: u128::from(size), top1: size, top2: 0 };
        self.weight = self.weight.and(one);
    }

    /// Adds what another worker tallied.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        self.weight = self.weight.and(other.weight);
    }
}

impl Weight {
    fn and(self, other: Self) -> Self {
        let (top1, lower) = (self.top1.max(other.top1), self.top1.min(other.top1));
        Self {
            n: self.n.saturating_add(other.n),
            total: self.total.saturating_add(other.total),
            top1,
            top2: lower.max(self.top2).max(other.top2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(values: &[i64]) -> Tally {
        let mut tally = Tally::default();
        values.iter().for_each(|v| tally.add(*v));
        tally
    }

    proptest! {
        #[test]
        fn a_tally_is_the_same_however_the_patients_are_split(values in prop::collection::vec(-1000_i64..=1000, 0..40), at in 0_usize..40) {
            let (left, right) = values.split_at(at.min(values.len()));
            let mut merged = tally(left);
            merged.merge(&tally(right));
            prop_assert_eq!(merged, tally(&values));
        }

        #[test]
        fn the_two_largest_are_those_of_a_sorted_list(values in prop::collection::vec(any::<i64>(), 0..40)) {
            let mut sizes: Vec<u64> = values.iter().map(|v| v.unsigned_abs()).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            sizes.extend([0, 0]);
            let weight = tally(&values).weight;
            prop_assert_eq!((weight.top1, weight.top2, weight.n), (sizes[0], sizes[1], values.len() as u64));
        }
    }
}
